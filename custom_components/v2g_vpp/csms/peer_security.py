"""What TLS says of whoever dials in."""

from datetime import UTC, datetime
import ssl
from typing import Any

from aiohttp import web

from .access import LinkSecurity, PeerCertificate


def link_security_of(request: web.Request) -> LinkSecurity:
    """Return how a request came in; a certificate counts only when TLS verified it."""
    transport = request.transport
    ssl_object = transport.get_extra_info("ssl_object") if transport else None
    if ssl_object is None:
        return LinkSecurity()
    told: dict[str, Any] = ssl_object.getpeercert() or {}
    names = [
        value
        for group in told.get("subject", ())
        for name, value in group
        if name == "commonName"
    ]
    if len(names) != 1:
        return LinkSecurity(is_encrypted=True)
    certificate = PeerCertificate(
        common_name=str(names[0]),
        serial_number=str(told.get("serialNumber", "")),
        valid_from=_time(told.get("notBefore")),
        expires_at=_time(told.get("notAfter")),
    )
    return LinkSecurity(is_encrypted=True, certificate=certificate)


def _time(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
