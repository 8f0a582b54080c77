"""What the modes that follow the meter ask for: less at once, more after a while."""

from dataclasses import replace
from math import inf

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.demand import (
    BIAS_W,
    DEAD_BAND_W,
    RAISE_AFTER_S,
    SETTLED_AFTER_S,
    DemandInputs,
    MeterFollower,
)
from custom_components.v2g_vpp.control.home_battery import LeftOver, without_battery
from custom_components.v2g_vpp.domain.policy import Mode, SolarPolicy
from custom_components.v2g_vpp.domain.setpoint import Reason
from tests.control.given import NOW

PLAIN = DemandInputs(
    mode=Mode.SELF_CONSUMPTION,
    is_measured=True,
    load=None,
    minimum_charge_w=1_380.0,
    minimum_discharge_w=1_380.0,
    maximum_charge_w=11_000.0,
    maximum_discharge_w=10_000.0,
)
HOLD_ON_S = round(PLAIN.solar.hold_on_s)
HOLD_OFF_S = round(PLAIN.solar.hold_off_s)
RAISE_S = round(RAISE_AFTER_S)


class Following:
    """A follower that is stepped once a second."""

    def __init__(self, inputs: DemandInputs = PLAIN) -> None:
        self.inputs, self.now_s = inputs, NOW
        self.follower = MeterFollower()
        self.reasons: list[Reason] = []

    def at(self, rest_w: float | None, seconds: int = 1) -> float:
        """Return what is asked for after seconds of this load beside the EVSEs."""
        left = None if rest_w is None else without_battery(rest_w)
        return self.left(left, seconds)

    def left(self, left: LeftOver | None, seconds: int = 1) -> float:
        power_w = 0.0
        for _ in range(seconds):
            self.now_s += 1.0
            demand = self.follower.step(replace(self.inputs, load=left), self.now_s)
            power_w = demand.power_w
            self.reasons.append(demand.reason)
        return power_w


def test_a_load_is_served_after_a_while_but_for_a_little_import() -> None:
    home = Following()
    assert home.at(3_000.0, RAISE_S) == 0
    assert home.at(3_000.0) == BIAS_W - 3_000.0
    assert home.reasons == [
        *[Reason.NOTHING_TO_BALANCE] * RAISE_S,
        Reason.AS_REQUESTED,
    ]


def test_less_is_asked_for_at_once_and_more_only_when_it_stays() -> None:
    home = Following()
    home.at(3_000.0, RAISE_S + 1)
    assert home.at(2_000.0) == BIAS_W - 2_000.0
    assert home.at(4_000.0, RAISE_S) == BIAS_W - 2_000.0
    assert home.at(4_000.0) == BIAS_W - 4_000.0


def test_a_hob_that_switches_is_served_at_its_bottom() -> None:
    home = Following()
    asked = [
        home.at(2_000.0 + (1_800.0 if second % 8 < 4 else 0.0)) for second in range(200)
    ]
    assert set(asked[RAISE_S + 1 :]) == {BIAS_W - 2_000.0}


def test_a_change_within_the_dead_band_is_nothing_until_it_lasts() -> None:
    home = Following()
    home.at(3_000.0, RAISE_S + 1)
    assert home.at(3_000.0 - DEAD_BAND_W + 1, 5) == BIAS_W - 3_000.0
    assert home.at(3_100.0, RAISE_S + 5) == BIAS_W - 3_000.0
    assert home.at(3_100.0, round(SETTLED_AFTER_S)) == BIAS_W - 3_100.0


@pytest.mark.parametrize(
    ("running_w", "rest_w", "power_w"),
    [
        pytest.param(11_000.0, -4_000.0, 4_000.0 - BIAS_W, id="less charging"),
        pytest.param(2_000.0, -4_000.0, 2_000.0, id="more charging only after a while"),
        pytest.param(-8_000.0, 3_000.0, BIAS_W - 3_000.0, id="less discharge"),
        pytest.param(11_000.0, 3_000.0, 0.0, id="the other direction rests first"),
        pytest.param(11_000.0, 0.0, 0.0, id="nothing to do"),
    ],
)
def test_a_mode_takes_over_what_flows_without_a_jump(
    running_w: float, rest_w: float, power_w: float
) -> None:
    home = Following(replace(PLAIN, running_w=running_w))
    assert home.at(rest_w) == power_w
    assert home.at(rest_w) == power_w


