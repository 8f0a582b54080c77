"""The actions about the certificates in a charger."""

from typing import Any

from homeassistant.exceptions import ServiceValidationError
import pytest
import voluptuous as vol

from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.domain.certificates import (
    CertificateId,
    CertificateUse,
    DeleteCertificate,
    InstallCertificate,
    ReadCertificates,
    RevokeCertificate,
)
from custom_components.v2g_vpp.domain.errors import AuthorityInvalid, CertificateInUse
from custom_components.v2g_vpp.domain.ids import StationId
from custom_components.v2g_vpp.domain.requests import (
    StationAnswer,
    StationRequest,
    Tell,
    Telling,
)
from custom_components.v2g_vpp.services_certificates import CERTIFICATE_ACTIONS
from custom_components.v2g_vpp.text_keys import AUTHORITY
from tests.shell.home import Home, RecordingStations
from tests.shell.test_services_station import call

HASHES: dict[str, Any] = {
    "hash_algorithm": "SHA256",
    "issuer_name_hash": "ab" * 32,
    "issuer_key_hash": "cd" * 32,
}


async def test_each_action_asks_for_what_its_fields_say(home: Home) -> None:
    await home.connect()
    station = home.device_id("station/CS-1")
    home.stations.told = {"certificates": []}
    answer = await call(home, "get_installed_certificates", station, use="csms_root")
    assert answer == {"certificates": []}
    await call(home, "get_installed_certificates", station)
    await call(home, "install_certificate", station)
    await call(
        home, "install_certificate", station, use="manufacturer_root", certificate="x"
    )
    await call(home, "delete_certificate", station, serial_number="0a:1b")
    await call(home, "delete_certificate", station, serial_number="0a1b", **HASHES)
    await call(home, "renew_certificate", station)
    await call(home, "revoke_certificate", station)
    await call(home, "revoke_certificate", station, serial_number="0a1b")
    assert home.stations.asked == [
        ReadCertificates(use=CertificateUse.CSMS_ROOT),
        ReadCertificates(),
        InstallCertificate(use=CertificateUse.CSMS_ROOT),
        InstallCertificate(use=CertificateUse.MANUFACTURER_ROOT, certificate_pem="x"),
        DeleteCertificate(serial_number="0a:1b"),
        DeleteCertificate(
            serial_number="0a1b",
            certificate=CertificateId(serial_number="0a1b", **HASHES),
        ),
        Tell(what=Telling.SIGN_CERTIFICATE),
        RevokeCertificate(),
        RevokeCertificate(serial_number="0a1b"),
    ]


def test_they_are_for_administrators() -> None:
    assert all(action.is_admin for action in CERTIFICATE_ACTIONS)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"serial_number": "no number"},
        {"serial_number": "-1"},
        {"serial_number": "0a1b", "hash_algorithm": "SHA256"},
        {"serial_number": "0a1b", **HASHES, "hash_algorithm": "MD5"},
        {"serial_number": "0a1b", **HASHES, "issuer_key_hash": "x"},
    ],
    ids=[
        "nothing",
        "words for a number",
        "a negative number",
        "one hash of three",
        "an old algorithm",
        "a hash that is none",
    ],
)
async def test_what_names_no_certificate_is_refused(
    home: Home, fields: dict[str, Any]
) -> None:
    await home.connect()
    with pytest.raises((vol.Invalid, ServiceValidationError)):
        await home.hass.services.async_call(
            DOMAIN,
            "delete_certificate",
            {"device_id": home.device_id("station/CS-1"), **fields},
            blocking=True,
        )
    assert not home.stations.asked


class Refusing(RecordingStations):
    """A far end that refuses before it sends anything."""

    error: Exception

    async def ask(
        self, station_id: StationId, request: StationRequest
    ) -> StationAnswer:
        raise self.error


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (CertificateInUse("CS-1", "0a1b"), "certificate_in_use"),
        (AuthorityInvalid("too_long"), "authority_unusable"),
        *((AuthorityInvalid(reason), key) for reason, key in AUTHORITY.items()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_refusal_is_told_in_words(
    home: Home, error: Exception, key: str
) -> None:
    await home.connect()
    stations = Refusing()
    stations.error = error
    home.site.use_stations(stations)
    with pytest.raises(ServiceValidationError) as caught:
        await call(home, "install_certificate", home.device_id("station/CS-1"))
    assert caught.value.translation_key == key
