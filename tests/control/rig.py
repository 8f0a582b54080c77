"""A closed loop without a wire: coordinator, gate and delivery on a simulated charger.

The charger obeys the dead-man of its dialect: a write that nobody refreshes ends after
its validity. Its meter reports once a second. Nothing here decides anything.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from custom_components.v2g_vpp.control.delivery import (
    DeliveryContext,
    SetpointDelivery,
)
from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.gate import OutputGate
from custom_components.v2g_vpp.control.gate_inputs import GateInputs
from custom_components.v2g_vpp.control.gate_surroundings import GridFacts
from custom_components.v2g_vpp.control.inputs import (
    EvseDecision,
    EvseInputs,
    SiteInputs,
)
from custom_components.v2g_vpp.control.site_gate import GateHome
from custom_components.v2g_vpp.domain.capability import timing_of
from custom_components.v2g_vpp.domain.setpoint import (
    Setpoint,
    SetpointWrite,
    WriteResult,
    WriteStatus,
)
from custom_components.v2g_vpp.domain.units import energy_wh, percent_of
from custom_components.v2g_vpp.virtual.plant import (
    OPEN_ENVELOPE,
    Plant,
    PlantParameters,
    PowerEnvelope,
)
from tests.control.given import NOW, measured

SUBSTEP_S = 0.1
TICK_S = 1.0


@dataclass(slots=True)
class Charger:
    """A plant with a battery behind it and a dead-man in front."""

    plant: Plant
    validity_s: float
    capacity_wh: float = 60_000.0
    stored_wh: float = 42_000.0
    command_w: float = 0.0
    expires_s: float = 0.0
    discharged_wh: float = 0.0
    efficiency: float = 1.0
    """One way, between the meter and the cells."""
    envelope: PowerEnvelope = OPEN_ENVELOPE
    """What the vehicle lets happen."""

    @property
    def soc_percent(self) -> float:
        """True state of charge."""
        return percent_of(self.stored_wh, self.capacity_wh)

    def write(self, power_w: float, now_s: float) -> None:
        """Take a setpoint; it is valid until it expires."""
        self.command_w, self.expires_s = power_w, now_s + self.validity_s

    def run(self, now_s: float, duration_s: float) -> None:
        """Let time pass; an expired setpoint falls to the floor profile of 0 W."""
        command_w = self.command_w if now_s < self.expires_s else 0.0
        moved = self.plant.step(duration_s, command_w, self.envelope)
        charged_wh = energy_wh(moved.charged_ws, 1.0)
        discharged_wh = energy_wh(moved.discharged_ws, 1.0)
        self.stored_wh += charged_wh * self.efficiency - discharged_wh / self.efficiency
        self.discharged_wh += discharged_wh


@dataclass(slots=True)
class Rig:
    """One EVSE under control; ``evse`` may be changed between two seconds."""

    evse: EvseInputs
    parameters: PlantParameters
    site: SiteInputs = field(default_factory=SiteInputs)
    now_s: float = NOW
    is_withheld: bool = False
    is_controlled: bool = True
    """False: nobody ticks any more, as when the process is stuck."""

    is_gated: bool = True
    """False: the coordinator alone, without the output gate behind it."""

    has_events: bool = False
    """True: each second has a second tick at the same moment, as an event makes one."""

    watchdog_s: float | None = None
    """What the charger really waits for the next write, s: infinity ends nothing by
    itself; None: what its dialect says."""

    on_tick: Callable[[Rig], None] | None = None
    """Called before each tick with fresh readings in ``evse``."""

    on_decided: Callable[[Rig, EvseDecision], None] | None = None
    """Called after each tick."""

    coordinator: DischargeCoordinator = field(default_factory=DischargeCoordinator)
    gate: OutputGate = field(default_factory=OutputGate)
    writes: list[SetpointWrite] = field(default_factory=list)
    powers_w: list[tuple[float, float]] = field(default_factory=list)
    """True power at each substep."""

    setpoint: Setpoint | None = None
    decision: EvseDecision | None = None
    charger: Charger = field(init=False)
    delivery: SetpointDelivery = field(init=False)

    def __post_init__(self) -> None:
        """Build the charger of the EVSE's dialect."""
        assert self.evse.station.capability is not None
        validity_s = timing_of(self.evse.station.capability).validity_s
        if self.watchdog_s is not None:
            validity_s = self.watchdog_s
        self.charger = Charger(plant=Plant(self.parameters), validity_s=validity_s)
        self.delivery = SetpointDelivery(self.evse.key)

    def run(self, duration_s: float) -> None:
        """Let seconds pass, one tick at the beginning of each."""
        for _ in range(round(duration_s / TICK_S)):
            for _ in range(self.is_controlled + self.has_events):
                self._tick()
            for _ in range(round(TICK_S / SUBSTEP_S)):
                self.charger.run(self.now_s, SUBSTEP_S)
                self.now_s += SUBSTEP_S
                self.powers_w.append((self.now_s, self.charger.plant.power_w))

    def power_w(self) -> float:
        """Return the true power now."""
        return self.charger.plant.power_w

    def _tick(self) -> None:
        if self._is_meter_due():
            session = replace(
                self.evse.session,
                measurement=measured(
                    self.charger.plant.measured_w(),
                    float(int(self.charger.soc_percent)),
                    self.now_s,
                ),
            )
            self.evse = replace(self.evse, session=session)
        if self.on_tick is not None:
            self.on_tick(self)
        key = self.evse.key
        decision = self.coordinator.step([self.evse], self.site, self.now_s)[key]
        self.decision = decision
        self.setpoint = decision.setpoint
        if self.is_gated:
            self.setpoint = self._gated(decision.setpoint)
        capability = self.evse.station.capability
        assert capability is not None
        write = self.delivery.plan(
            self.setpoint,
            DeliveryContext(
                timing=timing_of(capability, proof=self.evse.proof),
                is_ready=True,
                transaction_id=self.evse.session.transaction_id,
                command_id=self.evse.order.order_id if self.evse.order else None,
                is_withheld=self.is_withheld,
            ),
            self.now_s,
        )
        if self.on_decided is not None:
            self.on_decided(self, decision)
        if write is not None:
            self.writes.append(write)
            self.charger.write(write.power_w, self.now_s)
            accepted = WriteResult(
                status=WriteStatus.ACCEPTED, on_wire_mono_s=self.now_s
            )
            self.delivery.done(write, accepted, self.now_s)

    def _is_meter_due(self) -> bool:
        """Return False between two reports of a meter that is slower than a tick."""
        period_s, last = self.evse.meter_period_s, self.evse.session.measurement.power_w
        if period_s <= TICK_S or last is None:
            return True
        return last.age_s(self.now_s) >= period_s - SUBSTEP_S / 2

    def _gated(self, setpoint: Setpoint) -> Setpoint:
        evse, site = self.evse, self.site
        power = evse.fresh_told_power(self.now_s)
        line = evse.calibration
        self.gate.look(
            GateHome(
                meters=site.meters,
                wiring=site.wiring,
                export_limit_w=site.export_limit_w,
                asked_w={evse.key: setpoint.power_w},
                measured_w={} if power is None else {evse.key: power.value},
                calibrations={} if line is None else {evse.key: line},
            ),
            self.now_s,
        )
        verdict = self.gate.check(
            GateInputs(
                setpoint=setpoint,
                decided_mono_s=self.now_s,
                session=evse.session,
                station=evse.station,
                limits=evse.limits,
                policy=evse.policy,
                vehicle=evse.vehicle,
                vehicle_policy=evse.vehicle_policy,
                proof=evse.proof,
                override=evse.override,
                order=evse.order,
                is_self_test_running=evse.self_test_w is not None,
                is_first_write_pending=evse.is_first_write_pending,
                is_failsafe=site.is_failsafe_for(evse),
                is_store_readable=site.is_store_readable,
                departures=evse.departures,
                cycled_wh=evse.cycled_wh,
                claim=evse.claim,
                plan_w=evse.plan_w,
                is_supporting=evse.is_supporting,
                standby_w=evse.fingerprint.offset_zero_w,
                grid=GridFacts(
                    profile=site.grid_profile, frequency_hz=evse.frequency_hz
                ),
            ),
            self.now_s,
        )
        if verdict.reason is None:
            return setpoint
        return replace(setpoint, power_w=verdict.power_w, reason=verdict.reason)
