"""A real Home Assistant process for a test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from script.rig.home_assistant import HomeAssistant
from script.rig.processes import Supervisor, free_port


@pytest.fixture
async def home(tmp_path: Path, socket_enabled: None) -> AsyncIterator[HomeAssistant]:
    """Return a Home Assistant that has started and knows nothing yet."""
    async with Supervisor(tmp_path / "logs") as supervisor:
        home = HomeAssistant(supervisor, tmp_path / "home_assistant", free_port())
        try:
            await home.start()
            yield home
        finally:
            await home.close()
