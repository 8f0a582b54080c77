"""What a frequency asks for, and how an order follows it."""

from math import copysign, isfinite

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.droop import (
    FREQUENCY_FRESH_S,
    OUTPUT_BAND_W,
    SILENT,
    DroopFilter,
    FrequencyFollower,
    support_power_w,
)
from custom_components.v2g_vpp.domain.frequency_response import (
    Droop,
    FrequencyCurve,
    FrequencyPoint,
    FrequencyResponse,
)
from custom_components.v2g_vpp.domain.grid_profile import (
    EN50549_50HZ as EU,
    IEEE1547_CAT3_60HZ as US,
    GridProfile,
    is_plausible_hz,
)
from custom_components.v2g_vpp.domain.setpoint import Reason
from tests.control.given import reading
from tests.control.responses import (
    CURVE,
    DROOP,
    curve,
    curves,
    droop_of,
    droops,
    responses,
)

RATED_W = 11_000.0


def test_a_low_frequency_asks_for_discharge() -> None:
    power_w = support_power_w(droop_of(US, RATED_W), 59.5)
    assert power_w == pytest.approx(-1_701.3, abs=0.1)


def test_the_high_side_of_europe_begins_at_50_2_hz() -> None:
    droop = droop_of(EU, RATED_W)
    assert support_power_w(droop, 50.2) == pytest.approx(0, abs=1e-6)
    assert support_power_w(droop, 51.2) == pytest.approx(RATED_W * 1.0 / 2.5)


@given(st.floats(47.0, 63.0), st.sampled_from([US, EU]), st.floats(1.0, 50_000.0))
def test_watts_per_hertz_are_the_droop_of_the_profile(
    frequency_hz: float, profile: GridProfile, rated_w: float
) -> None:
    assert profile.nominal_hz is not None
    off_hz = frequency_hz - profile.nominal_hz
    beyond_hz = max(0.0, abs(off_hz) - profile.deadband_hz)
    share = beyond_hz / (profile.nominal_hz * profile.droop)
    ours_w = support_power_w(droop_of(profile, rated_w), frequency_hz)
    assert ours_w == pytest.approx(copysign(share * rated_w, off_hz), abs=1e-6)


@given(responses, st.floats(0.0, 100.0), st.floats(0.0, 100.0))
def test_more_frequency_never_asks_for_less(
    response: FrequencyResponse, one_hz: float, other_hz: float
) -> None:
    low_hz, high_hz = sorted((one_hz, other_hz))
    low_w = support_power_w(response, low_hz)
    high_w = support_power_w(response, high_hz)
    assert isfinite(low_w)
    assert isfinite(high_w)
    # Adjacent floats may be interpolated to within their rounding.
    assert low_w <= high_w + 1e-6


@given(droops, st.floats(-1.0, 1.0))
def test_nothing_is_asked_for_in_the_dead_band(droop: Droop, share: float) -> None:
    frequency_hz = droop.nominal_hz + share * max(0.0, droop.dead_band_hz - 1e-9)
    power_w = support_power_w(droop, frequency_hz)
    assert abs(power_w) <= 1e-6 * droop.power_w_per_hz


@given(curves(), st.floats(0.0, 100.0))
def test_a_curve_never_leaves_its_ends(
    response: FrequencyCurve, frequency_hz: float
) -> None:
    power_w = support_power_w(response, frequency_hz)
    assert response.points[0].power_w <= power_w <= response.points[-1].power_w


def test_a_curve_is_straight_between_its_points_and_level_beyond() -> None:
    asked_w = [support_power_w(CURVE, hz) for hz in (49.0, 49.9, 50.0, 50.105, 51.0)]
    assert asked_w == pytest.approx([-10_000.0, -4_736.842, 0.0, 5_000.0, 10_000.0])


@pytest.mark.parametrize(
    "points",
    [
        [(50.0, 0.0)],
        [(50.0 + n / 100, 0.0) for n in range(17)],
        [(50.0, 0.0), (50.0, 1.0)],
        [(50.1, 0.0), (50.0, 1.0)],
        [(49.9, 100.0), (50.1, -100.0)],
        [(49.9, float("nan")), (50.1, 100.0)],
        [(float("inf"), 0.0), (50.1, 100.0)],
    ],
)
def test_what_is_no_curve_or_adds_to_the_deviation_is_refused(
    points: list[tuple[float, float]],
) -> None:
    with pytest.raises(ValueError, match=r"curve|rise"):
        FrequencyCurve(
            points=tuple(FrequencyPoint(frequency_hz=f, power_w=p) for f, p in points)
        )


