"""Triggers and conditions by purpose, in automations of a real Home Assistant."""

import json
from pathlib import Path
from typing import Any

from homeassistant.components.automation.const import DOMAIN as AUTOMATION_DOMAIN
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict
import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from custom_components.v2g_vpp import condition, trigger
from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.domain.events import FaultReported
from custom_components.v2g_vpp.domain.faults import FaultCode
from tests.shell.conftest import STATION, VEHICLE
from tests.shell.home import KEY, Home
from tests.shell.test_event_entities import announce
from tests.shell.test_programme_entities import unreachable_programme

FOLDER = Path(trigger.__file__).parent


@pytest.fixture
def subentries() -> list[ConfigSubentryData]:
    return [STATION, VEHICLE, unreachable_programme()]


@pytest.fixture
async def calls(hass: HomeAssistant) -> list[ServiceCall]:
    return async_mock_service(hass, "test", "ran")


async def automate(home: Home, *, conditions: Any = (), **triggers: Any) -> None:
    """Make one automation with one trigger, by its name and target."""
    ((kind, target),) = triggers.items()
    automation = {
        "alias": "it",
        "triggers": [{"trigger": f"{DOMAIN}.{kind}", "target": target}],
        "conditions": list(conditions),
        "actions": [{"action": "test.ran"}],
    }
    assert await async_setup_component(
        home.hass, AUTOMATION_DOMAIN, {AUTOMATION_DOMAIN: [automation]}
    )
    await home.settle()
    state = home.hass.states.get("automation.it")
    assert state is not None
    assert state.state == "on"


async def end(home: Home) -> None:
    await home.hass.services.async_call(
        AUTOMATION_DOMAIN, "turn_off", {"entity_id": "all"}, blocking=True
    )


async def discharge(home: Home) -> None:
    """The meter shows a discharge, whoever asked for it."""
    for _ in range(3):
        await home.measure(power_w=-3_000.0)


async def test_discharge_begins_at_the_outlet_that_was_chosen(
    home: Home, calls: list[ServiceCall]
) -> None:
    await home.connect()
    await home.plug_in()
    await automate(home, discharging_started={"device_id": home.evse_device_id})
    await home.measure(power_w=3_000.0)
    assert calls == []
    await discharge(home)
    await home.settle()
    assert home.state("sensor", "state").state == "discharging"
    assert len(calls) == 1
    await end(home)


@pytest.mark.parametrize(
    ("kind", "is_met"), [("is_discharging", True), ("is_dispatched", False)]
)
async def test_condition_looks_at_the_outlet(
    home: Home, calls: list[ServiceCall], kind: str, *, is_met: bool
) -> None:
    await home.connect()
    await home.plug_in()
    met = {
        "condition": f"{DOMAIN}.{kind}",
        "target": {"device_id": home.evse_device_id},
        "options": {"behavior": "any"},
    }
    target = {"device_id": home.evse_device_id}
    await automate(home, conditions=[met], discharging_started=target)
    await discharge(home)
    await home.settle()
    assert len(calls) == is_met
    await end(home)


async def test_event_of_the_power_plant_is_announced(
    home: Home, calls: list[ServiceCall]
) -> None:
    entity_id = home.entity_id("event", "dispatch", "programme_evening-peak")
    await automate(home, dispatch_announced={"entity_id": entity_id})
    announce(home)
    await home.tick()
    assert len(calls) == 1
    home.site.withdraw_event(announce(home).programme_id, "peak-1")
    await home.tick()
    assert len(calls) == 1, "a withdrawal is no announcement"
    await end(home)


async def test_fault_begins(home: Home, calls: list[ServiceCall]) -> None:
    await home.connect()
    await home.plug_in()
    await automate(home, fault_reported={"device_id": home.evse_device_id})
    fault = FaultCode.GROUND_FAULT
    home.site.post(FaultReported(key=KEY, code=fault, is_active=True, detail="E-61"))
    await home.tick()
    assert len(calls) == 1
    await end(home)


async def test_reserve_is_reached(home: Home, calls: list[ServiceCall]) -> None:
    await home.connect()
    await home.plug_in()
    entity_id = home.entity_id("sensor", "discharge_blocked_by")
    await automate(home, floor_reached={"entity_id": entity_id})
    home.hass.states.async_set(entity_id, "nothing")
    await home.settle()
    assert calls == []
    home.hass.states.async_set(entity_id, "reserve_floor")
    await home.settle()
    assert len(calls) == 1
    # From one reserve to another is no new one.
    home.hass.states.async_set(entity_id, "trip_floor")
    await home.settle()
    assert len(calls) == 1
    await end(home)


def test_each_of_them_is_described_and_has_its_words() -> None:
    texts = json.loads((FOLDER / "translations" / "en.json").read_text())
    icons = json.loads((FOLDER / "icons.json").read_text())
    for kind, code in (
        ("triggers", trigger.TRIGGERS),
        ("conditions", condition.CONDITIONS),
    ):
        described = load_yaml_dict(str(FOLDER / f"{kind}.yaml"))
        assert {name for name in described if name[0] != "."} == code.keys()
        assert texts[kind].keys() == code.keys() == icons[kind].keys()
        for name in code:
            fields = described[name].get("fields", {})
            assert texts[kind][name].get("fields", {}).keys() == fields.keys()
