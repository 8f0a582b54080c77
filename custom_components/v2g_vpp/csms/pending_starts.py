"""Transactions whose number the charge point has not been told yet (OCPP 1.6)."""

import asyncio

from ..domain.ids import TransactionId


class PendingStarts:
    """What has to wait until a start is answered."""

    def __init__(self) -> None:
        """Have nothing wait."""
        self._answered: dict[TransactionId, asyncio.Event] = {}

    def begin(self, transaction_id: TransactionId) -> None:
        """Note that a number is on its way."""
        self._answered.setdefault(transaction_id, asyncio.Event())

    def end(self, transaction_id: TransactionId) -> None:
        """Note that it is answered, or that nobody waits for it any more."""
        answered = self._answered.pop(transaction_id, None)
        if answered is not None:
            answered.set()

    def end_all(self) -> None:
        """Note that the link is gone: no answer comes any more."""
        for transaction_id in tuple(self._answered):
            self.end(transaction_id)

    async def answered(self, transaction_id: TransactionId) -> None:
        """Wait until the charge point is told the number."""
        pending = self._answered.get(transaction_id)
        if pending is not None:
            await pending.wait()
