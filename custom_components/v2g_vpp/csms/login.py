"""How one station logs in: with which security now, and what is kept of it."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ..domain.certificates import serial_key
from .access import PeerCertificate, StationFacts
from .certificates import Applicant
from .link import StationLink
from .rpc import GOING_AWAY

if TYPE_CHECKING:
    from .station import Station

KNOWN_CERTIFICATES: Final = 4
"""Newest ones per station that a revocation without a serial number takes back: the
one in use, its renewal, and those of a station that asked again."""


class Login:
    """Profile and certificate of a station; what it showed counts once it booted.

    Before that a certificate may still turn out to be of another station, which must
    not be able to lock this one out.
    """

    def __init__(self, station: Station) -> None:
        """Start without a link."""
        self._station = station
        self._profile = 0
        self.certificate: PeerCertificate | None = None
        """Of the present link, None without one."""

    def began(self, profile: int, certificate: PeerCertificate | None) -> None:
        """Note how the present link was let in."""
        self._profile = profile
        self.certificate = certificate
        self.keep()

    def keep(self) -> None:
        """Keep how the present link was let in, if the station is registered."""
        station = self._station
        if not station.is_registered:
            return
        if self._profile > station.record.security_profile:
            station.keep(replace(station.record, security_profile=self._profile))
        if self.certificate is not None:
            self.remember(self.certificate.serial_number)
            used = serial_key(self.certificate.serial_number)
            if used != station.record.last_certificate:
                station.keep(replace(station.record, last_certificate=used))

    def remember(self, serial_number: str) -> None:
        """Keep that a certificate is of this station."""
        record, key = self._station.record, serial_key(serial_number)
        if record.certificates[-1:] == (key,):
            return
        others = (known for known in record.certificates if known != key)
        kept = (*others, key)[-KNOWN_CERTIFICATES:]
        self._station.keep(replace(record, certificates=kept))

    def applicant(self, link: StationLink) -> Applicant:
        """Return as whom the station asks for a certificate on a link."""
        visit, boot = self._station.visit, self._station.record.boot
        if visit is None:
            serial = boot.serial_number if boot is not None else None
            return Applicant(serial_number=serial, remember=self.remember)
        return Applicant(
            serial_number=visit.serial_number,
            remember=visit.remember,
            # It comes back with the new one, and then for good.
            taken=lambda: link.close(GOING_AWAY, "certificate renewed"),
        )

    @property
    def facts(self) -> StationFacts:
        """What the door has to know of the station."""
        station = self._station
        return StationFacts(
            names=self._names,
            profile=station.record.security_profile,
            last_certificate=station.record.last_certificate,
            allows_no_password=station.config.allows_no_password,
            accepts_expired=station.config.accepts_expired_certificate,
        )

    @property
    def _names(self) -> frozenset[str] | None:
        boot = self._station.record.boot
        if boot is None:
            return None
        serial = (boot.serial_number,) if boot.serial_number is not None else ()
        return frozenset({self._station.station_id, *serial})

    def certificates_of(self, serial_number: str | None) -> tuple[str, ...]:
        """Return what a revocation takes back, as keys; all that are known for None."""
        if serial_number is not None:
            return (serial_key(serial_number),)
        return self._station.record.certificates

    def end(self, revoked: tuple[str, ...]) -> None:
        """Close the link if it came with a certificate that was taken back."""
        shown, link = self.certificate, self._station.link
        if (
            shown is not None
            and link is not None
            and serial_key(shown.serial_number) in revoked
        ):
            link.close(GOING_AWAY, "certificate revoked")
