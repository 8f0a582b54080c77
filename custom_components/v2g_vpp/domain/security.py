"""Events of security: what a station tells of itself, and whom the home turned away."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class SecurityEvent(StrEnum):
    """What happened; the first part are the events that OCPP lists."""

    FIRMWARE_UPDATED = "firmware_updated"
    STATION_NOT_AUTHENTICATED = "station_not_authenticated"
    CSMS_NOT_AUTHENTICATED = "csms_not_authenticated"
    SYSTEM_TIME_SET = "system_time_set"
    STATION_STARTED = "station_started"
    STATION_RESTARTED = "station_restarted"
    SECURITY_LOG_CLEARED = "security_log_cleared"
    SECURITY_RECONFIGURED = "security_reconfigured"
    MEMORY_EXHAUSTED = "memory_exhausted"
    MESSAGES_INVALID = "messages_invalid"
    REPLAY_ATTEMPTED = "replay_attempted"
    TAMPERING_DETECTED = "tampering_detected"
    FIRMWARE_SIGNATURE_INVALID = "firmware_signature_invalid"
    FIRMWARE_CERTIFICATE_INVALID = "firmware_certificate_invalid"
    CSMS_CERTIFICATE_INVALID = "csms_certificate_invalid"
    STATION_CERTIFICATE_INVALID = "station_certificate_invalid"
    RENEWED_CERTIFICATE_DISCARDED = "renewed_certificate_discarded"
    TLS_VERSION_INVALID = "tls_version_invalid"
    TLS_CIPHER_SUITE_INVALID = "tls_cipher_suite_invalid"
    MAINTENANCE_LOGIN_ACCEPTED = "maintenance_login_accepted"
    MAINTENANCE_LOGIN_FAILED = "maintenance_login_failed"
    OTHER = "other"
    """Of the maker, or of a later version of OCPP."""

    LOGIN_WRONG_PASSWORD = "login_wrong_password"  # noqa: S105 - an event, not a secret
    LOGIN_WRONG_CERTIFICATE = "login_wrong_certificate"
    LOGIN_LESS_SECURE = "login_less_secure"
    LOGIN_NETWORK_NOT_ALLOWED = "login_network_not_allowed"
    LOGIN_REVOKED_CERTIFICATE = "login_revoked_certificate"
    LOGIN_CERTIFICATE_NOT_VALID = "login_certificate_not_valid"
    CERTIFICATE_REVOKED = "certificate_revoked"


_CRITICAL: Final = frozenset(
    {
        SecurityEvent.FIRMWARE_UPDATED,
        SecurityEvent.SYSTEM_TIME_SET,
        SecurityEvent.STATION_STARTED,
        SecurityEvent.STATION_RESTARTED,
        SecurityEvent.SECURITY_LOG_CLEARED,
        SecurityEvent.MEMORY_EXHAUSTED,
        SecurityEvent.TAMPERING_DETECTED,
        SecurityEvent.FIRMWARE_SIGNATURE_INVALID,
        SecurityEvent.FIRMWARE_CERTIFICATE_INVALID,
        SecurityEvent.CSMS_CERTIFICATE_INVALID,
        SecurityEvent.STATION_CERTIFICATE_INVALID,
        SecurityEvent.RENEWED_CERTIFICATE_DISCARDED,
        SecurityEvent.TLS_VERSION_INVALID,
        SecurityEvent.TLS_CIPHER_SUITE_INVALID,
        SecurityEvent.MAINTENANCE_LOGIN_ACCEPTED,
        SecurityEvent.MAINTENANCE_LOGIN_FAILED,
        # Ours: somebody came as a station of this home and could not prove it.
        SecurityEvent.LOGIN_WRONG_CERTIFICATE,
        SecurityEvent.LOGIN_LESS_SECURE,
        SecurityEvent.LOGIN_REVOKED_CERTIFICATE,
        SecurityEvent.CERTIFICATE_REVOKED,
    }
)
"""OCPP 2.1, appendix of security events; those of the home by the same measure."""

KEPT_NOTES: Final = 16
"""Per station; the entity takes each of them from the next picture."""


def is_critical(kind: SecurityEvent) -> bool:
    """Return True for an event that OCPP calls critical."""
    return kind in _CRITICAL


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityNote:
    """One event as it is shown."""

    number: int
    """Counts from 1 since the home was set up or started."""

    kind: SecurityEvent
    occurred_at: datetime | None
    """UTC, by the clock of whoever tells it; None when it could not be read."""

    detail: str = ""
    """Short and without secrets."""


def with_note(
    notes: tuple[SecurityNote, ...],
    kind: SecurityEvent,
    occurred_at: datetime | None,
    detail: str,
) -> tuple[SecurityNote, ...]:
    """Return the newest notes with one more, oldest first; at most ``KEPT_NOTES``."""
    note = SecurityNote(
        number=notes[-1].number + 1 if notes else 1,
        kind=kind,
        occurred_at=occurred_at,
        detail=detail,
    )
    return (*notes, note)[-KEPT_NOTES:]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginState:
    """How a station logs in, for diagnostics; nothing in it is a secret."""

    profile: int
    """The highest security profile of OCPP that it has used, 0: none yet."""

    is_encrypted: bool | None
    """The present link; None without one."""

    certificate_expires_at: datetime | None
    """UTC; of the certificate of the present link, None without one."""

    revoked_certificates: int
    """How many of its certificates were revoked."""