def test_a_load_below_the_minimum_cannot_be_served() -> None:
    home = Following()
    home.at(3_000.0, RAISE_S + 1)
    assert home.at(1_380.0 + BIAS_W - 1.0) == 0
    assert home.at(1_400.0, 30) == 0


def test_surplus_is_taken_after_the_hold_time_and_left_at_once_when_it_is_gone() -> (
    None
):
    home = Following()
    assert home.at(-4_000.0, HOLD_ON_S) == 0
    assert home.at(-4_000.0) == 4_000.0 - BIAS_W
    assert home.at(-3_000.0) == 3_000.0 - BIAS_W
    assert home.at(500.0) == 0
    assert home.at(3_000.0, RAISE_S + 1) == BIAS_W - 3_000.0


def test_solar_never_serves_the_home() -> None:
    home = Following(replace(PLAIN, mode=Mode.SOLAR))
    assert home.at(5_000.0, 100) == 0
    assert home.reasons[-1] is Reason.NO_SURPLUS


def test_solar_waits_for_the_end_of_a_cloud_at_the_minimum() -> None:
    home = Following(replace(PLAIN, mode=Mode.SOLAR))
    home.at(-4_000.0, HOLD_ON_S + 1)
    assert home.at(-700.0, HOLD_OFF_S) == 1_380.0
    assert home.at(-4_000.0, RAISE_S + 1) == 4_000.0 - BIAS_W
    assert home.at(-700.0, HOLD_OFF_S) == 1_380.0, "the wait began anew"
    assert home.at(-700.0) == 0
    assert home.at(-4_000.0, HOLD_ON_S) == 0, "and so does the wait for the sun"
    assert home.at(-4_000.0) == 4_000.0 - BIAS_W


@pytest.mark.parametrize(
    ("battery_leaves_w", "held_w"), [(700.0, 0.0), (2_000.0, 1_380.0)]
)
def test_no_cloud_is_waited_for_on_what_the_home_battery_gives(
    battery_leaves_w: float, held_w: float
) -> None:
    home = Following(replace(PLAIN, mode=Mode.SOLAR))
    home.at(-4_000.0, HOLD_ON_S + 1)
    cloud = replace(without_battery(-700.0), power_to_charge_w=battery_leaves_w)
    assert home.left(cloud, 2) == held_w
    # Sun again: without the wait its charge has to be waited for.
    assert home.at(-4_000.0, HOLD_ON_S + 1) == 4_000.0 - BIAS_W


def test_one_cloud_more_begins_the_wait_for_the_sun_anew() -> None:
    home = Following(replace(PLAIN, mode=Mode.SOLAR))
    home.at(-4_000.0, HOLD_ON_S - 1)
    home.at(-1_000.0)
    assert home.at(-4_000.0, HOLD_ON_S) == 0
    assert home.at(-4_000.0) == 4_000.0 - BIAS_W


def test_the_grid_tops_up_when_the_owner_wants_it() -> None:
    solar = SolarPolicy(top_up_from_w=500.0)
    home = Following(replace(PLAIN, mode=Mode.SOLAR, solar=solar))
    assert home.at(-499.0, 3 * HOLD_ON_S) == 0
    assert home.at(-600.0, HOLD_ON_S + 1) == 1_380.0
    assert home.at(-600.0, 2 * HOLD_OFF_S) == 1_380.0


def test_peak_shaving_holds_the_import_from_both_sides() -> None:
    home = Following(replace(PLAIN, mode=Mode.PEAK_SHAVING, peak_import_w=4_000.0))
    assert home.at(1_000.0, HOLD_ON_S + 1) == 3_000.0 - BIAS_W
    assert home.at(2_500.0) == 1_500.0 - BIAS_W
    assert home.at(3_900.0) == 0
    assert home.at(6_500.0, RAISE_S + 1) == -BIAS_W - 2_500.0


