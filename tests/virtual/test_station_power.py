"""Power follows the profiles, ends by itself, and the meter tells of it."""

from typing import Any

import pytest

from custom_components.v2g_vpp.virtual.config import Fault
from custom_components.v2g_vpp.virtual.plant import MEASURED_2019, TYPICAL

from .conftest import Rig, central, floor
from .fake_clock import until
from .scripted_csms import settle

MEASURANDS = (
    "Power.Active.Import,Power.Active.Export,Energy.Active.Import.Register,"
    "Energy.Active.Export.Register,Voltage,Frequency,SoC,Current.Export"
)


def update(setpoint_w: float) -> dict[str, Any]:
    return {"chargingProfileId": 1001, "scheduleUpdate": {"setpoint": setpoint_w}}


def variable(component: str, name: str, value: str) -> dict[str, Any]:
    return {
        "component": {"name": component},
        "variable": {"name": name},
        "attributeValue": value,
    }


async def sample_often(rig: Rig) -> None:
    """Configure the readings as a CSMS must: a charger reports no export by itself."""
    answer = await rig.csms.call(
        "SetVariables",
        {
            "setVariableData": [
                variable("SampledDataCtrlr", "TxUpdatedMeasurands", MEASURANDS),
                variable("SampledDataCtrlr", "TxUpdatedInterval", "1"),
            ]
        },
    )
    statuses = {each["attributeStatus"] for each in answer["setVariableResult"]}
    assert statuses == {"Accepted"}


def values(event: dict[str, Any]) -> dict[str, float]:
    """Return the readings of an event by measurand, the first phase of each."""
    found: dict[str, float] = {}
    for each in event["meterValue"][0]["sampledValue"]:
        found.setdefault(each["measurand"], each["value"])
    return found


async def readings(rig: Rig) -> dict[str, float]:
    """Return the newest periodic readings."""
    number = len(rig.csms.events(triggerReason="MeterValuePeriodic"))
    await rig.clock.advance(1.25)
    await until(
        lambda: len(rig.csms.events(triggerReason="MeterValuePeriodic")) > number
    )
    return values(rig.csms.events(triggerReason="MeterValuePeriodic")[-1])


async def test_setpoint_and_update_reach_the_plant_after_its_dead_time(
    rig: Rig,
) -> None:
    await rig.start(plant=TYPICAL)
    transaction_id = await rig.plug()
    await rig.csms.call("SetChargingProfile", floor())
    await rig.csms.call("SetChargingProfile", central(transaction_id, -5000))
    await rig.clock.advance(3.9)
    assert rig.true_w == 0
    await rig.clock.advance(2)
    assert rig.true_w == -4850
    assert (await rig.csms.call("UpdateDynamicSchedule", update(-3000)))[
        "status"
    ] == "Accepted"
    await rig.clock.advance(3.9)
    assert rig.true_w == -4850
    await rig.clock.advance(1)
    assert rig.true_w == -2850


async def test_discharge_ends_by_itself_when_the_csms_falls_silent(rig: Rig) -> None:
    await rig.start()
    await rig.discharge(duration_s=20)
    await rig.csms.call("UpdateDynamicSchedule", update(-5000))
    await rig.clock.advance(19.7)
    assert rig.true_w == -5000
    await rig.clock.advance(2.3)
    assert rig.true_w == 0
    event = (await changed_modes(rig, 2))[-1]
    assert event["transactionInfo"]["operationMode"] == "ChargingOnly"
    assert rig.station.status().is_contactor_closed

    assert (await rig.csms.call("UpdateDynamicSchedule", update(-5000)))[
        "status"
    ] == "Accepted"
    await rig.clock.advance(4)
    assert rig.true_w == -5000


async def changed_modes(rig: Rig, number: int) -> list[dict[str, Any]]:
    wanted = {"triggerReason": "OperationModeChanged"}
    await until(lambda: len(rig.csms.events(**wanted)) >= number)
    return rig.csms.events(**wanted)


async def test_expiry_without_a_floor_charges_without_limit(rig: Rig) -> None:
    await rig.start()
    transaction_id = await rig.plug()
    await rig.csms.call("SetChargingProfile", central(transaction_id, -5000))
    await rig.clock.advance(19)
    assert rig.true_w == -5000
    await rig.clock.advance(10)
    assert rig.true_w == 11_000


