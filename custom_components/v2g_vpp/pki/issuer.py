"""The authority of the home as charging stations know it."""

from collections.abc import Callable
from datetime import datetime

from cryptography import x509

from ..domain.certificates import IssuedCertificate
from ..domain.errors import CertificateInvalid, StoreUnreadable
from ..domain.ports import RunBlocking
from .authority import Authority, LeafPurpose, issue_certificate, name_in_request


class HomeIssuer:
    """Signs certificates of stations; implements ``CertificateIssuer``."""

    def __init__(
        self,
        authority: Callable[[], Authority],
        *,
        owner: str,
        utcnow: Callable[[], datetime],
        run_blocking: RunBlocking,
    ) -> None:
        """Take where the root is read, whose it is, and where blocking work runs."""
        self._authority = authority
        self._owner = owner
        self._utcnow = utcnow
        self._run_blocking = run_blocking

    def is_acceptable(self, csr_pem: str, name: str) -> bool:
        """Return True for a sound request with a strong key for just that name."""
        try:
            return name_in_request(csr_pem) == name
        except CertificateInvalid:
            return False

    async def issue(self, csr_pem: str) -> IssuedCertificate | None:
        """Return the certificate, None when it could not be made."""
        return await self._run_blocking(lambda: self._issue(csr_pem))

    def _issue(self, csr_pem: str) -> IssuedCertificate | None:
        try:
            pem = issue_certificate(
                self._authority(),
                csr_pem,
                self._utcnow(),
                LeafPurpose.STATION,
                organisation=self._owner,
            )
        except CertificateInvalid, StoreUnreadable:
            return None
        number = x509.load_pem_x509_certificate(pem.encode()).serial_number
        return IssuedCertificate(pem=pem, serial_number=f"{number:x}")
