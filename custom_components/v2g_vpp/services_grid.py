"""Actions about the grid settings of an inverter, for administrators."""

import secrets
from typing import Any, Final

from homeassistant.core import SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from .domain.grid_settings import (
    FIELDS,
    ChangeGridSetting,
    ClearGridSettings,
    ReadGridSettings,
)
from .domain.requests import SetInverterMode
from .domain.state import InverterMode
from .station_action import StationAction

ATTR_KIND: Final = "kind"
ATTR_SETTINGS: Final = "settings"
ATTR_CONTROL_ID: Final = "control_id"
ATTR_IS_DEFAULT: Final = "is_default"
ATTR_MODE: Final = "mode"
ATTR_CONFIRM: Final = "confirm"

_KIND: Final = vol.In(sorted(FIELDS))
_CONTROL_ID: Final = vol.All(cv.string, vol.Length(min=1, max=36))


def _settings(value: Any) -> dict[str, Any]:
    """Return settings by their names; a clear error for anything else."""
    if not isinstance(value, dict) or "priority" not in value:
        raise vol.Invalid("expected settings by name, priority among them")
    return value


def _yes(value: Any) -> bool:
    if value is not True:
        raise vol.Invalid("expected the confirmation")
    return True


GRID_ACTIONS: Final = (
    StationAction(
        name="get_grid_settings",
        fields={
            vol.Optional(ATTR_KIND): _KIND,
            vol.Optional(ATTR_CONTROL_ID): _CONTROL_ID,
            vol.Optional(ATTR_IS_DEFAULT): cv.boolean,
        },
        build=lambda data, _: ReadGridSettings(
            kind=data.get(ATTR_KIND),
            control_id=data.get(ATTR_CONTROL_ID),
            is_default=data.get(ATTR_IS_DEFAULT),
        ),
        response=SupportsResponse.ONLY,
        is_admin=True,
    ),
    StationAction(
        name="set_grid_setting",
        fields={
            vol.Required(ATTR_KIND): _KIND,
            vol.Required(ATTR_SETTINGS): _settings,
            vol.Optional(ATTR_CONTROL_ID): _CONTROL_ID,
            vol.Optional(ATTR_IS_DEFAULT, default=True): cv.boolean,
        },
        build=lambda data, _: ChangeGridSetting(
            control_id=data.get(ATTR_CONTROL_ID) or f"v2g_vpp-{secrets.token_hex(8)}",
            kind=data[ATTR_KIND],
            settings=data[ATTR_SETTINGS],
            is_default=data[ATTR_IS_DEFAULT],
        ),
        response=SupportsResponse.OPTIONAL,
        is_admin=True,
    ),
    StationAction(
        name="request_grid_forming",
        fields={
            vol.Required(ATTR_MODE): vol.In([mode.value for mode in InverterMode]),
            # Said in so many words: a home that is not cut off from the grid would
            # feed it against those who work on it.
            vol.Required(ATTR_CONFIRM): vol.All(cv.boolean, _yes),
        },
        build=lambda data, evse_id: SetInverterMode(
            evse_id=evse_id, mode=InverterMode(data[ATTR_MODE])
        ),
        needs_evse=True,
        response=SupportsResponse.OPTIONAL,
        is_admin=True,
    ),
    StationAction(
        name="clear_grid_settings",
        fields={
            vol.Required(ATTR_IS_DEFAULT): cv.boolean,
            vol.Optional(ATTR_KIND): _KIND,
            vol.Optional(ATTR_CONTROL_ID): _CONTROL_ID,
        },
        build=lambda data, _: ClearGridSettings(
            is_default=data[ATTR_IS_DEFAULT],
            kind=data.get(ATTR_KIND),
            control_id=data.get(ATTR_CONTROL_ID),
        ),
        is_admin=True,
    ),
)
"""They are registered with the other actions of a charger."""
