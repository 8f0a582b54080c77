"""Events of security of one station: told in words of the product, never in a flood."""

from collections import deque
from collections.abc import Mapping
from datetime import datetime
import logging
from typing import Final

from ..domain.clock import Clock
from ..domain.events import SecurityReported
from ..domain.ids import StationId
from ..domain.ports import StationEventSink
from ..domain.security import SecurityEvent, is_critical
from .free_text import without_secrets
from .refusals import RefusalCause

_LOGGER = logging.getLogger(__name__)

MOST_PER_HOUR: Final = 30
"""House rule, for critical and for other events on their own: what a station repeats
must neither fill the recorder nor push out what matters."""

SECONDS_PER_HOUR: Final = 3600.0

_KINDS: Final[Mapping[str, SecurityEvent]] = {
    "FirmwareUpdated": SecurityEvent.FIRMWARE_UPDATED,
    "FailedToAuthenticateAtCsms": SecurityEvent.STATION_NOT_AUTHENTICATED,
    "CsmsFailedToAuthenticate": SecurityEvent.CSMS_NOT_AUTHENTICATED,
    "SettingSystemTime": SecurityEvent.SYSTEM_TIME_SET,
    "StartupOfTheDevice": SecurityEvent.STATION_STARTED,
    "ResetOrReboot": SecurityEvent.STATION_RESTARTED,
    "SecurityLogWasCleared": SecurityEvent.SECURITY_LOG_CLEARED,
    "ReconfigurationOfSecurityParameters": SecurityEvent.SECURITY_RECONFIGURED,
    "MemoryExhaustion": SecurityEvent.MEMORY_EXHAUSTED,
    "InvalidMessages": SecurityEvent.MESSAGES_INVALID,
    "AttemptedReplayAttacks": SecurityEvent.REPLAY_ATTEMPTED,
    "TamperDetectionActivated": SecurityEvent.TAMPERING_DETECTED,
    "InvalidFirmwareSignature": SecurityEvent.FIRMWARE_SIGNATURE_INVALID,
    "InvalidFirmwareSigningCertificate": SecurityEvent.FIRMWARE_CERTIFICATE_INVALID,
    "InvalidCsmsCertificate": SecurityEvent.CSMS_CERTIFICATE_INVALID,
    "InvalidChargingStationCertificate": SecurityEvent.STATION_CERTIFICATE_INVALID,
    "DiscardedRenewedClientCertificate": SecurityEvent.RENEWED_CERTIFICATE_DISCARDED,
    "InvalidTLSVersion": SecurityEvent.TLS_VERSION_INVALID,
    "InvalidTLSCipherSuite": SecurityEvent.TLS_CIPHER_SUITE_INVALID,
    "MaintenanceLoginAccepted": SecurityEvent.MAINTENANCE_LOGIN_ACCEPTED,
    "MaintenanceLoginFailed": SecurityEvent.MAINTENANCE_LOGIN_FAILED,
    # The security extension of 1.6 has other names for the same.
    "FailedToAuthenticateAtCentralSystem": SecurityEvent.STATION_NOT_AUTHENTICATED,
    "CentralSystemFailedToAuthenticate": SecurityEvent.CSMS_NOT_AUTHENTICATED,
    "InvalidCentralSystemCertificate": SecurityEvent.CSMS_CERTIFICATE_INVALID,
    "InvalidChargePointCertificate": SecurityEvent.STATION_CERTIFICATE_INVALID,
}
_KINDS_BY_NAME: Final = {name.lower(): kind for name, kind in _KINDS.items()}

_REFUSALS: Final[Mapping[RefusalCause, SecurityEvent]] = {
    RefusalCause.WRONG_PASSWORD: SecurityEvent.LOGIN_WRONG_PASSWORD,
    RefusalCause.PASSWORD_MISSING: SecurityEvent.LOGIN_WRONG_PASSWORD,
    RefusalCause.WRONG_CERTIFICATE: SecurityEvent.LOGIN_WRONG_CERTIFICATE,
    RefusalCause.DOWNGRADE: SecurityEvent.LOGIN_LESS_SECURE,
    RefusalCause.NETWORK_NOT_ALLOWED: SecurityEvent.LOGIN_NETWORK_NOT_ALLOWED,
    RefusalCause.REVOKED_CERTIFICATE: SecurityEvent.LOGIN_REVOKED_CERTIFICATE,
    RefusalCause.CERTIFICATE_NOT_VALID: SecurityEvent.LOGIN_CERTIFICATE_NOT_VALID,
}
"""Refusals of a station of this home that are a matter of security."""


class SecurityLog:
    """What is told of one station."""

    def __init__(
        self, station_id: StationId, sink: StationEventSink, clock: Clock
    ) -> None:
        """Start with nothing told."""
        self._station_id = station_id
        self._sink = sink
        self._clock = clock
        self._told_mono_s: dict[bool, deque[float]] = {
            True: deque(maxlen=MOST_PER_HOUR),
            False: deque(maxlen=MOST_PER_HOUR),
        }

    def reported(self, name: str, at: datetime | None, detail: object) -> None:
        """Tell what the station says happened to it.

        Args:
            name: of OCPP, of any version, or of the maker.
            at: by the clock of the station; None when it could not be read.
            detail: technical information; what may be a secret in it is masked.
        """
        kind = _KINDS_BY_NAME.get(name.lower(), SecurityEvent.OTHER)
        text = detail if isinstance(detail, str) else ""
        if kind is SecurityEvent.OTHER:
            text = f"{name}: {text}" if text else name
        self._tell(kind, at, without_secrets(text))

    def refused(self, cause: RefusalCause, address: str) -> None:
        """Tell that somebody came as this station and was turned away."""
        kind = _REFUSALS.get(cause)
        if kind is not None:
            self._tell(kind, self._clock.utcnow(), without_secrets(address))

    def happened(self, kind: SecurityEvent) -> None:
        """Tell what the owner did."""
        self._tell(kind, self._clock.utcnow(), "")

    def _tell(self, kind: SecurityEvent, at: datetime | None, detail: str) -> None:
        told, now_mono_s = (
            self._told_mono_s[is_critical(kind)],
            self._clock.monotonic(),
        )
        if len(told) == MOST_PER_HOUR and now_mono_s - told[0] < SECONDS_PER_HOUR:
            _LOGGER.debug("%s: security event %s, too many", self._station_id, kind)
            return
        told.append(now_mono_s)
        _LOGGER.warning("%s: security event %s", self._station_id, kind)
        self._sink.post(
            SecurityReported(
                station_id=self._station_id, kind=kind, occurred_at=at, detail=detail
            )
        )
