"""Services that a station is asked for, on every version, on a real socket."""

import asyncio
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import aiohttp
from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.csms import uploads
from custom_components.v2g_vpp.csms.schemas import load_schemas
from custom_components.v2g_vpp.csms.versions import SERVED_VERSIONS
from custom_components.v2g_vpp.csms.wording_requests import request_of
from custom_components.v2g_vpp.domain.requests import (
    CancelReservation,
    ChangeSetting,
    InstallFirmware,
    LogKind,
    ReadLocalListVersion,
    ReadSettings,
    ReplaceLocalList,
    Reserve,
    Restart,
    SendData,
    SendLog,
    SetAvailability,
    SettingName,
    StationAnswer,
    StationRequest,
    Tell,
    Telling,
    Unlock,
    setting_name,
)
from custom_components.v2g_vpp.domain.setpoint import WriteStatus
from tests.csms.charge_point import ChargePoint
from tests.csms.charger import Charger
from tests.csms.peer import STATION, Dialler, Peer, Rig
from tests.csms.scenario_table import Scene

BOOKS = load_schemas()
PROTOCOLS = [version.protocol for version in SERVED_VERSIONS]
AT = datetime(2026, 11, 22, 20, tzinfo=UTC)
URL = "https://example.com/file"
SIGNED = {"signing_certificate": "PEM", "signature": "AAAA"}
REQUESTS: list[StationRequest] = [
    Reserve(reservation_id=3, evse_id=1, expires_at=AT, token="HA"),
    Reserve(reservation_id=3, evse_id=0, expires_at=AT, token="04A1B2C3"),
    CancelReservation(reservation_id=3),
    SetAvailability(evse_id=0, is_operative=False),
    Restart(is_immediate=True),
    Restart(is_immediate=False),
    Unlock(evse_id=1),
    *(Tell(what=what, evse_id=evse_id) for what in Telling for evse_id in (0, 1)),
    SendLog(kind=LogKind.DIAGNOSTICS, request_id=1, oldest_at=AT, latest_at=AT),
    SendLog(kind=LogKind.SECURITY, request_id=1),
    InstallFirmware(url=URL, retrieve_at=AT, request_id=1),
    InstallFirmware(url=URL, retrieve_at=AT, request_id=1, **SIGNED),
    ReplaceLocalList(version=1, tokens=("04A1B2C3",)),
    ReplaceLocalList(version=2, tokens=()),
    ReadLocalListVersion(),
    SendData(vendor_id="Acme", message_id="m", data="d"),
    SendData(vendor_id="Acme"),
]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: type(r).__name__)
def test_every_request_is_legal_in_every_version(
    protocol: str, request_: StationRequest
) -> None:
    worded = request_of(protocol, request_, URL)
    assert worded is not None
    action, payload = worded
    assert BOOKS[protocol].knows(action)
    assert BOOKS[protocol].fault_in_own_request(action, payload) is None


_NAME = st.text("abcXYZ019_ -", min_size=1, max_size=50).map(str.strip).filter(bool)


@given(
    st.builds(
        SettingName,
        variable=_NAME,
        variable_instance=st.none() | _NAME,
        component=_NAME,
        component_instance=st.none() | _NAME,
        evse_id=st.integers(0, 9_999),
    )
)
def test_the_written_name_of_a_setting_is_read_back(name: SettingName) -> None:
    assert setting_name(str(name)) == name


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".b", "a.b.c", "a[b", "a@x.b", "a" * 51]
)
def test_what_is_no_name_of_a_setting_is_none(text: str) -> None:
    assert setting_name(text) is None


def test_a_key_of_1_6_is_a_name() -> None:
    assert setting_name(" HeartbeatInterval ") == SettingName(
        variable="HeartbeatInterval"
    )


@pytest.fixture(params=PROTOCOLS)
async def scene(rig: Rig, dialler: Dialler, request: pytest.FixtureRequest) -> Scene:
    return Scene(rig, dialler, request.param)


async def ready(scene: Scene) -> Peer:
    made: ChargePoint | Charger = (
        await scene.charge_point() if scene.is_16 else await scene.charger()
    )
    return made.peer


async def ask(scene: Scene, request: StationRequest) -> StationAnswer:
    return await scene.rig.server.ask(STATION, request)


