"""What one control step is given and what it returns."""

from dataclasses import dataclass, replace

from ..domain.calibration import Calibration
from ..domain.capability import Fingerprint, Proof
from ..domain.dispatch import DispatchOrder
from ..domain.energy import NOTHING_KEPT, KeptEnergy
from ..domain.faults import FaultCode
from ..domain.frequency_response import SupportRefusal
from ..domain.grant import ALL_GRANTED, Grant
from ..domain.grid_profile import UNSPECIFIED, GridProfile
from ..domain.ids import EvseKey
from ..domain.measurement import Reading, is_fresh, stale_after_s
from ..domain.policy import (
    PATIENT_SOLAR,
    Claim,
    Departure,
    EvsePolicy,
    Override,
    SolarPolicy,
    StationLimits,
    VehiclePolicy,
    VehicleSpec,
)
from ..domain.session import EvseSession
from ..domain.setpoint import Reason, Setpoint
from ..domain.site_meters import SiteMeters, SiteWiring
from ..domain.station_session import StationSession
from .grid import GridVerdict
from .ready_by import NO_TRIP, Outlook, TripVerdict
from .soc_estimator import NOTHING_KNOWN, SocEstimate
from .thermal import Heat

IN_SERVICE = GridVerdict()
COOL = Heat()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseInputs:
    """All that the discharge coordinator needs to know of one EVSE."""

    session: EvseSession
    station: StationSession
    limits: StationLimits
    policy: EvsePolicy
    vehicle: VehicleSpec | None
    """None is a guest, charge-only."""

    vehicle_policy: VehiclePolicy | None
    fingerprint: Fingerprint
    proof: Proof | None
    """Already checked against firmware and dialect by the caller."""

    override: Override | None
    order: DispatchOrder | None
    """The order that is followed now, for this EVSE or for the whole home."""

    self_test_w: float | None
    """What the self-test asks for; None when none runs."""

    is_first_write_pending: bool
    """True after a start until setpoint 0 reached the station."""

    claim: Claim | None = None
    """The lease that another automation holds."""

    is_external: bool = False
    """True: somebody else changed the charger and has it for a while."""

    plan_w: float | None = None
    """What the plan says for now; None: nothing."""

    meter_period_s: float = 1.0
    """How often the station reports its meter; decides when a reading is stale."""

    is_meter_doubted: bool = False
    """It was silent, and what it says is not at its usual pace yet."""

    can_start_transaction: bool = False
    """True: where none runs, the home begins one by itself once power is wanted."""

    is_write_budget_spent: bool = False
    """True: no discharge may begin that would write to the station's memory."""

    has_ignored_wakes: bool = False
    """True: this vehicle was told to discharge and did nothing, three wakes long."""

    grid: GridVerdict = IN_SERVICE
    is_discharging: bool = False
    """True: a discharge that runs may go on where a new one may not begin."""

    heat: Heat = COOL
    opens_at_zero: bool = False
    """True: at 0 W its contactor was seen to open, so that each pause wears it."""

    is_switching_budget_spent: bool = False
    """True: for money alone its contactor closes no more today."""

    departures: tuple[Departure, ...] = ()
    """What the owner wants the vehicle to hold, and when; in any order."""

    cycled_wh: float = 0.0
    """Out of the vehicle's battery in the last 24 h, at the battery."""

    kept: KeptEnergy = NOTHING_KEPT
    """For events other than that of the order."""

    grant: Grant = ALL_GRANTED
    """Of the owner to the programme of the order; without one nothing binds."""

    temperature_c: float | None = None
    """Of the battery, or outside; None takes a careful allowance."""

    is_link_trusted: bool = False
    """True: no lost link is behind what it follows, or followed last."""

    is_lost_upon: bool = False
    """A link was lost while it followed its programme, and is not trusted again:
    whatever another programme asks for now."""

    uncalibrated_power_w: Reading | None = None
    """What its own meter says, where a calibration makes another power of it."""

    calibration: Calibration | None = None
    """Of its meter; limits take the worse of meter and calibration."""

    frequency_hz: Reading | None = None
    """Of the grid at this EVSE, whatever its age."""

    support_refusal: SupportRefusal | None = SupportRefusal.NOT_MEASURED
    """Why this EVSE does not follow the frequency, None when it can."""

    is_supporting: bool = False
    """True: the owner of the home lets it follow the frequency while it rests."""

    support_w: float | None = None
    """What the frequency asks of it while it rests, W, signed; None: nothing is known,
    or nobody wants it. Filled in by the coordinator."""

    order_reason: Reason = Reason.AS_REQUESTED
    """Why an order that follows the frequency asks for nothing; filled in by the
    coordinator."""

    @property
    def key(self) -> EvseKey:
        """The EVSE that this is about."""
        return self.session.key

    @property
    def is_meter_contradicted(self) -> bool:
        """True while the meter of the home must not be believed about this EVSE."""
        return FaultCode.METERS_CONTRADICT in self.session.faults

    def fresh_power(self, now_mono_s: float) -> Reading | None:
        """Return the power reading when it still counts, else None."""
        return self._fresh(self.session.measurement.power_w, now_mono_s)

    def fresh_told_power(self, now_mono_s: float) -> Reading | None:
        """Return the power in the charger's own measure, that of what it is told."""
        own = self.uncalibrated_power_w
        return self._fresh(own or self.session.measurement.power_w, now_mono_s)

    def _fresh(self, reading: Reading | None, now_mono_s: float) -> Reading | None:
        max_age_s = stale_after_s(self.meter_period_s)
        return reading if is_fresh(reading, now_mono_s, max_age_s) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteInputs:
    """What holds for the whole home."""

    export_limit_w: float | None = None
    """Most that all EVSEs together may discharge; None when there is no such limit.

    House load is not counted on: it may fall to nothing at any moment.
    """

    is_failsafe: bool = False
    """True: the link to an aggregator is lost and its dispatch is released.

    ``is_failsafe_for`` says for which EVSEs that counts.
    """

    is_store_readable: bool = True
    """False: latches and permissions are unknown, so nothing may discharge."""

    is_host_late: bool = False
    """True: a stop would be late, so nothing may discharge (``loop_lag``)."""

    meters: SiteMeters | None = None
    """None: the home has no meters of its own."""

    wiring: SiteWiring | None = None
    """None: nothing is known of phases, fuses and limits."""

    solar: SolarPolicy = PATIENT_SOLAR
    grid_profile: GridProfile = UNSPECIFIED

    is_grid_silent: bool = False
    """True: the meter of the grid says nothing; the coordinator fills it in."""

    def is_failsafe_for(self, evse: EvseInputs) -> bool:
        """Return True where a lost link counts: it touches its own dispatches only."""
        return self.is_failsafe and not evse.is_link_trusted

    def at(self, now_mono_s: float) -> SiteInputs:
        """Return the inputs with what every EVSE asks about the meters now."""
        meters = self.meters
        if meters is None or not meters.has_grid:
            return self
        has_phases = not meters.phases or meters.phase_powers_w(now_mono_s) is not None
        is_silent = meters.grid_w(now_mono_s) is None or not has_phases
        return replace(self, is_grid_silent=is_silent)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseDecision:
    """What one EVSE shall do now."""

    setpoint: Setpoint
    discharge_blocked_by: Reason | None
    """First gate that forbids discharge, in the order of ``permission``."""

    available_charge_w: float
    """What a dispatch could get now; >= 0, and 0 while the user holds the lease."""

    available_discharge_w: float
    """Positive magnitude. Summed over the home it never exceeds the export limit."""

    dispatch_blocked_by: Reason | None = None
    """First gate that would forbid a dispatched discharge, once the transaction runs
    that the home can start. The floor of dispatches is the last of these gates; the
    others bind the owner of the home as well."""

    wants_transaction: bool = False
    """True: power is wanted and allowed, and only the transaction is missing."""

    wants_to_be_told: bool = False
    """True: a discharge is wanted, and only a transaction tells whether it may be."""

    runner_up: Reason | None = None
    """What would bind the setpoint next, without the limit that it names."""

    committed_w: float = 0.0
    """Its part of the setpoint of the aggregator that it follows, W, signed; what an
    order asks beyond the sum over the home is not served. 0 without one."""

    followed_w: float | None = None
    """What the frequency asks of its whole order now, W, signed; None: it follows none."""

    soc: SocEstimate = NOTHING_KNOWN
    trip: TripVerdict = NO_TRIP
    outlook: Outlook | None = None
    """When the vehicle will be ready for its trip; None without one."""