@pytest.mark.parametrize("name", ["nominal_hz", "dead_band_hz", "power_w_per_hz"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_a_droop_of_no_number_is_refused(name: str, value: float) -> None:
    numbers = {"nominal_hz": 50.0, "dead_band_hz": 0.01, "power_w_per_hz": 1.0}
    with pytest.raises(ValueError, match="droop"):
        Droop(**{**numbers, name: value})


def test_a_response_is_of_one_grid() -> None:
    assert DROOP.fits(50.01)
    assert not DROOP.fits(60.0)
    assert CURVE.fits(50.0)
    assert not CURVE.fits(60.0)


def test_a_response_knows_what_it_may_ask_for() -> None:
    only_charge = curve((49.9, 0.0), (50.1, 1_000.0))
    assert only_charge.may_charge
    assert not only_charge.may_discharge
    only_discharge = curve((49.9, -1_000.0), (50.1, 0.0))
    assert only_discharge.may_discharge
    assert not only_discharge.may_charge
    flat = Droop(nominal_hz=50.0, dead_band_hz=0.0, power_w_per_hz=0.0)
    assert not flat.may_discharge
    assert not flat.may_charge
    assert DROOP.may_charge
    assert DROOP.may_discharge


def test_nine_tenths_are_reached_at_the_response_time() -> None:
    answer = DroopFilter()
    answer.step(-1_000.0, US, 0.0)
    power_w = 0.0
    for tenth in range(1, 51):
        power_w = answer.step(-1_000.0, US, tenth / 10)
    assert power_w == pytest.approx(-900.0)


def test_a_profile_without_a_response_time_answers_at_once() -> None:
    quick = GridProfile(
        profile_id="quick", nominal_hz=50.0, nominal_voltages_v=(230.0,), response_s=0.0
    )
    assert DroopFilter().step(500.0, quick, 0.0) == 500.0


@given(
    st.lists(
        st.tuples(st.floats(-RATED_W, RATED_W), st.floats(-10.0, 100.0)), max_size=20
    )
)
def test_the_filter_never_overshoots(steps: list[tuple[float, float]]) -> None:
    answer, now_s, before_w = DroopFilter(), 0.0, 0.0
    for wanted_w, elapsed_s in steps:
        now_s += elapsed_s
        after_w = answer.step(wanted_w, US, now_s)
        low_w, high_w = sorted((before_w, wanted_w))
        assert low_w - 1e-6 <= after_w <= high_w + 1e-6
        before_w = after_w


def follow(
    follower: FrequencyFollower, frequency_hz: float, now_s: float, age_s: float = 0.0
) -> float:
    """Return what is asked for by a reading of this age."""
    seen = reading(frequency_hz, now_s - age_s)
    return follower.step(DROOP, seen, EU, now_s).power_w


def test_more_is_asked_for_at_the_pace_of_the_profile_and_less_at_once() -> None:
    follower = FrequencyFollower()
    asked_w = [follow(follower, 49.8, float(second)) for second in range(7)]
    wanted_w = support_power_w(DROOP, 49.8)
    assert asked_w[0] == 0.0
    assert asked_w[5] == pytest.approx(0.9 * wanted_w, abs=OUTPUT_BAND_W)
    assert follow(follower, 49.97, 7.0) >= support_power_w(DROOP, 49.97) - OUTPUT_BAND_W
    assert follow(follower, 50.0, 8.0) == 0.0
    assert follow(follower, 49.8, 8.0) == 0.0


def test_the_other_direction_begins_at_rest() -> None:
    follower = FrequencyFollower()
    for second in range(20):
        follow(follower, 49.8, float(second))
    asked_w = follow(follower, 50.2, 20.0)
    assert 0 < asked_w < support_power_w(DROOP, 50.2)


def test_noise_of_a_millihertz_costs_no_write() -> None:
    follower, seen = FrequencyFollower(), set()
    for second in range(200):
        noise_hz = (0.001, -0.001, 0.0)[second % 3]
        power_w = follow(follower, 49.8 + noise_hz, float(second))
        if second > 30:
            seen.add(power_w)
    assert len(seen) == 1
    assert seen.pop() == pytest.approx(support_power_w(DROOP, 49.8), abs=OUTPUT_BAND_W)


def test_without_a_fresh_frequency_nothing_is_asked_for_until_it_is_back() -> None:
    follower = FrequencyFollower()
    for second in range(20):
        follow(follower, 49.8, float(second))
    lost = follower.step(DROOP, reading(49.8, 19.0), EU, 19.1 + FREQUENCY_FRESH_S)
    assert (lost.power_w, lost.reason) == (0.0, Reason.FREQUENCY_STALE)
    assert follower.step(DROOP, None, EU, 26.0).reason is Reason.FREQUENCY_STALE
    assert follow(follower, 49.8, 27.0) > support_power_w(DROOP, 49.8)
    back_w = [follow(follower, 49.8, 28.0 + second) for second in range(10)]
    assert back_w[-1] == pytest.approx(support_power_w(DROOP, 49.8), abs=OUTPUT_BAND_W)


@given(
    st.lists(
        st.tuples(
            st.one_of(st.floats(40.0, 70.0), st.just(float("nan"))),
            st.floats(-2.0, 30.0),
            st.floats(-5.0, 40.0),
        ),
        max_size=30,
    ),
    responses,
)
def test_an_order_never_asks_for_more_than_the_frequency_of_the_moment(
    steps: list[tuple[float, float, float]], response: FrequencyResponse
) -> None:
    follower, now_s = FrequencyFollower(), 100.0
    for frequency_hz, elapsed_s, age_s in steps:
        now_s += elapsed_s
        seen = reading(frequency_hz, now_s - age_s)
        asked = follower.step(response, seen, EU, now_s)
        is_heard = 0.0 <= seen.age_s(now_s) <= FREQUENCY_FRESH_S
        if not (is_heard and is_plausible_hz(frequency_hz)):
            assert asked == SILENT
            continue
        wanted_w = support_power_w(response, frequency_hz)
        assert asked.power_w * wanted_w >= 0
        assert abs(asked.power_w) <= abs(wanted_w) + OUTPUT_BAND_W
        if wanted_w == 0:
            assert asked.power_w == 0.0
