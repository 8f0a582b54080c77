"""What an action takes; a wrong entry is told in the words of the translations."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from .const import DOMAIN

FIELD_ERRORS: Final[Mapping[str, str]] = {
    "set_plan.slots": "plan_slots_not_legal",
    "acquire_control.holder": "holder_not_legal",
    "acquire_control.duration": "lease_duration_not_legal",
    "release_control.holder": "holder_not_legal",
    "set_power.duration": "power_duration_not_legal",
    "charge_until.duration": "power_duration_not_legal",
    "discharge_until.duration": "power_duration_not_legal",
    "create_reservation.duration": "reservation_duration_not_legal",
    "create_reservation.token": "card_not_legal",
    "get_messages.last": "message_count_not_legal",
    "get_station_variables.settings": "setting_name_not_legal",
    "set_station_variable.setting": "setting_name_not_legal",
    "set_station_variable.value": "action_text_too_long",
    "get_station_log.url": "file_address_not_legal",
    "update_firmware.url": "file_address_not_legal",
    "update_firmware.signing_certificate": "action_text_too_long",
    "update_firmware.signature": "action_text_too_long",
    "update_firmware.signed": "signature_incomplete",
    "set_local_list.version": "list_version_not_legal",
    "set_local_list.tokens": "card_not_legal",
    "send_vendor_message.vendor_id": "action_text_too_long",
    "send_vendor_message.message_id": "action_text_too_long",
    "send_vendor_message.data": "action_text_too_long",
    "install_certificate.certificate": "action_text_too_long",
    "delete_certificate.serial_number": "serial_number_not_legal",
    "delete_certificate.issuer_name_hash": "certificate_hash_not_legal",
    "delete_certificate.issuer_key_hash": "certificate_hash_not_legal",
    "delete_certificate.hashes": "certificate_hashes_incomplete",
    "revoke_certificate.serial_number": "serial_number_not_legal",
    "set_network_profile.url": "network_address_not_legal",
    "set_network_profile.security_profile": "security_profile_not_legal",
    "set_network_profile.slot": "network_slot_not_legal",
    "get_grid_settings.control_id": "control_id_not_legal",
    "set_grid_setting.control_id": "control_id_not_legal",
    "set_grid_setting.settings": "grid_settings_not_legal",
    "clear_grid_settings.control_id": "control_id_not_legal",
    "simulate_dispatch.duration": "rehearsal_duration_not_legal",
    "request_grid_forming.confirm": "grid_forming_not_confirmed",
}
"""By action and field, or group of fields: what the form of an action lets through."""


def action_schema(action: str, fields: Mapping[Any, Any]) -> vol.All[Any]:
    """Return the schema of an action.

    Home Assistant tells what is wrong in English, in the words of the schema. What a
    person can get wrong in the form is told by its text instead; the rest, such as a
    field that does not exist, stays an error of the schema.
    """
    schema = vol.Schema(fields)

    def check(data: Any) -> Any:
        try:
            return schema(whole(data))
        except vol.Invalid as err:
            key = FIELD_ERRORS.get(f"{action}.{_field(err)}")
            if key is None:
                raise
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key=key
            ) from err

    return vol.All(check)


def whole(data: Any) -> Any:
    """Return what an action was given, unless there is half a character in it.

    No keyboard and no network brings one, but a template can. It could not be stored,
    and Home Assistant itself ends when it reads one as a time.

    Raises:
        vol.Invalid: when there is one.
    """
    waiting = [data]
    while waiting:
        match waiting.pop():
            case str() as text if not text.isascii():
                try:
                    text.encode()
                except UnicodeEncodeError as err:
                    raise vol.Invalid("half a character") from err
            case Mapping() as inner:
                waiting += [*inner.keys(), *inner.values()]
            case list() | tuple() as inner:
                waiting += inner
            case _:
                pass
    return data


def time_span(value: Any) -> timedelta:
    """Return a time that takes so long, as forms and scripts write it.

    Raises:
        vol.Invalid: when it is none, or longer than any.
    """
    try:
        return cv.positive_time_period(value)
    except OverflowError as err:
        raise vol.Invalid("too long") from err


def _field(err: vol.Invalid) -> str:
    first = err.errors[0] if isinstance(err, vol.MultipleInvalid) else err
    # A group of fields that belong together is written in angle brackets.
    return str(first.path[0]).strip("<>") if first.path else ""
