"""Power by the heat of the handle: the derating, the look ahead and what is learnt."""

from itertools import pairwise
from math import nan, sin
import random

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.thermal import (
    PROMISE_S,
    RISE_STEP,
    Heat,
    ThermalNode,
    ThermalWatch,
)
from custom_components.v2g_vpp.domain.heat import (
    HANDLE_STOP_C,
    HANDLE_WARN_C,
    derate_share,
)

SOUND = ThermalNode()
WORN = ThermalNode(ambient_c=30.0, rise_k=60.0, time_constant_s=900.0, is_learnt=True)

TEMPERATURES = st.floats(-40.0, 150.0)
SHARES = st.floats(-1.0, 1.0)
SECONDS = st.floats(0.0, 20_000.0)
NODES = st.builds(
    ThermalNode,
    ambient_c=st.floats(-40.0, 60.0),
    rise_k=st.floats(1.0, 150.0),
    time_constant_s=st.floats(60.0, 7200.0),
)


@pytest.mark.parametrize(
    ("temperature_c", "share"),
    [(20.0, 1.0), (70.0, 1.0), (77.5, 0.5), (85.0, 0.0), (120.0, 0.0), (nan, 0.0)],
)
def test_power_falls_in_a_straight_line_to_the_stop(
    temperature_c: float, share: float
) -> None:
    assert derate_share(temperature_c) == share


def test_a_sound_plug_holds_its_rating_for_ever() -> None:
    assert SOUND.after(20.0, 1.0, 1e6) == pytest.approx(HANDLE_WARN_C)
    assert SOUND.lasting_share(HANDLE_WARN_C, 1e6) == pytest.approx(1.0)


def test_the_promise_shrinks_before_the_limit() -> None:
    share = WORN.lasting_share(30.0, PROMISE_S)
    assert 0.8 < share < 0.95, "cool now, and too warm in an hour"
    assert WORN.lasting_share(30.0, 300.0) == 1.0, "five minutes are no matter"
    end_c = WORN.after(30.0, share, PROMISE_S)
    assert HANDLE_WARN_C < end_c < HANDLE_STOP_C


@given(NODES, TEMPERATURES, SECONDS)
def test_what_lasts_is_still_there_at_its_end(
    node: ThermalNode, temperature_c: float, seconds: float
) -> None:
    share = node.lasting_share(temperature_c, seconds)
    assert 0.0 <= share <= derate_share(temperature_c)
    end_c = node.after(temperature_c, share, seconds)
    if share > 0.0:
        assert derate_share(end_c) >= share - 1e-6
        assert end_c < HANDLE_STOP_C


@given(NODES, TEMPERATURES, TEMPERATURES, SECONDS, SECONDS)
def test_hotter_leaves_no_more(
    node: ThermalNode, one_c: float, other_c: float, one_s: float, other_s: float
) -> None:
    cool_c, hot_c = sorted((one_c, other_c))
    cool, hot = (node.lasting_share(c, one_s) for c in (cool_c, hot_c))
    assert hot <= cool + 1e-9
    # What lasts long lasts short: the path between both ends has no peak.
    short_s, long_s = sorted((one_s, other_s))
    lasting = node.lasting_share(cool_c, long_s)
    mid_c = node.after(cool_c, lasting, short_s)
    assert derate_share(mid_c) >= lasting - 1e-6


def test_power_that_follows_the_derating_never_reaches_the_stop() -> None:
    bad = ThermalNode(ambient_c=45.0, rise_k=120.0, time_constant_s=300.0)
    watch, temperature_c, hottest_c = ThermalWatch(), 45.0, 0.0
    share = 1.0
    for second in range(7200):
        temperature_c = bad.after(temperature_c, share, 1.0)
        heat = watch.step(temperature_c, 0.0, share, float(second))
        share = heat.share
        hottest_c = max(hottest_c, temperature_c)
    assert hottest_c < HANDLE_STOP_C
    assert share > 0.2


def test_a_noisy_sensor_does_not_move_the_power_all_the_time() -> None:
    watch, noise, shares = ThermalWatch(), random.Random(1), []
    for second in range(600):
        measured_c = 77.0 + noise.uniform(-0.3, 0.3)
        shares.append(watch.step(measured_c, 0.0, 0.5, float(second)).share)
    changes = sum(1 for a, b in pairwise(shares) if a != b)
    assert changes < 20, "down a little at first, then it stands"


@given(st.lists(st.one_of(st.none(), TEMPERATURES, st.just(nan)), max_size=40))
def test_power_never_exceeds_what_the_present_temperature_leaves(
    readings: list[float | None],
) -> None:
    watch = ThermalWatch()
    for second, measured_c in enumerate(readings):
        heat = watch.step(measured_c, 0.0, 1.0, float(second))
        assert 0.0 <= heat.share <= derate_share(heat.temperature_c)
        assert heat.lasting_share(PROMISE_S) <= heat.share
        if measured_c is not None and measured_c == measured_c:
            assert heat.temperature_c == measured_c
            assert heat.share <= derate_share(measured_c)


