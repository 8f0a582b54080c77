"""What other automations and the operator of the grid may ask of the home."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
import logging

from ..domain.clock import Clock
from ..domain.errors import ControlTaken, DischargeTooLong, PlanInvalid, UnknownTarget
from ..domain.ids import EvseKey
from ..domain.policy import Claim, Plan, PlanSlot, checked_plan
from ..domain.site_meters import OperatorLimit
from .external import leave_to_external
from .keeper import Keeper
from .records import EvseRecord
from .registry import Registry

_LOGGER = logging.getLogger(__name__)


class LeaseDoor:
    """Plans, leases of other automations and limits of the operator.

    A lease ends with a restart, as everything does that makes power flow; a plan is
    what the owner wants, like the mode, and is kept. So is a limit.
    """

    _registry: Registry
    _keeper: Keeper
    _clock: Clock

    async def set_plan(self, key: EvseKey, slots: Iterable[PlanSlot]) -> None:
        """Replace the plan of an EVSE; it is followed in the mode ``plan``.

        Raises:
            UnknownTarget: for an EVSE that this home does not have.
            PlanInvalid: for an empty span or two at the same time.
        """
        record = self._leased(key)
        try:
            record.plan = checked_plan(slots)
        except ValueError as err:
            raise PlanInvalid(str(err)) from err
        self._tick()
        await self._keeper.save()

    def plan_of(self, key: EvseKey) -> Plan:
        """Return the plan of an EVSE, empty without one.

        Raises:
            UnknownTarget: for an EVSE that this home does not have.
        """
        return self._leased(key).plan

    def acquire_control(
        self, key: EvseKey, holder: str, power_w: float, duration_s: float
    ) -> None:
        """Take the control lease of an EVSE for a while, or renew one's own.

        Its power is asked for below the user and a dispatch, above plan and mode.

        Args:
            key: of the EVSE.
            holder: name of the automation.
            power_w: what it wants; limits apply as to everybody.
            duration_s: after this plan and mode take over again by themselves.

        Raises:
            UnknownTarget: for an EVSE that this home does not have.
            ControlTaken: another automation holds it.
            DischargeTooLong: for one that does not end by itself.
        """
        record = self._leased(key)
        self._refuse_others(record, holder)
        longest_s = self._registry.longest_s(record, power_w)
        if duration_s > longest_s:
            raise DischargeTooLong(longest_s)
        ends_mono_s = self._clock.monotonic() + duration_s
        record.claim = Claim(
            key=key,
            holder=holder,
            power_w=power_w,
            ends_mono_s=ends_mono_s,
            ends_at=self._clock.utcnow() + timedelta(seconds=duration_s),
        )
        _LOGGER.info("%s: control taken by %s for %.0f s", key, holder, duration_s)
        self._tick()

    def release_control(self, key: EvseKey, holder: str) -> None:
        """Hand the control lease back; nothing when nobody holds it.

        Raises:
            UnknownTarget: for an EVSE that this home does not have.
            ControlTaken: another automation holds it.
        """
        record = self._leased(key)
        self._refuse_others(record, holder)
        record.claim = None
        self._tick()

    def yield_to_external(self, key: EvseKey) -> None:
        """Leave an EVSE to somebody who changed its charger beside this home.

        Nothing is written to it for an hour, or until a new power of the owner, the
        return to automatic or the next plug, but what makes it safer: stops of the
        owner, latched faults, and 0 W where the meter shows a discharge that must not
        be. What is stopped already stays so, and is told so again.

        Raises:
            UnknownTarget: for an EVSE that this home does not have.
        """
        leave_to_external(self._leased(key), self._clock)
        self._tick()

    async def set_site_limit(self, limit: OperatorLimit) -> None:
        """Replace what the operator of the grid allows; on disk before it returns."""
        await self.change_site_limit(lambda _: limit)

    async def change_site_limit(
        self, change: Callable[[OperatorLimit], OperatorLimit]
    ) -> None:
        """Change what the operator of the grid allows; on disk before it returns.

        Args:
            change: is given what holds now, without what ended.
        """
        known = self._registry.operator_limit or OperatorLimit()
        self._registry.operator_limit = change(known.at(self._clock.utcnow()))
        self._tick()
        await self._keeper.save()

    @abstractmethod
    def _tick(self, changed: Collection[EvseKey] | None = None) -> None:
        """Decide and deliver now."""

    def _refuse_others(self, record: EvseRecord, holder: str) -> None:
        claim = record.claim
        is_held = claim is not None and self._clock.monotonic() < claim.ends_mono_s
        if claim is not None and is_held and claim.holder != holder:
            raise ControlTaken(str(record.key), claim.holder)

    def _leased(self, key: EvseKey) -> EvseRecord:
        record = self._registry.evses.get(key)
        if record is None:
            raise UnknownTarget(key.station_id, f"EVSE {key.evse_id}")
        return record
