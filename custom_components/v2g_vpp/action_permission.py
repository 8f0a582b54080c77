"""Who may call an action: Home Assistant asks only for those of entities.

Ours name devices, so they ask themselves. Somebody who may only look at this home, or
who is kept from its entities, must not be able to discharge it by an action.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from homeassistant.auth.permissions.const import POLICY_CONTROL, POLICY_READ
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import Unauthorized, UnknownUser
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.typing import VolSchemaType

FOR_EVERYBODY: Final = frozenset({"stop", "emergency_stop"})
"""Whoever sees that something is wrong may end it."""

READING: Final = frozenset(
    {
        *("explain", "export_ledger", "get_messages", "get_plan"),
        *("get_self_test_result", "verify_ledger"),
    }
)

WRITING: Final = ("save", "save_as")
"""Fields of actions that write what they read into a file."""

type Handler = Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse | None]]


@callback
def async_register_action(
    hass: HomeAssistant,
    domain: str,
    name: str,
    handler: Handler,
    schema: VolSchemaType | None = None,
    supports_response: SupportsResponse = SupportsResponse.NONE,
) -> None:
    """Register an action that asks whether its caller may."""

    async def checked(call: ServiceCall) -> ServiceResponse | None:
        if name not in FOR_EVERYBODY:
            # Who may only read must not fill the disk either.
            is_reading = name in READING and not any(map(call.data.get, WRITING))
            category = POLICY_READ if is_reading else POLICY_CONTROL
            await _async_check(hass, call, category)
        return await handler(call)

    hass.services.async_register(
        domain, name, checked, schema=schema, supports_response=supports_response
    )


async def _async_check(hass: HomeAssistant, call: ServiceCall, category: str) -> None:
    """Let automations pass, and whoever may read or control the whole device.

    Raises:
        Unauthorized: for anybody else, as the actions of entities do.
    """
    user_id = call.context.user_id
    if user_id is None:
        return
    user = await hass.auth.async_get_user(user_id)
    if user is None:
        raise UnknownUser(context=call.context, permission=category)
    permissions = user.permissions
    if permissions.access_all_entities(category):
        return
    device_id = call.data.get(ATTR_DEVICE_ID, "")
    entities = er.async_entries_for_device(er.async_get(hass), device_id)
    if not entities or not all(
        permissions.check_entity(one.entity_id, category) for one in entities
    ):
        raise Unauthorized(context=call.context, permission=category)
