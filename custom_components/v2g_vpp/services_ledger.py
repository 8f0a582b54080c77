"""The actions about the ledger of a programme."""

from collections.abc import Sequence
from datetime import datetime
import json
from pathlib import Path
from typing import Any, Final, cast

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util, slugify
import voluptuous as vol

from .action_target import async_programme
from .const import DOMAIN
from .domain.ids import ProgrammeId
from .domain.ledger import LedgerEntry, Seal
from .domain.ledger_export import to_csv, to_json
from .domain.wall_time import format_moment
from .error_translation import translated_errors

SERVICE_EXPORT_LEDGER: Final = "export_ledger"
SERVICE_VERIFY_LEDGER: Final = "verify_ledger"
ATTR_SAVE_AS: Final = "save_as"
SAVE_AS_JSON: Final = "json"
SAVE_AS_CSV: Final = "csv"
FOLDER: Final = DOMAIN
"""Under the configuration folder; nothing is ever written elsewhere."""

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
        path = _path(hass, programme_id, kind, now)
        try:
            await hass.async_add_executor_job(_write, path, kind, entries, seal, now)
        except OSError as err:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="file_not_written",
                translation_placeholders={"path": str(path)},
            ) from err
        return {"file": str(path), "entries": len(entries)}

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
        hass.services.async_register(
            DOMAIN, name, action, schema=schema, supports_response=SupportsResponse.ONLY
        )


def _path(
    hass: HomeAssistant, programme_id: ProgrammeId, kind: str, now: datetime
) -> Path:
    name = f"ledger_{slugify(programme_id)}_{now:%Y%m%dT%H%M%S}.{kind}"
    return Path(hass.config.path(FOLDER, name))


def _write(
    path: Path,
    kind: str,
    entries: Sequence[LedgerEntry],
    seal: Seal | None,
    now: datetime,
) -> None:
    if kind == SAVE_AS_CSV:
        content = to_csv(entries, seal)
    else:
        document: dict[str, Any] = to_json(entries, seal, format_moment(now))
        content = json.dumps(document, indent=1, ensure_ascii=False)
    path.parent.mkdir(exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content.encode())
