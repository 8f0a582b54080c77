"""Certificates of stations: asked for, signed by the home, sent to the station."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
import logging
from typing import Final

from ..domain.clock import Clock
from ..domain.ids import StationId
from ..domain.ports import CertificateIssuer, Spawn
from .access import PeerCertificate
from .frames import Payload
from .link import StationLink
from .versions import V16, V21
from .wording import wording_of

_LOGGER = logging.getLogger(__name__)

STATION_PURPOSE: Final = "ChargingStationCertificate"
MAX_SIGNED_A_DAY: Final = 3
"""Per station (OCPP brief 2.5): more of them is a loop, or somebody who tries."""

SECONDS_PER_DAY: Final = 24 * 3600.0
MAX_CHAIN_LENGTH: Final = 10_000
"""Characters that a CertificateSigned may carry."""

RENEW_BEFORE: Final = timedelta(days=30)
"""A certificate that ends sooner is asked to be renewed, at dial-in and daily."""

_REJECTED: Final = {"status": "Rejected", "statusInfo": {"reasonCode": "InvalidCSR"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """Who asks for a certificate."""

    serial_number: str | None
    """Of the station, None when it is not known; then nothing is signed."""

    remember: Callable[[str], None]
    """Told the serial number of a certificate before it is sent."""

    taken: Callable[[], None] = lambda: None
    """Told that the station has the certificate."""


class CertificateDesk:
    """What one station asks of the authority of the home."""

    def __init__(
        self,
        station_id: StationId,
        issuer: CertificateIssuer,
        spawn: Spawn,
        clock: Clock,
    ) -> None:
        """Take who signs; nothing was signed yet."""
        self._station_id = station_id
        self._issuer = issuer
        self._spawn = spawn
        self._clock = clock
        self._signed_mono_s: deque[float] = deque(maxlen=MAX_SIGNED_A_DAY)
        self._asked_mono_s: float | None = None

    def requested(
        self, payload: Payload, applicant: Applicant, link: StationLink
    ) -> Payload:
        """Return the answer to a SignCertificate; the certificate follows as a CALL.

        Only a station certificate for the serial number of this very station is signed:
        a home has no other public key infrastructure, and is no oracle for one.
        """
        purpose = payload.get("certificateType", STATION_PURPOSE)
        csr: str = payload["csr"]
        is_acceptable = (
            purpose == STATION_PURPOSE
            and applicant.serial_number is not None
            and self._issuer.is_acceptable(csr, applicant.serial_number)
        )
        if not is_acceptable or self._is_too_often():
            _LOGGER.warning("%s: its request for a certificate is refused", self._name)
            return _REJECTED
        self._signed_mono_s.append(self._clock.monotonic())
        self._spawn(
            self._send(csr, link, payload.get("requestId"), applicant),
            "v2g_vpp certificate",
        )
        return {"status": "Accepted"}

    def connected(self, certificate: PeerCertificate | None, link: StationLink) -> None:
        """Look at the certificate of a new link."""
        self._asked_mono_s = None
        self.look(certificate, link)

    def look(self, certificate: PeerCertificate | None, link: StationLink) -> None:
        """Ask a station whose certificate ends soon to renew it, at most once a day.

        A link may well live longer than what is left of the certificate.
        """
        if certificate is None or certificate.expires_at is None:
            return
        now_mono_s, asked_mono_s = self._clock.monotonic(), self._asked_mono_s
        if asked_mono_s is not None and now_mono_s - asked_mono_s < SECONDS_PER_DAY:
            return
        if certificate.expires_at - self._clock.utcnow() <= RENEW_BEFORE:
            self._asked_mono_s = now_mono_s
            self._spawn(self._ask(link), "v2g_vpp certificate renewal")

    async def _ask(self, link: StationLink) -> None:
        request = wording_of(link.protocol).trigger("SignChargingStationCertificate")
        outcome = await link.call(*request)
        if not outcome.has_status("Accepted"):
            _LOGGER.warning("%s: renews no certificate: %s", self._name, outcome.reason)

    async def _send(
        self,
        csr: str,
        link: StationLink,
        request_id: object,
        applicant: Applicant,
    ) -> None:
        issued = await self._issuer.issue(csr)
        if issued is None or len(issued.pem) > MAX_CHAIN_LENGTH:
            _LOGGER.warning("%s: no certificate could be made", self._name)
            return
        applicant.remember(issued.serial_number)
        payload = {"certificateChain": issued.pem}
        if link.protocol != V16.protocol:
            payload["certificateType"] = STATION_PURPOSE
        if link.protocol == V21.protocol and isinstance(request_id, int):
            payload |= {"requestId": request_id}  # type: ignore[dict-item]
        outcome = await link.call("CertificateSigned", payload)
        if outcome.has_status("Accepted"):
            _LOGGER.info("%s: took a new certificate", self._name)
            applicant.taken()
        else:
            _LOGGER.warning("%s: took no certificate: %s", self._name, outcome.reason)

    def _is_too_often(self) -> bool:
        signed = self._signed_mono_s
        is_full = len(signed) == MAX_SIGNED_A_DAY
        return is_full and self._clock.monotonic() - signed[0] < SECONDS_PER_DAY

    @property
    def _name(self) -> str:
        return self._station_id
