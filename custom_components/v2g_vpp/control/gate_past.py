"""What the output gate remembers of one EVSE, where the moment alone cannot tell.

It shares no code with what the coordinator remembers, and keeps less: in doubt nothing
is remembered, so that a gate that began late takes nothing away for it.
"""

from dataclasses import dataclass

from ..domain.ids import VehicleId
from ..domain.policy import Departure

SAME_DEPARTURE_S = 60.0
"""The clocks of two looks may differ; two departures of a vehicle are further apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastInputs:
    """One look at an EVSE."""

    visit: int
    """Counts the vehicles that were plugged."""

    vehicle_id: VehicleId | None
    is_failsafe: bool
    is_ordered: bool
    """An aggregator says now what flows here."""

    departures: tuple[Departure, ...]
    ceiling_percent: float
    """What the owner lets the vehicle hold at most."""

    soc_percent: float | None
    """None while it is not known."""


class GatePast:
    """Remembers since when a link is lost, and what a vehicle was promised."""

    def __init__(self) -> None:
        """Nothing was seen."""
        self._was_ordered = False
        self._who: tuple[int, VehicleId | None] | None = None
        self._expected_mono_s: tuple[float, ...] = ()
        self.is_released = False
        """A lost link ended what an aggregator asked for, and is not back yet."""

        self.missed_percent: float | None = None
        """What the vehicle should hold since a departure that is past; None: nothing.

        Only of a departure that this vehicle was there for, until it holds that, or the
        departure is over or another one.
        """

    def note(self, inputs: PastInputs, now_mono_s: float) -> None:
        """Take a look; each tick, whatever is asked for."""
        if inputs.is_failsafe:
            self._was_ordered |= inputs.is_ordered
        else:
            self._was_ordered = inputs.is_ordered
        self.is_released = inputs.is_failsafe and self._was_ordered
        self._note_departures(inputs, now_mono_s)

    def _note_departures(self, inputs: PastInputs, now_mono_s: float) -> None:
        who = (inputs.visit, inputs.vehicle_id)
        if who != self._who:
            self._who, self._expected_mono_s = who, ()
        expected, missed = [], []
        for departure in inputs.departures:
            due_mono_s = departure.due_mono_s
            if due_mono_s >= now_mono_s:
                expected.append(due_mono_s)
                continue
            was_expected = any(
                abs(due_mono_s - one) < SAME_DEPARTURE_S
                for one in self._expected_mono_s
            )
            wanted = min(departure.target_percent, inputs.ceiling_percent)
            is_there = inputs.soc_percent is not None and inputs.soc_percent >= wanted
            if was_expected and not is_there:
                expected.append(due_mono_s)
                missed.append(wanted)
        self._expected_mono_s = tuple(expected)
        self.missed_percent = max(missed, default=None)
