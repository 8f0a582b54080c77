"""A home on real sockets: listener, site and a virtual station, in virtual time."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any, Self

from custom_components.v2g_vpp.csms.access import StationConfig
from custom_components.v2g_vpp.csms.schemas import SchemaBook, load_schemas
from custom_components.v2g_vpp.csms.server import ListenAddress, OcppServer
from custom_components.v2g_vpp.domain.capability import (
    DIALECT_TIMING,
    DischargeDialect,
    Fingerprint,
    Proof,
)
from custom_components.v2g_vpp.domain.clock import HomeClock
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId, VehicleId
from custom_components.v2g_vpp.domain.policy import (
    EvsePolicy,
    Mode,
    StationLimits,
    VehiclePolicy,
    VehicleSpec,
)
from custom_components.v2g_vpp.domain.self_test import SelfTestPhase
from custom_components.v2g_vpp.domain.snapshot import EvseSnapshot
from custom_components.v2g_vpp.domain.vendor_setpoint import VendorSetpoint
from custom_components.v2g_vpp.site import Site
from custom_components.v2g_vpp.virtual.config import (
    DEFAULT_EVCC_ID,
    EvseConfig,
    Protocol,
    VirtualStationConfig,
    VirtualStatus,
)
from custom_components.v2g_vpp.virtual.observer import StationObserver
from custom_components.v2g_vpp.virtual.plant import FAST
from custom_components.v2g_vpp.virtual.station import VirtualStation
from custom_components.v2g_vpp.virtual.vendor_power import MESSAGE_ID, VENDOR_ID
from tests.e2e.loopback_time import loopback_clock
from tests.site.stores import MemoryStore

STATION = StationId("CS1")
KEY = EvseKey(STATION, 1)
VEHICLE = VehicleId("leaf")
SECOND_EVCC_ID = "DEVIRTUALEV00002"
SECOND_VEHICLE = VehicleId("zoe")
SECOND_EVSE = EvseConfig(plant=FAST, evcc_id=SECOND_EVCC_ID)
VEHICLES = {1: (VEHICLE, DEFAULT_EVCC_ID), 2: (SECOND_VEHICLE, SECOND_EVCC_ID)}
"""Which vehicle comes to which EVSE, and what it calls itself."""
PASSWORD = "a-password-of-the-test-0123456789"
MESSAGE = VendorSetpoint(
    vendor_id=VENDOR_ID,
    message_id=MESSAGE_ID,
    template=('{"evse": {evse_id}, "power_w": {power_w}, "duration_s": {duration_s}}'),
)
"""How this maker is told a power, for the dialect that needs it."""

POLL_S = 0.2
TICK_S = 0.2
"""Of the station's physics: fine enough for seconds, and quick."""

REST_W = 60.0
"""What a charger at rest may still show."""


def key_of(evse_id: int) -> EvseKey:
    return EvseKey(STATION, evse_id)


