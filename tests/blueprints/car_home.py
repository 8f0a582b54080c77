"""A home with one outlet and a car, and short words for what automations do to it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
import time
from typing import Any, ClassVar, Self

from homeassistant.config_entries import ConfigEntryState, ConfigSubentryData
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp.const import (
    CONF_CAPACITY_KWH,
    CONF_EVCC_ID,
    CONF_FUSE_A,
    CONF_GRID,
    CONF_IDENTITY,
    CONF_MAY_DISCHARGE,
    CONF_NAME,
    CONF_PASSWORD,
    CONF_PHASE_COUNT,
    CONF_VEHICLE_ID,
    DOMAIN,
    SUBENTRY_STATION,
    SUBENTRY_VEHICLE,
)
from custom_components.v2g_vpp.domain.capability import (
    DischargeDialect,
    Fingerprint,
    Proof,
)
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.site import Site
from custom_components.v2g_vpp.system_clock import SystemClock
from custom_components.v2g_vpp.virtual.config import VirtualStationConfig
from custom_components.v2g_vpp.virtual.plant import IDEAL
from custom_components.v2g_vpp.virtual.station import VirtualStation

ROOT = Path(__file__).parents[2]
BLUEPRINTS = ROOT / "blueprints"
FOLDER = BLUEPRINTS / "automation" / DOMAIN

IDENTITY = "CS-1"
EVCC_ID = "DELEAF0000000001"
PASSWORD = "0123456789abcdef0123"
KEY = EvseKey(StationId(IDENTITY), 1)
GRID_METER = "sensor.grid"

STATION = ConfigSubentryData(
    subentry_type=SUBENTRY_STATION,
    title="Garage",
    unique_id=f"station_{IDENTITY}",
    data={CONF_IDENTITY: IDENTITY, CONF_PASSWORD: PASSWORD},
)
VEHICLE = ConfigSubentryData(
    subentry_type=SUBENTRY_VEHICLE,
    title="Leaf",
    unique_id="vehicle_leaf",
    data={
        CONF_VEHICLE_ID: "leaf",
        CONF_NAME: "Leaf",
        CONF_CAPACITY_KWH: 40,
        CONF_EVCC_ID: EVCC_ID,
        CONF_MAY_DISCHARGE: True,
    },
)
POLL_S = 0.02
METER_PERIOD_S = 0.5
SETTLED_S = 0.2


class CarHome:
    """The home, its virtual station, and the entities by what they are."""

    OPTIONS: ClassVar[dict[str, Any]] = {
        CONF_GRID: GRID_METER,
        CONF_PHASE_COUNT: 1,
        CONF_FUSE_A: 40,
    }

    def __init__(self, hass: HomeAssistant, entry: MockConfigEntry, port: int) -> None:
        """Entering the context connects the station and plugs the car in."""
        self.hass, self.entry = hass, entry
        self.station = VirtualStation(
            VirtualStationConfig(
                url=f"ws://127.0.0.1:{port}/",
                identity=IDENTITY,
                password=PASSWORD,
                plant=IDEAL,
                evcc_id=EVCC_ID,
                startup_s=0.1,
                tick_s=0.1,
            ),
            SystemClock(),
        )
        self.load_w = 500.0
        """Of the home, beside the outlet; below 0 the panels leave something over."""

        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [
            self.hass.async_create_background_task(self.station.run(), "station"),
            self.hass.async_create_background_task(self._run_meter(), "grid meter"),
        ]
        await self.until(lambda: self._is_known, 20, "a charger that was read")
        await self.plug()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.hass.states.async_entity_ids("automation"):
            await self.call("automation", "turn_off", "all")
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self.entry.state is ConfigEntryState.LOADED:
            assert await self.hass.config_entries.async_unload(self.entry.entry_id)
        await self.hass.async_block_till_done()

    async def _run_meter(self) -> None:
        """The meter of the grid shows the home and what flows at the outlet."""
        unit = {"unit_of_measurement": "W"}
        while True:
            grid_w = self.load_w + self.station.status().true_power_w
            self.hass.states.async_set(GRID_METER, f"{grid_w:.0f}", unit)
            await asyncio.sleep(METER_PERIOD_S)

    # --- what is there ---

    @property
    def site(self) -> Site:
        site: Site = self.entry.runtime_data.site
        return site

    @property
    def power_w(self) -> float:
        """What truly flows at the virtual station; positive charges."""
        return self.station.status().true_power_w

    @property
    def _is_known(self) -> bool:
        station = self.site.snapshot.station(KEY.station_id)
        return (
            station is not None
            and station.is_ready
            and self.site.snapshot.evse(KEY) is not None
        )

    def entity(self, platform: str, end_of_unique_id: str) -> str:
        """Return the id of the one entity with this end of its unique id."""
        registry = er.async_get(self.hass)
        found = [
            one.entity_id
            for one in registry.entities.values()
            if one.platform == DOMAIN
            and one.domain == platform
            and one.unique_id.endswith(end_of_unique_id)
        ]
        assert len(found) == 1, f"{platform} *{end_of_unique_id}: {found}"
        return found[0]

    def device_of(self, entity_id: str) -> str:
        """Return the device of an entity."""
        entry = er.async_get(self.hass).async_get(entity_id)
        assert entry is not None
        assert entry.device_id is not None
        return entry.device_id

    @property
    def mode(self) -> str:
        return self.entity("select", "_mode")

    @property
    def outlet(self) -> str:
        """The device of the outlet."""
        return self.device_of(self.mode)

    @property
    def vehicle(self) -> str:
        """The device of the car."""
        return self.device_of(self.entity("time", "_ready_by"))

    def state(self, entity_id: str) -> str | None:
        state: State | None = self.hass.states.get(entity_id)
        return None if state is None else state.state

    # --- what happens ---

    async def automate(self, name: str, **inputs: Any) -> None:
        """Make an automation of a blueprint, as a user does in the editor."""
        automation = {
            "id": name,
            "alias": name,
            "use_blueprint": {"path": f"{DOMAIN}/{name}.yaml", "input": inputs},
        }
        assert await async_setup_component(
            self.hass, "automation", {"automation": [automation]}
        )
        await self.settle()
        assert self.state(f"automation.{name}") == "on"

    async def settle(self) -> None:
        """Give automations a moment; one that waits for somebody does not end."""
        await asyncio.sleep(SETTLED_S)

    async def set_state(
        self, entity_id: str, state: object, **attributes: object
    ) -> None:
        self.hass.states.async_set(entity_id, str(state), attributes)
        await self.settle()

    async def call(
        self, domain: str, action: str, entity_id: str, **data: object
    ) -> None:
        """Call an action of an entity, as the user interface does."""
        data["entity_id"] = entity_id
        await self.hass.services.async_call(domain, action, data, blocking=True)
        await self.settle()

    async def choose(self, option: str) -> None:
        """The owner chooses a mode."""
        await self.call("select", "select_option", self.mode, option=option)

    async def plug(self) -> None:
        self.station.plug()
        await self.until(lambda: self._evse().has_transaction, 20, "a transaction")
        await self.settle()

    async def unplug(self) -> None:
        self.station.unplug()
        await self.until(lambda: not self._evse().is_plugged, 20, "an empty outlet")
        await self.settle()

    async def allow_discharge(self) -> None:
        """Give what the self-test would find, without its minutes."""
        record = self.site._registry.evses[KEY]
        record.proof = Proof(
            dialect=DischargeDialect.V21_DYNAMIC,
            wording=self.site._registry.station_of(KEY).wording,
            firmware="1.0.0",
            dead_man_s=21.0,
            passed_at=SystemClock().utcnow().isoformat(),
            proven_power_w=1_800.0,
        )
        record.learner.adopt(
            Fingerprint(dead_time_s=0.5, ramp_w_per_s=3_300.0, is_learnt=True)
        )
        await self.call(
            "switch", "turn_on", self.entity("switch", "_discharge_allowed")
        )

    async def until(
        self, is_true: Callable[[], bool], within_s: float, what: str
    ) -> None:
        """Wait for something."""
        began_s = time.monotonic()
        while not is_true():
            if time.monotonic() - began_s > within_s:
                raise AssertionError(f"not in {within_s} s: {what}\n{self._picture()}")
            await asyncio.sleep(POLL_S)

    async def until_state(self, entity_id: str, state: str) -> None:
        await self.until(
            lambda: self.state(entity_id) == state, 20, f"{entity_id} is {state}"
        )

    def _evse(self) -> Any:
        evse = self.site.snapshot.evse(KEY)
        assert evse is not None
        return evse

    def _picture(self) -> str:
        shown = [str(self.station.status()), *map(str, self.site.snapshot.evses)]
        states = self.hass.states.async_all(("select", "automation"))
        return "\n".join([*shown, *map(str, states)])
