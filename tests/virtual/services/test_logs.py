"""Logs that the station really uploads."""

from typing import Any

import pytest

from tests.virtual.conftest import Rig
from tests.virtual.fake_clock import until

from .file_server import FileServer


def statuses(rig: Rig) -> list[tuple[str, int | None]]:
    return [
        (each["status"], each.get("requestId"))
        for each in rig.csms.calls("LogStatusNotification")
    ]


async def ask(
    rig: Rig, url: str, number: int = 7, log_type: str = "DiagnosticsLog", **more: Any
) -> dict[str, Any]:
    log = {"remoteLocation": url}
    request = {"requestId": number, "logType": log_type, "log": log, **more}
    return await rig.csms.call("GetLog", request)


async def told(rig: Rig, *wanted: tuple[str, int | None]) -> None:
    await until(lambda: statuses(rig) == list(wanted), f"{wanted} in {statuses(rig)}")


@pytest.mark.parametrize("protocol", ["ocpp2.1", "ocpp2.0.1"])
async def test_log_arrives_and_its_way_is_told(
    rig: Rig, files: FileServer, protocol: str
) -> None:
    rig.csms.protocol = protocol
    await rig.start()
    answer = await ask(rig, files.url + "one-time-token")
    assert answer["status"] == "Accepted"
    await told(rig, ("Uploading", 7), ("Uploaded", 7))
    ((method, path, content),) = files.uploads
    assert (method, path) == ("PUT", "/one-time-token")
    assert b"Bidirectional 11" in content
    assert rig.config.password.encode() not in content


async def test_file_name_joins_an_address_that_is_a_folder(
    rig: Rig, files: FileServer
) -> None:
    await rig.start()
    answer = await ask(rig, files.url + "logs/", 8, "SecurityLog")
    await told(rig, ("Uploading", 8), ("Uploaded", 8))
    assert files.uploads[0][1] == f"/logs/{answer['filename']}"


async def test_server_without_put_gets_a_form(rig: Rig, files: FileServer) -> None:
    files.status_of["PUT"] = [405]
    await rig.start()
    await ask(rig, files.url + "x")
    await told(rig, ("Uploading", 7), ("Uploaded", 7))
    ((method, _, content),) = files.uploads
    assert method == "POST"
    assert content.startswith(b"2026-11-22")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (403, "PermissionDenied"),
        (400, "BadMessage"),
        (500, "UploadFailure"),
        pytest.param(307, "UploadFailure", id="redirects are not followed"),
    ],
)
async def test_failed_uploads(
    rig: Rig, files: FileServer, answer: int, status: str
) -> None:
    files.status_of["PUT"] = [answer]
    await rig.start()
    await ask(rig, files.url + "x")
    await told(rig, ("Uploading", 7), (status, 7))
    assert files.uploads == []


async def test_address_that_is_no_http(rig: Rig) -> None:
    await rig.start()
    await ask(rig, "ftp://127.0.0.1/x")
    await told(rig, ("Uploading", 7), ("NotSupportedOperation", 7))


async def test_upload_is_tried_again_after_its_interval(
    rig: Rig, files: FileServer
) -> None:
    files.status_of["PUT"] = [500, 500]
    await rig.start()
    await ask(rig, files.url + "x", retries=2, retryInterval=30)
    await until(lambda: files.status_of["PUT"] == [500])
    assert await rig.wait(lambda: not files.status_of["PUT"]) >= 30
    assert await rig.wait(lambda: files.uploads) >= 29
    await told(rig, ("Uploading", 7), ("Uploaded", 7))


async def test_newer_request_takes_the_place_of_one_that_runs(
    rig: Rig, files: FileServer
) -> None:
    files.hold.clear()
    await rig.start()
    await ask(rig, files.url + "first")
    await told(rig, ("Uploading", 7))
    trigger = {"requestedMessage": "LogStatusNotification"}
    assert await rig.csms.call("TriggerMessage", trigger) == {"status": "Accepted"}
    await told(rig, ("Uploading", 7), ("Uploading", 7))
    answer = await ask(rig, files.url + "second", 8)
    assert answer["status"] == "AcceptedCanceled"
    files.hold.set()
    await told(
        rig,
        ("Uploading", 7),
        ("Uploading", 7),
        ("AcceptedCanceled", 7),
        ("Uploading", 8),
        ("Uploaded", 8),
    )
    await rig.csms.call("TriggerMessage", trigger)
    await until(lambda: statuses(rig)[-1] == ("Idle", None))


async def test_log_that_is_none_is_refused(rig: Rig, files: FileServer) -> None:
    await rig.start()
    answer = await ask(rig, files.url, 7, "DataCollectorLog")
    assert answer == {"status": "Rejected"}


async def test_upload_that_broke_with_the_link_is_done_on_the_next(
    rig: Rig, files: FileServer
) -> None:
    files.hold.clear()
    await rig.start()
    await ask(rig, files.url + "x")
    await told(rig, ("Uploading", 7))
    await rig.csms.drop()
    await rig.reconnect()
    files.hold.set()
    await until(lambda: statuses(rig)[-1:] == [("Uploaded", 7)])