def test_peak_shaving_does_not_empty_the_home_battery() -> None:
    home = Following(replace(PLAIN, mode=Mode.PEAK_SHAVING, peak_import_w=4_000.0))
    regulated = LeftOver(
        load_to_charge_w=inf, load_to_serve_w=-inf, load_to_import_w=None
    )
    assert home.left(regulated, 100) == 0


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        pytest.param(
            replace(PLAIN, is_measured=False), Reason.MODE_NOT_SET_UP, id="no meter"
        ),
        pytest.param(
            replace(PLAIN, mode=Mode.PEAK_SHAVING), Reason.MODE_NOT_SET_UP, id="no peak"
        ),
        pytest.param(PLAIN, Reason.SITE_METER_STALE, id="silent meter"),
    ],
)
def test_what_is_not_known_is_followed_by_nobody(
    inputs: DemandInputs, reason: Reason
) -> None:
    home = Following()
    assert home.at(3_000.0, RAISE_S + 1) != 0
    home.inputs = inputs
    assert home.at(None) == 0
    assert home.reasons[-1] is reason
    home.inputs = PLAIN
    assert home.at(3_000.0, RAISE_S) == 0, "and then it begins anew"


INPUTS = st.builds(
    DemandInputs,
    mode=st.sampled_from([Mode.SOLAR, Mode.SELF_CONSUMPTION, Mode.PEAK_SHAVING]),
    is_measured=st.just(True),
    load=st.none()
    | st.builds(
        LeftOver,
        load_to_charge_w=st.floats(-2e4, 2e4) | st.just(inf),
        load_to_serve_w=st.floats(-2e4, 2e4) | st.just(-inf),
        load_to_import_w=st.none() | st.floats(-2e4, 2e4),
    ),
    minimum_charge_w=st.floats(0, 2_000),
    minimum_discharge_w=st.floats(0, 2_000),
    maximum_charge_w=st.floats(0, 11_000),
    maximum_discharge_w=st.floats(0, 11_000),
    running_w=st.floats(-11_000, 11_000),
    solar=st.builds(
        SolarPolicy,
        hold_on_s=st.floats(0, 20),
        hold_off_s=st.floats(0, 20),
        top_up_from_w=st.none() | st.floats(0, 2_000),
    ),
    peak_import_w=st.none() | st.floats(0, 10_000),
)


@given(st.lists(st.tuples(INPUTS, st.sampled_from([0.0, 1.0, 5.0, 60.0])), max_size=25))
def test_a_demand_can_always_flow_and_is_0_when_nothing_is_known(
    steps: list[tuple[DemandInputs, float]],
) -> None:
    follower, now_s = MeterFollower(), NOW
    for inputs, gap_s in steps:
        now_s += gap_s
        power_w = follower.step(inputs, now_s).power_w
        if inputs.load is None:
            assert power_w == 0
        if inputs.mode is Mode.SOLAR:
            assert power_w >= 0
        if power_w > 0:
            assert power_w >= inputs.minimum_charge_w
            assert power_w <= max(inputs.maximum_charge_w, inputs.minimum_charge_w)
        if power_w < 0:
            assert inputs.minimum_discharge_w <= -power_w
            assert -power_w <= inputs.maximum_discharge_w + 1e-9


@given(st.lists(st.floats(-9_000, 9_000), min_size=1, max_size=60))
def test_a_vehicle_never_serves_more_than_the_load_of_this_moment(
    loads_w: list[float],
) -> None:
    home = Following()
    for rest_w in loads_w:
        power_w = home.at(rest_w, 3)
        if power_w < 0:
            assert -power_w <= max(0.0, rest_w) - BIAS_W + DEAD_BAND_W
        if power_w > 0:
            assert power_w <= max(0.0, -rest_w) - BIAS_W + DEAD_BAND_W


@given(st.floats(0, 9_000), st.floats(0, 9_000))
def test_more_load_never_asks_for_less(one_w: float, other_w: float) -> None:
    less_w, more_w = sorted((one_w, other_w))
    asked = [Following().at(rest_w, 100) for rest_w in (less_w, more_w)]
    assert asked[1] <= asked[0]
