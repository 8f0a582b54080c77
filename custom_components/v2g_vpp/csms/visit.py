"""Why a station waits, and what it may have meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .certificates import CertificateDesk
from .visitor_book import VisitorBook

INTERVAL_S: Final = 60
"""House rule: a station that waits asks again this often."""

_RENEWAL_ACTIONS: Final = frozenset({"SignCertificate"})
_GUEST_ACTIONS: Final = frozenset({"MeterValues"})
"""What it is asked to send, so that the owner sees that its meter is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What a waiting station is told and allowed.

    Without a certificate desk it is only looked at: the owner is setting it up.
    """

    serial_number: str | None = None
    certificates: CertificateDesk | None = None
    remember: Callable[[str], None] = lambda _: None
    """Told the serial number of a certificate that is sent."""

    book: VisitorBook | None = None
    """Where is noted what a guest says, for the one who sets it up."""

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
        allowed = _RENEWAL_ACTIONS if self.is_renewal else _GUEST_ACTIONS
        return action in allowed
