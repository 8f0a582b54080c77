"""A file server beside the station and its CSMS."""

from collections.abc import AsyncIterator

import pytest

from .file_server import FileServer


@pytest.fixture
async def files(socket_enabled: None) -> AsyncIterator[FileServer]:
    server = FileServer()
    await server.start()
    yield server
    await server.stop()
