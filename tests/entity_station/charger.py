"""The virtual plant with a battery and a plug, as the core of every charger here."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from custom_components.v2g_vpp.virtual.battery import Battery, BatteryParameters
from custom_components.v2g_vpp.virtual.plant import (
    Plant,
    PlantParameters,
    PowerEnvelope,
)

NOTHING = PowerEnvelope(highest_w=0.0, lowest_w=0.0)
"""Without a vehicle nothing flows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One setpoint, and when it came."""

    at_s: float
    power_w: float


class PlantCharger:
    """A charger that keeps its last setpoint, unless it ends that by itself.

    It has no loop of its own: whoever looks at it lets it come up to now.
    """

    def __init__(
        self,
        plant: PlantParameters,
        now: Callable[[], float],
        *,
        soc_percent: float = 60.0,
        battery: BatteryParameters | None = None,
        idle_timeout_s: float | None = None,
    ) -> None:
        """Begin at rest with a vehicle plugged.

        Args:
            plant: how power follows a setpoint.
            now: monotonic time, s.
            soc_percent: of the vehicle at the beginning.
            battery: of the vehicle; None for one of 60 kWh.
            idle_timeout_s: after so long without a sign of life its setpoint is 0 W;
                None for a charger that goes on for ever.
        """
        self.idle_timeout_s = idle_timeout_s
        self.is_plugged = True
        self.battery = Battery(battery or BatteryParameters(), soc_percent)
        self.told: list[Told] = []
        self.expiries = 0
        """How often it ended a power by itself."""

        self._plant = Plant(plant)
        self._now = now
        self._at_s = self._heard_s = now()
        self._command_w = 0.0

    # --- what is told to it ---

    def tell(self, power_w: float) -> None:
        """Take a setpoint, W, positive into the vehicle; it is a sign of life."""
        self.hear()
        self.told.append(Told(at_s=self._now(), power_w=power_w))
        self._command_w = power_w
        self._plant.step(0.0, power_w, self._envelope)

    def hear(self) -> None:
        """Take a sign of life: the time to the own end begins anew."""
        self.catch_up()
        self._heard_s = self._now()

    def plug(self, soc_percent: float | None = None) -> None:
        """Plug a vehicle in."""
        self.catch_up()
        self.is_plugged = True
        if soc_percent is not None:
            self.battery.set_soc(soc_percent)

    def unplug(self) -> None:
        """Take the vehicle away; what flowed is cut."""
        self.catch_up()
        self.is_plugged = False
        self._command_w = 0.0
        self._plant.cut()

    # --- what it does ---

    @property
    def power_w(self) -> float:
        """True power now, W."""
        self.catch_up()
        return self._plant.power_w

    @property
    def measured_w(self) -> float:
        """What its meter says now, W."""
        self.catch_up()
        return self._plant.measured_w()

    @property
    def command_w(self) -> float:
        """The setpoint that it follows now, W."""
        self.catch_up()
        return self._command_w

    @property
    def soc_percent(self) -> float:
        """State of charge of the vehicle, 0..100."""
        self.catch_up()
        return self.battery.soc_percent

    def catch_up(self) -> None:
        """Come up to now; an own end happens at its own moment."""
        now_s = self._now()
        ends_s = self._ends_by_itself_s
        if ends_s <= now_s:
            self._run_until(ends_s)
            self._command_w = 0.0
            self.expiries += 1
        self._run_until(now_s)

    @property
    def _ends_by_itself_s(self) -> float:
        if self.idle_timeout_s is None or self._command_w == 0.0:
            return inf
        return self._heard_s + self.idle_timeout_s

    @property
    def _envelope(self) -> PowerEnvelope:
        spec = self._plant.parameters
        if not self.is_plugged:
            return NOTHING
        return self.battery.envelope(
            spec.max_charge_power_w, spec.max_discharge_power_w
        )

    def _run_until(self, until_s: float) -> None:
        if until_s <= self._at_s:
            return
        moved = self._plant.step(until_s - self._at_s, self._command_w, self._envelope)
        self.battery.apply(moved.charged_ws, moved.discharged_ws)
        self._at_s = until_s
