"""The owner's lasting wishes: knobs of EVSEs and vehicles, participation."""

from collections.abc import Callable

from ..domain.dispatch import AckCode
from ..domain.errors import DischargeNotPermitted, UnknownTarget
from ..domain.ids import EvseKey, ProgrammeId, VehicleId
from ..domain.policy import EvsePolicy, VehiclePolicy
from ..domain.setpoint import Reason
from .delivery_desk import DeliveryDesk
from .orders import OrderDesk
from .records import EvseRecord
from .registry import Registry, bounded_policy


class OwnerKnobs:
    """Change what the owner wants; the caller ticks and persists."""

    def __init__(
        self, registry: Registry, desk: OrderDesk, delivery: DeliveryDesk
    ) -> None:
        """Work on the records of ``registry``."""
        self._registry, self._desk, self._delivery = registry, desk, delivery

    def change_evse(
        self, key: EvseKey, change: Callable[[EvsePolicy], EvsePolicy]
    ) -> None:
        """Change the knobs of an EVSE.

        Raises:
            UnknownTarget: for an EVSE that this home does not have.
            DischargeNotPermitted: when discharge is switched on without a proof.
        """
        record = self._registry.evses.get(key)
        if record is None:
            raise UnknownTarget(key.station_id, f"EVSE {key.evse_id}")
        wanted = change(record.policy)
        is_switched_on = (
            wanted.is_discharge_allowed and not record.policy.is_discharge_allowed
        )
        if is_switched_on and self._registry.valid_proof(record) is None:
            raise DischargeNotPermitted(Reason.NOT_PROVEN)
        before = self._allowances()
        limits = self._registry.station_of(key).limits
        record.policy = bounded_policy(wanted, limits)
        self._tell_changes(before)

    def change_vehicle(
        self, vehicle_id: VehicleId, change: Callable[[VehiclePolicy], VehiclePolicy]
    ) -> None:
        """Change the knobs of a vehicle.

        Raises:
            UnknownTarget: for a vehicle that this home does not have.
        """
        record = self._registry.vehicles.get(vehicle_id)
        if record is None:
            raise UnknownTarget(vehicle_id, "the vehicle")
        before = self._allowances()
        record.policy = change(record.policy)
        self._tell_changes(before)

    def change_participation(
        self, programme_id: ProgrammeId, *, is_participating: bool
    ) -> None:
        """Join in or pause a programme; pausing ends what runs.

        Raises:
            UnknownTarget: for a programme that this home does not have.
        """
        record = self._registry.programmes.get(programme_id)
        if record is None:
            raise UnknownTarget(programme_id, "the programme")
        record.is_participating = is_participating
        if not is_participating:
            self._desk.release(record, AckCode.NOT_PERMITTED)

    def _allowances(self) -> dict[EvseKey, bool]:
        return {
            key: self._may_discharge(record)
            for key, record in self._registry.evses.items()
        }

    def _may_discharge(self, record: EvseRecord) -> bool:
        vehicle = self._registry.vehicle_at(record)
        return vehicle is not None and vehicle.policy.is_discharge_allowed

    def _tell_changes(self, before: dict[EvseKey, bool]) -> None:
        """Tell running transactions what their vehicle may do from now on."""
        for key, may_discharge in self._allowances().items():
            if before[key] is not may_discharge:
                self._delivery.tell_energy_transfer(
                    self._registry.evses[key], may_discharge=may_discharge
                )
