"""The action that tells what the self-test of an outlet found."""

import json
from typing import Any, Final, cast

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.loader import async_get_integration
from homeassistant.util import dt as dt_util, slugify
import voluptuous as vol

from .action_permission import async_register_action
from .action_schema import action_schema
from .action_target import async_evse
from .const import DOMAIN
from .domain.self_test_export import self_test_document
from .saved_file import async_save_file

SERVICE_GET_SELF_TEST_RESULT: Final = "get_self_test_result"
ATTR_SAVE: Final = "save"
SCHEMA: Final = action_schema(
    SERVICE_GET_SELF_TEST_RESULT,
    {
        vol.Required(ATTR_DEVICE_ID): cv.string,
        vol.Optional(ATTR_SAVE, default=False): cv.boolean,
    },
)


@callback
def async_setup_self_test_service(hass: HomeAssistant) -> None:
    """Register the action."""

    async def get_self_test_result(call: ServiceCall) -> ServiceResponse:
        entry, key = async_evse(hass, call)
        snapshot = entry.runtime_data.site.snapshot
        station, evse = snapshot.station(key.station_id), snapshot.evse(key)
        release = (await async_get_integration(hass, DOMAIN)).version
        document = (
            None
            if station is None or evse is None
            else self_test_document(station, evse, str(release))
        )
        if document is None:
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="self_test_no_result"
            )
        if not call.data[ATTR_SAVE]:
            return cast("ServiceResponse", document)
        file = await async_save_file(hass, _name(document), lambda: _text(document))
        return cast("ServiceResponse", {**document, "file": file})

    async_register_action(
        hass,
        DOMAIN,
        SERVICE_GET_SELF_TEST_RESULT,
        get_self_test_result,
        schema=SCHEMA,
        supports_response=SupportsResponse.ONLY,
    )


def _name(document: dict[str, Any]) -> str:
    """Return a name that tells the product, and whose it is not."""
    station = document["station"]
    product = slugify(f"{station['vendor']} {station['model']}")[:40]
    return f"self_test_{product}_{dt_util.utcnow():%Y%m%dT%H%M%S}.json"


def _text(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=1, ensure_ascii=False).encode()
