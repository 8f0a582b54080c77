"""Actions of the owner: powers by hand, stops, and what ends them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from .action_permission import async_register_action
from .action_schema import action_schema, time_span
from .action_target import async_evse, async_evses
from .const import ATTR_DURATION, ATTR_POWER, DOMAIN
from .coordinator import V2gRuntimeData
from .domain.ids import EvseKey
from .domain.policy import LONGEST_POWER_S
from .error_translation import translated_errors
from .services_departure import ATTR_SOC

SERVICE_SET_POWER: Final = "set_power"
SERVICE_CHARGE_UNTIL: Final = "charge_until"
SERVICE_DISCHARGE_UNTIL: Final = "discharge_until"
SERVICE_STOP: Final = "stop"
SERVICE_EMERGENCY_STOP: Final = "emergency_stop"
SERVICE_RESET_EMERGENCY_STOP: Final = "reset_emergency_stop"
SERVICE_RETURN_TO_AUTOMATIC: Final = "return_to_automatic"
SERVICE_START_TRANSACTION: Final = "request_start_transaction"
SERVICE_STOP_TRANSACTION: Final = "request_stop_transaction"
SERVICE_CLEAR_CHARGING_PROFILE: Final = "clear_charging_profile"

LONGEST_DURATION: Final = timedelta(seconds=LONGEST_POWER_S)

_DEVICE: Final = {vol.Required(ATTR_DEVICE_ID): cv.string}
_DURATION: Final = vol.All(
    time_span, vol.Range(min=timedelta(seconds=1), max=LONGEST_DURATION)
)
SET_POWER_SCHEMA: Final = action_schema(
    SERVICE_SET_POWER,
    {
        **_DEVICE,
        # The range is the charger's own; the site refuses what is outside it.
        vol.Required(ATTR_POWER): vol.All(
            vol.Coerce(float), vol.Range(min=-1_000_000, max=1_000_000)
        ),
        vol.Required(ATTR_DURATION): _DURATION,
    },
)
_UNTIL: Final[dict[Any, Any]] = {
    **_DEVICE,
    vol.Required(ATTR_SOC): vol.All(vol.Coerce(float), vol.Range(min=0, max=100)),
    # Without one: as much as the owner allows in that direction.
    vol.Optional(ATTR_POWER): vol.All(
        vol.Coerce(float), vol.Range(min=1, max=1_000_000)
    ),
    # Without one: as long as this charger may be left to it.
    vol.Optional(ATTR_DURATION): _DURATION,
}
DEVICE_SCHEMA: Final = vol.Schema(_DEVICE)

type _ForOne = Callable[[V2gRuntimeData, EvseKey], Awaitable[None]]
type _ForMany = Callable[[V2gRuntimeData, EvseKey | None], Awaitable[None]]


@callback
def async_setup_owner_services(hass: HomeAssistant) -> None:
    """Register the actions; each finds its target when it is called."""
    _async_setup_powers(hass)
    for name, act in _FOR_MANY.items():
        _async_setup_many(hass, name, act)
    for name, for_one in _FOR_ONE.items():
        _async_setup_one(hass, name, for_one)


_FOR_MANY: Final[Mapping[str, _ForMany]] = {
    SERVICE_STOP: lambda home, key: home.site.stop(key),
    SERVICE_EMERGENCY_STOP: lambda home, key: home.site.emergency_stop(key),
}
_FOR_ONE: Final[Mapping[str, _ForOne]] = {
    SERVICE_RESET_EMERGENCY_STOP: lambda home, key: home.site.reset_emergency_stop(key),
    SERVICE_RETURN_TO_AUTOMATIC: lambda home, key: home.site.return_to_automatic(key),
    SERVICE_START_TRANSACTION: lambda home, key: home.site.start_transaction(key),
    SERVICE_STOP_TRANSACTION: lambda home, key: home.site.end_transaction(key),
    SERVICE_CLEAR_CHARGING_PROFILE: lambda home, key: home.site.clear_charging_profile(
        key
    ),
}


@callback
def _async_setup_powers(hass: HomeAssistant) -> None:
    async def set_power(call: ServiceCall) -> None:
        entry, key = async_evse(hass, call)
        duration: timedelta = call.data[ATTR_DURATION]
        with translated_errors():
            await entry.runtime_data.site.set_power(
                key, call.data[ATTR_POWER], duration.total_seconds()
            )

    async def hold(call: ServiceCall) -> None:
        entry, key = async_evse(hass, call)
        home = entry.runtime_data
        duration: timedelta | None = call.data.get(ATTR_DURATION)
        direction = 1 if call.service == SERVICE_CHARGE_UNTIL else -1
        with translated_errors():
            power_w = call.data.get(ATTR_POWER) or _most_w(home, key, direction)
            await home.site.set_power(
                key,
                direction * power_w,
                None if duration is None else duration.total_seconds(),
                call.data[ATTR_SOC],
            )

    async_register_action(
        hass, DOMAIN, SERVICE_SET_POWER, set_power, schema=SET_POWER_SCHEMA
    )
    for name in (SERVICE_CHARGE_UNTIL, SERVICE_DISCHARGE_UNTIL):
        async_register_action(
            hass, DOMAIN, name, hold, schema=action_schema(name, _UNTIL)
        )


@callback
def _async_setup_many(hass: HomeAssistant, name: str, act: _ForMany) -> None:
    async def run(call: ServiceCall) -> None:
        entry, keys = async_evses(hass, call)
        with translated_errors():
            # One that does not answer must not keep the others from stopping.
            outcomes = await asyncio.gather(
                *(act(entry.runtime_data, key) for key in keys), return_exceptions=True
            )
            for outcome in outcomes:
                if outcome is not None:
                    raise outcome

    async_register_action(hass, DOMAIN, name, run, schema=DEVICE_SCHEMA)


@callback
def _async_setup_one(hass: HomeAssistant, name: str, act: _ForOne) -> None:
    async def run(call: ServiceCall) -> None:
        entry, key = async_evse(hass, call)
        with translated_errors():
            await act(entry.runtime_data, key)

    async_register_action(hass, DOMAIN, name, run, schema=DEVICE_SCHEMA)


def _most_w(home: V2gRuntimeData, key: EvseKey, direction: int) -> float:
    """Return what the owner allows in a direction, W; 0 for an outlet unknown here.

    The site tells what is wrong with the outlet.
    """
    evse = home.site.snapshot.evse(key)
    if evse is None:
        return 0.0
    policy = evse.policy
    return policy.max_charge_power_w if direction > 0 else policy.max_discharge_power_w
