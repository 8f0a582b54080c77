"""Which setpoint is written, and when."""

from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.delivery import (
    DeliveryContext,
    SetpointDelivery,
)
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.setpoint import (
    Reason,
    SetpointWrite,
    WriteResult,
    WriteStatus,
)
from tests.control.delivering import (
    CONTEXT,
    TIMING,
    deliver,
    result,
    running,
    setpoint,
)
from tests.control.given import KEY, NOW

FAILURES = [WriteStatus.REJECTED, WriteStatus.TIMEOUT, WriteStatus.OFFLINE]


def test_the_first_write_is_a_whole_profile_and_the_next_an_update() -> None:
    delivery = SetpointDelivery(KEY)
    first = deliver(delivery, -5_000.0, NOW)
    assert first == SetpointWrite(
        key=KEY,
        power_w=-5_000.0,
        transaction_id=TransactionId("tx"),
        decided_mono_s=NOW,
        is_renewal=True,
    )
    assert delivery.is_settled(setpoint(-5_000.0))
    assert deliver(delivery, -5_000.0, NOW + 1.0) is None
    second = deliver(delivery, -6_000.0, NOW + 2.0)
    assert second is not None
    assert not second.is_renewal


@pytest.mark.parametrize(
    "context",
    [
        pytest.param(replace(CONTEXT, is_ready=False), id="station not ready"),
        pytest.param(replace(CONTEXT, transaction_id=None), id="no transaction"),
    ],
)
def test_nothing_is_written_into_the_void_and_a_new_link_renews(
    context: DeliveryContext,
) -> None:
    delivery = running()
    assert delivery.plan(setpoint(0.0), context, NOW + 1.0) is None
    assert not delivery.is_settled(setpoint(-5_000.0))
    again = deliver(delivery, -5_000.0, NOW + 2.0)
    assert again is not None
    assert again.is_renewal


def test_a_new_transaction_renews() -> None:
    delivery = running()
    other = replace(CONTEXT, transaction_id=TransactionId("next"))
    write = deliver(delivery, -5_000.0, NOW + 1.0, other)
    assert write is not None
    assert (write.is_renewal, write.transaction_id) == (True, "next")


@pytest.mark.parametrize(
    ("before_w", "after_w", "is_due"),
    [
        pytest.param(-5_000, -5_100, False, id="inside 2 %"),
        pytest.param(-5_000, -5_101, True, id="beyond 2 %"),
        pytest.param(-1_500, -1_599, False, id="inside 100 W"),
        pytest.param(-1_500, -1_601, True, id="beyond 100 W"),
        pytest.param(-5_000, 0, True, id="stop"),
        pytest.param(7_000, 0, True, id="stop charging"),
        pytest.param(-5_000, 1_400, True, id="other direction"),
        pytest.param(0, -1_380, True, id="start"),
        pytest.param(0, 0, False, id="still nothing"),
        pytest.param(-5_000, -4_990, True, id="less was asked for"),
    ],
)
def test_what_is_worth_a_write(before_w: float, after_w: float, is_due: bool) -> None:
    delivery = running(before_w)
    assert (deliver(delivery, after_w, NOW + 1.0) is not None) is is_due


def test_a_trim_that_takes_back_some_watts_waits_and_a_limit_does_not() -> None:
    delivery = SetpointDelivery(KEY)
    write = delivery.plan(setpoint(-5_700.0, -5_000.0), CONTEXT, NOW)
    assert write is not None
    delivery.done(write, result(), NOW)
    assert delivery.plan(setpoint(-5_650.0, -5_000.0), CONTEXT, NOW + 1) is None
    assert delivery.plan(setpoint(-5_500.0, -5_000.0), CONTEXT, NOW + 1) is not None
    limited = setpoint(-5_490.0, -5_000.0, Reason.STATION_LIMIT)
    assert delivery.plan(limited, CONTEXT, NOW + 2) is not None


