"""The clock of a station, which may be wrong, run fast or be set."""

from datetime import datetime, timedelta

from ..domain.clock import Clock
from ..domain.units import within

LARGEST_OFFSET_S = 10 * 365 * 86_400.0
"""Ten years: a charger whose battery is flat wakes up in some such past."""

LARGEST_DRIFT_PPM = 100_000.0
"""A tenth: more is no drift."""


class StationClock:
    """The true clock, seen through a bad one; durations are right."""

    def __init__(self, true: Clock, *, offset_s: float, drift_ppm: float) -> None:
        """Start wrong by an offset.

        Args:
            true: what it should show.
            offset_s: how far it is ahead, s; negative: behind.
            drift_ppm: how much it gains, millionths; negative: it loses.

        Raises:
            NotFiniteError: for a number out of its bounds.
        """
        self._true = true
        self._offset_s = within(
            "offset_s", offset_s, -LARGEST_OFFSET_S, LARGEST_OFFSET_S
        )
        self._drift_ppm = within(
            "drift_ppm", drift_ppm, -LARGEST_DRIFT_PPM, LARGEST_DRIFT_PPM
        )
        self._set_mono_s = true.monotonic()

    @property
    def offset_s(self) -> float:
        """How far it is ahead now, s."""
        gained_s = (self._true.monotonic() - self._set_mono_s) * self._drift_ppm / 1e6
        return self._offset_s + gained_s

    def monotonic(self) -> float:
        """Return seconds that nobody sets."""
        return self._true.monotonic()

    def utcnow(self) -> datetime:
        """Return what the station takes for the present moment."""
        return self._true.utcnow() + timedelta(seconds=self.offset_s)

    def step(self, step_s: float) -> None:
        """Jump, s; negative: back.

        Raises:
            NotFiniteError: for a number out of its bounds.
        """
        self._restart(
            self.offset_s
            + within("step_s", step_s, -LARGEST_OFFSET_S, LARGEST_OFFSET_S)
        )

    def set_drift(self, drift_ppm: float) -> None:
        """Run at another rate from now on, millionths too fast.

        Raises:
            NotFiniteError: for a number out of its bounds.
        """
        self._restart(self.offset_s)
        self._drift_ppm = within(
            "drift_ppm", drift_ppm, -LARGEST_DRIFT_PPM, LARGEST_DRIFT_PPM
        )

    def set_to(self, at: datetime) -> None:
        """Take over a time that the CSMS told."""
        self._restart((at - self._true.utcnow()) / timedelta(seconds=1))

    def _restart(self, offset_s: float) -> None:
        self._offset_s = offset_s
        self._set_mono_s = self._true.monotonic()
