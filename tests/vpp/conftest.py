"""A real broker with certificates of its own, and a link to it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
import socket

import pytest

from custom_components.v2g_vpp.system_clock import SystemClock
from script.rig.broker import Broker

from .rig import Certificates, Rig


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    return Certificates(SystemClock())


@pytest.fixture
def broker(
    certificates: Certificates, tmp_path: Path, socket_enabled: None
) -> Iterator[Broker]:
    with Broker(tmp_path, certificates.write_broker_files(tmp_path)) as running:
        yield running


@pytest.fixture
async def rig(broker: Broker, certificates: Certificates) -> AsyncIterator[Rig]:
    made = Rig(broker, certificates)
    yield made
    await made.stop()


@pytest.fixture
def free_port(socket_enabled: None) -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
