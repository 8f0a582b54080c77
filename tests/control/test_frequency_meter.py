"""How well a frequency is measured, and when a home must not offer to follow it."""

from dataclasses import replace
from math import inf
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.frequency_meter import (
    KEPT_READINGS,
    FollowingCharger,
    FrequencyMeter,
    FrequencyQuality,
    step_response_s,
    support_refusal,
)
from custom_components.v2g_vpp.domain.capability import Fingerprint
from custom_components.v2g_vpp.domain.frequency_response import SupportRefusal
from custom_components.v2g_vpp.domain.grid_profile import (
    IEEE1547_CAT3_60HZ as US,
    UNSPECIFIED,
    GridProfile,
)
from tests.control.given import reading

RATED_W = 11_000.0
GOOD = FrequencyQuality(resolution_hz=0.010, period_s=2.0)
FAST = Fingerprint(dead_time_s=4.0, ramp_w_per_s=3_300.0, is_learnt=True)
CHARGER = FollowingCharger(fingerprint=FAST, rated_w=RATED_W, write_interval_s=1.0)


def charger(**changes: Any) -> FollowingCharger:
    return replace(CHARGER, fingerprint=replace(FAST, **changes))


def measured(step_hz: float, period_s: float, count: int = 40) -> FrequencyQuality:
    meter = FrequencyMeter()
    for index in range(count):
        # Up and down by one or two steps, never twice the same.
        level = (0, 1, 3, 2)[index % 4]
        meter.note(reading(60.0 + level * step_hz, index * period_s))
    return meter.quality((count - 1) * period_s)


@given(st.floats(0.001, 0.5), st.floats(0.1, 10.0))
def test_resolution_and_period_are_learnt(step_hz: float, period_s: float) -> None:
    quality = measured(step_hz, period_s)
    assert quality.resolution_hz == pytest.approx(step_hz, rel=1e-3)
    assert quality.period_s == pytest.approx(period_s)


def test_a_frequency_that_stands_still_proves_nothing() -> None:
    meter = FrequencyMeter()
    for second in range(100):
        meter.note(reading(50.0, float(second)))
    assert meter.quality(99.0) == FrequencyQuality(resolution_hz=inf, period_s=inf)


def test_the_same_reading_twice_is_one() -> None:
    meter = FrequencyMeter()
    meter.note(None)
    for index in range(40):
        seen = reading(60.0 + index % 2 * 0.01, index * 4.0)
        meter.note(seen)
        meter.note(seen)
    assert meter.quality(156.0).period_s == pytest.approx(4.0)


def test_a_home_that_measures_well_and_answers_quickly_may_offer() -> None:
    assert support_refusal(US, GOOD, CHARGER) is None
    assert step_response_s(FAST, RATED_W) == 7.0


@pytest.mark.parametrize(
    ("profile", "quality", "charger", "refusal"),
    [
        (UNSPECIFIED, GOOD, CHARGER, SupportRefusal.NO_PROFILE),
        (US, FrequencyQuality(), CHARGER, SupportRefusal.NOT_MEASURED),
        (US, replace(GOOD, resolution_hz=0.011), CHARGER, SupportRefusal.TOO_COARSE),
        (US, replace(GOOD, period_s=2.1), CHARGER, SupportRefusal.TOO_SELDOM),
        (US, GOOD, charger(is_learnt=False), SupportRefusal.NOT_LEARNT),
        (US, GOOD, charger(dead_time_s=7.1), SupportRefusal.TOO_SLOW),
        (
            US,
            GOOD,
            replace(CHARGER, write_interval_s=10.0),
            SupportRefusal.FEW_WRITES,
        ),
    ],
)
def test_what_cannot_be_done_honestly_is_refused(
    profile: GridProfile,
    quality: FrequencyQuality,
    charger: FollowingCharger,
    refusal: SupportRefusal,
) -> None:
    assert support_refusal(profile, quality, charger) is refusal


def test_a_meter_of_ten_millihertz_is_good_enough() -> None:
    quality = measured(0.01, 1.0)
    assert support_refusal(US, quality, CHARGER) is None
    coarse = measured(0.02, 1.0)
    refusal = support_refusal(US, coarse, CHARGER)
    assert refusal is SupportRefusal.TOO_COARSE


@pytest.mark.parametrize(
    ("refusal", "is_of_meter"),
    [
        (SupportRefusal.NOT_MEASURED, True),
        (SupportRefusal.TOO_COARSE, True),
        (SupportRefusal.TOO_SELDOM, True),
        (SupportRefusal.NO_PROFILE, False),
        (SupportRefusal.NOT_LEARNT, False),
        (SupportRefusal.FEW_WRITES, False),
        (SupportRefusal.TOO_SLOW, False),
    ],
)
def test_a_refusal_tells_whether_the_meter_is_to_blame(
    refusal: SupportRefusal, is_of_meter: bool
) -> None:
    assert refusal.is_of_meter is is_of_meter


def test_a_meter_that_fell_silent_is_known_no_more_until_it_is_heard_again() -> None:
    meter = FrequencyMeter()
    for second in range(40):
        meter.note(reading(60.0 + second % 2 * 0.01, float(second)))
    assert meter.quality(39.0 + 30.0).period_s == 1.0
    assert meter.quality(39.0 + 31.0) == FrequencyQuality()
    meter.note(reading(60.0, 75.0))
    assert meter.quality(75.0).period_s == 1.0


def test_a_meter_that_gets_stuck_is_known_no_more() -> None:
    meter = FrequencyMeter()
    for second in range(40):
        meter.note(reading(60.0 + second % 2 * 0.01, float(second)))
    for second in range(40, 40 + KEPT_READINGS):
        meter.note(reading(59.0, float(second)))
    assert meter.quality(39.0 + KEPT_READINGS) == FrequencyQuality()


def test_a_reading_each_two_seconds_may_be_a_little_late() -> None:
    quality = measured(0.005, 2.03)
    assert support_refusal(US, quality, CHARGER) is None
