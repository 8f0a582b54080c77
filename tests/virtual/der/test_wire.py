"""Grid settings over the wire, and what they do to the power."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.v2g_vpp.virtual.schedule import format_time
from tests.virtual.conftest import Rig, central
from tests.virtual.fake_clock import START, until
from tests.virtual.scripted_csms import settle

ENTER = {
    "priority": 0,
    "highVoltage": 253.0,
    "lowVoltage": 195.5,
    "highFreq": 50.2,
    "lowFreq": 47.5,
    "delay": 60.0,
}
DROOP = {
    "priority": 0,
    "overFreq": 50.2,
    "underFreq": 49.8,
    "overDroop": 0.05,
    "underDroop": 0.05,
    "responseTime": 2.0,
}
PF = {"priority": 0, "displacement": 0.95, "excitation": True}


def limit(percent: float = 30.0, **more: Any) -> dict[str, Any]:
    return {"priority": 1, "pctMaxDischargePower": percent, **more}


async def set_control(
    rig: Rig, name: str, control_type: str, *, is_default: Any = True, **field: Any
) -> dict[str, Any]:
    return await rig.csms.call(
        "SetDERControl",
        {
            "isDefault": is_default,
            "controlId": name,
            "controlType": control_type,
            **field,
        },
    )


async def accept(
    rig: Rig, control_type: str, *, is_default: bool = True, **field: Any
) -> None:
    answer = await set_control(rig, "one", control_type, is_default=is_default, **field)
    assert answer == {"status": "Accepted"}


def alarms(rig: Rig) -> list[tuple[str, str | None, bool]]:
    return [
        (each["controlType"], each.get("gridEventFault"), each["alarmEnded"])
        for each in rig.csms.calls("NotifyDERAlarm")
    ]


async def told(rig: Rig, *wanted: tuple[str, str | None, bool]) -> None:
    await until(lambda: alarms(rig) == list(wanted), f"{wanted} in {alarms(rig)}")


async def discharging(rig: Rig, power_w: float = -5000.0) -> None:
    await rig.start()
    await rig.discharge(power_w, duration_s=1000)


async def test_limit_really_limits_the_discharge_and_is_told(rig: Rig) -> None:
    await discharging(rig)
    await accept(rig, "LimitMaxDischarge", limitMaxDischarge=limit(30))
    await rig.clock.advance(5)
    assert rig.true_w == -3300
    await told(rig, ("LimitMaxDischarge", None, False))
    await rig.csms.call(
        "ClearDERControl", {"isDefault": True, "controlType": "LimitMaxDischarge"}
    )
    await rig.clock.advance(5)
    assert rig.true_w == -5000
    await told(
        rig, ("LimitMaxDischarge", None, False), ("LimitMaxDischarge", None, True)
    )


async def test_limit_of_discharge_leaves_charging_alone(rig: Rig) -> None:
    await discharging(rig, 5000.0)
    await accept(rig, "LimitMaxDischarge", limitMaxDischarge=limit(0))
    await rig.clock.advance(5)
    assert rig.true_w == 5000
    assert alarms(rig) == []


async def test_scheduled_limit_acts_in_its_time(rig: Rig) -> None:
    await discharging(rig)
    start = format_time(rig.clock.utcnow() + timedelta(seconds=20))
    scheduled = limit(50, startTime=start, duration=30)
    await accept(
        rig, "LimitMaxDischarge", is_default=False, limitMaxDischarge=scheduled
    )
    await rig.clock.advance(19)
    assert rig.true_w == -5000
    await accept_weaker_default(rig)
    await rig.clock.advance(5)
    started = await rig.csms.came("NotifyDERStartStop")
    assert (started["controlId"], started["started"]) == ("one", True)
    assert started["timestamp"] >= start
    assert rig.true_w == -5000
    await rig.clock.advance(30)
    ended = await rig.csms.came("NotifyDERStartStop", 2)
    assert (ended["controlId"], ended["started"]) == ("one", False)
    assert rig.true_w == -4400


async def accept_weaker_default(rig: Rig) -> None:
    answer = await set_control(
        rig, "default", "LimitMaxDischarge", limitMaxDischarge=limit(40)
    )
    assert answer == {"status": "Accepted"}
    await rig.clock.advance(0)


async def test_droop_takes_power_back_from_a_grid_that_is_too_fast(rig: Rig) -> None:
    await discharging(rig)
    await accept(rig, "FreqDroop", freqDroop=DROOP)
    rig.station.set_grid_frequency(50.3)
    await rig.clock.advance(5)
    # 0.1 Hz of 50 Hz, over 5 %: 4 % of 11 kW.
    assert rig.true_w == pytest.approx(-5000 + 440)
    await told(rig, ("FreqDroop", "OverFrequency", False))
    rig.station.set_grid_frequency(49.7)
    await rig.clock.advance(5)
    assert rig.true_w == pytest.approx(-5000 - 440)
    await told(
        rig,
        ("FreqDroop", "OverFrequency", False),
        ("FreqDroop", "UnderFrequency", False),
    )
    rig.station.set_grid_frequency(50.0)
    await rig.clock.advance(5)
    assert rig.true_w == -5000
    await until(lambda: alarms(rig)[-1] == ("FreqDroop", "UnderFrequency", True))


async def test_service_is_entered_after_its_delay(rig: Rig) -> None:
    await discharging(rig)
    await accept(rig, "EnterService", enterService=ENTER)
    await rig.clock.advance(5)
    assert rig.true_w == -5000
    rig.station.set_grid_voltage(256.0)
    await rig.clock.advance(5)
    assert rig.true_w == 0
    rig.station.set_grid_voltage(230.0)
    await rig.clock.advance(55)
    assert rig.true_w == 0
    await told(rig, ("EnterService", "OverVoltage", False))
    await rig.clock.advance(10)
    assert rig.true_w == -5000
    await told(
        rig,
        ("EnterService", "OverVoltage", False),
        ("EnterService", "OverVoltage", True),
    )


async def test_gradient_slows_a_change_and_not_the_stop(rig: Rig) -> None:
    await discharging(rig)
    await accept(
        rig, "Gradients", gradient={"priority": 0, "gradient": 110, "softGradient": 0}
    )
    transaction_id = rig.station.status().transaction_id or ""
    await rig.csms.call("SetChargingProfile", central(transaction_id, -4000, 1000))
    await rig.clock.advance(5)
    # 11 kW in 110 s are 100 W/s.
    assert rig.true_w == pytest.approx(-4500, abs=60)
    await rig.clock.advance(6)
    assert rig.true_w == -4000
    sleep = central(transaction_id, 0)
    (schedule,) = sleep["chargingProfile"]["chargingSchedule"]
    schedule["chargingSchedulePeriod"] = [
        {"startPeriod": 0, "operationMode": "Idle", "evseSleep": True}
    ]
    assert (await rig.csms.call("SetChargingProfile", sleep))["status"] == "Accepted"
    await rig.clock.advance(3)
    status = rig.station.status()
    assert not status.is_contactor_closed
    assert status.hot_opens == 0


@pytest.mark.parametrize(
    ("request_changes", "status"),
    [
        ({"controlType": "VoltVar"}, "NotSupported"),
        ({"fixedVar": {"priority": 0, "setpoint": 1, "unit": "PctMaxW"}}, "Rejected"),
        ({"controlType": "FreqDroop"}, "Rejected"),
        (
            {"limitMaxDischarge": limit(startTime=format_time(START), duration=1)},
            "Rejected",
        ),
    ],
    ids=["not this station", "two settings", "wrong setting", "default with times"],
)
async def test_settings_that_are_refused(
    rig: Rig, request_changes: dict[str, Any], status: str
) -> None:
    await rig.start()
    request = {
        "isDefault": True,
        "controlId": "one",
        "controlType": "LimitMaxDischarge",
        "limitMaxDischarge": limit(),
        **request_changes,
    }
    answer = await rig.csms.call("SetDERControl", request)
    assert answer["status"] == status
    assert await rig.csms.call("GetDERControl", {"requestId": 1}) == {
        "status": "NotFound"
    }


async def test_superseded_ids_are_answered(rig: Rig) -> None:
    await rig.start()
    await accept(rig, "LimitMaxDischarge", limitMaxDischarge=limit())
    answer = await set_control(
        rig,
        "two",
        "LimitMaxDischarge",
        limitMaxDischarge={**limit(), "priority": 0},
    )
    assert answer == {"status": "Accepted", "supersededIds": ["one"]}


async def test_every_setting_is_reported_as_it_came_and_outlives_a_reboot(
    rig: Rig,
) -> None:
    await rig.start()
    given: dict[str, tuple[str, dict[str, Any]]] = {
        "EnterService": ("enterService", ENTER),
        "FreqDroop": ("freqDroop", DROOP),
        "FixedPFAbsorb": ("fixedPFAbsorb", PF),
        "FixedPFInject": ("fixedPFInject", {**PF, "excitation": False}),
        "Gradients": ("gradient", {"priority": 0, "gradient": 0, "softGradient": 0}),
        "LimitMaxDischarge": ("limitMaxDischarge", limit()),
    }
    for control_type, (field, settings) in given.items():
        answer = await set_control(rig, control_type, control_type, **{field: settings})
        assert answer == {"status": "Accepted"}
    await rig.csms.call("Reset", {"type": "Immediate"})
    await rig.clock.advance(1)
    await rig.reconnect()
    answer = await rig.csms.call("GetDERControl", {"requestId": 9})
    assert answer == {"status": "Accepted"}
    report = await rig.csms.came("ReportDERControl")
    assert report["requestId"] == 9
    state = {"isDefault": True, "isSuperseded": False}
    assert report["freqDroop"] == [{"id": "FreqDroop", "freqDroop": DROOP, **state}]
    assert report["enterService"] == [{"id": "EnterService", "enterService": ENTER}]
    assert report["fixedPFAbsorb"] == [{"id": "FixedPFAbsorb", "fixedPF": PF, **state}]
    fields = {field for field, _ in given.values()}
    assert set(report) == {"requestId", "tbc"} | fields
    await rig.csms.call(
        "GetDERControl", {"requestId": 10, "controlType": "FixedPFInject"}
    )
    report = await rig.csms.came("ReportDERControl", 2)
    assert set(report) == {"requestId", "tbc", "fixedPFInject"}


async def test_settings_are_cleared_by_type_id_or_all(rig: Rig) -> None:
    await rig.start()

    async def clear(**request: Any) -> str:
        answer = await rig.csms.call("ClearDERControl", {"isDefault": True, **request})
        status: str = answer["status"]
        return status

    assert await clear(controlType="VoltVar") == "NotSupported"
    assert await clear(controlType="FreqDroop") == "NotFound"
    assert await clear(controlId="one") == "NotFound"
    await accept(rig, "FreqDroop", freqDroop=DROOP)
    assert await clear(isDefault=False, controlType="FreqDroop") == "NotFound"
    assert await clear(controlId="one") == "Accepted"
    await accept(rig, "FreqDroop", freqDroop=DROOP)
    assert await clear() == "Accepted"
    assert await clear(controlType="FreqDroop") == "NotFound"


async def test_alarm_of_a_setting_that_the_plant_has_not(rig: Rig) -> None:
    await rig.start()
    rig.station.raise_der_alarm("HFMustTrip", "OverFrequency")
    rig.station.raise_der_alarm("HFMustTrip", "OverFrequency", is_ended=True)
    await told(
        rig,
        ("HFMustTrip", "OverFrequency", False),
        ("HFMustTrip", "OverFrequency", True),
    )


async def test_modes_can_be_read(rig: Rig) -> None:
    await rig.start()
    modes = {
        "component": {"name": "ACDERCtrlr", "evse": {"id": 1}},
        "variable": {"name": "ModesSupported"},
    }
    answer = await rig.csms.call("GetVariables", {"getVariableData": [modes]})
    value = answer["getVariableResult"][0]["attributeValue"]
    assert {"EnterService", "LimitMaxDischarge"} <= set(value.split(","))


async def test_2_0_1_knows_no_grid_settings(rig: Rig) -> None:
    rig.csms.protocol = "ocpp2.0.1"
    await rig.start()
    reply = await rig.csms.ask("GetDERControl", {"requestId": 1})
    assert (reply[0], reply[2]) == (4, "NotImplemented")
    rig.station.raise_der_alarm("HFMustTrip")
    await settle()
    assert rig.csms.calls("NotifyDERAlarm") == []
