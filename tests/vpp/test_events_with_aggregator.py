"""Events between our link and the reference aggregator, over a real broker."""

import asyncio
from dataclasses import replace
from typing import Any, override

import pytest

from custom_components.v2g_vpp.domain.dispatch import BindingClass
from custom_components.v2g_vpp.domain.event_picture import EventPicture
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.domain.programme_events import (
    BookedEvent,
    EventPhase,
    Participation,
    ProgrammeEvent,
)
from custom_components.v2g_vpp.site import Site
from custom_components.v2g_vpp.system_clock import SystemClock
from custom_components.v2g_vpp.vpp.gate import DropReason
from custom_components.v2g_vpp.vpp.link import VppLink
from tests.aggregator.conftest import Rig as AggregatorRig
from tests.site.stores import MemoryStore as SiteStore

from .actors import RecordingHome
from .test_reporting import evse, home as home_picture
from .test_with_aggregator import HOME, enrolled_link, operator

__all__ = ["operator"]


class TakingPart(RecordingHome):
    """A home that answers every event with 4 kW out, until its owner leaves."""

    link: VppLink
    has_left = False

    @override
    def announce_event(self, event: ProgrammeEvent) -> None:
        super().announce_event(event)
        self.show()

    def show(self) -> None:
        """Draw the picture with the events as they are now."""
        picture = home_picture(evse())
        (programme,) = picture.programmes
        newest = {event.event_id: event for event in self.events}
        booked = tuple(
            BookedEvent(
                event=event,
                phase=EventPhase.OPTED_OUT if self.has_left else EventPhase.ANNOUNCED,
                participation=(
                    Participation.OPTED_OUT if self.has_left else Participation.OPTED_IN
                ),
                expected_w=(-4_000.0,) * len(event.windows),
                why=(BindingClass.USER,),
            )
            for event in newest.values()
            if event.event_id not in self.withdrawn
        )
        programme = replace(programme, book=EventPicture(events=booked))
        self.link.publish(replace(picture, programmes=(programme,)))


async def one_event(operator: AggregatorRig, event_id: str = "peak-1") -> Any:
    """Return what the aggregator knows of an event."""
    events = (await operator.call("GET", "/api/events"))["events"]
    return next(one for one in events if one["event_id"] == event_id)


async def until_event(operator: AggregatorRig, is_true: Any) -> Any:
    async with asyncio.timeout(15):
        while not is_true(view := await one_event(operator)):
            await asyncio.sleep(0.05)
        return view


def peak(start_in_s: float, **more: Any) -> dict[str, Any]:
    return {
        "event_id": "peak-1",
        "windows": [
            {"start_in_s": start_in_s, "duration_s": 600, "power_w": -5000},
            {"start_in_s": start_in_s + 600, "duration_s": 600, "limit_w": 3000},
        ],
        "amount_minor_per_kwh": 42,
        "currency": "EUR",
        "start_spread_s": 2,
        "test": True,
    } | more


async def test_event_is_announced_answered_commanded_and_withdrawn(
    operator: AggregatorRig,
) -> None:
    home = TakingPart()
    link = home.link = await enrolled_link(operator, home)
    home.show()
    await link.start()
    try:
        await operator.until(HOME, lambda v: v["availability"] is not None)
        await operator.call("POST", "/api/events", peak(4))
        view = await until_event(operator, lambda v: v["participation"])
        answer = view["participation"][HOME]
        assert answer["status"] == "opted_in"
        assert answer["expected_w"] == [-4000, -4000]
        assert answer["why"] == ["user"]
        told = home.events[-1]
        assert [w.power_w for w in told.windows] == [-5000.0, None]
        assert told.is_test
        assert 0 < told.delay_s < 2
        await until_event(operator, lambda v: v["commands"])
        async with asyncio.timeout(5):
            while not home.orders:
                await asyncio.sleep(0.02)
        (order,) = home.orders
        # No more than the home expects to hold.
        assert (order.event_id, order.power_w) == ("peak-1", -4000.0)
        assert order.is_test
        early_s = (order.start_at - told.windows[0].start_at).total_seconds()
        assert early_s == pytest.approx(0, abs=0.01)
        lasts_s = order.ends_mono_s - order.start_mono_s
        assert lasts_s == pytest.approx(600, abs=0.1)
        await operator.until(HOME, lambda v: v["acks"])
        await operator.call("DELETE", "/api/events/peak-1")
        async with asyncio.timeout(5):
            while not home.withdrawn:
                await asyncio.sleep(0.02)
        assert home.withdrawn == ["peak-1"]
        assert set(link.dropped) <= {DropReason.CLOCK}
    finally:
        await link.stop()


async def test_who_left_an_event_is_not_commanded(operator: AggregatorRig) -> None:
    home = TakingPart()
    link = home.link = await enrolled_link(operator, home)
    home.show()
    await link.start()
    try:
        await operator.until(HOME, lambda v: v["availability"] is not None)
        await operator.call("POST", "/api/events", peak(5))
        await until_event(operator, lambda v: v["participation"])
        home.has_left = True
        home.show()
        view = await until_event(
            operator, lambda v: v["participation"][HOME]["status"] == "opted_out"
        )
        assert view["windows"][0]["expected_w"] == 0
        await asyncio.sleep(5.5)
        assert home.orders == []
        assert (await one_event(operator))["commands"] == {}
    finally:
        await link.stop()


async def test_events_are_told_again_after_every_hello(
    operator: AggregatorRig,
) -> None:
    """To a site that keeps them, by an aggregator that was started anew."""
    clock, store, tasks = SystemClock(), SiteStore(), set[asyncio.Task[None]]()

    def spawn(coroutine: Any, name: str) -> None:
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    site = Site(store=store, clock=clock, spawn=spawn)
    await site.load()
    link = await enrolled_link(operator, site)
    programme_id = ProgrammeId("evening-peak")
    site.add_programme(programme_id, link)
    spawn(site.run(), "control")
    await link.start()
    try:
        await operator.until(HOME, lambda v: v["availability"] is not None)
        limit = [{"start_in_s": 900, "duration_s": 600, "limit_w": 3000}]
        body = {"event_id": "peak-1", "windows": limit}
        await operator.call("POST", "/api/events", body)
        await until_event(operator, lambda v: v["participation"])
        (programme,) = site.snapshot.programmes
        (booked,) = programme.book.events
        assert booked.participation is Participation.OPTED_IN
        await operator.stop()
        await operator.start()
        view = await until_event(operator, lambda v: v["participation"])
        assert view["participation"][HOME]["status"] == "opted_in"
        (programme,) = site.snapshot.programmes
        assert programme.book.events == (booked,)
        await site.opt_out(programme_id)
        await until_event(
            operator,
            lambda v: v["participation"].get(HOME, {}).get("status") == "opted_out",
        )
        assert (await operator.call("GET", f"/api/homes/{HOME}"))["forecast"] is None
        await site.share_forecast(programme_id, is_shared=True)
        view = await operator.until(HOME, lambda v: v["forecast"] is not None)
        assert len(view["forecast"]["slots"]) == 48
        await site.share_forecast(programme_id, is_shared=False)
        await operator.until(HOME, lambda v: v["forecast"] is None)
        assert "peak-1" in store.document["programmes"]["evening-peak"]["barred"]
        await operator.call("DELETE", "/api/events/peak-1")
        assert (await one_event(operator))["status"] == "withdrawn"
    finally:
        await link.stop()
        for task in list(tasks):
            task.cancel()
