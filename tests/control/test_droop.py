"""The droop of a profile, and when a home must not offer it."""

from dataclasses import replace
from math import inf

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.droop import (
    DroopFilter,
    DroopRefusal,
    FrequencyMeter,
    FrequencyQuality,
    droop_power_w,
    droop_refusal,
    step_response_s,
)
from custom_components.v2g_vpp.domain.capability import Fingerprint
from custom_components.v2g_vpp.domain.grid_profile import (
    EN50549_50HZ,
    IEEE1547_CAT3_60HZ as US,
    UNSPECIFIED,
    GridProfile,
)
from tests.control.given import reading

RATED_W = 11_000.0
GOOD = FrequencyQuality(resolution_hz=0.010, period_s=2.0)
FAST = Fingerprint(dead_time_s=4.0, ramp_w_per_s=3_300.0, is_learnt=True)


def test_a_low_frequency_asks_for_discharge() -> None:
    power_w = droop_power_w(US, 59.5, RATED_W)
    assert power_w == pytest.approx(-1_701.3, abs=0.1)


def test_the_high_side_of_europe_begins_at_50_2_hz() -> None:
    assert droop_power_w(EN50549_50HZ, 50.2, RATED_W) == pytest.approx(0, abs=1e-6)
    power_w = droop_power_w(EN50549_50HZ, 51.2, RATED_W)
    assert power_w == pytest.approx(RATED_W * 1.0 / 2.5)


def test_without_a_region_there_is_no_droop() -> None:
    assert droop_power_w(UNSPECIFIED, 49.0, RATED_W) == 0.0


@given(
    st.floats(0.0, 100.0),
    st.floats(0.0, 100.0),
    st.sampled_from([US, EN50549_50HZ]),
)
def test_droop_is_bounded_monotone_and_against_the_deviation(
    low: float, high: float, profile: GridProfile
) -> None:
    assert profile.nominal_hz is not None
    low, high = sorted((low, high))
    low_w = droop_power_w(profile, low, RATED_W)
    high_w = droop_power_w(profile, high, RATED_W)
    assert -RATED_W <= low_w <= high_w <= RATED_W
    off_hz = high - profile.nominal_hz
    assert high_w * off_hz >= 0
    if abs(off_hz) <= profile.deadband_hz:
        assert high_w == 0.0


def test_nine_tenths_are_reached_at_the_response_time() -> None:
    answer = DroopFilter()
    answer.step(-1_000.0, US, 0.0)
    power_w = 0.0
    for tenth in range(1, 51):
        power_w = answer.step(-1_000.0, US, tenth / 10)
    assert power_w == pytest.approx(-900.0)


def test_a_profile_without_a_response_time_answers_at_once() -> None:
    profile = replace(EN50549_50HZ, response_s=0.0)
    assert DroopFilter().step(500.0, profile, 0.0) == 500.0


@given(
    st.lists(
        st.tuples(st.floats(-RATED_W, RATED_W), st.floats(-10.0, 100.0)), max_size=20
    )
)
def test_the_answer_never_overshoots(steps: list[tuple[float, float]]) -> None:
    answer, now_s, before_w = DroopFilter(), 0.0, 0.0
    for wanted_w, elapsed_s in steps:
        now_s += elapsed_s
        after_w = answer.step(wanted_w, US, now_s)
        low_w, high_w = sorted((before_w, wanted_w))
        assert low_w - 1e-6 <= after_w <= high_w + 1e-6
        before_w = after_w


def measured(step_hz: float, period_s: float, count: int = 40) -> FrequencyQuality:
    meter = FrequencyMeter()
    for index in range(count):
        # Up and down by one or two steps, never twice the same.
        level = (0, 1, 3, 2)[index % 4]
        meter.note(reading(60.0 + level * step_hz, index * period_s))
    return meter.quality


@given(st.floats(0.001, 0.5), st.floats(0.1, 10.0))
def test_resolution_and_period_are_learnt(step_hz: float, period_s: float) -> None:
    quality = measured(step_hz, period_s)
    assert quality.resolution_hz == pytest.approx(step_hz, rel=1e-3)
    assert quality.period_s == pytest.approx(period_s)


def test_a_frequency_that_stands_still_proves_nothing() -> None:
    meter = FrequencyMeter()
    for second in range(100):
        meter.note(reading(50.0, float(second)))
    assert meter.quality == FrequencyQuality(resolution_hz=inf, period_s=inf)


def test_the_same_reading_twice_is_one() -> None:
    meter = FrequencyMeter()
    meter.note(None)
    for index in range(40):
        seen = reading(60.0 + index % 2 * 0.01, index * 4.0)
        meter.note(seen)
        meter.note(seen)
    assert meter.quality.period_s == pytest.approx(4.0)


def test_a_home_that_measures_well_and_answers_quickly_may_offer() -> None:
    assert droop_refusal(US, GOOD, FAST, RATED_W) is None
    assert step_response_s(FAST, RATED_W) == 7.0


@pytest.mark.parametrize(
    ("profile", "quality", "fingerprint", "refusal"),
    [
        (UNSPECIFIED, GOOD, FAST, DroopRefusal.NO_PROFILE),
        (US, FrequencyQuality(), FAST, DroopRefusal.NOT_MEASURED),
        (US, replace(GOOD, resolution_hz=0.011), FAST, DroopRefusal.TOO_COARSE),
        (US, replace(GOOD, period_s=2.1), FAST, DroopRefusal.TOO_SELDOM),
        (US, GOOD, replace(FAST, is_learnt=False), DroopRefusal.NOT_LEARNT),
        (US, GOOD, replace(FAST, dead_time_s=7.1), DroopRefusal.TOO_SLOW),
    ],
)
def test_what_cannot_be_done_honestly_is_refused(
    profile: GridProfile,
    quality: FrequencyQuality,
    fingerprint: Fingerprint,
    refusal: DroopRefusal,
) -> None:
    assert droop_refusal(profile, quality, fingerprint, RATED_W) is refusal


def test_a_meter_of_ten_millihertz_is_good_enough() -> None:
    quality = measured(0.01, 1.0)
    assert droop_refusal(US, quality, FAST, RATED_W) is None
    coarse = measured(0.02, 1.0)
    refusal = droop_refusal(US, coarse, FAST, RATED_W)
    assert refusal is DroopRefusal.TOO_COARSE
