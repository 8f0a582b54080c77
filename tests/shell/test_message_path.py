"""What must never be on the way of a message from the socket to an entity's state.

Registries are slow and some of their calls are reported; a thread costs more than the
message; schemas are compiled once. Every call of the event loop's thread is looked at
while readings come in on a real link, are decided about and shown.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
import sys
import threading
import time
from types import FrameType, SimpleNamespace
from typing import Any

import aiohttp
from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest

from custom_components.v2g_vpp import sensor
from custom_components.v2g_vpp.const import CONF_OCPP_PORT
from custom_components.v2g_vpp.csms.ocpp_lib import read_schemas
from tests.csms.charger import Charger
from tests.csms.peer import Peer, basic
from tests.shell.conftest import STATION
from tests.shell.home import STATION_ID, Home

MESSAGES = 20
PASSWORD = STATION["data"]["password"]

FORBIDDEN_FILES = {
    "area_registry.py": "registry",
    "device_registry.py": "registry",
    "entity_registry.py": "registry",
    "issue_registry.py": "registry",
    "singleton.py": "registry",
    "ocpp_lib.py": "schemas",
}
FORBIDDEN_NAMES = {
    "run_in_executor": "thread",
    "call_soon_threadsafe": "thread",
    "start_new_thread": "thread",
    "start_joinable_thread": "thread",
    "async_add_executor_job": "thread",
    "load_schemas": "schemas",
    "open": "file",
}


@contextmanager
def watched() -> Iterator[set[tuple[str, str]]]:
    """Collect what is forbidden and was called all the same, with its caller."""
    found: set[tuple[str, str]] = set()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            code = frame.f_code
            kind = FORBIDDEN_FILES.get(Path(code.co_filename).name)
            kind = kind or FORBIDDEN_NAMES.get(code.co_name)
            name, caller = code.co_name, frame.f_back
        elif event == "c_call":
            name, caller = argument.__name__, frame
            kind = FORBIDDEN_NAMES.get(name)
        else:
            return
        if kind is not None:
            found.add((kind, f"{name} from {caller.f_code if caller else None}"))

    with pytest.MonkeyPatch.context() as patch:
        for registry in (ar, dr, er, ir):
            # A cache in C hands these out, which no profile sees.
            patch.setattr(registry, "async_get", noted(registry.async_get, found))
        sys.setprofile(note)
        try:
            yield found
        finally:
            sys.setprofile(None)


def noted(
    get: Callable[[HomeAssistant], Any], found: set[tuple[str, str]]
) -> Callable[[HomeAssistant], Any]:
    def noting(hass: HomeAssistant) -> Any:
        found.add(("registry", get.__module__))
        return get(hass)

    return noting


@pytest.fixture
async def charger(home: Home) -> AsyncIterator[Charger]:
    """Return a station that has booted, was read and has a transaction."""
    # The tests' own far end of the site is not used: this station is on a socket.
    port = home.entry.data[CONF_OCPP_PORT]
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(
            f"ws://127.0.0.1:{port}/ocpp/{STATION_ID}",
            protocols=("ocpp2.1",),
            headers=basic(STATION_ID, PASSWORD),
        )
        peer = Peer(socket)
        charger = Charger(peer)
        await charger.boot()
        async with asyncio.timeout(5):
            while not _is_ready(home):
                await asyncio.sleep(0.01)
        await charger.plug()
        await home.tick()
        await home.settle()
        yield charger
        await peer.leave()


def _is_ready(home: Home) -> bool:
    station = home.site.snapshot.station(STATION_ID)
    return station is not None and station.is_ready


async def tell(home: Home, charger: Charger, number: int) -> None:
    """Report readings that differ from the last ones, and let them be shown."""
    samples = [
        {"measurand": "Power.Active.Import", "value": 1000.0 + 100 * number},
        {"measurand": "Voltage", "value": 230.0 + number},
        {"measurand": "SoC", "value": 50.0 + number % 20, "location": "EV"},
    ]
    event = charger.event("Updated", "MeterValuePeriodic", "Charging")
    # By the clock of the home, or these were readings of days ago.
    event["timestamp"] = dt_util.utcnow().isoformat()
    meter_value = {"timestamp": event["timestamp"], "sampledValue": samples}
    await charger.peer.call("TransactionEvent", {**event, "meterValue": [meter_value]})
    home.site._tick()
    coordinator = home.entry.runtime_data.coordinator
    if coordinator._cancel_wait is not None:
        # As if the second had passed after which numbers are shown again.
        coordinator._cancel_wait()
        coordinator._interval_ended(None)


async def test_readings_reach_the_state_without_registry_thread_or_schema_load(
    home: Home, charger: Charger, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A minute later each time, so that every number may be shown again.
    minutes = count(time.monotonic(), 60.0)
    monkeypatch.setattr(
        sensor, "time", SimpleNamespace(monotonic=lambda: next(minutes))
    )
    # The first ones open what is opened once, and add the entities.
    for number in range(3):
        await tell(home, charger, number)
        await home.settle()
    before = {state.entity_id: state.state for state in home.hass.states.async_all()}
    with watched() as found:
        for number in range(3, 3 + MESSAGES):
            await tell(home, charger, number)
    after = {state.entity_id: state.state for state in home.hass.states.async_all()}
    assert before != after, "nothing was shown"
    assert not found, "\n".join(sorted(map(str, found)))


@pytest.mark.parametrize(
    ("kind", "do"),
    [
        ("registry", lambda hass: dr.async_get(hass).devices),
        ("registry", lambda hass: ir.async_get(hass).issues),
        ("thread", lambda hass: hass.async_add_executor_job(int)),
        ("thread", lambda _: threading.Thread(target=int).start()),
        ("schemas", lambda _: next(read_schemas("ocpp1.6"))),
        ("file", lambda _: Path(__file__).open(encoding="utf-8").close()),
    ],
)
async def test_the_watch_sees_each_of_them(
    hass: HomeAssistant, kind: str, do: Callable[[HomeAssistant], object]
) -> None:
    assert await async_setup_component(hass, "homeassistant", {})
    with watched() as found:
        do(hass)
    assert kind in {seen for seen, _ in found}
    await hass.async_block_till_done()
