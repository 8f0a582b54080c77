"""Events of a programme: booked ahead, left by the owner, withdrawn, over."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.dispatch import (
    AckCode,
    AckStatus,
    BindingClass,
    CommandKind,
)
from custom_components.v2g_vpp.domain.errors import (
    EventUnknown,
    OptOutOver,
    UnknownTarget,
)
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.programme_events import (
    BookedEvent,
    EventNews,
    EventPhase,
    EventPrice,
    EventWindow,
    Participation,
    ProgrammeEvent,
)
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.domain.snapshot import ProgrammeSnapshot
from tests.site.home import PROGRAMME, Home
from tests.site.virtual_time import in_virtual_time

OTHER = ProgrammeId("programme-2")
HOUR = 3_600.0
OPTED_OUT = (AckStatus.OPTED_OUT, AckCode.USER_OVERRIDE)


def event(home: Home, event_id: str = "peak", **changes: Any) -> ProgrammeEvent:
    """An hour of 5 kW out of the vehicle that begins in an hour."""
    start_s = changes.pop("start_s", HOUR)
    start_at = home.clock.utcnow() + timedelta(seconds=start_s)
    length = timedelta(seconds=changes.pop("length_s", HOUR))
    fields: dict[str, Any] = {
        "event_id": event_id,
        "programme_id": PROGRAMME,
        "windows": (
            EventWindow(
                start_at=start_at,
                end_at=start_at + length,
                power_w=changes.pop("power_w", -5_000.0),
            ),
        ),
    }
    return ProgrammeEvent(**(fields | changes))


def programme(home: Home, programme_id: ProgrammeId = PROGRAMME) -> ProgrammeSnapshot:
    found = home.site.snapshot.programme(programme_id)
    assert found is not None
    return found


def booked(home: Home, event_id: str = "peak") -> BookedEvent:
    return next(
        one for one in programme(home).book.events if one.event.event_id == event_id
    )


def news(home: Home) -> list[EventNews]:
    return [one.news for one in programme(home).book.news]


def verdict(home: Home, **order: Any) -> tuple[AckStatus, AckCode]:
    usual: dict[str, Any] = {"event_id": "peak", "duration_s": HOUR}
    ack = home.order(-5_000.0, **(usual | order))
    return ack.status, ack.code


@in_virtual_time
async def test_event_is_answered_with_what_the_vehicle_can_hold() -> None:
    async with Home() as home:
        await home.grant()
        home.site.announce_event(event(home))
        one = booked(home)
        assert one.participation is Participation.OPTED_IN
        assert one.expected_w == (-5_000.0,)
        assert one.why == ()
        assert news(home) == [EventNews.ANNOUNCED]
        # What is above the floor of 50 % does not last that long.
        home.site.announce_event(event(home, length_s=4 * HOUR, power_w=-10_000.0))
        one = booked(home)
        assert -3_000.0 < one.expected_w[0] < -2_000.0
        assert one.why == (BindingClass.USER,)
        assert news(home) == [EventNews.ANNOUNCED, EventNews.UPDATED]


@in_virtual_time
async def test_withdrawals_without_end_do_not_make_a_home_forget_what_was_left() -> (
    None
):
    async with Home() as home:
        await home.grant()
        home.site.announce_event(event(home))
        await home.site.opt_out(PROGRAMME)
        pictures = home.programme.pictures
        for number in range(1_000):
            home.site.withdraw_event(PROGRAMME, f"other-{number}")
        assert home.programme.pictures == pictures, "of nothing there is no picture"
        assert verdict(home) == OPTED_OUT
        assert verdict(home, event_id="other-999") == (AckStatus.CANCELLED, AckCode.OK)
        barred = home.site._registry.programmes[PROGRAMME].book.barred
        assert len(barred) == 256


@in_virtual_time
async def test_without_a_vehicle_the_answer_is_maybe() -> None:
    async with Home() as home:
        await home.grant()
        home.station.unplug()
        await home.run(2)
        home.site.announce_event(event(home))
        assert booked(home).participation is Participation.MAYBE
        assert booked(home).expected_w == (0.0,)
        assert booked(home).why == (BindingClass.VEHICLE,)


@in_virtual_time
async def test_paused_programme_leaves_its_events_until_it_goes_on() -> None:
    async with Home() as home:
        await home.grant()
        await home.site.set_participation(PROGRAMME, is_participating=False)
        home.site.announce_event(event(home))
        assert booked(home).participation is Participation.OPTED_OUT
        await home.site.set_participation(PROGRAMME, is_participating=True)
        await home.run(6)
        assert booked(home).participation is Participation.OPTED_IN


@in_virtual_time
async def test_mode_leaves_what_the_event_needs_and_the_event_gets_it() -> None:
    async with Home() as home:
        await home.grant()
        await home.set_floors(30.0, 50.0)
        home.site.announce_event(event(home, start_s=2.5 * HOUR, power_w=-8_000.0))
        await home.set_mode(Mode.DISCHARGE_NOW)
        await home.until(
            lambda: home.evse.setpoint.reason is Reason.EVENT_RESERVE, 2 * HOUR
        )
        assert home.evse.setpoint.power_w == 0
        held = home.vehicle.soc_percent
        assert held is not None
        # 8 kWh at the meter are 14 % of the battery, above the floor of 50 %.
        assert 63.0 < held < 66.0
        assert home.evse.discharge_blocked_by is Reason.EVENT_RESERVE
        assert home.vehicle.deliverable_wh() < 500.0
        # Nobody else gets it, and the event does.
        code = home.order(-5_000.0, duration_s=60.0)
        assert (code.status, code.code) == (AckStatus.REJECTED, AckCode.NOT_PERMITTED)
        assert booked(home).expected_w[0] <= -7_500.0
        began = booked(home).event.start_at
        await home.run((began - home.clock.utcnow()).total_seconds())
        home.beat()
        ack = home.order(-8_000.0, duration_s=HOUR, event_id="peak")
        assert ack.status is AckStatus.ACCEPTED
        assert ack.committed_w <= -7_500.0
        await home.until(lambda: home.is_at(ack.committed_w, 600.0), 60)
        await home.run(0.5 * HOUR)
        assert home.is_at(ack.committed_w, 600.0)


@in_virtual_time
async def test_owners_own_power_goes_ahead_of_what_is_kept() -> None:
    async with Home() as home:
        await home.grant()
        home.site.announce_event(event(home, length_s=4 * HOUR, power_w=-10_000.0))
        await home.run(6)
        await home.site.set_power(home.key, -3_000.0, 120.0)
        await home.until(lambda: home.is_at(-3_000.0), 60)


@in_virtual_time
async def test_leaving_a_running_event_ends_it_at_once_and_for_good() -> None:
    async with Home() as home:
        await home.grant()
        home.site.announce_event(event(home, start_s=1.0))
        await home.run(2)
        first = home.order(-5_000.0, event_id="peak")
        waiting = home.order(-5_000.0, event_id="peak", start_in_s=4_000.0)
        await home.until(lambda: home.is_at(-5_000.0), 60)
        assert booked(home).phase is EventPhase.STARTED
        await home.site.opt_out(PROGRAMME)
        assert home.evse.setpoint.power_w == 0
        assert booked(home).phase is EventPhase.OPTED_OUT
        for ack in (first, waiting):
            told = [a for a in home.programme.acks if a.order_id == ack.order_id][-1]
            assert (told.status, told.code) == OPTED_OUT
        assert verdict(home) == OPTED_OUT
        await home.until(lambda: home.is_at(0.0), 15)
        # Told again, updated, or asked for after a restart: the owner's word is final.
        home.site.announce_event(event(home, length_s=2 * HOUR))
        assert booked(home).phase is EventPhase.OPTED_OUT
        await home.restart()
        home.reconnect()
        await home.run(30)
        assert booked(home).phase is EventPhase.OPTED_OUT
        assert verdict(home) == OPTED_OUT
        assert news(home)[-1:] != [EventNews.STARTED]


@in_virtual_time
async def test_stop_of_another_dispatch_is_not_refused_for_its_event() -> None:
    async with Home() as home:
        await home.grant()
        home.site.announce_event(event(home))
        await home.site.opt_out(PROGRAMME, "peak")
        await home.discharge()
        stop = home.order(0.0, event_id="peak")
        assert stop.status is AckStatus.ACCEPTED
        await home.until(lambda: home.is_at(0.0), 15)
        release = home.order(0.0, event_id="peak", kind=CommandKind.RELEASE)
        assert release.status is AckStatus.ACCEPTED
        # With nothing to end, it would only bind an owner who left.
        await home.run(2)
        assert verdict(home) == OPTED_OUT


@in_virtual_time
async def test_owner_can_leave_only_what_is_there_and_in_time() -> None:
    async with Home() as home:
        await home.grant()
        with pytest.raises(EventUnknown):
            await home.site.opt_out(PROGRAMME)
        with pytest.raises(UnknownTarget):
            await home.site.opt_out(OTHER)
        until = home.clock.utcnow() + timedelta(seconds=60)
        home.site.announce_event(event(home, opt_out_until_at=until))
        with pytest.raises(EventUnknown):
            await home.site.opt_out(PROGRAMME, "other")
        await home.run(61)
        with pytest.raises(OptOutOver):
            await home.site.opt_out(PROGRAMME)
        home.site.announce_event(event(home, "later", start_s=5 * HOUR))
        # The next one that can still be left.
        await home.site.opt_out(PROGRAMME)
        assert booked(home, "later").phase is EventPhase.OPTED_OUT
        await home.site.opt_out(PROGRAMME, "later")
        assert news(home).count(EventNews.OPTED_OUT) == 1


@in_virtual_time
async def test_withdrawn_event_ends_and_frees_what_was_kept() -> None:
    async with Home() as home:
        await home.grant()
        home.site.announce_event(event(home, start_s=1.0))
        await home.run(2)
        running = home.order(-5_000.0, event_id="peak")
        await home.until(lambda: home.is_at(-5_000.0), 60)
        home.site.withdraw_event(PROGRAMME, "peak")
        assert home.programme.told(running.order_id)[-1] is AckStatus.CANCELLED
        assert home.evse.setpoint.power_w == 0
        assert verdict(home) == (AckStatus.CANCELLED, AckCode.OK)
        assert home.vehicle.kept.percent == 0
        home.site.announce_event(event(home))
        assert booked(home).phase is EventPhase.WITHDRAWN
        # One that was never heard of is remembered, too.
        home.site.withdraw_event(PROGRAMME, "ghost")
        home.site.announce_event(event(home, "ghost"))
        assert all(b.event.event_id != "ghost" for b in programme(home).book.events)
        assert verdict(home, event_id="ghost") == (AckStatus.CANCELLED, AckCode.OK)


@in_virtual_time
async def test_events_survive_a_restart() -> None:
    async with Home() as home:
        await home.grant()
        price = EventPrice(amount_minor_per_kwh=42, currency="EUR")
        told = event(home, price=price, notice_s=60, delay_s=12.5, is_test=True)
        home.site.announce_event(told)
        home.site.announce_event(event(home, "limit", start_s=9 * HOUR))
        await home.run(1)
        await home.restart()
        home.reconnect()
        assert booked(home).event == told
        await home.run(30)
        assert booked(home).participation is Participation.OPTED_IN
        # Told again after the hello, it is no news.
        count = len(programme(home).book.news)
        home.site.announce_event(told)
        assert len(programme(home).book.news) == count


@in_virtual_time
async def test_unreadable_events_mean_no_dispatch_at_all() -> None:
    async with Home() as home:
        await home.grant()
        home.site.announce_event(event(home))
        await home.run(1)

        def damage(document: dict[str, Any]) -> None:
            document["programmes"][PROGRAMME]["events"] = [{"event_id": "peak"}]

        home.store.edit(damage)
        await home.restart()
        assert not programme(home).is_participating


@in_virtual_time
async def test_event_without_a_command_is_over_and_says_so() -> None:
    async with Home() as home:
        await home.grant()
        home.site.announce_event(event(home, start_s=10.0, length_s=60.0))
        await home.run(80)
        assert booked(home).phase is EventPhase.NOT_CALLED
        assert news(home) == [EventNews.ANNOUNCED, EventNews.NOT_CALLED]
        assert home.vehicle.kept.percent == 0


@in_virtual_time
async def test_clock_that_was_wrong_for_a_while_loses_no_event() -> None:
    async with Home() as home:
        await home.grant()
        told = event(home)
        home.site.announce_event(told)
        right = home.clock.utcnow()
        home.clock.set_utc(right + timedelta(days=2))
        await home.run(6)
        assert booked(home).phase is EventPhase.NOT_CALLED
        home.clock.set_utc(right + timedelta(seconds=6))
        home.site.announce_event(told)
        assert booked(home).phase is EventPhase.ANNOUNCED
        assert booked(home).participation is Participation.OPTED_IN


@in_virtual_time
async def test_event_that_was_served_is_finished() -> None:
    async with Home() as home:
        await home.grant()
        home.site.announce_event(event(home, start_s=1.0, length_s=60.0, is_test=True))
        await home.run(1)
        home.order(-5_000.0, duration_s=60.0, event_id="peak", is_test=True)
        await home.run(5)
        assert booked(home).phase is EventPhase.STARTED
        await home.run(70)
        assert booked(home).phase is EventPhase.FINISHED
        notes = programme(home).book.news
        assert [n.news for n in notes] == [
            EventNews.ANNOUNCED,
            EventNews.STARTED,
            EventNews.FINISHED,
        ]
        assert all(n.is_test for n in notes)


@in_virtual_time
async def test_command_that_fails_fails_the_event() -> None:
    async with Home() as home:
        await home.grant()
        home.site.announce_event(event(home, start_s=1.0, length_s=120.0))
        await home.run(1)
        home.order(-5_000.0, duration_s=100.0, event_id="peak")
        await home.run(5)
        home.station.unplug()
        await home.run(5)
        assert news(home)[-1] is EventNews.FAILED
        await home.run(130)
        assert booked(home).phase is EventPhase.FAILED
