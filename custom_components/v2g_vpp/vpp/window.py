"""A command -> an order with its deadlines on our monotonic clock (rules 4, 5, 17)."""

from datetime import timedelta

from ..domain.dispatch import AckCode, CommandKind, DispatchOrder
from ..domain.ids import ProgrammeId
from .clock_check import Now
from .envelope import Envelope
from .messages import Command, WireKind

MAX_LEAD = timedelta(hours=48)

_KINDS = {
    WireKind.SETPOINT: CommandKind.SETPOINT,
    WireKind.LIMIT: CommandKind.LIMIT,
    WireKind.DROOP: CommandKind.DROOP,
    WireKind.CURVE: CommandKind.CURVE,
    WireKind.RELEASE: CommandKind.RELEASE,
}


def order_of(
    command: Command, programme_id: ProgrammeId, delay_s: float, now: Now
) -> tuple[DispatchOrder | None, AckCode]:
    """Return the order of a command, or None and why it is none.

    Args:
        command: that is believed.
        programme_id: that it came in.
        delay_s: how much later than told this home begins and ends.
        now: the present of both clocks.
    """
    kind = _KINDS[command.kind]
    start_at, end_at = command.start_at, command.end_at
    if now.is_trusted and now.aggregator_at is not None:
        here = now.aggregator_at
    else:
        # Only the sender's own words count: what is left since it was written.
        here = max(start_at, command.envelope.made_at)
    is_release = kind is CommandKind.RELEASE
    if end_at <= here and not is_release:
        return None, AckCode.EXPIRED
    if start_at - here > MAX_LEAD:
        return None, AckCode.NOT_YET
    # What only brings power to 0 is never put off; its end may be.
    begins_s = (start_at - here).total_seconds() + (0 if command.is_stop else delay_s)
    ends_s = max(0.0, (end_at - here).total_seconds()) + delay_s
    return DispatchOrder(
        order_id=command.envelope.message_id,
        programme_id=programme_id,
        kind=kind,
        resource=command.resource,
        power_w=command.power_w,
        start_at=start_at,
        end_at=end_at,
        start_mono_s=now.mono_s + max(0.0, begins_s),
        ends_mono_s=now.mono_s + ends_s,
        sent_mono_s=_sent_mono_s(command.envelope, now),
        event_id=command.event_id,
        is_test=command.is_test,
        response=command.response,
    ), AckCode.OK


def _sent_mono_s(envelope: Envelope, now: Now) -> float | None:
    sent_mono_s = now.mono_of(envelope.made_at)
    if sent_mono_s is None or not now.is_trusted:
        return None
    return min(sent_mono_s, now.mono_s)
