"""A simulated charging station with one EVSE, a plant, a battery and a dead-man."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

from custom_components.v2g_vpp.domain.capability import (
    DIALECT_TIMING,
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
    StationEvent,
    StationReady,
    TransactionPhase,
    TransactionReported,
    VehicleIdentified,
)
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId, TransactionId
from custom_components.v2g_vpp.domain.requests import StationAnswer, StationRequest
from custom_components.v2g_vpp.domain.setpoint import (
    MAX_WRITE_AGE_S,
    SetpointWrite,
    WriteResult,
    WriteStatus,
)
from custom_components.v2g_vpp.domain.state import ConnectorStatus
from custom_components.v2g_vpp.domain.units import energy_wh, percent_of, share_of
from custom_components.v2g_vpp.virtual.plant import TYPICAL, Plant, PlantParameters
from tests.fakes import FakeClock
from tests.site.station_words import (
    ANSWER_TIMEOUT_S,
    NEEDS,
    Answer,
    Script,
    Write,
    measured_by,
)

STEP_S = 0.25
METER_EVERY = 4
"""Steps between two readings of the meter: one second."""


@dataclass(slots=True, kw_only=True)
class SimulatedStation(Script):
    """It obeys writes, expiry and offline rules as a real one must."""

    clock: FakeClock
    post: Callable[[StationEvent], None]
    """Where its events go; a home that hangs or is dead hears nothing."""

    meter_every: int = METER_EVERY
    """How many steps the meter waits between two readings."""

    key: EvseKey = field(default=EvseKey(StationId("CS1"), 1))
    parameters: PlantParameters = TYPICAL
    capacity_wh: float = 60_000.0
    evcc_id: str = "EV1"
    firmware: str = "1.0"
    dialect: DischargeDialect = DischargeDialect.V21_DYNAMIC
    needs: EvCapability = NEEDS
    unattended_w: float = 0.0
    senses: dict[str, float] = field(default_factory=dict)
    """What its meter tells besides, by the name of the reading."""

    has_floor_profile: bool = True
    protocol: str = "ocpp2.1"
    requests: list[tuple[StationRequest, float]] = field(default_factory=list)

    is_connected: bool = False
    is_plugged: bool = False
    transaction_id: TransactionId | None = None
    stored_wh: float = 42_000.0
    shown_percent: float | None = None
    """What the vehicle says whatever it holds; None: the truth in whole percents."""

    discharged_wh: float = 0.0
    charged_wh: float = 0.0
    command_w: float = 0.0
    expires_s: float = 0.0
    plant: Plant = field(init=False)
    _number: int = 0
    _stepped_s: float = 0.0

    def __post_init__(self) -> None:
        self.plant = Plant(self.parameters)
        self._stepped_s = self.clock.monotonic()

    # --- what a test asks of it ---

    @property
    def power_w(self) -> float:
        """True power now."""
        return self.plant.power_w

    @property
    def soc_percent(self) -> float:
        """True state of charge."""
        return percent_of(self.stored_wh, self.capacity_wh)

    def set_soc(self, soc_percent: float) -> None:
        """Put the battery to a state of charge."""
        self.stored_wh = share_of(soc_percent, self.capacity_wh)

    def connect(self) -> None:
        """Dial in and tell everything that a home learns at a new link."""
        self.is_connected = True
        station_id = self.key.station_id
        self._tell(StationConnected(station_id=station_id, protocol=self.protocol))
        self._tell(
            StationBooted(
                station_id=station_id,
                vendor="Vendor",
                model="Model",
                firmware=self.firmware,
            )
        )
        self._tell(
            StationReady(
                station_id=station_id,
                capability=self.capability(),
                has_floor_profile=self.has_floor_profile,
            )
        )
        self.tell_status()
        if self.transaction_id is not None:
            self._tell_transaction(TransactionPhase.UPDATED)
            self._tell_meter()

    def capability(self) -> StationCapability:
        """Return what its device model says."""
        return StationCapability(
            protocol=self.protocol,
            evse_ids=(self.key.evse_id,),
            dialect=self.dialect,
            max_charge_power_w=11_000.0,
            max_discharge_power_w=11_000.0,
        )

    def disconnect(self) -> None:
        """Lose the link; what runs goes on until it expires."""
        if not self.is_connected:
            return
        self._tell(
            StationDisconnected(station_id=self.key.station_id, cause="link lost")
        )
        self.is_connected = False

    def plug(self) -> None:
        """Plug the vehicle in; the station authorises it and starts."""
        if self.is_plugged:
            return
        self.is_plugged = True
        self.tell_status()
        if self.starts_by_itself:
            self._begin()

    def unplug(self) -> None:
        """Pull the plug, under load if there is any."""
        if not self.is_plugged:
            return
        self.advance()
        self.is_plugged = False
        self.plant.cut()
        self.tell_status()
        if self.transaction_id is not None:
            self._end()

    def advance(self) -> None:
        """Let the power path follow up to now."""
        now = self.clock.monotonic()
        if now <= self._stepped_s:
            return
        if self._stepped_s < self.expires_s < now:
            self._move(self.expires_s)
        self._move(now)

    def lowest_since(self, mono_s: float) -> float:
        """Return the strongest discharge since a moment, as a signed power."""
        return min((p for at, p in self.powers_w if at >= mono_s), default=0.0)

    # --- its life ---

    async def live(self) -> None:
        """Step the plant and read the meter until cancelled."""
        count = 0
        while True:
            await asyncio.sleep(STEP_S)
            self.advance()
            self.powers_w.append((self.clock.monotonic(), self.power_w))
            count += 1
            is_metering = self.transaction_id is not None and self.has_meter
            if count % self.meter_every == 0 and is_metering:
                self._tell_meter()

    # --- commands ---

    async def write_setpoint(self, write: SetpointWrite) -> WriteResult:
        """Take a setpoint as a station does."""
        now = self.clock.monotonic()
        noted = Write(
            power_w=write.power_w,
            at_mono_s=now,
            decided_mono_s=write.decided_mono_s,
            is_renewal=write.is_renewal,
            is_accepted=False,
        )
        self.writes.append(noted)
        if write.power_w < 0 and now - write.decided_mono_s > MAX_WRITE_AGE_S:
            return WriteResult(status=WriteStatus.STALE)
        refusal = await self._answer(self.answer)
        if refusal is not None:
            return refusal
        if write.transaction_id is None or write.transaction_id != self.transaction_id:
            return WriteResult(status=WriteStatus.REJECTED, detail="no_transaction")
        noted.is_accepted = True
        self.advance()
        if not (self.ignores_stops and write.power_w == 0):
            self.told_w = write.power_w
            scale = -self.scale if self.is_reversed else self.scale
            self.command_w = write.power_w * scale
            told_s = DIALECT_TIMING[self.dialect].validity_s
            valid_s = told_s if self.validity_s is None else self.validity_s
            self.expires_s = self.clock.monotonic() + valid_s
        else:
            self.expires_s = inf
        return WriteResult(status=WriteStatus.ACCEPTED, on_wire_mono_s=now)

    async def end_transaction(self, transaction_id: TransactionId) -> WriteResult:
        """End the transaction: the contactor opens."""
        self.ended.append(self.clock.monotonic())
        refusal = await self._answer(Answer.REJECT if self.ignores_end else self.answer)
        if refusal is not None:
            return refusal
        if transaction_id == self.transaction_id:
            self.advance()
            self.plant.cut()
            self._end()
        return WriteResult(status=WriteStatus.ACCEPTED)

    async def start_transaction(self) -> WriteResult:
        """Begin a transaction with the vehicle that is plugged."""
        self.started.append(self.clock.monotonic())
        refusal = await self._answer(self.start_answer)
        if refusal is not None:
            return refusal
        loop = asyncio.get_running_loop()
        loop.call_later(self.start_s, self._begin)
        return WriteResult(status=WriteStatus.ACCEPTED)

    async def clear_charging_profile(self) -> WriteResult:
        """Clear the transaction profile."""
        refusal = await self._answer(self.answer)
        if refusal is None:
            self.cleared += 1
            self.advance()
            self.expires_s = self.clock.monotonic()
        return refusal or WriteResult(status=WriteStatus.ACCEPTED)

    async def change_availability(self, *, is_operative: bool) -> WriteResult:
        """Go out of operation, which opens the contactor, or come back."""
        self.availability.append((self.clock.monotonic(), is_operative))
        is_refused = self.ignores_inoperative and not is_operative
        refusal = await self._answer(Answer.REJECT if is_refused else self.answer)
        if refusal is not None:
            return refusal
        self.is_operative = is_operative
        if not is_operative and self.transaction_id is not None:
            self.advance()
            self.plant.cut()
            self._end()
        self.tell_status()
        return WriteResult(status=WriteStatus.ACCEPTED)

    async def reset(self) -> WriteResult:
        """Boot anew: the contactor opens and no profile survives."""
        self.resets.append(self.clock.monotonic())
        refusal = await self._answer(
            Answer.REJECT if self.ignores_reset else self.answer
        )
        if refusal is not None:
            return refusal
        self.advance()
        self.plant.cut()
        if self.transaction_id is not None:
            self._end()
        return WriteResult(status=WriteStatus.ACCEPTED)

    async def read_schedule(self) -> float | None:
        """Say what it was told, unless it is one that says another thing."""
        self.asked.append(self.clock.monotonic())
        if await self._answer(self.answer) is not None or self.plans is None:
            return None
        return self.told_w * self.plans

    async def ask(self, request: StationRequest) -> StationAnswer:
        """Note what else is wanted, and the power that runs meanwhile."""
        self.requests.append((request, self.power_w))
        refusal = await self._answer(self.answer)
        return StationAnswer(
            result=refusal or WriteResult(status=WriteStatus.ACCEPTED), action="Asked"
        )

    async def allow_energy_transfer(self, *, may_discharge: bool) -> WriteResult:
        """Note what the vehicle may do."""
        self.allowed.append(may_discharge)
        refusal = await self._answer(self.answer)
        return refusal or WriteResult(status=WriteStatus.ACCEPTED)

    # --- inside ---

    async def _answer(self, answer: Answer) -> WriteResult | None:
        if not self.is_connected:
            return WriteResult(status=WriteStatus.OFFLINE)
        if answer is Answer.SILENT:
            await asyncio.sleep(ANSWER_TIMEOUT_S)
            return WriteResult(status=WriteStatus.TIMEOUT)
        await asyncio.sleep(self.answer_s)
        if not self.is_connected:
            return WriteResult(status=WriteStatus.OFFLINE)
        if answer is Answer.REJECT:
            return WriteResult(status=WriteStatus.REJECTED, detail="no_way")
        return None

    def _move(self, until_s: float) -> None:
        command_w = (
            self.command_w if self._stepped_s < self.expires_s else self.unattended_w
        )
        if self.transaction_id is None or not self.is_plugged or self.is_asleep:
            command_w = 0.0
        moved = self.plant.step(until_s - self._stepped_s, command_w)
        self._stepped_s = until_s
        charged_wh = energy_wh(moved.charged_ws, 1.0)
        discharged_wh = energy_wh(moved.discharged_ws, 1.0)
        self.charged_wh += charged_wh
        self.discharged_wh += discharged_wh
        self.stored_wh += charged_wh - discharged_wh

    def _begin(self) -> None:
        if self.transaction_id is not None or not self.is_plugged:
            return
        self._number += 1
        self.transaction_id = TransactionId(f"{self.key.station_id}-{self._number}")
        self.command_w, self.told_w, self.expires_s = 0.0, 0.0, inf
        self._tell(VehicleIdentified(key=self.key, evcc_id=self.evcc_id))
        self._tell_transaction(TransactionPhase.STARTED)
        self._tell(ChargingNeedsReported(key=self.key, needs=self.needs))
        self._tell_meter()

    def _end(self) -> None:
        self._tell_transaction(TransactionPhase.ENDED)
        self.transaction_id = None

    def _tell(self, event: StationEvent) -> None:
        if self.is_connected:
            self.post(event)

    def tell_status(self) -> None:
        """Report the connector."""
        status = (
            ConnectorStatus.OCCUPIED if self.is_plugged else ConnectorStatus.AVAILABLE
        )
        if not self.is_operative:
            status = ConnectorStatus.UNAVAILABLE
        self._tell(ConnectorReported(key=self.key, connector_id=1, status=status))

    def _tell_transaction(self, phase: TransactionPhase) -> None:
        assert self.transaction_id is not None
        self._tell(
            TransactionReported(
                key=self.key,
                transaction_id=self.transaction_id,
                phase=phase,
                is_plugged=self.is_plugged,
            )
        )

    def _tell_meter(self) -> None:
        measurement = measured_by(
            self.clock,
            power_w=self.plant.measured_w(),
            soc_percent=(
                float(int(self.soc_percent))
                if self.shown_percent is None
                else self.shown_percent
            ),
            energy_charged_wh=self.charged_wh,
            energy_discharged_wh=self.discharged_wh,
            **self.senses,
        )
        self._tell(MeasurementReported(key=self.key, measurement=measurement))
