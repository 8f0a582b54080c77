"""Plant, battery and contactor as one power path with its meter."""

from dataclasses import dataclass

from ..domain.units import SECONDS_PER_HOUR
from .battery import Battery, BatteryParameters
from .contactor import HOT_OPEN_W, Contactor
from .plant import Plant, PlantParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSample:
    """What the meter of the EVSE shows at one moment."""

    power_w: float
    """Signed, with noise; 0 while the contactor is open."""

    energy_import_wh: float
    """Lifetime register of what flowed into the vehicle."""

    energy_export_wh: float
    """Lifetime register of what flowed out of it, >= 0."""


class PowerPath:
    """Everything between the grid and the cells."""

    def __init__(
        self, plant: PlantParameters, battery: BatteryParameters, soc_percent: float
    ) -> None:
        """Start with an open contactor and empty registers."""
        self.plant = Plant(plant)
        self.battery = Battery(battery, soc_percent)
        self.contactor = Contactor()
        self.energy_import_wh = 0.0
        self.energy_export_wh = 0.0
        self._is_stopping = False

    @property
    def true_power_w(self) -> float:
        """Power that really flows now, W."""
        return self.plant.power_w

    @property
    def is_stopping(self) -> bool:
        """True while the power ramps down for the contactor to open."""
        return self._is_stopping

    def step(self, dt_s: float, command_w: float) -> None:
        """Advance by ``dt_s`` with a command that holds from the step's beginning."""
        if not self.contactor.is_closed:
            return
        if self._is_stopping:
            command_w = 0.0
        spec = self.plant.parameters
        envelope = self.battery.envelope(
            spec.max_charge_power_w, spec.max_discharge_power_w
        )
        moved = self.plant.step(dt_s, command_w, envelope)
        if self._is_stopping:
            self.plant.skip_dead_time()
        self.battery.apply(moved.charged_ws, moved.discharged_ws)
        self.energy_import_wh += moved.charged_ws / SECONDS_PER_HOUR
        self.energy_export_wh += moved.discharged_ws / SECONDS_PER_HOUR
        if self._is_stopping and self._is_unloaded():
            self.open_now()

    def close(self) -> None:
        """Close the contactor; a ramp-down that ran is called off."""
        self._is_stopping = False
        self.contactor.close()

    def stop(self) -> None:
        """Ramp to 0 W by the charger's own ramp, then open the contactor."""
        if self.contactor.is_closed:
            self._is_stopping = True
            self.step(0.0, 0.0)

    def open_now(self) -> None:
        """Open the contactor at once, whatever flows."""
        self.contactor.open(self.plant.power_w)
        self.plant.cut()
        self._is_stopping = False

    def measure(self) -> MeterSample:
        """Return what the meter shows now."""
        return MeterSample(
            power_w=self.plant.measured_w() if self.contactor.is_closed else 0.0,
            energy_import_wh=self.energy_import_wh,
            energy_export_wh=self.energy_export_wh,
        )

    def _is_unloaded(self) -> bool:
        # A charger with an offset at zero never gets nearer than that offset.
        residual_w = self.plant.power_w - self.plant.parameters.offset_zero_w
        return abs(residual_w) < HOT_OPEN_W and self.plant.effective_w == 0.0
