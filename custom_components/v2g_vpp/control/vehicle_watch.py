"""What is followed of the vehicle at one EVSE, from its plug to its unplugging."""

from dataclasses import dataclass
from math import inf

from ..domain.ids import VehicleId
from ..domain.policy import VehiclePolicy, VehicleSpec
from ..domain.state import flow_threshold_w
from ..domain.units import energy_wh
from .conversion import battery_power_w
from .cycle_budget import CycleGuard, cycle_budget_wh
from .event_reserve import EventReserve
from .inputs import EvseInputs
from .limits import charging_power_w
from .ready_by import (
    NO_TRIP,
    TAPER_FROM_PERCENT,
    ChargePath,
    Outlook,
    TripGuard,
    TripInputs,
    TripVerdict,
    charge_path,
    outlook,
)
from .self_limit import SelfLimit
from .soc_estimator import (
    NOTHING_KNOWN,
    SocEstimate,
    SocEstimator,
    SocEvidence,
    SocMemory,
    is_capacity_plausible,
)
from .soc_guard import OtherFloors, SocGuard, SocVerdict, vehicle_floor_percent

STOPPING_TICK_S = 1.0
"""A discharge that has to end is told so with the next tick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleMemory:
    """What is known of a plugged vehicle, kept across a restart."""

    vehicle_id: VehicleId
    soc: SocMemory
    owed_percent: float | None = None
    """Target of the charging for a trip that runs."""

    taken_w: float | None = None
    """Most that it takes when it charges, where that is less than it is told."""


# Not frozen: made anew of each EVSE in each step, where freezing costs time.
@dataclass(slots=True, kw_only=True)
class VehicleVerdict:
    """What the vehicle allows and asks for now."""

    soc: SocVerdict
    estimate: SocEstimate = NOTHING_KNOWN
    trip: TripVerdict = NO_TRIP
    is_cycle_budget_spent: bool = False
    cycle_left_wh: float = 0.0
    """What the rest of the day may take, Wh at the battery."""

    is_kept_for_event: bool = False
    """True: all that is left is kept for an event other than the one followed."""

    @property
    def is_tapering(self) -> bool:
        """True: so full that it takes less and less."""
        return (self.estimate.likely_percent or 0.0) >= TAPER_FROM_PERCENT


class VehicleWatch:
    """Follow one vehicle; with another one, or after its unplugging, begin anew."""

    def __init__(self, memory: VehicleMemory | None = None) -> None:
        """Begin, with what was kept of the same plug where a restart came between."""
        self._guard = SocGuard()
        self._cycle = CycleGuard()
        self._reserve = EventReserve()
        self._visit = 0
        self._vehicle_id: VehicleId | None = None
        self._trip_inputs: TripInputs | None = None
        self._begin(memory)

    @property
    def memory(self) -> VehicleMemory | None:
        """What must survive a restart; None while no vehicle was known."""
        if self._vehicle_id is None:
            return None
        planned_w = self.self_limit.planned_charge_w
        return VehicleMemory(
            vehicle_id=self._vehicle_id,
            soc=self._estimator.memory,
            owed_percent=self._trip.owed_percent,
            taken_w=None if planned_w == inf else planned_w,
        )

    def step(
        self, evse: EvseInputs, commanded_w: float, now_mono_s: float
    ) -> VehicleVerdict:
        """Return what the vehicle allows and asks for now.

        Args:
            evse: where it is plugged.
            commanded_w: the last setpoint.
            now_mono_s: the present.
        """
        vehicle, policy = evse.vehicle, evse.vehicle_policy
        if evse.session.visit != self._visit:
            self._visit = evse.session.visit
            self._begin(None)
        if vehicle is None or policy is None:
            self._trip_inputs = None
            return VehicleVerdict(soc=self._guard.step(NOTHING_KNOWN, None, None))
        if vehicle.vehicle_id != self._vehicle_id:
            if self._vehicle_id is not None:
                self._begin(None)
            self._vehicle_id = vehicle.vehicle_id
        estimate = self._estimator.step(
            _evidence(evse, vehicle.capacity_wh, commanded_w, now_mono_s), now_mono_s
        )
        trip = self._step_trip(evse, vehicle, policy, estimate, now_mono_s)
        own_floor = vehicle_floor_percent(evse.session, vehicle.capacity_wh)
        floors = OtherFloors(
            vehicle_percent=own_floor,
            trip_percent=trip.floor_percent,
            granted_percent=evse.grant.reserve_percent,
        )
        spent_wh = evse.cycled_wh + estimate.discharged_wh
        budget_wh = cycle_budget_wh(policy.cycle_budget_percent, vehicle.capacity_wh)
        return VehicleVerdict(
            soc=self._guard.step(estimate, vehicle, policy, floors),
            estimate=estimate,
            trip=trip,
            is_cycle_budget_spent=self._cycle.step(
                spent_wh, budget_wh, _stopping_wh(evse, commanded_w)
            ),
            cycle_left_wh=max(0.0, budget_wh - spent_wh),
            is_kept_for_event=self._reserve.step(
                estimate.lowest_percent, budget_wh - spent_wh, evse.kept
            ),
        )

    def outlook(
        self,
        evse: EvseInputs,
        trip: TripVerdict,
        possible_w: float,
        now_mono_s: float,
    ) -> Outlook | None:
        """Return when the vehicle will be ready, None where nothing is asked for.

        Args:
            evse: where it is plugged.
            trip: of the step before.
            possible_w: most that it may charge with now, >= 0.
            now_mono_s: the present.
        """
        inputs = self._trip_inputs
        if inputs is None or trip.departure is None:
            return None
        flowing_w = _flowing_w(evse, now_mono_s) or 0.0
        possible_w = min(possible_w, self.self_limit.planned_charge_w)
        return outlook(
            trip,
            inputs,
            flowing=_path(evse, inputs.path.capacity_wh, flowing_w),
            possible=_path(evse, inputs.path.capacity_wh, possible_w),
            now_mono_s=now_mono_s,
        )

    def fork(self) -> VehicleWatch:
        """Return a watch that knows the same and can be asked without a trace."""
        other = VehicleWatch(self.memory)
        other._visit = self._visit
        return other

    def _begin(self, memory: VehicleMemory | None) -> None:
        self._vehicle_id = None if memory is None else memory.vehicle_id
        self._estimator = SocEstimator(None if memory is None else memory.soc)
        self._trip = TripGuard(None if memory is None else memory.owed_percent)
        taken_w = None if memory is None else memory.taken_w
        self.self_limit = SelfLimit(inf if taken_w is None else taken_w)

    def _step_trip(
        self,
        evse: EvseInputs,
        vehicle: VehicleSpec,
        policy: VehiclePolicy,
        estimate: SocEstimate,
        now_mono_s: float,
    ) -> TripVerdict:
        if not evse.departures or not is_capacity_plausible(vehicle.capacity_wh):
            self._trip_inputs = None
            self._trip.forget()
            return NO_TRIP
        power_w = min(charging_power_w(evse), self.self_limit.planned_charge_w)
        inputs = self._trip_inputs = TripInputs(
            departures=evse.departures,
            max_soc_percent=policy.max_soc_percent,
            likely_percent=estimate.likely_percent,
            charged_wh=estimate.charged_wh,
            path=_path(evse, vehicle.capacity_wh, power_w),
        )
        return self._trip.step(inputs, now_mono_s)


def _evidence(
    evse: EvseInputs, capacity_wh: float, commanded_w: float, now_mono_s: float
) -> SocEvidence:
    power, told = evse.fresh_power(now_mono_s), None
    if evse.uncalibrated_power_w is not None:
        told = evse.fresh_told_power(now_mono_s)
    return SocEvidence(
        report=evse.session.measurement.soc_percent,
        power_w=None if power is None else power.value,
        other_power_w=None if told is None else told.value,
        commanded_w=commanded_w,
        capacity_wh=capacity_wh,
        rating_w=_rating_w(evse),
        max_discharge_w=evse.limits.max_discharge_power_w,
        offset_zero_w=evse.fingerprint.offset_zero_w,
        # The meter and with it the vehicle are only heard while a transaction runs.
        is_resting=evse.session.transaction_id is None,
    )


def _rating_w(evse: EvseInputs) -> float:
    return max(evse.limits.max_charge_power_w, evse.limits.max_discharge_power_w)


def _flowing_w(evse: EvseInputs, now_mono_s: float) -> float | None:
    """Return what charges the vehicle, W; None when nothing does or nobody knows."""
    power = evse.fresh_power(now_mono_s)
    if power is None or power.value < flow_threshold_w(_rating_w(evse)):
        return None
    return power.value


def _path(evse: EvseInputs, capacity_wh: float, meter_power_w: float) -> ChargePath:
    return charge_path(
        capacity_wh=capacity_wh,
        meter_power_w=meter_power_w,
        rating_w=_rating_w(evse),
        temperature_c=evse.temperature_c,
    )


def _stopping_wh(evse: EvseInputs, commanded_w: float) -> float:
    """Return what still leaves the battery when a discharge is ended now, Wh."""
    if commanded_w >= 0:
        return 0.0
    battery_w = -battery_power_w(commanded_w, _rating_w(evse))
    fingerprint = evse.fingerprint
    falling_s = battery_w / (2 * fingerprint.ramp_w_per_s)
    duration_s = fingerprint.dead_time_s + STOPPING_TICK_S + falling_s
    return energy_wh(battery_w, duration_s)
