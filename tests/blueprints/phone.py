"""A phone with the app of Home Assistant, as far as automations see it."""

import asyncio
from typing import Any

from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)


class Phone:
    """What was sent to it, and what its owner taps."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Register it."""
        self._hass = hass
        entry = MockConfigEntry(domain="mobile_app", title="My phone")
        entry.add_to_hass(hass)
        device = dr.async_get(hass).async_get_or_create(
            config_entry_id=entry.entry_id,
            identifiers={("mobile_app", "my-phone")},
            name="My phone",
        )
        self.device_id = device.id
        self.calls: list[ServiceCall] = async_mock_service(
            hass, "notify", "mobile_app_my_phone"
        )

    @property
    def last(self) -> dict[str, Any]:
        """What it shows now."""
        data: dict[str, Any] = self.calls[-1].data
        return data

    def choices(self) -> dict[str, str]:
        """Return what can be tapped: the texts, and what each answers."""
        return {one["title"]: one["action"] for one in self.last["data"]["actions"]}

    async def tap(self, title: str) -> None:
        """Tap one of the choices."""
        self._hass.bus.async_fire(
            "mobile_app_notification_action", {"action": self.choices()[title]}
        )
        await asyncio.sleep(0)
