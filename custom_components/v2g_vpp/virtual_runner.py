"""Run a virtual charging station with a car inside Home Assistant.

The package is only loaded when somebody tries it.
"""

import asyncio
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant

from .const import (
    CONF_IDENTITY,
    CONF_OCPP_PORT,
    CONF_PASSWORD,
    CONF_VIRTUAL,
    VIRTUAL_EVCC_ID,
    VIRTUAL_INSIDE,
)
from .coordinator import V2gConfigEntry
from .domain.clock import Clock

PLUG_AFTER_S = 3.0
"""Long enough to see the charger available before its car arrives."""


def start_virtual(
    hass: HomeAssistant, entry: V2gConfigEntry, subentry: ConfigSubentry, clock: Clock
) -> Callable[[], None]:
    """Start the station of a subentry when it is one that runs here.

    Returns:
        What ends it; does nothing for a real station.
    """
    if subentry.data.get(CONF_VIRTUAL) != VIRTUAL_INSIDE:
        return lambda: None
    task = entry.async_create_background_task(
        hass,
        _run(hass, subentry.data, entry.data[CONF_OCPP_PORT], clock),
        f"v2g_vpp virtual station {subentry.data[CONF_IDENTITY]}",
    )
    return lambda: _end(task)


def _end(task: asyncio.Task[None]) -> None:
    task.cancel()


async def _run(
    hass: HomeAssistant, data: Mapping[str, Any], port: int, clock: Clock
) -> None:
    virtual = await hass.async_add_import_executor_job(_load)
    station = virtual.VirtualStation(
        virtual.VirtualStationConfig(
            url=f"ws://127.0.0.1:{port}/",
            identity=data[CONF_IDENTITY],
            password=data[CONF_PASSWORD],
            evcc_id=VIRTUAL_EVCC_ID,
        ),
        clock,
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(station.run())
        await asyncio.sleep(PLUG_AFTER_S)
        station.plug()


def _load() -> ModuleType:
    return import_module(".virtual.station", __package__)
