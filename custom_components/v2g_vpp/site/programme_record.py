"""What the running site keeps of a VPP programme; written by the site alone."""

from dataclasses import dataclass, field

from ..control.failsafe import VppWatchdog
from ..domain.dispatch import CommandKind, DispatchAck, DispatchOrder
from ..domain.grant import ALL_GRANTED, Grant
from ..domain.ids import EvseKey, TransactionId
from ..domain.ports import ProgrammePort
from ..domain.units import energy_wh
from .ledger_desk import LedgerDesk
from .programme_book import EventBook

MAX_TOLD = 256
"""Answers, as many as the gate remembers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """0 W after an order (rule 6 of the contract)."""

    resource: EvseKey | None
    """None: the whole home."""

    ends_mono_s: float


@dataclass(slots=True, kw_only=True)
class ProgrammeRecord:
    """One VPP programme and the orders that it gave."""

    port: ProgrammePort
    watchdog: VppWatchdog
    is_participating: bool = True
    grant: Grant = ALL_GRANTED
    is_rehearsal: bool = False
    """Played at home: it yields to every real dispatch and is never kept."""

    is_over: bool = False
    """A rehearsal that ended: it goes with its last hold."""

    is_connected: bool = False
    orders: tuple[DispatchOrder, ...] = ()
    """Accepted and not yet started, by start."""

    running: tuple[DispatchOrder, ...] = ()
    """Followed now; no two of them are for the same EVSE."""

    holds: tuple[Hold, ...] = ()
    released: dict[EvseKey, TransactionId] = field(default_factory=dict)
    """Discharges that a lost link ended and whose contactor must open yet."""

    lost: frozenset[EvseKey] = frozenset()
    """What followed it when its link was lost the last time."""

    delivered_discharge_wh: float = 0.0
    told: dict[str, DispatchAck] = field(default_factory=dict)
    """The last answer about each order, oldest first."""

    ledger: LedgerDesk | None = None

    book: EventBook = field(default_factory=EventBook)

    def note_answer(self, ack: DispatchAck) -> None:
        """Remember an answer."""
        self.told.pop(ack.order_id, None)
        self.told[ack.order_id] = ack
        while len(self.told) > MAX_TOLD:
            del self.told[next(iter(self.told))]

    def committed_wh(self) -> float:
        """Return the energy that the accepted setpoints will have moved, >= 0."""
        return sum(
            energy_wh(
                abs(self._committed_w(order)),
                order.ends_mono_s - order.start_mono_s,
            )
            for order in (*self.running, *self.orders)
            if order.kind is CommandKind.SETPOINT
        )

    def _committed_w(self, order: DispatchOrder) -> float:
        told = self.told.get(order.order_id)
        return order.power_w if told is None else told.committed_w

    def order_for(self, key: EvseKey) -> DispatchOrder | None:
        """Return the order that an EVSE follows."""
        return next((o for o in self.running if o.resource in (None, key)), None)
