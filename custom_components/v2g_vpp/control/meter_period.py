"""How often the meter of an outlet reports, and so when it is silent."""

from ..domain.ids import TransactionId
from ..domain.measurement import (
    LONGEST_STALE_AFTER_S,
    PERIODS_UNTIL_STALE,
    Reading,
    learnt_period_s,
    stale_after_s,
)

SAME_MOMENT_S = 0.5
"""Readings closer than this were taken at one moment, such as the begin of a
transaction."""


class MeterPeriod:
    """Learns from the readings of one outlet; it begins as a quick meter."""

    def __init__(self) -> None:
        """Nothing was read."""
        self._last_mono_s: float | None = None
        self._transaction_id: TransactionId | None = None
        self.period_s = 1.0
        """How often it reports, s."""

        self.is_doubted = False
        """It was silent for so long that a transaction ended for it. What the next one
        begins with is no sign that it reports again: only its usual pace is."""

    def doubt(self) -> None:
        """Believe no single reading until it reports at its usual pace."""
        self.is_doubted = True

    def note(
        self, reading: Reading | None, transaction_id: TransactionId | None = None
    ) -> None:
        """Take the newest reading, as often as it is known, and its transaction.

        A pause that no meter may make was none of the meter: nothing was read
        meanwhile, or the link was away.
        """
        if reading is None:
            return
        if reading.received_mono_s == self._last_mono_s:
            return
        before, self._transaction_id = self._transaction_id, transaction_id
        last_mono_s, self._last_mono_s = self._last_mono_s, reading.received_mono_s
        if last_mono_s is None:
            return
        gap_s = reading.received_mono_s - last_mono_s
        if self.is_doubted:
            # A transaction begins with a reading: such a gap is no pace, but a slower
            # one within a transaction is. Not learnt, it would be doubted for ever.
            is_pace = gap_s <= self.max_age_s or transaction_id == before
            if gap_s < SAME_MOMENT_S or not is_pace:
                return
            # One that reports at another pace from now on is learnt, and then believed.
            self.is_doubted = gap_s > PERIODS_UNTIL_STALE * self.period_s
        if 0 < gap_s <= LONGEST_STALE_AFTER_S:
            self.period_s = learnt_period_s(self.period_s, gap_s)

    @property
    def max_age_s(self) -> float:
        """Age at which a reading stops counting, s."""
        return stale_after_s(self.period_s)
