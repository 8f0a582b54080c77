"""Real sockets on the loopback interface for the tests of the listener."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.csms.charge_point import PROTOCOL, ChargePoint
from tests.csms.charger import Charger
from tests.csms.peer import Dialler, Peer, Rig
from tests.csms.secure import SecureDialler, SecureRig


@pytest.fixture
async def rig(socket_enabled: None) -> AsyncIterator[Rig]:
    """A listener that knows station CS1."""
    async with Rig() as started:
        yield started


@pytest.fixture
async def dialler(rig: Rig) -> AsyncIterator[Dialler]:
    async with Dialler(rig) as ready:
        yield ready


@pytest.fixture
async def peer(dialler: Dialler) -> Peer:
    """A 2.1 station without a script."""
    return await dialler.dial()


@pytest.fixture
async def charger(dialler: Dialler) -> Charger:
    """A 2.1 station that can do everything, booted and brought up."""
    charger = Charger(await dialler.dial())
    await charger.boot()
    await charger.ready(dialler.rig.sink)
    return charger


@pytest.fixture
async def point(rig: Rig, dialler: Dialler) -> ChargePoint:
    """A 1.6 charge point, booted and brought up, of which nothing is kept yet."""
    point = ChargePoint(await dialler.dial(PROTOCOL))
    await point.boot()
    await point.ready(rig.sink)
    rig.sink.clear()
    return point


@pytest.fixture
async def secure(socket_enabled: None, tmp_path: Path) -> AsyncIterator[SecureRig]:
    """A listener with TLS, in a home with an authority of its own."""
    async with SecureRig(tmp_path / "pki") as started:
        yield started


@pytest.fixture
async def secure_dialler(secure: SecureRig) -> AsyncIterator[SecureDialler]:
    async with aiohttp.ClientSession() as session:
        dialler = SecureDialler(secure, session)
        yield dialler
        for peer in dialler.peers:
            await peer.leave()
