"""Actions that ask a charger for a service: reservations, settings, logs and more."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
import secrets
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
from .action_schema import action_schema, time_span
from .const import ATTR_DURATION, DOMAIN
from .coordinator import V2gConfigEntry
from .devices import evse_of, station_of
from .domain.grid_settings import ChangeGridSetting, ClearGridSettings
from .domain.ids import StationId
from .domain.requests import (
    WHOLE_STATION,
    CancelReservation,
    ChangeSetting,
    CheckProfiles,
    InstallFirmware,
    LogKind,
    ReadLocalListVersion,
    ReadSettings,
    ReplaceLocalList,
    Reserve,
    Restart,
    SendData,
    SendLog,
    SetAvailability,
    SettingName,
    Tell,
    Telling,
    Unlock,
    setting_name,
)
from .error_translation import translated_errors
from .saved_file import async_save_file
from .services_certificates import CERTIFICATE_ACTIONS
from .services_grid import GRID_ACTIONS
from .services_network import NETWORK_ACTIONS
from .station_action import StationAction as _Action

ATTR_TOKEN: Final = "token"  # noqa: S105 - the name of a field
ATTR_AVAILABLE: Final = "available"
ATTR_WAIT: Final = "wait_for_transactions"
ATTR_MESSAGE: Final = "message"
ATTR_SETTING: Final = "setting"
ATTR_SETTINGS: Final = "settings"
ATTR_VALUE: Final = "value"
ATTR_LOG: Final = "log"
ATTR_URL: Final = "url"
ATTR_AT: Final = "at"
ATTR_CERTIFICATE: Final = "signing_certificate"
ATTR_SIGNATURE: Final = "signature"
ATTR_TOKENS: Final = "tokens"
ATTR_VERSION: Final = "version"
ATTR_VENDOR: Final = "vendor_id"
ATTR_MESSAGE_ID: Final = "message_id"
ATTR_DATA: Final = "data"

RESERVATION_BASE: Final = 5_000
"""Each outlet has one reservation of its own: a new one replaces it, and it can be
ended without remembering a number."""

DEFAULT_TOKEN: Final = "v2g_vpp"  # noqa: S105 - under which transactions are started too
LONGEST_RESERVATION: Final = timedelta(days=7)
LONGEST_TOKEN: Final = 20
"""Of OCPP 1.6; later versions take more."""

MAX_SETTINGS: Final = 40
MAX_TOKENS: Final = 200
_LARGEST_ID: Final = 2**31 - 1


def _setting(value: Any) -> SettingName:
    """Return the name of a setting; a clear error for anything else."""
    name = setting_name(cv.string(value))
    if name is None:
        raise vol.Invalid("expected Component.Variable, or a key of OCPP 1.6")
    return name


_TOKEN: Final = vol.All(cv.string, vol.Length(min=1, max=LONGEST_TOKEN))
_URL: Final = vol.All(
    cv.string, vol.Match(r"^(https?|ftps?|sftp)://[^\s]+$"), vol.Length(max=512)
)


ACTIONS: Final = (
    _Action(
        name="create_reservation",
        fields={
            vol.Required(ATTR_DURATION): vol.All(
                time_span,
                vol.Range(min=timedelta(minutes=1), max=LONGEST_RESERVATION),
            ),
            vol.Optional(ATTR_TOKEN, default=DEFAULT_TOKEN): _TOKEN,
        },
        build=lambda data, evse_id: Reserve(
            reservation_id=RESERVATION_BASE + evse_id,
            evse_id=evse_id,
            expires_at=dt_util.utcnow() + data[ATTR_DURATION],
            token=data[ATTR_TOKEN],
        ),
    ),
    _Action(
        name="cancel_reservation",
        fields={},
        build=lambda _, evse_id: CancelReservation(
            reservation_id=RESERVATION_BASE + evse_id
        ),
    ),
    _Action(
        name="set_availability",
        fields={vol.Required(ATTR_AVAILABLE): cv.boolean},
        build=lambda data, evse_id: SetAvailability(
            evse_id=evse_id, is_operative=data[ATTR_AVAILABLE]
        ),
    ),
    _Action(
        name="reset_station",
        fields={vol.Optional(ATTR_WAIT, default=True): cv.boolean},
        build=lambda data, _: Restart(is_immediate=not data[ATTR_WAIT]),
        is_admin=True,
    ),
    _Action(
        name="unlock_connector",
        fields={},
        build=lambda _, evse_id: Unlock(evse_id=evse_id),
        needs_evse=True,
    ),
    _Action(
        name="request_message",
        fields={vol.Required(ATTR_MESSAGE): vol.In([t.value for t in Telling])},
        build=lambda data, evse_id: Tell(
            what=Telling(data[ATTR_MESSAGE]), evse_id=evse_id
        ),
    ),
    _Action(
        name="get_station_variables",
        fields={
            vol.Required(ATTR_SETTINGS): vol.All(
                cv.ensure_list, [_setting], vol.Length(min=1, max=MAX_SETTINGS)
            )
        },
        build=lambda data, _: ReadSettings(names=tuple(data[ATTR_SETTINGS])),
        response=SupportsResponse.ONLY,
        is_admin=True,
    ),
    _Action(
        name="set_station_variable",
        fields={
            vol.Required(ATTR_SETTING): _setting,
            vol.Required(ATTR_VALUE): vol.All(cv.string, vol.Length(max=500)),
        },
        build=lambda data, _: ChangeSetting(
            name=data[ATTR_SETTING], value=data[ATTR_VALUE]
        ),
        response=SupportsResponse.OPTIONAL,
        is_admin=True,
    ),
    _Action(
        name="get_station_log",
        fields={
            vol.Optional(ATTR_LOG, default=LogKind.DIAGNOSTICS.value): vol.In(
                [kind.value for kind in LogKind]
            ),
            vol.Optional(ATTR_URL): _URL,
        },
        build=lambda data, _: SendLog(
            kind=LogKind(data[ATTR_LOG]),
            request_id=secrets.randbelow(_LARGEST_ID),
            url=data.get(ATTR_URL),
        ),
        response=SupportsResponse.OPTIONAL,
        is_admin=True,
    ),
    _Action(
        name="update_firmware",
        fields={
            vol.Required(ATTR_URL): _URL,
            vol.Optional(ATTR_AT): cv.datetime,
            vol.Inclusive(ATTR_CERTIFICATE, "signed"): vol.All(
                cv.string, vol.Length(max=5500)
            ),
            vol.Inclusive(ATTR_SIGNATURE, "signed"): vol.All(
                cv.string, vol.Length(max=800)
            ),
        },
        build=lambda data, _: InstallFirmware(
            url=data[ATTR_URL],
            retrieve_at=_utc(data.get(ATTR_AT)),
            request_id=secrets.randbelow(_LARGEST_ID),
            signing_certificate=data.get(ATTR_CERTIFICATE),
            signature=data.get(ATTR_SIGNATURE),
        ),
        is_admin=True,
    ),
    _Action(
        name="set_local_list",
        fields={
            vol.Required(ATTR_VERSION): vol.All(
                vol.Coerce(int), vol.Range(min=1, max=_LARGEST_ID)
            ),
            vol.Required(ATTR_TOKENS): vol.All(
                cv.ensure_list, [_TOKEN], vol.Length(max=MAX_TOKENS)
            ),
        },
        build=lambda data, _: ReplaceLocalList(
            version=data[ATTR_VERSION], tokens=tuple(data[ATTR_TOKENS])
        ),
        is_admin=True,
    ),
    _Action(
        name="get_local_list_version",
        fields={},
        build=lambda *_: ReadLocalListVersion(),
        response=SupportsResponse.ONLY,
    ),
    _Action(
        name="check_charging_profiles",
        fields={},
        build=lambda *_: CheckProfiles(),
        response=SupportsResponse.ONLY,
    ),
    _Action(
        name="send_vendor_message",
        fields={
            vol.Required(ATTR_VENDOR): vol.All(cv.string, vol.Length(min=1, max=255)),
            vol.Optional(ATTR_MESSAGE_ID): vol.All(cv.string, vol.Length(max=50)),
            vol.Optional(ATTR_DATA): vol.All(cv.string, vol.Length(max=8_000)),
        },
        build=lambda data, _: SendData(
            vendor_id=data[ATTR_VENDOR],
            message_id=data.get(ATTR_MESSAGE_ID),
            data=data.get(ATTR_DATA),
        ),
        response=SupportsResponse.OPTIONAL,
        is_admin=True,
    ),
    *CERTIFICATE_ACTIONS,
    *NETWORK_ACTIONS,
    *GRID_ACTIONS,
)


@callback
def async_setup_station_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    for action in ACTIONS:
        schema = action_schema(
            action.name, {vol.Required(ATTR_DEVICE_ID): cv.string, **action.fields}
        )
        register = (
            service.async_register_admin_service
            if action.is_admin
            else async_register_action
        )
        register(
            hass,
            DOMAIN,
            action.name,
            _handler(hass, action),
            schema=schema,
            supports_response=action.response,
        )


def _handler(
    hass: HomeAssistant, action: _Action
) -> Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]:
    async def handle(call: ServiceCall) -> ServiceResponse:
        entry, station_id, evse_id = _async_target(hass, call, action)
        request = action.build(call.data, evse_id)
        if isinstance(request, ChangeGridSetting | ClearGridSettings):
            # What is changed in an inverter stays on record with who asked for it.
            request = replace(request, asked_by=call.context.user_id)
        with translated_errors():
            told = await entry.runtime_data.site.ask_station(station_id, request)
        answer = await _with_file(hass, station_id, dict(told))
        return answer if call.return_response else None

    return handle


@callback
def _async_target(
    hass: HomeAssistant, call: ServiceCall, action: _Action
) -> tuple[V2gConfigEntry, StationId, int]:
    """Return what a call names; never a guess."""
    entry: V2gConfigEntry
    device, entry = service.async_get_device_and_config_entry(
        hass, DOMAIN, call.data[ATTR_DEVICE_ID]
    )
    key = evse_of(device)
    if key is not None:
        return entry, key.station_id, key.evse_id
    if action.needs_evse:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="target_not_evse"
        )
    station_id = station_of(device)
    if station_id is None:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="target_not_station"
        )
    return entry, station_id, WHOLE_STATION


async def _with_file(
    hass: HomeAssistant, station_id: StationId, answer: dict[str, Any]
) -> dict[str, Any]:
    """Put a log that came in into a file, and its path in its place."""
    content = answer.pop("content", None)
    if content is None:
        return answer
    name = _file_name(station_id, str(answer.get("file_name", "")))
    return {**answer, "file": await async_save_file(hass, name, lambda: content)}


def _file_name(station_id: StationId, name: str) -> str:
    # Both names are text from outside: only letters and digits of them.
    stem, _, ending = name.rpartition(".")
    ending = slugify(ending)[:8] if stem else ""
    now = dt_util.utcnow()
    return f"log_{slugify(station_id)}_{now:%Y%m%dT%H%M%S}.{ending or 'bin'}"


def _utc(at: datetime | None) -> datetime:
    return dt_util.utcnow() if at is None else dt_util.as_utc(at)
