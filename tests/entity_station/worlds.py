"""The worlds of these tests: one Home Assistant, one charger, the integration."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
import json
from pathlib import Path
import time
from typing import Any, Final

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from custom_components.v2g_vpp import const
from custom_components.v2g_vpp.entity_profile import load_profiles

from .documented import QUASAR_PAGE, with_endpoint, yaml_blocks
from .entity_home import EntityHome
from .entity_plants import (
    ENABLED,
    FAULT,
    PLAIN,
    POWER,
    SETPOINT,
    SOC,
    STATE,
    EntityPlant,
    Kind,
    entities,
)
from .modbus_server import serving
from .quasar import Quasar
from .virtual_hass import virtual_hass

GUARDED: Final = replace(PLAIN, idle_timeout_s=20.0)
"""It ends a power by itself 20 s after the last write."""

PROFILE: Final = load_profiles()["wallbox_quasar1_modbus"]
QUASAR: Final[Mapping[str, Any]] = {
    **PROFILE.identity,
    **PROFILE.set_up,
    const.CONF_POWER_ENTITY: "sensor.quasar_power",
    const.CONF_STATE_ENTITY: "sensor.quasar_state",
    const.CONF_SOC_ENTITY: "sensor.quasar_state_of_charge",
    const.CONF_SCRIPT_ENTITY: "script.quasar_set_power",
}
"""The profile that is shipped, with the entities of the page."""

PLANT: Final[Mapping[str, Any]] = {
    const.CONF_POWER_ENTITY: POWER,
    const.CONF_STATE_ENTITY: STATE,
    const.CONF_PLUGGED_STATES: ["plugged"],
    const.CONF_FREE_STATES: ["free"],
    const.CONF_SOC_ENTITY: SOC,
    const.CONF_FAULT_ENTITY: FAULT,
    const.CONF_HEALTHY_STATES: ["ok"],
    const.CONF_WRITE_WAY: "signed_number",
    const.CONF_SETPOINT_ENTITY: SETPOINT,
    const.CONF_MAX_CHARGE_POWER_W: 11_000,
    const.CONF_MAX_DISCHARGE_POWER_W: 11_000,
    "min_charge_w": 1_000,
    "min_discharge_w": 1_000,
    "min_write_interval_s": 1,
    "settle_s": 5,
    "read_period_s": 1,
}
WITH_A_SWITCH: Final[Mapping[str, Any]] = {
    const.CONF_STOP_WAY: "switch",
    const.CONF_STOP_ENTITY: ENABLED,
    "zero_forbidden": True,
}
"""It is stopped by a switch, because 0 is a fault to it."""

IN_THE_CLOUD: Final[Mapping[str, Any]] = {
    const.CONF_WRITE_UNIT: "A",
    "min_charge_w": 1_380,
    "min_discharge_w": 1_380,
    "min_write_interval_s": 10,
    "settle_s": 100,
    "read_period_s": 90,
    "reverts": True,
}


@asynccontextmanager
async def quasar_home(
    config_dir: Path,
    ports: tuple[int, int],
    quasar: Quasar,
) -> AsyncIterator[EntityHome]:
    """Give a home whose Quasar is known as the page tells, with a vehicle at it."""
    config = with_endpoint(yaml_blocks(QUASAR_PAGE)[0], ports[0])
    async with serving(quasar, ports[0]), virtual_hass(config_dir) as hass:
        for domain in config:
            assert await async_setup_component(hass, domain, config)
        data = by_registry(hass, QUASAR)
        home = EntityHome(hass, ports[1], data, lambda: quasar.charger.power_w)
        async with home:
            await home.ready()
            yield home


@asynccontextmanager
async def plant_home(
    config_dir: Path,
    port: int,
    kind: Kind = GUARDED,
    *,
    others: tuple[ConfigSubentryData, ...] = (),
    soc_percent: float = 60.0,
    **changes: Any,
) -> AsyncIterator[tuple[EntityHome, EntityPlant]]:
    """Give a home with a charger behind template entities, with a vehicle at it."""
    text = json.dumps({"template": entities(kind)})
    (config_dir / "configuration.yaml").write_text(text, encoding="utf-8")
    async with (
        virtual_hass(config_dir) as hass,
        EntityPlant(hass, time.monotonic, kind, soc_percent=soc_percent) as plant,
    ):
        data = {**PLANT, **changes}
        if kind.idle_timeout_s is not None:
            data.setdefault("watchdog_s", kind.idle_timeout_s)
        home = EntityHome(
            hass, port, by_registry(hass, data), lambda: plant.power_w, *others
        )
        async with home:
            await home.ready()
            yield home, plant


def by_registry(hass: HomeAssistant, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data with entities by their registry id, as the flow keeps them."""
    registry = er.async_get(hass)

    def kept(key: str, value: Any) -> Any:
        known = registry.async_get(value) if key.endswith("_entity") else None
        return value if known is None else known.id

    return {key: kept(key, value) for key, value in data.items()}
