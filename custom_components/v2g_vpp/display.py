"""How often a number that flows is worth a new state of its entity."""

from dataclasses import dataclass

from .domain.setpoint import Reason

type Shown = float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayRate:
    """When a changed number is shown.

    The defaults are those of a power: the recorder of a home keeps every state, and a
    day with V2G may cost it 20,000 rows per EVSE at most.
    """

    dead_band: float = 50.0
    """Changes smaller than this are not shown, in the number's own unit."""

    dead_band_share: float = 0.02
    """The same as a share of what is shown; the larger of the two counts."""

    interval_s: float = 5.0
    """At least this long between two states."""

    decimals: int = 0
    """More digits than these would only be noise."""


POWER = DisplayRate()
ENERGY = DisplayRate(dead_band=10.0, dead_band_share=0.0, interval_s=60.0)
"""10 Wh, once a minute: enough for statistics, which are made every five minutes."""

PERCENT = DisplayRate(dead_band=0.1, dead_band_share=0.0, interval_s=30.0, decimals=1)
WEAR = DisplayRate(dead_band=0.01, dead_band_share=0.0, interval_s=60.0, decimals=3)
VOLTAGE = DisplayRate(dead_band=1.0, dead_band_share=0.0, interval_s=30.0, decimals=1)
CURRENT = DisplayRate(dead_band=0.5, dead_band_share=0.0, interval_s=30.0, decimals=1)
MARGIN = DisplayRate(dead_band=1.0, dead_band_share=0.0, interval_s=5.0, decimals=1)
"""Automations make room by it, which cannot wait for half a minute."""

TEMPERATURE = DisplayRate(dead_band=1.0, dead_band_share=0.0, interval_s=30.0)
FREQUENCY = DisplayRate(
    dead_band=0.01, dead_band_share=0.0, interval_s=10.0, decimals=3
)


WORDS_INTERVAL_S = 15.0
"""Between two states that differ in nothing that matters."""


class DisplayFilter:
    """Decide for one entity which of its numbers becomes a state."""

    def __init__(self, rate: DisplayRate) -> None:
        """Start with nothing shown."""
        self._rate = rate
        self._shown: Shown = None
        self._shown_mono_s: float | None = None
        self._context: object = None

    @property
    def shown(self) -> Shown:
        """The number that is shown now."""
        return self._shown

    def offer(self, value: Shown, context: object, now_mono_s: float) -> float | None:
        """Take a number over, or say when to offer it again.

        Args:
            value: the present number, None for unknown.
            context: what the number belongs to; when it changes (charging begins, the
                owner changes) the number is shown at once.
            now_mono_s: monotonic time.

        Returns:
            None when the number is shown or too near to what is shown; otherwise how
            long it has to wait, s.
        """
        if value is not None:
            value = round(value, self._rate.decimals)
        is_same_context = context == self._context
        is_known_as_before = (value is None) == (self._shown is None)
        if self._shown_mono_s is not None and is_same_context and is_known_as_before:
            if not self._is_far(value):
                return None
            wait_s = self._shown_mono_s + self._rate.interval_s - now_mono_s
            if wait_s > 0:
                return wait_s
        self._take(value, context, now_mono_s)
        return None

    def go_along(self, value: Shown, now_mono_s: float) -> Shown:
        """Show a number with another one of its entity: both become one state."""
        rounded = None if value is None else round(value, self._rate.decimals)
        self._take(rounded, self._context, now_mono_s)
        return rounded

    def _take(self, value: Shown, context: object, now_mono_s: float) -> None:
        self._shown, self._context = value, context
        self._shown_mono_s = now_mono_s

    def _is_far(self, value: Shown) -> bool:
        if value is None or self._shown is None:
            return value is not self._shown
        if value == 0.0:
            # A dead band must not leave some watts on show when nothing flows.
            return self._shown != 0.0
        band = max(self._rate.dead_band, self._rate.dead_band_share * abs(self._shown))
        return abs(value - self._shown) >= band


class HeldWords:
    """Decide which of the words of one entity become a state.

    What matters is told at once. Words that only pass, such as those of a ramp that lasts
    a second, must not fill the database of a home that follows a signal all evening.
    """

    def __init__(self, interval_s: float = WORDS_INTERVAL_S) -> None:
        """Start with nothing shown."""
        self._interval_s = interval_s
        self._shown: object = None
        self._matter: object = None
        self._shown_mono_s: float | None = None

    @property
    def shown(self) -> object:
        """What is shown now."""
        return self._shown

    def offer(self, words: object, matter: object, now_mono_s: float) -> float | None:
        """Take words over, or say when to offer them again.

        Args:
            words: all that is shown.
            matter: the part of it whose change is shown at once.
            now_mono_s: monotonic time.

        Returns:
            None when they are shown; otherwise how long they have to wait, s.
        """
        if words == self._shown:
            return None
        if self._shown_mono_s is not None and matter == self._matter:
            wait_s = self._shown_mono_s + self._interval_s - now_mono_s
            if wait_s > 0:
                return wait_s
        self._shown, self._matter = words, matter
        self._shown_mono_s = now_mono_s
        return None


def lasting(reason: Reason) -> Reason | None:
    """Return a reason that matters; None for one that comes and goes with a ramp."""
    return None if reason in (Reason.RAMP, Reason.AS_REQUESTED) else reason
