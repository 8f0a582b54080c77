"""Watch every dispatched event second by second, until it is a report."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
import logging
from math import inf
from statistics import fmean
from typing import Any, Protocol

from ..control.event_record import (
    BASELINE_S,
    INTERRUPTED,
    Baseline,
    EventRecord,
)
from ..control.sample_series import Sample, SampleQuality
from ..domain.clock import Clock
from ..domain.dispatch import AckCode, AckStatus, CommandKind, DispatchOrder
from ..domain.ids import EvseKey, ProgrammeId
from ..domain.ledger import EntryKind
from ..domain.ports import FINAL_ACKS
from .order_verdict import covers
from .outlet_meter import outlet_power, outlet_registers
from .programme_record import ProgrammeRecord
from .records import EvseRecord
from .registry import Registry

_LOGGER = logging.getLogger(__name__)

GRACE_S = 15.0
"""After the last command of an event: its successor may come, and the last readings of
a meter that reports every ten seconds."""

RESUME_S = 120.0
"""After a start: the aggregator may go on with an event that a restart interrupted."""

LEAST_BASELINE_S = BASELINE_S // 2
"""House rule: half of the time before the event must have been measured."""


class Reports(Protocol):
    """Where finished reports go, and what keeps unfinished ones."""

    kept_drafts: list[Mapping[str, Any]]

    def record(self, kind: EntryKind, body: Mapping[str, Any]) -> None:
        """Bring an entry into the ledger."""

    def save_later(self) -> None:
        """Keep the unfinished ones soon."""

    def save_soon(self) -> None:
        """Keep them now, in the background."""


@dataclass(slots=True, kw_only=True)
class _Running:
    """One event that is being recorded."""

    record: EventRecord
    began_mono_s: float
    orders: dict[str, DispatchOrder]
    """Of the last look."""

    idle_mono_s: float = inf
    """Since when nothing of it runs."""

    grace_s: float = GRACE_S

    @property
    def is_taken_over(self) -> bool:
        """True when nothing of it runs and another event began at its outlet."""
        return self.idle_mono_s < inf and bool(self.record.ended)


class EventRecorder:
    """Records of all programmes with a ledger; looks after each control tick."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        """Watch the records of ``registry``."""
        self._registry, self._clock = registry, clock
        self._reports: dict[ProgrammeId, Reports] = {}
        self._events: dict[ProgrammeId, dict[str, _Running]] = {}
        self._before: dict[EvseKey, deque[float | None]] = {}
        """Power of the last five minutes, W; None: not measured, or dispatched."""

        self._second = -1

    def use(self, programme_id: ProgrammeId, reports: Reports) -> None:
        """Record the events of a programme, also those that a restart interrupted."""
        self._reports[programme_id] = reports
        events = self._events[programme_id] = {}
        for draft in reports.kept_drafts:
            running = self._taken_up(draft)
            if running is not None:
                events[running.record.key] = running

    def conclude(self, programme_id: ProgrammeId) -> None:
        """Report what runs as cancelled now: its programme is left."""
        now = self._clock.utcnow()
        reports = self._reports.get(programme_id)
        for running in self._events.pop(programme_id, {}).values():
            for order_id in running.orders:
                running.record.note_end(order_id, AckStatus.CANCELLED, AckCode.OK, now)
            if reports is not None:
                self._finish(running.record, reports)

    def forget(self, programme_id: ProgrammeId) -> None:
        """Record nothing of a programme any more."""
        self._reports.pop(programme_id, None)
        self._events.pop(programme_id, None)

    def drafts(self, programme_id: ProgrammeId) -> list[Mapping[str, Any]]:
        """Return the unfinished records, to be kept."""
        events = self._events.get(programme_id, {})
        return [one.record.to_stored() for one in events.values()]

    def look(self) -> None:
        """Take what is new; the numbers once in a second."""
        if not self._reports:
            return
        now_mono_s, now = self._clock.monotonic(), self._clock.utcnow()
        second = int(now_mono_s)
        is_new_second, self._second = second != self._second, second
        if is_new_second:
            self._remember_powers(now_mono_s)
        for programme_id in self._reports:
            programme = self._registry.programmes.get(programme_id)
            if programme is not None:
                self._follow(programme_id, programme, now_mono_s, now)
                self._sample(programme_id, now_mono_s)
                self._close(programme_id, programme, now_mono_s)

    # ---- the life of an event

    def _follow(
        self,
        programme_id: ProgrammeId,
        programme: ProgrammeRecord,
        now_mono_s: float,
        now: datetime,
    ) -> None:
        events = self._events[programme_id]
        by_event = _by_event(programme.running)
        for key in [key for key in by_event if key in events]:
            if events[key].is_taken_over:
                # It goes on, and an outlet was another event's meanwhile.
                self._finish(events.pop(key).record, self._reports[programme_id])
        new = by_event.keys() - events.keys()
        for key in sorted(new):
            events[key] = self._begun(key, by_event[key], now_mono_s, now)
        for key, running in events.items():
            orders = by_event.get(key, {})
            for order in orders.values():
                self._note(running, order, programme)
            for order_id in running.orders.keys() - orders.keys():
                status, code = _outcome(programme, order_id)
                running.record.note_end(order_id, status, code, now)
            running.orders = orders
            if orders:
                running.idle_mono_s, running.grace_s = inf, GRACE_S
            elif running.idle_mono_s == inf:
                running.idle_mono_s = now_mono_s
        if new:
            # Saved at once, so after its commands were noted: a record without any would
            # come to nothing when the power fails before the next save.
            self._reports[programme_id].save_soon()

    def _begun(
        self,
        key: str,
        orders: Mapping[str, DispatchOrder],
        now_mono_s: float,
        now: datetime,
    ) -> _Running:
        first = next(iter(orders.values()))
        covered = self._covered(orders.values())
        for evse in covered:
            self._end_others_at(evse)
        record = EventRecord(
            key=key,
            programme_id=first.programme_id,
            is_test=first.is_test,
            started_at=now,
            baseline=self._baseline(covered),
            began={str(evse.key): outlet_registers(evse) for evse in covered},
        )
        return _Running(record=record, began_mono_s=now_mono_s, orders={})

    def _note(
        self, running: _Running, order: DispatchOrder, programme: ProgrammeRecord
    ) -> None:
        record = running.record
        if order.order_id in running.orders:
            return
        record.note_start(order)
        record.is_test = record.is_test or order.is_test
        told = programme.told.get(order.order_id)
        if told is not None:
            record.note_commitment(order.order_id, told.committed_w)
        for evse in self._covered((order,)):
            if str(evse.key) not in record.began:
                self._end_others_at(evse)
                record.began[str(evse.key)] = outlet_registers(evse)

    def _end_others_at(self, evse: EvseRecord) -> None:
        """Credit what an outlet counts from now on to no event that was there before."""
        resource, registers = str(evse.key), outlet_registers(evse)
        for events in self._events.values():
            for running in events.values():
                if resource in running.record.began:
                    running.record.ended.setdefault(resource, registers)

    def _close(
        self, programme_id: ProgrammeId, programme: ProgrammeRecord, now_mono_s: float
    ) -> None:
        waiting = {_key_of(order) for order in programme.orders}
        events, reports = self._events[programme_id], self._reports[programme_id]
        for key, running in list(events.items()):
            is_over = now_mono_s - running.idle_mono_s >= running.grace_s
            if running.is_taken_over or (is_over and key not in waiting):
                del events[key]
                self._finish(running.record, reports)
        if events:
            reports.save_later()

    def _finish(self, record: EventRecord, reports: Reports) -> None:
        for evse in self._registry.evses.values():
            if str(evse.key) in record.began:
                record.ended.setdefault(str(evse.key), outlet_registers(evse))
        if record.active_s > 0:
            reports.record(EntryKind.EVENT_REPORT, record.report())

    # ---- numbers

    def _sample(self, programme_id: ProgrammeId, now_mono_s: float) -> None:
        for running in self._events[programme_id].values():
            record = running.record
            second = int(now_mono_s - running.began_mono_s)
            if second < record.series.seconds:
                continue
            orders = running.orders.values()
            sample = self._sample_of(orders, record.began, now_mono_s)
            is_active = bool(orders)
            if second == record.series.seconds + 1:
                # The tick came some milliseconds late, and nothing was missed.
                late = replace(sample, quality=_at_best_estimated(sample.quality))
                record.add(second - 1, late, is_active=is_active)
            record.add(second, sample, is_active=is_active)

    def _sample_of(
        self,
        orders: Collection[DispatchOrder],
        resources: Collection[str],
        now_mono_s: float,
    ) -> Sample:
        evses = [e for e in self._registry.evses.values() if str(e.key) in resources]
        asked = [o.power_w for o in orders if o.kind is CommandKind.SETPOINT]
        asked += [self._followed_w(o) for o in orders if o.response is not None]
        powers = [outlet_power(evse, now_mono_s) for evse in evses]
        known = [power for power in powers if power is not None]
        setpoint_w = sum(evse.setpoint.power_w for evse in evses)
        requested_w = sum(asked) if asked else None
        if len(known) < len(powers) or not powers:
            return Sample(requested_w=requested_w, setpoint_w=setpoint_w)
        is_good = all(power.is_recent for power in known)
        return Sample(
            power_w=sum(power.power_w for power in known),
            raw_w=sum(power.raw_w for power in known),
            requested_w=requested_w,
            setpoint_w=setpoint_w,
            quality=SampleQuality.GOOD if is_good else SampleQuality.ESTIMATED,
        )

    def _followed_w(self, order: DispatchOrder) -> float:
        """Return what the frequency asks of an order now; 0 W when it is silent."""
        asked = [
            evse.decision.followed_w or 0.0
            for evse in self._covered([order])
            if evse.decision is not None
        ]
        return max(asked, key=abs, default=0.0)

    def _remember_powers(self, now_mono_s: float) -> None:
        for key, evse in self._registry.evses.items():
            powers = self._before.setdefault(key, deque(maxlen=BASELINE_S))
            is_dispatched = any(
                programme.order_for(key) is not None
                for programme in self._registry.programmes.values()
            )
            power = None if is_dispatched else outlet_power(evse, now_mono_s)
            powers.append(None if power is None else power.power_w)
        for key in self._before.keys() - self._registry.evses.keys():
            del self._before[key]

    def _baseline(self, evses: Collection[EvseRecord]) -> Baseline:
        histories = [tuple(self._before.get(evse.key, ())) for evse in evses]
        length = min((len(one) for one in histories), default=0)
        seconds = zip(*(one[len(one) - length :] for one in histories), strict=True)
        sums = [
            sum(power for power in second if power is not None)
            for second in seconds
            if None not in second
        ]
        is_enough = len(sums) >= LEAST_BASELINE_S
        return Baseline(power_w=fmean(sums) if is_enough else None, samples=len(sums))

    def _covered(self, orders: Iterable[DispatchOrder]) -> list[EvseRecord]:
        wanted = tuple(orders)
        return [
            evse
            for evse in self._registry.evses.values()
            if any(covers(order, evse.key) for order in wanted)
        ]

    # ---- after a restart

    def _taken_up(self, draft: Mapping[str, Any]) -> _Running | None:
        try:
            record = EventRecord.restore(draft)
        except (KeyError, TypeError, ValueError, AttributeError) as err:
            _LOGGER.warning("the record of an event cannot be read: %s", err)
            return None
        now_mono_s, now = self._clock.monotonic(), self._clock.utcnow()
        elapsed_s = (now - record.started_at).total_seconds()
        open_commands = [c for c in record.commands.values() if c.status is None]
        if open_commands:
            ends_at = max(datetime.fromisoformat(c.end) for c in open_commands)
            ends = int((ends_at - record.started_at).total_seconds())
            asked = [
                float(c.power_w)
                for c in open_commands
                if c.kind == CommandKind.SETPOINT
            ]
            until = max(0, min(int(elapsed_s), ends))
            record.fill_gap(until, sum(asked) if asked else None, ends)
            broken_at = record.started_at + timedelta(seconds=until)
            for command in open_commands:
                record.note_end(
                    command.command_id, INTERRUPTED, AckCode.FAILSAFE, broken_at
                )
        return _Running(
            record=record,
            began_mono_s=now_mono_s - elapsed_s,
            orders={},
            idle_mono_s=now_mono_s,
            grace_s=RESUME_S,
        )


def _by_event(
    orders: Iterable[DispatchOrder],
) -> dict[str, dict[str, DispatchOrder]]:
    by_event: dict[str, dict[str, DispatchOrder]] = {}
    for order in orders:
        by_event.setdefault(_key_of(order), {})[order.order_id] = order
    return by_event


def _key_of(order: DispatchOrder) -> str:
    return order.event_id or order.order_id


def _outcome(programme: ProgrammeRecord, order_id: str) -> tuple[str, str]:
    told = programme.told.get(order_id)
    if told is None or told.status not in FINAL_ACKS:
        # The answer to a cancel goes another way than what ends by itself.
        return AckStatus.CANCELLED, AckCode.OK
    return told.status, told.code


def _at_best_estimated(quality: SampleQuality) -> SampleQuality:
    return SampleQuality.ESTIMATED if quality is SampleQuality.GOOD else quality
