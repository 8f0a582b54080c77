"""Readings, how they replace each other and when they stop counting."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.domain.measurement import (
    Measurement,
    Reading,
    fresh_value,
    is_fresh,
    stale_after_s,
)

AT = datetime(2026, 1, 15, 12, tzinfo=UTC)
NAMES = [field.name for field in fields(Measurement)]
READINGS = st.builds(
    Reading,
    value=st.floats(-1e6, 1e6),
    received_mono_s=st.floats(0, 1e6),
    taken_at=st.integers(0, 100).map(lambda second: AT + timedelta(seconds=second)),
)
MEASUREMENTS = st.builds(Measurement, **dict.fromkeys(NAMES, st.none() | READINGS))


def _reading(value: float, *, second: float = 0.0, mono_s: float = 0.0) -> Reading:
    taken_at = AT + timedelta(seconds=second)
    return Reading(value=value, received_mono_s=mono_s, taken_at=taken_at)


def test_a_measurand_that_is_not_in_the_news_is_kept() -> None:
    power, soc = _reading(-5_000.0), _reading(70.0)
    ours = Measurement(power_w=power)
    assert ours.updated_by(Measurement(soc_percent=soc)) == Measurement(
        power_w=power, soc_percent=soc
    )


def test_a_late_report_does_not_replace_a_newer_reading() -> None:
    new = Measurement(power_w=_reading(-5_000.0, second=10, mono_s=100.0))
    replayed = Measurement(power_w=_reading(0.0, second=9, mono_s=99.0))
    assert new.updated_by(replayed) == new
    earlier_sample = Measurement(power_w=_reading(0.0, second=9, mono_s=100.0))
    assert new.updated_by(earlier_sample) == new, "one report: the meter's own time"
    again = Measurement(power_w=_reading(-4_000.0, second=10, mono_s=100.0))
    assert new.updated_by(again) == again, "the same second: the later report wins"


def test_a_clock_that_steps_back_does_not_freeze_the_readings() -> None:
    before = Measurement(power_w=_reading(-5_000.0, second=3600, mono_s=100.0))
    after = Measurement(power_w=_reading(0.0, second=1, mono_s=101.0))
    assert before.updated_by(after) == after


@given(MEASUREMENTS, MEASUREMENTS)
def test_an_update_takes_each_measurand_from_the_newer(
    ours: Measurement, theirs: Measurement
) -> None:
    both = ours.updated_by(theirs)
    for name in NAMES:
        mine, yours = getattr(ours, name), getattr(theirs, name)
        known = [reading for reading in (mine, yours) if reading is not None]
        result = getattr(both, name)
        assert result in (mine, yours)
        assert (result is None) == (not known)
        if known:
            assert result.order == max(reading.order for reading in known)


@given(MEASUREMENTS)
def test_an_update_with_nothing_or_itself_changes_nothing(
    measurement: Measurement,
) -> None:
    assert measurement.updated_by(Measurement()) == measurement
    assert measurement.updated_by(measurement) == measurement
    assert Measurement().updated_by(measurement) == measurement


def test_a_value_counts_until_it_is_too_old() -> None:
    reading = _reading(-5_000.0, mono_s=100.0)
    assert reading.age_s(103.0) == 3.0
    assert fresh_value(reading, 110.0, 10.0) == -5_000.0
    assert fresh_value(reading, 110.1, 10.0) is None
    assert fresh_value(None, 110.0, 10.0) is None


@pytest.mark.parametrize(
    ("age_s", "expected"),
    [(-0.1, False), (0.0, True), (10.0, True), (10.1, False)],
)
def test_freshness_trusts_no_reading_of_the_future(
    age_s: float, expected: bool
) -> None:
    assert is_fresh(_reading(1.0, mono_s=100.0), 100.0 + age_s, 10.0) is expected
    assert not is_fresh(None, 100.0, 10.0)


@pytest.mark.parametrize(
    ("period_s", "stale_s"), [(1.0, 10.0), (5.0, 15.0), (10.0, 30.0), (60.0, 30.0)]
)
def test_a_meter_is_stale_after_three_periods_within_bounds(
    period_s: float, stale_s: float
) -> None:
    assert stale_after_s(period_s) == stale_s
