"""A handshake that fails again and again is told to the owner, with its cause."""

import asyncio
from contextlib import suppress
from datetime import timedelta
import socket
import ssl

import pytest

from custom_components.v2g_vpp.csms.refusals import RefusalCause as Cause
from custom_components.v2g_vpp.csms.tls_watch import SHOWN_AFTER, WITHIN_S, TlsWatch
from tests.csms.peer import STATION
from tests.csms.secure import HOST, SecureDialler, SecureRig, stranger, utcnow


async def knock(rig: SecureRig, context: ssl.SSLContext | None) -> None:
    """Dial once, as a station with a wrong set-up does."""
    assert rig.server.secure_port is not None
    await asyncio.to_thread(_knock, rig.server.secure_port, context)


def _knock(port: int, context: ssl.SSLContext | None) -> None:
    # A plain socket tells the other side why it leaves; asyncio's does not.
    link = socket.create_connection((HOST, port), 5)
    with suppress(OSError):
        if context is not None:
            link = context.wrap_socket(link, server_hostname=HOST)
        link.sendall(b"GET /CS1 HTTP/1.1\r\nHost: home\r\n\r\n")
        link.recv(1_000)
    link.close()


def told(rig: SecureRig) -> list[tuple[Cause, str]]:
    return [
        (cause, detail) for identity, _, cause, detail in rig.refused if not identity
    ]


def distrusting(rig: SecureRig) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=stranger().certificate_pem)
    return context


def of_somebody_else(rig: SecureRig) -> ssl.SSLContext:
    return rig.showing(STATION, stranger())


def too_old(rig: SecureRig) -> ssl.SSLContext:
    context = rig.trusting()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("CAMELLIA")
    return context


def unencrypted(_rig: SecureRig) -> None:
    return None


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (distrusting, Cause.TLS_HOME_NOT_TRUSTED),
        (of_somebody_else, Cause.TLS_STRANGER),
        (unencrypted, Cause.TLS_NOT_ENCRYPTED),
        (too_old, Cause.TLS_TOO_OLD),
    ],
    ids=["distrusting", "of somebody else", "unencrypted", "too old"],
)
async def test_a_mistake_is_told_when_it_is_made_again_and_over_when_mended(
    secure: SecureRig,
    secure_dialler: SecureDialler,
    make: object,
    cause: Cause,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for number in range(SHOWN_AFTER + 2):
        await knock(secure, make(secure))  # type: ignore[operator]
        async with asyncio.timeout(5):
            while number >= SHOWN_AFTER - 1 and not told(secure):
                await asyncio.sleep(0.01)
        assert len(told(secure)) == (0 if number < SHOWN_AFTER - 1 else 1)
    assert told(secure) == [(cause, "")]
    # The log says it as well, once.
    said = [line for line in caplog.messages if f"again and again: {cause}" in line]
    assert len(said) == 1
    assert str(secure.server.secure_port) in said[0]
    assert await secure_dialler.status(secure.trusting()) == 101
    assert told(secure) == [(cause, ""), (cause, "over")]


async def test_a_station_that_trusts_raises_nothing(
    secure: SecureRig, secure_dialler: SecureDialler
) -> None:
    for _ in range(SHOWN_AFTER):
        assert await secure_dialler.status(secure.trusting()) == 101
        expired = secure.showing(STATION, now=utcnow() - timedelta(days=9))
        await secure_dialler.status(expired)
    assert told(secure) == []


class Clock:
    mono_s = 0.0

    def monotonic(self) -> float:
        return self.mono_s

    def utcnow(self) -> object:
        raise NotImplementedError


def test_what_happens_now_and_then_is_no_charger() -> None:
    clock = Clock()
    found: list[Cause] = []
    watch = TlsWatch(clock, lambda cause, _: found.append(cause))  # type: ignore[arg-type]
    err = ssl.SSLError()
    err.reason = "SSLV3_ALERT_CERTIFICATE_EXPIRED"
    for _ in range(3 * SHOWN_AFTER):
        watch._failed(err)
        clock.mono_s += WITHIN_S
    assert found == []
    for _ in range(SHOWN_AFTER):
        watch._failed(err)
    assert found == [Cause.TLS_CLOCK]
