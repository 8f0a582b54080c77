"""The request for a certificate as a file."""

import os
from pathlib import Path

from homeassistant.core import HomeAssistant

from custom_components.v2g_vpp.request_file import async_write_request, request_path


def content_of(hass: HomeAssistant) -> str:
    return request_path(hass, "Evening peak/../x").read_text()


def block(hass: HomeAssistant) -> None:
    """A file where the folder has to be."""
    Path(hass.config.path("v2g_vpp")).touch()


async def test_the_last_request_of_a_programme_is_in_the_folder_of_the_integration(
    hass: HomeAssistant,
) -> None:
    for text in ("first, and longer", "second"):
        assert await async_write_request(hass, "Evening peak/../x", text)
    assert content_of(hass) == "second"
    path = request_path(hass, "Evening peak/../x")
    assert os.fspath(path.parent) == hass.config.path("v2g_vpp")


async def test_a_disk_that_refuses_is_told(hass: HomeAssistant) -> None:
    block(hass)
    assert not await async_write_request(hass, "evening", "text")
