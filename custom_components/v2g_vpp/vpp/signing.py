"""Detached signatures in the form of the contract: ``kid:base64url``."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
import binascii
from collections.abc import Mapping
import re

from ..domain.ports import Signer, Verify

SIGNATURE_PROPERTY = "sig"
KEY_LENGTH = 32
SIGNATURE_LENGTH = 64
HOME_KEY_ID = "home-1"
"""The home's first key; the next one will be called ``home-2``."""

_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_BASE64_ALPHABET = re.compile(r"[A-Za-z0-9_-]*")


def signed_bytes(topic: str, payload: bytes) -> bytes:
    """Return what a signature covers: no message can be moved to another topic."""
    return topic.encode() + b"\0" + payload


def sign(signer: Signer, topic: str, payload: bytes, key_id: str = HOME_KEY_ID) -> str:
    """Return the value of the user property for a message, of this home by default."""
    signature = signer.sign(signed_bytes(topic, payload))
    return f"{key_id}:{encode_base64url(signature)}"


def encode_base64url(raw: bytes) -> str:
    """Return base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode_base64url(text: str, length: int) -> bytes:
    """Return the bytes of base64url without padding.

    Raises:
        ValueError: for any other alphabet, form or length.
    """
    if not _BASE64_ALPHABET.fullmatch(text):
        raise ValueError("not base64url")
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as err:
        raise ValueError("not base64url") from err
    if len(raw) != length or encode_base64url(raw) != text:
        raise ValueError("not base64url of the right length")
    return raw


def decode_public_keys(keys: Mapping[str, str]) -> Mapping[str, bytes]:
    """Return the raw keys of ``{key id: base64url}``.

    Raises:
        ValueError: when a key id or a key does not have the form of the contract.
    """
    if not all(_KEY_ID.fullmatch(key_id) for key_id in keys):
        raise ValueError("bad key id")
    return {key_id: decode_base64url(text, KEY_LENGTH) for key_id, text in keys.items()}


class KeyRing:
    """The pinned public keys of one aggregator."""

    def __init__(self, keys: Mapping[str, bytes], verify: Verify) -> None:
        """Take the raw keys by key id, and the check itself."""
        self._keys = dict(keys)
        self._verify = verify

    @property
    def keys(self) -> Mapping[str, bytes]:
        """Return the keys that are trusted now."""
        return dict(self._keys)

    def replace(self, keys: Mapping[str, bytes]) -> None:
        """Trust these keys from now on: a message signed by a present one said so."""
        self._keys = dict(keys)

    def is_signed(
        self, topic: str, payload: bytes, signatures: tuple[str, ...]
    ) -> bool:
        """Return True when there is exactly one signature and it is good."""
        if len(signatures) != 1:
            return False
        key_id, _, text = signatures[0].partition(":")
        public_key = self._keys.get(key_id)
        if public_key is None:
            return False
        try:
            signature = decode_base64url(text, SIGNATURE_LENGTH)
        except ValueError:
            return False
        return self._verify(public_key, signature, signed_bytes(topic, payload))
