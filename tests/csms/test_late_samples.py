"""Readings that waited in the station are as old as they are, flagged or not."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.csms.metering import Receipt, parse_meter_values
from custom_components.v2g_vpp.csms.times import StationClock
from custom_components.v2g_vpp.domain.events import MeasurementReported
from custom_components.v2g_vpp.domain.measurement import Measurement
from custom_components.v2g_vpp.domain.session import EvseSession, advance_evse
from tests.csms.charger import Charger
from tests.csms.peer import EVSE1, Rig, SystemClock

AT = datetime(2026, 11, 22, 18, tzinfo=UTC)


def _clock(*offsets_s: float) -> StationClock:
    clock = StationClock()
    for offset_s in offsets_s:
        clock.learn(AT + timedelta(seconds=offset_s), AT)
    return clock


def _values(soc_percent: float, at: datetime) -> list[dict[str, Any]]:
    sample = {"value": soc_percent, "measurand": "SoC", "location": "EV"}
    return [{"timestamp": at.isoformat(), "sampledValue": [sample]}]


def _age_s(clock: StationClock, taken_at: datetime) -> float:
    receipt = Receipt(mono_s=1000.0, at=AT, station_clock=clock)
    reading = parse_meter_values(_values(50, taken_at), receipt).soc_percent
    assert reading is not None
    return 1000.0 - reading.received_mono_s


@given(
    offset_s=st.integers(-300, 300),
    age_s=st.integers(0, 10**6),
)
def test_on_a_trusted_clock_a_sample_has_its_own_age(offset_s: int, age_s: int) -> None:
    taken_at = AT + timedelta(seconds=offset_s - age_s)
    assert _age_s(_clock(offset_s, offset_s), taken_at) == pytest.approx(age_s)


@pytest.mark.parametrize("clock", [_clock(), _clock(0.0, -7200.0), _clock(-900.0)])
@pytest.mark.parametrize(
    ("behind_s", "age_s"),
    [(-60, 0), (0, 0), (9, 0), (11, 11), (7200, 7200), (86_399, 86_399), (10**8, 0)]
    + [(days * 86_400, days * 86_400) for days in (1, 2, 30)],
)
def test_without_a_trusted_clock_ours_decides(
    clock: StationClock, behind_s: float, age_s: float
) -> None:
    taken_at = AT - timedelta(seconds=behind_s)
    assert _age_s(clock, taken_at) == pytest.approx(age_s)


@pytest.mark.parametrize(
    ("behind_s", "age_s"), [(0, 0), (17, 17), (60, 60), (61, 0), (3_600, 0), (-5, 0)]
)
def test_on_a_clock_ahead_a_sample_out_of_turn_is_late(
    behind_s: float, age_s: float
) -> None:
    """And one that is far behind says that the clock was set back."""
    clock = _clock(3_600.0, 3_598.0, 3_600.0)
    taken_at = AT + timedelta(seconds=3_600.0 - behind_s)
    assert _age_s(clock, taken_at) == pytest.approx(age_s)


async def test_out_of_turn_on_a_clock_ahead_the_newer_power_stays(
    rig: Rig, charger: Charger
) -> None:
    await charger.plug()
    ahead = SystemClock().utcnow() + timedelta(hours=1)

    async def tell(soc_percent: float, late_s: float) -> None:
        told_at = ahead - timedelta(seconds=late_s)
        event = charger.event("Updated", "MeterValuePeriodic", state="Charging")
        event |= {
            "timestamp": told_at.isoformat(),
            "meterValue": _values(soc_percent, told_at),
        }
        await charger.peer.call("TransactionEvent", event)

    for _ in range(8):
        await tell(30, 0.0)
    await tell(31, 0.0)
    charger.seq_no += 1
    await tell(29, 12.0)
    assert _soc_percent(rig) == 31


async def test_a_queued_frame_without_a_flag_does_not_beat_a_newer_one(
    rig: Rig, charger: Charger
) -> None:
    await charger.plug()
    now = SystemClock().utcnow()
    await charger.peer.call(
        "MeterValues", {"evseId": 1, "meterValue": _values(31, now)}
    )
    old = _values(80, now - timedelta(hours=2))
    await charger.peer.call("MeterValues", {"evseId": 1, "meterValue": old})
    assert _soc_percent(rig) == 31
    new = _values(33, now + timedelta(seconds=1))
    await charger.peer.call("MeterValues", {"evseId": 1, "meterValue": new})
    assert _soc_percent(rig) == 33


def _soc_percent(rig: Rig) -> float:
    session = EvseSession(key=EVSE1)
    for event in rig.sink.of(MeasurementReported):
        session = advance_evse(session, event)
    reading = session.measurement.soc_percent
    assert reading is not None
    return reading.value


def test_within_one_link_an_older_sample_never_raises_the_state_of_charge() -> None:
    session = EvseSession(key=EVSE1)

    def take(soc_percent: float, mono_s: float, taken_s: float) -> float:
        nonlocal session
        receipt = Receipt(mono_s=mono_s, at=AT + timedelta(seconds=mono_s))
        values = _values(soc_percent, AT + timedelta(seconds=taken_s))
        measurement: Measurement = parse_meter_values(values, receipt)
        event = MeasurementReported(key=EVSE1, measurement=measurement)
        session = advance_evse(session, event)
        reading = session.measurement.soc_percent
        assert reading is not None
        return reading.value

    assert take(31, 8.0, 8.0) == 31
    assert take(80, 10.0, 5.0) == 31
    assert take(30, 11.0, 5.0) == 30
    assert take(32, 12.0, 12.0) == 32