async def test_a_refusal_is_told_and_the_next_request_works(scene: Scene) -> None:
    peer = await ready(scene)
    wish = Reserve(reservation_id=3, evse_id=1, expires_at=AT, token="HA")
    peer.responders["ReserveNow"] = lambda _: {"status": "Occupied"}
    answer = await ask(scene, wish)
    assert answer.result.status is WriteStatus.REJECTED
    assert (answer.action, answer.result.detail) == ("ReserveNow", "Occupied")
    peer.responders["ReserveNow"] = lambda _: "InternalError"
    assert (await ask(scene, wish)).result.detail == "InternalError"
    peer.responders["ReserveNow"] = lambda _: {"status": "Accepted"}
    assert (await ask(scene, wish)).result.is_accepted


async def test_who_is_not_there_is_offline_or_unknown(scene: Scene) -> None:
    wish = Restart(is_immediate=True)
    assert (await ask(scene, wish)).result.status is WriteStatus.OFFLINE
    stranger = await scene.rig.server.ask("nobody", wish)  # type: ignore[arg-type]
    assert stranger.result.detail == "unknown_station"
    peer = await scene.peer()
    answer = await ask(scene, wish)
    assert answer.result.detail == "not_ready", "not before it booted"
    assert peer.payloads("Reset") == []


