"""The chain of a home's ledger, as far as its reports show it (VPP contract, Report).

Written from the contract alone: the home's own code is never asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .signing import raw_key

FIRST_HASH = "0" * 64
_COVERED = (
    "sequence",
    "previous_hash",
    "kind",
    "made_at",
    "key_id",
    "body_hash",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last entry of a ledger that was seen."""

    sequence: int
    hash: str


def header_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with the hash of its body in the body's place."""
    header = {name: value for name, value in entry.items() if name != "body"}
    return {**header, "body_hash": _digest(entry["body"])}


def chain_fault(
    head: Head | None,
    links: Sequence[Mapping[str, Any]],
    entry: Mapping[str, Any],
    keys: Mapping[str, str],
) -> str | None:
    """Return what is wrong with a report's place in the chain, None: nothing.

    Args:
        head: the last entry seen of this home, None: none yet, or a new ledger begins.
        links: headers between it and the entry.
        entry: the report.
        keys: public keys of the home, base64url by key id.
    """
    before = head
    for header in (*links, header_of(entry)):
        if _digest({name: header[name] for name in _COVERED}) != header["hash"]:
            return "hash"
        if not _is_signed(header, keys):
            return "signature"
        if before is not None and not _follows(header, before, may_miss=before is head):
            return "link"
        before = Head(sequence=header["sequence"], hash=header["hash"])
    return None


def _follows(header: Mapping[str, Any], before: Head, *, may_miss: bool) -> bool:
    """Return True for what can come after an entry.

    A report that nobody could send for a week is gone, so between what was seen and
    what comes now some may be missing. Nothing may come twice, or instead.
    """
    if header["sequence"] == before.sequence + 1:
        return bool(header["previous_hash"] == before.hash)
    return may_miss and header["sequence"] > before.sequence


def begins_anew(links: Sequence[Mapping[str, Any]]) -> bool:
    """Return True when a home began another ledger: its old one was lost or changed."""
    return any(
        link["kind"] == "genesis" and link["previous_hash"] == FIRST_HASH
        for link in links
    )


def _is_signed(header: Mapping[str, Any], keys: Mapping[str, str]) -> bool:
    try:
        # Key ids of the ledger are the home's own; any key it enrolled with counts.
        signature = bytes.fromhex(header["signature"])
    except ValueError:
        return False
    message = f"v2gvpp-ledger-1 entry\0{header['hash']}".encode()
    return any(_verifies(text, signature, message) for text in keys.values())


def _verifies(key_text: str, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(raw_key(key_text)).verify(signature, message)
    except ValueError, InvalidSignature:
        return False
    return True


def _digest(document: Mapping[str, Any]) -> str:
    text = json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return sha256(text.encode()).hexdigest()
