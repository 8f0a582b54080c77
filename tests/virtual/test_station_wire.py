"""Frames that are wrong, and the older of the two versions."""

import json
from typing import Any

import pytest

from custom_components.v2g_vpp.virtual.device_model import DeviceModel

from .conftest import Rig, central, floor
from .fake_clock import until
from .scripted_csms import ACCEPTED, BOOT, settle, silent

SET_PROFILE = central("t1", 0)


def broken(**changes: Any) -> dict[str, Any]:
    wire: dict[str, Any] = json.loads(json.dumps(SET_PROFILE))
    wire["chargingProfile"] |= changes
    return wire


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("NoSuchAction", {}, "NotImplemented"),
        ("PublishFirmware", {}, "NotSupported"),
        ("Heartbeat", {}, "NotSupported"),
        ("SetChargingProfile", {"evseId": 1}, "OccurrenceConstraintViolation"),
        ("SetChargingProfile", broken(id="x"), "TypeConstraintViolation"),
        (
            "SetChargingProfile",
            broken(chargingProfileKind="Sometimes"),
            "PropertyConstraintViolation",
        ),
        ("SetChargingProfile", broken(colour="red"), "FormatViolation"),
        (
            "SetChargingProfile",
            broken(validFrom="yesterday"),
            "PropertyConstraintViolation",
        ),
        ("ClearCache", [], "TypeConstraintViolation"),
    ],
    ids=[
        "unknown action",
        "known but not done",
        "wrong way",
        "missing field",
        "wrong type",
        "no such value",
        "extra field",
        "no such time",
        "payload that is no object",
    ],
)
async def test_wrong_calls_get_the_right_error(
    rig: Rig, action: str, payload: Any, code: str
) -> None:
    await rig.start()
    reply = await rig.csms.ask(action, payload)
    assert reply[0] == 4
    assert reply[2] == code
    assert reply[4] == {}
    assert await rig.csms.call("ClearCache", {}) == {"status": "Accepted"}


@pytest.mark.parametrize(
    "text",
    [
        "{bad",
        "[2]",
        '{"a":1}',
        "[]",
        '[2,["x"],"Heartbeat",{}]',
        "[" * 3000 + "]" * 3000,
        '[2,"1","X",{},{},{}]',
    ],
    ids=[
        "no JSON",
        "too short",
        "no list",
        "empty",
        "id that is no text",
        "deep",
        "too long",
    ],
)
async def test_unreadable_frames_are_answered_and_survived(rig: Rig, text: str) -> None:
    await rig.start()
    await rig.csms.send(text)
    await until(
        lambda: [4, "-1", "RpcFrameworkError", "", {}] in rig.csms.frames, "CALLERROR"
    )
    assert await rig.csms.call("ClearCache", {}) == {"status": "Accepted"}


@pytest.mark.parametrize(
    "text",
    [
        '[3,"ghost",{}]',
        '[4,"ghost","InternalError","",{}]',
        '[6,"s","NotifyPeriodicEventStream",{}]',
        '[9,"x","X",{}]',
    ],
    ids=["answer to nothing", "error to nothing", "SEND", "type of the future"],
)
async def test_frames_that_version_2_1_ignores(rig: Rig, text: str) -> None:
    await rig.start()
    await settle()
    before = len(rig.csms.frames)
    await rig.csms.send(text)
    await settle()
    assert len(rig.csms.frames) == before
    assert await rig.csms.call("ClearCache", {}) == {"status": "Accepted"}


async def test_number_that_is_none_changes_nothing(rig: Rig) -> None:
    await rig.start()
    await rig.discharge()
    await rig.csms.send(
        '[2,"nan","UpdateDynamicSchedule",'
        '{"chargingProfileId":1001,"scheduleUpdate":{"setpoint":NaN}}]'
    )
    await until(lambda: any(frame[1] == "nan" for frame in rig.csms.frames))
    reply = next(frame for frame in rig.csms.frames if frame[1] == "nan")
    assert reply[:3] == [4, "nan", "PropertyConstraintViolation"]
    assert rig.station.status().commanded_w == -5000


async def test_wrong_answer_is_told_with_the_error_of_version_2_1(rig: Rig) -> None:
    await rig.start()
    rig.csms.answers["Heartbeat"] = lambda _: {"time": "now"}
    await rig.csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
    await until(lambda: any(frame[0] == 5 for frame in rig.csms.frames))
    frame = next(frame for frame in rig.csms.frames if frame[0] == 5)
    assert len(frame) == 5
    assert frame[2] in {"OccurrenceConstraintViolation", "FormatViolation"}


async def test_binary_frame_closes_the_link(rig: Rig) -> None:
    await rig.start()
    await rig.csms.send_bytes(b"x")
    await until(lambda: not rig.station.status().is_connected)
    await rig.reconnect()


