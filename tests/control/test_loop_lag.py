"""A loop that is late again and again feeds nothing into the grid."""

from dataclasses import replace
from itertools import chain, repeat

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.gate import OutputGate
from custom_components.v2g_vpp.control.gate_host import HostPast
from custom_components.v2g_vpp.control.gate_inputs import GateInputs
from custom_components.v2g_vpp.control.inputs import SiteInputs
from custom_components.v2g_vpp.control.loop_lag import KEPT_LOOKS, LoopLag
from custom_components.v2g_vpp.domain.loop_lag import LAG_RULE, LoopLook
from custom_components.v2g_vpp.domain.setpoint import Reason
from tests.control.gate_breaks import CHARGE, SOUND, SOUND_IDS
from tests.control.given import NOW, READY
from tests.control.looks import looks
from tests.control.steps import DISPATCHED, first_step
from tests.control.test_site_gate import home

SLOW_S = 0.3
"""Later than the rule allows."""

IN_TIME_S = 0.2


def verdicts(*lates_s: float) -> list[bool]:
    """Return after each look whether discharge is forbidden, by coordinator and gate."""
    lag, gate, found = LoopLag(), HostPast(), []
    for look in looks(lates_s):
        lag.note(look)
        gate.note(look)
        assert gate.is_shut() is lag.is_late
        found.append(lag.is_late)
    return found


def test_lateness_that_goes_on_forbids_and_a_quiet_minute_allows_again() -> None:
    found = verdicts(*repeat(SLOW_S, 60), *repeat(IN_TIME_S, 60))
    # Looks of 1.3 s: 60 s after the first late one are 47 later.
    assert found.index(True) == 47
    # The 50th look of 1.2 s ends the quiet minute.
    assert found.index(False, 47) == 60 + 49
    assert not any(found[109:])


@pytest.mark.parametrize(
    "lates_s",
    [
        pytest.param([IN_TIME_S] * 300, id="in time"),
        pytest.param([0.0] * 60 + [600.0] + [0.0] * 60, id="one long block"),
        pytest.param([86_400.0, 0.0, 30.0], id="a computer that slept"),
        pytest.param([SLOW_S] * 40 + [0.0] * 30, id="start of Home Assistant"),
        pytest.param(([SLOW_S] + [0.0] * 25) * 20, id="now and then"),
    ],
)
def test_what_passes_forbids_nothing(lates_s: list[float]) -> None:
    assert not any(verdicts(*lates_s))


@pytest.mark.parametrize(
    "lates_s",
    [
        pytest.param([31.0] * 4, id="long blocks in a row"),
        pytest.param(([1.0] + [0.0] * 15) * 6, id="a block in a quarter of a minute"),
    ],
)
def test_what_comes_again_and_again_forbids(lates_s: list[float]) -> None:
    assert any(verdicts(*lates_s))


def test_a_late_look_within_the_minute_keeps_it_forbidden() -> None:
    quiet = [IN_TIME_S] * 45
    assert all(verdicts(*repeat(SLOW_S, 50), *chain(*[[*quiet, SLOW_S]] * 5))[47:])


@given(st.lists(st.sampled_from([0.0, 0.1, 0.26, 1.0, 15.0, 45.0]), max_size=200))
def test_the_gate_never_allows_before_a_quiet_minute(lates_s: list[float]) -> None:
    lag, gate = LoopLag(), HostPast()
    last_late_s, is_late = float("-inf"), False
    for look in looks(lates_s):
        lag.note(look)
        gate.note(look)
        gate.note(look)
        if look.late_s > LAG_RULE.late_s:
            last_late_s = look.ran_mono_s
        if is_late and not lag.is_late:
            assert look.ran_mono_s - last_late_s >= LAG_RULE.clear_s
        if lag.is_late and not is_late:
            assert look.late_s > LAG_RULE.late_s
        is_late = lag.is_late
        assert gate.is_shut() is is_late


@given(st.lists(st.floats(0.0, 10.0), min_size=1, max_size=2 * KEPT_LOOKS))
def test_figures_tell_the_kept_looks(lates_s: list[float]) -> None:
    lag = LoopLag()
    assert lag.figures() is None
    for look in looks(lates_s, 0.0):
        lag.note(look)
    figures, kept_s = lag.figures(), lates_s[-KEPT_LOOKS:]
    assert figures is not None
    assert figures.worst_s == pytest.approx(max(kept_s))
    over = sum(late_s > figures.p99_s + 1e-6 for late_s in kept_s)
    assert over <= 0.01 * len(kept_s)


def test_a_timer_that_comes_early_is_in_time() -> None:
    assert LoopLook(due_mono_s=1.0, ran_mono_s=0.999).late_s == 0.0


def test_the_coordinator_ends_a_discharge_and_offers_none() -> None:
    late = SiteInputs(is_host_late=True)
    decision = first_step(DISPATCHED, late)
    assert decision.setpoint.power_w == decision.available_discharge_w == 0.0
    assert decision.setpoint.reason is Reason.HOST_LATE
    assert decision.discharge_blocked_by is Reason.HOST_LATE
    assert first_step(DISPATCHED).setpoint.power_w < 0
    assert first_step(READY, late).available_charge_w > 0


@pytest.mark.parametrize("inputs", SOUND, ids=SOUND_IDS)
def test_the_gate_lets_no_discharge_through_a_late_loop(inputs: GateInputs) -> None:
    gate = OutputGate()
    power_w = inputs.setpoint.power_w
    seen = home(None, asked_w={inputs.session.key: power_w})

    def told(late_s: float, count: int, from_mono_s: float) -> float:
        for look in looks(repeat(late_s, count), from_mono_s):
            gate.look(replace(seen, look=look), NOW)
            from_mono_s = look.ran_mono_s
        return from_mono_s

    now_s = told(SLOW_S, 50, 0.0)
    verdict = gate.check(inputs, NOW)
    assert (verdict.power_w, verdict.reason) == (0.0, Reason.HOST_LATE)
    assert gate.check(CHARGE, NOW).power_w == CHARGE.setpoint.power_w
    told(0.0, 61, now_s)
    assert OutputGate().check(inputs, NOW).power_w == power_w
    assert gate.check(inputs, NOW).reason is not Reason.HOST_LATE
