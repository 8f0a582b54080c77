"""A programme whose events entities of this home tell, without any broker.

The home is asked as by an aggregator: the same desk, watchdog, floors and limits. As
long as the entities are there a heartbeat goes with every look; once they are not, none
does, and the watchdog brings the dispatch to 0 W as it does for a lost link.
"""

from datetime import timedelta
import logging
from typing import Any, Final, Protocol, override
import uuid

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import (
    async_track_state_change_event,
    async_track_time_interval,
)
from homeassistant.util import dt as dt_util

from .const import CONF_DAY_BUDGET_KWH, CONF_PROGRAMME_ID
from .domain.clock import Clock
from .domain.dispatch import (
    AckCode,
    AckStatus,
    CommandKind,
    DispatchAck,
    DispatchOrder,
)
from .domain.errors import StoreUnreadable
from .domain.ids import ProgrammeId
from .domain.ports import FINAL_ACKS, DispatchReceiver, ProgrammePort
from .domain.programme_events import EventWindow, ProgrammeEvent
from .domain.snapshot import SiteSnapshot
from .domain.source_event import LONGEST_WINDOW, EventWindows, SourceEvent, Window
from .domain.units import kilowatt_hours_to_watt_hours
from .source_readings import SourceReader
from .storage import HaStore

_LOGGER = logging.getLogger(__name__)

LOOK_PERIOD: Final = timedelta(seconds=2)
"""Heartbeats of a home itself cost nothing, and slow plants leave little time."""

RETRY_S: Final = 10.0
"""A vehicle that is plugged in during an event is used from then on."""

AHEAD_S: Final = 960.0
"""How long before its start an order is on the books: longer than a rehearsal."""

_TRY_AGAIN: Final = frozenset({AckCode.FAILSAFE, AckCode.NOT_PERMITTED})
"""What passes by itself, or by a switch of the owner; the rest ended for good."""


class ProgrammeHome(DispatchReceiver, Protocol):
    """The home, as far as a programme may touch it."""

    def announce_event(self, event: ProgrammeEvent) -> None:
        """Take an event as it is now."""
        ...

    def withdraw_event(self, programme_id: ProgrammeId, event_id: str) -> None:
        """Forget an event."""
        ...


