"""Count the energy that a programme got, from the station's own register."""

from ..domain.events import MeasurementReported, StationEvent
from ..domain.setpoint import ControlOwner
from .registry import Registry


class DeliveredEnergy:
    """Credit each advance of an export register to the programme in control."""

    def __init__(self, registry: Registry) -> None:
        """Read and credit the records of ``registry``."""
        self._registry = registry
        self._register_wh: float | None = None

    def before(self, event: StationEvent) -> None:
        """Note the register before an event is applied."""
        self._register_wh = self._read(event)

    def after(self, event: StationEvent) -> None:
        """Credit what the register advanced; a register that jumps back gives 0."""
        earlier_wh, later_wh = self._register_wh, self._read(event)
        if not isinstance(event, MeasurementReported):
            return
        if earlier_wh is None or later_wh is None or later_wh <= earlier_wh:
            return
        record = self._registry.evses.get(event.key)
        if record is None or record.setpoint.owner is not ControlOwner.VPP:
            return
        for programme in self._registry.programmes.values():
            if programme.order_for(event.key) is not None:
                programme.delivered_discharge_wh += later_wh - earlier_wh
                return

    def _read(self, event: StationEvent) -> float | None:
        if not isinstance(event, MeasurementReported):
            return None
        record = self._registry.evses.get(event.key)
        if record is None:
            return None
        reading = record.session.measurement.energy_discharged_wh
        return reading.value if reading else None
