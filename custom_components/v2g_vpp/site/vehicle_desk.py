"""What the home keeps of its vehicles while they are plugged, and their departures."""

from dataclasses import replace
from datetime import datetime, time, timedelta

from ..control.inputs import EvseDecision
from ..control.vehicle_watch import VehicleMemory
from ..domain.clock import HomeClock
from ..domain.policy import Departure
from .records import EvseRecord, VehicleRecord
from .registry import Registry

GRACE = timedelta(hours=1)
"""People leave late: a departure holds its charge this much longer."""

STEADY = timedelta(minutes=2)
"""A time that is promised does not move for less."""


class VehicleDesk:
    """Turns wishes into departures, and decisions into what is kept of a vehicle."""

    def __init__(self, registry: Registry, clock: HomeClock) -> None:
        """Work on the records of ``registry``."""
        self._registry, self._clock = registry, clock

    def departures(self, record: EvseRecord) -> tuple[Departure, ...]:
        """Return what the owner wants the vehicle at an EVSE to hold, and when."""
        vehicle = self._registry.vehicle_at(record)
        if vehicle is None:
            return ()
        policy = vehicle.policy
        now, found = self._clock.utcnow(), []
        if policy.ready_soc_percent > 0:
            wall = time.fromisoformat(policy.ready_by)
            due_at = self._clock.next_wall_time(wall, now - GRACE)
            found.append((policy.ready_soc_percent, due_at))
        if policy.departure_at is not None:
            due_at = datetime.fromisoformat(policy.departure_at)
            if now < due_at + GRACE or _is_owed(record):
                found.append((policy.departure_soc_percent, due_at))
        return tuple(
            Departure(
                target_percent=percent,
                due_mono_s=self._clock.monotonic() + (due_at - now).total_seconds(),
            )
            for percent, due_at in found
        )

    def take(
        self, record: EvseRecord, decision: EvseDecision, memory: VehicleMemory | None
    ) -> None:
        """Keep what a decision says of the vehicle at an EVSE, and what it knew."""
        vehicle = self._registry.vehicle_at(record)
        before, record.memory = record.memory, memory
        if vehicle is None:
            return
        if memory is not None and memory.soc.may_discharge:
            # A crash must find on disk that a discharge runs.
            is_new = before is None or not before.soc.may_discharge
            record.has_news_to_save |= is_new
        if decision.soc.discharged_wh > 0:
            vehicle.cycled.add(decision.soc.discharged_wh, self._clock.monotonic())
        self._note_outlook(vehicle, decision)
        self._forget_departure(record, vehicle)
        told, needs = record.session.measurement.soc_percent, record.session.needs
        if decision.soc.likely_percent is not None:
            vehicle.soc_percent = decision.soc.likely_percent
        elif told is not None:
            vehicle.soc_percent = told.value
        if needs is not None and needs.is_direction_told:
            vehicle.is_v2g_capable = (
                needs.is_bidirectional or needs.can_be_bidirectional
            )

    def _forget_departure(self, record: EvseRecord, vehicle: VehicleRecord) -> None:
        """Drop the one departure that is over.

        One that was missed goes on until its charge is there.
        """
        at = vehicle.policy.departure_at
        if at is None or _is_owed(record):
            return
        if self._clock.utcnow() >= datetime.fromisoformat(at) + GRACE:
            vehicle.policy = replace(vehicle.policy, departure_at=None)
            record.has_news_to_save = True

    def _note_outlook(self, vehicle: VehicleRecord, decision: EvseDecision) -> None:
        outlook = decision.outlook
        ready_at = None
        if outlook is not None and outlook.ready_in_s is not None:
            ready_at = self._clock.utcnow() + timedelta(seconds=outlook.ready_in_s)
        vehicle.is_ready_in_time = None if outlook is None else outlook.is_in_time
        shown = vehicle.ready_at
        if shown is None or ready_at is None or abs(ready_at - shown) > STEADY:
            vehicle.ready_at = None if ready_at is None else _to_the_minute(ready_at)


def _is_owed(record: EvseRecord) -> bool:
    return record.memory is not None and record.memory.owed_percent is not None


def _to_the_minute(moment: datetime) -> datetime:
    return (moment + timedelta(seconds=30)).replace(second=0, microsecond=0)
