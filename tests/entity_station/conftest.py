"""Fixtures of these tests."""

import pytest

from script.rig import processes
from tests.shell.conftest import every_entity_enabled, free_port

__all__ = ["every_entity_enabled", "free_port"]


@pytest.fixture
def ports(socket_enabled: None) -> tuple[int, int]:
    """Return two ports that are free: of the charger and of the home."""
    charger = home = processes.free_port()
    while home == charger:
        home = processes.free_port()
    return charger, home
