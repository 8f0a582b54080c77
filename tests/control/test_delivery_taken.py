"""What a station took, for whoever watches its answers."""

import pytest

from custom_components.v2g_vpp.control.delivery import (
    DeliveryContext,
    SetpointDelivery,
)
from custom_components.v2g_vpp.domain.capability import (
    DIALECT_TIMING,
    DischargeDialect,
)
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.setpoint import (
    ControlOwner,
    Reason,
    Setpoint,
    SetpointWrite,
    WriteResult,
    WriteStatus,
)
from tests.control.given import KEY, NOW

TIMING = DIALECT_TIMING[DischargeDialect.V201_PLUS21]
"""Valid for 60 s, refreshed each 20 s, one regulation write per 10 s, three at once."""

CONTEXT = DeliveryContext(
    timing=TIMING,
    is_ready=True,
    transaction_id=TransactionId("tx"),
    command_id="order",
)
FAILURES = [WriteStatus.REJECTED, WriteStatus.TIMEOUT, WriteStatus.OFFLINE]


def _setpoint(
    power_w: float,
    requested_w: float | None = None,
    reason: Reason = Reason.AS_REQUESTED,
) -> Setpoint:
    return Setpoint(
        power_w=power_w,
        requested_w=power_w if requested_w is None else requested_w,
        owner=ControlOwner.VPP,
        reason=reason,
    )


def _result(
    status: WriteStatus = WriteStatus.ACCEPTED, at_s: float = NOW
) -> WriteResult:
    return WriteResult(status=status, on_wire_mono_s=at_s)


def _deliver(
    delivery: SetpointDelivery,
    power_w: float,
    now_s: float,
    context: DeliveryContext = CONTEXT,
) -> SetpointWrite | None:
    """Plan and, when something is due, accept it."""
    write = delivery.plan(_setpoint(power_w), context, now_s)
    if write is not None:
        delivery.done(write, _result(at_s=now_s), now_s)
    return write


def _running(power_w: float = -5_000.0) -> SetpointDelivery:
    delivery = SetpointDelivery(KEY)
    assert _deliver(delivery, power_w, NOW) is not None
    return delivery


def test_what_was_taken_is_told_once_with_all_that_was_replaced() -> None:
    delivery = SetpointDelivery(KEY)
    first = delivery.plan(_setpoint(-5_000.0), CONTEXT, NOW)
    second = delivery.plan(_setpoint(0.0), CONTEXT, NOW + 1.0)
    assert first is not None
    assert second is not None
    delivery.done(first, _result(at_s=NOW + 0.1), NOW + 1.2)
    delivery.done(second, _result(at_s=NOW + 1.1), NOW + 1.3)
    taken = delivery.take_changes()
    assert [one.power_w for one in taken] == [-5_000.0, 0.0]
    # The first had no answer yet when the second left: it may have been heard.
    assert [one.since_mono_s for one in taken] == [NOW, NOW]
    assert delivery.take_changes() == ()


@pytest.mark.parametrize("status", FAILURES)
def test_what_was_not_taken_is_not_told_but_may_have_been_heard(
    status: WriteStatus,
) -> None:
    delivery = _running()
    assert len(delivery.take_changes()) == 1
    write = delivery.plan(_setpoint(0.0), CONTEXT, NOW + 10.0)
    assert write is not None
    delivery.done(write, _result(status), NOW + 11.0)
    assert delivery.take_changes() == ()
    assert _deliver(delivery, 0.0, NOW + 12.0) is not None
    (taken,) = delivery.take_changes()
    assert taken.since_mono_s == NOW + 10.0


def test_nobody_looks_and_it_stays_bounded() -> None:
    delivery = _running()
    for second in range(100):
        _deliver(delivery, -1_500.0 - 10.0 * second, NOW + 20.0 * second)
    assert len(delivery.take_changes()) <= 16


def test_a_power_that_nobody_refreshes_runs_out() -> None:
    delivery = _running()
    assert not delivery.runs_out(NOW + 59.0)
    assert delivery.runs_out(NOW + 60.0)
