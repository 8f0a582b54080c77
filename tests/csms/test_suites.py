"""TLS 1.2: each suite that OCPP names, with its certificate, and no other one."""

import asyncio
from pathlib import Path
import ssl

import pytest

from custom_components.v2g_vpp.domain.events import StationConnected
from tests.csms.peer import STATION
from tests.csms.raw_wire import LOGIN, Wire, request, wire
from tests.csms.secure import HOST, SecureRig


@pytest.mark.parametrize(
    ("suite", "kind"),
    [
        ("ECDHE-ECDSA-AES128-GCM-SHA256", "ec"),
        ("ECDHE-ECDSA-AES256-GCM-SHA384", "ec"),
        ("AES128-GCM-SHA256", "rsa"),
        ("AES256-GCM-SHA384", "rsa"),
    ],
)
async def test_each_suite_goes_with_the_certificate_that_it_needs(
    secure: SecureRig, tmp_path: Path, suite: str, kind: str
) -> None:
    context = secure.trusting()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suite)
    async with wire(secure, context=context) as made:
        shown = made.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    file = tmp_path / "pki" / f"ocpp_server_{kind}.pem"
    pem = ssl.DER_cert_to_PEM_cert(shown)
    assert pem.split() == (await asyncio.to_thread(file.read_text)).split()


@pytest.mark.parametrize(
    "suite",
    [
        "ECDHE-ECDSA-AES128-SHA",
        "AES128-SHA256",
        "AES256-SHA",
        "ECDHE-RSA-AES256-SHA384",
        "DHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
    ],
)
async def test_a_suite_that_ocpp_does_not_name_is_not_offered(
    secure: SecureRig, suite: str
) -> None:
    context = secure.trusting()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{suite}:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        async with wire(secure, context=context):
            pass


async def test_a_plain_request_at_the_encrypted_port_gets_nothing(
    secure: SecureRig,
) -> None:
    reader, writer = await asyncio.open_connection(HOST, secure.server.secure_port)
    made = Wire(reader, writer)
    await made.send(request(f"/ocpp/{STATION}", f"Authorization: {LOGIN}"))
    async with asyncio.timeout(5):
        told = b""
        try:
            while part := await reader.read(4096):
                told += part
        except ConnectionError:
            pass
    assert b"HTTP/1.1 101" not in told
    assert not secure.sink.of(StationConnected)
    writer.transport.abort()
