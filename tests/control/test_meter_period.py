"""How long a reading counts: learnt twice, by the coordinator's side and by the gate."""

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.gate import OutputGate
from custom_components.v2g_vpp.control.gate_past import MeterTempo
from custom_components.v2g_vpp.control.guards import FlowGuard, FlowObserved
from custom_components.v2g_vpp.control.meter_period import MeterPeriod
from custom_components.v2g_vpp.control.stop_ladder import StopLadder, StopProgress
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.setpoint import Reason
from tests.control.gate_breaks import DISCHARGE
from tests.control.given import LEARNT, NOW, measured, reading


def learnt(gaps_s: Iterable[float]) -> tuple[MeterPeriod, MeterTempo, float]:
    period, tempo, now_s = MeterPeriod(), MeterTempo(), NOW
    for gap_s in (0.0, *gaps_s):
        now_s += gap_s
        for _ in range(2):  # each reading is seen in several ticks
            period.note(reading(1.0, now_s))
            tempo.note(reading(1.0, now_s))
    return period, tempo, now_s


@pytest.mark.parametrize(
    ("period_s", "silent_after_s"), [(1, 10), (3, 10), (5, 15), (8, 24), (15, 30)]
)
def test_both_learn_three_periods_within_10_and_30_s(
    period_s: float, silent_after_s: float
) -> None:
    period, tempo, _ = learnt([period_s] * 30)
    assert period.period_s == pytest.approx(period_s, rel=0.01)
    assert period.max_age_s == pytest.approx(silent_after_s, rel=0.01)
    assert tempo.silent_after_s == pytest.approx(silent_after_s)


@given(gaps_s=st.lists(st.floats(0.05, 500.0), max_size=40))
def test_no_meter_is_believed_for_longer_than_30_s(gaps_s: list[float]) -> None:
    period, tempo, _ = learnt(gaps_s)
    assert 10.0 <= period.max_age_s <= 30.0
    assert 10.0 <= tempo.silent_after_s <= 30.0


def test_one_late_report_makes_no_slow_meter_and_a_pause_none_at_all() -> None:
    period, tempo, _ = learnt([1.0] * 20 + [9.0])
    assert period.max_age_s == tempo.silent_after_s == 10.0
    period, tempo, _ = learnt([1.0] * 20 + [31.0, 3_600.0] * 10)
    assert period.max_age_s == tempo.silent_after_s == 10.0


def test_the_gate_finds_the_period_by_itself() -> None:
    gate = OutputGate()
    asked = DISCHARGE

    def verdict(read_s: float, now_s: float) -> Reason | None:
        session = replace(asked.session, measurement=measured(-3_000.0, 70.0, read_s))
        now = replace(asked, session=session, decided_mono_s=now_s)
        return gate.check(now, now_s).reason

    assert verdict(NOW, NOW) is None
    assert verdict(NOW, NOW + 10.5) is Reason.METER_STALE
    for number in range(1, 8):
        verdict(NOW + 15.0 * number, NOW + 15.0 * number)
    last_s = NOW + 15.0 * 7
    assert verdict(last_s, last_s + 29.0) is None
    assert verdict(last_s, last_s + 30.5) is Reason.METER_STALE


def test_a_stop_is_not_judged_by_what_a_slow_meter_said_before_it() -> None:
    progress = StopProgress(
        is_wanted=True,
        measured_power_w=-5_000.0,
        is_acknowledged=True,
        meter_period_s=15.0,
    )
    ladder = StopLadder()
    for second in range(20):
        action = ladder.step(progress, LEARNT, NOW + second)
        assert (action is None) is (second > 0), second
    assert any(ladder.step(progress, LEARNT, NOW + s) for s in range(20, 25))


def test_a_turn_is_not_judged_by_what_a_slow_meter_said_before_it() -> None:
    for period_s, is_accused in ((1.0, True), (15.0, False)):
        guard = FlowGuard()
        observed = FlowObserved(
            setpoint_w=5_000.0,
            measured_w=5_000.0,
            rating_w=11_000.0,
            fingerprint=LEARNT,
            meter_period_s=period_s,
        )
        guard.step(observed, NOW)
        turned = replace(observed, setpoint_w=-5_000.0)
        found = [guard.step(turned, NOW + 1.0 + second) for second in range(18)]
        assert any(found) is is_accused


@given(
    usual_s=st.floats(0.5, 9.0),
    then_s=st.floats(0.6, 9.0),
    silent_s=st.floats(31.0, 1e4),
)
def test_a_doubted_meter_is_believed_at_a_pace_and_not_for_a_moment(
    usual_s: float, then_s: float, silent_s: float
) -> None:
    period, _, now_s = learnt([usual_s] * 30)
    period.doubt()
    now_s += silent_s
    for gap_s in (0.0, 0.01, 0.3):
        period.note(reading(1.0, now_s + gap_s))
        assert period.is_doubted
    for number in range(1, 40):
        period.note(reading(1.0, now_s + 0.3 + number * then_s))
    assert not period.is_doubted


def test_a_meter_is_not_believed_for_what_it_says_now_and_then() -> None:
    period, _, now_s = learnt([1.0] * 30)
    period.doubt()
    for number in range(40):
        begun = TransactionId(str(number))
        period.note(reading(1.0, now_s + 40.0 + 11.0 * number), begun)
    assert period.is_doubted


@given(usual_s=st.floats(0.5, 9.0), then_s=st.floats(0.6, 29.0))
def test_a_doubted_meter_that_reports_slower_in_a_transaction_is_believed(
    usual_s: float, then_s: float
) -> None:
    period, _, now_s = learnt([usual_s] * 30)
    period.doubt()
    for number in range(1, 40):
        period.note(reading(1.0, now_s + 40.0 + number * then_s), TransactionId("one"))
    assert not period.is_doubted


def test_other_news_of_a_new_transaction_makes_no_pace_of_its_begin() -> None:
    period, _, now_s = learnt([1.0] * 30)
    period.doubt()
    last = reading(1.0, now_s)
    for number in range(40):
        begun = TransactionId(str(number))
        # Such as a state of charge, with the power of the transaction before.
        period.note(last, begun)
        last = reading(1.0, now_s + 40.0 + 11.0 * number)
        period.note(last, begun)
    assert period.is_doubted
