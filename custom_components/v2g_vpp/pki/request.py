"""Keys and certificate requests of this home."""

from dataclasses import dataclass
import re

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from ..domain.errors import CertificateInvalid

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
MAX_NAME_LENGTH = 31
"""Two names and two hyphens fit the 64 characters of a common name (RFC 5280)."""


type PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAndRequest:
    """A fresh private key and the request that goes with it."""

    key_pem: str = ""
    csr_pem: str = ""

    def __repr__(self) -> str:
        """Return a form without the key, so that no log can show it."""
        return "KeyAndRequest(...)"


def client_common_name(region: str, home_id: str) -> str:
    """Return ``{region}--{home}``, the name that the broker knows the home by.

    Raises:
        CertificateInvalid: ``bad_name`` when a part could be read in two ways.
    """
    for part in (region, home_id):
        if len(part) > MAX_NAME_LENGTH or not _NAME.fullmatch(part):
            raise CertificateInvalid("bad_name")
    return f"{region}--{home_id}"


def create_key() -> ec.EllipticCurvePrivateKey:
    """Return a new P-256 key. Blocking: run it in the executor."""
    return ec.generate_private_key(ec.SECP256R1())


def key_to_pem(key: PrivateKey) -> str:
    """Return a private key as unencrypted PKCS #8 text."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def create_rsa_key() -> rsa.RSAPrivateKey:
    """Return a new RSA key of 2,048 bits. Blocking: it takes up to a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def create_client_request(common_name: str) -> KeyAndRequest:
    """Return a new key and a request for a client certificate. Blocking."""
    return create_request(common_name, None)


def create_request(common_name: str, key: PrivateKey | None) -> KeyAndRequest:
    """Return a key and a request that it signed. Blocking.

    Args:
        common_name: of the subject.
        key: the key; None makes a P-256 key.
    """
    key = key or create_key()
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .sign(key, hashes.SHA256())
    )
    return KeyAndRequest(
        key_pem=key_to_pem(key),
        csr_pem=request.public_bytes(serialization.Encoding.PEM).decode(),
    )
