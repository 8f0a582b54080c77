"""A station of 1.6 for a test."""

from collections.abc import AsyncIterator

import pytest

from .rig import Rig16


@pytest.fixture
async def rig(socket_enabled: None) -> AsyncIterator[Rig16]:
    rig = Rig16()
    yield rig
    await rig.stop()
