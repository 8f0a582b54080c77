"""A ledger as the contract describes it: entries that are hashed, chained and signed."""

from hashlib import sha256
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .clock import utcnow, wire_time
from .wire import Json, SigningKey, decode64

TEXT = b"v2gvpp-ledger-1 entry\0"
HEADER = ("sequence", "previous_hash", "kind", "made_at", "key_id", "body_hash")
FIRST = "0" * 64


def canonical_hash(document: Any) -> str:
    """Return SHA-256 of the canonical JSON of a document, hex."""
    text = json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return sha256(text.encode()).hexdigest()


def header_hash(entry: Json, body_hash: str) -> str:
    """Return the hash that an entry must have."""
    header = {**entry, "body_hash": body_hash}
    return canonical_hash({name: header[name] for name in HEADER})


def is_signed_by(key: str, entry: Json) -> bool:
    """Return True when an entry is signed by a public key of the contract's form."""
    try:
        public = Ed25519PublicKey.from_public_bytes(decode64(key))
        public.verify(bytes.fromhex(entry["signature"]), TEXT + entry["hash"].encode())
    except ValueError, InvalidSignature:
        return False
    return True


def write(key: SigningKey, before: Json | None, kind: str, body: Json) -> Json:
    """Return the entry that follows another one, with its body."""
    entry: Json = {
        "sequence": 0 if before is None else before["sequence"] + 1,
        "previous_hash": FIRST if before is None else before["hash"],
        "kind": kind,
        "made_at": wire_time(utcnow()),
        "key_id": key.key_id,
    }
    entry["hash"] = header_hash(entry, canonical_hash(body))
    signature = key.key.sign(TEXT + entry["hash"].encode())
    return {**entry, "signature": signature.hex(), "body": body}


def link(entry: Json) -> Json:
    """Return the header of an entry whose body stays at home."""
    head = {name: value for name, value in entry.items() if name != "body"}
    return head | {"body_hash": canonical_hash(entry["body"])}
