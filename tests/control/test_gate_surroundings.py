"""The output gate finds out about grid and heat by itself, and never sooner or later."""

from dataclasses import replace
from math import nan

from hypothesis import example, given, strategies as st
import pytest

from custom_components.v2g_vpp.control.gate_inputs import GateVerdict
from custom_components.v2g_vpp.control.gate_surroundings import (
    GridFacts,
    GridTrace,
    doubts_about_grid,
    heat_limit_w,
)
from custom_components.v2g_vpp.control.grid import GridObserved, GridWatch
from custom_components.v2g_vpp.domain.grid_profile import (
    EN50549_50HZ,
    IEEE1547_CAT3_60HZ,
    UNSPECIFIED,
    GridProfile,
)
from custom_components.v2g_vpp.domain.heat import derate_share
from custom_components.v2g_vpp.domain.setpoint import Reason
from tests.control.gate_breaks import CHARGE, DISCHARGE, check, session
from tests.control.given import NOW, measured, reading

RATED_W = 11_000.0
PROFILES = [IEEE1547_CAT3_60HZ, EN50549_50HZ, UNSPECIFIED]


def seen(
    frequency_hz: float | None, now_s: float, trace: GridTrace, profile: GridProfile
) -> GridFacts:
    return GridFacts(
        profile=profile,
        frequency_hz=None if frequency_hz is None else reading(frequency_hz, now_s),
        out_mono_s=trace.out_mono_s,
        load_out_mono_s=trace.load_out_mono_s,
    )


@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.floats(45.0, 65.0), st.sampled_from([50.0, 60.0])),
            st.booleans(),
            st.booleans(),
            st.floats(0.0, 9.0) | st.floats(0.0, 400.0),
        ),
        max_size=40,
    ),
    st.sampled_from(PROFILES),
)
@example(
    [(47.0, False, False, 0.0), (47.0, False, True, 1.0), (None, False, True, 0.0)],
    IEEE1547_CAT3_60HZ,
)
def test_the_gate_lets_through_whatever_the_watch_leaves(
    steps: list[tuple[float | None, bool, bool, float]], profile: GridProfile
) -> None:
    """Two ways to the same answer: the second must not stop what the first allows."""
    watch, trace, now_s = GridWatch(), GridTrace(), 0.0
    for frequency_hz, is_islanded, has_lost, elapsed_s in steps:
        now_s += elapsed_s
        observed = GridObserved(
            frequency_hz=frequency_hz,
            is_islanded=is_islanded,
            has_lost_power=has_lost,
            is_silent=frequency_hz is None,
        )
        verdict = watch.step(observed, profile, now_s)
        told = None if frequency_hz is None else reading(frequency_hz, now_s)
        trace.note(
            told, profile, now_s, is_islanded=is_islanded, has_lost_power=has_lost
        )
        facts = replace(
            seen(frequency_hz, now_s, trace, profile), is_islanded=is_islanded
        )
        for sign, share in ((-1, verdict.discharge_share), (1, verdict.charge_share)):
            power_w = sign * share * RATED_W
            doubts = list(doubts_about_grid(facts, power_w, RATED_W, now_s))
            assert not doubts or power_w == 0, (doubts, power_w)


@pytest.mark.parametrize(
    ("frequency_hz", "seconds", "is_stopped"),
    [(61.3, 299, False), (61.3, 300, True), (58.4, 300, True), (61.1, 900, False)],
)
def test_the_gate_keeps_the_times_of_the_profile(
    frequency_hz: float, seconds: int, is_stopped: bool
) -> None:
    trace, profile = GridTrace(), IEEE1547_CAT3_60HZ
    for second in range(seconds + 1):
        told = reading(frequency_hz, float(second))
        trace.note(
            told, profile, float(second), is_islanded=False, has_lost_power=False
        )
    facts = seen(frequency_hz, float(seconds), trace, profile)
    doubts = list(doubts_about_grid(facts, -5_000.0, RATED_W, float(seconds)))
    assert (Reason.ENTER_SERVICE in doubts) is is_stopped


def test_a_frequency_that_is_too_high_leaves_charging() -> None:
    trace, profile = GridTrace(), IEEE1547_CAT3_60HZ
    trace.note(
        reading(62.1, 0.0), profile, 0.0, is_islanded=False, has_lost_power=False
    )
    trace.note(
        reading(62.1, 1.0), profile, 1.0, is_islanded=False, has_lost_power=False
    )
    facts = seen(62.1, 1.0, trace, profile)
    assert not list(doubts_about_grid(facts, 5_000.0, RATED_W, 1.0))
    assert list(doubts_about_grid(facts, -5_000.0, RATED_W, 1.0))


def test_a_frequency_that_is_low_cuts_charging_alone() -> None:
    facts = seen(58.7, 0.0, GridTrace(), IEEE1547_CAT3_60HZ)
    assert list(doubts_about_grid(facts, 5_000.0, RATED_W, 0.0)) == [
        Reason.GRID_FREQUENCY
    ]
    assert not list(doubts_about_grid(facts, -5_000.0, RATED_W, 0.0))


def test_the_ramp_of_entering_service_is_kept() -> None:
    facts = GridFacts(out_mono_s=0.0)
    at_s = 300.0 + 150.0
    assert not list(doubts_about_grid(facts, -5_500.0, RATED_W, at_s))
    assert list(doubts_about_grid(facts, -5_502.0, RATED_W, at_s))
    assert not list(doubts_about_grid(facts, -RATED_W, RATED_W, 601.0))


@given(st.floats(-40.0, 150.0), st.floats(-11_000.0, 11_000.0))
def test_the_gate_derates_by_the_present_temperature(
    handle_c: float, power_w: float
) -> None:
    limit_w = heat_limit_w(reading(handle_c), RATED_W, NOW)
    left_w = derate_share(handle_c) * RATED_W
    assert limit_w == pytest.approx(left_w) or limit_w > left_w == RATED_W


def test_an_old_temperature_says_nothing_here() -> None:
    assert heat_limit_w(reading(84.0, NOW - 901.0), RATED_W, NOW) == float("inf")
    assert heat_limit_w(None, RATED_W, NOW) == float("inf")
    assert heat_limit_w(reading(nan), RATED_W, NOW) == 0.0


def test_a_warm_handle_makes_a_power_smaller_and_never_turns_it() -> None:
    warm = session(measurement=replace(measured(), handle_temperature_c=reading(80.0)))
    carried_w = RATED_W * 5.0 / 15.0
    for inputs, sign in ((DISCHARGE, -1), (CHARGE, 1)):
        verdict = check(warm(inputs))
        assert verdict.power_w == pytest.approx(sign * carried_w)
        assert verdict.reason is Reason.THERMAL
    hot = session(measurement=replace(measured(), handle_temperature_c=reading(86.0)))
    assert check(hot(DISCHARGE)) == GateVerdict(power_w=0.0, reason=Reason.THERMAL)
