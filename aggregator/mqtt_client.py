"""The aggregator's place at the broker: connected whenever the broker can be reached."""

import asyncio
from collections.abc import Callable, Sequence
import logging
from random import SystemRandom

from .clock import Clock
from .errors import NotConnectedError
from .mqtt_session import (
    BrokerAddress,
    Inbound,
    MqttSession,
    Outbound,
    SessionHandlers,
)
from .tls import ClientContext

_LOGGER = logging.getLogger(__name__)

MAX_BACKOFF_S = 5.0
"""House rule: one leader is no herd, and its homes fall to 0 W after 30 s without it."""

HEALTHY_S = 60.0
"""VPP contract: only a session of this length makes the next wait short again."""


class MqttClient:
    """Keep one session after the other alive until ``run`` is cancelled."""

    def __init__(
        self,
        address: BrokerAddress,
        context: ClientContext,
        topic_filters: str | Sequence[str],
        clock: Clock,
        will: Callable[[], Outbound] | None = None,
    ) -> None:
        """Prepare; nothing is dialled before ``run``.

        Args:
            address: the broker.
            context: our side of TLS.
            topic_filters: what is subscribed to.
            clock: for waits and for the moment of each message.
            will: makes the Will of the next connection.
        """
        self._address = address
        self._context = context
        self._topic_filters = topic_filters
        self._will = will
        self._clock = clock
        self._session: MqttSession | None = None
        self._random = SystemRandom()
        self.max_backoff_s = MAX_BACKOFF_S
        self.sessions = 0
        self.refused_publishes = 0
        self.last_error = ""
        self.on_message: Callable[[Inbound], None] = lambda _: None
        self.on_connection: Callable[[bool], None] = lambda _: None

    @property
    def is_connected(self) -> bool:
        """Return True while the broker has granted our subscription."""
        return self._session is not None and self._session.is_ready

    def publish(self, message: Outbound) -> None:
        """Hand one message to the broker now, or not at all.

        Raises:
            NotConnectedError: when it is away: nothing is kept for later.
        """
        if self._session is None:
            raise NotConnectedError("The broker is not connected; nothing was sent.")
        self._session.publish(message)

    async def run(self) -> None:
        """Connect and reconnect for ever, with full jitter."""
        failures = 0
        while True:
            started_mono_s = self._clock.monotonic()
            sessions_before = self.sessions
            await self._serve_once()
            was_proven = self.sessions > sessions_before
            lasted_s = self._clock.monotonic() - started_mono_s
            failures = 1 if was_proven and lasted_s >= HEALTHY_S else failures + 1
            bound_s = min(self.max_backoff_s, 2.0 ** min(failures - 1, 8))
            await asyncio.sleep(self._random.uniform(0, bound_s))

    async def _serve_once(self) -> None:
        handlers = SessionHandlers(
            on_ready=self._on_ready,
            on_message=self._pass_on,
            on_refused_publish=self._on_refused_publish,
        )
        session = MqttSession(
            self._address,
            self._context,
            self._topic_filters,
            handlers,
            self._clock,
            None if self._will is None else self._will(),
        )
        self._session = session
        sessions_before = self.sessions
        try:
            reason = await session.run()
        finally:
            self._session = None
            if self.sessions > sessions_before:
                self.on_connection(False)
        if reason != self.last_error or self.sessions > sessions_before:
            _LOGGER.warning("broker lost: %s", reason)
        else:
            _LOGGER.debug("broker still away: %s", reason)
        self.last_error = reason

    def _on_ready(self) -> None:
        self.sessions += 1
        self.last_error = ""
        _LOGGER.info("broker connected")
        self.on_connection(True)

    def _pass_on(self, message: Inbound) -> None:
        self.on_message(message)

    def _on_refused_publish(self, reason: str) -> None:
        self.refused_publishes += 1
        _LOGGER.warning("the broker did not take a message: %s", reason)
