"""Who may dial in: identity, password, network, back-off."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
import logging
import re
from typing import Final
from urllib.parse import unquote

from ..domain.capability import DischargeDialect
from ..domain.certificates import serial_key
from ..domain.clock import Clock
from ..domain.ids import StationId
from ..domain.policy import StationLimits
from ..domain.vendor_setpoint import VendorSetpoint
from .basic_auth import are_credentials_right, meant_identity
from .refusals import OnRefused, RefusalCause

_LOGGER = logging.getLogger(__name__)

type Network = IPv4Network | IPv6Network

_IDENTITY: Final = re.compile(r"[A-Za-z0-9._:|-]{1,48}")
"""House rule; the bar is legal in OCPP identities and arrives percent-encoded."""

FREE_ATTEMPTS: Final = 3
"""Wrong passwords before an address has to wait: a typing mistake costs nothing."""

MAX_BACK_OFF_S: Final = 60.0
"""Short enough that a charger whose password was corrected is back at once."""

UNKNOWN_REPORTS_PER_HOUR: Final = 10
"""Per address (architecture: an unknown station is an attack surface)."""

SECONDS_PER_HOUR: Final = 3600.0
_TRACKED_SOURCES: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class StationConfig:
    """What the owner set up for one charging station."""

    identity: StationId
    password: str = field(repr=False)
    limits: StationLimits = field(default_factory=StationLimits)
    dialect: DischargeDialect | None = None
    """Chosen by hand; None takes what the device model proves."""

    vendor: VendorSetpoint | None = None
    """The message of the dialect that has one."""

    supply_phases: int | None = None
    """As the owner says, 1 or 3; None takes what the station reports."""

    allows_no_password: bool = False
    """OCPP 1.6 in the clear: let it in by its name alone, from allowed networks only."""

    accepts_expired_certificate: bool = False
    """Let it in with one to have it renewed, and for nothing else (A00.FR.429)."""

    is_null_payload_legal: bool = True
    """Read ``null`` as an empty payload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerCertificate:
    """What the certificate of a station says, once TLS has verified it."""

    common_name: str
    serial_number: str
    """Hexadecimal, as TLS tells it."""

    valid_from: datetime | None = None
    expires_at: datetime | None = None
    """UTC; None when TLS does not tell it."""

    def is_expired(self, now: datetime) -> bool:
        """Return True when it is past its end, or does not say when that is."""
        return self.expires_at is None or now >= self.expires_at

    def is_early(self, now: datetime) -> bool:
        """Return True before its beginning."""
        return self.valid_from is None or now < self.valid_from


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSecurity:
    """How a station comes to the door."""

    is_encrypted: bool = False
    certificate: PeerCertificate | None = None
    is_1_6: bool = False
    """It speaks OCPP 1.6, the one version that knows of no password at all."""

    @property
    def profile(self) -> int:
        """The security profile of OCPP that this is, 1..3."""
        if not self.is_encrypted:
            return 1
        return 2 if self.certificate is None else 3


PLAIN: Final = LinkSecurity()


@dataclass(frozen=True, slots=True, kw_only=True)
class StationFacts:
    """What is known of a station of the home when it knocks."""

    names: frozenset[str] | None = None
    """One of which its certificate has to have; None while it never booted."""

    profile: int = 0
    """The highest security profile that it has used; it never goes down."""

    last_certificate: str | None = None
    """Key of the serial number of the one that it used last; None: never one."""

    allows_no_password: bool = False
    """The owner lets it in by its name alone (informally: security profile 0)."""

    accepts_expired: bool = False
    """The owner lets it renew a certificate that has expired."""


class Admission(StrEnum):
    """What a station is let in for."""

    FULL = "full"
    RENEWAL = "renewal"
    """Its certificate has expired: to get another one."""

    PROVISIONAL = "provisional"
    """The owner is just setting it up: to wait."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The station may connect."""

    identity: StationId
    profile: int = 1
    """The security profile of this link."""

    admission: Admission = Admission.FULL


@dataclass(frozen=True, slots=True)
class Refused:
    """The HTTP status to answer."""

    status: int


@dataclass(slots=True)
class _Source:
    failures: int = 0
    blocked_until_mono_s: float = 0.0
    reported_mono_s: list[float] = field(default_factory=list)


