"""Setpoints on their way to a station that takes them."""

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


def setpoint(
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


def result(
    status: WriteStatus = WriteStatus.ACCEPTED, at_s: float = NOW
) -> WriteResult:
    return WriteResult(status=status, on_wire_mono_s=at_s)


def deliver(
    delivery: SetpointDelivery,
    power_w: float,
    now_s: float,
    context: DeliveryContext = CONTEXT,
) -> SetpointWrite | None:
    """Plan and, when something is due, accept it."""
    write = delivery.plan(setpoint(power_w), context, now_s)
    if write is not None:
        delivery.done(write, result(at_s=now_s), now_s)
    return write


def running(power_w: float = -5_000.0) -> SetpointDelivery:
    delivery = SetpointDelivery(KEY)
    assert deliver(delivery, power_w, NOW) is not None
    return delivery
