"""Actions about the certificates in a charger, for administrators."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.core import SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from .domain.certificates import (
    CertificateId,
    CertificateUse,
    DeleteCertificate,
    InstallCertificate,
    ReadCertificates,
    RevokeCertificate,
    serial_of,
)
from .domain.requests import Tell, Telling
from .station_action import StationAction

ATTR_USE: Final = "use"
ATTR_CERTIFICATE: Final = "certificate"
ATTR_SERIAL: Final = "serial_number"
ATTR_HASH: Final = "hash_algorithm"
ATTR_NAME_HASH: Final = "issuer_name_hash"
ATTR_KEY_HASH: Final = "issuer_key_hash"

_USE: Final = vol.In([use.value for use in CertificateUse])
_HASH: Final = vol.All(cv.string, vol.Match(r"^[0-9A-Fa-f]{32,128}$"))


def _serial(value: Any) -> str:
    """Return a hexadecimal serial number; a clear error for anything else."""
    text = cv.string(value)
    if serial_of(text) is None:
        raise vol.Invalid("expected a serial number in hexadecimal digits")
    return text


def _named(data: Mapping[str, Any]) -> CertificateId | None:
    if ATTR_HASH not in data:
        return None
    return CertificateId(
        serial_number=data[ATTR_SERIAL],
        hash_algorithm=data[ATTR_HASH],
        issuer_name_hash=data[ATTR_NAME_HASH],
        issuer_key_hash=data[ATTR_KEY_HASH],
    )


CERTIFICATE_ACTIONS: Final = (
    StationAction(
        name="get_installed_certificates",
        fields={vol.Optional(ATTR_USE): _USE},
        build=lambda data, _: ReadCertificates(
            use=CertificateUse(data[ATTR_USE]) if ATTR_USE in data else None
        ),
        response=SupportsResponse.ONLY,
        is_admin=True,
    ),
    StationAction(
        name="install_certificate",
        fields={
            vol.Optional(ATTR_USE, default=CertificateUse.CSMS_ROOT.value): _USE,
            vol.Optional(ATTR_CERTIFICATE): vol.All(cv.string, vol.Length(max=16_000)),
        },
        build=lambda data, _: InstallCertificate(
            use=CertificateUse(data[ATTR_USE]),
            certificate_pem=data.get(ATTR_CERTIFICATE),
        ),
        is_admin=True,
    ),
    StationAction(
        name="delete_certificate",
        fields={
            vol.Required(ATTR_SERIAL): vol.All(_serial, vol.Length(max=40)),
            vol.Inclusive(ATTR_HASH, "hashes"): vol.In(["SHA256", "SHA384", "SHA512"]),
            vol.Inclusive(ATTR_NAME_HASH, "hashes"): _HASH,
            vol.Inclusive(ATTR_KEY_HASH, "hashes"): _HASH,
        },
        build=lambda data, _: DeleteCertificate(
            serial_number=data[ATTR_SERIAL], certificate=_named(data)
        ),
        is_admin=True,
    ),
    StationAction(
        name="renew_certificate",
        fields={},
        build=lambda *_: Tell(what=Telling.SIGN_CERTIFICATE),
        is_admin=True,
    ),
    StationAction(
        name="revoke_certificate",
        fields={vol.Optional(ATTR_SERIAL): vol.All(_serial, vol.Length(max=40))},
        build=lambda data, _: RevokeCertificate(serial_number=data.get(ATTR_SERIAL)),
        response=SupportsResponse.OPTIONAL,
        is_admin=True,
    ),
)
"""They are registered with the other actions of a charger."""
