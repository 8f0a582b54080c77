"""Times on the wire, and how far the clock of a station is from ours."""

from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Final

from ..domain.state import ClockState
from ..domain.units import clamp
from .proven_offset import ProvenOffset

MAX_CLOCK_OFFSET_S: Final = 300.0
"""Above it no profile that runs on the station's clock is trusted (OCPP brief 2.2)."""

MAX_CLOCK_SPREAD_S: Final = 2.0
"""How much the offset may move between live frames before it counts as a step."""

LATE_SAMPLE_S: Final = 10.0
"""Judged by our own clock, a sample counts as late from this age on: clocks of chargers
that nobody has compared yet differ by less, and a reading this young is fresh anyway."""

UNSET_CLOCK_S: Final = 365 * 86_400.0
"""A clock that is a year off was never set: its times say nothing of the age. Less may
as well be what waited in a station while the home was away."""

LONGEST_OUT_OF_TURN_S: Final = 60.0
"""House rule: what is further behind on a link that is up says that the clock of the
station was set back, not that it comes late."""

FARTHEST_CLOCK_S: Final = 100 * UNSET_CLOCK_S
"""No clock counts as farther off: at the end of the calendar no time could be written
for it, and so no stop."""

QUEUE_S: Final = 15.0
"""House rule: this long after dialling in, what comes may be from the queue of the
station, so that it says nothing of its clock."""

_SAMPLES: Final = 8
_FEW_SAMPLES: Final = 3
"""Less may be one that came late."""


def parse_time(text: object) -> datetime | None:
    """Return an RFC 3339 time as aware UTC, None when it cannot be read.

    Deviation: a time without a zone, which several chargers send, is read as UTC.
    """
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (
            moment.replace(tzinfo=UTC)
            if moment.tzinfo is None
            else moment.astimezone(UTC)
        )
    except ValueError, OverflowError:
        return None


def format_time(moment: datetime) -> str:
    """Return a time as the wire wants it: UTC with a Z, whole seconds.

    Some chargers cannot read fractions.
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class StationClock:
    """The offset of a station's clock, learnt from live frames.

    It is asked several times for each frame, so what the offsets say is worked out when
    one is learnt.
    """

    def __init__(self) -> None:
        """Start without knowledge."""
        self._offsets_s: deque[float] = deque(maxlen=_SAMPLES)
        # Delay and whole seconds on the wire only make a frame look older.
        self._offset_s = 0.0
        self._state = ClockState.UNKNOWN
        self._proven: ProvenOffset | None = None

    def prove(self, sent_at: datetime, received_at: datetime, took_s: float) -> None:
        """Note a frame that answers what was asked ``took_s`` before: it cannot be old.

        Its offset is true whatever it is, so that ages can be told by a clock that is
        an hour behind, as one of a charger is that writes local time.
        """
        self.learn(sent_at, received_at)
        offset_s = self._offsets_s[-1]
        if LATE_SAMPLE_S < -offset_s < UNSET_CLOCK_S:
            answer = ProvenOffset.of_answer(offset_s, took_s)
            self._proven = answer.joined(self._proven, MAX_CLOCK_SPREAD_S)
        else:
            # Ours does as well.
            self._proven = None

    def forget_proof(self) -> None:
        """Forget what was proven: the clock may have been set while nobody watched."""
        self._proven = None

    def learn(self, sent_at: datetime, received_at: datetime) -> None:
        """Note a frame that was written just before it came in."""
        offsets_s = self._offsets_s
        offset_s = (sent_at - received_at).total_seconds()
        offsets_s.append(clamp(offset_s, -FARTHEST_CLOCK_S, FARTHEST_CLOCK_S))
        self._offset_s = max(offsets_s)
        if abs(self._offset_s) > MAX_CLOCK_OFFSET_S:
            self._state = ClockState.WRONG
        elif self._offset_s - min(offsets_s) <= MAX_CLOCK_SPREAD_S:
            self._state = ClockState.TRUSTED
        else:
            self._state = ClockState.UNSTEADY
        self._follow_proven(self._offsets_s[-1])

    def reset(self) -> None:
        """Forget: the station rebooted or was told another time."""
        self._offsets_s.clear()
        self._offset_s, self._state = 0.0, ClockState.UNKNOWN
        self._proven = None

    @property
    def is_trusted(self) -> bool:
        """True when the offset is known, small and steady."""
        return self._state is ClockState.TRUSTED

    @property
    def state(self) -> ClockState:
        """What the last live frames say of it."""
        return self._state

    @property
    def offset_s(self) -> float | None:
        """How far it is ahead of ours, s; None while nothing is known."""
        return self._offset_s if self._offsets_s else None

    @property
    def makes_old(self) -> bool:
        """True while all that it stamps counts as old, though it is sent at once."""
        is_wrong = self._state is ClockState.WRONG
        is_known = len(self._offsets_s) >= _FEW_SAMPLES
        return is_wrong and is_known and self._age_of(-self._offset_s) > LATE_SAMPLE_S

    def station_time(self, now: datetime) -> datetime:
        """Return what the clock of the station shows; ours while nothing is known."""
        return now + timedelta(seconds=self._offset_s)

    def age_s(self, taken_at: datetime, received_at: datetime) -> float:
        """Return how old a sample was when it came in, s; never below 0.

        While the station's clock is neither trusted nor proven, ours decides: a sample
        that may have waited in the station must not count as fresh.
        """
        return self._age_of((received_at - taken_at).total_seconds())

    def _age_of(self, age_s: float) -> float:
        """Return the age of what is so old to our clock."""
        if self.is_trusted:
            return max(0.0, age_s + self._offset_s)
        if self._proven is not None:
            proven_s = self._proven.age_s(age_s, MAX_CLOCK_SPREAD_S)
            if proven_s is not None:
                return proven_s
        late_s = age_s + self._offset_s
        if self._offset_s > MAX_CLOCK_OFFSET_S and late_s <= LONGEST_OUT_OF_TURN_S:
            # Its freshest frame is no later than now: what is behind that comes late.
            return max(0.0, late_s)
        return age_s if LATE_SAMPLE_S < age_s < UNSET_CLOCK_S else 0.0

    def _follow_proven(self, offset_s: float) -> None:
        if self._proven is None:
            return
        is_set_back = (
            len(self._offsets_s) == _SAMPLES
            and self._offset_s < self._proven.least_s - LATE_SAMPLE_S
        )
        # What was set back, or waits ever since, is not what was proven.
        self._proven = (
            None if is_set_back else self._proven.after(offset_s, MAX_CLOCK_SPREAD_S)
        )
