"""Building and checking single certificates; no files, no memory.

A leaf says what it is for, so that a home's certificate cannot pose as a broker and
the broker's cannot log in as a home.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .errors import CertificateRefusedError

ROOT_LIFE = timedelta(days=3650)
"""House rule: longer than any home's equipment goes without a visit."""

LEAF_LIFE = timedelta(days=365)
"""VPP contract: the longest life of a leaf."""

CRL_LIFE = timedelta(days=30)
"""A broker refuses everybody once its list has expired; it is rewritten each day."""

BACKDATE = timedelta(minutes=5)
"""A home whose clock is slightly behind may use its certificate at once."""

type Issuer = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]
"""A root certificate and its key."""


def checked_request_key(csr_pem: str, common_name: str) -> ec.EllipticCurvePublicKey:
    """Return the P-256 key of a signing request for exactly this name.

    Raises:
        CertificateRefusedError: for an unreadable request, a wrong signature, another kind
            of key or another name.
    """
    try:
        request = x509.load_pem_x509_csr(csr_pem.encode())
        key = request.public_key()
        is_signed = request.is_signature_valid
    except (ValueError, UnsupportedAlgorithm, InvalidSignature) as err:
        raise CertificateRefusedError(
            "The signing request is not a readable PEM request."
        ) from err
    if not is_signed:
        raise CertificateRefusedError(
            "The signing request is not signed by its own key."
        )
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(
        key.curve, ec.SECP256R1
    ):
        raise CertificateRefusedError("The signing request must use a P-256 key.")
    found = [
        attribute.value
        for attribute in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    ]
    if found != [common_name]:
        raise CertificateRefusedError(
            f"The signing request must have the common name {common_name}."
        )
    return key


def build_root(
    key: ec.EllipticCurvePrivateKey, common_name: str, now: datetime
) -> x509.Certificate:
    """Return a self-signed root for ``key``."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + ROOT_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(is_authority=True), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        .sign(key, hashes.SHA256())
    )


def build_leaf(
    issuer: Issuer,
    public_key: ec.EllipticCurvePublicKey,
    common_name: str,
    now: datetime,
    purpose: x509.ObjectIdentifier,
    names: x509.SubjectAlternativeName | None,
) -> x509.Certificate:
    """Return a leaf for one purpose; ``names`` only where it is a server's."""
    root, root_key = issuer
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .issuer_name(root.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(min(now + LEAF_LIFE, root.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(is_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False
        )
        .add_extension(_authority_key_id(root_key.public_key()), critical=False)
    )
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    return builder.sign(root_key, hashes.SHA256())


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_key_id(key: ec.EllipticCurvePublicKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def server_names(names: Iterable[str]) -> x509.SubjectAlternativeName:
    """Return host names and addresses as the extension that clients check."""
    return x509.SubjectAlternativeName([_general_name(name) for name in names])


def build_revocation_list(
    issuer: Issuer,
    number: int,
    now: datetime,
    revoked: Iterable[tuple[int, datetime]],
) -> bytes:
    """Return a signed list as PEM.

    Args:
        issuer: the root.
        number: greater than that of any earlier list.
        now: when the list is made.
        revoked: serial number and moment of each revocation.
    """
    root, key = issuer
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.subject)
        .last_update(now - BACKDATE)
        .next_update(now + CRL_LIFE)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_authority_key_id(key.public_key()), critical=False)
    )
    for serial, revoked_at in revoked:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(serial)
            .revocation_date(revoked_at)
            .build()
        )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """Return a certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def private_key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a key as unencrypted PEM, for a file that only its owner can read."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
