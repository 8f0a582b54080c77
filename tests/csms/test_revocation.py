"""A revoked certificate lets nobody in, from that moment on and after a restart."""

import asyncio
from dataclasses import dataclass
import socket
import ssl
from typing import Any

from cryptography import x509
import pytest

from custom_components.v2g_vpp.csms.login import KNOWN_CERTIFICATES
from custom_components.v2g_vpp.csms.refusals import RefusalCause
from custom_components.v2g_vpp.domain.certificates import RevokeCertificate
from custom_components.v2g_vpp.domain.errors import UnknownTarget
from custom_components.v2g_vpp.domain.events import (
    SecurityReported,
    StationDisconnected,
)
from custom_components.v2g_vpp.domain.security import SecurityEvent
from custom_components.v2g_vpp.pki.request import create_request
from custom_components.v2g_vpp.pki.tls import load_key_pair
from tests.csms.peer import BOOT, STATION, Peer, basic, config
from tests.csms.secure import HOST, SecureDialler, SecureRig


@pytest.fixture
def dialler(secure_dialler: SecureDialler) -> SecureDialler:
    return secure_dialler


async def booted(dialler: SecureDialler, context: ssl.SSLContext) -> Peer:
    peer = await dialler.dial(context, headers={})
    assert (await peer.call("BootNotification", BOOT))["status"] == "Accepted"
    return peer


async def revoke(rig: SecureRig, serial_number: str | None = None) -> Any:
    request = RevokeCertificate(serial_number=serial_number)
    answer = await rig.server.ask(STATION, request)
    assert answer.result.is_accepted
    return answer.data["revoked"]


async def test_the_link_ends_and_nobody_comes_back_with_it(
    secure: SecureRig, dialler: SecureDialler
) -> None:
    lost, other = secure.showing("A1"), secure.showing("A1")
    peer = await booted(dialler, lost)
    assert len(await revoke(secure)) == 1
    assert await peer.closed() == 1001
    assert await dialler.status(lost, {}) == 401
    assert secure.refused[-1][2] is RefusalCause.REVOKED_CERTIFICATE
    # A right password beside it changes nothing.
    assert await dialler.status(lost, basic()) == 401
    kinds = [event.kind for event in secure.sink.of(SecurityReported)]
    assert kinds[0] is SecurityEvent.CERTIFICATE_REVOKED
    assert kinds[-1] is SecurityEvent.LOGIN_REVOKED_CERTIFICATE
    # Another certificate of the same station is as good as before.
    assert await dialler.status(other, {}) == 101
    # Neither a restart nor a new set-up forgets it.
    await secure.restart()
    assert await dialler.status(lost, {}) == 401
    secure.server.forget(STATION)
    secure.configs = ()
    secure.server.adopt(config(password="another-password-0123456789"))
    assert await dialler.status(lost, {}) == 401
    assert await dialler.status(other, {}) == 101


async def test_a_revocation_outlives_a_start_without_the_station(
    secure: SecureRig, dialler: SecureDialler
) -> None:
    lost = secure.showing("A1")
    await (await booted(dialler, lost)).leave()
    await revoke(secure)
    secure.configs = (config(identity="ANOTHER"),)
    await secure.restart()
    secure.server.adopt(config())
    assert await dialler.status(lost, {}) == 401
    assert secure.refused[-1][2] is RefusalCause.REVOKED_CERTIFICATE


async def test_a_station_that_is_away_can_be_revoked_by_number_or_altogether(
    secure: SecureRig, dialler: SecureDialler
) -> None:
    first, second = secure.showing("A1"), secure.showing("A1")
    await (await booted(dialler, first)).leave()
    await (await booted(dialler, second)).leave()
    kept = secure.server._stations[STATION].record.certificates
    assert len(kept) == 2
    spelt = ":".join(kept[0].upper().zfill(40)[i : i + 2] for i in range(0, 40, 2))
    assert await revoke(secure, spelt) == [kept[0]]
    assert await dialler.status(first, {}) == 401
    assert await dialler.status(second, {}) == 101
    assert set(await revoke(secure)) == set(kept)
    assert await dialler.status(second, {}) == 401


