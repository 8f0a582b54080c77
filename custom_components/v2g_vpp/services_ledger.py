"""The actions about the ledger of a programme."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
import json
from typing import Final, cast

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util, slugify
import voluptuous as vol

from .action_permission import async_register_action
from .action_target import async_programme
from .const import DOMAIN
from .domain.ledger import LedgerEntry, Seal
from .domain.ledger_export import to_csv, to_json
from .domain.wall_time import format_moment
from .error_translation import translated_errors
from .saved_file import async_save_file

SERVICE_EXPORT_LEDGER: Final = "export_ledger"
SERVICE_VERIFY_LEDGER: Final = "verify_ledger"
ATTR_SAVE_AS: Final = "save_as"
SAVE_AS_JSON: Final = "json"
SAVE_AS_CSV: Final = "csv"

VERIFY_SCHEMA: Final = vol.Schema({vol.Required(ATTR_DEVICE_ID): cv.string})
EXPORT_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_DEVICE_ID): cv.string,
        vol.Optional(ATTR_SAVE_AS): vol.In((SAVE_AS_JSON, SAVE_AS_CSV)),
    }
)


@callback
def async_setup_ledger_services(hass: HomeAssistant) -> None:
    """Register the actions; each finds its programme when it is called."""

    async def export_ledger(call: ServiceCall) -> ServiceResponse:
        entry, programme_id = async_programme(hass, call)
        with translated_errors():
            entries, seal = await entry.runtime_data.site.read_ledger(programme_id)
        now = dt_util.utcnow()
        kind = call.data.get(ATTR_SAVE_AS)
        if kind is None:
            document = to_json(entries, seal, format_moment(now))
            return cast("ServiceResponse", document)
        file = await async_save_file(
            hass,
            f"ledger_{slugify(programme_id)}_{now:%Y%m%dT%H%M%S}.{kind}",
            partial(_content, kind, entries, seal, now),
        )
        return {"file": file, "entries": len(entries)}

    async def verify_ledger(call: ServiceCall) -> ServiceResponse:
        entry, programme_id = async_programme(hass, call)
        with translated_errors():
            found = await entry.runtime_data.site.verify_ledger(programme_id)
        wrong = found.break_
        return {
            "is_good": wrong is None,
            "good_entries": found.count,
            "first_broken_entry": None if wrong is None else wrong.position + 1,
            "flaw": None if wrong is None else wrong.flaw.value,
        }

    for name, action, schema in (
        (SERVICE_EXPORT_LEDGER, export_ledger, EXPORT_SCHEMA),
        (SERVICE_VERIFY_LEDGER, verify_ledger, VERIFY_SCHEMA),
    ):
        async_register_action(
            hass,
            DOMAIN,
            name,
            action,
            schema=schema,
            supports_response=SupportsResponse.ONLY,
        )


def _content(
    kind: str, entries: Sequence[LedgerEntry], seal: Seal | None, now: datetime
) -> bytes:
    if kind == SAVE_AS_CSV:
        return to_csv(entries, seal).encode()
    document = to_json(entries, seal, format_moment(now))
    return json.dumps(document, indent=1, ensure_ascii=False).encode()
