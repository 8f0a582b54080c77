"""The frozen picture of the home that entities and the VPP link read.

It carries no tick time, so that two equal pictures compare equal.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .calibration import Calibration
from .capability import (
    Confidence,
    EvCapability,
    Fingerprint,
    Proof,
    StationCapability,
    runs_on_station_clock,
)
from .dispatch import DispatchOrder, LinkState
from .energy import NOTHING_KEPT, KeptEnergy
from .event_picture import NO_EVENTS, EventPicture
from .faults import FaultCode, SizeHint
from .frequency_response import SupportRefusal
from .grant import ALL_GRANTED, Grant
from .grid_settings import GridNote
from .ids import EvseKey, ProgrammeId, StationId, VehicleId
from .ledger_picture import LedgerPicture
from .measurement import Measurement, Reading
from .meters_snapshot import MetersSnapshot
from .policy import EvsePolicy, PlanSlot, VehiclePolicy, VehicleSpec
from .security import SecurityNote
from .self_test import ProofLoss, SelfTestStatus
from .setpoint import Reason, Setpoint
from .site_meters import OperatorLimit
from .state import ClockState, EvseState, InverterMode
from .units import share_of
from .vehicle_link import VehicleLink
from .wiring import WiringFinding


@dataclass(frozen=True, slots=True, kw_only=True)
class StationSnapshot:
    """One charging station."""

    station_id: StationId
    is_connected: bool
    is_ready: bool
    protocol: str | None
    vendor: str
    model: str
    serial_number: str | None
    firmware: str
    capability: StationCapability | None
    has_floor_profile: bool
    clock_state: ClockState = ClockState.UNKNOWN
    clock_offset_s: float | None = None
    """Its clock minus ours, as far as known."""

    is_clock_behind: bool = False
    """True while all that its clock stamps counts as old."""

    other_addresses: tuple[str, ...] = ()
    """Servers that it knows beside this home."""

    grid_notes: tuple[GridNote, ...] = ()
    """The newest lines of the record of grid settings, oldest first."""

    security: tuple[SecurityNote, ...] = ()
    """The newest events of security, oldest first."""

    @property
    def is_clock_in_the_way(self) -> bool:
        """True when its clock forbids a discharge: it ends by it, or has no meter."""
        is_bad = self.clock_state in (ClockState.WRONG, ClockState.UNSTEADY)
        ends_by_it = self.capability is not None and runs_on_station_clock(
            self.capability.dialect
        )
        return self.is_clock_behind or (is_bad and ends_by_it)


class FloorKind(StrEnum):
    """Which of its floors holds a vehicle."""

    RESERVE = "reserve"
    VPP = "vpp"
    TRIP = "trip"
    VEHICLE = "vehicle"
    """Its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseSnapshot:
    """The control lease of whoever controls an EVSE."""

    holder: str | None = None
    """Name of the automation that holds it; None: the owner says who it is."""

    ends_at: datetime | None = None
    """None: it has no end that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseSnapshot:
    """One EVSE with the vehicle at it."""

    key: EvseKey
    state: EvseState
    setpoint: Setpoint
    measurement: Measurement
    """As last read, whatever its age; ``is_meter_fresh`` says if it still counts."""

    is_meter_fresh: bool
    is_plugged: bool
    has_transaction: bool
    is_emergency_stopped: bool
    faults: tuple[FaultCode, ...]
    policy: EvsePolicy
    needs: EvCapability | None
    vehicle_id: VehicleId | None
    """The identified vehicle; None is a guest, charge-only."""

    discharge_blocked_by: Reason | None
    """First gate that forbids discharge now, None when it may."""

    available_charge_w: float
    """What a dispatch could get now, after floors and limits; >= 0."""

    available_discharge_w: float
    """Positive magnitude."""

    fingerprint: Fingerprint
    proof: Proof | None
    self_test: SelfTestStatus
    lost_proof: ProofLoss | None = None
    """Why it has no proof any more; None: it has one, never had, or that was told."""

    lease: LeaseSnapshot = field(default_factory=LeaseSnapshot)
    next_slot: PlanSlot | None = None
    """What its plan says next, in whichever mode it is."""

    runner_up: Reason | None = None
    """What would bind the setpoint next, without the limit that it names."""

    meter_power: Reading | None = None
    """What the meter itself showed last; ``measurement`` has it calibrated."""

    calibration: Calibration | None = None
    """Of the meter, None without one."""

    confidence: Confidence = field(default_factory=Confidence)
    """In each number of the fingerprint."""

    size_hint: SizeHint = SizeHint.UNKNOWN
    """What the last power of the wrong size looked like."""

    wiring_finding: WiringFinding | None = None
    """How the meters contradict, as far as that is known."""

    is_clock_in_the_way: bool = False
    """True when the clock of the station forbids discharge."""

    charged_wh: float | None = None
    discharged_wh: float | None = None
    """Totals that never fall, whatever the station's registers do."""

    vehicle_link: VehicleLink | None = None
    """How the vehicle and the charger talk, None while the charger does not tell."""

    inverter_mode: InverterMode | None = None
    """None while the charger does not tell."""

    link_drops_today: int = 0
    """How often the vehicle fell silent in the last 24 h."""

    idle_awake_h: float = 0.0
    """How long it kept a vehicle awake for nothing, in the last 24 h."""

    profile_writes_today: int = 0
    """Writes of the last 24 h that the station's memory keeps."""

    derate_percent: float = 0.0
    """What the heat of the handle takes of the rating."""

    is_heat_measured: bool = False
    """False: no sensor tells it, a sound plug is assumed."""

    cold_openings: int = 0
    """Of the contactor, without a current."""

    hot_openings: int = 0
    """Under load."""

    contactor_life_percent: float = 100.0
    """What is left of it, by its openings."""

    support_refusal: SupportRefusal | None = SupportRefusal.NOT_MEASURED
    """Why it does not follow the frequency of the grid, None when it can."""

    opens_at_zero: bool | None = None
    """Whether 0 W opens it while the transaction goes on; None: not seen yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleSnapshot:
    """One vehicle of the home, plugged or not."""

    spec: VehicleSpec
    policy: VehiclePolicy
    evse: EvseKey | None
    """Where it is plugged, as far as known."""

    soc_percent: float | None
    """Last believed state of charge, None when unknown: never 0 for unknown."""

    is_v2g_capable: bool | None
    """None until the vehicle said what it can do."""

    own_floor_percent: float | None = None
    """What the vehicle itself does not go below; None when it named nothing."""

    equivalent_cycles: float = 0.0
    """Throughput at the chargers of this home over twice the capacity."""

    wear_cost: float | None = None
    """Of the discharges at this home, in its currency; None: chemistry not known."""

    cold_openings: int = 0
    """Of the contactors that it hung on, without a current."""

    hot_openings: int = 0
    """Under load."""

    lowest_percent: float | None = None
    """What it has at least, while it is plugged and that is known."""

    is_report_doubted: bool = False
    """True: it says something else than the energy counted at the charger leads to,
    so ``soc_percent`` is the count's."""

    trip_floor_percent: float = 0.0
    """What its next departure needs now; 0 without one."""

    ready_at: datetime | None = None
    """When it will hold what its departure needs; None: none is planned, or never."""

    is_ready_in_time: bool | None = None
    """None without a departure, or while it is not plugged."""

    cycled_wh: float = 0.0
    """Out of its battery in the last 24 h."""

    kept: KeptEnergy = NOTHING_KEPT
    """For events that are booked, other than the one that is followed."""

    def active_floor(self) -> tuple[FloorKind, float]:
        """Return the highest floor of a dispatch, percent, and which one it is."""
        floors = (
            (FloorKind.RESERVE, self.policy.reserve_percent),
            (FloorKind.VPP, self.policy.vpp_reserve_percent),
            (FloorKind.TRIP, self.trip_floor_percent),
            (FloorKind.VEHICLE, self.own_floor_percent or 0.0),
        )
        return max(floors, key=lambda floor: floor[1])

    def energy_above_floor_wh(self) -> float | None:
        """Return the energy above the highest floor of a dispatch, Wh."""
        held = self.soc_percent if self.lowest_percent is None else self.lowest_percent
        if held is None:
            return None
        _, floor = self.active_floor()
        return share_of(max(0.0, held - floor), self.spec.capacity_wh)

    def cycle_left_wh(self) -> float:
        """Return what the rest of the daily budget lets out of the battery, Wh."""
        budget_wh = share_of(self.policy.cycle_budget_percent, self.spec.capacity_wh)
        return max(0.0, budget_wh - self.cycled_wh)

    def deliverable_wh(self) -> float:
        """Return what a dispatch may take out of the battery now, Wh, >= 0."""
        held = self.soc_percent if self.lowest_percent is None else self.lowest_percent
        above_wh = self.energy_above_floor_wh() or 0.0
        if held is not None and self.kept.percent > 0:
            free = max(0.0, held - self.kept.percent)
            above_wh = min(above_wh, share_of(free, self.spec.capacity_wh))
        return min(above_wh, max(0.0, self.cycle_left_wh() - self.kept.wh))

    def soc_uncertainty_percent(self) -> float | None:
        """Return how far below its report the vehicle may be, points."""
        if self.lowest_percent is None or self.soc_percent is None:
            return None
        return max(0.0, self.soc_percent - self.lowest_percent)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammeSnapshot:
    """One VPP programme."""

    programme_id: ProgrammeId
    link: LinkState
    is_participating: bool
    order: DispatchOrder | None
    """The order that is followed now."""

    delivered_discharge_wh: float
    """Energy discharged under this programme since it was joined."""

    committed_wh: float = 0.0
    """Energy of the accepted setpoints, running and waiting, as a magnitude."""

    ledger: LedgerPicture | None = None
    """None: it keeps none."""

    grant: Grant = ALL_GRANTED
    is_rehearsal: bool = False
    """It exists only while a rehearsal lasts."""

    book: EventPicture = NO_EVENTS
    resources: tuple[EvseKey, ...] = ()
    """EVSEs that it has now; other programmes get nothing of them (rule 14)."""


