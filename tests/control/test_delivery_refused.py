"""What is written to a station that is not ready, that refuses, that does not stop."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.delivery import SetpointDelivery
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.setpoint import WriteStatus
from tests.control.delivering import CONTEXT, deliver, result, running, setpoint
from tests.control.given import KEY, NOW

CONNECTED = replace(CONTEXT, is_ready=False, is_connected=True)


def _refuse(delivery: SetpointDelivery, power_w: float, now_s: float) -> None:
    write = delivery.plan(setpoint(power_w), CONTEXT, now_s)
    assert write is not None
    assert write.power_w == power_w
    delivery.done(write, result(WriteStatus.REJECTED, now_s), now_s)


def test_before_the_station_is_ready_only_a_stop_leaves() -> None:
    delivery = running()
    delivery.link_lost()
    assert delivery.plan(setpoint(-5_000.0), CONNECTED, NOW + 1.0) is None
    assert delivery.plan(setpoint(4_000.0), CONNECTED, NOW + 1.0) is None
    stop = deliver(delivery, 0.0, NOW + 2.0, CONNECTED)
    assert stop is not None
    assert stop.is_renewal
    assert delivery.is_stop_acknowledged
    assert deliver(delivery, 0.0, NOW + 3.0, CONNECTED) is None
    # Ready, it goes on from there.
    assert deliver(delivery, 0.0, NOW + 4.0) is None
    assert deliver(delivery, -5_000.0, NOW + 5.0) is not None


def test_without_a_transaction_no_stop_leaves_either() -> None:
    delivery = running()
    nothing = replace(CONNECTED, transaction_id=None)
    assert delivery.plan(setpoint(0.0), nothing, NOW + 1.0) is None


def test_a_refused_refresh_is_followed_by_zero_and_then_tried_patiently() -> None:
    delivery = running()
    now_s, tries_s = NOW + 20.0, []
    _refuse(delivery, -5_000.0, now_s)
    for _ in range(200):
        write = delivery.plan(setpoint(-5_000.0), CONTEXT, now_s)
        if write is not None and write.power_w < 0:
            tries_s.append(now_s - NOW - 20.0)
            delivery.done(write, result(WriteStatus.REJECTED, now_s), now_s)
        elif write is not None:
            delivery.done(write, result(at_s=now_s), now_s)
        now_s += 0.5
    assert tries_s[0] == 1.0
    waits_s = [after - before for before, after in pairwise(tries_s)]
    assert waits_s == sorted(waits_s), "ever more patient"
    assert max(waits_s) == 16.0

    # It takes a discharge again.
    assert deliver(delivery, -5_000.0, now_s + 16.0) is not None
    assert delivery.is_settled(setpoint(-5_000.0))


def test_the_zero_after_a_refusal_is_due_at_once_and_until_it_is_taken() -> None:
    delivery = running()
    _refuse(delivery, -6_000.0, NOW + 1.0)
    for second in range(5):
        stop = delivery.plan(setpoint(-6_000.0), CONTEXT, NOW + 1.0 + second)
        assert stop is not None
        assert (stop.power_w, stop.is_renewal) == (0.0, True)
        delivery.done(stop, result(WriteStatus.REJECTED), NOW + 1.0 + second)
    stop = deliver(delivery, -6_000.0, NOW + 7.0)
    assert stop is not None
    assert stop.power_w == 0
    assert delivery.plan(setpoint(-6_000.0), CONTEXT, NOW + 7.5) is None
    again = deliver(delivery, -6_000.0, NOW + 8.0)
    assert again is not None
    assert again.power_w == -6_000.0


def test_a_refused_first_discharge_owes_no_zero_and_a_charge_need_not_wait() -> None:
    delivery = running(0.0)
    _refuse(delivery, -5_000.0, NOW + 1.0)
    assert delivery.plan(setpoint(-5_000.0), CONTEXT, NOW + 1.5) is None
    discharging = running()
    _refuse(discharging, -5_000.0, NOW + 20.0)
    charge = discharging.plan(setpoint(4_000.0), CONTEXT, NOW + 20.5)
    assert charge is not None
    assert charge.power_w == 4_000.0


def test_a_new_transaction_owes_nothing_of_the_older_one() -> None:
    delivery = running()
    _refuse(delivery, -5_000.0, NOW + 20.0)
    other = replace(CONTEXT, transaction_id=TransactionId("next"))
    write = deliver(delivery, -5_000.0, NOW + 21.0, other)
    assert write is not None
    assert write.power_w == -5_000.0


def test_a_station_that_ignores_stops_hears_nothing_that_feeds_its_dead_man() -> None:
    delivery = running()
    assert deliver(delivery, 0.0, NOW + 1.0) is not None
    silenced = replace(CONTEXT, is_silenced=True)
    for second in range(2, 300):
        delivery.renew()
        assert delivery.plan(setpoint(0.0), silenced, NOW + second) is None
    stop = deliver(delivery, 0.0, NOW + 300.0)
    assert stop is not None
    assert stop.is_renewal


@pytest.mark.parametrize("status", [WriteStatus.TIMEOUT, WriteStatus.OFFLINE])
def test_an_unanswered_refresh_is_no_refusal(status: WriteStatus) -> None:
    delivery = running()
    write = delivery.plan(setpoint(-5_000.0), CONTEXT, NOW + 20.0)
    assert write is not None
    delivery.done(write, result(status), NOW + 20.0)
    again = delivery.plan(setpoint(-5_000.0), CONTEXT, NOW + 21.0)
    assert again is not None
    assert again.power_w == -5_000.0


@given(
    st.lists(
        st.tuples(
            st.sampled_from([-1_380.0, -3_000.0, -5_000.0, 0.0, 4_000.0]),
            st.sampled_from(WriteStatus),
            st.floats(0.01, 30.0),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_after_a_refusal_no_discharge_leaves_before_a_zero_was_taken(
    steps: list[tuple[float, WriteStatus, float]],
) -> None:
    delivery, now_s = SetpointDelivery(KEY), NOW
    is_taken = is_owed = False
    for power_w, status, later_s in steps:
        now_s += later_s
        write = delivery.plan(setpoint(power_w), CONTEXT, now_s)
        if write is None:
            continue
        assert not (is_owed and write.power_w < 0)
        delivery.done(write, result(status, now_s), now_s)
        if write.power_w < 0:
            is_owed |= is_taken and status is WriteStatus.REJECTED
            is_taken |= status in {
                WriteStatus.ACCEPTED,
                WriteStatus.TIMEOUT,
                WriteStatus.OFFLINE,
            }
        elif status is WriteStatus.ACCEPTED:
            is_taken = is_owed = False
