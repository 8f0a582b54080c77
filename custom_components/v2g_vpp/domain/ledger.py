"""The ledger of a programme: signed entries of which each names the one before.

Whoever has the home's public key can tell that no entry was changed, removed, put in
or moved. Every number in it is whole, so that two readers write it in the same bytes
(as RFC 8785 does for such documents).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
import json
import re
from typing import Any

from .ports import Signer

FAMILY = "v2gvpp-ledger-"
FORMAT = f"{FAMILY}1"
FIRST_HASH = "0" * 64
"""What the first entry of a file names as the one before."""

MAX_NUMBER = 2**53 - 1
"""Largest whole number that every JSON reader keeps exactly."""

HASH = re.compile(r"[0-9a-f]{64}")
"""Also a raw public key."""

_SIGNATURE = re.compile(r"[0-9a-f]{128}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_FIELDS = frozenset(
    {"sequence", "previous_hash", "kind", "made_at", "body", "key_id"}
    | {"hash", "signature"}
)


class EntryKind(StrEnum):
    """What an entry tells."""

    GENESIS = "genesis"
    """Whose ledger this is, with the public key."""

    CHECKPOINT = "checkpoint"
    """The same, in place of entries that were kept long enough."""

    EVENT_REPORT = "event_report"
    SETTLEMENT = "settlement"
    """What the aggregator paid, and how it compares with our own report."""

    DAMAGE = "damage"
    """A line that a lost power supply had torn was put aside."""


class LedgerFormError(ValueError):
    """Something is no entry, or cannot become one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerOwner:
    """Whose ledger it is."""

    region: str
    home_id: str
    programme_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One entry; immutable once it is signed."""

    sequence: int
    """0 for the first of a ledger, plus 1 each."""

    previous_hash: str
    kind: EntryKind
    made_at: str
    """RFC 3339, UTC, milliseconds."""

    body: Mapping[str, Any]
    """JSON of text, whole numbers, true, false, null, lists and objects."""

    key_id: str
    hash: str
    """SHA-256 of everything above, hex; of the body its own hash is covered, so that
    the chain can be followed past an entry whose body is nobody else's business."""

    signature: str
    """Ed25519 of the home over the hash, hex."""

    def to_line(self) -> bytes:
        """Return the canonical form, without the end of the line."""
        return canonical(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return the entry as a JSON object."""
        return {**self._said(), "body": self.body}

    def to_header(self) -> dict[str, Any]:
        """Return the entry without its body: enough to follow the chain past it."""
        return {**self._said(), "body_hash": hash_of(self.body)}

    def _said(self) -> dict[str, Any]:
        return {
            "sequence": self.sequence,
            "previous_hash": self.previous_hash,
            "kind": self.kind.value,
            "made_at": self.made_at,
            "key_id": self.key_id,
            "hash": self.hash,
            "signature": self.signature,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """The home's word about which entry is the last one."""

    sequence: int
    hash: str
    signature: str

    def to_json(self) -> dict[str, Any]:
        """Return the seal as a JSON object."""
        return {
            "sequence": self.sequence,
            "hash": self.hash,
            "signature": self.signature,
        }


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return the one form of a document: sorted keys, no spaces, UTF-8.

    Raises:
        LedgerFormError: for a number that is not whole, or too large to be exact.
    """
    _check(document)
    text = json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    try:
        return text.encode()
    except UnicodeEncodeError as err:
        raise LedgerFormError("text") from err


def write_entry(
    signer: Signer,
    key_id: str,
    before: LedgerEntry | None,
    kind: EntryKind,
    made_at: str,
    body: Mapping[str, Any],
) -> LedgerEntry:
    """Return the signed entry that follows another one; None: the first.

    Raises:
        LedgerFormError: when the body cannot be written.
    """
    sequence = 0 if before is None else before.sequence + 1
    previous_hash = FIRST_HASH if before is None else link_hash(before)
    return _signed(signer, key_id, sequence, previous_hash, kind, made_at, body)


def write_genesis(
    signer: Signer,
    key_id: str,
    owner: LedgerOwner,
    made_at: str,
    *,
    follows_hash: str | None = None,
) -> LedgerEntry:
    """Return the first entry of a ledger.

    Args:
        signer: the home's key.
        key_id: its name.
        owner: whose ledger it becomes.
        made_at: now.
        follows_hash: of the last entry of a ledger that was closed, None without one.
    """
    body = {**_ownership(owner, signer.public_key), "follows_hash": follows_hash}
    return write_entry(signer, key_id, None, EntryKind.GENESIS, made_at, body)


def write_checkpoint(
    signer: Signer, owner: LedgerOwner, last_removed: LedgerEntry, made_at: str
) -> LedgerEntry:
    """Return what stands for all entries up to one that goes, itself included."""
    body = {
        **_ownership(owner, signer.public_key),
        "removed_hash": last_removed.hash,
    }
    return _signed(
        signer,
        last_removed.key_id,
        last_removed.sequence,
        FIRST_HASH,
        EntryKind.CHECKPOINT,
        made_at,
        body,
    )


def write_seal(signer: Signer, last: LedgerEntry) -> Seal:
    """Return the home's word that an entry is the last one."""
    signature = signer.sign(sealed_bytes(last.sequence, link_hash(last)))
    return Seal(sequence=last.sequence, hash=link_hash(last), signature=signature.hex())


def link_hash(entry: LedgerEntry) -> str:
    """Return what the next entry names as the one before.

    For a checkpoint that is the last entry which it stands for: the entries that stay
    are not written again.
    """
    if entry.kind is EntryKind.CHECKPOINT:
        return str(entry.body["removed_hash"])
    return entry.hash


def read_entry(document: Any) -> LedgerEntry:
    """Return the entry of a JSON value; what it says is not judged.

    Raises:
        LedgerFormError: when it does not have the form of an entry.
    """
    if not isinstance(document, dict) or document.keys() != _FIELDS:
        raise LedgerFormError("fields")
    _check(document)
    texts = ("previous_hash", "kind", "made_at", "key_id", "hash", "signature")
    if not all(isinstance(document[name], str) for name in texts):
        raise LedgerFormError("text")
    is_formed = (
        type(document["sequence"]) is int
        and document["sequence"] >= 0
        and isinstance(document["body"], dict)
        and HASH.fullmatch(document["previous_hash"])
        and HASH.fullmatch(document["hash"])
        and _SIGNATURE.fullmatch(document["signature"])
        and _MOMENT.fullmatch(document["made_at"])
        and document["kind"] in set(EntryKind)
    )
    if not is_formed:
        raise LedgerFormError("value")
    return LedgerEntry(**{**document, "kind": EntryKind(document["kind"])})


def read_line(line: bytes) -> LedgerEntry:
    """Return the entry of a line, which must be in the canonical form.

    Raises:
        LedgerFormError: for any other bytes.
    """
    try:
        document = json.loads(line.decode())
    except (ValueError, RecursionError) as err:
        raise LedgerFormError("not JSON") from err
    entry = read_entry(document)
    if entry.to_line() != line:
        raise LedgerFormError("not canonical")
    return entry


def read_seal(document: Any) -> Seal:
    """Return the seal of a JSON value.

    Raises:
        LedgerFormError: when it is none.
    """
    match document:
        case {"sequence": int(sequence), "hash": str(text), "signature": str(sig)} if (
            len(document) == 3 and HASH.fullmatch(text) and _SIGNATURE.fullmatch(sig)
        ):
            return Seal(sequence=sequence, hash=text, signature=sig)
    raise LedgerFormError("seal")


def hash_of(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the canonical form, hex."""
    return sha256(canonical(document)).hexdigest()


def entry_hash(entry: LedgerEntry) -> str:
    """Return the hash that an entry should have."""
    header = entry.to_header()
    del header["hash"], header["signature"]
    return hash_of(header)


def _signed(
    signer: Signer,
    key_id: str,
    sequence: int,
    previous_hash: str,
    kind: EntryKind,
    made_at: str,
    body: Mapping[str, Any],
) -> LedgerEntry:
    entry = LedgerEntry(
        sequence=sequence,
        previous_hash=previous_hash,
        kind=kind,
        made_at=made_at,
        body=body,
        key_id=key_id,
        hash="",
        signature="",
    )
    digest = entry_hash(entry)
    signature = signer.sign(signed_bytes(digest)).hex()
    return replace(entry, hash=digest, signature=signature)


def signed_bytes(digest: str) -> bytes:
    """Return what a signature covers: it can be taken for nothing else."""
    return f"{FORMAT} entry\0{digest}".encode()


def sealed_bytes(sequence: int, digest: str) -> bytes:
    """Return what a seal covers."""
    return f"{FORMAT} end\0{sequence}\0{digest}".encode()


def names_of(owner: LedgerOwner) -> dict[str, str]:
    """Return an owner as the first entry names it."""
    return {
        "region": owner.region,
        "home_id": owner.home_id,
        "programme_id": owner.programme_id,
    }


def _ownership(owner: LedgerOwner, public_key: bytes) -> dict[str, str]:
    return {"format": FORMAT, **names_of(owner), "public_key": public_key.hex()}


def _check(value: Any) -> None:
    """Refuse what two writers could write differently."""
    match value:
        case None | bool() | str():
            return
        case int():
            if abs(value) > MAX_NUMBER:
                raise LedgerFormError("number")
        case Mapping():
            if not all(isinstance(key, str) and key.isascii() for key in value):
                raise LedgerFormError("key")
            for item in value.values():
                _check(item)
        case list() | tuple():
            for item in value:
                _check(item)
        case _:
            raise LedgerFormError(type(value).__name__)
