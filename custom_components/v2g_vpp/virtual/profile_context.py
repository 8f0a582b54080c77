"""What the profile rules need to know of the station at a moment."""

from .hardware import Hardware
from .profile_rules import RuleContext


def context_of(
    hardware: Hardware, evse_id: int, *, is_remote_start: bool = False
) -> RuleContext:
    """Return the context in which a profile for ``evse_id`` is judged."""
    evse = hardware.find(evse_id) or hardware.first
    transaction = evse.transaction
    return RuleContext(
        evse_id=evse_id,
        evse_ids=hardware.config.evse_ids,
        transaction_id=transaction.transaction_id if transaction else None,
        are_needs_known=bool(transaction and transaction.are_needs_known),
        is_bidirectional=bool(transaction and transaction.is_bidirectional),
        has_operation_modes=evse.log.has_operation_modes,
        is_v2x_enabled=evse.is_v2x_enabled(),
        takes_negative_limits=evse.takes_negative_limits(),
        is_remote_start=is_remote_start,
    )
