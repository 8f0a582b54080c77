"""Where a rehearsal enters the home: a programme that exists only meanwhile."""

from abc import abstractmethod
from collections.abc import Collection

from ..control.failsafe import VppWatchdog
from ..domain.clock import Clock
from ..domain.dispatch import AckCode
from ..domain.errors import RehearsalRefused, UnknownTarget
from ..domain.ids import EvseKey, ProgrammeId
from ..domain.ports import ProgrammePort
from ..domain.rehearsal import REHEARSAL
from .orders import OrderDesk
from .programme_record import ProgrammeRecord
from .registry import Registry
from .spread import spread_of


class RehearsalDoor:
    """Begins and ends rehearsals; a real programme's dispatch always goes first."""

    _registry: Registry
    _desk: OrderDesk
    _clock: Clock

    def begin_rehearsal(
        self, port: ProgrammePort, key: EvseKey, duration_s: float
    ) -> None:
        """Make the programme of a rehearsal.

        Args:
            port: carries the answers.
            key: of the EVSE that plays.
            duration_s: within which no real dispatch may be due.

        Raises:
            UnknownTarget: for an EVSE that this home does not have.
            RehearsalRefused: ``running``, ``dispatch_active`` or ``dispatch_due``.
        """
        if key not in self._registry.evses:
            raise UnknownTarget(key.station_id, f"EVSE {key.evse_id}")
        self._desk.advance(self._clock.monotonic())
        before_mono_s = self._clock.monotonic() + duration_s
        for programme in self._registry.programmes.values():
            _refuse_beside(programme, before_mono_s)
        # The spread of a real programme of this home: the wait is the one of earnest.
        ids = (i for i, p in self._registry.programmes.items() if not p.is_rehearsal)
        spread = spread_of(next(ids, ProgrammeId(REHEARSAL)))
        self._registry.programmes[REHEARSAL] = ProgrammeRecord(
            port=port, watchdog=VppWatchdog(spread=spread), is_rehearsal=True
        )
        self._tick()

    def end_rehearsal(self) -> None:
        """End what the rehearsal asked for; its programme goes after the hold."""
        programme = self._registry.programmes.get(REHEARSAL)
        if programme is None:
            return
        programme.is_over = True
        self._desk.release(programme, AckCode.USER_OVERRIDE)
        self._tick()

    @abstractmethod
    def _tick(self, changed: Collection[EvseKey] | None = None) -> None:
        """Decide and deliver now."""


def _refuse_beside(programme: ProgrammeRecord, before_mono_s: float) -> None:
    if programme.is_rehearsal:
        raise RehearsalRefused("running")
    if programme.running or programme.holds or programme.released:
        raise RehearsalRefused("dispatch_active")
    if any(order.start_mono_s <= before_mono_s for order in programme.orders):
        raise RehearsalRefused("dispatch_due")
