"""A home with the integration and one charger that Home Assistant already knows."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
import time
from typing import Any, Final, Self

from homeassistant.config_entries import ConfigEntryState, ConfigSubentryData
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp import const
from custom_components.v2g_vpp.domain.capability import Proof
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.self_test import SelfTestPhase
from custom_components.v2g_vpp.domain.snapshot import EvseSnapshot
from custom_components.v2g_vpp.site import Site

IDENTITY: Final = "ENT1"
KEY: Final = EvseKey(StationId(IDENTITY), 1)
GRID_METER: Final = "sensor.grid"
VEHICLE: Final = ConfigSubentryData(
    subentry_type=const.SUBENTRY_VEHICLE,
    title="Leaf",
    unique_id="vehicle_leaf",
    data={
        const.CONF_VEHICLE_ID: "leaf",
        const.CONF_NAME: "Leaf",
        const.CONF_CAPACITY_KWH: 60,
        const.CONF_MAY_DISCHARGE: True,
    },
)
METER_PERIOD_S: Final = 1.0
POLL_S: Final = 0.5


def charger(data: Mapping[str, Any], *, title: str = "Garage") -> ConfigSubentryData:
    """Return the subentry of a charger that is known through entities."""
    return ConfigSubentryData(
        subentry_type=const.SUBENTRY_ENTITY_STATION,
        title=title,
        unique_id=f"station_{IDENTITY}",
        data={const.CONF_IDENTITY: IDENTITY, const.CONF_NAME: title, **data},
    )


class EntityHome:
    """The home, and short words for what happens in it."""

    def __init__(
        self,
        hass: HomeAssistant,
        port: int,
        data: Mapping[str, Any],
        power_w: Callable[[], float],
        *others: ConfigSubentryData,
    ) -> None:
        """Entering the context sets the integration up.

        Args:
            hass: where the entities of the charger are already.
            port: of the listener for other chargers.
            data: of the charger, without its identity.
            power_w: what truly flows at it.
            others: subentries beside it and the vehicle.
        """
        self.hass, self._power_w = hass, power_w
        self.load_w = 500.0
        """Of the home, beside the charger."""

        self.entry = MockConfigEntry(
            domain=const.DOMAIN,
            title="Home",
            data={const.CONF_OCPP_HOST: "127.0.0.1", const.CONF_OCPP_PORT: port},
            options={
                const.CONF_GRID: GRID_METER,
                const.CONF_PHASE_COUNT: 1,
                const.CONF_FUSE_A: 63,
            },
            subentries_data=[charger(data), VEHICLE, *others],
        )
        self._meter: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._meter = self.hass.async_create_background_task(
            self._run_meter(), "grid meter"
        )
        self.entry.add_to_hass(self.hass)
        assert await async_setup_component(self.hass, const.DOMAIN, {})
        await self.hass.async_block_till_done()
        assert self.entry.state is ConfigEntryState.LOADED
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._meter is not None:
            self._meter.cancel()
            with suppress(asyncio.CancelledError):
                await self._meter

    async def _run_meter(self) -> None:
        while True:
            self.hass.states.async_set(
                GRID_METER,
                f"{self.load_w + self._power_w():.0f}",
                {ATTR_UNIT_OF_MEASUREMENT: "W"},
            )
            await asyncio.sleep(METER_PERIOD_S)

    # --- what is there ---

    @property
    def site(self) -> Site:
        site: Site = self.entry.runtime_data.site
        return site

    @property
    def power_w(self) -> float:
        """What truly flows, W."""
        return self._power_w()

    @property
    def evse(self) -> EvseSnapshot:
        evse = self.site.snapshot.evse(KEY)
        assert evse is not None
        return evse

    @property
    def proof(self) -> Proof | None:
        return self.site._registry.evses[KEY].proof

    @property
    def issues(self) -> set[str]:
        """Keys of the repairs that are shown."""
        return {
            issue.translation_key or ""
            for issue in ir.async_get(self.hass).issues.values()
            if issue.domain == const.DOMAIN and issue.active
        }

    def entity(self, platform: str, end_of_unique_id: str) -> str:
        """Return the id of the one entity with this end of its unique id."""
        registry = er.async_get(self.hass)
        found = [
            one.entity_id
            for one in registry.entities.values()
            if one.platform == const.DOMAIN
            and one.domain == platform
            and one.unique_id.endswith(end_of_unique_id)
        ]
        assert len(found) == 1, f"{platform} *{end_of_unique_id}: {found}"
        return found[0]

    def state(self, platform: str, end_of_unique_id: str) -> str:
        state = self.hass.states.get(self.entity(platform, end_of_unique_id))
        return "gone" if state is None else state.state

    @property
    def outlet(self) -> str:
        """The device of the outlet."""
        mode = er.async_get(self.hass).async_get(self.entity("select", "_mode"))
        assert mode is not None
        assert mode.device_id is not None
        return mode.device_id

    # --- what happens ---

    async def run(self, duration_s: float) -> None:
        await asyncio.sleep(duration_s)

    async def until(
        self, is_true: Callable[[], bool], within_s: float, what: str
    ) -> float:
        """Wait for something and return how long it took, s."""
        began_s = time.monotonic()
        while not is_true():
            if time.monotonic() - began_s > within_s:
                raise AssertionError(f"not in {within_s} s: {what}\n{self._picture()}")
            await asyncio.sleep(POLL_S)
        return time.monotonic() - began_s

    async def until_power(
        self, power_w: float, within_s: float, tolerance_w: float = 300.0
    ) -> float:
        return await self.until(
            lambda: abs(self.power_w - power_w) <= tolerance_w,
            within_s,
            f"{power_w} W",
        )

    async def act(self, domain: str, action: str, entity_id: str, **data: Any) -> None:
        """Call an action of an entity, as the user interface does."""
        data["entity_id"] = entity_id
        await self.hass.services.async_call(domain, action, data, blocking=True)

    async def do(self, action: str, **data: Any) -> None:
        """Call an action of the integration on the outlet."""
        data["device_id"] = self.outlet
        await self.hass.services.async_call(const.DOMAIN, action, data, blocking=True)

    async def ready(self) -> None:
        """Wait until the charger is read, with the vehicle of the home at it."""
        await self.until(
            lambda: (
                self.site.snapshot.evse(KEY) is not None and self.evse.has_transaction
            ),
            120,
            "a transaction",
        )
        if self.evse.vehicle_id is None:
            await self.act(
                "select",
                "select_option",
                self.entity("select", "_vehicle"),
                option="Leaf",
            )
        # Meters have to report a while before they count.
        await self.run(60)

    async def prove(self) -> None:
        """Press the button of the self-test, wait for its end, allow discharging."""
        await self.act("button", "press", self.entity("button", "_self_test"))
        ends = {SelfTestPhase.PASSED, SelfTestPhase.FAILED}
        await self.until(lambda: self.evse.self_test.phase in ends, 1_800, "self-test")
        status = self.evse.self_test
        assert status.phase is SelfTestPhase.PASSED, f"{status}\n{self._picture()}"
        await self.act("switch", "turn_on", self.entity("switch", "_discharge_allowed"))

    def _picture(self) -> str:
        shown = [
            *map(str, self.site.snapshot.stations),
            *map(str, self.site.snapshot.evses),
        ]
        mine = (
            s
            for s in self.hass.states.async_all()
            if "charger" in s.entity_id or "quasar" in s.entity_id
        )
        return "\n".join([*shown, *map(str, mine)])
