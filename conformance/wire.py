"""Envelopes, signatures and topics of the contract, written anew for the kit."""

from base64 import b64decode, urlsafe_b64encode
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
import json
from typing import Any
import uuid

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from . import clock

ROOT = "v2gvpp/v1"
VERSION = "1.0"

type Json = dict[str, Any]


def encode64(raw: bytes) -> str:
    """Return base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode64(text: str) -> bytes:
    """Return the bytes of base64url without padding.

    Raises:
        ValueError: when it is none.
    """
    try:
        return b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as err:
        raise ValueError("not base64url") from err


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key and its id."""

    key_id: str
    key: Ed25519PrivateKey

    @classmethod
    def create(cls, key_id: str) -> SigningKey:
        """Return a new key."""
        return cls(key_id, Ed25519PrivateKey.generate())

    @property
    def public(self) -> dict[str, str]:
        """Return the public key by its id, as the contract writes it."""
        return {self.key_id: encode64(self.key.public_key().public_bytes_raw())}

    def sign(self, topic: str, payload: bytes) -> str:
        """Return the value of the user property ``sig``."""
        signature = self.key.sign(topic.encode() + b"\0" + payload)
        return f"{self.key_id}:{encode64(signature)}"


def is_signed(
    topic: str, payload: bytes, signatures: Sequence[str], keys: Mapping[str, str]
) -> bool:
    """Return True when exactly one signature is there, by one of these keys."""
    if len(signatures) != 1:
        return False
    key_id, _, text = signatures[0].partition(":")
    try:
        public = Ed25519PublicKey.from_public_bytes(decode64(keys[key_id]))
        public.verify(decode64(text), topic.encode() + b"\0" + payload)
    except KeyError, ValueError, InvalidSignature:
        return False
    return True


@dataclass(slots=True)
class Pen:
    """Writes envelopes: one epoch, and a number per topic."""

    epoch: int
    shift_s: float = 0.0
    """How wrong the sender's clock is, s."""

    seq: dict[str, int] = field(default_factory=dict)

    def write(self, topic: str, kind: str, body: Json) -> Json:
        """Return a message; keys of the envelope in ``body`` replace the usual ones."""
        self.seq[topic] = self.seq.get(topic, 0) + 1
        return {
            "version": VERSION,
            "type": kind,
            "id": str(uuid.uuid7()),
            "epoch": self.epoch,
            "seq": self.seq[topic],
            "ts": self.time(),
            **body,
        }

    def time(self, ahead_s: float = 0.0) -> str:
        """Return the sender's time, or one ahead of it, as on the wire."""
        moment = clock.utcnow() + clock.seconds(self.shift_s + ahead_s)
        return clock.wire_time(moment)


def to_bytes(message: Mapping[str, Any]) -> bytes:
    """Return a message as it is published."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode()


def from_bytes(payload: bytes) -> Json:
    """Return a message that was published, empty when it is no JSON object."""
    try:
        document = json.loads(payload)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one home."""

    region: str
    home_id: str

    @property
    def common_name(self) -> str:
        """Return the name on the home's certificate."""
        return f"{self.region}--{self.home_id}"

    def up(self, kind: str) -> str:
        """Return where the home speaks."""
        return f"{ROOT}/{self.region}/{self.home_id}/up/{kind}"

    def down(self, kind: str) -> str:
        """Return where the home listens."""
        return f"{ROOT}/{self.region}/{self.home_id}/dn/{kind}"

    def everybody(self, kind: str) -> str:
        """Return where every home of the region listens."""
        return f"{ROOT}/{self.region}/all/dn/{kind}"

    def group(self, name: str) -> str:
        """Return the command topic of a group."""
        return f"{ROOT}/{self.region}/group/{name}/dn/command"
