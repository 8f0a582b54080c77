"""Which starts and ends of transactions we asked for, and when first.

A frame that says that one of them was done was written after the question: nothing else
in OCPP proves that it did not wait in the station. So it tells what the station's clock
shows now, however wrong that is.
"""

from typing import Final

from ..domain.clock import Clock
from ..domain.ids import TransactionId
from .times import LATE_SAMPLE_S
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
        """Note that a transaction is asked for by this id."""
        self._note(remote_start_id)

    def end(self, transaction_id: TransactionId) -> None:
        """Note that a transaction is asked to end."""
        self._note(transaction_id)

    def is_answer(self, frame: TransactionFrame) -> bool:
        """Return True for a frame that says that something asked just now was done."""
        is_end = frame.trigger in _REMOTE_END or frame.stopped_reason in _REMOTE_END
        return self._is_of_now(frame.remote_start_id) or (
            is_end and self._is_of_now(frame.transaction_id)
        )

    def _note(self, asked: int | TransactionId) -> None:
        # The first question only: its answer may come in after the second one.
        self._asked_mono_s.setdefault(asked, self._clock.monotonic())
        while len(self._asked_mono_s) > _KEPT:
            del self._asked_mono_s[next(iter(self._asked_mono_s))]

    def _is_of_now(self, asked: int | TransactionId | None) -> bool:
        asked_mono_s = None if asked is None else self._asked_mono_s.get(asked)
        if asked_mono_s is None:
            return False
        return self._clock.monotonic() - asked_mono_s <= ANSWER_WITHIN_S
