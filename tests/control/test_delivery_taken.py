"""What a station took, for whoever watches its answers."""

import pytest

from custom_components.v2g_vpp.control.delivery import (
    SetpointDelivery,
)
from custom_components.v2g_vpp.domain.setpoint import (
    WriteStatus,
)
from tests.control.delivering import (
    CONTEXT,
    deliver,
    result,
    running,
    setpoint,
)
from tests.control.given import KEY, NOW

FAILURES = [WriteStatus.REJECTED, WriteStatus.TIMEOUT, WriteStatus.OFFLINE]


def test_what_was_taken_is_told_once_with_all_that_was_replaced() -> None:
    delivery = SetpointDelivery(KEY)
    first = delivery.plan(setpoint(-5_000.0), CONTEXT, NOW)
    second = delivery.plan(setpoint(0.0), CONTEXT, NOW + 1.0)
    assert first is not None
    assert second is not None
    delivery.done(first, result(at_s=NOW + 0.1), NOW + 1.2)
    delivery.done(second, result(at_s=NOW + 1.1), NOW + 1.3)
    taken = delivery.take_changes()
    assert [one.power_w for one in taken] == [-5_000.0, 0.0]
    # The first had no answer yet when the second left: it may have been heard.
    assert [one.since_mono_s for one in taken] == [NOW, NOW]
    assert delivery.take_changes() == ()


@pytest.mark.parametrize("status", FAILURES)
def test_what_was_not_taken_is_not_told_but_may_have_been_heard(
    status: WriteStatus,
) -> None:
    delivery = running()
    assert len(delivery.take_changes()) == 1
    write = delivery.plan(setpoint(0.0), CONTEXT, NOW + 10.0)
    assert write is not None
    delivery.done(write, result(status), NOW + 11.0)
    assert delivery.take_changes() == ()
    assert deliver(delivery, 0.0, NOW + 12.0) is not None
    (taken,) = delivery.take_changes()
    assert taken.since_mono_s == NOW + 10.0


def test_nobody_looks_and_it_stays_bounded() -> None:
    delivery = running()
    for second in range(100):
        deliver(delivery, -1_500.0 - 10.0 * second, NOW + 20.0 * second)
    assert len(delivery.take_changes()) <= 16


def test_a_power_that_nobody_refreshes_runs_out() -> None:
    delivery = running()
    assert not delivery.runs_out(NOW + 59.0)
    assert delivery.runs_out(NOW + 60.0)
