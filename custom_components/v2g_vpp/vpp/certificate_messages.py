"""The renewal of the home's client certificate, as messages."""

from dataclasses import dataclass

from .envelope import Envelope
from .fields import Fields, SchemaError

_MAX_PEM_LENGTH = 32_768


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRequest:
    """The home asks for its next certificate; the message is signed."""

    csr_pem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateReply:
    """The next certificate, not yet checked against the key of the home."""

    envelope: Envelope
    csr_id: str
    certificate_pem: str


def parse_certificate(fields: Fields, envelope: Envelope) -> CertificateReply:
    """Return the reply.

    Raises:
        SchemaError: naming the first field that is wrong.
    """
    text = fields.text("certificate_pem", r"(?s:-----BEGIN .*)")
    if len(text) > _MAX_PEM_LENGTH:
        raise SchemaError("certificate_pem")
    return CertificateReply(
        envelope=envelope, csr_id=fields.uuid("csr_id"), certificate_pem=text
    )
