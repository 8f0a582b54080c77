"""The action that shows what a charger and Home Assistant said to each other."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv, service
from homeassistant.util import dt as dt_util, slugify
import voluptuous as vol

from .action_schema import action_schema
from .capture import to_json, to_json_lines, to_pcap
from .const import DOMAIN
from .coordinator import V2gConfigEntry
from .devices import evse_of, station_of
from .domain.ids import StationId
from .domain.messages import Recording

SERVICE_GET_MESSAGES: Final = "get_messages"
ATTR_LAST: Final = "last"
ATTR_MESSAGE: Final = "message"
ATTR_SAVE_AS: Final = "save_as"
SAVE_AS_JSON_LINES: Final = "jsonl"
SAVE_AS_PCAP: Final = "pcap"
FOLDER: Final = DOMAIN
"""Under the configuration folder; nothing is ever written elsewhere."""

SCHEMA: Final = action_schema(
    SERVICE_GET_MESSAGES,
    {
        vol.Required(ATTR_DEVICE_ID): cv.string,
        vol.Optional(ATTR_LAST, default=100): vol.All(
            vol.Coerce(int), vol.Range(min=1, max=1000)
        ),
        vol.Optional(ATTR_MESSAGE): cv.string,
        vol.Optional(ATTR_SAVE_AS): vol.In((SAVE_AS_JSON_LINES, SAVE_AS_PCAP)),
    },
)


@callback
def async_setup_message_services(hass: HomeAssistant) -> None:
    """Register the action."""

    async def get_messages(call: ServiceCall) -> ServiceResponse:
        station_id, recording = _recording(hass, call)
        wanted = call.data.get(ATTR_MESSAGE)
        chosen = [m for m in recording.messages if wanted is None or wanted in m.text]
        chosen = chosen[-call.data[ATTR_LAST] :]
        saved: dict[str, Any] = {}
        kind = call.data.get(ATTR_SAVE_AS)
        if kind is not None:
            content = (
                to_pcap(chosen)
                if kind == SAVE_AS_PCAP
                else to_json_lines(chosen).encode()
            )
            path = _path(hass, station_id, kind, dt_util.utcnow())
            try:
                await hass.async_add_executor_job(_write, path, content)
            except OSError as err:
                raise HomeAssistantError(
                    translation_domain=DOMAIN,
                    translation_key="file_not_written",
                    translation_placeholders={"path": str(path)},
                ) from err
            saved["file"] = str(path)
        return {
            "messages": [to_json(message) for message in chosen],
            "connections": [
                {"at": note.at.isoformat(), "link": note.link, "what": note.what}
                for note in recording.connections
            ],
            **saved,
        }

    hass.services.async_register(
        DOMAIN,
        SERVICE_GET_MESSAGES,
        get_messages,
        schema=SCHEMA,
        supports_response=SupportsResponse.ONLY,
    )


@callback
def _recording(hass: HomeAssistant, call: ServiceCall) -> tuple[StationId, Recording]:
    entry: V2gConfigEntry
    device, entry = service.async_get_device_and_config_entry(
        hass, DOMAIN, call.data[ATTR_DEVICE_ID]
    )
    key = evse_of(device)
    station_id = key.station_id if key is not None else station_of(device)
    recording = (
        entry.runtime_data.message_log.recording(station_id)
        if station_id is not None
        else None
    )
    if station_id is None or recording is None:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="target_not_station"
        )
    return station_id, recording


def _path(hass: HomeAssistant, station_id: StationId, kind: str, now: datetime) -> Path:
    # The identity of a station is text from outside: only letters and digits of it.
    name = f"messages_{slugify(station_id)}_{now:%Y%m%dT%H%M%S}.{kind}"
    return Path(hass.config.path(FOLDER, name))


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
