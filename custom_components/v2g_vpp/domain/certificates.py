"""Certificates in a charging station: what may be asked about them."""

from dataclasses import dataclass, field
from enum import StrEnum


class CertificateUse(StrEnum):
    """What a root certificate that is installed by hand is for."""

    CSMS_ROOT = "csms_root"
    """Whom the station dials: this home."""

    MANUFACTURER_ROOT = "manufacturer_root"
    """Who signs firmware."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateId:
    """How OCPP names a certificate without showing it; hashes are hexadecimal."""

    serial_number: str
    hash_algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCertificates:
    """Ask which certificates a station has installed (OCPP M03)."""

    use: CertificateUse | None = None
    """None: of every use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallCertificate:
    """Install the certificate of an authority (OCPP M05)."""

    use: CertificateUse
    certificate_pem: str | None = field(default=None, repr=False)
    """None: the root of this home."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteCertificate:
    """Delete an installed certificate that nobody needs any more (OCPP M04)."""

    serial_number: str
    """Hexadecimal."""

    certificate: CertificateId | None = None
    """None: the station is asked for what goes with the serial number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeCertificate:
    """Let nobody in with a certificate of a station any more, now and for ever."""

    serial_number: str | None = None
    """Hexadecimal; None: every one that is known of the station."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCertificate:
    """What the authority of the home signed."""

    pem: str = field(repr=False)
    serial_number: str
    """Hexadecimal."""


def serial_of(text: str) -> int | None:
    """Return the number of a hexadecimal serial; None for what is none.

    Colons, spaces and leading zeros mean nothing: everybody writes them differently.
    """
    digits = text.replace(":", "").replace(" ", "")
    try:
        return int(digits, 16) if digits.isalnum() else None
    except ValueError:
        return None


def serial_key(text: str) -> str:
    """Return a serial number in the one form that it is kept and compared in.

    What is no number stays as it is: it equals only itself.
    """
    number = serial_of(text)
    return text if number is None else f"{number:x}"