def test_what_was_taken_comes_back_in_steps_and_whole() -> None:
    watch = ThermalWatch()
    half_c = HANDLE_STOP_C - 0.5 * (HANDLE_STOP_C - HANDLE_WARN_C)
    assert watch.step(half_c, 0.0, 1.0, 0.0).share == 0.5
    assert watch.step(half_c - 0.5, 0.0, 1.0, 1.0).share == 0.5
    step_c = RISE_STEP * (HANDLE_STOP_C - HANDLE_WARN_C)
    assert watch.step(half_c - step_c, 0.0, 1.0, 2.0).share == pytest.approx(0.55)
    assert watch.step(HANDLE_WARN_C, 0.0, 1.0, 3.0).share == 1.0


def test_without_a_sensor_a_sound_plug_is_assumed_and_said_so() -> None:
    watch = ThermalWatch()
    heat = Heat()
    for second in range(0, 7200, 10):
        heat = watch.step(None, 0.0, 1.0, float(second))
    assert not heat.is_measured
    assert heat.share == 1.0
    assert heat.temperature_c == pytest.approx(HANDLE_WARN_C)


def test_a_sensor_that_falls_silent_leaves_its_heat_behind() -> None:
    watch = ThermalWatch()
    watch.step(80.0, 0.0, 1.0, 0.0)
    heat = watch.step(None, 0.0, 1.0, 1.0)
    assert heat.share < 0.5
    assert not heat.is_measured


def test_an_old_reading_is_not_cooler_than_the_power_since() -> None:
    watch, heat = ThermalWatch(), Heat()
    for second in range(120):
        heat = watch.step(65.0, 120.0 if second else 0.0, 1.2, float(second))
    assert heat.temperature_c > 65.0


def learnt_from(
    truth: ThermalNode, *, noise_k: float, seed: int, drift_k: float = 0.0
) -> tuple[ThermalNode, float]:
    """Return the node after six hours, and its error at the end of half an hour."""
    draw, watch = random.Random(seed), ThermalWatch()
    temperature_c, share = truth.ambient_c, 0.0
    heat = Heat()
    node = truth
    for second in range(0, 6 * 3600, 2):
        if second % 900 == 0:
            share = draw.choice([0.0, -0.3, 0.6, -1.0, 1.0])
        node = ThermalNode(
            ambient_c=truth.ambient_c + drift_k * sin(second / 7_000.0),
            rise_k=truth.rise_k,
            time_constant_s=truth.time_constant_s,
        )
        temperature_c = node.after(temperature_c, share, 2.0)
        shown_c = round((temperature_c + draw.gauss(0.0, noise_k)) * 2.0) / 2.0
        heat = watch.step(shown_c, 0.0, share, float(second))
    expected_c = heat.node.after(temperature_c, 1.0, 1800.0)
    return heat.node, expected_c - node.after(temperature_c, 1.0, 1800.0)


@pytest.mark.parametrize(
    ("ambient_c", "rise_k", "time_constant_s"),
    [(20.0, 40.0, 600.0), (30.0, 60.0, 900.0), (10.0, 30.0, 1500.0)],
)
def test_the_node_of_a_plug_is_learnt(
    ambient_c: float, rise_k: float, time_constant_s: float
) -> None:
    truth = ThermalNode(
        ambient_c=ambient_c, rise_k=rise_k, time_constant_s=time_constant_s
    )
    node, error_k = learnt_from(truth, noise_k=0.3, seed=3)
    assert node.is_learnt
    # A sensor's noise lets a slow handle look quicker, which errs to the hot side.
    assert 0.65 * time_constant_s < node.time_constant_s < 1.25 * time_constant_s
    assert abs(error_k) < 3.0
    _, error_k = learnt_from(truth, noise_k=0.3, seed=4, drift_k=8.0)
    assert abs(error_k) < 4.0, "also while the air warms and cools"


def test_rest_alone_teaches_nothing_that_flatters() -> None:
    watch = ThermalWatch()
    heat = Heat()
    for second in range(0, 4 * 3600, 5):
        heat = watch.step(10.0, 0.0, 0.0, float(second))
    assert not heat.node.is_learnt
    assert heat.node.rise_k >= SOUND.rise_k
    assert heat.node.ambient_c >= SOUND.ambient_c
    assert heat.node.time_constant_s <= SOUND.time_constant_s


def test_what_was_learnt_before_a_restart_is_believed() -> None:
    watch = ThermalWatch(WORN)
    heat = watch.step(30.0, 0.0, 0.0, 0.0)
    assert heat.node == WORN
    assert heat.lasting_share(PROMISE_S) < 0.95


def test_a_gap_is_not_learnt_from() -> None:
    watch = ThermalWatch()
    for index in range(200):
        watch.step(20.0 + index % 2 * 40.0, 0.0, 0.0, index * 100.0)
    assert watch.node == SOUND