async def test_ping_of_the_csms_is_answered(rig: Rig) -> None:
    await rig.start()
    await rig.csms.ping(b"are you there")
    await until(lambda: rig.csms.pongs == [b"are you there"])


async def test_fault_of_a_handler_is_an_error_and_not_the_end(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await rig.start()

    def fail(*_: Any) -> None:
        raise RuntimeError("a fault")

    with monkeypatch.context() as patch:
        patch.setattr(DeviceModel, "get", fail)
        ask = {
            "getVariableData": [
                {"component": {"name": "EVSE"}, "variable": {"name": "Power"}}
            ]
        }
        reply = await rig.csms.ask("GetVariables", ask)
    assert reply[2:] == ["InternalError", "", {}]
    assert "handler of GetVariables failed" in caplog.text
    answer = await rig.csms.call("GetVariables", ask)
    assert len(answer["getVariableResult"]) == 1


async def test_refused_boot_is_tried_again(rig: Rig) -> None:
    rig.csms.answers["BootNotification"] = lambda _: [4, "InternalError", "", {}]
    await rig.start(is_accepted=False)
    await rig.csms.came("BootNotification")
    rig.csms.answers["BootNotification"] = lambda _: BOOT
    await rig.clock.advance(6)
    await until(lambda: rig.station.status().is_registered)


async def test_more_reports_than_fit_are_refused(rig: Rig) -> None:
    rig.csms.answers["NotifyReport"] = silent
    await rig.start()
    ask = {"requestId": 1, "reportBase": "SummaryInventory"}
    statuses = {
        (await rig.csms.call("GetBaseReport", ask))["status"] for _ in range(55)
    }
    assert statuses == {"Accepted", "Rejected"}
    criteria = {"requestId": 1, "componentCriteria": ["Problem"]}
    answer = await rig.csms.call("GetReport", criteria)
    assert answer == {"status": "NotSupported"}


async def test_refused_pull_is_repeated_after_a_pause(rig: Rig) -> None:
    await rig.start()
    refused = {"status": "Rejected"}
    rig.csms.answers["PullDynamicScheduleUpdate"] = lambda _: refused
    await rig.discharge(dynUpdateInterval=5, duration_s=60)
    await rig.clock.advance(2)
    await rig.csms.came("PullDynamicScheduleUpdate")
    await settle()
    await rig.clock.advance(3)
    await settle()
    assert len(rig.csms.calls("PullDynamicScheduleUpdate")) == 1
    assert rig.station.status().commanded_w == -5000
    values = {"status": "Accepted", "scheduleUpdate": {"setpoint": -2500}}
    rig.csms.answers["PullDynamicScheduleUpdate"] = lambda _: values
    await rig.clock.advance(3)
    await until(lambda: rig.station.status().commanded_w == -2500)


# OCPP 2.0.1


@pytest.fixture
async def older(rig: Rig) -> Rig:
    rig.csms.protocol = "ocpp2.0.1"
    rig.csms.answers["Authorize"] = lambda _: ACCEPTED
    await rig.start()
    return rig


async def test_older_version_tells_states_by_status_notification(older: Rig) -> None:
    await older.csms.came("StatusNotification")
    assert older.station.status().protocol == "ocpp2.0.1"
    await older.plug()
    needs = older.csms.calls("NotifyEVChargingNeeds")[0]["chargingNeeds"]
    assert needs["requestedEnergyTransfer"] == "AC_three_phase"
    assert "v2xChargingParameters" not in needs
    await until(
        lambda: (
            [each["connectorStatus"] for each in older.csms.calls("StatusNotification")]
            == ["Available", "Occupied"]
        )
    )
    for event in older.csms.events():
        assert "operationMode" not in event["transactionInfo"]


async def test_older_version_charges_and_never_discharges(older: Rig) -> None:
    transaction_id = await older.plug()
    wire = floor(3000)
    assert await older.csms.call("SetChargingProfile", wire) == {"status": "Accepted"}
    await older.clock.advance(4)
    assert older.true_w == 3000
    limit = {
        "evseId": 1,
        "chargingProfile": {
            **floor(-5000)["chargingProfile"],
            "id": 9,
            "chargingProfilePurpose": "TxProfile",
            "transactionId": transaction_id,
        },
    }
    answer = await older.csms.call("SetChargingProfile", limit)
    assert answer["status"] == "Rejected"
    await older.clock.advance(4)
    assert older.true_w == 3000


async def test_older_version_knows_nothing_of_the_newer_messages(older: Rig) -> None:
    update = {"chargingProfileId": 1, "scheduleUpdate": {"setpoint": 0}}
    reply = await older.csms.ask("UpdateDynamicSchedule", update)
    assert reply[:1] + reply[2:3] == [4, "NotImplemented"]
    await older.csms.send('[9,"x","X",{}]')
    await until(
        lambda: [4, "x", "MessageTypeNotSupported", "", {}] in older.csms.frames
    )
