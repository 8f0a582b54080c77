"""Where a ledger is kept, as the site needs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .ledger import EntryKind, LedgerEntry, Seal
from .ledger_check import Break


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a look at the whole ledger found."""

    count: int
    """Good entries from the beginning on."""

    break_: Break | None
    """None: all of it is good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A ledger at the start."""

    entries: tuple[LedgerEntry, ...]
    """In order; the older ones without their samples, for figures alone."""

    torn_bytes: int = 0
    """Length of a line that a crash had torn and that was put aside."""

    set_aside: str | None = None
    """Name of the file with a ledger that somebody changed; a new one begins."""


class Tell(Protocol):
    """Send the report of one entry."""

    def __call__(self, entry: LedgerEntry, links: Sequence[Mapping[str, Any]]) -> None:
        """Send it until the broker has it.

        Args:
            entry: of the ledger.
            links: headers of what the ledger holds between the report before and this.
        """
        ...


class LedgerBook(Protocol):
    """One ledger on disk. Every method blocks; moments are RFC 3339 texts.

    Each raises LedgerNotWritten when the disk refuses; nothing is half written then.
    """

    def open(self, now: str) -> Opened:
        """Read and check it all; called before anything else."""
        ...

    def append(
        self, kind: EntryKind, now: str, body: Mapping[str, Any]
    ) -> tuple[LedgerEntry, ...]:
        """Return what is on disk when this returns: the entry.

        The very first time it comes behind the one that a ledger begins with.
        """
        ...

    def verify(self) -> Verified:
        """Look at every byte of it again."""
        ...

    def read(self) -> tuple[tuple[LedgerEntry, ...], Seal | None]:
        """Return all of it, to be exported."""
        ...

    def forget_before(self, before: str, now: str) -> int:
        """Put a checkpoint in the place of older entries; return how many went."""
        ...

    def close(self) -> None:
        """Write nothing any more: it waits for a write that runs and refuses others."""
        ...
