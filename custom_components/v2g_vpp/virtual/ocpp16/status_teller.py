"""Telling a 1.6 CSMS the status of the connector as it changes."""

import asyncio
import logging
from typing import override

from ..evse import Evse
from ..link import LinkError
from ..peer import CallRefused, Peer
from ..state_teller import Teller
from ..wakeup import Signal
from .handlers import send_status
from .translation import status_of

_LOGGER = logging.getLogger(__name__)


class StatusTeller(Teller):
    """Sends a StatusNotification whenever status or error changed."""

    def __init__(self, evse: Evse, changed: Signal) -> None:
        """Start with a CSMS that knows nothing."""
        self._evse = evse
        self._changed = changed
        self._told: tuple[str, str] | None = None

    @override
    def forget(self) -> None:
        """Tell the status again."""
        self._told = None

    @override
    async def run(self, peer: Peer) -> None:
        """Tell the CSMS what differs from what it was told."""
        while True:
            state = status_of(self._evse)
            told = self._told
            if state == told:
                await self._changed.wait()
                continue
            self._told = state
            try:
                await send_status(peer, (self._evse,))
            except CallRefused as err:
                _LOGGER.debug("%s: %s", peer.id, err)
            except LinkError, asyncio.CancelledError:
                self._told = told
                raise
