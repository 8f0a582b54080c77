"""Playing a scenario on a station, in whatever time the clock keeps."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

from ...domain.clock import Clock
from ..station import VirtualStation
from .deeds import Act
from .messages import MessageCount
from .scenario import Expectation, Scenario, Step

LOOK_S = 0.2
"""How often it is looked whether something is so."""

REGISTERED_WITHIN_S = 60.0

type Sleep = Callable[[float], Awaitable[None]]


def _tell_nobody(_line: str) -> None:
    """Keep it silent."""


class Home(Protocol):
    """The side that the station does not see."""

    async def do(self, text: str, evse_id: int) -> None:
        """Do what the owner of a step does."""
        ...

    def is_so(self, text: str, evse_id: int) -> bool:
        """Return True when the site shows what is expected."""
        ...


class Player:
    """Plays one scenario."""

    def __init__(
        self,
        scenario: Scenario,
        station: VirtualStation,
        messages: MessageCount,
        clock: Clock,
        home: Home,
        *,
        sleep: Sleep = asyncio.sleep,
        tell: Callable[[str], None] = _tell_nobody,
    ) -> None:
        """Prepare; nothing happens yet.

        Args:
            scenario: what is played.
            station: runs already.
            messages: the observer of that station.
            clock: whose monotonic seconds the times of the file are.
            home: the owner and the site.
            sleep: how time passes.
            tell: hears every line as it comes.
        """
        self.said: list[str] = []
        """What happened so far, with its time."""

        self.failures: list[str] = []
        self._scenario = scenario
        self._station = station
        self._messages = messages
        self._clock = clock
        self._home = home
        self._sleep = sleep
        self._tell = tell
        self._began_mono_s = clock.monotonic()

    async def play(self) -> bool:
        """Return True when everything that was expected was so."""
        if not await self._until(self._is_in, REGISTERED_WITHIN_S):
            self._fail("the station was not let in")
            return False
        for quirk in sorted(self._scenario.given.quirks):
            self._station.set_fault(quirk, is_on=True)
        self._began_mono_s = self._clock.monotonic()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._act())
            tasks.create_task(self._look())
        return not self.failures

    async def _act(self) -> None:
        moments: list[tuple[float, Step, Act | None]] = []
        for step in self._scenario.steps:
            moments.append((step.at_s, step, step.deed.act if step.deed else None))
            if step.end_s is not None and step.deed is not None:
                moments.append((step.end_s, step, step.deed.end))
        for at_s, step, act in sorted(moments, key=lambda moment: moment[0]):
            await self._pass_until(at_s)
            self._say(step.text + (" ends" if at_s == step.end_s else ""), step.evse_id)
            if act is None:
                await self._home.do(step.text, step.evse_id)
            else:
                act(self._station, step.evse_id)

    async def _look(self) -> None:
        for each in self._scenario.then:
            if each.is_at_last:
                is_met = await self._until(partial(self._is_so, each), each.to_s)
            else:
                await self._pass_until(each.from_s)
                is_met = await self._holds(each)
            if is_met:
                self._say(f"seen: {each.text}", each.evse_id)
            else:
                self._fail(f"not seen: {each.text} on EVSE {each.evse_id}")

    async def _holds(self, each: Expectation) -> bool:
        while self._is_so(each):
            if self._now_s >= each.to_s:
                return True
            await self._sleep(LOOK_S)
        return False

    async def _until(self, is_so: Callable[[], bool], latest_s: float) -> bool:
        while not is_so():
            if self._now_s >= latest_s:
                return False
            await self._sleep(LOOK_S)
        return True

    def _is_so(self, each: Expectation) -> bool:
        if each.look is None:
            return self._home.is_so(each.text, each.evse_id)
        return each.look(self._station.status(each.evse_id), self._messages)

    def _is_in(self) -> bool:
        return self._station.status().is_registered

    @property
    def _now_s(self) -> float:
        return self._clock.monotonic() - self._began_mono_s

    async def _pass_until(self, at_s: float) -> None:
        await self._sleep(max(at_s - self._now_s, 0.0))

    def _say(self, text: str, evse_id: int) -> None:
        self._note(f"{text} (EVSE {evse_id})")

    def _fail(self, text: str) -> None:
        self.failures.append(self._note(text))

    def _note(self, text: str) -> str:
        line = f"{self._now_s:6.1f} s  {text}"
        self.said.append(line)
        self._tell(line)
        return line
