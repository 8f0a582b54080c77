"""Events: announced, answered by homes, commanded at their windows, withdrawn."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
import logging
from pathlib import Path
from typing import Any
import uuid

from .codec import encode
from .dispatcher import FINAL_STATUSES, CommandOrder, Dispatch
from .errors import BadRequestError, NotConnectedError
from .files import read_json, write_json
from .homes import Home
from .leader import Leader
from .messages import VERSION, CommandKind, Event, EventWindow, Participation
from .outbox import Envelope, Sending
from .planned_event import (
    UPDATED,
    WITHDRAWN,
    PlannedEvent,
    checked,
    from_stored,
    to_stored,
)
from .topics import down_topic

_LOGGER = logging.getLogger(__name__)

STEP_S = 0.5
LEAD_S = 3.0
"""A command goes out this long before its window: it lives 12 s and is answered in
milliseconds."""

TELL_AGAIN_S = 10.0
"""A home that has not answered an event is told again this often."""

KEPT_FOR = timedelta(days=7)
FEATURE = "event"

_NOBODY = Envelope(
    version=VERSION,
    id=str(uuid.uuid7()),
    epoch=0,
    seq=0,
    ts=datetime.fromtimestamp(0, UTC),
)
"""Of a message that is only tried."""

type Key = tuple[str, int, str]
"""Event, place of the window, home."""


class EventDesk:
    """Keeps the events of a region; the one place that sends them."""

    def __init__(self, leader: Leader, programme_id: str, path: Path) -> None:
        """Go on with what is kept at ``path``.

        Raises:
            DataDirectoryError: when it cannot be read.
        """
        self._leader = leader
        self._programme_id = programme_id
        self._path = path
        self._commanded: dict[Key, Dispatch | None] = {}
        """None: sent before a restart."""

        self._told_mono_s: dict[tuple[str, str], float] = {}
        document = read_json(path) or {"events": [], "commanded": []}
        self.events: dict[str, PlannedEvent] = {}
        for one in document["events"]:
            event = from_stored(one)
            self.events[event.event_id] = event
        for event_id, number, home_id in document["commanded"]:
            self._commanded[event_id, number, home_id] = None
        leader.on_welcome.append(self._tell_all)

    # ---- what the operator wants

    async def announce(self, event: PlannedEvent) -> None:
        """Announce an event, or tell anew what a known one is now.

        Raises:
            BadRequestError: when it is over, or was withdrawn.
            ContractError: when it does not fit the contract.
        """
        known = self.events.get(event.event_id)
        if known is not None and known.status == WITHDRAWN:
            raise BadRequestError("This event was withdrawn; take another name.")
        event = checked(event, self._leader.clock.utcnow())
        if known is not None:
            event = replace(event, status=UPDATED)
        # What no home could read must not be kept, to be told again and again.
        encode(self._message(event, _NOBODY))
        self.events[event.event_id] = event
        if known is not None:
            self._end_changed(known, event)
        await self._save()
        for home in self._homes_of(event):
            self._tell(home, event)

    async def withdraw(self, event_id: str) -> None:
        """Take an event back; homes end what runs of it.

        Raises:
            BadRequestError: when it is not known.
        """
        known = self.events.get(event_id)
        if known is None:
            raise BadRequestError(f"There is no event '{event_id}'.")
        self.events[event_id] = event = replace(known, status=WITHDRAWN)
        await self._save()
        for home in self._homes_of(event):
            self._tell(home, event)

    # ---- time passes

    async def run(self) -> None:
        """Command the homes at each window, for ever."""
        while True:
            await asyncio.sleep(STEP_S)
            try:
                if self.step():
                    await self._save()
            except Exception:
                # The next step tries again; homes hold nothing without a command.
                _LOGGER.exception("events: a step failed")

    def step(self) -> bool:
        """Send what is due; return True when something must be remembered."""
        now = self._leader.clock.utcnow()
        is_new = self._forget_old(now)
        for event in self.events.values():
            if event.status == WITHDRAWN or event.end <= now:
                continue
            for home in self._homes_of(event):
                self._tell_again(home, event)
                for number, window in enumerate(event.windows):
                    is_due = window.start - timedelta(seconds=LEAD_S) <= now
                    if is_due and now < window.end:
                        is_new |= self._command(home, event, number, now)
        return is_new

    def answers(self, event_id: str) -> Mapping[str, Participation]:
        """Return what homes said to an event."""
        return {
            home_id: home.participations[event_id]
            for home_id, home in self._leader.homes.items()
            if event_id in home.participations
        }

    def commanded(self, event_id: str) -> dict[str, list[str]]:
        """Return what became of each command of an event, by home."""
        found: dict[str, list[str]] = {}
        for (one, _, home_id), dispatch in self._commanded.items():
            if one == event_id:
                status = "sent before" if dispatch is None else dispatch.status
                found.setdefault(home_id, []).append(status)
        return found

    # ---- inside

    def _end_changed(self, before: PlannedEvent, after: PlannedEvent) -> None:
        """End the commands of windows that are other ones now; new ones may follow."""
        for key, dispatch in list(self._commanded.items()):
            event_id, number, home_id = key
            if event_id != after.event_id or (
                before.windows[number : number + 1]
                == after.windows[number : number + 1]
            ):
                continue
            del self._commanded[key]
            if dispatch is None or dispatch.status in FINAL_STATUSES:
                continue
            try:
                self._leader.dispatcher.send_cancel(home_id, dispatch.message.id)
            except NotConnectedError:
                self._leader.counters["unsent"] += 1

    def _homes_of(self, event: PlannedEvent) -> list[Home]:
        leader = self._leader
        now_mono_s = leader.clock.monotonic()
        return [
            home
            for home in leader.homes.values()
            if event.is_for(home.home_id)
            and home.hello is not None
            and FEATURE in home.hello.features
            and home.presence.status(now_mono_s) == "online"
        ]

    def _tell_all(self, home: Home) -> None:
        """Tell a home that said hello every event that has not ended (rule 15)."""
        now = self._leader.clock.utcnow()
        if home.hello is None or FEATURE not in home.hello.features:
            return
        for event in self.events.values():
            if event.is_for(home.home_id) and event.end > now:
                self._tell(home, event)

    def _tell_again(self, home: Home, event: PlannedEvent) -> None:
        if event.event_id in home.participations:
            return
        told_mono_s = self._told_mono_s.get((event.event_id, home.home_id))
        now_mono_s = self._leader.clock.monotonic()
        if told_mono_s is None or now_mono_s - told_mono_s >= TELL_AGAIN_S:
            self._tell(home, event)

    def _tell(self, home: Home, event: PlannedEvent) -> None:
        leader = self._leader
        topic = down_topic(leader.term.region, home.home_id, "event")
        envelope = leader.outbox.envelope(topic)
        left_s = (event.end - envelope["ts"]).total_seconds() + event.start_spread_s
        message = self._message(event, envelope)
        self._told_mono_s[event.event_id, home.home_id] = leader.clock.monotonic()
        # What is told anew is answered anew.
        home.participations.pop(event.event_id, None)
        how = Sending(qos=1, expiry_s=max(1.0, left_s))
        try:
            leader.outbox.send(leader.outbox.prepare(topic, message, how))
        except NotConnectedError:
            leader.counters["unsent"] += 1

    def _message(self, event: PlannedEvent, envelope: Envelope) -> Event:
        return Event(
            **envelope,
            status=event.status,
            event_id=event.event_id,
            programme_id=self._programme_id,
            windows=event.windows,
            notice_s=event.notice_s,
            opt_out_until=event.opt_out_until,
            price=event.price,
            start_spread_s=event.start_spread_s,
            test=event.test,
        )

    def _command(
        self, home: Home, event: PlannedEvent, number: int, now: datetime
    ) -> bool:
        key = (event.event_id, number, home.home_id)
        answer = home.participations.get(event.event_id)
        before = self._commanded.get(key)
        is_sent = key in self._commanded and (
            before is None or before.status != "unanswered"
        )
        if is_sent or answer is None or answer.status == "opted_out":
            return False
        window = event.windows[number]
        power_w = _expected_w(answer, number, window)
        if window.power_w is not None and power_w == 0:
            return False
        starts_s = (window.start - now).total_seconds()
        try:
            self._commanded[key] = self._leader.dispatcher.send_command(
                home.home_id,
                CommandOrder(
                    kind=(
                        CommandKind.SETPOINT
                        if window.power_w is not None
                        else CommandKind.LIMIT
                    ),
                    power_w=power_w,
                    start_in_s=starts_s,
                    duration_s=(window.end - window.start).total_seconds(),
                    event_id=event.event_id,
                    start_spread_s=event.start_spread_s or None,
                    test=event.test,
                ),
            )
        except NotConnectedError:
            return False
        return True

    def _forget_old(self, now: datetime) -> bool:
        old = {
            event_id
            for event_id, event in self.events.items()
            if now - event.end > KEPT_FOR
        }
        for event_id in old:
            del self.events[event_id]
        self._commanded = {k: d for k, d in self._commanded.items() if k[0] not in old}
        self._told_mono_s = {
            k: told for k, told in self._told_mono_s.items() if k[0] not in old
        }
        return bool(old)

    async def _save(self) -> None:
        document: dict[str, Any] = {
            "events": [to_stored(event) for event in self.events.values()],
            "commanded": [list(key) for key in self._commanded],
        }
        await asyncio.to_thread(write_json, self._path, document)


def _expected_w(answer: Participation, number: int, window: EventWindow) -> int | None:
    """Return what a home is asked for: what it expects to hold, never more."""
    if window.power_w is None:
        return window.limit_w
    if number >= len(answer.windows):
        return 0
    expected_w = answer.windows[number].expected_w
    if window.power_w < 0:
        return max(window.power_w, min(0, expected_w))
    return min(window.power_w, max(0, expected_w))
