"""How often the meter of an outlet reports, and so when it is silent."""

from ..domain.measurement import (
    LONGEST_STALE_AFTER_S,
    Reading,
    learnt_period_s,
    stale_after_s,
)


class MeterPeriod:
    """Learns from the readings of one outlet; it begins as a quick meter."""

    def __init__(self) -> None:
        """Nothing was read."""
        self._last_mono_s: float | None = None
        self.period_s = 1.0
        """How often it reports, s."""

    def note(self, reading: Reading | None) -> None:
        """Take the newest reading, as often as it is known.

        A pause that no meter may make was none of the meter: nothing was read
        meanwhile, or the link was away.
        """
        if reading is None:
            return
        last_mono_s, self._last_mono_s = self._last_mono_s, reading.received_mono_s
        if last_mono_s is None:
            return
        gap_s = reading.received_mono_s - last_mono_s
        if 0 < gap_s <= LONGEST_STALE_AFTER_S:
            self.period_s = learnt_period_s(self.period_s, gap_s)

    @property
    def max_age_s(self) -> float:
        """Age at which a reading stops counting, s."""
        return stale_after_s(self.period_s)
