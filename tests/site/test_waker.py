"""When control runs: at once for news, not for every reading, never too late."""

import asyncio

from custom_components.v2g_vpp.site.waker import FLOW_INTERVAL_S, Waker
from tests.site.home import Home
from tests.site.virtual_time import in_virtual_time

LONG_S = 1.0


async def waited_s(waker: Waker) -> float:
    loop = asyncio.get_running_loop()
    begin = loop.time()
    waker.began()
    await waker.wait(LONG_S)
    return loop.time() - begin


@in_virtual_time
async def test_news_come_at_once_and_readings_in_their_turn() -> None:
    waker = Waker()
    loop = asyncio.get_running_loop()
    assert await waited_s(waker) == LONG_S
    loop.call_later(0.01, waker.now)
    assert await waited_s(waker) < 0.02
    for delay_s in (0.01, 0.02, 0.03):
        loop.call_later(delay_s, waker.soon)
    taken_s = await waited_s(waker)
    assert abs(taken_s - FLOW_INTERVAL_S) < 0.001
    loop.call_later(FLOW_INTERVAL_S * 2, waker.soon)
    assert abs(await waited_s(waker) - FLOW_INTERVAL_S * 2) < 0.001
    # News do not wait for a reading that waits.
    loop.call_later(0.01, waker.soon)
    loop.call_later(0.02, waker.now)
    assert await waited_s(waker) < 0.03
    waker.soon()
    assert await waited_s(waker) == LONG_S, "what came before a run is done by it"


@in_virtual_time
async def test_a_flood_of_readings_does_not_make_control_run_for_each() -> None:
    async with Home() as home:
        await home.grant()
        ticks = 0
        tick = home.site._loop.tick

        def counted() -> None:
            nonlocal ticks
            ticks += 1
            tick()

        home.site._loop.tick = counted  # type: ignore[method-assign]
        for _ in range(200):
            home.station._tell_meter()
            await home.run(0.005)
        assert 5 <= ticks <= 20
        told, known = (
            home.site.snapshot.evses[0].measurement.power_w,
            home.site._registry.evses[home.key].session.measurement.power_w,
        )
        assert told is not None
        assert known is not None
        assert known.received_mono_s - told.received_mono_s <= FLOW_INTERVAL_S
