"""Why a TLS session with a broker fails, told apart (paho hides it).

The set-up flow's one door to this package, so the steps of an enrolment are here too.
"""

import socket
import ssl

from ..domain.errors import BrokerRefusedTls, BrokerUnreachable, TlsFault
from .enrolment import (
    Enrolment,
    enrolment_request,
    parse_enrolment_reply,
    parse_invitation,
)
from .signing import decode_base64url, encode_base64url

__all__ = [
    "Enrolment",
    "classify",
    "decode_base64url",
    "encode_base64url",
    "enrolment_request",
    "parse_enrolment_reply",
    "parse_invitation",
    "probe_broker",
]

CONNECT_TIMEOUT_S = 5.0
"""A broker on the internet answers within 1 s; this is what a person waits for."""

SILENCE_S = 2.0
"""A refusal comes with the first flight after ours. Silence for this long means that
the broker waits for our CONNECT, so it accepted the certificate."""

_FAULT_BY_ALERT = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": TlsFault.CERTIFICATE_REQUIRED,
    "TLSV1_ALERT_UNKNOWN_CA": TlsFault.UNKNOWN_AUTHORITY,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": TlsFault.CERTIFICATE_EXPIRED,
    "SSLV3_ALERT_CERTIFICATE_REVOKED": TlsFault.CERTIFICATE_REVOKED,
    "TLSV1_ALERT_PROTOCOL_VERSION": TlsFault.NO_TLS_1_3,
    "UNSUPPORTED_PROTOCOL": TlsFault.NO_TLS_1_3,
    "WRONG_VERSION_NUMBER": TlsFault.NO_TLS_1_3,
}
_HOST_NAME_ERRORS = frozenset({62, 64})
"""X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH of OpenSSL."""


def probe_broker(host: str, port: int, context: ssl.SSLContext) -> None:
    """Return when the broker accepts our TLS session. Blocking: use the executor.

    In TLS 1.3 the client is done before the server has looked at its certificate: a
    refusal comes as an alert on the first read.

    Raises:
        BrokerUnreachable: no TCP connection, or no answer to the handshake.
        BrokerRefusedTls: with the cause.
    """
    try:
        with (
            socket.create_connection((host, port), CONNECT_TIMEOUT_S) as tcp,
            context.wrap_socket(tcp, server_hostname=host) as tls,
        ):
            tls.settimeout(SILENCE_S)
            try:
                received = tls.recv(1)
            except TimeoutError:
                return
    except ssl.SSLError as err:
        raise BrokerRefusedTls(host, port, classify(err)) from err
    except OSError as err:
        raise BrokerUnreachable(host, port) from err
    if not received:
        # Closed without an alert: a broker says why, something in between does not.
        raise BrokerRefusedTls(host, port, TlsFault.OTHER)


def classify(err: ssl.SSLError) -> TlsFault:
    """Return the cause that an error of OpenSSL stands for."""
    if isinstance(err, ssl.SSLCertVerificationError):
        is_name = err.verify_code in _HOST_NAME_ERRORS
        return TlsFault.WRONG_HOST_NAME if is_name else TlsFault.BROKER_NOT_TRUSTED
    return _FAULT_BY_ALERT.get(err.reason or "", TlsFault.OTHER)