def test_a_running_power_is_refreshed_in_time_and_zero_before_it_expires() -> None:
    delivery = running()
    assert deliver(delivery, -5_000.0, NOW + 19.0) is None
    assert deliver(delivery, -5_000.0, NOW + 20.0) is not None
    assert deliver(delivery, 0.0, NOW + 21.0) is not None
    assert deliver(delivery, 0.0, NOW + 50.0) is None
    assert deliver(delivery, 0.0, NOW + 51.0) is not None


def test_an_expired_profile_is_renewed_not_updated() -> None:
    delivery = running()
    write = deliver(delivery, -5_000.0, NOW + 60.0)
    assert write is not None
    assert write.is_renewal


def test_regulation_writes_keep_the_budget_and_what_must_not_wait_does_not() -> None:
    delivery = running(-2_000.0)
    powers_w = [-2_000.0 - 500.0 * step for step in range(1, 9)]
    written = [
        power_w
        for step, power_w in enumerate(powers_w)
        if deliver(delivery, power_w, NOW + 1.0 + step) is not None
    ]
    assert written == powers_w[:3], "a burst of three, then none for 10 s"

    assert deliver(delivery, -2_500.0, NOW + 9.0) is not None, "less power"
    other = replace(CONTEXT, command_id="next order")
    assert deliver(delivery, -9_000.0, NOW + 9.1, other) is not None, "a new command"
    assert deliver(delivery, -9_900.0, NOW + 9.2, other) is None, "only its first"
    assert deliver(delivery, 0.0, NOW + 9.3, other) is not None, "a stop"
    assert deliver(delivery, -9_900.0, NOW + 20.0, other) is not None, "a new token"


@pytest.mark.parametrize("turned_w", [9_000.0, 2_000.0])
def test_the_other_direction_never_waits_for_the_budget(turned_w: float) -> None:
    delivery = running(-2_000.0)
    for step in range(1, 5):
        deliver(delivery, -2_000.0 - 500.0 * step, NOW + step)
    assert deliver(delivery, -9_000.0, NOW + 5.0) is None, "nothing is left of it"
    write = deliver(delivery, turned_w, NOW + 5.1)
    assert write is not None
    assert write.power_w == turned_w


def test_a_new_command_inside_the_dead_band_is_no_write() -> None:
    delivery = running()
    other = replace(CONTEXT, command_id="next order")
    assert deliver(delivery, -5_050.0, NOW + 1.0, other) is None


def test_a_withheld_refresh_stays_away_but_a_stop_does_not() -> None:
    delivery = running()
    withheld = replace(CONTEXT, is_withheld=True)
    assert deliver(delivery, -5_000.0, NOW + 30.0, withheld) is None
    assert deliver(delivery, -6_000.0, NOW + 31.0, withheld) is None
    stop = deliver(delivery, 0.0, NOW + 32.0, withheld)
    assert stop is not None
    assert stop.is_renewal, "the profile may have ended meanwhile"


@pytest.mark.parametrize("status", FAILURES)
def test_a_failed_write_is_tried_again_ever_more_patiently(status: WriteStatus) -> None:
    delivery = SetpointDelivery(KEY)
    tries_s: list[float] = []
    for second in range(40):
        write = delivery.plan(setpoint(-5_000.0), CONTEXT, NOW + second)
        if write is not None:
            assert write.is_renewal
            tries_s.append(second)
            delivery.done(write, result(status), NOW + second)
    assert tries_s == [0, 1, 3, 7, 15, 31]
    assert not delivery.is_settled(setpoint(-5_000.0))

    assert deliver(delivery, -5_000.0, NOW + 47.0) is not None
    assert delivery.is_settled(setpoint(-5_000.0))


