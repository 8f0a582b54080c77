"""The links to the aggregators: what a lost one asked for is released in time."""

import logging

from ..control.failsafe import END_TRANSACTION_AFTER_S, hardest_to_stop
from ..domain.dispatch import AckCode, DispatchOrder, LinkState
from ..domain.ids import EvseKey, TransactionId
from ..domain.setpoint import ControlOwner
from .delivery_desk import DeliveryDesk
from .orders import OrderDesk
from .programme_record import ProgrammeRecord
from .records import EvseRecord
from .registry import Registry
from .station_calls import END_RETRY_S
from .stop_desk import measured_w

_LOGGER = logging.getLogger(__name__)


class LinkWatch:
    """Watches the link of every programme."""

    def __init__(
        self, registry: Registry, desk: OrderDesk, delivery: DeliveryDesk
    ) -> None:
        """Release orders at ``desk``, end transactions through ``delivery``."""
        self._registry, self._desk, self._delivery = registry, desk, delivery

    @property
    def is_failsafe(self) -> bool:
        """True while the link of any programme is lost and not trusted again."""
        return any(_is_lost(p) for p in self._registry.programmes.values())

    def is_trusted(self, key: EvseKey, order: DispatchOrder | None) -> bool:
        """Return True when no lost link is behind what an EVSE follows.

        A lost link touches its own dispatches only (contract, rule 14). Without an
        order it still counts for the EVSEs that it was lost upon.

        Args:
            key: of the EVSE.
            order: that it follows now, the 0 W of a hold included.
        """
        if order is not None:
            programme = self._registry.programmes.get(order.programme_id)
            return programme is not None and not _is_lost(programme)
        return not self.is_lost_upon(key)

    def is_lost_upon(self, key: EvseKey) -> bool:
        """Return True while a link that an EVSE followed is lost."""
        programmes = self._registry.programmes.values()
        return any(_is_lost(p) and key in p.lost for p in programmes)

    def step(self, now_mono_s: float) -> None:
        """Release what a lost link asked for, and end its transactions in time."""
        for programme_id, programme in self._registry.programmes.items():
            before = programme.watchdog.state
            power_w, fingerprint = hardest_to_stop(
                (_dispatched_power_w(r, now_mono_s), r.fingerprint)
                for r in self._registry.evses.values()
            )
            discharging = self._dispatched_discharges(programme, now_mono_s)
            status = programme.watchdog.step(
                power_w,
                fingerprint,
                now_mono_s,
                is_following=bool(programme.running),
                is_discharging=bool(discharging),
            )
            if status.state is LinkState.FAILSAFE and before is not LinkState.FAILSAFE:
                _LOGGER.warning(
                    "%s: no valid heartbeat for %.1f s, dispatch released",
                    programme_id,
                    status.age_s or 0.0,
                )
                # Nobody else takes over before the contactor of the discharge is open.
                left_s = END_TRANSACTION_AFTER_S + END_RETRY_S - (status.age_s or 0.0)
                programme.released = discharging
                programme.lost = frozenset(
                    key
                    for key in self._registry.evses
                    if programme.order_for(key) is not None
                )
                self._desk.release(
                    programme,
                    AckCode.FAILSAFE,
                    least_hold_s=left_s if discharging else 0.0,
                )
            elif before is LinkState.FAILSAFE and status.state is not before:
                _LOGGER.info("%s: link trusted again", programme_id)
            if status.must_end_transaction:
                self._end_released_transactions(programme, now_mono_s)

    def _end_released_transactions(
        self, programme: ProgrammeRecord, now_mono_s: float
    ) -> None:
        for key, transaction_id in tuple(programme.released.items()):
            record = self._registry.evses.get(key)
            # A newer transaction, or a power that the owner asked for, is not ours.
            is_ours = (
                record is not None
                and record.session.transaction_id == transaction_id
                and record.setpoint.power_w == 0
            )
            if record is not None and is_ours:
                self._delivery.end_transaction(record, now_mono_s)
            else:
                del programme.released[key]
        if not programme.released:
            programme.watchdog.transaction_ended()

    def _dispatched_discharges(
        self, programme: ProgrammeRecord, now_mono_s: float
    ) -> dict[EvseKey, TransactionId]:
        """Return the transactions that discharge for a programme."""
        return {
            record.key: record.session.transaction_id
            for record in self._registry.evses.values()
            if record.session.transaction_id is not None
            and programme.order_for(record.key) is not None
            and _dispatched_power_w(record, now_mono_s) < 0
        }


def _is_lost(programme: ProgrammeRecord) -> bool:
    return programme.watchdog.state is LinkState.FAILSAFE


def _dispatched_power_w(record: EvseRecord, now_mono_s: float) -> float:
    """Return the power that a fail-safe would have to bring to 0; discharge negative.

    Charging that a dispatch is only just reducing does not count at its old height:
    it is on its way down already.
    """
    discharging_w = min(0.0, measured_w(record, now_mono_s) or 0.0)
    setpoint = record.setpoint
    if setpoint.owner is not ControlOwner.VPP:
        return discharging_w
    asked_w = min(setpoint.power_w, max(0.0, setpoint.requested_w))
    return max(asked_w, discharging_w, key=abs)
