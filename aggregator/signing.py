"""Detached Ed25519 signatures over topic and payload (VPP contract)."""

from base64 import b64decode, urlsafe_b64encode
import binascii
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from .errors import DataDirectoryError
from .files import read_json, write_json

PROPERTY = "sig"
"""Name of the MQTT 5 user property."""


class Signer:
    """A signing key and its id."""

    def __init__(self, key: Ed25519PrivateKey, prefix: str = "agg") -> None:
        """Hold a key; its id is drawn from its public half, so that no two agree."""
        self._key = key
        public = key.public_key().public_bytes_raw()
        self.kid = f"{prefix}-{_to_text(sha256(public).digest())[:8]}"
        self.public_keys: Mapping[str, str] = {self.kid: _to_text(public)}

    @classmethod
    def load_or_create(cls, path: Path, prefix: str = "agg") -> Signer:
        """Open the key of ``path``, or make one and keep it there.

        Args:
            path: the file.
            prefix: of the key id.

        Raises:
            DataDirectoryError: when it is there and unreadable: a new key would make
                every home refuse us.
        """
        document = read_json(path)
        if document is None:
            key = Ed25519PrivateKey.generate()
            write_json(path, {"ed25519": _to_text(key.private_bytes_raw())})
            return cls(key, prefix)
        try:
            raw = _from_text(document["ed25519"])
            return cls(Ed25519PrivateKey.from_private_bytes(raw), prefix)
        except (KeyError, TypeError, ValueError) as err:
            raise DataDirectoryError(f"cannot read the signing key {path}") from err

    def sign(self, topic: str, payload: bytes) -> str:
        """Return the value of the user property for one message."""
        return f"{self.kid}:{_to_text(self._key.sign(_signed(topic, payload)))}"


def is_valid(
    topic: str, payload: bytes, signatures: Sequence[str], keys: Mapping[str, str]
) -> bool:
    """Return True when exactly one signature is there, by one of these keys.

    Args:
        topic: topic as published.
        payload: payload as published.
        signatures: every value of the user property.
        keys: public keys by key id, raw bytes as base64url.
    """
    if len(signatures) != 1:
        return False
    kid, _, text = signatures[0].partition(":")
    public = keys.get(kid)
    if public is None:
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(_from_text(public))
        key.verify(_from_text(text), _signed(topic, payload))
    except ValueError, InvalidSignature:
        return False
    return True


def raw_key(text: str) -> bytes:
    """Return the raw bytes of a public key.

    Raises:
        ValueError: when the text is not base64url.
    """
    return _from_text(text)


def _signed(topic: str, payload: bytes) -> bytes:
    return topic.encode() + b"\x00" + payload


def _to_text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _from_text(text: str) -> bytes:
    padding = "=" * (-len(text) % 4)
    try:
        return b64decode(text + padding, altchars=b"-_", validate=True)
    except binascii.Error as err:
        raise ValueError("not base64url") from err
