"""What the station has to send because a message of the CSMS asked for it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
import logging

from .peer import CallRefused, Peer

_LOGGER = logging.getLogger(__name__)

MAX_JOBS = 50
"""A CSMS that asks for more reports at once is refused."""

type Job = Callable[[Peer], Awaitable[None]]


class Jobs:
    """Reports and triggered messages, sent one after the other."""

    def __init__(self) -> None:
        """Start with nothing to do."""
        self._jobs: asyncio.Queue[Job] = asyncio.Queue(MAX_JOBS)

    def post(self, job: Job) -> bool:
        """Do a job soon; return False when there are too many."""
        try:
            self._jobs.put_nowait(job)
        except asyncio.QueueFull:
            return False
        return True

    def clear(self) -> None:
        """Forget all jobs: a lost link ends what was asked for on it."""
        while not self._jobs.empty():
            self._jobs.get_nowait()

    async def run(self, peer: Peer) -> None:
        """Do jobs forever; one that the CSMS refuses is given up."""
        while True:
            job = await self._jobs.get()
            try:
                await job(peer)
            except CallRefused as err:
                _LOGGER.debug("%s: %s", peer.id, err)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part[T]:
    """One message of a report."""

    seq_no: int
    rows: list[T]
    is_followed: bool
    """``tbc`` of OCPP."""


def in_parts[T](rows: Sequence[T], size: int) -> Iterator[Part[T]]:
    """Yield a report in messages of at most ``size`` rows."""
    for seq_no, start in enumerate(range(0, len(rows), size)):
        yield Part(
            seq_no=seq_no,
            rows=list(rows[start : start + size]),
            is_followed=start + size < len(rows),
        )