async def test_a_certificate_that_was_sent_but_never_used_is_revoked_too(
    secure: SecureRig, dialler: SecureDialler
) -> None:
    peer = await dialler.dial(secure.trusting())
    peer.responders["CertificateSigned"] = lambda _: {"status": "Accepted"}
    await peer.call("BootNotification", BOOT)
    pair = create_request("A1", None)
    await peer.call("SignCertificate", {"csr": pair.csr_pem})
    chain = (await peer.request("CertificateSigned"))["certificateChain"]
    leaf = x509.load_pem_x509_certificate(chain.encode())
    assert await revoke(secure) == [f"{leaf.serial_number:x}"]
    context = secure.trusting()
    load_key_pair(context, chain, pair.key_pem)
    assert await dialler.status(context, {}) == 401
    # The station itself came with its password, and stays.
    assert "currentTime" in await peer.call("Heartbeat", {})


async def test_without_a_certificate_there_is_nothing_to_revoke(
    secure: SecureRig,
) -> None:
    with pytest.raises(UnknownTarget):
        await secure.server.ask(STATION, RevokeCertificate())


async def test_only_the_newest_certificates_are_kept_in_mind(
    secure: SecureRig, dialler: SecureDialler
) -> None:
    contexts = [secure.showing("A1") for _ in range(KNOWN_CERTIFICATES + 1)]
    for context in contexts:
        await (await booted(dialler, context)).leave()
    assert len(await revoke(secure)) == KNOWN_CERTIFICATES
    assert await dialler.status(contexts[-1], {}) == 401


async def test_how_a_station_logs_in_is_told_without_secrets(
    secure: SecureRig, dialler: SecureDialler
) -> None:
    await booted(dialler, secure.showing("A1"))
    state = secure.server.login_state(STATION)
    assert state is not None
    assert (state.profile, state.is_encrypted, state.revoked_certificates) == (
        3,
        True,
        0,
    )
    assert state.certificate_expires_at is not None
    await revoke(secure)
    await secure.sink.wait_for(StationDisconnected)
    state = secure.server.login_state(STATION)
    assert state is not None
    assert (state.is_encrypted, state.revoked_certificates) == (None, 1)
    assert state.certificate_expires_at is None


@dataclass
class Dialled:
    status: bytes
    session: ssl.SSLSession | None
    is_resumed: bool | None


def dial_raw(
    port: int, context: ssl.SSLContext, session: ssl.SSLSession | None
) -> Dialled:
    """A client that resumes a TLS session, which aiohttp's cannot."""
    request = (
        f"GET /ocpp/{STATION} HTTP/1.1\r\nHost: {HOST}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Protocol: ocpp2.0.1\r\n\r\n"
    )
    with (
        socket.create_connection((HOST, port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=HOST, session=session) as tls,
    ):
        tls.sendall(request.encode())
        answer = tls.recv(4096)
        return Dialled(answer.split()[1], tls.session, tls.session_reused)


@pytest.mark.parametrize(
    "version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=str
)
async def test_a_resumed_session_is_no_way_around(
    secure: SecureRig, dialler: SecureDialler, version: ssl.TLSVersion
) -> None:
    context = secure.showing("A1")
    context.maximum_version = version
    await (await booted(dialler, context)).leave()
    port = secure.server.secure_port
    assert port is not None
    first = await asyncio.to_thread(dial_raw, port, context, None)
    assert first.status == b"101"
    again = await asyncio.to_thread(dial_raw, port, context, first.session)
    assert (again.status, again.is_resumed) == (b"101", True)
    await revoke(secure)
    last = await asyncio.to_thread(dial_raw, port, context, first.session)
    assert last.status == b"401"
    assert secure.refused[-1][2] is RefusalCause.REVOKED_CERTIFICATE
