"""What to do, and when, while a station does not stop."""

from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.stop_ladder import (
    LadderAction,
    StopLadder,
    StopProgress,
    has_stopped,
)
from custom_components.v2g_vpp.domain.capability import Fingerprint
from tests.control.given import LEARNT, NOW

FLOWING = StopProgress(is_wanted=True, measured_power_w=-5_000.0, is_acknowledged=True)
STOPPED = replace(FLOWING, measured_power_w=0.0)
CALM = replace(STOPPED, is_wanted=False)
HARSH = (LadderAction.MAKE_INOPERATIVE, LadderAction.RESET)
SETTLE_S = 4.0 + 5_000.0 / 3_300.0 + 3.0
"""T + 3 s of the learnt charger at 5 kW."""


def _climb(
    progress: StopProgress, *, seconds: int = 60, fingerprint: Fingerprint = LEARNT
) -> list[tuple[float, LadderAction]]:
    """Return when which action came, s after the decision."""
    ladder = StopLadder()
    actions: list[tuple[float, LadderAction]] = []
    for tenth in range(seconds * 10):
        action = ladder.step(progress, fingerprint, NOW + tenth / 10)
        if action is not None:
            actions.append((tenth / 10, action))
    return actions


def test_a_station_that_does_not_stop_gets_every_rung_in_time() -> None:
    actions = _climb(FLOWING)
    assert [action for _, action in actions] == list(LadderAction)
    times_s = [time_s for time_s, _ in actions]
    expected = [0.0, *(SETTLE_S + later_s for later_s in (0, 5, 10, 20))]
    assert times_s == pytest.approx(expected, abs=0.25)


def test_a_station_that_charges_on_is_stopped_the_same_way() -> None:
    charging = replace(FLOWING, measured_power_w=7_000.0)
    assert [action for _, action in _climb(charging)] == list(LadderAction)


def test_without_an_answer_the_whole_profile_follows_after_5_s() -> None:
    actions = _climb(replace(FLOWING, is_acknowledged=False))
    assert actions[1] == (5.0, LadderAction.RENEW)
    # The charger still gets its own time before its transaction is ended.
    assert actions[2][0] == pytest.approx(SETTLE_S + 5.0, abs=0.25)
    assert actions[2][1] is LadderAction.END_TRANSACTION


def test_a_stopped_flow_without_an_answer_ends_no_transaction() -> None:
    actions = _climb(replace(STOPPED, is_acknowledged=False))
    assert [action for _, action in actions] == [
        LadderAction.SET_ZERO,
        LadderAction.RENEW,
    ]


def test_a_silent_meter_ends_the_transaction_but_takes_no_station_down() -> None:
    actions = _climb(replace(FLOWING, measured_power_w=None))
    assert [action for _, action in actions] == list(LadderAction)[:3]


def test_a_stop_in_time_climbs_no_further_and_a_new_stop_begins_below() -> None:
    ladder = StopLadder()
    assert ladder.step(FLOWING, LEARNT, NOW) is LadderAction.SET_ZERO
    for second in range(1, 6):
        assert ladder.step(FLOWING, LEARNT, NOW + second) is None
    for second in range(6, 60):
        assert ladder.step(STOPPED, LEARNT, NOW + second) is None
    # It begins to flow by itself again: the charger gets its time once more.
    assert ladder.step(FLOWING, LEARNT, NOW + 60.0) is None
    assert ladder.step(FLOWING, LEARNT, NOW + 69.0) is LadderAction.RENEW

    assert ladder.step(CALM, LEARNT, NOW + 70.0) is None
    assert ladder.step(FLOWING, LEARNT, NOW + 71.0) is LadderAction.SET_ZERO


def test_the_owner_s_reset_comes_down() -> None:
    ladder = StopLadder()
    for second in range(60):
        ladder.step(FLOWING, LEARNT, NOW + second)
    assert ladder.step(FLOWING, LEARNT, NOW + 60.0) is None, "the latch was told once"
    ladder.reset()
    assert ladder.step(FLOWING, LEARNT, NOW + 61.0) is LadderAction.SET_ZERO


def test_standby_power_of_the_charger_is_no_flow() -> None:
    standby = replace(FLOWING, measured_power_w=420.0)
    known = replace(LEARNT, offset_zero_w=420.0)
    assert _climb(standby, fingerprint=known) == [(0.0, LadderAction.SET_ZERO)]
    assert len(_climb(standby)) == len(LadderAction)


@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.none() | st.floats(-11_000, 11_000),
            st.booleans(),
            st.floats(0, 20),
        ),
        max_size=60,
    )
)
def test_the_rungs_are_climbed_one_by_one(
    steps: list[tuple[bool, float | None, bool, float]],
) -> None:
    ladder, now_s, below = StopLadder(), NOW, -1
    for is_wanted, power_w, is_acknowledged, later_s in steps:
        now_s += later_s
        progress = StopProgress(
            is_wanted=is_wanted,
            measured_power_w=power_w,
            is_acknowledged=is_acknowledged,
        )
        action = ladder.step(progress, LEARNT, now_s)
        if action is None:
            continue
        assert is_wanted
        rung = list(LadderAction).index(action)
        assert rung in (0, 1) or rung == below + 1
        assert action not in HARSH or power_w is not None
        below = rung


@given(
    st.floats(100.0, 11_000.0),
    st.floats(0.2, 15.0),
    st.floats(100.0, 5_000.0),
    st.booleans(),
)
def test_nothing_harsh_comes_before_the_charger_had_its_own_time(
    power_w: float, dead_time_s: float, ramp_w_per_s: float, is_acknowledged: bool
) -> None:
    fingerprint = replace(LEARNT, dead_time_s=dead_time_s, ramp_w_per_s=ramp_w_per_s)
    progress = replace(
        FLOWING, measured_power_w=-power_w, is_acknowledged=is_acknowledged
    )
    own_s = dead_time_s + power_w / ramp_w_per_s
    times_s = {
        action: time_s
        for time_s, action in _climb(progress, seconds=180, fingerprint=fingerprint)
    }
    if not has_stopped(-power_w, 11_000.0, fingerprint):
        assert list(times_s) == list(LadderAction), "no rung is left out"
        assert times_s[LadderAction.END_TRANSACTION] >= own_s + 7.99
        assert times_s[LadderAction.MAKE_INOPERATIVE] >= own_s + 12.99
        assert times_s[LadderAction.RESET] >= own_s + 22.99
        # And it is no promise without an end: every rung is climbed in bounded time.
        assert times_s[LadderAction.RESET] <= max(own_s + 3.0, 5.0) + 20.5


def test_what_a_charger_draws_on_standby_is_no_flow() -> None:
    standby = replace(FLOWING, measured_power_w=420.0)
    unlearnt = _climb(standby, fingerprint=Fingerprint())
    assert [action for _, action in unlearnt] == [LadderAction.SET_ZERO]
    # Learnt to draw nothing, the same power is a flow.
    assert [action for _, action in _climb(standby)] == list(LadderAction)
    exporting = replace(FLOWING, measured_power_w=-420.0)
    actions = _climb(exporting, fingerprint=Fingerprint())
    assert [action for _, action in actions] == list(LadderAction)
