"""The action that lets a charger dial another address, for administrators."""

from typing import Final

from homeassistant.core import SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from .domain.requests import MoveStation
from .station_action import StationAction

ATTR_URL: Final = "url"
ATTR_PROFILE: Final = "security_profile"
ATTR_SLOT: Final = "slot"

NETWORK_ACTIONS: Final = (
    StationAction(
        name="set_network_profile",
        fields={
            vol.Required(ATTR_URL): vol.All(
                cv.string, vol.Match(r"^wss?://[^\s]+$"), vol.Length(max=512)
            ),
            vol.Required(ATTR_PROFILE): vol.All(
                vol.Coerce(int), vol.Range(min=1, max=3)
            ),
            vol.Optional(ATTR_SLOT): vol.All(vol.Coerce(int), vol.Range(min=1, max=99)),
        },
        build=lambda data, _: MoveStation(
            url=data[ATTR_URL],
            security_profile=data[ATTR_PROFILE],
            slot=data.get(ATTR_SLOT),
        ),
        response=SupportsResponse.OPTIONAL,
        is_admin=True,
    ),
)
"""They are registered with the other actions of a charger."""
