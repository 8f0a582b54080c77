"""The desk of one programme's ledger: written in order, told until it was heard."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
import logging
from typing import Any

from ..domain.clock import Clock
from ..domain.errors import LedgerNotWritten, StoreUnreadable
from ..domain.ledger import EntryKind, LedgerEntry, LedgerFormError, Seal
from ..domain.ledger_book import LedgerBook, Opened, Tell, Verified
from ..domain.ledger_picture import LedgerPicture
from ..domain.ports import RunBlocking, Spawn, Store, StoredData
from ..domain.settlement import Settlement
from ..domain.wall_time import format_moment
from .ledger_figures import LedgerFigures

_LOGGER = logging.getLogger(__name__)

KEPT = timedelta(days=400)
"""Of the contract: longer than a year of settlements can be disputed."""

REPORT_LIFE = timedelta(days=7)
"""Expiry of a report (contract); nobody waits for an older one."""

RETRY_S = 60.0
TIDY_S = 86_400.0
REDRAW_S = 3600.0
"""What is too old for a figure leaves it within this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPorts:
    """What a desk needs of the outside."""

    book: LedgerBook
    store: Store
    """Of what is not in the ledger yet, and what nobody has heard yet."""

    run_blocking: RunBlocking
    clock: Clock
    spawn: Spawn
    tell: Tell
    """Tells a report until the broker has it."""

    written: Callable[[bool], None]
    """Told after each write whether the disk took it."""

    changed_by_hand: Callable[[str], None]
    """Somebody changed the ledger: what it found, or where it was put aside."""