async def test_clearing_the_transaction_profile_leaves_the_floor(rig: Rig) -> None:
    await rig.start()
    await rig.discharge()
    clear = {"chargingProfileId": 1001}
    assert await rig.csms.call("ClearChargingProfile", clear) == {"status": "Accepted"}
    await rig.clock.advance(4)
    assert rig.true_w == 0
    assert await rig.csms.call("ClearChargingProfile", clear) == {"status": "Unknown"}
    assert await rig.csms.call("ClearChargingProfile", {}) == {"status": "Unknown"}
    clear_all = {"chargingProfileCriteria": {"evseId": 0}}
    await rig.csms.call("ClearChargingProfile", clear_all)
    await rig.clock.advance(5)
    assert rig.true_w == 11_000


async def test_meter_reports_import_and_export_as_magnitudes(rig: Rig) -> None:
    await rig.start()
    transaction_id = await rig.plug()
    await sample_often(rig)
    await rig.csms.call("SetChargingProfile", floor())
    await rig.csms.call("SetChargingProfile", central(transaction_id, -5000, 60))
    await rig.clock.advance(4)
    found = await readings(rig)
    assert found["Power.Active.Export"] == 5000
    assert found["Power.Active.Import"] == 0
    assert found["Current.Export"] == pytest.approx(5000 / 3 / 231, abs=0.05)
    assert found["SoC"] == 70.0
    assert found["Frequency"] == pytest.approx(50, abs=0.06)
    exported_wh = found["Energy.Active.Export.Register"]
    await rig.csms.call("UpdateDynamicSchedule", update(5000))
    await rig.clock.advance(6)
    found = await readings(rig)
    assert found["Power.Active.Export"] == 0
    assert found["Power.Active.Import"] == 5000
    assert found["Voltage"] == 229.0
    assert found["Energy.Active.Export.Register"] > exported_wh > 0
    assert found["Energy.Active.Import.Register"] > 0


async def test_charger_reports_no_export_until_it_is_asked_to(rig: Rig) -> None:
    await rig.start(meter_interval_s=1.0)
    await rig.discharge(duration_s=60)
    assert set(await readings(rig)) == {
        "Energy.Active.Import.Register",
        "Power.Active.Import",
    }


async def test_new_interval_counts_from_the_last_reading(rig: Rig) -> None:
    await rig.start(meter_interval_s=600.0)
    await rig.plug()
    await until(lambda: rig.csms.events(triggerReason="MeterValuePeriodic"))
    await rig.clock.advance(10)
    await sample_often(rig)
    await readings(rig)


async def test_readings_keep_their_pace_whatever_the_ticks(rig: Rig) -> None:
    await rig.start(meter_interval_s=1.0, tick_s=0.3)
    await rig.plug()
    wanted = {"triggerReason": "MeterValuePeriodic"}
    await until(lambda: rig.csms.events(**wanted))
    await rig.clock.advance(30)
    await settle()
    assert 30 <= len(rig.csms.events(**wanted)) <= 33


async def test_sequence_numbers_have_no_gap(rig: Rig) -> None:
    await rig.start()
    transaction_id = await rig.discharge()
    await sample_often(rig)
    await rig.clock.advance(5)
    await rig.csms.call("RequestStopTransaction", {"transactionId": transaction_id})
    await rig.clock.advance(5)
    await rig.csms.event(eventType="Ended")
    numbers = [event["seqNo"] for event in rig.csms.events()]
    assert numbers == list(range(len(numbers)))


async def test_soc_at_the_end_stops_the_power_and_says_who_did(rig: Rig) -> None:
    await rig.start()
    await rig.discharge(duration_s=600)
    rig.station.set_soc(0.01)
    await rig.clock.advance(30)
    assert rig.true_w == 0
    assert rig.station.status().soc_percent == 0
    wanted = {"triggerReason": "ChargingStateChanged"}
    await until(
        lambda: (
            rig.csms.events(**wanted)[-1]["transactionInfo"]["chargingState"]
            == "SuspendedEV"
        )
    )


async def test_plant_of_2019_never_rests_at_zero(rig: Rig) -> None:
    await rig.start(plant=MEASURED_2019)
    await rig.plug()
    await rig.csms.call("SetChargingProfile", floor())
    await rig.clock.advance(10)
    assert rig.true_w == 420


