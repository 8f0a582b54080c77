"""A discharge that was told and does not flow."""

from dataclasses import dataclass, field

from hypothesis import given, strategies as st

from custom_components.v2g_vpp.control.wake import (
    START_UP_S,
    WakeAction,
    WakeWatch,
)
from tests.control.given import LEARNT, NOW

RATING_W = 11_000.0
STAGES = list(WakeAction)


@dataclass
class Watched:
    watch: WakeWatch = field(default_factory=WakeWatch)
    now_s: float = NOW

    def run(
        self, told_w: float, measured_w: float | None, seconds: int
    ) -> list[WakeAction]:
        found = []
        for _ in range(seconds):
            self.now_s += 1.0
            action = self.watch.step(told_w, measured_w, RATING_W, LEARNT, self.now_s)
            if action is not None:
                found.append(action)
        return found


def test_three_wakes_and_then_nothing_until_the_next_plug() -> None:
    watched = Watched()
    own_s = LEARNT.dead_time_s + 3_000.0 / LEARNT.ramp_w_per_s
    assert watched.run(-3_000.0, 0.0, int(START_UP_S + own_s)) == []
    assert watched.run(-3_000.0, 0.0, 2) == [WakeAction.RENEW]
    assert watched.run(-3_000.0, 0.0, 3_600) == STAGES[1:]
    assert watched.watch.has_failed
    assert watched.run(-3_000.0, 0.0, 3_600) == []
    watched.watch.reset()
    assert not watched.watch.has_failed
    assert watched.run(-3_000.0, 0.0, 100) == [WakeAction.RENEW]


def test_a_vehicle_that_wakes_gets_all_its_wakes_again() -> None:
    watched = Watched()
    assert watched.run(-3_000.0, 0.0, 150) == STAGES[:2]
    assert watched.run(-3_000.0, -3_000.0, 10) == []
    assert watched.run(-3_000.0, 0.0, 80) == [WakeAction.RENEW]


def test_a_new_transaction_gets_its_own_time_but_no_new_wakes() -> None:
    watched = Watched()
    assert watched.run(-3_000.0, 0.0, 150) == STAGES[:2]
    assert watched.run(0.0, 0.0, 30) == []
    assert watched.run(-3_000.0, 0.0, 60) == []
    assert watched.run(-3_000.0, 0.0, 10) == [WakeAction.RESTART_AGAIN]


def test_a_silent_meter_and_a_charge_prove_nothing() -> None:
    watched = Watched()
    assert watched.run(-3_000.0, None, 3_600) == []
    assert watched.run(3_000.0, 0.0, 3_600) == []


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, -1_380.0, -5_000.0, 3_000.0]),
            st.none() | st.sampled_from([0.0, 50.0, -5_000.0, 3_000.0]),
            st.integers(1, 400),
        ),
        max_size=30,
    )
)
def test_stages_come_in_order_and_never_again_after_the_last(
    steps: list[tuple[float, float | None, int]],
) -> None:
    watched, since_flow = Watched(), list[WakeAction]()
    for told_w, measured_w, seconds in steps:
        found = watched.run(told_w, measured_w, seconds)
        is_flow = told_w < 0 and measured_w is not None and abs(measured_w) > 220.0
        if is_flow and not watched.watch.has_failed:
            assert found == []
            since_flow = []
        since_flow += found
        assert since_flow == STAGES[: len(since_flow)]
