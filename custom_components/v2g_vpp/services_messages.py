"""The action that shows what a charger and Home Assistant said to each other."""

from collections.abc import Sequence
from typing import Any, Final

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv, service
from homeassistant.util import dt as dt_util, slugify
import voluptuous as vol

from .action_permission import async_register_action
from .action_schema import action_schema
from .capture import to_json, to_json_lines, to_pcap
from .const import DOMAIN
from .coordinator import V2gConfigEntry
from .devices import evse_of, station_of
from .domain.ids import StationId
from .domain.messages import RecordedMessage, Recording
from .saved_file import async_save_file

SERVICE_GET_MESSAGES: Final = "get_messages"
ATTR_LAST: Final = "last"
ATTR_MESSAGE: Final = "message"
ATTR_SAVE_AS: Final = "save_as"
SAVE_AS_JSON_LINES: Final = "jsonl"
SAVE_AS_PCAP: Final = "pcap"

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
            saved["file"] = await async_save_file(
                hass, _name(station_id, kind), lambda: _content(kind, chosen)
            )
        return {
            "messages": [to_json(message) for message in chosen],
            "connections": [
                {"at": note.at.isoformat(), "link": note.link, "what": note.what}
                for note in recording.connections
            ],
            **saved,
        }

    async_register_action(
        hass,
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


def _name(station_id: StationId, kind: str) -> str:
    # The identity of a station is text from outside: only letters and digits of it.
    return f"messages_{slugify(station_id)}_{dt_util.utcnow():%Y%m%dT%H%M%S}.{kind}"


def _content(kind: str, messages: Sequence[RecordedMessage]) -> bytes:
    if kind == SAVE_AS_PCAP:
        return to_pcap(messages)
    return to_json_lines(messages).encode()
