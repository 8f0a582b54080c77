"""The clock of a station, and what runs on it."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.units import NotFiniteError
from custom_components.v2g_vpp.virtual.schedule import format_time, parse_time
from custom_components.v2g_vpp.virtual.station_clock import StationClock

from .conftest import Rig
from .fake_clock import START, FakeClock


async def test_it_drifts_jumps_and_is_set() -> None:
    true = FakeClock()
    clock = StationClock(true, offset_s=10.0, drift_ppm=1_000.0)
    assert clock.utcnow() == START + timedelta(seconds=10)
    await true.advance(100)
    assert clock.offset_s == pytest.approx(10.1)
    clock.step(-60)
    assert clock.offset_s == pytest.approx(-49.9)
    clock.set_drift(-1_000.0)
    await true.advance(100)
    assert clock.offset_s == pytest.approx(-50.0)
    clock.set_to(START + timedelta(seconds=200))
    assert clock.offset_s == 0.0
    await true.advance(1_000)
    assert clock.offset_s == pytest.approx(-1.0)
    assert clock.monotonic() == true.monotonic()


@pytest.mark.parametrize(
    "values",
    [
        {"offset_s": float("nan"), "drift_ppm": 0.0},
        {"offset_s": 1e10, "drift_ppm": 0.0},
        {"offset_s": 0.0, "drift_ppm": 1e6},
    ],
)
def test_what_no_clock_does_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(NotFiniteError):
        StationClock(FakeClock(), **values)


def _absolute(transaction_id: str, start: str, limit_w: float) -> dict[str, Any]:
    return {
        "evseId": 1,
        "chargingProfile": {
            "id": 7,
            "stackLevel": 10,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Absolute",
            "transactionId": transaction_id,
            "chargingSchedule": [
                {
                    "id": 1,
                    "chargingRateUnit": "W",
                    "duration": 60,
                    "startSchedule": start,
                    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit_w}],
                }
            ],
        },
    }


async def test_absolute_profiles_and_times_run_on_it(rig: Rig) -> None:
    await rig.start(clock_offset_s=500.0)
    transaction_id = await rig.plug()
    started = await rig.csms.event(eventType="Started")
    ahead = parse_time(started["timestamp"]) - rig.clock.utcnow()
    assert ahead.total_seconds() == pytest.approx(500, abs=1)
    now = format_time(rig.clock.utcnow())
    await rig.csms.call("SetChargingProfile", _absolute(transaction_id, now, 4_000.0))
    await rig.clock.advance(1)
    # By its clock these 60 s were over long ago.
    assert rig.station.status().commanded_w == 11_000.0
    rig.station.step_clock(-500.0)
    assert rig.station.status().commanded_w == 4_000.0
    await rig.clock.advance(61)
    assert rig.station.status().commanded_w == 11_000.0


@pytest.mark.parametrize("follows", [True, False])
async def test_answers_set_it_only_where_the_station_wants_that(
    rig: Rig, follows: bool
) -> None:
    await rig.start(clock_offset_s=-70.0, follows_csms_time=follows)
    offset_s = rig.station.status().clock_offset_s
    assert offset_s == pytest.approx(0.0 if follows else -70.0, abs=2)
    rig.station.step_clock(900.0)
    told = format_time(rig.clock.utcnow() + timedelta(seconds=300))
    rig.csms.answers["Heartbeat"] = lambda _: {"currentTime": told}
    await rig.clock.advance(301)
    await rig.csms.came("Heartbeat")
    offset_s = rig.station.status().clock_offset_s
    assert offset_s == pytest.approx(0.0 if follows else 830.0, abs=2)
