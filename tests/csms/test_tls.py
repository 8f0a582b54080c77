"""The door with TLS: suites, certificates, and a profile that never goes down."""

import asyncio
from datetime import timedelta
from pathlib import Path
import ssl

import aiohttp
import pytest

from custom_components.v2g_vpp.csms.refusals import RefusalCause
from custom_components.v2g_vpp.pki.authority import create_authority
from tests.csms.peer import BOOT, STATION, basic, config
from tests.csms.secure import (
    HOST,
    OWNER,
    SecureDialler,
    SecureRig,
    stranger,
    utcnow,
)


@pytest.fixture
def dialler(secure_dialler: SecureDialler) -> SecureDialler:
    return secure_dialler


def last_cause(rig: SecureRig) -> RefusalCause:
    return rig.refused[-1][2]


async def cipher_of(rig: SecureRig, context: ssl.SSLContext) -> tuple[str, str]:
    assert rig.server.secure_port is not None
    _reader, writer = await asyncio.open_connection(
        HOST, rig.server.secure_port, ssl=context
    )
    name, version, _bits = writer.get_extra_info("cipher")
    writer.close()
    await writer.wait_closed()
    return name, version


@pytest.mark.parametrize(
    "suite",
    [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
    ],
)
async def test_each_suite_that_ocpp_demands_is_offered(
    secure: SecureRig, suite: str
) -> None:
    context = secure.trusting()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suite)
    assert await cipher_of(secure, context) == (suite, "TLSv1.2")


async def test_tls_1_3_is_taken_where_both_have_it(secure: SecureRig) -> None:
    assert (await cipher_of(secure, secure.trusting()))[1] == "TLSv1.3"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
async def test_tls_1_1_is_refused(secure: SecureRig) -> None:
    context = secure.trusting()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await cipher_of(secure, context)


async def test_a_password_over_tls_is_profile_2_and_never_goes_down(
    secure: SecureRig, dialler: SecureDialler
) -> None:
    assert await dialler.plain_status() == 101
    assert await dialler.status(secure.trusting(), basic(STATION, "wrong")) == 401
    peer = await dialler.dial(secure.trusting())
    await peer.call("BootNotification", BOOT)
    await peer.leave()
    assert await dialler.plain_status() == 401
    assert last_cause(secure) is RefusalCause.DOWNGRADE
    # Not after a restart either.
    await secure.restart()
    assert await dialler.plain_status() == 401
    assert await dialler.status(secure.trusting()) == 101
    # The owner may set it up anew, and only with a new password.
    secure.server.adopt(config())
    assert await dialler.plain_status() == 401
    password = "another-password-0123456789"
    secure.server.adopt(config(password=password))
    assert await dialler.plain_status(basic(STATION, password)) == 101


async def test_a_certificate_of_the_home_needs_no_password(
    secure: SecureRig, dialler: SecureDialler
) -> None:
    peer = await dialler.dial(secure.showing("A1"), headers={})
    assert (await peer.call("BootNotification", BOOT))["status"] == "Accepted"
    await peer.leave()
    # From now on a password is not enough, nor another station's certificate.
    assert await dialler.status(secure.trusting()) == 401
    assert last_cause(secure) is RefusalCause.DOWNGRADE
    assert await dialler.status(secure.showing("A2"), {}) == 401
    assert last_cause(secure) is RefusalCause.WRONG_CERTIFICATE
    assert await dialler.status(secure.showing("A1"), {}) == 101


async def test_a_certificate_that_is_not_of_the_home_ends_the_handshake(
    secure: SecureRig, dialler: SecureDialler
) -> None:
    with pytest.raises((aiohttp.ClientConnectionError, ssl.SSLError, ConnectionError)):
        await dialler.dial(secure.showing("A1", stranger()), headers={})
    assert await dialler.status(secure.showing("A1"), {}) == 101


async def test_a_certificate_outside_of_its_dates_is_refused_by_name(
    secure: SecureRig, dialler: SecureDialler
) -> None:
    for days in (-3, 3):
        wrong = secure.showing("A1", now=utcnow() + timedelta(days=days))
        # The right password beside it changes nothing.
        assert await dialler.status(wrong) == 401
        assert secure.refused[-1][0] == STATION
        assert last_cause(secure) is RefusalCause.CERTIFICATE_NOT_VALID
    assert await dialler.status(secure.showing("A1"), {}) == 101


async def test_without_looking_at_dates_tls_still_looks_at_who_signed(
    secure: SecureRig, dialler: SecureDialler
) -> None:
    """The same name and the same dates from another root: only the key differs."""
    forged = secure.showing("A1", create_authority("V2G home", utcnow(), OWNER))
    with pytest.raises((aiohttp.ClientConnectionError, ssl.SSLError, ConnectionError)):
        await dialler.dial(forged, headers={})
    assert not secure.refused, "it never got to the door"


async def test_no_certificate_and_no_password_is_nobody(
    secure: SecureRig, dialler: SecureDialler
) -> None:
    assert await dialler.status(secure.trusting(), {}) == 401
    assert last_cause(secure) is RefusalCause.PASSWORD_MISSING


async def test_a_serial_number_that_is_not_the_certificates_closes_the_link(
    secure: SecureRig, dialler: SecureDialler
) -> None:
    peer = await dialler.dial(secure.showing("A2"), headers={})
    await peer.send([2, "1", "BootNotification", BOOT])
    assert await peer.closed() == 1008
    assert peer.frames == []
    again = await dialler.dial(secure.showing("A1"), headers={})
    assert (await again.call("BootNotification", BOOT))["status"] == "Accepted"


async def test_another_station_locks_nobody_out_before_the_first_boot(
    secure: SecureRig, dialler: SecureDialler
) -> None:
    other = await dialler.dial(secure.showing("A2"), headers={})
    await other.leave()
    # It proved to be nobody: the station itself may come as it likes.
    assert await dialler.plain_status() == 101
    own = await dialler.dial(secure.trusting())
    boot = {**BOOT, "chargingStation": {"model": "M", "vendorName": "V"}}
    assert (await own.call("BootNotification", boot))["status"] == "Accepted"
    # It has no serial number, so only its identity may be on a certificate.
    assert await dialler.status(secure.showing("A2"), {}) == 401
    assert last_cause(secure) is RefusalCause.WRONG_CERTIFICATE
    assert await dialler.plain_status() == 401
    assert await dialler.status(secure.showing(STATION), {}) == 101


async def test_a_renewed_certificate_is_shown_to_the_next_handshake(
    secure: SecureRig, tmp_path: Path
) -> None:
    async def serial() -> object:
        assert secure.server.secure_port is not None
        _reader, writer = await asyncio.open_connection(
            HOST, secure.server.secure_port, ssl=secure.trusting()
        )
        told = writer.get_extra_info("peercert")
        writer.close()
        await writer.wait_closed()
        return told["serialNumber"]

    before = await serial()
    assert not secure.material.renew(), "nothing is due"
    (tmp_path / "pki" / "ocpp_server_ec.pem").unlink()
    assert secure.material.renew()
    assert await serial() != before
