"""Ask the homes that we should know and do not: after a start, or a loss of messages.

The broker hands its retained messages over at once, but its queue for us is bounded
(the contract says 200): of a thousand homes most would be missing for a minute. Each is
asked to say who it is, so many a second that the answers fit the queue.
"""

import asyncio
from collections.abc import Iterator

from .leader import Leader

GRACE_S = 2.0
"""What the broker retains comes within this time."""

ASKED_PER_S = 30
"""House rule: each answers with up to six messages."""

AGAIN_S = 60.0
"""House rule: a home that is off is asked once a minute, and nobody hears it."""


class CatchUp:
    """Keeps asking until every home that is there is known."""

    def __init__(self, leader: Leader) -> None:
        """Begin with nobody asked."""
        self._leader = leader
        self._asked_mono_s: dict[str, float] = {}
        self._connected_mono_s: float | None = None

    async def run(self) -> None:
        """Ask once a second, for ever."""
        while True:
            self.step()
            await asyncio.sleep(1.0)

    def step(self) -> int:
        """Ask the next ones; return how many."""
        leader = self._leader
        now_mono_s = leader.clock.monotonic()
        if not leader.is_connected:
            self._connected_mono_s = None
            return 0
        if self._connected_mono_s is None:
            self._connected_mono_s = now_mono_s
            self._asked_mono_s.clear()
        if now_mono_s - self._connected_mono_s < GRACE_S:
            return 0
        asked = 0
        for home_id in self._unknown(now_mono_s):
            if asked >= ASKED_PER_S:
                break
            self._asked_mono_s[home_id] = now_mono_s
            leader.ask(leader.home(home_id), ("state", "hello"))
            asked += 1
        return asked

    def _unknown(self, now_mono_s: float) -> Iterator[str]:
        for home_id, enrolment in self._leader.enrolments.homes.items():
            if not enrolment.may_connect:
                continue
            last_mono_s = self._asked_mono_s.get(home_id)
            if last_mono_s is not None and now_mono_s - last_mono_s < AGAIN_S:
                continue
            home = self._leader.homes.get(home_id)
            status = home.presence.status(now_mono_s) if home else "unknown"
            is_incomplete = (
                home is None or home.offer is None or home.availability is None
            )
            if status == "unknown" or (status == "online" and is_incomplete):
                yield home_id
