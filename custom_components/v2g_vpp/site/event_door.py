"""What an aggregator may announce, and what the owner may say to it."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Coroutine
from typing import Any

from ..domain.errors import UnknownTarget
from ..domain.ids import EvseKey, ProgrammeId
from ..domain.programme_events import ProgrammeEvent
from .control_loop import ControlLoop
from .keeper import Keeper
from .registry import Registry


class EventDoor:
    """Events and the owner's answer to them."""

    _registry: Registry
    _loop: ControlLoop
    _keeper: Keeper
    _spawn: Callable[[Coroutine[Any, Any, None], str], object]

    def announce_event(self, event: ProgrammeEvent) -> None:
        """Take an event as it is now: a new one, or a known one that changed."""
        if self._loop.events.announce(event):
            self._spawn(self._keeper.save(), "v2g_vpp save events")
            self._publish()
            self._wake()

    def withdraw_event(self, programme_id: ProgrammeId, event_id: str) -> None:
        """Forget an event: what runs of it ends in this very turn."""
        if self._loop.events.withdraw(programme_id, event_id):
            self._publish(self._loop.tick())
        self._spawn(self._keeper.save(), "v2g_vpp save events")

    async def opt_out(
        self, programme_id: ProgrammeId, event_id: str | None = None
    ) -> None:
        """Leave an event, the one that runs or comes next without an id.

        What runs of it ends at once; it is on disk when this returns.

        Raises:
            UnknownTarget: for a programme that this home does not have.
            EventUnknown, OptOutOver: nothing changed.
        """
        self._loop.events.opt_out(programme_id, event_id)
        self._publish(self._loop.tick())
        await self._keeper.save()

    async def share_forecast(
        self, programme_id: ProgrammeId, *, is_shared: bool
    ) -> None:
        """Let the aggregator see what the home could do in the next day, or no more.

        Raises:
            UnknownTarget: for a programme that this home does not have.
        """
        programme = self._registry.programmes.get(programme_id)
        if programme is None:
            raise UnknownTarget(programme_id, "the programme")
        programme.book.is_forecast_shared = is_shared
        self._loop.forecasts.look_anew()
        self._publish(self._loop.tick())
        await self._keeper.save()

    @abstractmethod
    def _publish(self, changed: Collection[EvseKey] | None = None) -> None:
        """Draw the picture anew and show it to whom it concerns."""

    @abstractmethod
    def _wake(self) -> None:
        """Let control look at once."""
