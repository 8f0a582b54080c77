"""What the output gate remembers of one EVSE, where the moment alone cannot tell.

It shares no code with what the coordinator remembers, and keeps less: in doubt nothing
is remembered, so that a gate that began late takes nothing away for it.
"""

from collections import deque
from dataclasses import dataclass

from ..domain.ids import VehicleId
from ..domain.measurement import Reading
from ..domain.policy import Departure

SAME_DEPARTURE_S = 60.0
"""The clocks of two looks may differ; two departures of a vehicle are further apart."""


TEMPO_OF = 7
"""Gaps between reports; the middle one counts."""

SHORTEST_SILENCE_S, LONGEST_SILENCE_S, REPORTS = 10.0, 30.0, 3.0
"""A reading counts for three reports, within these bounds (control brief, the site)."""


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


class MeterTempo:
    """How often the meter of an EVSE reports, seen by the gate itself."""

    def __init__(self) -> None:
        """Nothing was seen: the shortest time of all counts."""
        self._last_mono_s: float | None = None
        self._gaps_s: deque[float] = deque(maxlen=TEMPO_OF)

    def note(self, reading: Reading | None) -> None:
        """Take the newest reading; each tick."""
        if reading is None:
            return
        at_mono_s, last_mono_s = reading.received_mono_s, self._last_mono_s
        self._last_mono_s = at_mono_s
        if last_mono_s is not None and 0 < at_mono_s - last_mono_s <= LONGEST_SILENCE_S:
            self._gaps_s.append(at_mono_s - last_mono_s)

    @property
    def silent_after_s(self) -> float:
        """Age at which a reading counts no more, s (control brief, the site)."""
        gaps_s = sorted(self._gaps_s)
        usual_s = gaps_s[len(gaps_s) // 2] if gaps_s else 0.0
        return min(LONGEST_SILENCE_S, max(SHORTEST_SILENCE_S, REPORTS * usual_s))


QUARTER_HOUR_S = 900.0
"""What does not end by itself is ended after this, and seen at rest before it goes on
(house rule)."""

AT_REST_W, AT_REST_SHARE = 150.0, 0.025
"""A meter that shows no more discharge than both shows none."""


class UnguardedTime:
    """How long the gate has let a discharge through since its meter last showed none."""

    def __init__(self) -> None:
        """Nothing was let through."""
        self._first_mono_s: float | None = None
        self._last_mono_s = float("-inf")

    def is_spent(self, now_mono_s: float) -> bool:
        """Return True when the next discharge has to wait for a rest."""
        first_mono_s = self._first_mono_s
        return first_mono_s is not None and now_mono_s - first_mono_s >= QUARTER_HOUR_S

    def note(self, power: Reading | None, rating_w: float, standby_w: float) -> None:
        """Take the meter: a rest that it shows after the last discharge ends all."""
        if power is None or power.received_mono_s <= self._last_mono_s:
            return
        if power.value >= -(max(AT_REST_W, AT_REST_SHARE * rating_w) + abs(standby_w)):
            self._first_mono_s = None

    def let_through(self, power_w: float, now_mono_s: float) -> None:
        """Note what goes to the wire now, W."""
        if power_w < 0:
            self._last_mono_s = now_mono_s
            if self._first_mono_s is None:
                self._first_mono_s = now_mono_s


class GatePast:
    """Remembers since when a link is lost, and what a vehicle was promised."""

    def __init__(self) -> None:
        """Nothing was seen."""
        self.tempo = MeterTempo()
        self.unguarded = UnguardedTime()
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
