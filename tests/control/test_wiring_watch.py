"""Steps of an outlet against the meter of the home."""

from random import Random

from hypothesis import example, given, settings, strategies as st
import pytest

from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.wiring import WiringFault
from tests.control.given import KEY
from tests.control.wiring_home import THREE, WiredHome

OTHER = EvseKey(StationId("CS2"), 1)


def cycles(home: WiredHome, count: int = 4, power_w: float = -4_000.0) -> None:
    for _ in range(count):
        home.hold(40, 0.0)
        home.hold(40, power_w)


@pytest.mark.parametrize("power_w", [-4_000.0, 7_000.0])
@pytest.mark.parametrize("on", [(1,), (2,), (3,), THREE, (2, 3, 1)])
def test_a_right_wiring_agrees_in_both_directions(
    on: tuple[int, ...], power_w: float
) -> None:
    home = WiredHome(on={KEY: on})
    cycles(home, 3, power_w)
    assert len(home.judged) == 5
    assert [step.is_start for step in home.judged] == [True, False, True, False, True]
    assert all(step.finding is None for step in home.judged)
    assert all(step.share == pytest.approx(1.0, abs=0.05) for step in home.judged)
    assert all(set(step.phases) == set(on) for step in home.judged)
    assert not home.found


def test_a_meter_that_counts_the_other_way_is_found_in_three_steps() -> None:
    home = WiredHome(signs=(-1.0, -1.0, -1.0))
    home.hold(40, 0.0)
    for power_w in (-4_000.0, 0.0, -4_000.0):
        assert not home.found
        home.hold(40, power_w)
    assert home.found[KEY].fault is WiringFault.WRONG_SIGN
    assert home.found[KEY].phases == ()
    assert home.found[KEY].share == pytest.approx(-1.0, abs=0.05)


@pytest.mark.parametrize("phase", THREE)
def test_one_clamp_that_sits_the_wrong_way_round_is_named(phase: int) -> None:
    signs = tuple(-1.0 if n == phase else 1.0 for n in THREE)
    home = WiredHome(signs=signs)
    cycles(home)
    assert home.found[KEY].fault is WiringFault.WRONG_SIGN
    assert home.found[KEY].phases == (phase,)


@pytest.mark.parametrize(
    ("on", "told", "seen"),
    [
        ((2,), (1,), (2,)),
        ((3,), (1,), (3,)),
        (THREE, (1,), THREE),
        # A vehicle that uses one conductor tells which phase that is.
        ((2,), THREE, (2,)),
    ],
)
def test_a_wrong_phase_is_found_and_named(
    on: tuple[int, ...], told: tuple[int, ...], seen: tuple[int, ...]
) -> None:
    home = WiredHome(on={KEY: on}, told={KEY: told})
    cycles(home)
    assert home.found[KEY].fault is WiringFault.WRONG_PHASE
    assert home.found[KEY].phases == seen


def test_a_vehicle_with_one_conductor_at_three_phases_is_no_wrong_phase() -> None:
    home = WiredHome(on={KEY: (2,)}, told={KEY: (2, 3, 1)})
    cycles(home)
    assert home.judged
    assert all(step.finding is None for step in home.judged)


@pytest.mark.parametrize("gain", [0.0, 1 / 3, 0.5, 2.0, 1_000.0])
def test_a_wrong_size_is_found(gain: float) -> None:
    home = WiredHome(gain=gain, house=lambda _: (0.0, 0.0, 0.0))
    cycles(home)
    assert home.found[KEY].fault is WiringFault.WRONG_SIZE
    assert home.found[KEY].share == pytest.approx(gain, rel=0.1, abs=0.02)


def test_without_phases_the_sum_decides() -> None:
    home = WiredHome(on={KEY: (2,)}, told={KEY: (1,)}, has_phases=False)
    cycles(home)
    assert home.judged
    assert all(step.finding is None and step.phases == () for step in home.judged)


def test_what_the_home_battery_does_meanwhile_is_taken_out() -> None:
    # It holds the meter at zero: the grid itself never shows the outlet.
    home = WiredHome(has_phases=False)
    home.battery = lambda _: -600.0 - home.powers_w[KEY]
    cycles(home)
    assert len(home.judged) >= 6
    assert all(step.finding is None for step in home.judged)


@pytest.mark.parametrize("grid_period_s", [1, 2, 5, 10])
@pytest.mark.parametrize("outlet_period_s", [1, 5, 15])
def test_slow_and_late_meters_are_waited_for(
    grid_period_s: int, outlet_period_s: int
) -> None:
    home = WiredHome(
        grid_period_s=grid_period_s,
        outlet_period_s=outlet_period_s,
        grid_lag_s=grid_period_s,
    )
    for _ in range(3):
        home.hold(90, 0.0)
        home.hold(90, -4_000.0)
    assert len(home.judged) >= 4
    assert all(step.finding is None for step in home.judged)


def test_a_load_that_switches_with_the_outlet_is_no_contradiction() -> None:
    # Once in a while a kettle begins in the very second.
    home = WiredHome(house=lambda s: (2_300.0 if 121 <= s < 171 else 300.0, 200, 100))
    cycles(home, 6)
    contradicting = [step for step in home.judged if step.finding is not None]
    assert len(contradicting) <= 2
    assert not home.found


