"""The traction battery of the virtual vehicle."""

from dataclasses import dataclass

from ..domain.units import (
    SECONDS_PER_HOUR,
    clamp,
    percent_of,
    share_of,
    within,
)
from .plant import PowerEnvelope


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryParameters:
    """One battery."""

    capacity_wh: float = 60_000.0
    efficiency: float = 0.95
    """One way, between the meter and the cells."""

    taper_from_percent: float = 80.0
    """Above it the vehicle takes less and less."""

    taper_end_share: float = 0.15
    """Share of the charging power that is left at 100 %."""

    def __post_init__(self) -> None:
        """Refuse what no battery can be.

        Raises:
            NotFiniteError: naming the first field that is out of its bounds.
        """
        within("capacity_wh", self.capacity_wh, 1.0, 1e6)
        within("efficiency", self.efficiency, 0.01, 1.0)
        within("taper_from_percent", self.taper_from_percent, 0.0, 100.0)
        within("taper_end_share", self.taper_end_share, 0.0, 1.0)


class Battery:
    """State of charge, followed from the energy at the meter."""

    def __init__(self, parameters: BatteryParameters, soc_percent: float) -> None:
        """Start at ``soc_percent`` of the capacity."""
        self.parameters = parameters
        self._stored_wh = share_of(
            within("soc_percent", soc_percent, 0.0, 100.0), parameters.capacity_wh
        )

    @property
    def stored_wh(self) -> float:
        """Energy in the cells, Wh.

        It may pass 0 or the capacity by what flows while the power ramps down: the
        window that a vehicle shows is narrower than its cells.
        """
        return self._stored_wh

    @property
    def soc_percent(self) -> float:
        """State of charge as the vehicle shows it, 0..100."""
        return clamp(
            percent_of(self._stored_wh, self.parameters.capacity_wh), 0.0, 100.0
        )

    def set_soc(self, soc_percent: float) -> None:
        """Put the battery to a state of charge, 0..100 (a hook for tests)."""
        self._stored_wh = share_of(
            within("soc_percent", soc_percent, 0.0, 100.0), self.parameters.capacity_wh
        )

    def apply(self, charged_ws: float, discharged_ws: float) -> None:
        """Take in what a step of the plant moved at the meter, W s, both >= 0."""
        into_cells_ws = charged_ws * self.parameters.efficiency
        out_of_cells_ws = discharged_ws / self.parameters.efficiency
        self._stored_wh += (into_cells_ws - out_of_cells_ws) / SECONDS_PER_HOUR

    def envelope(self, max_charge_w: float, max_discharge_w: float) -> PowerEnvelope:
        """Return what the vehicle takes and gives now.

        Args:
            max_charge_w: of the charger, W, before the taper.
            max_discharge_w: of the charger, positive magnitude, W.
        """
        spec = self.parameters
        soc_percent = self.soc_percent
        share = 1.0
        if soc_percent > spec.taper_from_percent:
            done = (soc_percent - spec.taper_from_percent) / (
                100.0 - spec.taper_from_percent
            )
            share = 1.0 - done * (1.0 - spec.taper_end_share)
        return PowerEnvelope(
            highest_w=0.0 if soc_percent >= 100.0 else max_charge_w * share,
            lowest_w=0.0 if soc_percent <= 0.0 else -max_discharge_w,
        )
