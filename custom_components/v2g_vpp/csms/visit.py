"""Why a station waits, and what it may have meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .certificates import CertificateDesk

INTERVAL_S: Final = 60
"""House rule: a station that waits asks again this often."""

_RENEWAL_ACTIONS: Final = frozenset({"SignCertificate"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What a waiting station is told and allowed.

    Without a certificate desk it is only looked at: the owner is setting it up.
    """

    serial_number: str | None = None
    certificates: CertificateDesk | None = None
    remember: Callable[[str], None] = lambda _: None
    """Told the serial number of a certificate that is sent."""

    @property
    def is_renewal(self) -> bool:
        """True when it waits for a new certificate."""
        return self.certificates is not None

    @property
    def reason_code(self) -> str:
        """Why it waits, in a word of OCPP's list."""
        return "InvalidCertificate" if self.is_renewal else "NotEnabled"

    def may_say(self, action: str) -> bool:
        """Return True for a request that is answered before it is accepted."""
        return self.is_renewal and action in _RENEWAL_ACTIONS
