"""What is known of the ledgers of the programmes, and what may be asked of them."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from ..domain.errors import UnknownProgramme
from ..domain.ids import ProgrammeId
from ..domain.ledger import LedgerEntry, Seal
from ..domain.ledger_book import Verified
from ..domain.settlement import Settlement
from .event_recorder import EventRecorder
from .ledger_desk import LedgerDesk, LedgerPorts
from .registry import Registry


class LedgerDoor:
    """Opens ledgers, takes settlements, verifies and reads."""

    _registry: Registry
    _recorder: EventRecorder

    async def use_ledger(
        self, programme_id: ProgrammeId, ports: LedgerPorts
    ) -> LedgerDesk:
        """Keep a ledger of a programme that was added; events are recorded from now.

        Args:
            programme_id: of a programme of this home.
            ports: where it is kept.

        Returns:
            The desk, to be closed once the programme ended.
        """
        programme = self._registry.programmes[programme_id]
        desk = LedgerDesk(ports, self._wake)
        programme.ledger = desk
        desk.use_drafts(lambda: self._drafts(programme_id))
        await desk.start()
        self._recorder.use(programme_id, desk)
        return desk

    def report_heard(self, programme_id: ProgrammeId, sequence: int) -> None:
        """Note that the broker has a report."""
        programme = self._registry.programmes.get(programme_id)
        if programme is not None and programme.ledger is not None:
            programme.ledger.heard(sequence)

    def settlement_received(
        self, programme_id: ProgrammeId, settlement: Settlement
    ) -> None:
        """Compare what was paid with the own ledger, and keep it."""
        programme = self._registry.programmes.get(programme_id)
        if programme is not None and programme.ledger is not None:
            programme.ledger.settle(settlement)

    async def verify_ledger(self, programme_id: ProgrammeId) -> Verified:
        """Look at every byte of a ledger.

        Raises:
            UnknownProgramme: for one without a ledger.
            LedgerNotWritten: when the disk does not let us read.
        """
        return await self._ledger(programme_id).verify()

    async def read_ledger(
        self, programme_id: ProgrammeId
    ) -> tuple[tuple[LedgerEntry, ...], Seal | None]:
        """Return a whole ledger.

        Raises:
            UnknownProgramme: for one without a ledger.
            LedgerNotWritten: when the disk does not let us read.
        """
        return await self._ledger(programme_id).read()

    async def _save_ledgers(self) -> None:
        for programme in list(self._registry.programmes.values()):
            if programme.ledger is not None:
                await programme.ledger.save()

    def _part_from_ledger(self, programme_id: ProgrammeId) -> None:
        """Record nothing any more; what runs stays a draft for the next desk."""
        drafts = self._drafts(programme_id)
        self._recorder.forget(programme_id)
        programme = self._registry.programmes.get(programme_id)
        if programme is not None and programme.ledger is not None:
            programme.ledger.use_drafts(lambda: drafts)

    def _drafts(self, programme_id: ProgrammeId) -> list[Mapping[str, Any]]:
        return self._recorder.drafts(programme_id)

    def _ledger(self, programme_id: ProgrammeId) -> LedgerDesk:
        programme = self._registry.programmes.get(programme_id)
        if programme is None or programme.ledger is None:
            raise UnknownProgramme(programme_id)
        return programme.ledger

    @abstractmethod
    def _wake(self) -> None:
        """Let control run at once."""
