"""The home of that day: the real site with two simulated stations and its meters."""

import asyncio
from dataclasses import replace
from typing import override

from custom_components.v2g_vpp.domain.dispatch import AckStatus
from custom_components.v2g_vpp.domain.events import FaultReported
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.ids import EvseKey
from custom_components.v2g_vpp.domain.measurement import Reading
from custom_components.v2g_vpp.domain.policy import EvsePolicy, Mode
from custom_components.v2g_vpp.domain.setpoint import WriteResult
from custom_components.v2g_vpp.domain.site_meters import SiteMeter
from custom_components.v2g_vpp.virtual.plant import TYPICAL
from tests.site.home import Home
from tests.site.station import SimulatedStation

from .plan import (
    DAY_MIN,
    DISPATCHES,
    FAULT_MIN,
    GUEST_ID,
    GUEST_WH,
    MODES,
    POLICY,
    VEHICLES,
    VISITS,
    Visit,
    load_w,
    sun_w,
)

METER_S = 2.0
"""How often stations and meters report: as many do, and half the work of a second."""

LOADED_W = 500.0
"""More than this through a contactor that opens is a hot operation."""


class DayStation(SimulatedStation):
    """A station that counts what its contactor does."""

    def count_from_now(self) -> None:
        """Forget the operations of before the day."""
        self.cold_operations = self.hot_operations = 0

    @override
    async def live(self) -> None:
        self.count_from_now()
        while True:
            await asyncio.sleep(METER_S)
            self.advance()
            if self.transaction_id is not None:
                self._tell_meter()

    @override
    def _begin(self) -> None:
        had_one = self.transaction_id is not None
        super()._begin()
        self.cold_operations += not had_one and self.transaction_id is not None

    @override
    def unplug(self) -> None:
        self.advance()
        self._note_opening()
        super().unplug()

    @override
    async def end_transaction(self, transaction_id: str) -> WriteResult:
        self.advance()
        self._note_opening()
        return await super().end_transaction(transaction_id)  # type: ignore[arg-type]  # a NewType

    def _note_opening(self) -> None:
        if self.transaction_id is None:
            return
        if abs(self.power_w) > LOADED_W:
            self.hot_operations += 1
        else:
            self.cold_operations += 1


class DayHome(Home):
    """Two outlets, panels and a meter at the grid; the plan moves all of it."""

    def __init__(self) -> None:
        """Build it; the day begins with ``begin``."""
        super().__init__(plants=(TYPICAL, TYPICAL))
        self.stations: list[DayStation] = [  # type: ignore[assignment]  # of a list
            DayStation(
                clock=self.clock,
                post=self._post,
                key=station.key,
                evcc_id=station.evcc_id,
                parameters=station.parameters,
            )
            for station in self.stations
        ]
        self.load_w, self.sun_w = load_w(), sun_w()
        self.midnight_s = 0.0
        self.accepted = 0
        """Dispatches that the home took."""

    async def begin(self, minute: int) -> None:
        """Prove both outlets, name the vehicles, and let the day begin at a minute."""
        for spec in VEHICLES:
            self.site.add_vehicle(spec, POLICY)
            await self.site.set_vehicle_policy(spec.vehicle_id, lambda _: POLICY)
        await self.prove()
        for outlet, station in enumerate(self.stations):
            station.unplug()
            await self._choose(station.key, _mode_before(outlet, minute))
            visit = visit_at(outlet, minute)
            if visit is not None:
                self.arrive(visit)
        self.site.use_meters((SiteMeter.GRID, SiteMeter.SOLAR))
        self.midnight_s = self.clock.monotonic() - 60.0 * minute
        self.report_meters()
        await self.run(20)
        for station in self.stations:
            station.count_from_now()
        self.midnight_s = self.clock.monotonic() - 60.0 * minute

    @property
    def second(self) -> int:
        """Seconds since midnight."""
        passed_s = round(self.clock.monotonic() - self.midnight_s)
        return max(0, min(DAY_MIN * 60 - 1, passed_s))

    def grid_w(self) -> float:
        """Return the true power from the grid."""
        vehicles_w = sum(station.power_w for station in self.stations)
        return self.load_w[self.second] - self.sun_w[self.second] + vehicles_w

    def report_meters(self) -> None:
        """Let the meters of the home report."""
        for meter, power_w in (
            (SiteMeter.GRID, self.grid_w()),
            (SiteMeter.SOLAR, self.sun_w[self.second]),
        ):
            reading = Reading(
                value=power_w,
                received_mono_s=self.clock.monotonic(),
                taken_at=self.clock.utcnow(),
            )
            self.site.post_meter(meter, reading)

    async def start_minute(self, minute: int) -> None:
        """Carry out what the plan has for a minute."""
        for visit in VISITS:
            if minute == visit.until_min:
                await self._leave(visit)
            if minute == visit.from_min and minute > 0:
                self.arrive(visit)
        for change in MODES:
            if minute == change.at_min:
                await self._choose(self.stations[change.outlet].key, change.mode)
        for dispatch in DISPATCHES:
            if minute == dispatch.from_min:
                duration_s = 60.0 * dispatch.duration_min
                ack = self.order(dispatch.power_w, duration_s=duration_s)
                self.accepted += ack.status is AckStatus.ACCEPTED
        if minute in FAULT_MIN:
            self._post(
                FaultReported(
                    key=self.stations[0].key,
                    code=FaultCode.STATION_FAULTED,
                    is_active=minute == FAULT_MIN[0],
                )
            )

    def arrive(self, visit: Visit) -> None:
        """Plug a vehicle in."""
        station, spec = self.stations[visit.outlet], visit.vehicle
        station.evcc_id = (spec.evcc_id if spec else None) or GUEST_ID
        station.capacity_wh = spec.capacity_wh if spec else GUEST_WH
        station.set_soc(visit.soc_percent)
        station.plug()

    async def _leave(self, visit: Visit) -> None:
        """Stop as a driver does at the charger, then pull the plug."""
        station = self.stations[visit.outlet]
        await self._choose(station.key, Mode.OFF)
        await self.run(15)
        station.unplug()

    async def _choose(self, key: EvseKey, mode: Mode) -> None:
        def change(policy: EvsePolicy) -> EvsePolicy:
            return replace(policy, mode=mode)

        await self.site.set_evse_policy(key, change)


def visit_at(outlet: int, minute: int) -> Visit | None:
    """Return who is at an outlet in a minute."""
    return next(
        (
            visit
            for visit in VISITS
            if visit.outlet == outlet and visit.from_min <= minute < visit.until_min
        ),
        None,
    )


def _mode_before(outlet: int, minute: int) -> Mode:
    """Return the mode that an outlet had before a minute."""
    modes = [c.mode for c in MODES if c.outlet == outlet and c.at_min < minute]
    return modes[-1] if modes else Mode.OFF
