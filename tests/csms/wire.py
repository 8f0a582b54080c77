"""A link with a socket that remembers, on a clock that is moved by hand."""

import asyncio
import json
from typing import Any

from custom_components.v2g_vpp.csms.frames import Payload
from custom_components.v2g_vpp.csms.link import StationLink
from custom_components.v2g_vpp.csms.rpc import RpcEngine
from custom_components.v2g_vpp.csms.schemas import load_schemas
from custom_components.v2g_vpp.csms.versions import V21
from tests.fakes import FakeClock

BOOKS = load_schemas()


class Listener:
    """Answers by a table, and notes what it is told."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {
            "Heartbeat": {"currentTime": "2026-11-22T18:00:00Z"}
        }
        self.sends: list[str] = []
        self.answered: list[bool] = []

    def on_call(self, action: str, payload: Payload) -> Payload:
        answer = self.answers[action]
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    def on_send(self, action: str, payload: Payload) -> None:
        self.sends.append(action)

    def on_control_answered(self, *, is_answered: bool) -> None:
        self.answered.append(is_answered)


class Wire:
    """A link with a socket that remembers, and may hold back."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.sent: list[Any] = []
        self.closes: list[tuple[int, str]] = []
        self.may_send = asyncio.Event()
        self.may_send.set()
        self.listener = Listener()
        numbers = iter(range(10**6))
        self.engine = RpcEngine(V21, lambda: f"L{next(numbers)}")
        self.link = StationLink(
            name="CS1",
            engine=self.engine,
            book=BOOKS["ocpp2.1"],
            clock=self.clock,
            close=lambda code, reason: self.closes.append((code, reason)),
        )
        self.writer = asyncio.create_task(self.link.write_frames(self))

    async def send_str(self, data: str) -> None:
        await self.may_send.wait()
        self.sent.append(json.loads(data))

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    def fire(self) -> None:
        """Let the timer go off now: the clock was moved by hand."""
        assert self.link._timer is not None
        self.link._timer.cancel()
        self.link._on_timer()

    def answer(self, number: int, payload: Payload) -> None:
        self.link.feed(json.dumps([3, f"L{number}", payload]))

    async def stop(self) -> None:
        self.link.shut()
        self.writer.cancel()
        await asyncio.gather(self.writer, return_exceptions=True)
