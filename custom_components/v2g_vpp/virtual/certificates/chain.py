"""Reading and judging certificates."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

type HashData = dict[str, str]
"""certificateHashData of OCPP."""

_ALGORITHMS: Final[Mapping[str, Callable[[], hashes.HashAlgorithm]]] = {
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}


def parse_chain(pem: str) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a PEM text, in its order; none when it is no PEM."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem.encode()))
    except ValueError:
        return ()


def hash_data(
    certificate: x509.Certificate, issuer: x509.Certificate, algorithm: str = "SHA256"
) -> HashData:
    """Return how OCPP names a certificate, by its issuer and its number."""
    request = (
        ocsp.OCSPRequestBuilder()
        .add_certificate(certificate, issuer, _ALGORITHMS[algorithm]())
        .build()
    )
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": request.issuer_name_hash.hex(),
        "issuerKeyHash": request.issuer_key_hash.hex(),
        "serialNumber": f"{request.serial_number:x}",
    }


def is_same(told: HashData, own: HashData) -> bool:
    """Return True when two hash data name one certificate, in whatever case."""
    return {k: told[k].lower() for k in own} == {k: v.lower() for k, v in own.items()}


def is_valid(certificate: x509.Certificate, at: datetime) -> bool:
    """Return True within its time."""
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Return True when the name and the signature are those of an authority."""
    try:
        certificate.verify_directly_issued_by(issuer)
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints)
    except ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound:
        return False
    return constraints.value.ca


def common_name(certificate: x509.Certificate) -> str | None:
    """Return the common name of the subject."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else None


def has_key(certificate: x509.Certificate, key: PublicKeyTypes) -> bool:
    """Return True when a certificate is for a public key."""
    return _der(certificate.public_key()) == _der(key)


def leads_to(
    chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]
) -> bool:
    """Return True when each signed the one before, up to one of the roots.

    Without roots nothing is known of who may sign, so the chain is judged by itself.
    """
    is_whole = all(is_issued_by(child, issuer) for child, issuer in pairwise(chain))
    if not is_whole or not roots:
        return is_whole
    last = chain[-1]
    return any(last == root or is_issued_by(last, root) for root in roots)


def _der(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
