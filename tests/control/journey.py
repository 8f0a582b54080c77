"""A vehicle, its gauge, its owner and an aggregator, through whatever happens.

The plant and the battery know the truth; the coordinator is told what a meter and a
gauge would tell. Laws are looked at after every tick.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from custom_components.v2g_vpp.control.cycle_budget import CycleBudget
from custom_components.v2g_vpp.control.delivery import SetpointDelivery
from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.inputs import EvseDecision
from custom_components.v2g_vpp.control.limits import charge_bound, minimum_power_w
from custom_components.v2g_vpp.control.permission import first_stop
from custom_components.v2g_vpp.control.soc_guard import vehicle_floor_percent
from custom_components.v2g_vpp.control.vehicle_watch import VehicleMemory
from custom_components.v2g_vpp.domain.capability import Fingerprint
from custom_components.v2g_vpp.domain.policy import Departure, Mode
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from custom_components.v2g_vpp.domain.units import energy_wh
from custom_components.v2g_vpp.virtual.plant import PlantParameters
from tests.control.given import (
    KEY,
    NOW,
    READY,
    VEHICLE,
    VEHICLE_POLICY,
    reading,
    with_policy,
    with_session,
)
from tests.control.rig import SUBSTEP_S, TICK_S, Rig

CAPACITY_WH = 8_000.0
"""Small, so that minutes cross a floor."""

SAVED_EVERY_S = 60.0
"""As the store of the site does it, apart from what must not wait."""

SETTLED_AFTER_S = 15.0
"""A ramp, and the rest at 0 on the way from a discharge."""


@dataclass(slots=True)
class Crossing:
    """A time at or below the highest floor."""

    power_w: float
    """Discharge at its beginning, magnitude: what flows, or is told and on its way."""

    discharged_wh: float


@dataclass(slots=True)
class Journey:
    """One vehicle at one EVSE; ``broken`` lists the laws that did not hold."""

    parameters: PlantParameters
    start_percent: float = 60.0
    is_gated: bool = False
    rig: Rig = field(init=False)
    gauge: Callable[[float], float | None] = field(init=False)
    """What the vehicle says of the true charge; None: nothing new."""

    is_meter_heard: bool = True
    cycled: CycleBudget = field(default_factory=CycleBudget)
    departure: tuple[float, float] | None = None
    """Target, and when it is due by the wall, s."""

    wall_s: float = NOW
    crossing: Crossing | None = None
    must_since_s: float | None = None
    broken: list[str] = field(default_factory=list)
    deepest_discharge_percent: float = 100.0
    """Lowest true charge at which a discharge was told."""

    _kept: tuple[VehicleMemory | None, list[tuple[float, float]]] = (None, [])
    _kept_s: float = NOW
    _was_discharging: bool = False
    _told: deque[tuple[float, float]] = field(default_factory=deque)
    """When the charger was told which power, as far as that can come through yet."""

    _shown: float | None = None

    def __post_init__(self) -> None:
        """Plug the vehicle in."""
        fingerprint = Fingerprint(
            dead_time_s=self.parameters.dead_time_s,
            ramp_w_per_s=self.parameters.ramp_w_per_s,
            offset_zero_w=self.parameters.offset_zero_w,
            is_learnt=True,
        )
        evse = with_policy(
            replace(
                READY,
                vehicle=replace(VEHICLE, capacity_wh=CAPACITY_WH),
                vehicle_policy=replace(VEHICLE_POLICY, cycle_budget_percent=100.0),
                fingerprint=fingerprint,
            ),
            mode=Mode.OFF,
        )
        self.rig = Rig(
            evse,
            self.parameters,
            is_gated=self.is_gated,
            on_tick=self._tell,
            on_decided=self._judge,
        )
        self.rig.charger.capacity_wh = CAPACITY_WH
        self.rig.charger.stored_wh = self.start_percent / 100.0 * CAPACITY_WH
        self.rig.charger.efficiency = 0.95
        self.gauge = float
        self.run(1.0)

    @property
    def soc_percent(self) -> float:
        """True state of charge."""
        return self.rig.charger.soc_percent

    def run(self, duration_s: float) -> None:
        """Let time pass on both clocks."""
        self.rig.run(duration_s)
        self.wall_s += duration_s

    # --- what happens ---

    def freeze_gauge(self) -> None:
        """Let the vehicle repeat what it shows now for ever."""
        shown = self._shown
        self.gauge = lambda _: shown

    def restart(self, downtime_s: float) -> None:
        """Kill the process; the charger is left alone until it is back."""
        rig = self.rig
        memory, samples = self._kept
        rig.is_controlled, self.crossing, self.must_since_s = False, None, None
        self.run(downtime_s)
        rig.coordinator = DischargeCoordinator()
        rig.coordinator.recall(KEY, memory)
        rig.delivery = SetpointDelivery(KEY)
        self.cycled = CycleBudget()
        self.cycled.restore(samples, rig.now_s)
        rig.is_controlled = True
        rig.evse = replace(rig.evse, is_first_write_pending=True)
        self.run(1.0)
        rig.evse = replace(rig.evse, is_first_write_pending=False)

    # --- inside ---

    def _tell(self, rig: Rig) -> None:
        """Replace the perfect readings of the rig by what is really told."""
        shown = self.gauge(float(int(self.soc_percent)))
        measurement = rig.evse.session.measurement
        soc = measurement.soc_percent
        if shown is not None:
            self._shown = shown
            soc = reading(shown, rig.now_s)
        power = measurement.power_w if self.is_meter_heard else None
        measurement = replace(measurement, soc_percent=soc, power_w=power)
        departures: tuple[Departure, ...] = ()
        if self.departure is not None:
            target, due_s = self.departure
            in_s = due_s - self.wall_s
            departures = (
                Departure(target_percent=target, due_mono_s=rig.now_s + in_s),
            )
        rig.evse = replace(
            with_session(rig.evse, measurement=measurement),
            departures=departures,
            cycled_wh=self.cycled.total(rig.now_s),
        )

    def _judge(self, rig: Rig, decision: EvseDecision) -> None:
        self.cycled.add(decision.soc.discharged_wh, rig.now_s)
        self._keep(rig)
        self._note_told(rig)
        if decision.setpoint.power_w < 0:
            self.deepest_discharge_percent = min(
                self.deepest_discharge_percent, self.soc_percent
            )
        self._judge_floor(rig, decision)
        self._judge_trip(rig, decision)

    def _keep(self, rig: Rig) -> None:
        memory = rig.coordinator.memory_of(KEY)
        is_discharging = memory is not None and memory.soc.may_discharge
        is_due = rig.now_s - self._kept_s >= SAVED_EVERY_S
        if is_due or (is_discharging and not self._was_discharging):
            self._kept = (memory, self.cycled.dump(rig.now_s))
            self._kept_s = rig.now_s
        self._was_discharging = is_discharging

    def _note_told(self, rig: Rig) -> None:
        # What was told before this tick: nobody can call back what is on its way.
        told, begin_s = self._told, rig.now_s - self.parameters.dead_time_s - TICK_S
        told.append((rig.now_s, rig.charger.command_w))
        while told[0][0] < begin_s:
            told.popleft()

    def _judge_floor(self, rig: Rig, decision: EvseDecision) -> None:
        lowest, floor = decision.soc.lowest_percent, self._floor(rig, decision)
        if lowest is not None and lowest > floor:
            self.crossing = None
            return
        charger = rig.charger
        if self.crossing is None:
            told_w = min(power_w for _, power_w in self._told)
            power_w = max(0.0, -charger.plant.power_w, -told_w)
            self.crossing = Crossing(
                power_w=power_w, discharged_wh=charger.discharged_wh
            )
        crossing, spec = self.crossing, self.parameters
        falling_s = crossing.power_w / spec.ramp_w_per_s
        bound_wh = energy_wh(
            crossing.power_w, spec.dead_time_s + TICK_S + SUBSTEP_S + falling_s / 2
        )
        spent_wh = charger.discharged_wh - crossing.discharged_wh
        if spent_wh > bound_wh + 1e-6:
            self.broken.append(
                f"{spent_wh:.2f} Wh below {floor} % at {lowest}, at most {bound_wh:.2f}"
            )

    def _floor(self, rig: Rig, decision: EvseDecision) -> float:
        policy = rig.evse.vehicle_policy
        assert policy is not None
        own = vehicle_floor_percent(rig.evse.session, CAPACITY_WH)
        floors = [policy.reserve_percent, decision.trip.floor_percent, own or -1.0]
        if decision.setpoint.owner is ControlOwner.VPP:
            floors.append(policy.vpp_reserve_percent)
        return max(floors)

    def _judge_trip(self, rig: Rig, decision: EvseDecision) -> None:
        evse, trip, likely = rig.evse, decision.trip, decision.soc.likely_percent
        is_below = likely is not None and likely < trip.floor_percent - 2.0
        is_stopped = evse.override is not None and evse.override.power_w == 0
        power = evse.fresh_power(rig.now_s)
        limit_w = charge_bound(
            evse,
            first_stop(evse),
            is_at_maximum=False,
            unwatched=None if power is not None else Reason.METER_STALE,
            heat_share=evse.heat.lasting_share(0.0),
        ).power_w
        if not is_below or is_stopped or likely is None or likely >= 99.0:
            self.must_since_s = None
            return
        if self.must_since_s is None or limit_w < minimum_power_w(evse, limit_w):
            self.must_since_s = rig.now_s
        is_settled = rig.now_s - self.must_since_s >= SETTLED_AFTER_S
        if is_settled and decision.setpoint.power_w < limit_w - 1.0:
            self.broken.append(
                f"{decision.setpoint} below the trip floor {trip}, limit {limit_w}"
            )
