"""The log and the recorder name nobody and open nothing, whatever was sent."""

import json
import logging

import aiohttp
import pytest

from tests.csms.charge_point import BOOT_16
from tests.csms.peer import BOOT, PASSWORD, STATION, Dialler, Peer, Rig
from tests.csms.raw_wire import LOGIN, request, status_of

SECRETS = {
    "token": "04A1B2C3D4E5F6",
    "vehicle": "WVWZZZ1JZ3W386752",
    "latitude": "52.51631",
    "longitude": "13.37777",
    "serial": "SN-SECRET-1",
    "csr": "MIIBSECRET",
    "password": PASSWORD,
}


def private_frames(protocol: str) -> list[tuple[str, object]]:
    place = {"latitude": 52.51631, "longitude": 13.37777}
    vendor = {"vendorId": "x", "data": json.dumps({"vin": SECRETS["vehicle"], **place})}
    if protocol == "ocpp1.6":
        return [
            ("Authorize", {"idTag": SECRETS["token"]}),
            ("DataTransfer", vendor),
            (
                "StartTransaction",
                {
                    "connectorId": 1,
                    "idTag": f"VID:{SECRETS['token']}",
                    "meterStart": 0,
                    "timestamp": "2026-11-22T18:00:00Z",
                },
            ),
        ]
    token = {"idToken": SECRETS["token"], "type": "ISO14443"}
    return [
        ("Authorize", {"idToken": token}),
        ("DataTransfer", {**vendor, "customData": {"vendorId": "x", **place}}),
        ("SignCertificate", {"csr": SECRETS["csr"]}),
        (
            "SecurityEventNotification",
            {
                "type": "InvalidMessages",
                "timestamp": "2026-11-22T18:00:00Z",
                "techInfo": f"card {SECRETS['token']} of {SECRETS['vehicle']}",
            },
        ),
        (
            "NotifyEvent",
            {
                "generatedAt": "2026-11-22T18:00:00Z",
                "seqNo": 0,
                "eventData": [
                    {
                        "eventId": 1,
                        "timestamp": "2026-11-22T18:00:00Z",
                        "trigger": "Delta",
                        "eventNotificationType": "CustomMonitor",
                        "component": {"name": "ConnectedEV"},
                        "variable": {"name": "VehicleId"},
                        "actualValue": SECRETS["vehicle"],
                    }
                ],
            },
        ),
        (
            "TransactionEvent",
            {
                "eventType": "Started",
                "timestamp": "2026-11-22T18:00:00Z",
                "triggerReason": "Authorized",
                "seqNo": 0,
                "transactionInfo": {"transactionId": "t1"},
                "evse": {"id": 1, "connectorId": 1},
                "idToken": token,
            },
        ),
    ]


@pytest.mark.parametrize("protocol", ["ocpp2.1", "ocpp2.0.1", "ocpp1.6"])
async def test_at_the_loudest_level_the_log_names_nobody_and_opens_nothing(
    rig: Rig, dialler: Dialler, caplog: pytest.LogCaptureFixture, protocol: str
) -> None:
    caplog.set_level(logging.DEBUG)
    peer: Peer = await dialler.dial((protocol,))
    if protocol == "ocpp1.6":
        boot: dict[str, object] = {
            **BOOT_16,
            "chargePointSerialNumber": SECRETS["serial"],
        }
    else:
        told = {**BOOT["chargingStation"], "serialNumber": SECRETS["serial"]}  # type: ignore[dict-item]
        boot = {**BOOT, "chargingStation": told}
    await peer.call("BootNotification", boot)
    frames = private_frames(protocol)
    for number, (action, payload) in enumerate(frames):
        await peer.ask([2, f"f{number}", action, payload])
    assert sum("received" in record.message for record in caplog.records) > len(frames)
    shown = {name for name, secret in SECRETS.items() if secret in caplog.text}
    assert shown == set()
    recording = rig.server.recording(STATION)
    assert recording is not None
    text = "".join(message.text for message in recording.messages)
    assert {name for name, secret in SECRETS.items() if secret in text} == set()


async def test_what_is_malformed_is_neither_quoted_nor_a_flood(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for _ in range(20):
        odd = request("/ocpp/CS1", f"Authorization\x01: {LOGIN}")
        assert await status_of(rig, odd) == 400
        assert await status_of(rig, request(f"/C\xe9?password={PASSWORD}")) == 400
    assert await status_of(rig, request(f"/ocpp/CS1?password={PASSWORD}")) == 401
    assert LOGIN not in caplog.text
    assert PASSWORD not in caplog.text
    assert "Traceback" not in caplog.text
    loud = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(loud) <= 2, "the one that came as a station of the home"


async def test_a_password_in_the_address_is_in_no_log(
    rig: Rig, dialler: Dialler, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = rig.url.replace("ws://", f"ws://{STATION}:{PASSWORD}@") + STATION
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(url, protocols=("ocpp2.0.1",))
        peer = Peer(socket)
        assert (await peer.call("BootNotification", BOOT))["status"] == "Accepted"
        await peer.leave()
    assert PASSWORD not in caplog.text
    assert LOGIN not in caplog.text
