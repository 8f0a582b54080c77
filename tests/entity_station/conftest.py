"""Fixtures of these tests."""

import pytest

from tests.shell.conftest import every_entity_enabled, free_port

__all__ = ["every_entity_enabled", "free_port"]


@pytest.fixture
def ports(socket_enabled: None, free_port: int) -> tuple[int, int]:
    """Return two ports that are free: of the charger and of the home."""
    return free_port, free_port + 1
