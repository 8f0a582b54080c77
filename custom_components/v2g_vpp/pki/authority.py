"""The certificate authority of the home: one root, short-lived leaves."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..domain.errors import CertificateInvalid
from .request import create_key, key_to_pem

ROOT_LIFE = timedelta(days=3653)
"""10 years: chargers keep a root for as long as they hang on the wall."""

LEAF_LIFE = timedelta(days=365)
"""A year, so that renewal is something that happens, not a surprise."""

CLOCK_ALLOWANCE = timedelta(hours=1)
"""Chargers start with a clock that is a little behind."""


MIN_RSA_BITS = 2048
MIN_EC_BITS = 224
"""OCPP refuses weaker keys."""

type PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class LeafPurpose(StrEnum):
    """What a leaf certificate is for."""

    CLIENT = "client"
    SERVER = "server"
    STATION = "station"
    """Of a charging station: OCPP wants no extended key usage in it (A00.FR.514)."""


_USAGES = {
    LeafPurpose.CLIENT: ExtendedKeyUsageOID.CLIENT_AUTH,
    LeafPurpose.SERVER: ExtendedKeyUsageOID.SERVER_AUTH,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A root certificate and its private key."""

    certificate_pem: str
    key_pem: str

    def __repr__(self) -> str:
        """Return a form without the key, so that no log can show it."""
        return "Authority(...)"


def create_authority(
    common_name: str, now: datetime, organisation: str | None = None
) -> Authority:
    """Return a new self-signed P-256 root. Blocking.

    Args:
        common_name: shown to a person who looks at the certificate.
        now: aware UTC.
        organisation: whose it is, None says nothing.
    """
    key = create_key()
    name = _name(common_name, organisation)
    certificate = (
        _builder(name, name, key.public_key(), now, ROOT_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(is_authority=True), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate_pem=_to_pem(certificate), key_pem=key_to_pem(key))


def issue_certificate(
    authority: Authority,
    csr_pem: str,
    now: datetime,
    purpose: LeafPurpose,
    hosts: tuple[str, ...] = (),
    life: timedelta = LEAF_LIFE,
    organisation: str | None = None,
) -> str:
    """Return a leaf certificate for a request, as PEM. Blocking.

    Args:
        authority: signs it.
        csr_pem: only its public key and common name are taken over.
        now: aware UTC.
        purpose: client or server authentication, never both.
        hosts: names and addresses for the subject alternative name.
        life: at most a year.
        organisation: put into the subject; None says nothing.

    Raises:
        CertificateInvalid: ``bad_request`` when the request cannot be read, is not
            signed by its own key, has a weak key or no common name.
    """
    request = _read_request(csr_pem)
    root = x509.load_pem_x509_certificate(authority.certificate_pem.encode())
    root_key = serialization.load_pem_private_key(authority.key_pem.encode(), None)
    if not isinstance(root_key, ec.EllipticCurvePrivateKey):
        raise CertificateInvalid("bad_authority_key")
    public_key = _strong_key(request)
    builder = (
        _builder(
            _name(_common_name(request), organisation),
            root.subject,
            public_key,
            now,
            min(life, LEAF_LIFE),
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            _key_usage(
                is_authority=False, is_rsa=isinstance(public_key, rsa.RSAPublicKey)
            ),
            critical=True,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()),
            critical=False,
        )
    )
    if purpose in _USAGES:
        usage = x509.ExtendedKeyUsage([_USAGES[purpose]])
        builder = builder.add_extension(usage, critical=False)
    if hosts:
        names = x509.SubjectAlternativeName([_host_name(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    return _to_pem(builder.sign(root_key, hashes.SHA256()))


def name_in_request(csr_pem: str) -> str:
    """Return the common name of a sound request.

    Raises:
        CertificateInvalid: ``bad_request``, as for ``issue_certificate``.
    """
    request = _read_request(csr_pem)
    _strong_key(request)
    return _common_name(request)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: PublicKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_ALLOWANCE)
        .not_valid_after(now + life)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False
        )
    )


def _key_usage(*, is_authority: bool, is_rsa: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        # Suites without forward secrecy send the secret under this key.
        key_encipherment=is_rsa,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _read_request(csr_pem: str) -> x509.CertificateSigningRequest:
    try:
        request = x509.load_pem_x509_csr(csr_pem.encode())
        is_own = request.is_signature_valid
    except (ValueError, InvalidSignature) as err:
        raise CertificateInvalid("bad_request") from err
    if not is_own:
        raise CertificateInvalid("bad_request")
    return request


def _common_name(request: x509.CertificateSigningRequest) -> str:
    names = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(names) != 1:
        raise CertificateInvalid("bad_request")
    return str(names[0].value)


def _strong_key(request: x509.CertificateSigningRequest) -> PublicKey:
    key = request.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= MIN_EC_BITS:
        return key
    raise CertificateInvalid("bad_request")


def _name(common_name: str, organisation: str | None = None) -> x509.Name:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organisation is not None:
        names.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    return x509.Name(names)


def _host_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _to_pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
