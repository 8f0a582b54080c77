"""When to connect: one try after the other, slower each time, for as long as wanted."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
import logging

from ..domain.errors import (
    BrokerRefusedLogin,
    BrokerRefusedTls,
    BrokerUnreachable,
    PkiError,
    TlsFault,
    V2gError,
)
from .backoff import BUSY_DELAY_S, REFUSED_DELAY_S, Backoff
from .link_config import LinkPorts, VppLinkConfig
from .mqtt_client import ConnectionLost
from .probe import probe_broker

_LOGGER = logging.getLogger(__name__)

STOP_TIMEOUT_S = 5.0
"""Cancelling takes one turn of the loop; this only bounds a defect."""

_TRANSIENT_LOGIN = frozenset(
    {
        "server_busy",
        "server_unavailable",
        "server_shutting_down",
        "use_another_server",
        "server_moved",
        "quota_exceeded",
        "connection_rate_exceeded",
        "unspecified_error",
        "implementation_specific_error",
    }
)
"""Answers of a broker that time cures."""

_UNEXPLAINED_BEFORE_PROBLEM = 3
"""A broker that restarts cuts a handshake once, hardly three times in a row."""


class Connector:
    """Hold one session after the other and say what a person must change."""

    def __init__(
        self,
        config: VppLinkConfig,
        ports: LinkPorts,
        hold: Callable[[], Awaitable[None]],
    ) -> None:
        """Call ``hold`` for each session; it returns when the session is lost."""
        self._config = config
        self._ports = ports
        self._hold = hold
        self._backoff = Backoff(ports.uniform)
        self._task: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._is_wanted = False
        self._problem: V2gError | None = None
        self._is_refused_by_aggregator = False
        self._unexplained = 0
        self._connected_mono_s: float | None = None
        self._lost_mono_s: float | None = None

    def start(self) -> None:
        """Begin to connect."""
        self._is_wanted = True
        self._ports.spawn(self._run(), f"vpp link {self._config.programme_id}")

    async def stop(self) -> None:
        """End the present session and start no other; idempotent."""
        self._is_wanted = False
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=STOP_TIMEOUT_S)

    def retry_now(self) -> None:
        """End the wait for the next try."""
        self._hurry.set()

    def connected(self) -> None:
        """Note a session that the broker accepted."""
        now_mono_s = self._ports.clock.monotonic()
        self._connected_mono_s = now_mono_s
        self._unexplained = 0
        if self._lost_mono_s is not None:
            _LOGGER.info(
                "%s: back after %.0f s",
                self._config.programme_id,
                now_mono_s - self._lost_mono_s,
            )
            self._lost_mono_s = None
        if not self._is_refused_by_aggregator:
            self._recover()

    def refused_by_aggregator(self, err: BrokerRefusedLogin) -> None:
        """Note that the broker works and the aggregator does not want us."""
        self._is_refused_by_aggregator = True
        self._report(err)

    def accepted_by_aggregator(self, reconnect_max_s: float | None) -> None:
        """Note a welcome, and how long the aggregator lets its homes wait at most."""
        self._is_refused_by_aggregator = False
        self._backoff.limit(reconnect_max_s)
        self._recover()

    async def _run(self) -> None:
        # A stop that came before this first step finds no task and needs none.
        self._task = asyncio.current_task()
        delay_s = self._backoff.next_delay_s()
        while self._is_wanted:
            await self._pause(delay_s)
            delay_s = await self._try_once()

    async def _pause(self, delay_s: float) -> None:
        self._hurry.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._hurry.wait()

    async def _try_once(self) -> float:
        """Hold one session; return how long to wait before the next, s."""
        self._connected_mono_s = None
        try:
            await self._hold()
        except ConnectionLost:
            return self._delay_after(await self._explain())
        except V2gError as err:
            return self._delay_after(err)
        except Exception:
            # The top of a long-lived task: without a session there are no heartbeats,
            # so every dispatch ends by its watchdog while we try again.
            _LOGGER.exception("%s: link failed", self._config.programme_id)
        self._note_loss("connection lost")
        if self._connected_mono_s is not None:
            lasted_s = self._ports.clock.monotonic() - self._connected_mono_s
            self._backoff.session_lasted(lasted_s)
        return self._backoff.next_delay_s()

    async def _explain(self) -> V2gError:
        """Return why a session ended before the broker's answer: paho hides it."""
        config, ports = self._config, self._ports

        def probe() -> None:
            probe_broker(config.host, config.port, ports.make_context())

        try:
            await ports.run_blocking(probe)
        except V2gError as err:
            return err
        return BrokerUnreachable(config.host, config.port)

    def _delay_after(self, err: V2gError) -> float:
        self._note_loss(str(err))
        match err:
            case BrokerRefusedTls(fault=TlsFault.OTHER):
                self._unexplained += 1
                if self._unexplained >= _UNEXPLAINED_BEFORE_PROBLEM:
                    self._report(err)
            case BrokerRefusedLogin(reason=reason) if reason in _TRANSIENT_LOGIN:
                return max(BUSY_DELAY_S, self._backoff.next_delay_s())
            case BrokerRefusedTls() | BrokerRefusedLogin() | PkiError():
                self._report(err)
                return REFUSED_DELAY_S
        return self._backoff.next_delay_s()

    def _note_loss(self, cause: str) -> None:
        is_first = self._lost_mono_s is None
        if is_first:
            self._lost_mono_s = self._ports.clock.monotonic()
        level = logging.WARNING if is_first else logging.DEBUG
        _LOGGER.log(level, "%s: no link: %s", self._config.programme_id, cause)

    def _report(self, err: V2gError) -> None:
        if str(self._problem) != str(err):
            self._problem = err
            self._ports.on_problem(err)

    def _recover(self) -> None:
        if self._problem is not None:
            self._problem = None
            self._ports.on_recovered()