async def test_settings_are_read_without_secrets(scene: Scene) -> None:
    peer = await ready(scene)
    if scene.is_16:
        names = ("HeartbeatInterval", "AuthorizationKey", "Nothing")
        peer.responders["GetConfiguration"] = lambda _: {
            "configurationKey": [
                {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
                {"key": "AuthorizationKey", "readonly": False, "value": "secret"},
            ],
            "unknownKey": ["Nothing"],
        }
    else:
        names = ("OCPPCommCtrlr.HeartbeatInterval", "A@1.BasicAuthPassword", "A.B[c]")
        peer.responders["GetVariables"] = _variables
    read = ReadSettings(names=tuple(n for n in map(setting_name, names) if n))
    answer = await ask(scene, read)
    assert answer.result.is_accepted
    assert list(answer.data.values()) == ["300", "***", None]
    assert list(answer.data) == list(names)


def _variables(payload: dict[str, Any]) -> dict[str, Any]:
    values = {"HeartbeatInterval": "300", "BasicAuthPassword": "secret"}
    results = []
    # In another order than they were asked for.
    for item in reversed(payload["getVariableData"]):
        value = values.get(item["variable"]["name"])
        told = {} if value is None else {"attributeValue": value}
        status = "UnknownVariable" if value is None else "Accepted"
        results.append({**item, "attributeStatus": status, **told})
    return {"getVariableResult": results}


async def test_a_setting_is_changed_or_the_refusal_told(scene: Scene) -> None:
    peer = await ready(scene)
    name = SettingName(component="" if scene.is_16 else "Ctrlr", variable="Interval")
    change = ChangeSetting(name=name, value="5")
    for status in ("Rejected", "RebootRequired", "Accepted"):
        if scene.is_16:
            peer.responders["ChangeConfiguration"] = lambda _, s=status: {"status": s}  # type: ignore[misc]
        else:
            peer.responders["SetVariables"] = lambda payload, s=status: {  # type: ignore[misc]
                "setVariableResult": [
                    {
                        "component": item["component"],
                        "variable": item["variable"],
                        "attributeStatus": s,
                    }
                    for item in payload["setVariableData"]
                ]
            }
        answer = await ask(scene, change)
        assert answer.result.is_accepted is (status != "Rejected")
        assert answer.data["status"] == status


async def test_answers_without_a_status_say_what_was_asked_for(scene: Scene) -> None:
    peer = await ready(scene)
    field = "listVersion" if scene.is_16 else "versionNumber"
    peer.responders["GetLocalListVersion"] = lambda _: {field: 7}
    answer = await ask(scene, ReadLocalListVersion())
    assert answer.result.is_accepted
    assert answer.data == {"version": 7}


# --- logs that the home takes itself ----------------------------------------------


def upload_url(payload: dict[str, Any]) -> str:
    url = payload.get("location") or payload["log"]["remoteLocation"]
    assert isinstance(url, str)
    return url


def log_action(scene: Scene) -> str:
    return "GetDiagnostics" if scene.is_16 else "GetLog"


LOG = SendLog(kind=LogKind.DIAGNOSTICS, request_id=1)
OFFERED = {"filename": "cs1.tar.gz", "status": "Accepted"}


async def offer(scene: Scene, peer: Peer) -> tuple[asyncio.Task[StationAnswer], str]:
    """Ask for a log and return the address that the station was given."""
    peer.responders[log_action(scene)] = lambda _: (
        {"fileName": "cs1.tar.gz"} if scene.is_16 else OFFERED
    )
    asked = asyncio.create_task(ask(scene, LOG))
    count = len(peer.payloads(log_action(scene))) + 1
    return asked, upload_url(await peer.request(log_action(scene), count))


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_a_log_is_taken_once(scene: Scene, method: str) -> None:
    peer = await ready(scene)
    asked, url = await offer(scene, peer)
    assert url.startswith(f"http://127.0.0.1:{scene.rig.server.port}/upload/")
    http = scene.dialler.session
    async with http.request(method, url, data=b"lines") as response:
        assert response.status in {200, 201}
    answer = await asked
    assert answer.data["content"] == b"lines"
    assert answer.data["file_name"] == "cs1.tar.gz"
    async with http.request(method, url, data=b"again") as response:
        assert response.status == 404, "an address works once"


async def test_a_log_in_a_form_is_taken_with_a_name_behind_the_address(
    scene: Scene,
) -> None:
    peer = await ready(scene)
    asked, url = await offer(scene, peer)
    form = aiohttp.FormData()
    form.add_field("note", "no file")
    form.add_field("file", b"lines", filename="x.log")
    async with scene.dialler.session.post(f"{url}/x.log", data=form) as response:
        assert response.status == 200
    assert (await asked).data["content"] == b"lines"


async def test_too_large_a_log_is_refused_and_a_smaller_one_taken(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_UPLOAD_BYTES", 1_000)
    peer = await ready(scene)
    asked, url = await offer(scene, peer)
    http = scene.dialler.session

    async def chunks() -> Any:
        for _ in range(20):
            yield b"x" * 100

    for data in (b"x" * 1_001, chunks()):
        async with http.put(url, data=data) as response:
            assert response.status == 413
    async with http.put(url, data=b"x" * 1_000) as response:
        assert response.status == 201
    assert len((await asked).data["content"]) == 1_000


async def test_nothing_can_be_left_that_was_not_asked_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "UPLOAD_TIMEOUT_S", 0.05)
    http = scene.dialler.session
    base = f"http://127.0.0.1:{scene.rig.server.port}/upload/"
    async with http.put(base + "a" * 32, data=b"x") as response:
        assert response.status == 404
    peer = await ready(scene)
    asked, url = await offer(scene, peer)
    answer = await asked
    assert answer.result.status is WriteStatus.TIMEOUT
    async with http.put(url, data=b"late") as response:
        assert response.status == 404
    peer.responders[log_action(scene)] = lambda _: "NotImplemented"
    assert not (await ask(scene, LOG)).result.is_accepted
    refused = upload_url(peer.payloads(log_action(scene))[-1])
    async with http.put(refused, data=b"x") as response:
        assert response.status == 404, "closed when the station declines"


async def test_a_log_may_go_to_an_address_of_the_owner(scene: Scene) -> None:
    peer = await ready(scene)
    peer.responders[log_action(scene)] = lambda _: OFFERED if not scene.is_16 else {}
    wish = SendLog(kind=LogKind.DIAGNOSTICS, request_id=1, url=URL)
    answer = await ask(scene, wish)
    assert answer.result.is_accepted
    assert "content" not in answer.data
    assert upload_url(peer.payloads(log_action(scene))[-1]) == URL


async def test_uploads_obey_the_networks_that_are_allowed(rig: Rig) -> None:
    rig.server._gate._networks = (ip_network("192.0.2.0/24"),)
    address = uploads.DialledAddress(
        host=f"127.0.0.1:{rig.server.port}", is_secure=False
    )
    upload = rig.server._uploads.open(STATION, address)
    assert upload is not None
    async with aiohttp.ClientSession() as http:
        async with http.put(upload.url, data=b"x") as response:
            assert response.status == 404
        rig.server._gate._networks = ()
        async with http.put(upload.url, data=b"x") as response:
            assert response.status == 201
