"""Who may dial in: identity, password, network, back-off."""

from base64 import b64decode
import binascii
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
import hmac
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
import logging
import re
from typing import Final
from urllib.parse import unquote

from ..domain.capability import DischargeDialect
from ..domain.clock import Clock
from ..domain.ids import StationId
from ..domain.policy import StationLimits
from ..domain.vendor_setpoint import VendorSetpoint

_LOGGER = logging.getLogger(__name__)

type Network = IPv4Network | IPv6Network

_IDENTITY: Final = re.compile(r"[A-Za-z0-9._:|-]{1,48}")
"""House rule; the bar is legal in OCPP identities and arrives percent-encoded."""

_HEX_KEY: Final = re.compile(r"(?:[0-9a-fA-F]{2}){16,20}")
"""An AuthorizationKey of 1.6, 16 to 20 bytes."""

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

    is_null_payload_legal: bool = True
    """Read ``null`` as an empty payload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerCertificate:
    """What the certificate of a station says, once TLS has verified it."""

    common_name: str
    serial_number: str
    """Hexadecimal, as TLS tells it."""

    expires_at: datetime | None = None
    """UTC; None when TLS does not tell it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSecurity:
    """How a station comes to the door."""

    is_encrypted: bool = False
    certificate: PeerCertificate | None = None

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


class RefusalCause(StrEnum):
    """Why a station was not let in."""

    UNKNOWN_IDENTITY = "unknown_identity"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a cause, not a secret
    NETWORK_NOT_ALLOWED = "network_not_allowed"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    NO_COMMON_PROTOCOL = "no_common_protocol"
    WRONG_CERTIFICATE = "wrong_certificate"
    REVOKED_CERTIFICATE = "revoked_certificate"
    DOWNGRADE = "downgrade"
    """It was here with a higher security profile before (OCPP A05.FR.07)."""


type OnRefused = Callable[[str, str, RefusalCause, str], None]
"""(identity, address, cause, detail); the identity matches the legal pattern.

The detail is what the station offered where that is the cause, else empty.
"""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The station may connect."""

    identity: StationId
    profile: int = 1
    """The security profile of this link."""


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
        self._facts: dict[StationId, StationFacts] = {}
        self._sources: OrderedDict[tuple[str, str], _Source] = OrderedDict()

    def admit(self, identity: StationId, password: str) -> None:
        """Let a station in from now on; its earlier failures are forgotten."""
        self._passwords[identity] = password
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
        if not self.is_network_allowed(address):
            self.report(identity, address, RefusalCause.NETWORK_NOT_ALLOWED)
            return Refused(403)
        if identity is None:
            return Refused(404)
        password = self._passwords.get(identity)
        if password is None:
            self.report(identity, address, RefusalCause.UNKNOWN_IDENTITY)
            return Refused(404)
        source = self._source(address, identity)
        now_mono_s = self._clock.monotonic()
        if now_mono_s < source.blocked_until_mono_s:
            return Refused(429)
        cause = self._objection(identity, password, authorization, link)
        if cause is not None:
            self._note_failure(source, now_mono_s)
            self.report(identity, address, cause)
            return Refused(401)
        source.failures = 0
        return Admitted(identity, link.profile)

    def _objection(
        self,
        identity: StationId,
        password: str,
        authorization: str | None,
        link: LinkSecurity,
    ) -> RefusalCause | None:
        """Return why a station is not who it says, None when it is."""
        facts = self._facts.get(identity, StationFacts())
        if link.certificate is not None:
            if self._is_revoked(link.certificate.serial_number):
                return RefusalCause.REVOKED_CERTIFICATE
            # While nothing is known of it, its BootNotification has to say the same.
            if facts.names is not None and (
                link.certificate.common_name not in facts.names
            ):
                return RefusalCause.WRONG_CERTIFICATE
        elif not _are_credentials_right(authorization, identity, password):
            return RefusalCause.WRONG_PASSWORD
        if link.profile < facts.profile:
            return RefusalCause.DOWNGRADE
        return None

    def report(
        self,
        identity: StationId | None,
        address: str,
        cause: RefusalCause,
        detail: str = "",
    ) -> None:
        """Tell the owner, a bounded number of times per address and hour."""
        if identity is None or self._on_refused is None:
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


def _are_credentials_right(
    authorization: str | None, identity: str, password: str
) -> bool:
    """Compare in constant time; the user name is the identity (OCPP-J, part 4)."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        offered = b64decode(encoded.strip(), validate=True)
    except binascii.Error, ValueError:
        return False
    # Compared as one text: an identity may itself hold the colon that separates.
    is_right = hmac.compare_digest(offered, f"{identity}:{password}".encode())
    if _HEX_KEY.fullmatch(password):
        # 1.6 sets the key as hexadecimal text and sends its bytes (OCPP brief 2.5).
        raw = f"{identity}:".encode() + bytes.fromhex(password)
        is_right |= hmac.compare_digest(offered, raw)
    return is_right
