"""The home at run time: one writer of every record, one loop, one picture.

Data flows one way: stations and aggregators post into it, the control loop decides,
ports carry the decision out, and a frozen ``SiteSnapshot`` shows what came of it.
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
import logging
from typing import Any, override

from ..control.failsafe import VppWatchdog
from ..domain.clock import HomeClock
from ..domain.errors import StationError
from ..domain.events import MeasurementReported, StationEvent
from ..domain.grant import ALL_GRANTED, Grant
from ..domain.ids import EvseKey, ProgrammeId, StationId, VehicleId
from ..domain.loop_lag import LAG_RULE, LagFigures, LagRule
from ..domain.policy import StationLimits, VehiclePolicy, VehicleSpec
from ..domain.ports import (
    ProgrammePort,
    Spawn,
    StationPort,
    Store,
    Unsubscribe,
)
from ..domain.requests import StationRequest
from ..domain.snapshot import SiteSnapshot
from .calibration_door import CalibrationDoor
from .control_loop import ControlLoop
from .delivered_energy import DeliveredEnergy
from .delivery_desk import DeliveryDesk
from .dispatch_door import DispatchDoor
from .event_door import EventDoor
from .event_recorder import EventRecorder
from .guest_door import GuestDoor
from .host_watch import HostWatch
from .keeper import Keeper
from .lease_door import LeaseDoor
from .ledger_door import LedgerDoor
from .meter_door import MeterDoor
from .orders import OrderDesk
from .owner_door import OwnerDoor
from .owner_knobs import OwnerKnobs
from .picture import draw, redraw
from .programme_record import ProgrammeRecord
from .records import VehicleRecord
from .registry import Registry
from .rehearsal_door import RehearsalDoor
from .service_desk import ServiceDesk
from .spread import spread_of
from .station_router import StationRouter
from .user_commands import UserCommands
from .waker import Waker

_LOGGER = logging.getLogger(__name__)

TICK_S = 1.0
"""Control runs this often at least, and at once after every event."""

STAND_DOWN_TIMEOUT_S = 5.0
"""Home Assistant gives its shutdown jobs little more than this."""


TURN_S = 0.05
"""The way to the other direction rests at 0 W for one step, which must not become a
whole second: the first setpoint of a dispatch is promised sooner."""


class Site(
    DispatchDoor,
    EventDoor,
    GuestDoor,
    LeaseDoor,
    LedgerDoor,
    MeterDoor,
    OwnerDoor,
    CalibrationDoor,
    RehearsalDoor,
):
    """The home. All methods are called in the event loop."""

    def __init__(
        self,
        *,
        store: Store,
        clock: HomeClock,
        spawn: Spawn,
        export_limit_w: float | None = None,
        lag_rule: LagRule = LAG_RULE,
    ) -> None:
        """Build an empty home; ``load`` and ``use_stations`` come before ``run``.

        Args:
            store: of the site's own document.
            clock: all three clocks.
            spawn: starts a background task that its owner ends at shutdown.
            export_limit_w: most that the home may feed into the grid, None: no limit.
            lag_rule: when the loop is too late for a discharge.
        """
        self._clock, self._spawn = clock, spawn
        self._registry = Registry()
        desk = self._desk = OrderDesk(self._registry, clock)
        self._router = StationRouter()
        self._delivery = DeliveryDesk(self._registry, self._router, clock, spawn)
        self._host = HostWatch(lag_rule, self._wake)
        self._loop = ControlLoop(
            self._registry, desk, self._delivery, clock, export_limit_w, self._host
        )
        super().__init__(self._registry, desk, self._loop, clock, self._wake)
        self._commands = UserCommands(self._registry, self._loop, clock)
        self._services = ServiceDesk(self._registry, self._router, self._commands)
        self._knobs = OwnerKnobs(self._registry, self._desk, self._delivery)
        self._delivered = DeliveredEnergy(self._registry)
        self._keeper = Keeper(self._registry, store, clock)
        self._recorder = EventRecorder(self._registry, clock)
        self._listeners: list[Callable[[SiteSnapshot], None]] = []
        self._snapshot = SiteSnapshot(export_limit_w=export_limit_w)
        self._waker = Waker()

    @property
    def snapshot(self) -> SiteSnapshot:
        """The last picture of the home."""
        return self._snapshot

    def lag_figures(self) -> LagFigures | None:
        """Return how late the loop was in the last minutes, None when not known."""
        return self._host.figures()

    def subscribe(self, listener: Callable[[SiteSnapshot], None]) -> Unsubscribe:
        """Call ``listener`` with every new picture until the returned call."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            with suppress(ValueError):
                self._listeners.remove(listener)

        return unsubscribe

    def use_stations(self, port: StationPort) -> None:
        """Tell the site how to reach its charging stations."""
        self._router.use(port)

    def use_station_port(self, station_id: StationId, port: StationPort) -> Unsubscribe:
        """Tell the site how to reach one station, until the returned call.

        All others stay at the port of ``use_stations``.
        """
        return self._router.use_for(station_id, port)

    async def load(self) -> None:
        """Read what survived; unreadable means latched, never "as if new"."""
        await self._keeper.load()
        self._loop.is_store_readable = self._keeper.is_trusted

    async def run(self) -> None:
        """Control the home until cancelled."""
        with self._host.looking():
            while True:
                changed = self._waker.began()
                try:
                    self._tick(changed)
                except Exception:
                    # Control goes on with the next tick. Until one succeeds nothing is
                    # written, and the chargers end every discharge by themselves.
                    _LOGGER.exception("control tick failed")
                await self._waker.wait(TURN_S if self._loop.is_turning else TICK_S)

    async def stand_down(self) -> None:
        """Bring every discharging EVSE to 0 W, then send nothing any more."""
        await self._delivery.stand_down(STAND_DOWN_TIMEOUT_S)
        await self._keeper.save()
        await self._save_ledgers()

    def add_station(self, station_id: StationId, limits: StationLimits) -> None:
        """Add a station with the state that was kept of it, or change its limits."""
        is_new = station_id not in self._registry.stations
        self._registry.add_station(station_id, limits)
        if is_new:
            self._keeper.restore_station(station_id)
            for record in self._registry.evses_of(station_id):
                self._loop.recall(record)
        self._wake()

    async def retire_station(self, station_id: StationId) -> None:
        """Bring a station to 0 W, then forget it: nothing flows on unattended."""
        for record in list(self._registry.evses_of(station_id)):
            if record.session.transaction_id is not None:
                with suppress(StationError):
                    await self._commands.stop(record.key)
        self.remove_station(station_id)

    def remove_station(self, station_id: StationId) -> None:
        """Forget a station that is at 0 W; no other one notices."""
        for record in list(self._registry.evses_of(station_id)):
            self._loop.forget(record.key)
        self._registry.remove_station(station_id)
        self._keeper.forget("evses", lambda key: key.rpartition("/")[0] == station_id)
        self._keeper.forget("stations", lambda key: key == station_id)
        self._wake()

    def add_vehicle(self, spec: VehicleSpec, initial: VehiclePolicy) -> None:
        """Add a vehicle, or change its facts; its knobs are kept once it is known."""
        known = self._registry.vehicles.get(spec.vehicle_id)
        if known is not None:
            known.spec = spec
        else:
            record = VehicleRecord(spec=spec, policy=initial)
            self._registry.vehicles[spec.vehicle_id] = record
            self._keeper.restore_vehicle(record)
        self._wake()

    def remove_vehicle(self, vehicle_id: VehicleId) -> None:
        """Forget a vehicle; where it is plugged it becomes a guest."""
        self._registry.vehicles.pop(vehicle_id, None)
        self._keeper.forget("vehicles", lambda key: key == vehicle_id)
        self._wake()

    def add_programme(
        self,
        programme_id: ProgrammeId,
        port: ProgrammePort,
        grant: Grant = ALL_GRANTED,
    ) -> None:
        """Join a programme; ``port`` carries the answers, ``grant`` bounds it."""
        watchdog = VppWatchdog(spread=spread_of(programme_id))
        record = ProgrammeRecord(port=port, watchdog=watchdog, grant=grant)
        self._registry.programmes[programme_id] = record
        self._keeper.restore_programme(programme_id, record)
        self._wake()

    def remove_programme(self, programme_id: ProgrammeId, *, is_removed: bool) -> None:
        """End what a programme asked for; keep nothing of one that was left."""
        self._keeper.remember()
        if is_removed:
            self._recorder.conclude(programme_id)
        self._part_from_ledger(programme_id)
        self._registry.programmes.pop(programme_id, None)
        if is_removed:
            self._keeper.forget("programmes", lambda key: key == programme_id)
        self._wake()

    async def ask_station(
        self, station_id: StationId, request: StationRequest
    ) -> Mapping[str, Any]:
        """Ask a station for a service; what opens its contactor waits for 0 W.

        Raises:
            UnknownTarget, StationOffline, StationRejected, StationTimeout,
            SettingProtected, OutOfOperation.
        """
        try:
            return await self._services.ask(station_id, request)
        finally:
            self._publish()
            await self._keeper.save()

    def post(self, event: StationEvent) -> None:
        """Apply one event of a station."""
        now_mono_s = self._clock.monotonic()
        if isinstance(event, MeasurementReported):
            self._measured(event, now_mono_s)
            return
        before = self._registry.session_of(event)
        if not self._registry.apply(event, now_mono_s):
            return
        if before is not None and self._registry.session_of(event) == before:
            # Told again what is known: nothing to decide, to show or to keep.
            return
        self._keeper.save_later()
        self._save_news()
        self._wake()

    def _measured(self, event: MeasurementReported, now_mono_s: float) -> None:
        """Take readings: most of what comes in, so it goes the shortest way."""
        record = self._registry.evses.get(event.key)
        before = record.session if record is not None else None
        if not self._registry.apply(event, now_mono_s):
            return
        if record is not None and before is not None:
            if record.session == before:
                return
            self._delivered.credit(record, before.measurement)
        self._keeper.save_later()
        self._waker.soon(event.key)

    def may_vehicle_discharge(self, station_id: StationId, evcc_id: str | None) -> bool:
        """Return True when the owner allowed V2X for the vehicle of this id."""
        return self._registry.may_vehicle_discharge(station_id, evcc_id)

    @override
    def _wake(self) -> None:
        self._waker.now()

    @override
    def _wake_soon(self) -> None:
        self._waker.soon_for_all()

    @override
    def _tick(self, changed: Collection[EvseKey] | None = None) -> None:
        self._publish(self._loop.tick(changed))

    def _save_news(self) -> None:
        if self._registry.take_news():
            self._spawn(self._keeper.save(), "v2g_vpp save")

    def _publish(self, changed: Collection[EvseKey] | None = None) -> None:
        self._save_news()
        self._recorder.look()
        if self._loop.take_must_tick_again():
            self._wake()
        now_mono_s, now_at = self._clock.monotonic(), self._clock.utcnow()
        if changed is None:
            snapshot = draw(
                self._snapshot,
                self._registry,
                now_mono_s=now_mono_s,
                now_at=now_at,
                is_store_readable=self._loop.is_store_readable,
                is_host_late=self._host.is_late,
            )
        else:
            snapshot = redraw(
                self._snapshot, self._registry, changed, now_mono_s, now_at
            )
        if snapshot == self._snapshot:
            return
        self._snapshot = snapshot
        for programme in self._registry.programmes.values():
            programme.port.publish(snapshot)
        for listener in tuple(self._listeners):
            listener(snapshot)