def identity_of(raw_path: str) -> StationId | None:
    """Return the identity in a request path, None when it is not a legal one.

    It is the last segment, percent-decoded once; whatever stands before it is free.
    """
    segment = raw_path.partition("?")[0].rpartition("/")[2]
    identity = unquote(segment)
    return StationId(identity) if _IDENTITY.fullmatch(identity) else None


class Gatekeeper:
    """Judges each attempt to connect before the upgrade to a WebSocket."""

    def __init__(
        self,
        clock: Clock,
        networks: tuple[Network, ...] = (),
        on_refused: OnRefused | None = None,
        is_revoked: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """Start with no known station.

        Args:
            clock: for the back-off.
            networks: that stations may dial in from; empty allows every one.
            on_refused: told of refusals that the owner may want to act upon.
            is_revoked: of the serial number of a certificate.
        """
        self._is_revoked = is_revoked
        self._clock = clock
        self._networks = networks
        self._on_refused = on_refused
        self._passwords: dict[StationId, str] = {}
        self._guests: dict[StationId, str] = {}
        self._facts: dict[StationId, StationFacts] = {}
        self._sources: OrderedDict[tuple[str, str], _Source] = OrderedDict()
        self.watch: OnRefused = lambda *_: None
        """Told of every refusal, however many: for a page that is open."""

    def admit(self, identity: StationId, password: str) -> None:
        """Let a station in from now on; its earlier failures are forgotten."""
        self._passwords[identity] = password
        self._forgive(identity)

    def admit_guest(self, identity: StationId, password: str) -> None:
        """Let a station in to wait, unless it is one of the home."""
        self._guests[identity] = password
        self._forgive(identity)

    def dismiss_guest(self, identity: StationId) -> None:
        """Let a guest in no more."""
        self._guests.pop(identity, None)

    def _forgive(self, identity: StationId) -> None:
        for key in [key for key in self._sources if key[1] == identity]:
            del self._sources[key]

    def revoke(self, identity: StationId) -> None:
        """Let a station in no more."""
        self._passwords.pop(identity, None)
        self._facts.pop(identity, None)

    def know(self, identity: StationId, facts: StationFacts) -> None:
        """Note what is known of a station."""
        self._facts[identity] = facts

    def judge(
        self,
        raw_path: str,
        authorization: str | None,
        address: str,
        link: LinkSecurity = PLAIN,
    ) -> Admitted | Refused:
        """Return whether a connection attempt goes on, and the status if not."""
        identity = identity_of(raw_path)
        passwords = self._guests | self._passwords
        if not self.is_network_allowed(address):
            self._report_outside(passwords, identity, authorization, address)
            return Refused(403)
        if identity is None or (password := passwords.get(identity)) is None:
            meant = meant_identity(passwords, identity, authorization)
            if meant is not None:
                self.report(meant, address, RefusalCause.IDENTITY_NOT_EXACT)
            else:
                self.report(identity, address, RefusalCause.UNKNOWN_IDENTITY)
            return Refused(404)
        source = self._source(address, identity)
        now_mono_s = self._clock.monotonic()
        if now_mono_s < source.blocked_until_mono_s:
            return Refused(429)
        cause = self._objection(identity, password, authorization, link)
        if cause is not None:
            self._note_failure(source, now_mono_s)
            before = self._facts.get(identity, StationFacts()).profile
            is_less = cause is RefusalCause.DOWNGRADE
            self.report(identity, address, cause, str(before) if is_less else "")
            return Refused(401)
        source.failures = 0
        is_open = self._is_open_to(identity, authorization, link)
        profile = 0 if is_open else link.profile
        return Admitted(identity, profile, self._admission(identity, link))

    def _report_outside(
        self,
        passwords: Mapping[StationId, str],
        identity: StationId | None,
        authorization: str | None,
        address: str,
    ) -> None:
        """Tell of a network that may not dial in, by the name of who was meant."""
        if identity not in passwords:
            meant = meant_identity(passwords, identity, authorization)
            if meant is None:
                self.report(identity, address, RefusalCause.STRANGER_OUTSIDE)
                return
            identity = meant
        self.report(identity, address, RefusalCause.NETWORK_NOT_ALLOWED)

    def _admission(self, identity: StationId, link: LinkSecurity) -> Admission:
        if identity not in self._passwords:
            return Admission.PROVISIONAL
        shown = link.certificate
        if shown is not None and shown.is_expired(self._clock.utcnow()):
            return Admission.RENEWAL
        return Admission.FULL

    def _objection(
        self,
        identity: StationId,
        password: str,
        authorization: str | None,
        link: LinkSecurity,
    ) -> RefusalCause | None:
        """Return why a station is not who it says, None when it is."""
        facts = self._facts.get(identity, StationFacts())
        # Nobody knows yet which certificate a guest may have.
        if link.certificate is not None and identity in self._passwords:
            cause = self._objection_to(link.certificate, facts)
            if cause is not None:
                return cause
        elif self._is_open_to(identity, authorization, link):
            return RefusalCause.DOWNGRADE if facts.profile > 0 else None
        elif not are_credentials_right(authorization, identity, password):
            if authorization:
                return RefusalCause.WRONG_PASSWORD
            # One that had a certificate would not be helped by a password.
            is_less = link.profile < facts.profile
            return RefusalCause.DOWNGRADE if is_less else RefusalCause.PASSWORD_MISSING
        return RefusalCause.DOWNGRADE if link.profile < facts.profile else None

    def _is_open_to(
        self, identity: StationId, authorization: str | None, link: LinkSecurity
    ) -> bool:
        """Return True for who needs no password: only where networks are named."""
        facts = self._facts.get(identity, StationFacts())
        return (
            facts.allows_no_password
            and authorization is None
            and link.is_1_6
            and not link.is_encrypted
            and bool(self._networks)
        )

    def _objection_to(
        self, shown: PeerCertificate, facts: StationFacts
    ) -> RefusalCause | None:
        """Return why a certificate of this home is not the right one."""
        if self._is_revoked(shown.serial_number):
            return RefusalCause.REVOKED_CERTIFICATE
        # While nothing is known of it, its BootNotification has to say the same.
        if facts.names is not None and shown.common_name not in facts.names:
            return RefusalCause.WRONG_CERTIFICATE
        now = self._clock.utcnow()
        # Only the one that it used last: a renewal ends what was before it.
        may_renew = facts.accepts_expired and facts.last_certificate == serial_key(
            shown.serial_number
        )
        if shown.is_early(now) or (shown.is_expired(now) and not may_renew):
            return RefusalCause.CERTIFICATE_NOT_VALID
        return None

    def report(
        self,
        identity: StationId | None,
        address: str,
        cause: RefusalCause,
        detail: str = "",
    ) -> None:
        """Tell the owner, a bounded number of times per address and hour.

        Of a guest the page alone tells: it may be gone for good when that is closed.
        """
        self.watch(identity or "", address, cause, detail)
        if identity is None or identity in self._guests or self._on_refused is None:
            return
        # One budget for all names that nobody set up: whoever reaches the port can make
        # them up. A station of the home has its own, so that its repair always comes.
        known = identity if identity in self._passwords else ""
        reported = self._source(address, f"{known} {cause}").reported_mono_s
        now_mono_s = self._clock.monotonic()
        reported[:] = [t for t in reported if now_mono_s - t < SECONDS_PER_HOUR]
        if len(reported) < UNKNOWN_REPORTS_PER_HOUR:
            reported.append(now_mono_s)
            _LOGGER.warning("%s: refused from %s: %s", identity, address, cause)
            self._on_refused(identity, address, cause, detail)

    def is_network_allowed(self, address: str) -> bool:
        """Return True for an address that stations may use."""
        if not self._networks:
            return True
        try:
            peer = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(peer, IPv6Address) and peer.ipv4_mapped is not None:
            peer = peer.ipv4_mapped
        return any(peer in network for network in self._networks)

    def _source(self, address: str, identity: str) -> _Source:
        # Keyed by identity too: one charger with a wrong password must not lock out
        # its neighbours behind the same proxy.
        key = (address, identity)
        source = self._sources.setdefault(key, _Source())
        self._sources.move_to_end(key)
        if len(self._sources) > _TRACKED_SOURCES:
            self._sources.popitem(last=False)
        return source

    @staticmethod
    def _note_failure(source: _Source, now_mono_s: float) -> None:
        source.failures += 1
        excess = source.failures - FREE_ATTEMPTS
        if excess >= 0:
            wait_s = min(MAX_BACK_OFF_S, 2.0 ** min(excess, 10))
            source.blocked_until_mono_s = now_mono_s + wait_s
