"""What a vehicle plans, and the button at the charger."""

from custom_components.v2g_vpp.domain.capability import PlannedPower
from custom_components.v2g_vpp.domain.events import (
    ChargingNeedsReported,
    MeasurementReported,
    PriorityChargingReported,
    VehicleScheduleReported,
)
from tests.csms.charger import Charger
from tests.csms.peer import EVSE1, NOW, Rig
from tests.csms.scenario_table import frame_of


def plan(count: int = 2, unit: str = "W") -> dict[str, object]:
    return {
        "timeBase": NOW,
        "evseId": 1,
        "chargingSchedule": {
            "id": 1,
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [
                {"startPeriod": 900 * number, "limit": 10.0 * number}
                for number in range(count)
            ],
        },
    }


async def test_a_plan_of_a_vehicle_is_kept(rig: Rig, charger: Charger) -> None:
    await charger.peer.call("NotifyEVChargingSchedule", plan(unit="A"))
    (told,) = rig.sink.of(VehicleScheduleReported)
    assert told.key == EVSE1
    assert told.periods == (
        PlannedPower(start_s=0, power_w=0.0),
        PlannedPower(start_s=900, power_w=6_900.0),
    )
    await charger.peer.call("NotifyEVChargingSchedule", plan(count=500))
    assert len(rig.sink.of(VehicleScheduleReported)[-1].periods) == 96


async def test_the_floor_and_the_departure_of_a_vehicle_are_read(
    rig: Rig, charger: Charger
) -> None:
    await charger.peer.ask(frame_of("C09"))
    told = rig.sink.of(ChargingNeedsReported)[-1]
    assert told.needs.v2x_floor_wh == -12_000.0
    assert told.needs.departure_at is not None
    assert told.needs.departure_at.isoformat() == "2026-11-23T06:30:00+00:00"
    assert told.heard_mono_s is not None


async def test_the_floor_that_a_vehicle_shows_is_read(
    rig: Rig, charger: Charger
) -> None:
    await charger.plug()
    sample = {"value": 15.0, "measurand": "Display.MinimumSOC", "location": "EV"}
    told = charger.event(
        "Updated",
        "MeterValuePeriodic",
        meterValue=[{"timestamp": NOW, "sampledValue": [sample]}],
    )
    await charger.peer.call("TransactionEvent", told)
    reading = rig.sink.of(MeasurementReported)[-1].measurement.vehicle_floor_percent
    assert reading is not None
    assert reading.value == 15.0


async def test_the_button_counts_for_a_running_transaction(
    rig: Rig, charger: Charger
) -> None:
    await charger.plug()
    for transaction_id, activated in (("t1", True), ("t1", False), ("other", True)):
        told = {"transactionId": transaction_id, "activated": activated}
        assert await charger.peer.call("NotifyPriorityCharging", told) == {}
    told_events = rig.sink.of(PriorityChargingReported)
    assert [(e.key, e.is_active) for e in told_events] == [
        (EVSE1, True),
        (EVSE1, False),
    ]
