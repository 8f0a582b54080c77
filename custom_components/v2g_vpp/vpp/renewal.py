"""When the home asks for its next certificate, and which answer it takes."""

from datetime import datetime, timedelta
from math import inf
from typing import NamedTuple

from ..domain.clock import Clock
from ..domain.ports import Signer
from .certificate_messages import CertificateReply, CertificateRequest
from .codec import serialise
from .messages import Publication
from .signing import sign
from .speaker import Speaker
from .topics import Topics, UpType

RENEW_BEFORE = timedelta(days=30)
"""Contract: from that long before its end a certificate is renewed."""

AGAIN_S = 3_600.0
"""House rule: an operator who is away for an hour has missed nothing."""

CSR_LIFE_S = 300
"""Contract."""


class Pen(NamedTuple):
    """What a signed message of the home is written with."""

    topics: Topics
    speaker: Speaker
    signer: Signer
    clock: Clock


class Renewal:
    """The renewal of one certificate; ends with its answer."""

    def __init__(self, csr_pem: str, expires_at: datetime | None, pen: Pen) -> None:
        """Ask with the request that the certificate was made of.

        Args:
            csr_pem: for the key that the home has; empty: nothing can be renewed.
            expires_at: of the present certificate, aware; None: only on demand.
            pen: to write the question with.
        """
        self._csr_pem, self._expires_at, self._pen = csr_pem, expires_at, pen
        self._asked_mono_s = -inf
        self._csr_id: str | None = None
        self._is_wanted = False

    def want(self) -> None:
        """Ask with the next occasion, however long the present one lasts."""
        self._is_wanted, self._asked_mono_s = True, -inf

    def question(self) -> Publication | None:
        """Return the question when it is time to ask, with the key of now."""
        pen = self._pen
        if not self._is_due(pen.clock.utcnow(), pen.clock.monotonic()):
            return None
        topic = pen.topics.up(UpType.CSR)
        envelope = pen.speaker.envelope(topic)
        payload = serialise(envelope, CertificateRequest(csr_pem=self._csr_pem))
        self._csr_id = envelope.message_id
        self._asked_mono_s = pen.clock.monotonic()
        return Publication(
            topic=topic,
            payload=payload,
            qos=1,
            expiry_s=CSR_LIFE_S,
            signature=sign(pen.signer, topic, payload),
        )

    def take(self, reply: CertificateReply) -> str | None:
        """Return the certificate when it answers the last question, once."""
        if reply.csr_id != self._csr_id:
            return None
        self._csr_id, self._is_wanted = None, False
        return reply.certificate_pem

    def _is_due(self, now: datetime, now_mono_s: float) -> bool:
        expires_at = self._expires_at
        is_near = expires_at is not None and expires_at - now <= RENEW_BEFORE
        is_again = now_mono_s - self._asked_mono_s >= AGAIN_S
        return bool(self._csr_pem) and is_again and (is_near or self._is_wanted)
