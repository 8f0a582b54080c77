"""A connection that broke is no business of the next one."""

from pathlib import Path
import socket
import ssl
import time

import pytest

from custom_components.v2g_vpp.vpp.messages import Publication
from custom_components.v2g_vpp.vpp.tls_errors import forget_tls_errors
from script.rig.broker import Broker

from .actors import HOME, REGION
from .rig import Certificates, Rig, run_blocking


def dialled(broker: Broker, certificates: Certificates) -> ssl.SSLSocket:
    context: ssl.SSLContext = certificates.context(f"{REGION}--{HOME}")
    plain = socket.create_connection(("127.0.0.1", broker.port), timeout=5.0)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def break_one(broker: Broker, certificates: Certificates) -> ssl.SSLSocket:
    """Return a connection of this thread on which a write has failed."""
    connection = dialled(broker, certificates)
    # No MQTT at all: the broker hangs up.
    connection.send(b"no mqtt")
    deadline = time.monotonic() + 5.0
    while time.monotonic() < deadline:
        try:
            connection.send(b"anybody there")
        except OSError:
            return connection
        time.sleep(0.01)
    raise AssertionError("the broker hangs up")


def stand_still() -> None:
    """Let time pass without the loop, as on a machine that was put to sleep."""
    time.sleep(0.01)


def quiet(broker: Broker, certificates: Certificates) -> ssl.SSLSocket:
    """Return a sound connection on which there is nothing to read."""
    connection = dialled(broker, certificates)
    connection.setblocking(False)
    for _ in range(5):
        time.sleep(0.01)
        with pytest.raises(ssl.SSLWantReadError):
            connection.recv(1)
    return connection


def test_what_a_broken_connection_left_is_forgotten(
    broker: Broker, certificates: Certificates
) -> None:
    with (
        quiet(broker, certificates) as sound,
        break_one(broker, certificates),
    ):
        forget_tls_errors()
        with pytest.raises(ssl.SSLWantReadError):
            sound.recv(1)


async def test_a_link_comes_up_beside_a_connection_that_broke(
    rig: Rig, broker: Broker, certificates: Certificates
) -> None:
    await rig.aggregator.connect(run_blocking)
    link = rig.make_link()
    with break_one(broker, certificates):
        await link.start()
        await rig.until(lambda: link.is_connected)
    assert link._connections == 1, "the first try is the one that holds"


async def test_a_link_that_broke_leaves_the_others_alone(
    rig: Rig, broker: Broker, certificates: Certificates, tmp_path: Path
) -> None:
    await rig.start()
    session = rig.link._session
    assert session is not None
    folder = tmp_path / "other"
    folder.mkdir()
    with (
        Broker(folder, certificates.write_broker_files(folder)) as other,
        quiet(other, certificates) as sound,
    ):
        broker.kill()
        # The loop stands still meanwhile: it is a write that meets the end.
        state = Publication(
            topic="v2gvpp/v1/north/home-0001/up/state", payload=b"{}", qos=0
        )
        while not session.lost.done():
            stand_still()
            session.publish(state)
        with pytest.raises(ssl.SSLWantReadError):
            sound.recv(1)
