"""Power that follows the grid, over the wire (OCPP 2.1 Q08)."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.v2g_vpp.virtual.schedule import format_time

from .conftest import Rig

FREQUENCIES = [
    {"frequency": 49.8, "power": -10_000},
    {"frequency": 49.99, "power": 0},
    {"frequency": 50.01, "power": 0},
    {"frequency": 50.2, "power": 10_000},
]
SIGNALS = [
    {"signal": -1, "power": -2000},
    {"signal": 0, "power": 0},
    {"signal": 1, "power": 2000},
]
FOLLOWING = {
    "operationMode": "LocalFrequency",
    "v2xBaseline": -2000,
    "v2xFreqWattCurve": FREQUENCIES,
}


def local(transaction_id: str, unit: str = "W", **period: Any) -> dict[str, Any]:
    return {
        "evseId": 1,
        "chargingProfile": {
            "id": 1001,
            "stackLevel": 10,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Relative",
            "transactionId": transaction_id,
            "chargingSchedule": [
                {
                    "id": 1,
                    "chargingRateUnit": unit,
                    "chargingSchedulePeriod": [
                        {"startPeriod": 0, **FOLLOWING, **period}
                    ],
                }
            ],
        },
    }


async def follow(rig: Rig, **period: Any) -> None:
    transaction_id = await rig.plug()
    answer = await rig.csms.call("SetChargingProfile", local(transaction_id, **period))
    assert answer == {"status": "Accepted"}
    await rig.clock.advance(5)


async def at(rig: Rig, frequency_hz: float) -> float:
    rig.station.set_grid_frequency(frequency_hz)
    await rig.clock.advance(10)
    return rig.true_w


async def send_signal(rig: Rig, signal: int, in_s: float = 0.0) -> dict[str, Any]:
    timestamp = rig.clock.utcnow() + timedelta(seconds=in_s)
    return await rig.csms.call(
        "AFRRSignal", {"timestamp": format_time(timestamp), "signal": signal}
    )


async def test_power_is_the_baseline_and_what_the_grid_asks_for(rig: Rig) -> None:
    await rig.start()
    await follow(rig)
    assert rig.true_w == -2000
    assert rig.station.status().operation_mode == "LocalFrequency"
    assert await at(rig, 49.895) == pytest.approx(-7000)
    assert await at(rig, 50.105) == pytest.approx(3000)
    # The nameplate holds, whatever the curve says.
    assert await at(rig, 49.0) == -11_000


async def test_small_changes_of_the_grid_are_not_followed(rig: Rig) -> None:
    await rig.start()
    await follow(rig)
    assert await at(rig, 49.95) == pytest.approx(-2000 - 2105.26, abs=1)
    assert await at(rig, 49.955) == pytest.approx(-2000 - 2105.26, abs=1)
    assert await at(rig, 49.96) == pytest.approx(-2000 - 1578.95, abs=1)


async def test_signal_acts_from_its_time_on_top_of_the_frequency(rig: Rig) -> None:
    await rig.start()
    await follow(rig, v2xSignalWattCurve=SIGNALS)
    assert await send_signal(rig, -1, in_s=20) == {"status": "Accepted"}
    await rig.clock.advance(19)
    assert rig.true_w == -2000
    await rig.clock.advance(5)
    assert rig.true_w == -4000
    assert await at(rig, 50.143) == pytest.approx(3000)
    assert await send_signal(rig, 0) == {"status": "Accepted"}
    await rig.clock.advance(5)
    assert rig.true_w == pytest.approx(5000)


async def test_signal_without_its_curve_is_refused(rig: Rig) -> None:
    await rig.start()
    refused = {
        "status": "Rejected",
        "statusInfo": {"reasonCode": "NoSignalWattCurve"},
    }
    assert await send_signal(rig, 1) == refused
    await follow(rig)
    assert await send_signal(rig, 1) == refused


async def test_signal_of_an_earlier_profile_is_forgotten(rig: Rig) -> None:
    await rig.start()
    await follow(rig, v2xSignalWattCurve=SIGNALS)
    await send_signal(rig, -1)
    transaction_id = rig.station.status().transaction_id or ""
    await rig.csms.call("ClearChargingProfile", {"chargingProfileId": 1001})
    profile = local(transaction_id, v2xSignalWattCurve=SIGNALS)
    await rig.csms.call("SetChargingProfile", profile)
    await rig.clock.advance(10)
    assert rig.true_w == -2000


@pytest.mark.parametrize(
    ("change", "unit", "reason"),
    [
        ({"v2xBaseline": None}, "W", "NoFreqWattCurve"),
        ({"v2xFreqWattCurve": FREQUENCIES[:1]}, "W", "NoFreqWattCurve"),
        ({"limit": 1000}, "W", "InvalidSchedule"),
        ({"setpointReactive": 1000}, "W", "InvalidSchedule"),
        ({}, "A", "InvalidSchedule"),
    ],
)
async def test_schedules_that_cannot_be_followed(
    rig: Rig, change: dict[str, Any], unit: str, reason: str
) -> None:
    await rig.start()
    wire = local(await rig.plug(), unit, **change)
    (period,) = wire["chargingProfile"]["chargingSchedule"][0]["chargingSchedulePeriod"]
    for name in [name for name, value in period.items() if value is None]:
        del period[name]
    answer = await rig.csms.call("SetChargingProfile", wire)
    assert answer["status"] == "Rejected"
    assert answer["statusInfo"]["reasonCode"] == reason


async def test_composite_schedule_names_the_mode_alone(rig: Rig) -> None:
    await rig.start()
    await follow(rig)
    answer = await rig.csms.call("GetCompositeSchedule", {"duration": 60, "evseId": 1})
    (period,) = answer["schedule"]["chargingSchedulePeriod"]
    assert period == {"startPeriod": 0, "operationMode": "LocalFrequency"}


async def test_sleep_of_the_electronics_is_told_while_it_lasts(rig: Rig) -> None:
    await rig.start()
    transaction_id = await rig.plug()
    idle = local(transaction_id)
    period = {"startPeriod": 0, "operationMode": "Idle", "evseSleep": True}
    idle["chargingProfile"]["chargingSchedule"][0]["chargingSchedulePeriod"] = [period]
    assert await rig.csms.call("SetChargingProfile", idle) == {"status": "Accepted"}
    await rig.clock.advance(10)
    assert not rig.station.status().is_contactor_closed
    trigger = {"requestedMessage": "TransactionEvent"}
    await rig.csms.call("TriggerMessage", trigger)
    event = await rig.csms.event(triggerReason="Trigger")
    assert event["evseSleep"] is True
    await rig.csms.call("SetChargingProfile", local(transaction_id))
    await rig.clock.advance(10)
    await rig.all_told()
    assert rig.true_w == -2000
    assert "evseSleep" not in rig.csms.events()[-1]
