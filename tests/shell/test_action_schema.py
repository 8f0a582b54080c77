"""What a person can enter wrongly in the form of an action is told in their words."""

from datetime import timedelta
import json
from pathlib import Path
from typing import Any

from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
import pytest
import voluptuous as vol

from custom_components.v2g_vpp import action_schema
from custom_components.v2g_vpp.action_schema import FIELD_ERRORS
from custom_components.v2g_vpp.const import DOMAIN
from tests.shell.home import Home

TRANSLATIONS = Path(action_schema.__file__).parent / "translations" / "en.json"

GOOD: dict[str, dict[str, Any]] = {
    "set_plan": {},
    "acquire_control": {"holder": "planner", "power": 1_000, "duration": 60},
    "release_control": {},
    "set_power": {"power": 1_000, "duration": 60},
    "charge_until": {"soc": 80},
    "discharge_until": {"soc": 40},
    "simulate_dispatch": {},
    "create_reservation": {"duration": {"hours": 1}},
    "get_messages": {},
    "get_station_variables": {"settings": ["A.B"]},
    "set_station_variable": {"setting": "A.B", "value": "1"},
    "get_station_log": {},
    "update_firmware": {"url": "https://files.example/f"},
    "set_local_list": {"version": 1, "tokens": []},
    "send_vendor_message": {"vendor_id": "example"},
    "install_certificate": {},
    "delete_certificate": {"serial_number": "1f"},
    "revoke_certificate": {},
    "set_network_profile": {"url": "wss://home.example/", "security_profile": 2},
    "get_grid_settings": {},
    "set_grid_setting": {"kind": "FreqDroop", "settings": {"priority": 1}},
    "clear_grid_settings": {"is_default": True},
    "request_grid_forming": {"mode": "grid_forming", "confirm": True},
}

ENDLESS = {"days": 10**9}
"""Longer than any time there is."""

WRONG: dict[str, tuple[Any, ...]] = {
    "set_plan.slots": (
        "none",
        [{"start": "2026-01-15T17:00:00", "power": 1}],
        [{"start": "x", "end": "2026-01-15T17:00:00", "power": 1}],
    ),
    "acquire_control.holder": ("", 65 * "x"),
    "acquire_control.duration": (0, timedelta(hours=25), ENDLESS),
    "release_control.holder": ("", 65 * "x"),
    "set_power.duration": (0, timedelta(hours=25), ENDLESS),
    "charge_until.duration": (0, timedelta(hours=25)),
    "discharge_until.duration": (0, timedelta(hours=25)),
    "simulate_dispatch.duration": ({"seconds": 9}, {"minutes": 16}, ENDLESS),
    "create_reservation.duration": ({"seconds": 0}, {"days": 8}, ENDLESS),
    "create_reservation.token": ("", 21 * "x"),
    "get_messages.last": (0, 1_001),
    "get_station_variables.settings": ([], ["a.b.c"], [""]),
    "set_station_variable.setting": ("a.b.c", ""),
    "set_station_variable.value": (501 * "x",),
    "get_station_log.url": ("files", "file:///etc/passwd"),
    "update_firmware.url": ("files", "https://"),
    "update_firmware.signed": ({"signature": "AAAA"},),
    "set_local_list.version": (0, "new"),
    "set_local_list.tokens": ([21 * "x"], [""], 201 * ["x"]),
    "send_vendor_message.vendor_id": ("", 256 * "x"),
    "send_vendor_message.message_id": (51 * "x",),
    "send_vendor_message.data": (8_001 * "x",),
    "install_certificate.certificate": (16_001 * "x",),
    "delete_certificate.serial_number": ("zz", "", 41 * "a"),
    "delete_certificate.hashes": ({"issuer_name_hash": 40 * "a"},),
    "revoke_certificate.serial_number": ("zz",),
    "set_network_profile.url": ("https://x/", "wss://a b/"),
    "set_network_profile.security_profile": (0, 4, "two"),
    "set_network_profile.slot": (0, 100),
    "get_grid_settings.control_id": ("", 37 * "x"),
    "set_grid_setting.control_id": (37 * "x",),
    "set_grid_setting.settings": ({"overFreq": 1}, "priority: 1", []),
    "clear_grid_settings.control_id": (37 * "x",),
    "request_grid_forming.confirm": (False, "no"),
}

TOGETHER = {
    "update_firmware.signing_certificate": {"signature": "AAAA"},
    "update_firmware.signature": {"signing_certificate": "PEM"},
    "delete_certificate.issuer_name_hash": {
        "hash_algorithm": "SHA256",
        "issuer_key_hash": 40 * "a",
    },
    "delete_certificate.issuer_key_hash": {
        "hash_algorithm": "SHA256",
        "issuer_name_hash": 40 * "a",
    },
}
"""Fields that need others, and the others."""

TOO_LONG = 6_000 * "z"

CASES = [
    *(
        (where, value if where.endswith(("signed", "hashes")) else {field: value})
        for where, values in WRONG.items()
        for field in [where.partition(".")[2]]
        for value in values
    ),
    *(
        (where, {where.partition(".")[2]: TOO_LONG, **others})
        for where, others in TOGETHER.items()
    ),
]


def test_every_text_for_a_wrong_entry_is_seen_here() -> None:
    assert {where for where, _ in CASES} == FIELD_ERRORS.keys()


@pytest.mark.parametrize(
    ("where", "fields"), CASES, ids=[f"{w}-{n}" for n, (w, _) in enumerate(CASES)]
)
async def test_wrong_entry_is_told_by_its_text(
    home: Home, where: str, fields: dict[str, Any]
) -> None:
    await home.connect()
    action = where.partition(".")[0]
    with pytest.raises(ServiceValidationError) as told:
        await perform(home, action, fields)
    assert told.value.translation_key == FIELD_ERRORS[where]
    texts = json.loads(TRANSLATIONS.read_text())["exceptions"]
    assert texts[FIELD_ERRORS[where]]["message"]
    assert home.stations.asked == []


@pytest.mark.parametrize("action", GOOD)
async def test_what_no_form_lets_through_stays_an_error_of_the_schema(
    home: Home, action: str
) -> None:
    await home.connect()
    with pytest.raises(vol.Invalid):
        await perform(home, action, {"nonsense": 1})


@pytest.mark.parametrize(
    "junk",
    ["\ud800", ["\udfff"], {"\ud800": 1}, {"a": ({"b": "x\ud800"},)}],
    ids=["a text", "in a list", "as a name", "far inside"],
)
def test_half_a_character_gets_to_no_action(junk: Any) -> None:
    # Not even to the reader of times, which it would end with all of Home Assistant.
    schema = action_schema.action_schema(
        "set_plan", {"start": cv.datetime, "a": object}
    )
    with pytest.raises(vol.Invalid, match="half"):
        schema({"start": junk})
    with pytest.raises(vol.Invalid, match="half"):
        schema({"a": junk})
    assert schema({"a": "Größe 💡"}) == {"a": "Größe 💡"}


async def perform(home: Home, action: str, fields: dict[str, Any]) -> None:
    supports = home.hass.services.supports_response(DOMAIN, action)
    await home.hass.services.async_call(
        DOMAIN,
        action,
        {"device_id": home.evse_device_id, **GOOD[action], **fields},
        blocking=True,
        return_response=supports.value == "only",
    )