def test_a_house_that_never_rests_proves_nothing() -> None:
    home = WiredHome(
        signs=(-1.0, -1.0, -1.0),
        house=lambda s: (2_000.0 if s % 8 < 4 else 0.0, 200.0, 100.0),
    )
    cycles(home, 6)
    assert home.judged == []


def test_a_kettle_a_moment_after_the_outlet_is_told_from_it() -> None:
    # Within the same times of rest, so only the way between them tells.
    home = WiredHome(house=lambda s: (2_300.0 if 44 <= s < 70 else 300.0, 200, 100))
    home.hold(40, 0.0)
    home.hold(25, -4_000.0)
    assert home.judged == []


def test_a_step_beside_what_nobody_measures_proves_nothing() -> None:
    """Another outlet whose meter is silent could have moved the grid."""
    home = WiredHome(signs=(-1.0, -1.0, -1.0), is_blind=lambda s: s % 40 == 5)
    cycles(home)
    assert home.judged == []
    # Long ago is forgotten: what is seen from there on counts.
    home.is_blind = lambda _: False
    cycles(home)
    assert home.found


def test_a_step_while_the_outlet_was_not_heard_proves_nothing() -> None:
    """What it did meanwhile is not known, nor what else the grid shows of it."""
    home = WiredHome(signs=(-1.0, -1.0, -1.0), is_silent=lambda s: 38 <= s < 44)
    home.hold(40, 0.0)
    home.hold(40, -4_000.0)
    assert home.judged == []


def test_two_outlets_at_once_are_not_told_apart() -> None:
    home = WiredHome(on={KEY: THREE, OTHER: (1,)})
    for _ in range(4):
        home.hold_all(40, {KEY: 0.0, OTHER: 0.0})
        home.hold_all(40, {KEY: -4_000.0, OTHER: -4_000.0})
    assert home.steps == {}
    # One after the other each has its own.
    for _ in range(2):
        home.hold_all(40, {KEY: 0.0})
        home.hold_all(40, {OTHER: 0.0})
        home.hold_all(40, {KEY: -4_000.0})
        home.hold_all(40, {OTHER: -4_000.0})
    assert home.steps[KEY]
    assert home.steps[OTHER]
    assert not home.found


def test_small_steps_do_not_count_but_in_a_test() -> None:
    plain, tested = WiredHome(), WiredHome(is_test=True)
    for home in (plain, tested):
        cycles(home, 3, -900.0)
    assert plain.judged == []
    assert len(tested.judged) == 5


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), on=st.sampled_from([(1,), (2,), THREE]))
def test_random_loads_latch_nothing_at_a_right_wiring(
    seed: int, on: tuple[int, ...]
) -> None:
    """Kettles come and go at random, and the outlet steps at random."""
    random = Random(seed)
    home = WiredHome(on={KEY: on}, house=kettles(seed, mean_s=45.0), seed=seed)
    for _ in range(30):
        home.hold(random.uniform(15.0, 60.0), random.choice((0.0, -4_000.0, 3_000.0)))
    assert not home.found


@settings(max_examples=25, deadline=None)
@example(seed=144, fault="clamp")
@example(seed=197, fault="clamp")
@given(
    seed=st.integers(0, 10_000),
    fault=st.sampled_from(["sign", "phase", "clamp"]),
)
def test_a_wrong_wiring_is_found_within_a_dozen_steps_whatever_the_house_does(
    seed: int, fault: str
) -> None:
    home = {
        "sign": WiredHome(signs=(-1.0, -1.0, -1.0)),
        "phase": WiredHome(on={KEY: (2,)}, told={KEY: (1,)}),
        "clamp": WiredHome(signs=(1.0, -1.0, 1.0)),
    }[fault]
    home.house = kettles(seed, mean_s=90.0)
    for number in range(12):
        home.hold(60, (0.0, -5_000.0)[number % 2])
    assert KEY in home.found
    expected = WiringFault.WRONG_PHASE if fault == "phase" else WiringFault.WRONG_SIGN
    assert home.found[KEY].fault is expected


def kettles(seed: int, mean_s: float):  # type: ignore[no-untyped-def]  # a closure
    """Return a house in which loads of any size begin and end at random moments."""
    random = Random(seed)
    on, sizes = [False, False, False], [0.0, 0.0, 0.0]
    changes: list[tuple[float, tuple[float, float, float]]] = []
    at_s = 0.0
    while at_s < 4_000.0:
        at_s += random.expovariate(1.0 / mean_s)
        phase = random.randrange(3)
        on[phase] = not on[phase]
        sizes[phase] = random.uniform(300.0, 3_000.0)
        loads = [
            200.0 + load_w * is_on for load_w, is_on in zip(sizes, on, strict=True)
        ]
        changes.append((at_s, (loads[0], loads[1], loads[2])))

    def house(now_s: float) -> tuple[float, float, float]:
        past = [loads for changed_s, loads in changes if changed_s <= now_s]
        return past[-1] if past else (200.0, 200.0, 200.0)

    return house
