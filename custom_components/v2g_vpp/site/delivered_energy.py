"""Count the energy that a programme got, from the station's own register."""

from ..domain.measurement import Measurement
from ..domain.setpoint import ControlOwner
from .records import EvseRecord
from .registry import Registry


class DeliveredEnergy:
    """Credit each advance of an export register to the programme in control."""

    def __init__(self, registry: Registry) -> None:
        """Credit the programmes of ``registry``."""
        self._registry = registry

    def credit(self, record: EvseRecord, before: Measurement) -> None:
        """Credit what the register of an EVSE advanced; one that jumps back gives 0.

        Args:
            record: with the readings of now.
            before: the readings until now.
        """
        earlier = before.energy_discharged_wh
        later = record.session.measurement.energy_discharged_wh
        if record.setpoint.owner is not ControlOwner.VPP:
            return
        if earlier is None or later is None or later.value <= earlier.value:
            return
        for programme in self._registry.programmes.values():
            if programme.order_for(record.key) is not None:
                programme.delivered_discharge_wh += later.value - earlier.value
                return
