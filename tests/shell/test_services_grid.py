"""The actions about grid settings: who asked stays on record, and it can be seen."""

from datetime import UTC, datetime
from typing import Any

from homeassistant.core import Context
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockUser
import voluptuous as vol

from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.domain.events import GridSettingNoted
from custom_components.v2g_vpp.domain.grid_settings import (
    ChangeGridSetting,
    ClearGridSettings,
    GridEvent,
    GridNote,
    ReadGridSettings,
)
from custom_components.v2g_vpp.domain.ids import StationId
from custom_components.v2g_vpp.domain.requests import SetInverterMode
from custom_components.v2g_vpp.domain.state import InverterMode
from tests.shell.home import Home
from tests.shell.test_services_station import call

HALF = {"priority": 1, "pctMaxDischargePower": 50}


async def test_each_action_asks_for_what_its_fields_say(
    home: Home, hass_admin_user: MockUser
) -> None:
    await home.connect()
    station = home.device_id("station/CS-1")
    context = Context(user_id=hass_admin_user.id)
    home.stations.told = {"settings": []}
    answer = await call(home, "get_grid_settings", station, kind="FreqDroop")
    assert answer == {"settings": []}
    await call(
        home,
        "set_grid_setting",
        station,
        context=context,
        kind="LimitMaxDischarge",
        settings=HALF,
        control_id="lim50",
    )
    await call(home, "clear_grid_settings", station, context=context, is_default=False)
    assert home.stations.asked == [
        ReadGridSettings(kind="FreqDroop"),
        ChangeGridSetting(
            control_id="lim50",
            kind="LimitMaxDischarge",
            settings=HALF,
            is_default=True,
            asked_by=hass_admin_user.id,
        ),
        ClearGridSettings(is_default=False, asked_by=hass_admin_user.id),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "Nonsense", "settings": HALF},
        {"kind": "FreqDroop", "settings": {"overFreq": 1}},
        {"kind": "FreqDroop", "settings": "priority: 1"},
        {"kind": "FreqDroop", "settings": HALF, "control_id": 37 * "x"},
    ],
)
async def test_a_mistake_is_told_before_anything_is_asked(
    home: Home, fields: dict[str, Any]
) -> None:
    await home.connect()
    with pytest.raises((vol.Invalid, ServiceValidationError)):
        await call(home, "set_grid_setting", home.device_id("station/CS-1"), **fields)
    assert home.stations.asked == []


async def test_a_change_is_an_event(home: Home) -> None:
    await home.connect()
    registry = er.async_get(home.hass)
    entity_id = registry.async_get_entity_id(
        "event", DOMAIN, f"{home.entry.entry_id}_station/CS-1_grid_settings"
    ) or next(
        entry.entity_id
        for entry in registry.entities.values()
        if entry.translation_key == "grid_settings"
    )
    registry.async_update_entity(entity_id, disabled_by=None)
    await home.hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    await home.connect()
    note = GridNote(
        number=7,
        at=datetime(2026, 11, 22, 18, tzinfo=UTC),
        event=GridEvent.SET,
        kind="LimitMaxDischarge",
        control_id="lim50",
        detail="Accepted",
    )
    home.site.post(GridSettingNoted(station_id=StationId("CS-1"), note=note))
    await home.tick()
    state = home.hass.states.get(entity_id)
    assert state is not None
    assert state.attributes["event_type"] == "set"
    assert state.attributes["kind"] == "LimitMaxDischarge"
    assert state.attributes["control_id"] == "lim50"
    assert state.attributes["occurred_at"] == "2026-11-22T18:00:00+00:00"


async def test_forming_a_grid_has_to_be_confirmed(home: Home) -> None:
    await home.connect()
    outlet = home.evse_device_id
    for confirm in (False, "no"):
        with pytest.raises((vol.Invalid, ServiceValidationError)):
            await call(home, "request_grid_forming", outlet, confirm=confirm)
    await call(home, "request_grid_forming", outlet)
    assert home.stations.asked == [
        SetInverterMode(evse_id=1, mode=InverterMode.GRID_FORMING)
    ]
