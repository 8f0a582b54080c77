"""Is a certificate usable: its dates, its key, its name, its issuer."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..domain.errors import CertificateInvalid

RENEWAL_DAYS = 30
"""From then on a renewal is tried (VPP contract)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """What a person or a sensor wants to know of a certificate."""

    common_name: str
    not_valid_before: datetime
    not_valid_after: datetime

    def days_left(self, now: datetime) -> float:
        """Return the days until it expires; negative once it has."""
        return (self.not_valid_after - now) / timedelta(days=1)

    def is_renewal_due(self, now: datetime) -> bool:
        """Return True from 30 days before the end."""
        return self.days_left(now) <= RENEWAL_DAYS


def read_certificate(certificate_pem: str) -> CertificateFacts:
    """Return the facts of the first certificate of a PEM text.

    Raises:
        CertificateInvalid: ``unreadable``.
    """
    return _facts(_leaf(certificate_pem))


def check_client_certificate(
    certificate_pem: str,
    key_pem: str,
    common_name: str,
    root_pem: str | None,
    now: datetime,
) -> CertificateFacts:
    """Return the facts of a client certificate that can be used now.

    Args:
        certificate_pem: the leaf first; intermediates may follow.
        key_pem: its private key, unencrypted.
        common_name: that it must carry.
        root_pem: the authority that must have issued a certificate without
            intermediates; None skips this, for a chain the broker decides.
        now: aware UTC.

    Raises:
        CertificateInvalid: ``unreadable``, ``unreadable_key``, ``key_mismatch``,
            ``wrong_name``, ``wrong_purpose``, ``wrong_issuer``, ``not_yet_valid`` or
            ``expired``.
    """
    leaf = _leaf(certificate_pem)
    if leaf.public_key() != _private_key(key_pem).public_key():
        raise CertificateInvalid("key_mismatch")
    facts = _facts(leaf)
    if facts.common_name != common_name:
        raise CertificateInvalid("wrong_name")
    if not _is_for_clients(leaf):
        raise CertificateInvalid("wrong_purpose")
    if root_pem is not None and not _is_issued_by(leaf, root_pem):
        raise CertificateInvalid("wrong_issuer")
    if now < facts.not_valid_before:
        raise CertificateInvalid("not_yet_valid")
    if now >= facts.not_valid_after:
        raise CertificateInvalid("expired")
    return facts


def _facts(leaf: x509.Certificate) -> CertificateFacts:
    names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return CertificateFacts(
        common_name=str(names[0].value) if len(names) == 1 else "",
        not_valid_before=leaf.not_valid_before_utc,
        not_valid_after=leaf.not_valid_after_utc,
    )


def _leaf(certificate_pem: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(certificate_pem.encode())[0]
    except ValueError as err:
        raise CertificateInvalid("unreadable") from err


def _private_key(
    key_pem: str,
) -> ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(key_pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as err:
        raise CertificateInvalid("unreadable_key") from err
    # The kinds that TLS 1.3 can authenticate a client with; own ones are P-256.
    if isinstance(
        key,
        ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey,
    ):
        return key
    raise CertificateInvalid("unreadable_key")


def _is_for_clients(leaf: x509.Certificate) -> bool:
    try:
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.CLIENT_AUTH in usage


def _is_issued_by(leaf: x509.Certificate, root_pem: str) -> bool:
    try:
        leaf.verify_directly_issued_by(_leaf(root_pem))
    except ValueError, TypeError, InvalidSignature:
        return False
    return True
