"""What was said, by whom and when: the evidence of every verdict."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from . import clock, schemas


class Speaker(StrEnum):
    """Who said something."""

    KIT = "kit"
    PEER = "peer"
    """Who is tested."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message as it was on the wire."""

    speaker: Speaker
    topic: str
    payload: bytes
    qos: int = 0
    is_retained: bool = False
    expiry_s: int | None = None
    signatures: tuple[str, ...] = ()
    correlation: bytes | None = None
    response_topic: str | None = None
    at: datetime = field(default_factory=clock.utcnow)
    mono_s: float = field(default_factory=clock.monotonic)
    remark: str = ""
    """Why the kit sent something that nobody should send."""

    @property
    def kind(self) -> str:
        """Return the last level of the topic."""
        return self.topic.rpartition("/")[2]

    @cached_property
    def document(self) -> dict[str, Any]:
        """Return the JSON object, empty when there is none."""
        try:
            return schemas.parse(self.payload)
        except ValueError:
            return {}

    @cached_property
    def fault(self) -> str | None:
        """Return what is wrong with its form, None for nothing."""
        name = schemas.schema_of(self.topic)
        if name is None:
            return f"{self.topic}: no such message in the contract"
        return schemas.fault(name, self.payload)


class Transcript:
    """Every message of a run, in order."""

    def __init__(self) -> None:
        """Begin with nothing; inside the running event loop."""
        self.messages: list[Message] = []
        self._news = asyncio.Event()

    @property
    def here(self) -> int:
        """Return the present place, for ``since``."""
        return len(self.messages)

    def add(self, message: Message) -> None:
        """Note one message and wake who waits."""
        self.messages.append(message)
        self._news.set()

    def peer(self, kind: str | None = None, since: int = 0) -> list[Message]:
        """Return what the tested side said, of one kind or of all."""
        return [
            message
            for message in self.messages[since:]
            if message.speaker is Speaker.PEER and kind in (None, message.kind)
        ]

    async def until[T](self, look: Callable[[], T | None], within_s: float) -> T | None:
        """Return what ``look`` finds, None when it finds nothing in time."""
        deadline_mono_s = clock.monotonic() + within_s
        while True:
            self._news.clear()
            found = look()
            left_s = deadline_mono_s - clock.monotonic()
            if found is not None or left_s <= 0:
                return found
            try:
                async with asyncio.timeout(min(left_s, 0.5)):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def first(
        self,
        kind: str,
        fits: Callable[[Message], bool] = lambda _: True,
        *,
        since: int = 0,
        within_s: float = 5.0,
    ) -> Message | None:
        """Return the first message of the tested side that fits, None without one."""
        return await self.until(
            lambda: next((m for m in self.peer(kind, since) if fits(m)), None),
            within_s,
        )
