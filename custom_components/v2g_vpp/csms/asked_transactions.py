"""Which starts and ends of transactions we asked for, and when first.

A frame that says that one of them was done was written after the question: nothing else
in OCPP proves that it did not wait in the station. So it tells what the station's clock
shows now, however wrong that is.
"""

from math import inf
from typing import Final

from ..domain.clock import Clock
from ..domain.ids import TransactionId
from .times import LATE_SAMPLE_S, QUEUE_S
from .transactions import TransactionFrame

ANSWER_WITHIN_S: Final = LATE_SAMPLE_S
"""An answer that took longer may have waited for more than a fresh reading may."""

_KEPT: Final = 16
_REMOTE_END: Final = frozenset({"Remote", "RemoteStop"})
"""Reason of an end that was asked for over OCPP (all versions), and its trigger (2.x)."""


class AskedTransactions:
    """What one station was asked for last."""

    def __init__(self, clock: Clock) -> None:
        """Have nothing asked."""
        self._clock = clock
        self._asked_mono_s: dict[int | TransactionId, float] = {}

    def start(self, remote_start_id: int) -> None:
        """Note that a transaction is asked for by this id, which no older one has."""
        self._note(remote_start_id, self._clock.monotonic())

    def end(self, transaction_id: TransactionId, link_age_s: float) -> None:
        """Note that a transaction is asked to end.

        On a young link its end may come from the queue, of an older question.
        """
        is_drained = link_age_s >= QUEUE_S
        self._note(transaction_id, self._clock.monotonic() if is_drained else -inf)

    def forget(self) -> None:
        """Forget all: another link, on which answers come from a queue."""
        self._asked_mono_s.clear()

    def took_s(self, frame: TransactionFrame) -> float | None:
        """Return how long ago was asked for what a frame says was done, s.

        None for one that nobody asked for, and for one that came too late.
        """
        started_s = self._since_s(frame.remote_start_id)
        if started_s is not None:
            return started_s
        is_end = frame.trigger in _REMOTE_END or frame.stopped_reason in _REMOTE_END
        return self._since_s(frame.transaction_id) if is_end else None

    def _note(self, asked: int | TransactionId, now_mono_s: float) -> None:
        # The first question only: its answer may come in after the second one.
        self._asked_mono_s.setdefault(asked, now_mono_s)
        while len(self._asked_mono_s) > _KEPT:
            del self._asked_mono_s[next(iter(self._asked_mono_s))]

    def _since_s(self, asked: int | TransactionId | None) -> float | None:
        asked_mono_s = None if asked is None else self._asked_mono_s.get(asked)
        if asked_mono_s is None:
            return None
        since_s = self._clock.monotonic() - asked_mono_s
        return since_s if since_s <= ANSWER_WITHIN_S else None
