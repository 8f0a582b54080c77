"""An evening at home: the vehicle follows the load, beside a battery or alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import exp

from custom_components.v2g_vpp.control.contactor import (
    ContactorObserved,
    ContactorWatch,
)
from custom_components.v2g_vpp.control.delivery import DEAD_BAND_W
from custom_components.v2g_vpp.control.inputs import SiteInputs
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.site_meters import Meter, SiteMeters
from custom_components.v2g_vpp.domain.units import (
    clamp,
    energy_wh,
    percent_of,
    watt_hours_to_kilowatt_hours,
)
from custom_components.v2g_vpp.virtual.contactor import HOT_OPEN_W
from custom_components.v2g_vpp.virtual.plant import PlantParameters
from tests.control.given import reading, with_policy
from tests.control.rig import SUBSTEP_S, TICK_S, Rig

from .loop import OCPP_2_1, ClosedLoop, Link, commissioned
from .plants import SteppedPlant

VEHICLE_WH = 40_000.0
VEHICLE_SOC = 80.0
FLOWING_W = 500.0
"""Above what a charger draws at rest."""


@dataclass(slots=True)
class HomeBattery:
    """A battery that holds the meter at 0 by itself."""

    answers_in_s: float
    """Time constant of its own regulation."""

    power_limit_w: float = 5_000.0
    capacity_wh: float = 10_000.0
    stored_wh: float = 6_000.0
    power_w: float = 0.0
    """Positive while it charges."""

    def step(self, grid_w: float, duration_s: float) -> None:
        """Move towards a meter of 0."""
        share = 1.0 - exp(-duration_s / self.answers_in_s)
        wanted_w = self.power_w - share * grid_w
        is_full = self.stored_wh >= self.capacity_wh
        is_empty = self.stored_wh <= 0.05 * self.capacity_wh
        self.power_w = clamp(
            wanted_w,
            0.0 if is_empty else -self.power_limit_w,
            0.0 if is_full else self.power_limit_w,
        )
        self.stored_wh += energy_wh(self.power_w, duration_s)

    @property
    def soc_percent(self) -> float:
        """State of charge."""
        return percent_of(self.stored_wh, self.capacity_wh)


@dataclass(slots=True)
class HomeMeter:
    """What crosses the meter of the home."""

    imported_wh: float = 0.0
    exported_wh: float = 0.0
    shuttled_wh: float = 0.0
    """That went from the vehicle into the battery, or back."""

    grid_w: list[float] = field(default_factory=list)
    """Each second."""

    def note(self, grid_w: float, vehicle_w: float, battery_w: float) -> None:
        """Count one substep."""
        self.imported_wh += energy_wh(max(0.0, grid_w), SUBSTEP_S)
        self.exported_wh += energy_wh(max(0.0, -grid_w), SUBSTEP_S)
        if vehicle_w * battery_w < 0:
            shuttled_w = min(abs(vehicle_w), abs(battery_w))
            self.shuttled_wh += energy_wh(shuttled_w, SUBSTEP_S)


@dataclass(slots=True)
class HomeContactor:
    """A contactor that tells what it does; a transaction runs all evening."""

    opens_at_zero: bool
    """False: it stays closed as long as the transaction runs."""

    watch: ContactorWatch = field(default_factory=ContactorWatch)
    _told_s: float = float("-inf")

    def look(self, loop: ClosedLoop) -> None:
        """Watch it as a home does, and let the control know what was learnt."""
        charger, now_s = loop.charger, loop.now_s
        if charger.command_w != 0:
            self._told_s = now_s
        flowing_w = abs(charger.plant.power_w)
        needs_it = charger.command_w != 0 or flowing_w > HOT_OPEN_W
        self.watch.step(
            ContactorObserved(
                is_closed=needs_it or not self.opens_at_zero,
                has_transaction=True,
                is_flowing=flowing_w > FLOWING_W,
                zero_told_s=now_s - self._told_s,
            ),
            now_s,
        )
        loop.evse = replace(
            loop.evse,
            opens_at_zero=self.watch.opens_at_zero is True,
            is_switching_budget_spent=self.watch.is_budget_spent(now_s),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Evening:
    """What came of an evening."""

    import_kwh: float
    export_kwh: float
    shuttled_kwh: float
    setpoints: int
    sign_changes_per_hour: float
    operations_per_hour: float
    """How often the contactor closed, and opened again."""

    grid_w: Sequence[float] = ()
    vehicle_w: Sequence[float] = ()


def follow_house(
    parameters: PlantParameters,
    load_w: Sequence[float],
    battery: HomeBattery | None = None,
    *,
    link: Link = OCPP_2_1,
    opens_at_zero: bool = False,
) -> Evening:
    """Return how the real control served an evening.

    Args:
        parameters: of the charger.
        load_w: of the home, each second.
        battery: beside it; None: there is none.
        link: how the charger is reached.
        opens_at_zero: True for a charger whose contactor opens at 0 W.
    """
    loop, contactor = commissioned(parameters, link), HomeContactor(opens_at_zero)
    _plug_in(loop)
    meter, begin_s = HomeMeter(), loop.now_s
    writes = len(loop.writes)
    vehicle_w: list[float] = []

    def tick(rig: Rig) -> None:
        second = min(len(load_w) - 1, round(rig.now_s - begin_s))
        battery_w = battery.power_w if battery is not None else 0.0
        grid_w = load_w[second] + rig.power_w() + battery_w
        meter.grid_w.append(grid_w)
        vehicle_w.append(rig.power_w())
        rig.site = replace(SiteInputs(), meters=_meters(grid_w, battery, rig.now_s))
        contactor.look(loop)

    loop.on_tick = tick
    for power_w in load_w:
        seen = len(loop.powers_w)
        loop.run(TICK_S)
        for _, vehicle in loop.powers_w[seen:]:
            battery_w = battery.power_w if battery is not None else 0.0
            grid_w = power_w + vehicle + battery_w
            if battery is not None:
                battery.step(grid_w, SUBSTEP_S)
            meter.note(grid_w, vehicle, battery_w)
    told = [write.power_w for write in loop.writes[writes:]]
    closings = contactor.watch.count.closings
    return _judged(meter, vehicle_w, told, closings)


def follow_house_simply(
    parameters: PlantParameters, load_w: Sequence[float], peer: str
) -> Evening:
    """Return how a simple loop served an evening.

    Args:
        parameters: of the charger.
        load_w: of the home, each second.
        peer: ``loop_30_s`` sets minus the load each 30 s; ``naive_1_s`` adds the power
            of the grid to the setpoint each second.
    """
    plant, meter = SteppedPlant(parameters), HomeMeter()
    limit_w = parameters.max_discharge_power_w
    told_w, told, vehicle_w = 0.0, list[float](), list[float]()
    for second, power_w in enumerate(load_w):
        metered_w = plant.measured_w()
        grid_w = power_w + metered_w
        meter.grid_w.append(power_w + plant.power_w)
        vehicle_w.append(plant.power_w)
        if peer == "naive_1_s":
            told_w = clamp(told_w - grid_w, -limit_w, 0.0)
        elif second % 30 == 0:
            told_w = clamp(metered_w - grid_w, -limit_w, 0.0)
        told.append(told_w)
        for _ in range(round(TICK_S / SUBSTEP_S)):
            flowing_w = plant.step(SUBSTEP_S, told_w).power_w
            meter.note(power_w + flowing_w, flowing_w, 0.0)
    starts = sum(later and not earlier for earlier, later in pairwise(map(bool, told)))
    return _judged(meter, vehicle_w, told, starts)


def _plug_in(loop: ClosedLoop) -> None:
    """Put a vehicle of 40 kWh there, under the mode self-consumption."""
    loop.ask(0.0, 60.0)
    loop.charger.capacity_wh = VEHICLE_WH
    loop.charger.stored_wh = VEHICLE_SOC / 100.0 * VEHICLE_WH
    vehicle = loop.evse.vehicle
    assert vehicle is not None
    evse = with_policy(loop.evse, mode=Mode.SELF_CONSUMPTION)
    loop.evse = replace(
        evse, order=None, vehicle=replace(vehicle, capacity_wh=VEHICLE_WH)
    )


def _meters(grid_w: float, battery: HomeBattery | None, now_s: float) -> SiteMeters:
    meters = SiteMeters(grid=Meter(reading=reading(grid_w, now_s)))
    if battery is None:
        return meters
    return replace(
        meters,
        battery=Meter(reading=reading(battery.power_w, now_s)),
        battery_soc=Meter(reading=reading(battery.soc_percent, now_s)),
    )


def _judged(
    meter: HomeMeter, vehicle_w: Sequence[float], told: Sequence[float], closings: int
) -> Evening:
    hours = len(vehicle_w) / 3_600.0
    signs = [
        1 if power_w > 0 else -1 for power_w in vehicle_w if abs(power_w) > FLOWING_W
    ]
    return Evening(
        import_kwh=watt_hours_to_kilowatt_hours(meter.imported_wh),
        export_kwh=watt_hours_to_kilowatt_hours(meter.exported_wh),
        shuttled_kwh=watt_hours_to_kilowatt_hours(meter.shuttled_wh),
        setpoints=_setpoints(told),
        sign_changes_per_hour=_changes(signs) / hours,
        operations_per_hour=closings / hours,
        grid_w=meter.grid_w,
        vehicle_w=vehicle_w,
    )


def _setpoints(told: Sequence[float]) -> int:
    """Return how often something else was told: a refresh follows the trim by less."""
    count, last_w = 0, 0.0
    for power_w in told:
        if abs(power_w - last_w) > DEAD_BAND_W or (power_w == 0) is not (last_w == 0):
            count += 1
            last_w = power_w
    return count


def _changes(values: Sequence[float]) -> int:
    return sum(a != b for a, b in pairwise(values))
