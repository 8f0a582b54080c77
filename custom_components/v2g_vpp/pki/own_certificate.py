"""A certificate of the listener that the owner brings in files of their own."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
import ssl

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from ..domain.errors import CertificateInvalid
from .tls import load_key_pair

MAX_FILE_BYTES = 64 * 1024
"""More than any chain; a wrong path must not fill the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFiles:
    """Where the certificate with its chain, and its key, are."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCertificate:
    """What is in the files; the key stays out of every log."""

    chain_pem: str
    key_pem: str

    def __repr__(self) -> str:
        """Return a form without the key."""
        return "OwnCertificate(...)"

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The certificate first, then those that signed one another."""
        return tuple(x509.load_pem_x509_certificates(self.chain_pem.encode()))

    @property
    def not_valid_after(self) -> datetime:
        """When the first of the chain ends, UTC."""
        return min(one.not_valid_after_utc for one in self.chain)

    @property
    def root_pem(self) -> str | None:
        """The root, where the chain holds it."""
        top = self.chain[-1]
        if top.issuer != top.subject:
            return None
        return top.public_bytes(serialization.Encoding.PEM).decode()


def read_own_certificate(files: OwnFiles) -> OwnCertificate:
    """Return what the files hold, key and certificate of one another. Blocking.

    Raises:
        CertificateInvalid: ``unreadable``, ``unreadable_key`` or ``key_mismatch``.
    """
    own = OwnCertificate(
        chain_pem=_read(files.certificate, "unreadable"),
        key_pem=_read(files.key, "unreadable_key"),
    )
    try:
        leaf = own.chain[0]
    except ValueError as err:
        raise CertificateInvalid("unreadable") from err
    if leaf.public_key() != _key(own.key_pem).public_key():
        raise CertificateInvalid("key_mismatch")
    return own


def check_own_certificate(own: OwnCertificate, host: str, now: datetime) -> None:
    """Return if chargers that dial a host can trust the certificate now.

    Raises:
        CertificateInvalid: ``not_yet_valid``, ``expired``, ``wrong_purpose``,
            ``wrong_name`` or ``unreadable_key_pair``.
    """
    leaf = own.chain[0]
    if now < max(one.not_valid_before_utc for one in own.chain):
        raise CertificateInvalid("not_yet_valid")
    if now >= own.not_valid_after:
        raise CertificateInvalid("expired")
    if not _is_for_servers(leaf):
        raise CertificateInvalid("wrong_purpose")
    if not names_host(leaf, host):
        raise CertificateInvalid("wrong_name")
    # Only OpenSSL knows what it does not take, a weak key for example.
    load_key_pair(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), own.chain_pem, own.key_pem)


def names_host(leaf: x509.Certificate, host: str) -> bool:
    """Return True when a certificate is for a host name or address (RFC 6125)."""
    try:
        names = leaf.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        ).value
    except x509.ExtensionNotFound:
        return False
    try:
        address = ip_address(host)
    except ValueError:
        told = names.get_values_for_type(x509.DNSName)
        return any(_is_name(name.lower(), host.lower().rstrip(".")) for name in told)
    return address in names.get_values_for_type(x509.IPAddress)


def _is_name(name: str, host: str) -> bool:
    if not name.startswith("*."):
        return name == host
    # A star stands for one label, never for more.
    return host.partition(".")[2] == name.removeprefix("*.")


def _read(path: Path, reason: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        text = content.decode("ascii")
    except (OSError, UnicodeDecodeError, ValueError) as err:
        raise CertificateInvalid(reason) from err
    if len(content) > MAX_FILE_BYTES:
        raise CertificateInvalid(reason)
    return text


def _key(key_pem: str) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(key_pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as err:
        raise CertificateInvalid("unreadable_key") from err
    # The kinds that the suites of OCPP can use.
    if isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        return key
    raise CertificateInvalid("unreadable_key")


def _is_for_servers(leaf: x509.Certificate) -> bool:
    try:
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.SERVER_AUTH in usage
