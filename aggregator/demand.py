"""A net demand over all homes: allocated, commanded, and ended again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from .allocation import Allocation, Unit, allocate
from .dispatcher import FINAL_STATUSES, CommandOrder, Dispatch
from .leader import Leader
from .messages import Availability, CommandKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One demand and the commands that serve it."""

    power_w: int
    duration_s: float
    allocation: Allocation
    dispatches: Mapping[str, Dispatch]


class DemandDesk:
    """Keeps the one demand that is being served."""

    def __init__(self, leader: Leader) -> None:
        """Begin with no demand."""
        self._leader = leader
        self.current: Demand | None = None

    def serve(self, power_w: int, duration_s: float, event_id: str | None) -> Demand:
        """Command the homes that serve a demand; those no longer needed are ended.

        Raises:
            NotConnectedError: when the broker is away.
            ContractError: when the demand does not fit the contract.
        """
        allocation = allocate(power_w, self.units(), duration_s)
        earlier = self.current
        dispatches = {
            home_id: self._leader.dispatcher.send_command(
                home_id,
                CommandOrder(
                    kind=CommandKind.SETPOINT,
                    power_w=share_w,
                    duration_s=duration_s,
                    event_id=event_id,
                ),
            )
            for home_id, share_w in allocation.power_w.items()
        }
        self._end(earlier, keep=dispatches)
        self.current = Demand(
            power_w=power_w,
            duration_s=duration_s,
            allocation=allocation,
            dispatches=dispatches,
        )
        return self.current

    def end(self) -> int:
        """End the demand; return how many commands were cancelled."""
        earlier, self.current = self.current, None
        return self._end(earlier, keep={})

    def units(self) -> list[Unit]:
        """Return what every home offers that is online, opted in and up to date."""
        leader = self._leader
        now_mono_s, now = leader.clock.monotonic(), leader.clock.utcnow()
        units = []
        for home in leader.homes.values():
            availability = home.availability
            if availability is None or not home.is_ready(now_mono_s, now):
                continue
            running = leader.dispatcher.commanded_w(home.home_id) != 0
            units.append(unit_of(home.home_id, availability, is_running=running))
        return units

    def _end(self, earlier: Demand | None, keep: Mapping[str, Dispatch]) -> int:
        now = self._leader.clock.utcnow()
        ended = [
            (home_id, dispatch)
            for home_id, dispatch in (earlier.dispatches if earlier else {}).items()
            if home_id not in keep and _may_run(dispatch, now)
        ]
        for home_id, dispatch in ended:
            self._leader.dispatcher.send_cancel(home_id, dispatch.message.id)
        return len(ended)


def unit_of(home_id: str, availability: Availability, *, is_running: bool) -> Unit:
    """Return what a home offers as a whole."""
    site = availability.site
    return Unit(
        home_id=home_id,
        lowest_w=site.lowest_w,
        highest_w=site.highest_w,
        # A home of several EVSEs may run only one of them.
        dead_band_w=min((r.dead_band_w for r in availability.resources), default=0),
        deliverable_wh=site.deliverable_wh,
        absorbable_wh=site.absorbable_wh,
        is_running=is_running,
    )


def _may_run(dispatch: Dispatch, now: datetime) -> bool:
    command = dispatch.command
    return (
        command is not None
        and dispatch.status not in FINAL_STATUSES
        and command.end > now
    )