@pytest.mark.parametrize("status", FAILURES)
def test_a_failed_stop_is_tried_again_on_every_tick(status: WriteStatus) -> None:
    delivery = running()
    for second in range(1, 6):
        write = delivery.plan(setpoint(0.0), CONTEXT, NOW + second)
        assert write is not None
        delivery.done(write, result(status), NOW + second)
        # Not as fast as it is refused, or a refusal would be a busy loop.
        assert delivery.plan(setpoint(0.0), CONTEXT, NOW + second) is None
        assert not delivery.is_stop_acknowledged
    assert deliver(delivery, 0.0, NOW + 6.0) is not None
    assert delivery.is_stop_acknowledged


def test_a_failed_write_does_not_delay_less_power() -> None:
    delivery = running(-2_000.0)
    write = delivery.plan(setpoint(-5_000.0), CONTEXT, NOW + 1.0)
    assert write is not None
    delivery.done(write, result(WriteStatus.TIMEOUT), NOW + 1.1)
    assert delivery.plan(setpoint(-4_000.0), CONTEXT, NOW + 1.2) is not None


@pytest.mark.parametrize("status", [WriteStatus.SUPERSEDED, WriteStatus.STALE])
def test_a_write_that_never_left_is_decided_anew(status: WriteStatus) -> None:
    delivery = running()
    write = delivery.plan(setpoint(-6_000.0), CONTEXT, NOW + 1.0)
    assert write is not None
    delivery.done(write, result(status), NOW + 1.1)
    assert delivery.plan(setpoint(-6_000.0), CONTEXT, NOW + 1.2) is not None


def test_one_write_waits_for_the_answer_to_the_one_before_unless_it_must_not() -> None:
    delivery = SetpointDelivery(KEY)
    first = delivery.plan(setpoint(-5_000.0), CONTEXT, NOW)
    assert first is not None
    assert delivery.plan(setpoint(-6_000.0), CONTEXT, NOW + 1.0) is None
    other = replace(CONTEXT, command_id="next order")
    assert delivery.plan(setpoint(-6_000.0), other, NOW + 2.0) is not None
    stop = delivery.plan(setpoint(0.0), other, NOW + 3.0)
    assert stop is not None
    assert delivery.plan(setpoint(0.0), other, NOW + 4.0) is None
    again = delivery.plan(setpoint(0.0), other, NOW + 5.0)
    assert again is not None, "a stop without an answer is sent again"

    # Late answers to replaced writes say nothing about the present.
    delivery.done(first, result(), NOW + 5.1)
    delivery.done(stop, result(WriteStatus.SUPERSEDED), NOW + 5.2)
    assert not delivery.is_stop_acknowledged
    delivery.done(again, result(), NOW + 5.3)
    assert delivery.is_stop_acknowledged


def test_an_answer_that_never_comes_does_not_block_for_ever() -> None:
    delivery = SetpointDelivery(KEY)
    assert delivery.plan(setpoint(-5_000.0), CONTEXT, NOW) is not None
    assert delivery.plan(setpoint(-5_000.0), CONTEXT, NOW + 34.0) is None
    assert delivery.plan(setpoint(-5_000.0), CONTEXT, NOW + 35.0) is not None


def test_a_forced_write_and_a_renewal_are_due_at_once() -> None:
    delivery = running(0.0)
    delivery.force_write()
    assert not delivery.is_settled(setpoint(0.0))
    forced = deliver(delivery, 0.0, NOW + 1.0)
    assert forced is not None
    assert not forced.is_renewal
    delivery.renew()
    renewed = deliver(delivery, 0.0, NOW + 2.0)
    assert renewed is not None
    assert renewed.is_renewal
    assert deliver(delivery, 0.0, NOW + 3.0) is None


def test_the_dead_man_counts_from_the_last_write_that_may_run() -> None:
    delivery = SetpointDelivery(KEY)
    assert (delivery.dead_man_expires_mono_s, delivery.last_write_mono_s) == (None,) * 2
    write = delivery.plan(setpoint(-5_000.0), CONTEXT, NOW)
    assert write is not None
    assert delivery.dead_man_expires_mono_s == NOW + 62.0, "not accepted, but it may"
    delivery.done(write, result(at_s=NOW + 0.5), NOW + 1.0)
    assert delivery.dead_man_expires_mono_s == NOW + 63.0
    assert delivery.last_write_mono_s == NOW + 0.5
    delivery.link_lost()
    assert delivery.dead_man_expires_mono_s == NOW + 63.0, "a lost link stops nothing"
    deliver(delivery, 0.0, NOW + 2.0)
    assert delivery.dead_man_expires_mono_s == NOW + 63.0, "nor does a zero, for sure"


