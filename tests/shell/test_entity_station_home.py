"""A charger behind entities in a whole home: entities, power, repair, farewell."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.v2g_vpp.const import DOMAIN, SUBENTRY_ENTITY_STATION
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.setpoint import ControlOwner
from custom_components.v2g_vpp.domain.snapshot import EvseSnapshot
from custom_components.v2g_vpp.domain.state import EvseState
from custom_components.v2g_vpp.entity_station_opener import firmware_of
from tests.shell.conftest import VEHICLE
from tests.shell.entity_charger import DATA, NUMBER, POWER, STATE

KEY = EvseKey(StationId("EC-garage"), 1)
CHARGER = ConfigSubentryData(
    subentry_type=SUBENTRY_ENTITY_STATION,
    title="Garage",
    unique_id="station_EC-garage",
    data={**DATA, "max_charge_power_w": 7_000},
)


class Garage:
    """The home, and the entities of its charger."""

    def __init__(self, hass: HomeAssistant, entry: MockConfigEntry) -> None:
        self.hass, self.entry = hass, entry
        self.word = "Connected"

    def show(self, power: str = "0", state: str | None = None) -> None:
        self.word = state or self.word
        self.hass.states.async_set(POWER, power, {"unit_of_measurement": "W"})
        self.hass.states.async_set(STATE, self.word)

    def number(self) -> float:
        state = self.hass.states.get(NUMBER)
        assert state is not None
        return float(state.state)

    @property
    def evse(self) -> EvseSnapshot:
        found: EvseSnapshot | None = self.entry.runtime_data.site.snapshot.evse(KEY)
        assert found is not None
        return found

    def is_in(self, state: EvseState) -> bool:
        return self.evse.state is state

    async def settle(self) -> None:
        await self.hass.async_block_till_done()

    async def tick(self, freezer: FrozenDateTimeFactory, times: int = 1) -> None:
        for _ in range(times):
            freezer.tick(1)
            async_fire_time_changed(self.hass)
            power = self.hass.states.get(POWER)
            if power is not None and power.state not in ("unavailable", "unknown"):
                self.show(power.state)
            self.entry.runtime_data.site._tick()
            await self.settle()


@pytest.fixture
def subentries() -> list[ConfigSubentryData]:
    return [CHARGER, VEHICLE]


@pytest.fixture
async def garage(hass: HomeAssistant, entry: MockConfigEntry) -> Any:
    config = {"setpoint": {"min": -11_000, "max": 11_000, "step": 1, "initial": 500}}
    assert await async_setup_component(hass, "input_number", {"input_number": config})
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    garage = Garage(hass, entry)
    yield garage
    if entry.state.recoverable:
        await hass.config_entries.async_unload(entry.entry_id)


async def test_it_has_the_entities_of_a_station_and_charges(
    hass: HomeAssistant, garage: Garage, freezer: FrozenDateTimeFactory
) -> None:
    garage.show()
    await garage.tick(freezer, 3)
    assert garage.is_in(EvseState.IDLE)
    registry = er.async_get(hass)
    assert registry.async_get_entity_id("sensor", DOMAIN, "EC-garage_1_power")
    assert registry.async_get_entity_id("select", DOMAIN, "EC-garage_1_mode")
    await garage.tick(freezer, 20)
    assert garage.number() == 7_000, "a charger that nobody configured charges"
    garage.show("7000")
    await garage.tick(freezer, 2)
    assert garage.is_in(EvseState.CHARGING)


async def test_lost_entities_are_0_w_a_repair_and_a_recovery(
    hass: HomeAssistant, garage: Garage, freezer: FrozenDateTimeFactory
) -> None:
    garage.show()
    await garage.tick(freezer, 20)
    assert garage.number() == 7_000
    issues = ir.async_get(hass)
    hass.states.async_set(POWER, "unavailable")
    await garage.tick(freezer, 2)
    assert garage.number() == 0
    assert issues.async_get_issue(DOMAIN, "entity_lost_EC-garage") is None
    await garage.tick(freezer, 60)
    issue = issues.async_get_issue(DOMAIN, "entity_lost_EC-garage")
    assert issue is not None
    assert issue.translation_placeholders == {
        "title": "Garage",
        "entities": f"`{POWER}`",
    }
    garage.show()
    await garage.tick(freezer, 20)
    assert issues.async_get_issue(DOMAIN, "entity_lost_EC-garage") is None
    assert garage.number() == 7_000


async def test_unloaded_it_leaves_no_power_behind(
    hass: HomeAssistant, garage: Garage, freezer: FrozenDateTimeFactory
) -> None:
    garage.show()
    await garage.tick(freezer, 20)
    assert garage.number() == 7_000
    assert await hass.config_entries.async_unload(garage.entry.entry_id)
    assert garage.number() == 0


async def test_a_charger_that_is_removed_is_brought_to_0_w_and_forgotten(
    hass: HomeAssistant, garage: Garage, freezer: FrozenDateTimeFactory
) -> None:
    garage.show()
    await garage.tick(freezer, 20)
    (subentry,) = (
        one for one in garage.entry.subentries.values() if one.title == "Garage"
    )
    hass.config_entries.async_remove_subentry(garage.entry, subentry.subentry_id)
    await garage.settle()
    assert garage.number() == 0
    assert garage.entry.runtime_data.site.snapshot.evse(KEY) is None


async def test_diagnostics_tell_the_set_up_and_name_no_entity(
    hass: HomeAssistant, garage: Garage, hass_client: ClientSessionGenerator
) -> None:
    garage.show()
    await garage.settle()
    shown = await get_diagnostics_for_config_entry(hass, hass_client, garage.entry)
    assert isinstance(shown, dict)
    entry: Any = shown["entry"]
    (charger,) = (
        one for one in entry["subentries"] if one["type"] == SUBENTRY_ENTITY_STATION
    )
    assert charger["data"] == {
        "profile": "generic",
        "profile_version": 1,
        "plugged_states": ["Connected"],
        "free_states": ["Free"],
        "write_way": "signed_number",
        "write_unit": "W",
        "stop_way": "zero",
        "settle_s": 5,
        "watchdog_s": 30,
        "max_charge_power_w": 7_000,
        "max_discharge_power_w": 10_000,
        "unattended_charge_w": 0,
    }
    assert POWER not in str(shown)
    assert "EC-garage" not in str(shown)


async def test_a_stranger_gets_the_charger_until_the_owner_takes_it_back(
    hass: HomeAssistant,
    garage: Garage,
    freezer: FrozenDateTimeFactory,
    hass_admin_user: MockUser,
) -> None:
    garage.show()
    await garage.tick(freezer, 20)
    assert garage.number() == 7_000
    await hass.services.async_call(
        "input_number",
        "set_value",
        {"entity_id": NUMBER, "value": 2_000},
        blocking=True,
        context=Context(user_id=hass_admin_user.id),
    )
    garage.show("2000")
    await garage.tick(freezer, 30)
    assert garage.number() == 2_000, "never fought"
    assert garage.evse.setpoint.owner is ControlOwner.EXTERNAL
    await garage.entry.runtime_data.site.return_to_automatic(KEY)
    await garage.tick(freezer, 10)
    assert garage.number() == 7_000


async def test_another_firmware_of_the_charger_voids_its_proof(
    hass: HomeAssistant, garage: Garage
) -> None:
    registry, devices = er.async_get(hass), dr.async_get(hass)
    other = MockConfigEntry(domain="other")
    other.add_to_hass(hass)
    device = devices.async_get_or_create(
        config_entry_id=other.entry_id, identifiers={("other", "1")}, sw_version="5.1"
    )
    entry = registry.async_get_or_create(
        "number", "other", "1", config_entry=other, device_id=device.id
    )
    data = {**DATA, "setpoint_entity": entry.id}
    assert firmware_of(hass, data) == "generic 1 5.1"
    devices.async_update_device(device.id, sw_version="5.2")
    assert firmware_of(hass, data) == "generic 1 5.2"
    assert firmware_of(hass, DATA) == "generic 1"
    registry.async_remove(entry.entity_id)
    assert firmware_of(hass, data) == "generic 1"


async def test_a_word_that_nobody_explained_is_0_w_and_a_repair(
    hass: HomeAssistant, garage: Garage, freezer: FrozenDateTimeFactory
) -> None:
    garage.show()
    await garage.tick(freezer, 20)
    assert garage.number() == 7_000
    garage.show(state="Self`check")
    await garage.tick(freezer, 2)
    assert garage.number() == 0
    issue = ir.async_get(hass).async_get_issue(DOMAIN, "word_unknown_EC-garage")
    assert issue is not None
    assert issue.translation_placeholders == {"title": "Garage", "word": "`Self'check`"}
    garage.show(state="Connected")
    await garage.tick(freezer, 20)
    assert ir.async_get(hass).async_get_issue(DOMAIN, "word_unknown_EC-garage") is None
    assert garage.number() == 7_000
