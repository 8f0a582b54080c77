"""Whether a ledger can be believed, and from where on it cannot."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from .ledger import (
    FIRST_HASH,
    HASH,
    EntryKind,
    LedgerEntry,
    LedgerOwner,
    Seal,
    entry_hash,
    link_hash,
    names_of,
    sealed_bytes,
    signed_bytes,
)
from .ports import Verify


class Flaw(StrEnum):
    """Why a ledger cannot be believed from some entry on."""

    FORM = "form"
    """Not an entry, or not written as one."""

    BEGINNING = "beginning"
    """The first entry is neither a genesis nor a checkpoint, or another one is."""

    OWNER = "owner"
    """Of another home or programme, or of another key than the one expected."""

    SEQUENCE = "sequence"
    """An entry is missing, twice or out of its turn."""

    LINK = "link"
    """It does not name the entry before."""

    HASH = "hash"
    """It was changed."""

    SIGNATURE = "signature"
    """It was not written by the home."""

    END = "end"
    """Entries are missing at the end."""

    SEAL = "seal"
    """Nothing vouches for the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """The first place where a ledger cannot be believed."""

    flaw: Flaw
    position: int
    """Which entry, counted from 0; the number of entries for a missing end."""

    sequence: int | None
    """What that entry calls itself, None when it says nothing readable."""


class ChainCheck:
    """Look at the entries of a ledger one after the other."""

    def __init__(
        self,
        verify: Verify,
        *,
        public_key: bytes | None = None,
        owner: LedgerOwner | None = None,
    ) -> None:
        """Begin before the first entry.

        Args:
            verify: checks a signature.
            public_key: raw key of the home; None believes the one that the first
                entry names.
            owner: whose ledger it has to be; None believes the first entry.
        """
        self._verify, self._public_key, self._owner = verify, public_key, owner
        self._last: LedgerEntry | None = None
        self.count = 0

    @property
    def last(self) -> LedgerEntry | None:
        """Return the last entry that was found good."""
        return self._last

    @property
    def public_key(self) -> bytes | None:
        """Return the key that everything was signed with, as far as known."""
        return self._public_key

    def take(self, entry: LedgerEntry | None) -> Break | None:
        """Return what is wrong with the next entry; None given: not readable."""
        if entry is None:
            return Break(flaw=Flaw.FORM, position=self.count, sequence=None)
        flaw = self._flaw(entry)
        if flaw is not None:
            return Break(flaw=flaw, position=self.count, sequence=entry.sequence)
        self._last = entry
        self.count += 1
        return None

    def end(self, seal: Seal | None) -> Break | None:
        """Return what is wrong with the end.

        Entries beyond the seal are good: each is signed, and the seal is written
        after the entry.
        """
        flaw = self._end_flaw(seal)
        if flaw is None:
            return None
        return Break(flaw=flaw, position=self.count, sequence=None)

    def _flaw(self, entry: LedgerEntry) -> Flaw | None:
        is_beginning = entry.kind in {EntryKind.GENESIS, EntryKind.CHECKPOINT}
        if is_beginning is not (self._last is None):
            return Flaw.BEGINNING
        if self._last is None:
            return self._flaw_of_first(entry) or self._flaw_of_words(entry)
        if entry.sequence != self._last.sequence + 1:
            return Flaw.SEQUENCE
        if entry.previous_hash != link_hash(self._last):
            return Flaw.LINK
        return self._flaw_of_words(entry)

    def _flaw_of_first(self, entry: LedgerEntry) -> Flaw | None:
        body = entry.body
        key_text = body.get("public_key")
        if not isinstance(key_text, str) or not HASH.fullmatch(key_text):
            return Flaw.FORM
        if entry.kind is EntryKind.CHECKPOINT and not (
            isinstance(body.get("removed_hash"), str)
            and HASH.fullmatch(body["removed_hash"])
        ):
            return Flaw.FORM
        named = bytes.fromhex(key_text)
        if self._public_key is None:
            self._public_key = named
        is_ours = self._owner is None or body.items() >= names_of(self._owner).items()
        if named != self._public_key or not is_ours:
            return Flaw.OWNER
        if entry.kind is EntryKind.GENESIS and entry.sequence != 0:
            return Flaw.SEQUENCE
        return Flaw.LINK if entry.previous_hash != FIRST_HASH else None

    def _flaw_of_words(self, entry: LedgerEntry) -> Flaw | None:
        if entry_hash(entry) != entry.hash:
            return Flaw.HASH
        is_signed = self._public_key is not None and self._verify(
            self._public_key, bytes.fromhex(entry.signature), signed_bytes(entry.hash)
        )
        return None if is_signed else Flaw.SIGNATURE

    def _end_flaw(self, seal: Seal | None) -> Flaw | None:
        if self._last is None:
            return None if seal is None else Flaw.END
        if seal is None:
            # A crash between the first entry and its seal leaves one entry alone.
            return None if self._last.sequence == 0 else Flaw.SEAL
        is_signed = self._public_key is not None and self._verify(
            self._public_key,
            bytes.fromhex(seal.signature),
            sealed_bytes(seal.sequence, seal.hash),
        )
        if not is_signed:
            return Flaw.SEAL
        if seal.sequence > self._last.sequence:
            return Flaw.END
        if seal.sequence == self._last.sequence and seal.hash != link_hash(self._last):
            return Flaw.SEAL
        return None


def verify_entries(
    entries: Iterable[LedgerEntry | None], check: ChainCheck, seal: Seal | None
) -> Break | None:
    """Return the first place where a ledger cannot be believed, None: all is good."""
    for entry in entries:
        found = check.take(entry)
        if found is not None:
            return found
    return check.end(seal)
