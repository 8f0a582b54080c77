"""A home on a real core: what its stations say, and what is said to them."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.domain.capability import (
    DischargeDialect,
    EvCapability,
    StationCapability,
)
from custom_components.v2g_vpp.domain.events import (
    ChargingNeedsReported,
    ConnectorReported,
    MeasurementReported,
    StationBooted,
    StationConnected,
    StationDisconnected,
    StationReady,
    TransactionPhase,
    TransactionReported,
    VehicleIdentified,
)
from custom_components.v2g_vpp.domain.ids import (
    EvseKey,
    StationId,
    TransactionId,
    VehicleId,
)
from custom_components.v2g_vpp.domain.measurement import Measurement, Reading
from custom_components.v2g_vpp.domain.requests import StationAnswer, StationRequest
from custom_components.v2g_vpp.domain.setpoint import (
    SetpointWrite,
    WriteResult,
    WriteStatus,
)
from custom_components.v2g_vpp.domain.snapshot import (
    EvseSnapshot,
    VehicleSnapshot,
)
from custom_components.v2g_vpp.domain.state import ConnectorStatus
from custom_components.v2g_vpp.domain.visitor import VisitorReport
from custom_components.v2g_vpp.site import Site

STATION_ID = StationId("CS-1")
VEHICLE_ID = VehicleId("leaf")
KEY = EvseKey(STATION_ID, 1)
TAKEN_AT = datetime(2026, 1, 15, 12, tzinfo=UTC)
ACCEPTED = WriteResult(status=WriteStatus.ACCEPTED)


@dataclass
class RecordingStations:
    """The far end of the site: takes every command, as a willing station does."""

    answer: WriteResult = ACCEPTED
    writes: list[SetpointWrite] = field(default_factory=list)
    cleared: list[EvseKey] = field(default_factory=list)
    closed: list[StationId] = field(default_factory=list)
    asked: list[StationRequest] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)
    guests: dict[StationId, str] = field(default_factory=dict)
    visitors: dict[StationId, VisitorReport] = field(default_factory=dict)

    async def write_setpoint(self, write: SetpointWrite) -> WriteResult:
        self.writes.append(write)
        return replace(self.answer, on_wire_mono_s=time.monotonic())

    async def end_transaction(
        self, key: EvseKey, transaction_id: TransactionId
    ) -> WriteResult:
        return self.answer

    async def start_transaction(self, key: EvseKey) -> WriteResult:
        return self.answer

    async def clear_charging_profile(self, key: EvseKey) -> WriteResult:
        self.cleared.append(key)
        return self.answer

    async def allow_energy_transfer(
        self, key: EvseKey, transaction_id: TransactionId, *, may_discharge: bool
    ) -> WriteResult:
        return self.answer

    async def change_availability(
        self, key: EvseKey, *, is_operative: bool
    ) -> WriteResult:
        return self.answer

    async def reset(self, key: EvseKey) -> WriteResult:
        return self.answer

    async def read_schedule(self, key: EvseKey) -> float | None:
        return None

    async def ask(
        self, station_id: StationId, request: StationRequest
    ) -> StationAnswer:
        self.asked.append(request)
        return StationAnswer(result=self.answer, action="Asked", data=self.told)

    async def close_link(self, station_id: StationId) -> None:
        self.closed.append(station_id)

    def admit_provisionally(
        self, identity: StationId, secret: str, ttl_s: float
    ) -> None:
        self.guests[identity] = secret

    def end_provisional(self, identity: StationId) -> None:
        self.guests.pop(identity, None)

    def visitor(self, identity: StationId) -> VisitorReport | None:
        if identity not in self.guests:
            return None
        return self.visitors.get(identity, VisitorReport())


@dataclass
class Home:
    """One set-up home, and short words for what happens in it."""

    hass: HomeAssistant
    entry: MockConfigEntry
    stations: RecordingStations

    @classmethod
    def willing(cls, hass: HomeAssistant, entry: MockConfigEntry) -> Home:
        """Return a home that was set up, with stations that take every command."""
        home = cls(hass, entry, RecordingStations())
        home.site.use_stations(home.stations)
        return home

    @property
    def site(self) -> Site:
        site: Site = self.entry.runtime_data.site
        return site

    async def settle(self) -> None:
        await self.hass.async_block_till_done()

    async def connect(self, evse_ids: tuple[int, ...] = (1,)) -> None:
        """A bidirectional station dials in and is read."""
        self.site.post(StationConnected(station_id=STATION_ID, protocol="ocpp2.1"))
        self.site.post(
            StationBooted(
                station_id=STATION_ID,
                vendor="Example",
                model="Two-way 11",
                serial_number="SN-1",
                firmware="1.2.3",
            )
        )
        self.site.post(
            StationReady(
                station_id=STATION_ID,
                capability=StationCapability(
                    protocol="ocpp2.1",
                    evse_ids=evse_ids,
                    dialect=DischargeDialect.V21_DYNAMIC,
                    supports_dynamic_profiles=True,
                    max_charge_power_w=11_000,
                    max_discharge_power_w=11_000,
                    reports_export=True,
                ),
                has_floor_profile=True,
            )
        )
        for evse_id in evse_ids:
            self.site.post(
                ConnectorReported(
                    key=EvseKey(STATION_ID, evse_id),
                    connector_id=1,
                    status=ConnectorStatus.AVAILABLE,
                )
            )
        await self.tick()

    async def disconnect(self) -> None:
        self.site.post(StationDisconnected(station_id=STATION_ID, cause="closed"))
        await self.tick()

    async def plug_in(self) -> None:
        """The known, bidirectional vehicle is plugged in and a session runs."""
        self.site.post(
            ConnectorReported(key=KEY, connector_id=1, status=ConnectorStatus.OCCUPIED)
        )
        self.site.post(VehicleIdentified(key=KEY, evcc_id="DELEAF0000000001"))
        self.site.post(
            ChargingNeedsReported(
                key=KEY,
                needs=EvCapability(
                    is_bidirectional=True,
                    max_charge_power_w=11_000,
                    max_discharge_power_w=11_000,
                ),
            )
        )
        self.site.post(
            TransactionReported(
                key=KEY,
                transaction_id=TransactionId("tx-1"),
                phase=TransactionPhase.STARTED,
                charging_state="Charging",
            )
        )
        await self.measure(power_w=0.0)

    async def measure(
        self,
        power_w: float,
        *,
        soc_percent: float = 70.0,
        energy_charged_wh: float = 12_340.0,
    ) -> None:
        """The station's meter reports."""

        def reading(value: float) -> Reading:
            return Reading(
                value=value, received_mono_s=time.monotonic(), taken_at=TAKEN_AT
            )

        self.site.post(
            MeasurementReported(
                key=KEY,
                measurement=Measurement(
                    power_w=reading(power_w),
                    soc_percent=reading(soc_percent),
                    energy_charged_wh=reading(energy_charged_wh),
                    energy_discharged_wh=reading(5_000.0),
                    voltage_v=reading(231.0),
                    frequency_hz=reading(50.01),
                ),
            )
        )
        await self.tick()

    async def tick(self) -> None:
        """Let control look at what happened, and the entities at the picture."""
        self.site._tick()
        await self.settle()

    async def pass_time(self, freezer: FrozenDateTimeFactory, seconds: float) -> None:
        """Let every clock go on, then control and the entities."""
        freezer.tick(timedelta(seconds=seconds))
        async_fire_time_changed(self.hass, dt_util.utcnow())
        await self.tick()

    def evse(self, key: EvseKey = KEY) -> EvseSnapshot:
        evse = self.site.snapshot.evse(key)
        assert evse is not None
        return evse

    def vehicle(self) -> VehicleSnapshot:
        vehicle = self.site.snapshot.vehicle(VEHICLE_ID)
        assert vehicle is not None
        return vehicle

    def entity_id(self, platform: str, key: str, prefix: str = "CS-1_1") -> str:
        found = er.async_get(self.hass).async_get_entity_id(
            platform, DOMAIN, f"{prefix}_{key}"
        )
        assert found is not None, f"{platform} {prefix}_{key}"
        return found

    def state(self, platform: str, key: str, prefix: str = "CS-1_1") -> State:
        state = self.hass.states.get(self.entity_id(platform, key, prefix))
        assert state is not None
        return state

    def has_entity(self, platform: str, key: str, prefix: str = "CS-1_1") -> bool:
        return (
            er.async_get(self.hass).async_get_entity_id(
                platform, DOMAIN, f"{prefix}_{key}"
            )
            is not None
        )

    @property
    def evse_device_id(self) -> str:
        device = dr.async_get(self.hass).async_get_child_device_by_identifier(
            (DOMAIN, f"evse/{KEY}"), self.entry.entry_id
        )
        assert device is not None
        return device.id

    def device_id(self, identifier: str) -> str:
        device = dr.async_get(self.hass).async_get_device_by_identifier(
            (DOMAIN, identifier), self.entry.entry_id
        )
        assert device is not None
        return device.id
