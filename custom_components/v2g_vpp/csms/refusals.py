"""Why a station was not let in, and who is told."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final


class RefusalCause(StrEnum):
    """Why a station was not let in."""

    UNKNOWN_IDENTITY = "unknown_identity"
    IDENTITY_NOT_EXACT = "identity_not_exact"
    """Missing at the end of the address, or with other capitals, yet recognised."""

    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a cause, not a secret
    PASSWORD_MISSING = "password_missing"  # noqa: S105 - the same
    """It sends none at all, which no other password mends."""

    NETWORK_NOT_ALLOWED = "network_not_allowed"
    """One that is set up dials from a network that the owner did not name."""

    STRANGER_OUTSIDE = "stranger_outside"
    """Somebody else from such a network: the owner named networks to hear none of it."""

    TOO_MANY_ATTEMPTS = "too_many_attempts"
    NO_COMMON_PROTOCOL = "no_common_protocol"
    WRONG_CERTIFICATE = "wrong_certificate"
    REVOKED_CERTIFICATE = "revoked_certificate"
    CERTIFICATE_NOT_VALID = "certificate_not_valid"
    """It is of this home, and it has expired or is of the future."""

    TLS_HOME_NOT_TRUSTED = "tls_home_not_trusted"
    """The station does not know the root of the home; who it is was not said yet."""

    TLS_CLOCK = "tls_clock"
    """To the station the certificate of the home has ended, so its clock is wrong."""

    TLS_STRANGER = "tls_stranger"
    """It shows a certificate that nobody of this home signed."""

    TLS_NOT_ENCRYPTED = "tls_not_encrypted"
    """It dials the port for encryption without any."""

    TLS_TOO_OLD = "tls_too_old"
    NOT_A_WEBSOCKET = "not_a_websocket"
    """It asks for a page, as a browser does; only a hint for whoever sets one up."""

    DOWNGRADE = "downgrade"
    """It was here with a higher security profile before (OCPP A05.FR.07)."""


STRANGER_CAUSES: Final = frozenset(
    {
        RefusalCause.UNKNOWN_IDENTITY,
        RefusalCause.STRANGER_OUTSIDE,
        RefusalCause.NOT_A_WEBSOCKET,
        RefusalCause.TLS_HOME_NOT_TRUSTED,
        RefusalCause.TLS_CLOCK,
        RefusalCause.TLS_STRANGER,
        RefusalCause.TLS_NOT_ENCRYPTED,
        RefusalCause.TLS_TOO_OLD,
    }
)
"""Where it may be anybody: a station that is just being set up, too."""

type OnRefused = Callable[[str, str, RefusalCause, str], None]
"""(identity, address, cause, detail); the identity matches the legal pattern, or is
empty where a handshake failed before it was said: then the detail ``over`` ends it.

The detail is what the station offered, or the security profile that it had before,
where that is the cause, else empty.
"""
