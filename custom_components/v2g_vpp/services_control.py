"""Actions of planners and other automations: plans, leases, limits of the operator."""

from datetime import timedelta
from functools import partial
from typing import Any, Final

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .action_permission import async_register_action
from .action_schema import action_schema, time_span
from .action_target import async_evse, async_home
from .const import (
    ATTR_DURATION,
    ATTR_HOLDER,
    ATTR_POWER,
    ATTR_UNTIL,
    DOMAIN,
    MAX_SITE_LIMIT_W,
)
from .domain.policy import PlanSlot
from .domain.site_meters import OperatorLimit
from .error_translation import translated_errors

SERVICE_SET_PLAN: Final = "set_plan"
SERVICE_GET_PLAN: Final = "get_plan"
SERVICE_ACQUIRE_CONTROL: Final = "acquire_control"
SERVICE_RELEASE_CONTROL: Final = "release_control"
SERVICE_SET_SITE_LIMIT: Final = "set_site_limit"

ATTR_SLOTS: Final = "slots"
ATTR_START: Final = "start"
ATTR_END: Final = "end"
ATTR_IMPORT_LIMIT: Final = "import_limit"
ATTR_EXPORT_LIMIT: Final = "export_limit"

MAX_SLOTS: Final = 400
"""Four days of quarter hours."""

LONGEST_LEASE: Final = timedelta(hours=24)
"""A planner that died gives the outlet back within a day; a living one renews."""

_POWER: Final = vol.All(vol.Coerce(float), vol.Range(min=-1_000_000, max=1_000_000))
_LIMIT: Final = vol.All(vol.Coerce(float), vol.Range(min=0, max=MAX_SITE_LIMIT_W))
_HOLDER: Final = vol.All(cv.string, vol.Length(min=1, max=64))
_DEVICE: Final = {vol.Required(ATTR_DEVICE_ID): cv.string}
_SLOT: Final = vol.Schema(
    {
        vol.Required(ATTR_START): cv.datetime,
        vol.Required(ATTR_END): cv.datetime,
        vol.Required(ATTR_POWER): _POWER,
    }
)

SET_PLAN_SCHEMA: Final = action_schema(
    SERVICE_SET_PLAN,
    {
        **_DEVICE,
        vol.Required(ATTR_SLOTS): vol.All([_SLOT], vol.Length(max=MAX_SLOTS)),
    },
)
ACQUIRE_SCHEMA: Final = action_schema(
    SERVICE_ACQUIRE_CONTROL,
    {
        **_DEVICE,
        vol.Required(ATTR_HOLDER): _HOLDER,
        vol.Required(ATTR_POWER): _POWER,
        vol.Required(ATTR_DURATION): vol.All(
            time_span,
            vol.Range(min=timedelta(seconds=1), max=LONGEST_LEASE),
        ),
    },
)
RELEASE_SCHEMA: Final = action_schema(
    SERVICE_RELEASE_CONTROL, {**_DEVICE, vol.Required(ATTR_HOLDER): _HOLDER}
)
SET_SITE_LIMIT_SCHEMA: Final = action_schema(
    SERVICE_SET_SITE_LIMIT,
    {
        **_DEVICE,
        vol.Optional(ATTR_IMPORT_LIMIT): _LIMIT,
        vol.Optional(ATTR_EXPORT_LIMIT): _LIMIT,
        vol.Optional(ATTR_UNTIL): cv.datetime,
    },
)


@callback
def async_setup_control_services(hass: HomeAssistant) -> None:
    """Register the actions; each finds its target when it is called."""

    async def set_plan(call: ServiceCall) -> None:
        entry, key = async_evse(hass, call)
        slots = [_slot(slot) for slot in call.data[ATTR_SLOTS]]
        with translated_errors():
            await entry.runtime_data.site.set_plan(key, slots)

    async def get_plan(call: ServiceCall) -> ServiceResponse:
        entry, key = async_evse(hass, call)
        with translated_errors():
            plan = entry.runtime_data.site.plan_of(key)
        return {
            ATTR_SLOTS: [
                {
                    ATTR_START: dt_util.as_local(slot.start_at).isoformat(),
                    ATTR_END: dt_util.as_local(slot.end_at).isoformat(),
                    ATTR_POWER: slot.power_w,
                }
                for slot in plan
            ]
        }

    async def acquire_control(call: ServiceCall) -> None:
        entry, key = async_evse(hass, call)
        duration: timedelta = call.data[ATTR_DURATION]
        with translated_errors():
            entry.runtime_data.site.acquire_control(
                key,
                call.data[ATTR_HOLDER],
                call.data[ATTR_POWER],
                duration.total_seconds(),
            )

    async def release_control(call: ServiceCall) -> None:
        entry, key = async_evse(hass, call)
        with translated_errors():
            entry.runtime_data.site.release_control(key, call.data[ATTR_HOLDER])

    async def set_site_limit(call: ServiceCall) -> None:
        entry = async_home(hass, call)
        import_w = call.data.get(ATTR_IMPORT_LIMIT)
        export_w = call.data.get(ATTR_EXPORT_LIMIT)
        until = call.data.get(ATTR_UNTIL)
        until_at = None if until is None else dt_util.as_utc(until)
        await entry.runtime_data.site.set_site_limit(
            OperatorLimit(
                import_w=import_w,
                export_w=export_w,
                import_until_at=None if import_w is None else until_at,
                export_until_at=None if export_w is None else until_at,
            )
        )

    register = partial(async_register_action, hass)
    register(DOMAIN, SERVICE_SET_PLAN, set_plan, schema=SET_PLAN_SCHEMA)
    register(
        DOMAIN,
        SERVICE_GET_PLAN,
        get_plan,
        schema=vol.Schema(_DEVICE),
        supports_response=SupportsResponse.ONLY,
    )
    register(DOMAIN, SERVICE_ACQUIRE_CONTROL, acquire_control, schema=ACQUIRE_SCHEMA)
    register(DOMAIN, SERVICE_RELEASE_CONTROL, release_control, schema=RELEASE_SCHEMA)
    register(
        DOMAIN, SERVICE_SET_SITE_LIMIT, set_site_limit, schema=SET_SITE_LIMIT_SCHEMA
    )


def _slot(data: dict[str, Any]) -> PlanSlot:
    return PlanSlot(
        start_at=dt_util.as_utc(data[ATTR_START]),
        end_at=dt_util.as_utc(data[ATTR_END]),
        power_w=data[ATTR_POWER],
    )
