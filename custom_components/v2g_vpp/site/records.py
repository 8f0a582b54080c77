"""What the running site keeps of each thing; written by the site alone."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import inf

from ..control.calibration import CalibrationRun
from ..control.contactor import ContactorWatch
from ..control.cycle_budget import CycleBudget
from ..control.day_count import DayCount
from ..control.delivery import SetpointDelivery
from ..control.fingerprint import FingerprintLearner
from ..control.frequency_meter import FrequencyMeter
from ..control.gate_surroundings import GridTrace
from ..control.grid import GridVerdict, GridWatch
from ..control.guards import UNLEARNT_ANSWER_S, FlowGuard
from ..control.hardware_guard import HardwareGuard
from ..control.inputs import EvseDecision
from ..control.meter_period import MeterPeriod
from ..control.schedule_check import ScheduleWatch
from ..control.self_test import SelfTest
from ..control.stop_ladder import StopLadder
from ..control.thermal import Heat, ThermalWatch
from ..control.vehicle_watch import VehicleMemory
from ..control.wake import WakeWatch
from ..control.wear import WearMeter
from ..control.wiring_step import Contradictions
from ..control.wiring_watch import WiringLook
from ..control.write_budget import WriteBudget
from ..domain.calibration import Calibration
from ..domain.capability import DischargeDialect, Fingerprint, Proof
from ..domain.energy import NOTHING_KEPT, EnergyTotal, KeptEnergy
from ..domain.events import EmergencyStopReported, FaultReported
from ..domain.faults import FaultCode, SizeHint
from ..domain.frequency_response import SupportRefusal
from ..domain.guarantee import GuaranteeClass
from ..domain.ids import EvseKey, StationId
from ..domain.measurement import Reading
from ..domain.policy import (
    Claim,
    EvsePolicy,
    External,
    Override,
    Plan,
    StationLimits,
    VehiclePolicy,
    VehicleSpec,
)
from ..domain.self_test import ProofLoss, SelfTestStatus
from ..domain.session import EvseSession
from ..domain.setpoint import ControlOwner, Reason, Setpoint, WriteResult
from ..domain.state import EvseState
from ..domain.station_session import StationSession
from ..domain.wiring import WiringFinding

MAX_START_ATTEMPTS = 3
"""Then one now and then: a charger that says no is not nagged."""

IDLE_SETPOINT = Setpoint(
    power_w=0.0,
    requested_w=0.0,
    owner=ControlOwner.NONE,
    reason=Reason.STATION_OFFLINE,
)


@dataclass(slots=True, kw_only=True)
class StationRecord:
    """One charging station of the home."""

    session: StationSession
    limits: StationLimits
    disconnected_mono_s: float | None = None
    """When its link was lost; None while connected or never seen."""

    budget: WriteBudget = field(default_factory=WriteBudget)
    """Of writes that its memory keeps."""

    early_events: dict[object, EmergencyStopReported | FaultReported] = field(
        default_factory=dict
    )
    """What the whole station reported before any of its EVSEs was known."""

    @property
    def station_id(self) -> StationId:
        """The identity of the station."""
        return self.session.station_id

    @property
    def dialect(self) -> DischargeDialect:
        """How a discharge is told to it."""
        capability = self.session.capability
        return capability.dialect if capability else DischargeDialect.NONE

    @property
    def wording(self) -> str:
        """Which words of that dialect it takes."""
        capability = self.session.capability
        return capability.wording if capability else ""


@dataclass(slots=True, kw_only=True)
class EvseRecord:
    """One EVSE: what is known, wanted, decided and sent."""

    session: EvseSession
    policy: EvsePolicy
    delivery: SetpointDelivery
    ladder: StopLadder = field(default_factory=StopLadder)
    guard: FlowGuard = field(default_factory=FlowGuard)
    hardware: HardwareGuard = field(default_factory=HardwareGuard)
    grid: GridWatch = field(default_factory=GridWatch)
    grid_verdict: GridVerdict = field(default_factory=GridVerdict)
    grid_trace: GridTrace = field(default_factory=GridTrace)
    """The same for the output gate, found by itself."""

    grid_frequency_hz: Reading | None = None
    """Of this EVSE, or of another one of the home."""

    frequency: FrequencyMeter = field(default_factory=FrequencyMeter)
    """Of its own readings."""

    support_refusal: SupportRefusal | None = SupportRefusal.NOT_MEASURED
    """Why it does not follow the frequency, None when it can."""

    station_alarms: set[FaultCode] = field(default_factory=set)
    """Of the grid, as the station tells them."""

    is_following: bool = False
    """By an order, or while it rests, the frequency moves its power."""

    is_frequency_fault_ours: bool = False
    has_lost_power: bool = False
    """The station told so since the last look."""

    thermal: ThermalWatch = field(default_factory=ThermalWatch)
    heat: Heat = field(default_factory=Heat)
    contactor: ContactorWatch = field(default_factory=ContactorWatch)
    power_told_mono_s: float = float("-inf")
    """When the station was last told another power than 0."""

    watched_mode: str | None = None
    """The operation mode of the last look at it."""

    link_drops: DayCount = field(default_factory=DayCount)
    """How often the vehicle fell silent."""

    size_hint: SizeHint = SizeHint.UNKNOWN
    """What the power of the last finding of the guard looked like."""

    wiring_look: WiringLook | None = None
    """What the meter of the home saw of it in this tick; None: the home has none."""

    contradictions: Contradictions = field(default_factory=Contradictions)
    wiring_finding: WiringFinding | None = None
    """How the meters contradicted when that was latched; None after a restart."""

    schedule: ScheduleWatch = field(default_factory=ScheduleWatch)
    charged: EnergyTotal = field(default_factory=EnergyTotal)
    discharged: EnergyTotal = field(default_factory=EnergyTotal)
    wake: WakeWatch = field(default_factory=WakeWatch)
    learner: FingerprintLearner = field(default_factory=FingerprintLearner)
    meter_period: MeterPeriod = field(default_factory=MeterPeriod)
    calibration: Calibration | None = None
    """Of its meter; None: the meter is believed."""

    calibration_run: CalibrationRun = field(default_factory=CalibrationRun)
    proof: Proof | None = None
    lost_proof: ProofLoss | None = None
    """Why there is none any more, until there is one or the owner was told."""

    lost_guarantee: GuaranteeClass | None = None
    """What it, or a test since, found of the end of a power; None: there was none, or
    another charger's."""

    override: Override | None = None
    claim: Claim | None = None
    external: External | None = None
    plan: Plan = ()
    self_test: SelfTest | None = None
    self_test_w: float | None = None
    self_test_status: SelfTestStatus = field(default_factory=SelfTestStatus)
    is_withholding: bool = False
    """The self-test lets the station's dead-man fire."""

    memory: VehicleMemory | None = None
    """Of the vehicle that is plugged."""

    kept: KeptEnergy = NOTHING_KEPT
    """For events other than the one that it follows."""

    decision: EvseDecision | None = None
    setpoint: Setpoint = IDLE_SETPOINT
    """After the output gate."""

    state: EvseState = EvseState.UNAVAILABLE
    is_first_write_pending: bool = False
    """A transaction of before the start: its first write is 0 W."""

    last_result: WriteResult | None = None
    failures: int = 0
    """How many commands failed one after the other."""

    accepted_mono_s: float = float("-inf")
    """When the newest setpoint was decided that the station accepted."""

    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever a command to the station ended."""

    has_news_to_save: bool = False
    """A latch or a transaction that must be on disk at once."""

    start_attempts: int = 0
    start_accepted_mono_s: float = float("-inf")
    """When the station last said that it will start a transaction."""

    idle_since_mono_s: float = float("inf")
    """Since when nothing is asked of a running transaction; not known yet at first."""

    rests_since_mono_s: float | None = None
    """At 0 W on a floor of 0 W; None while it is not."""

    is_profile_cleared: bool = False
    """Its transaction profile was cleared since the last power."""

    next_start_mono_s: float = 0.0
    next_telling_mono_s: float = float("-inf")
    """Not before then one more start that shall only tell what nobody knows."""

    next_end_mono_s: float = 0.0
    has_been_left_to_end: bool = False
    """Since the start it was left alone for its own end of a power, in vain or not."""

    is_made_inoperative: bool = False
    """The stop ladder took it out of operation; to be put back after the recovery."""

    next_operative_mono_s: float = 0.0

    @property
    def runner_up(self) -> Reason | None:
        """What would bind the setpoint next; behind the output gate the decision."""
        if self.decision is None:
            return None
        decided = self.decision.setpoint.reason
        is_gated = self.setpoint.reason is not decided
        return decided if is_gated else self.decision.runner_up

    @property
    def fingerprint(self) -> Fingerprint:
        """How the charger behaves, as far as it is known."""
        return self.learner.fingerprint

    @property
    def tracked_session(self) -> EvseSession:
        """The session with the power that flows, as far as the calibration knows."""
        if self.calibration is None:
            return self.session
        measurement = self.session.measurement
        power_w = self.calibration.calibrated(measurement.power_w)
        return replace(self.session, measurement=replace(measurement, power_w=power_w))

    @property
    def can_start_transaction(self) -> bool:
        """True until the station ignored as many starts as it gets per plug."""
        return self.start_attempts < MAX_START_ATTEMPTS

    @property
    def is_left_alone(self) -> bool:
        """True while what it does is not ours: in backup, or at somebody else's word.

        An emergency stop and a latched fault still reach it, and 0 W where somebody
        else's discharge must not be.
        """
        is_external = self.setpoint.owner is ControlOwner.EXTERNAL and (
            self.setpoint.reason is Reason.EXTERNAL
        )
        return (
            self.grid_verdict.is_islanded or is_external
        ) and not self.session.is_latched

    def grant_another_start(self) -> None:
        """Let a station that ignored all of its starts be asked once more."""
        self.start_attempts = min(self.start_attempts, MAX_START_ATTEMPTS - 1)

    def begin_guard_anew(self, now_mono_s: float) -> None:
        """Let the guards wait for what the station does of a new situation."""
        self.guard = FlowGuard(quiet_until_mono_s=now_mono_s + UNLEARNT_ANSWER_S)

    @property
    def is_stopped_by_owner(self) -> bool:
        """True after the owner's stop, until the owner returns to automatic."""
        override = self.override
        return (
            override is not None
            and override.power_w == 0
            and override.ends_mono_s == inf
        )

    def stop_by_owner(self) -> None:
        """Hold 0 W until the owner returns to automatic."""
        self.override = Override(key=self.key, power_w=0.0, ends_mono_s=inf)

    def end_self_test(self) -> None:
        """Return to the other owners."""
        self.self_test, self.self_test_w, self.is_withholding = None, None, False

    @property
    def key(self) -> EvseKey:
        """The key of the EVSE."""
        return self.session.key


@dataclass(slots=True, kw_only=True)
class VehicleRecord:
    """One vehicle of the home."""

    spec: VehicleSpec
    policy: VehiclePolicy
    soc_percent: float | None = None
    is_v2g_capable: bool | None = None
    wear: WearMeter = field(default_factory=WearMeter)
    temperature_c: Reading | None = None
    """Of its battery, or outside; None: no sensor, or it says nothing."""

    cycled: CycleBudget = field(default_factory=CycleBudget)
    """What the last day took out of its battery."""

    ready_at: datetime | None = None
    """When it will hold what its departure needs; None: none is planned, or never."""

    is_ready_in_time: bool | None = None
    """None without a departure, or while it is not plugged."""
