"""Whatever is announced, left, withdrawn, restarted or set: two laws of events.

No discharge for an event that its owner left or that was withdrawn, and no watt-hour
booked twice.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations
from typing import override

from hypothesis import given, settings, strategies as st

from custom_components.v2g_vpp.control.share_cost import ONE_WAY_EFFICIENCY
from custom_components.v2g_vpp.domain.dispatch import AckStatus
from custom_components.v2g_vpp.domain.errors import PolicyError
from custom_components.v2g_vpp.domain.programme_events import (
    BookedEvent,
    EventPhase,
    EventWindow,
    Participation,
    ProgrammeEvent,
)
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, SetpointWrite
from tests.site.home import PROGRAMME, Home
from tests.site.virtual_time import in_virtual_time

IDS = ("a", "b", "c")
ROUNDING_WH = 250.0
"""What is expected is worked out each 5 s, and the vehicle is read each second."""

type Span = tuple[datetime, datetime, float]


class Watched(Home):
    """A home that knows which events must not run any more."""

    def __init__(self) -> None:
        """Begin with no event void."""
        super().__init__()
        self.void: set[str] = set()
        self.discharges = 0

    @override
    def _judge(self, write: SetpointWrite) -> None:
        super()._judge(write)
        if write.power_w >= 0:
            return
        self.discharges += 1
        record = self.site._registry.evses[write.key]
        order = self.site._desk.order_for(write.key, self.clock.monotonic())
        if record.setpoint.owner is not ControlOwner.VPP or order is None:
            self.violations.append(f"{write.power_w} W that nobody ordered")
        elif order.event_id in self.void:
            self.violations.append(f"{write.power_w} W for {order.event_id}")

    # --- what happens ---

    def announce(self, event_id: str, start_s: int, power_w: int) -> None:
        start_at = self.clock.utcnow() + timedelta(seconds=start_s)
        self.site.announce_event(
            ProgrammeEvent(
                event_id=event_id,
                programme_id=PROGRAMME,
                windows=(
                    EventWindow(
                        start_at=start_at,
                        end_at=start_at + timedelta(seconds=900),
                        power_w=float(power_w),
                    ),
                    EventWindow(
                        start_at=start_at + timedelta(seconds=900),
                        end_at=start_at + timedelta(hours=2),
                        power_w=power_w / 2,
                    ),
                ),
            )
        )

    def withdraw(self, event_id: str) -> None:
        self.site.withdraw_event(PROGRAMME, event_id)
        self.void.add(event_id)

    async def leave(self, event_id: str) -> None:
        with suppress(PolicyError):
            await self.site.opt_out(PROGRAMME, event_id)
            self.void.add(event_id)

    def command(self, event_id: str, power_w: int) -> None:
        ack = self.order(float(power_w), duration_s=600.0, event_id=event_id)
        if event_id in self.void and ack.status is AckStatus.ACCEPTED:
            self.violations.append(f"{event_id} accepted although it is void")

    async def restart_it(self) -> None:
        await self.run(1)
        await self.restart()
        self.reconnect()
        # As after a hello: three heartbeats, and the aggregator can command again.
        for _ in range(4):
            self.beat()
            await self.run(1)

    # --- the laws of the book ---

    def check_book(self) -> None:
        programme = self.site.snapshot.programme(PROGRAMME)
        assert programme is not None
        events = programme.book.events
        assert len({booked.event.event_id for booked in events}) == len(events)
        for booked in events:
            if booked.event.event_id in self.void:
                assert booked.phase in (EventPhase.OPTED_OUT, EventPhase.WITHDRAWN)
        now = self.clock.utcnow()
        spans = [
            span
            for booked in events
            if booked.participation is Participation.OPTED_IN and not booked.is_over
            for span in _spans(booked, now)
        ]
        for one, other in combinations(spans, 2):
            assert one[1] <= other[0] or other[1] <= one[0], "two at the same time"
        booked_wh = sum(
            -w * (end - start).total_seconds() / 3600 for start, end, w in spans
        )
        held_wh = self.vehicle.energy_above_floor_wh() or 0.0
        if programme.order is None:
            assert booked_wh <= held_wh * ONE_WAY_EFFICIENCY + ROUNDING_WH


def _spans(booked: BookedEvent, now: datetime) -> list[Span]:
    return [
        (max(window.start_at, now), window.end_at, power_w)
        for window, power_w in zip(booked.event.windows, booked.expected_w, strict=True)
        if power_w < 0 and window.end_at > now
    ]


ids = st.sampled_from(IDS)
powers = st.sampled_from([-2_000, -5_000, -9_000])
steps = st.one_of(
    st.tuples(st.just("announce"), ids, st.integers(0, 7_200), powers),
    st.tuples(st.just("announce"), ids, st.just(0), powers),
    st.tuples(st.just("command"), ids, powers),
    st.tuples(st.just("command"), ids, powers),
    st.tuples(st.just("withdraw"), ids),
    st.tuples(st.just("leave"), ids),
    st.tuples(st.just("restart")),
    st.tuples(st.just("step the clock"), st.integers(-7_200, 7_200)),
    st.tuples(st.just("pause"), st.booleans()),
    st.tuples(st.just("wait"), st.integers(1, 120)),
)


async def do(home: Watched, step: tuple[object, ...]) -> None:
    match step:
        case ("announce", str(event_id), int(start_s), int(power_w)):
            home.announce(event_id, start_s, power_w)
        case ("command", str(event_id), int(power_w)):
            home.command(event_id, power_w)
        case ("withdraw", str(event_id)):
            home.withdraw(event_id)
        case ("leave", str(event_id)):
            await home.leave(event_id)
        case ("restart",):
            await home.restart_it()
        case ("step the clock", int(seconds)):
            stepped = home.clock.utcnow() + timedelta(seconds=seconds)
            home.clock.set_utc(stepped)
        case ("pause", bool(is_on)):
            await home.site.set_participation(PROGRAMME, is_participating=is_on)
        case ("wait", int(seconds)):
            await home.run(seconds)
        case _:
            raise AssertionError(step)


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, min_size=1, max_size=12))
@in_virtual_time
async def test_void_events_stay_void_and_nothing_is_booked_twice(
    sequence: list[tuple[object, ...]],
) -> None:
    async with Watched() as home:
        await home.grant()
        home.beat()
        for step in sequence:
            await do(home, step)
            home.check_book()
            # What is told of is worked out anew within 5 s.
            await home.run(6)
            home.check_book()


@in_virtual_time
async def test_the_laws_are_looked_at_while_a_discharge_flows() -> None:
    """Without a discharge the laws above would hold for nothing."""
    async with Watched() as home:
        await home.grant()
        home.beat()
        home.announce("a", 0, -5_000)
        home.command("a", -5_000)
        await home.until(lambda: home.is_at(-5_000.0), 60)
        assert home.discharges
        home.void.add("a")
        await home.run(60)
        assert any("for a" in one for one in home.violations)
        home.violations.clear()


@in_virtual_time
async def test_a_doubled_promise_would_be_found() -> None:
    async with Watched() as home:
        await home.grant()
        home.announce("a", 60, -9_000)
        await home.run(6)
        home.check_book()
        book = home.site._registry.programmes[PROGRAMME].book
        (booked,) = book.events
        too_much = replace(booked, expected_w=(-90_000.0, -90_000.0))
        book.rewrite(too_much)
        home.site._publish()
        try:
            home.check_book()
        except AssertionError:
            return
        raise AssertionError("not found")
