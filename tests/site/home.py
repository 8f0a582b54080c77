"""A home in virtual time: the real site on simulated stations and an aggregator."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Self

from custom_components.v2g_vpp.domain.capability import Fingerprint, Proof
from custom_components.v2g_vpp.domain.dispatch import (
    AckStatus,
    CommandKind,
    DispatchAck,
    DispatchOrder,
    LinkState,
)
from custom_components.v2g_vpp.domain.events import StationEvent
from custom_components.v2g_vpp.domain.frequency_response import FrequencyResponse
from custom_components.v2g_vpp.domain.ids import (
    EvseKey,
    ProgrammeId,
    StationId,
    VehicleId,
)
from custom_components.v2g_vpp.domain.policy import (
    EvsePolicy,
    Mode,
    StationLimits,
    VehiclePolicy,
    VehicleSpec,
)
from custom_components.v2g_vpp.domain.self_test import SelfTestPhase
from custom_components.v2g_vpp.domain.setpoint import SetpointWrite
from custom_components.v2g_vpp.domain.snapshot import EvseSnapshot, VehicleSnapshot
from custom_components.v2g_vpp.site import Site
from custom_components.v2g_vpp.virtual.plant import TYPICAL, PlantParameters
from tests.site.laws import broken_laws
from tests.site.programme import RecordingProgramme
from tests.site.router import Router
from tests.site.station import SimulatedStation
from tests.site.stores import MemoryStore
from tests.site.virtual_time import running_clock

PROGRAMME = ProgrammeId("programme-1")
VEHICLE = VehicleId("ev1")
HEARTBEAT_S = 5.0
POLL_S = 0.05


class Home:
    """The site, its stations, its store and an aggregator."""

    def __init__(
        self,
        *,
        plants: Iterable[PlantParameters] = (TYPICAL,),
        store: MemoryStore | None = None,
        export_limit_w: float | None = None,
    ) -> None:
        """Build everything; ``start`` brings it to life."""
        self.clock = running_clock()
        self.store = store or MemoryStore()
        self.limits = StationLimits()
        # An hour of all that two vehicles can is more than the budget of their day.
        self.initial = VehiclePolicy(
            is_discharge_allowed=True, cycle_budget_percent=100.0
        )
        self.violations: list[str] = []
        self.failures: list[str] = []
        self.has_heartbeats = True
        self.is_deaf = False
        """True: the process is stuck or dead; no event reaches it."""

        self.is_dead = False
        self.callers: set[asyncio.Task[None]] = set()
        """Who asks the site for something; they end with its process."""

        self._export_limit_w = export_limit_w
        self._tasks: set[asyncio.Task[None]] = set()
        self._site_tasks: set[asyncio.Task[None]] = set()
        self._order_count = 0
        self.stations = [
            SimulatedStation(
                clock=self.clock,
                post=self._post,
                key=EvseKey(StationId(f"CS{number}"), 1),
                evcc_id=f"EV{number}",
                parameters=plant,
            )
            for number, plant in enumerate(plants, start=1)
        ]
        self.programme = RecordingProgramme()
        self.site = self._new_site()

    # --- life ---

    async def __aenter__(self) -> Self:
        """Start with every station connected and every vehicle plugged."""
        await self.load()
        self.run_site()
        self._spawn(self._beat(), "heartbeats")
        for station in self.stations:
            self._spawn(station.live(), str(station.key))
            station.connect()
            station.plug()
        self.site.link_changed(PROGRAMME, is_connected=True)
        await self.run(3)
        return self

    async def __aexit__(self, *_: object) -> None:
        """End everything and show what must never happen."""
        await _cancel(self._site_tasks | self._tasks)
        assert not self.violations, self.violations
        assert not self.failures, self.failures

    async def load(self) -> None:
        """Bring the site up as the composition root does."""
        await self.site.load()
        self.site.use_stations(Router(self.stations, self._judge))
        for number, station in enumerate(self.stations, start=1):
            self.site.add_station(station.key.station_id, self.limits)
            self.site.add_vehicle(
                VehicleSpec(
                    vehicle_id=VehicleId(f"ev{number}"),
                    name=f"Vehicle {number}",
                    capacity_wh=60_000.0,
                    evcc_id=f"EV{number}",
                ),
                self.initial,
            )
        self.site.add_programme(PROGRAMME, self.programme)

    def run_site(self) -> None:
        """Run the control loop."""
        self.is_deaf = self.is_dead = False
        self._spawn(self.site.run(), "control", of_site=True)

    async def crash(self) -> None:
        """Kill the process: nothing is written, no event is heard."""
        self.is_deaf = self.is_dead = True
        for station in self.stations:
            station.is_connected = False
        self.store.crash()
        for caller in self.callers - {asyncio.current_task()}:
            caller.cancel()
        await _cancel(self._site_tasks)

    async def freeze(self) -> None:
        """Stop the control loop and the ears; sockets stay open."""
        self.is_deaf = True
        await _cancel({t for t in self._site_tasks if t.get_name() == "control"})

    async def restart(self) -> None:
        """Start a new process on what the store kept; stations dial in again."""
        await self.crash()
        self.programme = RecordingProgramme()
        self.site = self._new_site()
        await self.load()
        self.run_site()

    def reconnect(self) -> None:
        """Let every station and the broker dial in again."""
        for station in self.stations:
            station.connect()
        self.site.link_changed(PROGRAMME, is_connected=True)

    async def run(self, duration_s: float) -> None:
        """Let time pass."""
        await asyncio.sleep(duration_s)

    async def until(
        self, is_true: Callable[[], bool], within_s: float, what: str = ""
    ) -> float:
        """Wait for something and return how long it took, s."""
        began = self.clock.monotonic()
        while not is_true():
            waited_s = self.clock.monotonic() - began
            assert waited_s <= within_s, f"not within {within_s} s: {what}"
            await asyncio.sleep(POLL_S)
        return self.clock.monotonic() - began

    # --- what is there ---

    @property
    def station(self) -> SimulatedStation:
        """The first station."""
        return self.stations[0]

    @property
    def key(self) -> EvseKey:
        """The EVSE of the first station."""
        return self.station.key

    @property
    def evse(self) -> EvseSnapshot:
        """The first EVSE as the site shows it."""
        return self.evse_at(self.key)

    def evse_at(self, key: EvseKey) -> EvseSnapshot:
        """Return an EVSE as the site shows it."""
        evse = self.site.snapshot.evse(key)
        assert evse is not None
        return evse

    @property
    def vehicle(self) -> VehicleSnapshot:
        """The first vehicle as the site shows it."""
        vehicle = self.site.snapshot.vehicle(VEHICLE)
        assert vehicle is not None
        return vehicle

    def link(self) -> LinkState:
        """What the site believes of the programme's link."""
        programme = self.site.snapshot.programme(PROGRAMME)
        assert programme is not None
        return programme.link

    @property
    def power_w(self) -> float:
        """True power of the first station."""
        return self.station.power_w

    # --- shortcuts ---

    async def prove(self) -> None:
        """Walk the self-test of every EVSE and switch discharge on."""
        # A slow charger shows only now what it was told at the plug.
        await self.run(10)
        for station in self.stations:
            await self.site.start_self_test(station.key)
        for station in self.stations:
            evse = station.key
            await self.until(
                lambda key=evse: (  # type: ignore[misc]  # bound in the loop
                    self.evse_at(key).self_test.phase
                    in {SelfTestPhase.PASSED, SelfTestPhase.FAILED}
                ),
                400,
                "self-test",
            )
            status = self.evse_at(evse).self_test
            assert status.phase is SelfTestPhase.PASSED, status.failure
            await self.allow(evse)
        await self.set_mode(Mode.OFF)
        await self.run(1)

    async def grant(self) -> None:
        """Give every EVSE what the self-test would find, without its minute."""
        for station in self.stations:
            record = self.site._registry.evses[station.key]
            record.proof = Proof(
                dialect=station.dialect,
                firmware=station.firmware,
                dead_man_s=25.0,
                passed_at=self.clock.utcnow().isoformat(),
                proven_power_w=1_650.0,
            )
            record.learner.adopt(
                Fingerprint(
                    dead_time_s=station.parameters.dead_time_s + 1.0,
                    ramp_w_per_s=1_640.0,
                    offset_discharge_w=station.parameters.offset_discharge_w,
                    offset_zero_w=station.parameters.offset_zero_w,
                    is_learnt=True,
                )
            )
            await self.allow(station.key)
        await self.set_mode(Mode.OFF)
        await self.run(12)

    async def allow(self, key: EvseKey, *, is_allowed: bool = True) -> None:
        """Turn the discharge switch."""
        await self.site.set_evse_policy(
            key, lambda policy: replace(policy, is_discharge_allowed=is_allowed)
        )

    async def set_mode(self, mode: Mode) -> None:
        """Choose the mode of every EVSE."""

        def change(policy: EvsePolicy) -> EvsePolicy:
            return replace(policy, mode=mode)

        for station in self.stations:
            await self.site.set_evse_policy(station.key, change)

    async def set_floors(self, reserve: float, vpp: float) -> None:
        """Set both floors of the first vehicle."""
        await self.site.set_vehicle_policy(
            VEHICLE,
            lambda policy: replace(
                policy, reserve_percent=reserve, vpp_reserve_percent=vpp
            ),
        )

    def order(
        self,
        power_w: float,
        *,
        duration_s: float = 3_600.0,
        start_in_s: float = 0.0,
        resource: EvseKey | None = None,
        kind: CommandKind = CommandKind.SETPOINT,
        programme_id: ProgrammeId = PROGRAMME,
        signed_ago_s: float = 0.0,
        response: FrequencyResponse | None = None,
        event_id: str | None = None,
        is_test: bool = False,
    ) -> DispatchAck:
        """Send an order and return the verdict."""
        self._order_count += 1
        now, start = self.clock.monotonic(), timedelta(seconds=start_in_s)
        start_at = self.clock.utcnow() + start
        return self.site.receive_order(
            DispatchOrder(
                order_id=f"order-{self._order_count}",
                programme_id=programme_id,
                kind=kind,
                resource=resource,
                power_w=power_w,
                start_at=start_at,
                end_at=start_at + timedelta(seconds=duration_s),
                start_mono_s=now + start_in_s,
                ends_mono_s=now + start_in_s + duration_s,
                sent_mono_s=now - signed_ago_s,
                response=response,
                event_id=event_id,
                is_test=is_test,
            )
        )

    def is_at(self, power_w: float, tolerance_w: float = 250.0) -> bool:
        """Return True when the first station is at a power."""
        return abs(self.power_w - power_w) <= tolerance_w

    async def discharge(self, power_w: float = -5_000.0) -> DispatchAck:
        """Dispatch a discharge and wait until it flows."""
        ack = self.order(power_w)
        assert ack.status is AckStatus.ACCEPTED, ack
        await self.until(lambda: self.is_at(power_w), 60, f"{power_w} W")
        return ack

    # --- inside ---

    def _new_site(self) -> Site:
        return Site(
            store=self.store,
            clock=self.clock,
            spawn=lambda coro, name: self._spawn(coro, name, of_site=True),
            export_limit_w=self._export_limit_w,
        )

    def _judge(self, write: SetpointWrite) -> None:
        if self.is_dead:
            self.violations.append(f"{write} from a dead process")
        self.violations += broken_laws(self.site, write, self.clock.monotonic())

    def _post(self, event: StationEvent) -> None:
        if not self.is_deaf:
            self.site.post(event)

    async def _beat(self) -> None:
        while True:
            if self.has_heartbeats and not self.is_deaf:
                self.beat()
            await asyncio.sleep(HEARTBEAT_S)

    def beat(self) -> None:
        """Let a heartbeat arrive."""
        self.site.heartbeat_seen(PROGRAMME, self.clock.monotonic())

    def _spawn(
        self, coro: Coroutine[Any, Any, None], name: str, *, of_site: bool = False
    ) -> object:
        # Home Assistant starts background tasks eagerly, so a write leaves at once.
        task = asyncio.Task(
            coro, loop=asyncio.get_running_loop(), name=name, eager_start=True
        )
        tasks = self._site_tasks if of_site else self._tasks
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(self._note_failure)
        return task

    def _note_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.failures.append(f"{task.get_name()}: {task.exception()!r}")


async def _cancel(tasks: set[asyncio.Task[None]]) -> None:
    for task in list(tasks):
        task.cancel()
    for task in list(tasks):
        with suppress(asyncio.CancelledError):
            await task
