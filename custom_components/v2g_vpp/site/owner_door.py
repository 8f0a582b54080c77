"""What the owner may do to the home."""

from abc import abstractmethod
from collections.abc import Callable, Collection

from ..domain.explanation import Explanation
from ..domain.faults import FaultCode
from ..domain.ids import EvseKey, ProgrammeId, VehicleId
from ..domain.policy import EvsePolicy, VehiclePolicy
from .control_loop import ControlLoop
from .delivery_desk import DeliveryDesk
from .keeper import Keeper
from .owner_knobs import OwnerKnobs
from .registry import Registry
from .user_commands import UserCommands, raise_for


class OwnerDoor:
    """Knobs, powers, stops and latches; what must last is on disk when it returns."""

    _registry: Registry
    _loop: ControlLoop
    _delivery: DeliveryDesk
    _commands: UserCommands
    _knobs: OwnerKnobs
    _keeper: Keeper

    async def set_evse_policy(
        self, key: EvseKey, change: Callable[[EvsePolicy], EvsePolicy]
    ) -> None:
        """Change the owner's knobs of an EVSE; on disk before it returns.

        Raises:
            UnknownTarget: for an EVSE that this home does not have.
            DischargeNotPermitted: when discharge is switched on without a proof.
        """
        self._knobs.change_evse(key, change)
        await self._act_and_save()

    async def set_vehicle_policy(
        self, vehicle_id: VehicleId, change: Callable[[VehiclePolicy], VehiclePolicy]
    ) -> None:
        """Change the owner's knobs of a vehicle; on disk before it returns.

        Raises:
            UnknownTarget: for a vehicle that this home does not have.
        """
        self._knobs.change_vehicle(vehicle_id, change)
        await self._act_and_save()

    async def set_participation(
        self, programme_id: ProgrammeId, *, is_participating: bool
    ) -> None:
        """Join in or pause a programme; pausing ends what runs.

        Raises:
            UnknownTarget: for a programme that this home does not have.
        """
        self._knobs.change_participation(
            programme_id, is_participating=is_participating
        )
        await self._act_and_save()

    async def set_power(
        self,
        key: EvseKey,
        power_w: float,
        duration_s: float | None,
        until_soc_percent: float | None = None,
    ) -> None:
        """Hold a power for a while, ahead of every other owner.

        Args:
            key: of the EVSE.
            power_w: positive charges.
            duration_s: after which it is handed back; None: as late as it may be.
            until_soc_percent: also handed back when the vehicle holds so much, or of a
                discharge so little; None: never for that.

        Raises:
            PolicyError, StationOffline, UnknownTarget: nothing changed.
            StationRejected, StationTimeout: the station did not take it.
        """
        try:
            await self._commands.set_power(key, power_w, duration_s, until_soc_percent)
        finally:
            self._publish()

    async def start_transaction(self, key: EvseKey) -> None:
        """Ask the station to begin a transaction with the vehicle that is plugged.

        Raises:
            PolicyError, UnknownTarget, StationOffline: nothing was asked.
            StationRejected, StationTimeout: it was not begun.
        """
        self._commands.check_usable(key)
        if self._commands.evse(key).session.transaction_id is None:
            result = await self._delivery.start_transaction(key)
            if not result.is_accepted:
                raise_for(key, "StartTransaction", result)

    async def end_transaction(self, key: EvseKey) -> None:
        """Bring power to 0 W, keep it there, and end the transaction.

        Raises:
            UnknownTarget, StationOffline, StationRejected, StationTimeout.
        """
        await self.stop(key)
        transaction_id = self._commands.evse(key).session.transaction_id
        if transaction_id is not None:
            result = await self._delivery.stop_transaction(key, transaction_id)
            if not result.is_accepted:
                raise_for(key, "StopTransaction", result)

    async def return_to_automatic(self, key: EvseKey) -> None:
        """End the owner's own power or stop.

        Raises:
            UnknownTarget: for an EVSE that this home does not have.
        """
        await self._commands.return_to_automatic(key)
        self._publish()
        await self._keeper.save()

    async def stop(self, key: EvseKey | None) -> None:
        """Bring one EVSE or all to 0 W until told otherwise; idempotent.

        Raises:
            UnknownTarget, StationOffline, StationRejected, StationTimeout.
        """
        try:
            await self._commands.stop(key)
        finally:
            self._publish()
            await self._keeper.save()

    async def emergency_stop(self, key: EvseKey | None) -> None:
        """Latch one EVSE or all at 0 W; the latch is on disk before it returns.

        Raises:
            UnknownTarget: for an EVSE that this home does not have.
        """
        try:
            self._commands.latch_emergency_stop(key)
            self._publish()
        finally:
            await self._keeper.save()

    async def reset_emergency_stop(self, key: EvseKey) -> None:
        """Release latches whose cause is gone.

        Raises:
            UnknownTarget: for an EVSE that this home does not have.
            EmergencyStopActive: the station's own button is still pressed.
        """
        self._commands.reset(key)
        if not any(
            FaultCode.STORE_UNREADABLE in r.session.faults
            for r in self._registry.evses.values()
        ):
            self._keeper.is_trusted = self._loop.is_store_readable = True
        await self._act_and_save()

    async def start_self_test(self, key: EvseKey) -> None:
        """Begin the supervised proof of discharge; its progress is in the picture.

        Raises:
            UnknownTarget, StationOffline, EmergencyStopActive, NothingPlugged,
            DischargeNotPermitted: with the first gate that forbids it.
        """
        station = self._registry.stations.get(key.station_id)
        self._commands.start_self_test(key, station.session.firmware if station else "")
        self._publish()

    async def acknowledge_lost_proof(self, key: EvseKey) -> None:
        """Forget why an EVSE lost its proof: the owner knows, and leaves it so.

        Raises:
            UnknownTarget: for an EVSE that this home does not have.
        """
        self._commands.evse(key).lost_proof = None
        self._publish()
        await self._keeper.save()

    def explain(self, key: EvseKey) -> Explanation:
        """Return why an EVSE does what it does; nothing changes.

        Raises:
            UnknownTarget: for an EVSE that this home does not have.
        """
        return self._loop.explain(self._commands.evse(key))

    async def clear_charging_profile(self, key: EvseKey) -> None:
        """Bring power to 0 W first, then remove the product's own profile.

        Raises:
            UnknownTarget, StationOffline, StationRejected, StationTimeout.
        """
        await self.stop(key)
        result = await self._delivery.clear_charging_profile(key)
        if not result.is_accepted:
            raise_for(key, "ClearChargingProfile", result)

    async def _act_and_save(self) -> None:
        # What takes something away acts before the disk is asked.
        self._publish(self._loop.tick())
        await self._keeper.save()

    @abstractmethod
    def _publish(self, changed: Collection[EvseKey] | None = None) -> None:
        """Draw the picture anew and show it to whom it concerns."""
