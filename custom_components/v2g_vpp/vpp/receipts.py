"""Wait until the broker has what was said last."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress


class Receipts:
    """What the broker acknowledged, by packet id."""

    def __init__(self) -> None:
        """Wait for nothing."""
        self._awaited: dict[int, asyncio.Future[None]] = {}

    def came(self, packet_id: int) -> None:
        """Note an acknowledgement."""
        waiter = self._awaited.pop(packet_id, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def wait_for(
        self, packet_ids: Iterable[int | None], timeout_s: float
    ) -> None:
        """Return when all came, or after the timeout; None was never sent."""
        loop = asyncio.get_running_loop()
        waiters = []
        for packet_id in packet_ids:
            if packet_id is not None:
                waiters.append(loop.create_future())
                self._awaited[packet_id] = waiters[-1]
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await asyncio.gather(*waiters)
        self._awaited.clear()
