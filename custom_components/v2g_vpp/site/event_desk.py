"""The desk where events of programmes are kept, booked ahead, left and ended."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
import logging

from ..control.event_plan import NOTHING_BOOKED, Booking, WantedWindow, book
from ..domain.clock import Clock
from ..domain.dispatch import AckCode, AckStatus, BindingClass, DispatchOrder
from ..domain.energy import KeptEnergy
from ..domain.errors import EventUnknown, OptOutOver, UnknownTarget
from ..domain.ids import EvseKey, ProgrammeId
from ..domain.programme_events import (
    BookedEvent,
    EventNews,
    EventPhase,
    Participation,
    ProgrammeEvent,
)
from .event_pools import pool_of
from .orders import OrderDesk
from .programme_record import ProgrammeRecord
from .registry import Registry
from .tick_inputs import TickInputs

_LOGGER = logging.getLogger(__name__)

MAX_AHEAD = 16
"""Events of one programme that are not over; more are not taken (house rule)."""

LOOK_PERIOD_S = 5.0
"""How often what is expected is worked out anew; a change of the books does at once."""

EXPECTED_STEP_W = 100.0
"""In which the home tells what it expects, towards 0."""

_NEWS_OF_STATUS = {
    AckStatus.ACTIVE: EventNews.STARTED,
    AckStatus.DONE: EventNews.FINISHED,
    AckStatus.FAILED: EventNews.FAILED,
}


class EventDesk:
    """The one writer of events; commands are still judged one by one."""

    def __init__(
        self, registry: Registry, orders: OrderDesk, inputs: TickInputs, clock: Clock
    ) -> None:
        """Work on the records of ``registry``; end orders at ``orders``."""
        self._registry, self._orders = registry, orders
        self._inputs, self._clock = inputs, clock
        self._booking: Booking = NOTHING_BOOKED
        self._looked_mono_s = float("-inf")
        self._is_flooded = False
        orders.observers.append(self._order_told)

    # ---- what the aggregator tells

    def announce(self, event: ProgrammeEvent) -> bool:
        """Take an event as it is now; return False for one that changes nothing.

        The owner's word is final: an event that was left, or withdrawn, stays so.
        """
        programme = self._registry.programmes.get(event.programme_id)
        if programme is None:
            return False
        known = programme.book.event(event.event_id)
        if known is None:
            return self._add(programme, event)
        now = self._clock.utcnow()
        # Over by a clock that was set forward and back, it is ahead again.
        is_revived = known.is_over and event.end_at > now
        if known.is_void or (known.event == event and not is_revived):
            return False
        phase = EventPhase.ANNOUNCED if is_revived else known.phase
        programme.book.rewrite(replace(known, event=event, phase=phase))
        programme.book.note(
            EventNews.UPDATED, event.event_id, now, is_test=event.is_test
        )
        self._look_anew()
        return True

    def withdraw(self, programme_id: ProgrammeId, event_id: str) -> bool:
        """Forget an event; nothing of it runs any more, also when it was unknown.

        Returns False when nothing of it was known, so that nothing is to be shown.
        """
        programme = self._registry.programmes.get(programme_id)
        if programme is None:
            return False
        programme.book.bar(event_id, EventPhase.WITHDRAWN)
        known = programme.book.event(event_id)
        if known is None and not self._has_orders(programme, event_id):
            return False
        if known is not None and not known.is_void:
            programme.book.rewrite(replace(known, phase=EventPhase.WITHDRAWN))
            programme.book.note(
                EventNews.WITHDRAWN,
                event_id,
                self._clock.utcnow(),
                is_test=known.event.is_test,
            )
        self._orders.end_event(programme, event_id, AckStatus.CANCELLED, AckCode.OK)
        self._look_anew()
        return True

    # ---- what the owner wants

    def opt_out(self, programme_id: ProgrammeId, event_id: str | None) -> None:
        """Leave an event, the one that runs or comes next without an id.

        Raises:
            UnknownTarget: for a programme that this home does not have.
            EventUnknown: when there is no such event that could be left.
            OptOutOver: when it is too late.
        """
        programme = self._registry.programmes.get(programme_id)
        if programme is None:
            raise UnknownTarget(programme_id, "the programme")
        booked = self._to_leave(programme, event_id)
        if booked is None:
            raise EventUnknown(event_id)
        event = booked.event
        if booked.phase is EventPhase.OPTED_OUT:
            return
        if self._is_too_late(event):
            raise OptOutOver(event.event_id)
        programme.book.bar(event.event_id, EventPhase.OPTED_OUT)
        programme.book.rewrite(
            replace(
                booked,
                phase=EventPhase.OPTED_OUT,
                participation=Participation.OPTED_OUT,
                expected_w=(0.0,) * len(event.windows),
                why=(BindingClass.USER,),
            ),
        )
        programme.book.note(
            EventNews.OPTED_OUT,
            event.event_id,
            self._clock.utcnow(),
            is_test=event.is_test,
        )
        self._orders.end_event(
            programme, event.event_id, AckStatus.OPTED_OUT, AckCode.USER_OVERRIDE
        )
        self._look_anew()

    # ---- time passes

    def advance(self, now_mono_s: float) -> None:
        """End events whose time is over, and work out anew what the others get."""
        if not any(p.book.events for p in self._registry.programmes.values()):
            self._booking = NOTHING_BOOKED
            return
        if 0 <= now_mono_s - self._looked_mono_s < LOOK_PERIOD_S:
            return
        self._looked_mono_s = now_mono_s
        for programme in self._registry.programmes.values():
            self._end_what_is_over(programme)
        self._booking = self._book(now_mono_s)
        for programme_id, programme in self._registry.programmes.items():
            for booked in programme.book.events:
                if not booked.is_over:
                    programme.book.rewrite(self._answered(programme_id, booked))

    def kept(self, key: EvseKey, order: DispatchOrder | None) -> KeptEnergy:
        """Return what must stay in the vehicle at an EVSE beside what it follows."""
        event = None
        if order is not None and order.event_id is not None:
            event = (str(order.programme_id), order.event_id)
        return self._booking.kept_from(key, event)

    # ---- inside

    def _add(self, programme: ProgrammeRecord, event: ProgrammeEvent) -> bool:
        now = self._clock.utcnow()
        is_barred = event.event_id in programme.book.barred
        ahead = sum(not booked.is_over for booked in programme.book.events)
        if is_barred or event.end_at <= now:
            return False
        if ahead >= MAX_AHEAD:
            level = logging.DEBUG if self._is_flooded else logging.WARNING
            self._is_flooded = True
            _LOGGER.log(level, "%s: too many events are announced", event.programme_id)
            return False
        number = 1 + max(
            (
                b.number
                for p in self._registry.programmes.values()
                for b in p.book.events
            ),
            default=0,
        )
        programme.book.events = (
            *programme.book.events,
            BookedEvent(event=event, number=number),
        )
        programme.book.note(
            EventNews.ANNOUNCED, event.event_id, now, is_test=event.is_test
        )
        self._look_anew()
        return True

    def _to_leave(
        self, programme: ProgrammeRecord, event_id: str | None
    ) -> BookedEvent | None:
        if event_id is not None:
            booked = programme.book.event(event_id)
            is_left = booked is not None and booked.phase is EventPhase.OPTED_OUT
            is_ahead = booked is not None and not booked.is_over
            return booked if is_ahead or is_left else None
        ahead = [b for b in programme.book.events if b.is_taken_part_in]
        in_time = [b for b in ahead if not self._is_too_late(b.event)]
        return min(in_time or ahead, key=lambda b: b.event.start_at, default=None)

    def _is_too_late(self, event: ProgrammeEvent) -> bool:
        until = event.opt_out_until_at
        return until is not None and self._clock.utcnow() > until

    def _end_what_is_over(self, programme: ProgrammeRecord) -> None:
        now = self._clock.utcnow()
        for booked in programme.book.events:
            event = booked.event
            is_ahead = booked.is_over or event.end_at > now
            if is_ahead or self._has_orders(programme, event.event_id):
                continue
            if booked.phase is EventPhase.STARTED:
                phase = EventPhase.FINISHED
                if booked.is_failing:
                    phase = EventPhase.FAILED
            else:
                phase = EventPhase.NOT_CALLED
                if booked.participation is not Participation.OPTED_OUT:
                    news, test = EventNews.NOT_CALLED, event.is_test
                    programme.book.note(news, event.event_id, now, is_test=test)
            programme.book.rewrite(replace(booked, phase=phase))
        programme.book.drop_old(now)

    @staticmethod
    def _has_orders(programme: ProgrammeRecord, event_id: str) -> bool:
        orders = (*programme.running, *programme.orders)
        return any(order.event_id == event_id for order in orders)

    def _book(self, now_mono_s: float) -> Booking:
        evses = self._registry.evses.values()
        return book(
            [
                pool_of(record, self._inputs.evse(record, None, is_link_trusted=True))
                for record in evses
            ],
            self._windows(now_mono_s),
            now_mono_s=now_mono_s,
            export_limit_w=self._inputs.export_limit_w,
        )

    def _windows(self, now_mono_s: float) -> Iterator[WantedWindow]:
        """Yield what is wanted from now on, by the order of the announcements."""
        now = self._clock.utcnow()
        ahead = sorted(
            (
                (programme_id, programme.grant, booked)
                for programme_id, programme in self._registry.programmes.items()
                if programme.is_participating
                for booked in programme.book.events
                if not booked.is_over
            ),
            key=lambda one: one[2].number,
        )
        for programme_id, grant, booked in ahead:
            delay = timedelta(seconds=booked.event.delay_s)
            for number, window in enumerate(booked.event.windows):
                starts_s = (window.start_at + delay - now).total_seconds()
                ends_s = (window.end_at + delay - now).total_seconds()
                if ends_s <= 0:
                    continue
                yield WantedWindow(
                    programme_id=programme_id,
                    event_id=booked.event.event_id,
                    number=number,
                    start_mono_s=now_mono_s + max(0.0, starts_s),
                    end_mono_s=now_mono_s + ends_s,
                    power_w=window.power_w,
                    granted_percent=grant.reserve_percent,
                    limit_w=window.limit_w,
                )

    def _answered(self, programme_id: ProgrammeId, booked: BookedEvent) -> BookedEvent:
        """Return an event with what the home says to it now."""
        programme = self._registry.programmes[programme_id]
        event = booked.event
        if not programme.is_participating:
            return replace(
                booked,
                participation=Participation.OPTED_OUT,
                expected_w=(0.0,) * len(event.windows),
                why=(BindingClass.USER,),
            )
        expected_w: list[float] = []
        why: set[BindingClass] = set()
        is_able = False
        for number, window in enumerate(event.windows):
            found = self._booking.expected.get((programme_id, event.event_id, number))
            if found is None and number < len(booked.expected_w):
                # Its time is over: what was said of it stays.
                expected_w.append(booked.expected_w[number])
                is_able |= booked.participation is Participation.OPTED_IN
                continue
            power_w = 0.0 if found is None else _in_steps(found.power_w)
            expected_w.append(power_w)
            why |= set() if found is None else found.why
            is_held = found is not None and window.limit_w is not None
            is_able |= power_w != 0 or (is_held and not (found and found.why))
        status = Participation.OPTED_IN if is_able else Participation.MAYBE
        return replace(
            booked,
            participation=status,
            expected_w=tuple(expected_w),
            why=tuple(sorted(why)),
        )

    def _order_told(
        self, programme: ProgrammeRecord, order: DispatchOrder, status: AckStatus
    ) -> None:
        news = _NEWS_OF_STATUS.get(status)
        if news is None:
            return
        now = self._clock.utcnow()
        programme.book.note(news, order.event_id, now, is_test=order.is_test)
        booked = programme.book.event(order.event_id)
        if booked is None or booked.is_void:
            return
        if news is EventNews.STARTED:
            booked = replace(booked, phase=EventPhase.STARTED, is_failing=False)
        elif news is EventNews.FAILED:
            booked = replace(booked, is_failing=True)
        programme.book.rewrite(booked)

    def _look_anew(self) -> None:
        self._looked_mono_s = float("-inf")
        self.advance(self._clock.monotonic())


def _in_steps(power_w: float) -> float:
    return EXPECTED_STEP_W * int(power_w / EXPECTED_STEP_W) + 0.0
