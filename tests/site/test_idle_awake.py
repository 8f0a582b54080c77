"""A vehicle that is kept awake for nothing is counted."""

from custom_components.v2g_vpp.domain.dispatch import AckStatus
from tests.site.home import Home
from tests.site.virtual_time import in_virtual_time

HOUR_S = 3_600.0


def counted_s(home: Home) -> float:
    return home.site._registry.evses[home.key].contactor.awake.total_s(
        home.clock.monotonic()
    )


@in_virtual_time
async def test_rest_in_a_session_counts_and_an_event_that_waits_does_not() -> None:
    async with Home() as home:
        await home.grant()
        await home.run(60)
        began_s = counted_s(home)
        await home.run(HOUR_S)
        assert abs(counted_s(home) - began_s - HOUR_S) <= 60.0
        assert abs(home.evse.idle_awake_h - counted_s(home) / HOUR_S) <= 0.05

        assert home.order(-5_000, start_in_s=600).status is AckStatus.ACCEPTED
        waiting_s = counted_s(home)
        await home.run(700)
        assert counted_s(home) - waiting_s <= 2.0
        assert home.is_at(-5_000)


@in_virtual_time
async def test_it_ends_with_the_session() -> None:
    async with Home() as home:
        await home.grant()
        await home.run(600)
        before_s = counted_s(home)
        assert before_s > 500.0
        home.station.unplug()
        await home.run(10)
        unplugged_s = counted_s(home)
        assert before_s <= unplugged_s <= before_s + 11.0
        await home.run(600)
        assert counted_s(home) == unplugged_s


@in_virtual_time
async def test_time_without_a_link_does_not_count() -> None:
    async with Home() as home:
        await home.grant()
        await home.run(60)
        home.station.disconnect()
        await home.run(1)
        gone_s = counted_s(home)
        await home.run(600)
        assert counted_s(home) == gone_s
