"""When control runs: at once for news, not for every reading, never too late."""

import asyncio
from collections.abc import Collection, Mapping
from itertools import pairwise

import pytest

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.inputs import (
    EvseDecision,
    EvseInputs,
    SiteInputs,
)
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.site.waker import FLOW_INTERVAL_S, Waker
from custom_components.v2g_vpp.virtual.plant import TYPICAL
from tests.site.home import Home
from tests.site.virtual_time import in_virtual_time

LONG_S = 1.0
ONE, OTHER = (EvseKey(StationId(name), 1) for name in ("CS1", "CS2"))


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
        loop.call_later(delay_s, waker.soon, ONE)
    taken_s = await waited_s(waker)
    assert abs(taken_s - FLOW_INTERVAL_S) < 0.001
    loop.call_later(FLOW_INTERVAL_S * 2, waker.soon, ONE)
    assert abs(await waited_s(waker) - FLOW_INTERVAL_S * 2) < 0.001
    # News do not wait for a reading that waits.
    loop.call_later(0.01, waker.soon, ONE)
    loop.call_later(0.02, waker.now)
    assert await waited_s(waker) < 0.03
    waker.soon(ONE)
    assert await waited_s(waker) == LONG_S, "what came before a run is done by it"


@in_virtual_time
async def test_a_flood_of_readings_does_not_make_control_run_for_each() -> None:
    async with Home() as home:
        await home.grant()
        ticks = 0
        tick = home.site._loop.tick

        def counted(changed: Collection[EvseKey] | None = None) -> object:
            nonlocal ticks
            ticks += 1
            return tick(changed)

        home.site._loop.tick = counted  # type: ignore[method-assign,assignment]
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


@in_virtual_time
async def test_readings_are_for_their_evse_and_news_for_all() -> None:
    waker = Waker()
    assert waker.began() is None, "nobody was looked at yet"
    waker.soon(ONE)
    waker.soon(ONE)
    assert waker.began() == {ONE}
    waker.soon(ONE)
    waker.soon(OTHER)
    assert waker.began() == {ONE, OTHER}
    waker.soon(ONE)
    waker.now()
    assert waker.began() is None
    assert waker.began() == set(), "it was done"


@in_virtual_time
async def test_a_flood_of_one_evse_does_not_keep_the_others_from_their_second() -> None:
    waker = Waker()
    loop = asyncio.get_running_loop()
    for number in range(100):
        loop.call_later(number * 0.05, waker.soon, ONE)
    for_all_s: list[float] = []
    end_s = loop.time() + 5.0
    while loop.time() < end_s:
        if waker.began() is None:
            for_all_s.append(loop.time())
        await waker.wait(LONG_S)
    assert len(for_all_s) >= 5
    assert all(
        later - earlier <= LONG_S + 0.001 for earlier, later in pairwise(for_all_s)
    )


@pytest.mark.parametrize("export_limit_w", [None, 10_000.0])
@in_virtual_time
async def test_readings_of_one_evse_make_control_decide_for_it_alone(
    export_limit_w: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided: list[set[EvseKey]] = []
    step = DischargeCoordinator.step

    def noted(
        self: DischargeCoordinator,
        evses: list[EvseInputs],
        site: SiteInputs,
        now_mono_s: float,
    ) -> Mapping[EvseKey, EvseDecision]:
        decided.append({evse.key for evse in evses})
        return step(self, evses, site, now_mono_s)

    monkeypatch.setattr(DischargeCoordinator, "step", noted)
    plants = (TYPICAL, TYPICAL)
    async with Home(plants=plants, export_limit_w=export_limit_w) as home:
        one, other = home.stations
        for station in home.stations:
            station.has_meter = False
        await home.run(1.5)
        decided.clear()
        one._tell_meter()
        await home.run(0.05)
        is_shared = export_limit_w is not None
        assert decided == [{one.key, other.key} if is_shared else {one.key}]
        shown = home.evse_at(one.key).measurement
        assert shown == home.site._registry.evses[one.key].session.measurement


@in_virtual_time
async def test_a_meter_that_falls_silent_shows_while_another_one_talks() -> None:
    async with Home(plants=(TYPICAL, TYPICAL)) as home:
        one, other = home.stations
        await home.until(lambda: home.evse_at(other.key).is_meter_fresh, 20, "meter")
        other.has_meter = False
        for _ in range(130):
            one._tell_meter()
            await home.run(0.1)
        assert home.evse_at(one.key).is_meter_fresh
        assert not home.evse_at(other.key).is_meter_fresh