def test_what_was_told_may_run_on_behind_a_lost_link_until_the_dead_man() -> None:
    delivery = running()
    assert delivery.left_running_w(NOW + 1.0) is None
    delivery.link_lost()
    assert delivery.left_running_w(NOW + 1.0) == -5_000.0
    expires_mono_s = delivery.dead_man_expires_mono_s
    assert expires_mono_s is not None
    assert delivery.left_running_w(expires_mono_s) is None


def test_a_result_without_its_time_counts_from_its_answer() -> None:
    delivery = SetpointDelivery(KEY)
    write = delivery.plan(setpoint(-5_000.0), CONTEXT, NOW)
    assert write is not None
    delivery.done(write, WriteResult(status=WriteStatus.ACCEPTED), NOW + 1.0)
    assert delivery.last_write_mono_s == NOW + 1.0


def test_a_renewal_asked_for_while_a_write_is_on_its_way_is_still_owed() -> None:
    delivery = running()
    update = delivery.plan(setpoint(0.0), CONTEXT, NOW + 1.0)
    assert update is not None
    assert not update.is_renewal
    delivery.renew()
    delivery.done(update, result(at_s=NOW + 1.0), NOW + 1.1)
    renewed = deliver(delivery, 0.0, NOW + 2.0)
    assert renewed is not None
    assert renewed.is_renewal


def test_a_station_that_takes_no_write_is_unheard_until_it_does() -> None:
    delivery = running()
    assert not delivery.is_unheard(NOW + 60.0)
    for second in range(1, 5):
        write = delivery.plan(setpoint(0.0), CONTEXT, NOW + second)
        assert write is not None
        assert delivery.is_unheard(NOW + second) is (second > 3)
        delivery.done(write, result(WriteStatus.TIMEOUT), NOW + second)
    assert deliver(delivery, 0.0, NOW + 5.0) is not None
    assert not delivery.is_unheard(NOW + 60.0)
    delivery.link_lost()
    assert not delivery.is_unheard(NOW + 60.0), "nothing was said on the new link"


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, -1_380.0, -3_000.0, -5_000.0, 4_000.0, 11_000.0]),
            st.sampled_from(WriteStatus),
            st.floats(0.01, 3.0),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_a_stop_is_never_held_back(
    steps: list[tuple[float, WriteStatus, float]],
) -> None:
    delivery = SetpointDelivery(KEY)
    now_s = NOW
    for power_w, status, later_s in steps:
        now_s += later_s
        write = delivery.plan(setpoint(power_w), CONTEXT, now_s)
        if write is not None:
            delivery.done(write, result(status, now_s), now_s)
    now_s += 0.5
    delivery.plan(setpoint(0.0), CONTEXT, now_s)
    # Whatever happened before, the last thing said is 0 W.
    assert delivery._told_w == 0.0


@given(st.lists(st.floats(-11_000, -1_380), min_size=1, max_size=200))
def test_growing_regulation_never_spends_more_than_the_budget(
    powers_w: list[float],
) -> None:
    delivery = running(-1_380.0)
    grown = 0
    for second, power_w in enumerate(sorted(powers_w, reverse=True)):
        now_s = NOW + 1.0 + second
        before = delivery._accepted_mono_s
        if deliver(delivery, power_w, now_s) is not None:
            grown += now_s - before < TIMING.refresh_s
    allowed = TIMING.burst_writes + len(powers_w) / TIMING.write_interval_s
    assert grown <= allowed + 1
