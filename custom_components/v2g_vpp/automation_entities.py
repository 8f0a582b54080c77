"""Which of our entities a trigger or a condition is about."""

from collections.abc import Collection

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from .const import DOMAIN


@callback
def ours(hass: HomeAssistant, entities: set[str], keys: Collection[str]) -> set[str]:
    """Return those of some entities that show one of our translation keys.

    A target may be a device or a whole area: what else is there is left out.
    """
    registry = er.async_get(hass)
    return {
        entity_id
        for entity_id in entities
        if (entry := registry.async_get(entity_id)) is not None
        and entry.platform == DOMAIN
        and entry.translation_key in keys
    }
