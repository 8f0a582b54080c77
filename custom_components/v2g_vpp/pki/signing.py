"""Ed25519 signatures, the keys as raw 32 bytes."""

from functools import lru_cache
from typing import override

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from ..domain.errors import CertificateInvalid
from ..domain.ports import Signer

_KNOWN_KEYS = 32
"""Aggregators rotate among a few keys; parsing one costs as much as a signature."""


class Ed25519Signer(Signer):
    """A private key that only signs."""

    def __init__(self, seed: bytes) -> None:
        """Take the raw 32-byte private key.

        Raises:
            CertificateInvalid: ``unreadable_key`` for any other length.
        """
        try:
            self._key = Ed25519PrivateKey.from_private_bytes(seed)
        except ValueError as err:
            raise CertificateInvalid("unreadable_key") from err

    @property
    @override
    def public_key(self) -> bytes:
        """Return the raw public key, 32 bytes."""
        return self._key.public_key().public_bytes_raw()

    @override
    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message, 64 bytes."""
        return self._key.sign(message)


def create_signing_seed() -> bytes:
    """Return a new raw private key, 32 bytes."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def verify_signature(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Return True when ``signature`` is that of ``message``; False for any flaw."""
    try:
        _public_key(public_key).verify(signature, message)
    except ValueError, InvalidSignature:
        return False
    return True


@lru_cache(maxsize=_KNOWN_KEYS)
def _public_key(raw: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(raw)