@dataclass(slots=True)
class _Index:
    """Parts of a picture by their keys: each entity looks for its own."""

    is_made: bool = False
    stations: dict[StationId, StationSnapshot] = field(default_factory=dict)
    evses: dict[EvseKey, EvseSnapshot] = field(default_factory=dict)
    evses_of: dict[StationId, list[EvseSnapshot]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSnapshot:
    """The whole home."""

    stations: tuple[StationSnapshot, ...] = ()
    evses: tuple[EvseSnapshot, ...] = ()
    vehicles: tuple[VehicleSnapshot, ...] = ()
    programmes: tuple[ProgrammeSnapshot, ...] = ()
    export_limit_w: float | None = None
    operator_limit: OperatorLimit = field(default_factory=OperatorLimit)
    """What the operator of the grid allows now; without what ended."""

    is_store_readable: bool = True
    is_host_late: bool = False
    """True: the loop is late again and again, so nothing may discharge."""

    meters: MetersSnapshot | None = None
    """None: the home has no meters of its own."""

    _index: _Index = field(
        default_factory=_Index, init=False, repr=False, compare=False
    )

    def station(self, station_id: StationId) -> StationSnapshot | None:
        """Return a station by identity."""
        return self._indexed().stations.get(station_id)

    def evse(self, key: EvseKey) -> EvseSnapshot | None:
        """Return an EVSE by key."""
        return self._indexed().evses.get(key)

    def evses_of(self, station_id: StationId) -> tuple[EvseSnapshot, ...]:
        """Return the EVSEs of a station, in the order of their keys."""
        return tuple(self._indexed().evses_of.get(station_id, ()))

    def vehicle(self, vehicle_id: VehicleId) -> VehicleSnapshot | None:
        """Return a vehicle by id."""
        return next((v for v in self.vehicles if v.spec.vehicle_id == vehicle_id), None)

    def programme(self, programme_id: ProgrammeId) -> ProgrammeSnapshot | None:
        """Return a programme by id."""
        return next(
            (p for p in self.programmes if p.programme_id == programme_id), None
        )

    def _indexed(self) -> _Index:
        """Return the index, made when it is asked for first: most pictures pass by."""
        index = self._index
        if not index.is_made:
            index.is_made = True
            index.stations = {part.station_id: part for part in self.stations}
            for evse in self.evses:
                index.evses[evse.key] = evse
                index.evses_of.setdefault(evse.key.station_id, []).append(evse)
        return index
