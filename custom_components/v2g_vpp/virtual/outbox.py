"""Messages that wait for a link on which they can be said."""

from collections import deque
from typing import Any, Final

from .peer import Peer
from .wakeup import Signal

MAX_MESSAGES: Final = 100
"""House rule: above it the oldest are lost."""


class Outbox:
    """Messages of the package in their order, each sent once."""

    def __init__(self, changed: Signal) -> None:
        """Start empty."""
        self._changed = changed
        self._messages: deque[Any] = deque(maxlen=MAX_MESSAGES)

    def put(self, message: Any) -> None:
        """Send a message when there is a link."""
        self._messages.append(message)
        self._changed.notify()

    async def run(self, peer: Peer) -> None:
        """Send until the link is gone; one that broke with it leaves on the next.

        A link whose version does not know the message lets it wait.
        """
        while True:
            if not self._messages or not peer.knows(self._messages[0]):
                await self._changed.wait()
                continue
            message = self._messages[0]
            await peer.tell(message)
            if self._messages and self._messages[0] is message:
                self._messages.popleft()