async def test_sleeping_evse_opens_its_contactor_and_any_profile_wakes_it(
    rig: Rig,
) -> None:
    await rig.start()
    transaction_id = await rig.discharge()
    idle = central(transaction_id, 0)
    schedule = idle["chargingProfile"]["chargingSchedule"][0]
    schedule["chargingSchedulePeriod"] = [
        {"startPeriod": 0, "operationMode": "Idle", "evseSleep": True}
    ]
    assert (await rig.csms.call("SetChargingProfile", idle))["status"] == "Accepted"
    await rig.clock.advance(5)
    status = rig.station.status()
    assert not status.is_contactor_closed
    assert (status.cold_opens, status.hot_opens) == (1, 0)
    assert status.transaction_id == transaction_id
    await rig.csms.call("SetChargingProfile", central(transaction_id, -5000))
    await rig.clock.advance(4)
    assert rig.true_w == -5000


async def test_pulled_values_are_asked_for_and_used(rig: Rig) -> None:
    await rig.start()
    rig.csms.answers["PullDynamicScheduleUpdate"] = lambda _: {
        "status": "Accepted",
        "scheduleUpdate": {"setpoint": -2500},
    }
    await rig.discharge(dynUpdateInterval=5)
    await rig.clock.advance(2)
    pulled = await rig.csms.came("PullDynamicScheduleUpdate")
    assert pulled == {"chargingProfileId": 1001}
    await until(lambda: rig.station.status().commanded_w == -2500)
    await rig.clock.advance(6)
    await rig.csms.came("PullDynamicScheduleUpdate", 2)


# Misbehaviour


async def test_ignored_updates_are_accepted_all_the_same(rig: Rig) -> None:
    await rig.start()
    transaction_id = await rig.discharge(duration_s=60)
    rig.station.set_fault(Fault.IGNORE_UPDATES, is_on=True)
    stop = central(transaction_id, 0)
    assert (await rig.csms.call("SetChargingProfile", stop))["status"] == "Accepted"
    assert (await rig.csms.call("UpdateDynamicSchedule", update(0)))[
        "status"
    ] == "Accepted"
    await rig.clock.advance(10)
    assert rig.true_w == -5000
    rig.station.set_fault(Fault.IGNORE_UPDATES, is_on=False)
    await rig.csms.call("UpdateDynamicSchedule", update(0))
    await rig.clock.advance(5)
    assert rig.true_w == 0


async def test_ignored_expiry_goes_on_for_as_long_as_it_is_ignored(rig: Rig) -> None:
    await rig.start()
    await rig.discharge(duration_s=20)
    rig.station.set_fault(Fault.IGNORE_EXPIRY, is_on=True)
    await rig.clock.advance(60)
    assert rig.true_w == -5000
    rig.station.set_fault(Fault.IGNORE_EXPIRY, is_on=False)
    await rig.clock.advance(5)
    assert rig.true_w == 0


async def test_wrong_direction_turns_the_command_round(rig: Rig) -> None:
    await rig.start()
    await rig.discharge(duration_s=60)
    rig.station.set_fault(Fault.WRONG_DIRECTION, is_on=True)
    await rig.clock.advance(6)
    assert rig.true_w == 5000
    rig.station.set_fault(Fault.WRONG_DIRECTION, is_on=False)
    await rig.clock.advance(6)
    assert rig.true_w == -5000


async def test_frozen_and_mute_meter(rig: Rig) -> None:
    await rig.start()
    await rig.discharge(duration_s=600)
    await sample_often(rig)
    before = await readings(rig)
    rig.station.set_fault(Fault.FREEZE_METER, is_on=True)
    await rig.csms.call("UpdateDynamicSchedule", update(-2000))
    await rig.clock.advance(5)
    assert rig.true_w == -2000
    assert await readings(rig) == before
    rig.station.set_fault(Fault.FREEZE_METER, is_on=False)
    assert (await readings(rig))["Power.Active.Export"] == 2000
    rig.station.set_fault(Fault.MUTE_METER, is_on=True)
    await settle()
    number = len(rig.csms.events())
    await rig.clock.advance(10)
    await settle()
    assert len(rig.csms.events()) == number
    rig.station.set_fault(Fault.MUTE_METER, is_on=False)
    await readings(rig)


async def test_ignored_stop_is_accepted_all_the_same(rig: Rig) -> None:
    await rig.start()
    transaction_id = await rig.discharge(duration_s=600)
    rig.station.set_fault(Fault.IGNORE_STOP, is_on=True)
    stop = {"transactionId": transaction_id}
    answer = await rig.csms.call("RequestStopTransaction", stop)
    assert answer == {"status": "Accepted"}
    await rig.clock.advance(10)
    assert rig.true_w == -5000
    rig.station.set_fault(Fault.IGNORE_STOP, is_on=False)
    await rig.csms.call("RequestStopTransaction", stop)
    await rig.clock.advance(10)
    assert rig.true_w == 0