class EntityProgramme(ProgrammePort):
    """One such programme."""

    def __init__(
        self,
        hass: HomeAssistant,
        site: ProgrammeHome,
        clock: Clock,
        data: dict[str, Any],
        store: HaStore,
    ) -> None:
        """Ask ``site`` for what the entities of ``data`` tell."""
        self._hass, self._site, self._clock, self._store = hass, site, clock, store
        self._programme_id = ProgrammeId(data[CONF_PROGRAMME_ID])
        self._reader = SourceReader(hass, data, clock)
        self._windows = EventWindows()
        self._budget = _DayBudget(data.get(CONF_DAY_BUDGET_KWH))
        self._event: SourceEvent | None = None
        """The one that was asked for last."""

        self._order_id: str | None = None
        """Of the order that the home has, None without one."""

        self._is_done = False
        """The event ended for good; the next one is another."""

        self._next_try_mono_s = self._ends_mono_s = 0.0
        self._delivered_wh: float | None = None
        self._unlisten: list[CALLBACK_TYPE] = []

    # ---- life

    async def start(self) -> None:
        """Begin to listen. A budget that cannot be read counts as spent today."""
        try:
            self._budget.restore(await self._store.load())
        except StoreUnreadable:
            _LOGGER.warning("%s: the budget of today is unknown", self._programme_id)
            self._budget.is_unknown = True
        hass = self._hass
        self._unlisten = [
            async_track_state_change_event(hass, self._reader.entity_ids, self._told),
            async_track_time_interval(hass, self._told, LOOK_PERIOD),
        ]
        self.look()

    def stop(self) -> None:
        """Listen no more, and end what was asked for."""
        for unlisten in self._unlisten:
            unlisten()
        self._unlisten = []
        self._cancel()

    # ---- ProgrammePort

    @override
    def send_ack(self, ack: DispatchAck) -> None:
        """Take what became of an order."""
        if ack.order_id != self._order_id or ack.status not in FINAL_ACKS:
            return
        self._order_id = None
        if ack.status is not AckStatus.FAILED or ack.code not in _TRY_AGAIN:
            self._is_done = True
        self._next_try_mono_s = 0.0

    @override
    def publish(self, snapshot: SiteSnapshot) -> None:
        """Take how much was delivered by now."""
        programme = snapshot.programme(self._programme_id)
        if programme is not None:
            self._delivered_wh = programme.delivered_discharge_wh

    # ---- what entities tell

    @callback
    def _told(self, _news: object) -> None:
        self.look()

    def look(self) -> None:
        """Look at the entities and ask the home for what they tell."""
        now_mono_s = self._clock.monotonic()
        reading = self._reader.read()
        self._site.link_changed(self._programme_id, is_connected=not reading.is_lost)
        if reading.is_lost:
            # No heartbeat: what runs is released in time, as for every lost link.
            return
        self._site.heartbeat_seen(self._programme_id, now_mono_s)
        event = reading.event
        window = None
        if event is not None:
            window = self._windows.of(event, self._clock.utcnow(), now_mono_s)
        if event != self._event:
            self._replace(event, window, now_mono_s)
        if event is None or window is None:
            return
        if self._is_spent(event):
            self._cancel()
        elif self._is_due(window, now_mono_s):
            self._ask(event, window, now_mono_s)

    def _replace(
        self, event: SourceEvent | None, window: Window | None, now_mono_s: float
    ) -> None:
        """Drop the event before, as far as it is not over, and announce the new one."""
        self._cancel()
        before, ends_mono_s = self._event, self._ends_mono_s
        self._event, self._is_done, self._next_try_mono_s = event, False, 0.0
        self._ends_mono_s = window.ends_mono_s if window is not None else 0.0
        event_id = None if event is None else _event_id(event)
        if before is not None and now_mono_s < ends_mono_s:
            before_id = _event_id(before)
            if before_id != event_id:
                self._site.withdraw_event(self._programme_id, before_id)
        if event is not None and event_id is not None and window is not None:
            if now_mono_s < window.ends_mono_s:
                self._site.announce_event(self._announced(event, event_id))

    def _announced(self, event: SourceEvent, event_id: str) -> ProgrammeEvent:
        end_at = min(event.end_at, event.start_at + LONGEST_WINDOW)
        return ProgrammeEvent(
            event_id=event_id,
            programme_id=self._programme_id,
            windows=(
                EventWindow(
                    start_at=event.start_at,
                    end_at=end_at,
                    power_w=event.power_w,
                ),
            ),
        )

    def _is_due(self, window: Window, now_mono_s: float) -> bool:
        return (
            self._order_id is None
            and not self._is_done
            and window.start_mono_s - AHEAD_S <= now_mono_s < window.ends_mono_s
            and now_mono_s >= self._next_try_mono_s
        )

    def _ask(self, event: SourceEvent, window: Window, now_mono_s: float) -> None:
        self._next_try_mono_s = now_mono_s + RETRY_S
        order = DispatchOrder(
            order_id=str(uuid.uuid7()),
            programme_id=self._programme_id,
            kind=CommandKind.SETPOINT,
            resource=None,
            power_w=event.power_w,
            start_at=event.start_at,
            end_at=event.end_at,
            start_mono_s=max(now_mono_s, window.start_mono_s),
            ends_mono_s=window.ends_mono_s,
            sent_mono_s=now_mono_s,
            event_id=_event_id(event),
        )
        # Before the call: the home may answer more than once within it.
        self._order_id = order.order_id
        ack = self._site.receive_order(order)
        if ack.status is AckStatus.REJECTED:
            self._order_id = None

    def _cancel(self) -> None:
        if self._order_id is not None:
            order_id, self._order_id = self._order_id, None
            self._site.cancel_order(self._programme_id, order_id)

    def _is_spent(self, event: SourceEvent) -> bool:
        """Return True when a discharge has used up what the owner grants a day."""
        if event.power_w > 0 or self._delivered_wh is None:
            return False
        day = dt_util.as_local(self._clock.utcnow()).date().isoformat()
        if self._budget.begin_day(day, self._delivered_wh):
            self._store.save_later(self._budget.to_stored)
        return self._budget.is_spent(self._delivered_wh)


def _event_id(event: SourceEvent) -> str:
    """Return the same id for the same event, also after a restart."""
    direction = "charge" if event.power_w > 0 else "discharge"
    return f"{event.start_at:%Y%m%dT%H%M%S}-{direction}"


class _DayBudget:
    """What a programme may take out of the home in a day, Wh."""

    def __init__(self, day_kwh: float | None) -> None:
        """None: no such bound; reserves and the battery budget hold all the same."""
        self._budget_wh = (
            None if day_kwh is None else kilowatt_hours_to_watt_hours(day_kwh)
        )
        self._day, self._began_wh = "", 0.0
        self.is_unknown = False

    def restore(self, stored: Any) -> None:
        """Take over what was kept.

        Raises:
            StoreUnreadable: when it is not one of ours.
        """
        if stored is None:
            return
        try:
            self._day, self._began_wh = str(stored["day"]), float(stored["began_wh"])
        except (KeyError, TypeError, ValueError) as err:
            raise StoreUnreadable("programme") from err

    def to_stored(self) -> dict[str, Any]:
        """Return what to keep."""
        return {"day": self._day, "began_wh": self._began_wh}

    def begin_day(self, day: str, delivered_wh: float) -> bool:
        """Return True when a later day began than the last one.

        A calendar that is set back gives nothing back.
        """
        if self.is_unknown and not self._day:
            self._day = day
            return False
        if day <= self._day:
            return False
        self._day, self._began_wh, self.is_unknown = day, delivered_wh, False
        return True

    def is_spent(self, delivered_wh: float) -> bool:
        """Return True when nothing is left of it."""
        if self._budget_wh is None:
            return False
        return self.is_unknown or delivered_wh - self._began_wh >= self._budget_wh