class VirtualHome:
    """One station at a listener, and the site behind it."""

    book: dict[str, SchemaBook] = dict(load_schemas())

    def __init__(
        self,
        protocol: Protocol,
        dialect: DischargeDialect = DischargeDialect.V21_DYNAMIC,
        *,
        unattended_charge_w: float = 0.0,
        max_discharge_power_w: float = 5_000.0,
        clock: HomeClock | None = None,
        observer: StationObserver | None = None,
        **changes: Any,
    ) -> None:
        """Build it; entering the context brings it to life.

        Without a clock of its own it lives in the virtual time of its loop.
        """
        self.clock: HomeClock = clock or loopback_clock()
        self.limits = StationLimits(
            max_charge_power_w=11_000.0,
            max_discharge_power_w=max_discharge_power_w,
            unattended_charge_w=unattended_charge_w,
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._station_config = StationConfig(
            identity=STATION,
            password=PASSWORD,
            limits=self.limits,
            dialect=dialect,
            vendor=MESSAGE,
        )
        self._dialect = dialect
        self._observer = observer
        self._changes = {
            "protocols": (protocol,),
            "plant": FAST,
            "tick_s": TICK_S,
            **changes,
        }
        self.site_store, self.station_store = MemoryStore(), MemoryStore()
        self.failures: list[str] = []

    async def __aenter__(self) -> Self:
        self.site = Site(store=self.site_store, clock=self.clock, spawn=self._spawn)
        self.server = OcppServer(
            address=ListenAddress(host="127.0.0.1", port=0),
            schemas=self.book,
            sink=self.site,
            authority=self.site,
            store=self.station_store,
            clock=self.clock,
            spawn=self._spawn,
            stations=[self._station_config],
        )
        self.site.use_stations(self.server)
        await self.site.load()
        self.site.add_station(STATION, self.limits)
        for vehicle_id, evcc_id in VEHICLES.values():
            self.site.add_vehicle(
                VehicleSpec(
                    vehicle_id=vehicle_id,
                    name=vehicle_id.title(),
                    capacity_wh=60_000.0,
                    evcc_id=evcc_id,
                ),
                VehiclePolicy(is_discharge_allowed=True),
            )
        await self.server.start()
        self._spawn(self.site.run(), "control")
        self.station = VirtualStation(
            VirtualStationConfig(
                url=f"ws://127.0.0.1:{self.server.port}/",
                identity=STATION,
                password=PASSWORD,
                **self._changes,
            ),
            self.clock,
            observer=self._observer,
        )
        self._spawn(self.station.run(), "station")
        for evse_id in self.station.evse_ids:
            await self.until(partial(self.has_evse, evse_id), 60, f"EVSE {evse_id}")
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.server.stop()
        assert self.failures == []

    # --- what is there ---

    def has_evse(self, evse_id: int = 1) -> bool:
        return self.site.snapshot.evse(key_of(evse_id)) is not None

    @property
    def evse(self) -> EvseSnapshot:
        return self.evse_at(1)

    def evse_at(self, evse_id: int) -> EvseSnapshot:
        evse = self.site.snapshot.evse(key_of(evse_id))
        assert evse is not None
        return evse

    @property
    def truth(self) -> VirtualStatus:
        return self.station.status()

    @property
    def power_w(self) -> float:
        return self.power_at(1)

    def power_at(self, evse_id: int) -> float:
        return self.station.status(evse_id).true_power_w

    @property
    def is_at_rest(self) -> bool:
        return self.is_at_rest_at(1)

    def is_at_rest_at(self, evse_id: int) -> bool:
        return abs(self.power_at(evse_id)) <= REST_W

    # --- what happens ---

    async def run(self, duration_s: float) -> None:
        await asyncio.sleep(duration_s)

    async def until(
        self, is_true: Callable[[], bool], within_s: float, what: str
    ) -> float:
        """Wait for something and return how long it took, s."""
        began = self.clock.monotonic()
        while not is_true():
            waited_s = self.clock.monotonic() - began
            if waited_s > within_s:
                raise AssertionError(self._what_is(f"not in {within_s} s: {what}"))
            await asyncio.sleep(POLL_S)
        return self.clock.monotonic() - began

    async def plug(self, evse_id: int = 1) -> None:
        """Plug the vehicle in and wait for its transaction."""
        self.station.plug(evse_id)
        await self.until(
            lambda: self.has_evse(evse_id) and self.evse_at(evse_id).has_transaction,
            60,
            "a transaction",
        )
        if self.evse_at(evse_id).vehicle_id is None:
            await self.policy(evse_id, vehicle_id=VEHICLES[evse_id][0])

    async def policy(self, evse_id: int = 1, **changes: Any) -> None:
        def change(policy: EvsePolicy) -> EvsePolicy:
            return replace(policy, **changes)

        await self.site.set_evse_policy(key_of(evse_id), change)

    async def prove(self) -> None:
        """Walk the whole self-test and switch discharge on."""
        await self.until(
            lambda: self.evse.discharge_blocked_by is not None, 60, "a picture"
        )
        await self.run(30)
        await self.site.start_self_test(KEY)
        ends = {SelfTestPhase.PASSED, SelfTestPhase.FAILED}
        await self.until(lambda: self.evse.self_test.phase in ends, 900, "self-test")
        status = self.evse.self_test
        assert status.phase is SelfTestPhase.PASSED, self._what_is(str(status.failure))
        await self.policy(is_discharge_allowed=True)

    async def grant(self, evse_id: int = 1) -> None:
        """Give what the self-test would find, without its minutes."""
        record = self.site._registry.evses[key_of(evse_id)]
        record.proof = Proof(
            dialect=self._dialect,
            wording=self.site._registry.station_of(KEY).wording,
            firmware="1.0.0",
            dead_man_s=DIALECT_TIMING[self._dialect].validity_s + 1.0,
            passed_at=self.clock.utcnow().isoformat(),
            proven_power_w=1_650.0,
        )
        record.learner.adopt(
            Fingerprint(
                dead_time_s=1.0,
                ramp_w_per_s=860.0,
                offset_discharge_w=FAST.offset_discharge_w,
                is_learnt=True,
            )
        )
        await self.policy(evse_id, is_discharge_allowed=True)

    async def discharge(self, power_w: float = -5_000.0, evse_id: int = 1) -> None:
        """Let the owner's mode discharge, and wait until it flows."""
        await self.policy(
            evse_id, mode=Mode.DISCHARGE_NOW, max_discharge_power_w=-power_w
        )
        await self.until(
            lambda: abs(self.power_at(evse_id) - power_w) <= 250, 120, f"{power_w} W"
        )

    # --- inside ---

    def _what_is(self, what: str) -> str:
        truths = (self.station.status(n) for n in self.station.evse_ids)
        shown = (*truths, *self.site.snapshot.evses)
        return "\n".join([what, *map(str, shown)])

    def _spawn(self, coro: Coroutine[Any, Any, None], name: str) -> object:
        task = asyncio.Task(
            coro, loop=asyncio.get_running_loop(), name=name, eager_start=True
        )
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.failures.append(f"{task.get_name()}: {task.exception()!r}")
