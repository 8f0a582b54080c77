"""The certificates of the home, as those who speak with charging stations need them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ..domain.certificates import CertificateId, serial_of
from ..domain.errors import AuthorityInvalid
from ..domain.ports import RunBlocking
from .authority import MIN_EC_BITS, MIN_RSA_BITS
from .ocpp_tls import OcppTls

MAX_LENGTH: Final = 5_500
"""Characters that an InstallCertificate may carry."""

_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}


class HomeTrust:
    """Judges certificates by what this home uses; implements ``HomeCertificates``."""

    def __init__(
        self,
        material: OcppTls | None,
        *,
        utcnow: Callable[[], datetime],
        run_blocking: RunBlocking,
    ) -> None:
        """Take the certificates of the listener, None where it has none."""
        self._material = material
        self._utcnow = utcnow
        self._run_blocking = run_blocking

    async def authority(self, pem: str | None) -> str:
        """Return the one certificate of a text, or the root of this home, as PEM.

        Raises:
            AuthorityInvalid: ``no_root``, ``unreadable``, ``several``,
                ``not_an_authority``, ``too_weak``, ``not_yet_valid``, ``expired`` or
                ``too_long``.
        """
        if pem is None:
            if self._material is None:
                raise AuthorityInvalid("no_root")
            pem = await self._run_blocking(self._material.trusted_pem)
        if pem is None:
            raise AuthorityInvalid("no_root")
        return checked_authority(pem, self._utcnow())

    async def is_in_use(self, certificate: CertificateId) -> bool:
        """Return True for what stations need to trust the listener of this home."""
        if self._material is None:
            return False
        shown = await self._run_blocking(self._material.shown_certificates)
        return is_named(shown, certificate)


def checked_authority(pem: str, now: datetime) -> str:
    """Return the certificate of an authority that can be used now, as PEM.

    Raises:
        AuthorityInvalid: see ``HomeTrust.authority``.
    """
    try:
        certificates = x509.load_pem_x509_certificates(pem.encode())
    except ValueError as err:
        raise AuthorityInvalid("unreadable") from err
    if len(certificates) != 1:
        raise AuthorityInvalid("several")
    certificate = certificates[0]
    if not _is_authority(certificate):
        raise AuthorityInvalid("not_an_authority")
    if not _is_strong(certificate):
        raise AuthorityInvalid("too_weak")
    if now < certificate.not_valid_before_utc:
        raise AuthorityInvalid("not_yet_valid")
    if now >= certificate.not_valid_after_utc:
        raise AuthorityInvalid("expired")
    text = certificate.public_bytes(serialization.Encoding.PEM).decode()
    if len(text) > MAX_LENGTH:
        raise AuthorityInvalid("too_long")
    return text


def _is_authority(certificate: x509.Certificate) -> bool:
    """Return True for one that may sign others, and really signed itself if it says so."""
    try:
        extensions = certificate.extensions
        constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
        if not constraints.ca:
            return False
        if certificate.issuer == certificate.subject:
            certificate.verify_directly_issued_by(certificate)
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound as err:
        # Without a key usage it may do everything.
        return err.oid == x509.KeyUsage.oid
    except ValueError, TypeError, InvalidSignature, x509.DuplicateExtension:
        return False
    return usage.key_cert_sign


def _is_strong(certificate: x509.Certificate) -> bool:
    try:
        key = certificate.public_key()
    except ValueError, UnsupportedAlgorithm:
        return False
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= MIN_RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= MIN_EC_BITS


def is_named(shown: tuple[x509.Certificate, ...], told: CertificateId) -> bool:
    """Return True when one of some certificates is told, or the root above them."""
    if serial_of(told.serial_number) in {one.serial_number for one in shown}:
        return True
    algorithm = _HASHES.get(told.hash_algorithm)
    subjects = {one.subject for one in shown}
    # A root that is not in a chain is known by its name only. It signed itself, so the
    # name of its issuer is the one that the chain ends with.
    return algorithm is not None and any(
        _digest(algorithm, one.issuer.public_bytes()) == told.issuer_name_hash.lower()
        for one in shown
        if one.issuer not in subjects
    )


def _digest(algorithm: hashes.HashAlgorithm, data: bytes) -> str:
    digest = hashes.Hash(algorithm)
    digest.update(data)
    return digest.finalize().hex()
