"""TLS contexts from PEM texts. Every function is blocking: run it in the executor."""

import os
from pathlib import Path
import ssl
import tempfile

from ..domain.errors import CertificateInvalid

_PRIVATE_FILE = 0o600


def client_context(root_pem: str, certificate_pem: str, key_pem: str) -> ssl.SSLContext:
    """Return a context for a TLS 1.3 client that shows a certificate.

    It trusts ``root_pem`` and nothing else, not even the roots of the machine, and
    compares the host name.

    Raises:
        CertificateInvalid: ``unreadable_root`` or ``unreadable_key_pair``.
    """
    context = trusting_context(root_pem)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    load_key_pair(context, certificate_pem, key_pem)
    return context


def trusting_context(root_pem: str) -> ssl.SSLContext:
    """Return a context for a client without a certificate, TLS 1.2 or newer.

    Raises:
        CertificateInvalid: ``unreadable_root``.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cadata=root_pem)
    except (ssl.SSLError, ValueError) as err:
        raise CertificateInvalid("unreadable_root") from err
    if not context.cert_store_stats()["x509_ca"]:
        # A leaf is no anchor: OpenSSL would refuse every broker with it.
        raise CertificateInvalid("unreadable_root")
    return context


def server_context(
    certificate_pem: str, key_pem: str, client_root_pem: str | None = None
) -> ssl.SSLContext:
    """Return a context for a server, TLS 1.2 or newer as OCPP demands.

    Args:
        certificate_pem: the leaf first; intermediates may follow.
        key_pem: its private key.
        client_root_pem: when given, clients must show a certificate of this root.

    Raises:
        CertificateInvalid: ``unreadable_root`` or ``unreadable_key_pair``.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    load_key_pair(context, certificate_pem, key_pem)
    if client_root_pem is not None:
        try:
            context.load_verify_locations(cadata=client_root_pem)
        except (ssl.SSLError, ValueError) as err:
            raise CertificateInvalid("unreadable_root") from err
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def load_key_pair(context: ssl.SSLContext, certificate_pem: str, key_pem: str) -> None:
    """Show a certificate from now on, beside those of other kinds of key.

    Raises:
        CertificateInvalid: ``unreadable_key_pair``.
    """
    # OpenSSL's loader takes file names only. The directory is ours alone (0700), the
    # file is 0600 from its first moment, and both are gone before this returns.
    with tempfile.TemporaryDirectory(prefix="v2g_vpp-") as directory:
        path = Path(directory) / "pair.pem"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(certificate_pem.strip() + "\n" + key_pem.strip() + "\n")
        try:
            # A password of its own: OpenSSL must never ask on the terminal.
            context.load_cert_chain(path, password="")
        except (ssl.SSLError, ValueError, OSError) as err:
            raise CertificateInvalid("unreadable_key_pair") from err