class LedgerDesk:
    """The one writer of a ledger, and the memory of what is still to be said."""

    def __init__(self, ports: LedgerPorts, changed: Callable[[], None]) -> None:
        """Write to ``ports.book``; ``changed`` is called when figures are new."""
        self._ports, self._changed = ports, changed
        self._figures = LedgerFigures()
        self._drawn: LedgerPicture | None = None
        self._drawn_mono_s = 0.0
        self._is_open = self._is_writing = self._is_in_doubt = False
        self._is_flooded = False
        self._ended = asyncio.Event()
        self._lock = asyncio.Lock()  # An entry is written by the writer or at the end.
        self._pending: list[tuple[EntryKind, Mapping[str, Any]]] = []
        self._unheard: dict[int, LedgerEntry] = {}
        self._unheard_before: set[int] | None = None
        """At the last end, None when that is not known."""

        self._links: list[LedgerEntry] = []
        """Since the last report: without them a reader could not follow the chain."""

        self._links_of: dict[int, tuple[LedgerEntry, ...]] = {}
        self._rejected: StoredData | None = None
        """What was kept and could not be read: the next save must not lose it."""

        self._drafts: Callable[[], list[Mapping[str, Any]]] = list
        self.kept_drafts: list[Mapping[str, Any]] = []
        """Records of events that ran when the home fell silent."""

    @property
    def picture(self) -> LedgerPicture:
        """Return the figures of now; every picture of the home asks for them."""
        now_mono_s = self._ports.clock.monotonic()
        if self._drawn is None or now_mono_s - self._drawn_mono_s >= REDRAW_S:
            self._drawn_mono_s = now_mono_s
            self._drawn = self._figures.picture(self._ports.clock.utcnow())
        return self._drawn

    def use_drafts(self, read: Callable[[], list[Mapping[str, Any]]]) -> None:
        """Keep what ``read`` returns with every save."""
        self._drafts = read

    async def start(self) -> None:
        """Read what was kept; what cannot be read now is tried again later."""
        self._unheard_before = await self._load()
        await self._open()
        self._ports.spawn(self._tidy(), "ledger tidy")
        self._write_soon()

    async def close(self) -> None:
        """Write what is left, if the disk takes it, and then nothing any more.

        When this returns, the file and the store may be deleted, or belong to another
        desk: no write comes later, also none that ran when it was called.
        """
        while self._pending and await self._write_first():
            pass
        await self._ports.run_blocking(self._ports.book.close)
        if not self._ended.is_set():
            await self._ports.store.save(self._dump())
            self._ended.set()

    def record(self, kind: EntryKind, body: Mapping[str, Any]) -> None:
        """Bring an entry into the ledger, soon and in order."""
        self._pending.append((kind, body))
        self._write_soon()

    def settle(self, settlement: Settlement) -> None:
        """Compare a settlement with the reports and keep both; once."""
        coming = [body for kind, body in self._pending if kind is EntryKind.SETTLEMENT]
        if self._figures.knows(settlement) or any(
            body["settlement_id"] == settlement.settlement_id for body in coming
        ):
            return
        events = [str(body["event_id"]) for body in coming]
        if self._figures.has_enough_of(settlement, events):
            level = logging.DEBUG if self._is_flooded else logging.WARNING
            self._is_flooded = True
            _LOGGER.log(level, "too many settlements: %s not kept", settlement.event_id)
            return
        comparison = self._figures.compare(settlement)
        self.record(
            EntryKind.SETTLEMENT,
            {
                **settlement.to_body(),
                "outcome": comparison.outcome.value,
                "delivered_wh": comparison.delivered_wh,
            },
        )

    def heard(self, sequence: int) -> None:
        """Note that the broker has a report."""
        if self._unheard.pop(sequence, None) is not None:
            self._links_of.pop(sequence, None)
            self.save_later()

    def save_later(self) -> None:
        """Keep drafts and what nobody heard yet, soon."""
        if not self._ended.is_set():
            self._ports.store.save_later(self._dump)

    def save_soon(self) -> None:
        """Keep it now, in the background."""
        self._ports.spawn(self.save(), "ledger save")

    async def save(self) -> None:
        """Keep it now."""
        if not self._ended.is_set():
            await self._ports.store.save(self._dump())

    async def verify(self) -> Verified:
        """Look at every byte of the ledger.

        Raises:
            LedgerNotWritten: when the disk does not let us read.
        """
        found = await self._ports.run_blocking(self._ports.book.verify)
        if found.break_ is not None:
            self._ports.changed_by_hand(found.break_.flaw.value)
        return found

    async def read(self) -> tuple[tuple[LedgerEntry, ...], Seal | None]:
        """Return the whole ledger, to be exported.

        Raises:
            LedgerNotWritten: when the disk does not let us read.
        """
        return await self._ports.run_blocking(self._ports.book.read)

    # ---- inside

    async def _load(self) -> set[int] | None:
        """Return which reports nobody heard, None when that is not known."""
        document: StoredData | None = None
        try:
            document = await self._ports.store.load()
            if document is None:
                return set()
            self._rejected = document.get("rejected")
            self.kept_drafts = [dict(one) for one in document["drafts"]]
            self._pending = [
                (EntryKind(kind), dict(body)) for kind, body in document["pending"]
            ] + self._pending
            return {int(sequence) for sequence in document["unheard"]}
        except StoreUnreadable, KeyError, TypeError, ValueError:
            self._rejected = document
            # Better heard twice than never: a reader knows a report by its sequence.
            _LOGGER.warning("open reports cannot be read: all of a week are told again")
            return None

    async def _open(self) -> None:
        now = self._now()
        try:
            opened = await self._ports.run_blocking(lambda: self._ports.book.open(now))
        except LedgerNotWritten as err:
            _LOGGER.warning("ledger cannot be opened: %s", err)
            self._ports.written(False)
            return
        self._is_open = True
        self._take_over(opened)
        if opened.set_aside is not None:
            self._ports.changed_by_hand(opened.set_aside)

    def _take_over(self, opened: Opened) -> None:
        since = format_moment(self._ports.clock.utcnow() - REPORT_LIFE)
        for entry in opened.entries:
            self._figures.take(entry)
            self._link(entry)
            is_report = entry.kind is EntryKind.EVENT_REPORT
            before = self._unheard_before
            is_unheard = before is None or entry.sequence in before
            if is_report and is_unheard and entry.made_at >= since:
                self._tell(entry)
            else:
                self._links_of.pop(entry.sequence, None)
        # What a crash left in both places is in the ledger already.
        self._pending = [
            (kind, body)
            for kind, body in self._pending
            if not self._figures.has_entry(kind, body)
        ]
        self.kept_drafts = [
            one for one in self.kept_drafts if not self._figures.has_draft(one)
        ]
        self._show()

    def _show(self) -> None:
        self._drawn = None
        self._changed()

    def _write_soon(self) -> None:
        if self._pending and not self._is_writing and not self._ended.is_set():
            self._is_writing = True
            self._ports.spawn(self._write(), "ledger write")

    async def _write(self) -> None:
        try:
            await self.save()
            while self._pending and not self._ended.is_set():
                if not await self._write_first():
                    await self._pause(RETRY_S)
        finally:
            self._is_writing = False
        await self.save()

    async def _pause(self, duration_s: float) -> None:
        """Wait, but not beyond the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(duration_s):
                await self._ended.wait()

    async def _write_first(self) -> bool:
        async with self._lock:
            if self._is_in_doubt:
                return False  # Better told by the next start than written twice.
            return not self._pending or await self._write_one()

    async def _write_one(self) -> bool:
        if not self._is_open:
            await self._open()
            if not self._is_open or not self._pending:
                return self._is_open
        kind, body = self._pending[0]
        now, book = self._now(), self._ports.book
        # A task that is cancelled here never knows whether it is written.
        self._is_in_doubt = True
        try:
            new = await self._ports.run_blocking(lambda: book.append(kind, now, body))
        except LedgerFormError as err:
            # It will be none at the next try either, and all others wait behind it.
            self._is_in_doubt = False
            self._pending.pop(0)
            _LOGGER.error("%s cannot become an entry of the ledger: %s", kind, err)
            return True
        except LedgerNotWritten as err:
            self._is_in_doubt = False
            _LOGGER.warning("ledger cannot be written: %s", err)
            self._ports.written(False)
            return False
        # Nothing is awaited from here to the note that it is written: no second time.
        self._is_in_doubt = False
        self._pending.pop(0)
        self._ports.written(True)
        for entry in new:
            self._figures.take(entry)
            self._link(entry)
            if entry.kind is EntryKind.EVENT_REPORT:
                self._tell(entry)
        self._show()
        return True

    def _link(self, entry: LedgerEntry) -> None:
        if entry.kind is EntryKind.EVENT_REPORT:
            self._links_of[entry.sequence] = tuple(self._links)
            self._links = []
        else:
            self._links.append(entry)

    def _tell(self, entry: LedgerEntry) -> None:
        self._unheard[entry.sequence] = entry
        links = self._links_of.get(entry.sequence, ())
        self._ports.tell(entry, [one.to_header() for one in links])

    async def _tidy(self) -> None:
        while not self._ended.is_set():
            now = self._ports.clock.utcnow()
            book, before = self._ports.book, format_moment(now - KEPT)
            if self._is_open:
                try:
                    await self._ports.run_blocking(
                        lambda: book.forget_before(before, format_moment(now))  # noqa: B023
                    )
                except LedgerNotWritten as err:
                    _LOGGER.warning("ledger cannot be shortened: %s", err)
            await self._pause(TIDY_S)

    def _dump(self) -> dict[str, Any]:
        return {
            "drafts": list(self._drafts()),
            "pending": [[kind.value, body] for kind, body in self._pending],
            "unheard": sorted(self._unheard),
            **({} if self._rejected is None else {"rejected": self._rejected}),
        }

    def _now(self) -> str:
        return format_moment(self._ports.clock.utcnow())
