"""A loop that is late again and again carries no discharge, until it is in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
import logging
import time

import pytest

from custom_components.v2g_vpp.domain.dispatch import AckStatus
from custom_components.v2g_vpp.domain.loop_lag import LagRule
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.domain.state import flow_threshold_w
from custom_components.v2g_vpp.site import Site
from tests.fakes import FakeClock
from tests.site.home import PROGRAMME, Home
from tests.site.stores import MemoryStore
from tests.site.virtual_time import in_virtual_time

ZERO_W = flow_threshold_w(11_000.0)


@asynccontextmanager
async def blocked(home: Home, block_s: float, pause_s: float) -> AsyncIterator[None]:
    """Let something else hold the loop again and again."""

    async def hold() -> None:
        while True:
            home.clock.advance(block_s)
            await asyncio.sleep(pause_s)

    task = asyncio.get_running_loop().create_task(hold())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@in_virtual_time
async def test_a_late_loop_ends_a_discharge_and_refuses_one_until_it_is_in_time() -> (
    None
):
    async with Home() as home:
        await home.grant()
        await home.discharge()
        programme = home.site._registry.programmes[PROGRAMME]
        assert programme.running
        async with blocked(home, 0.6, 0.4):
            taken_s = await home.until(
                lambda: home.evse.setpoint.reason is Reason.HOST_LATE, 120, "noticed"
            )
            assert taken_s >= 60.0
            assert home.site.snapshot.is_host_late
            assert home.evse.setpoint.power_w == 0.0
            assert home.evse.discharge_blocked_by is Reason.HOST_LATE
            assert home.evse.available_discharge_w == 0.0
            assert home.evse.available_charge_w > 0.0
            await home.until(lambda: home.power_w >= -ZERO_W, 20, "0 W")
            assert home.order(-5_000).status is AckStatus.REJECTED
            figures = home.site.lag_figures()
            assert figures is not None
            assert figures.p99_s > 0.25
            began = home.clock.monotonic()
            await home.run(120)
            assert home.station.lowest_since(began) >= -ZERO_W
        taken_s = await home.until(
            lambda: not home.site.snapshot.is_host_late, 90, "in time again"
        )
        assert taken_s >= 55.0
        await home.discharge()
        assert home.evse.discharge_blocked_by is None


@in_virtual_time
async def test_one_long_block_is_over_when_it_is_seen() -> None:
    async with Home() as home:
        await home.grant()
        home.clock.advance(90.0)
        await home.run(90)
        assert not home.site.snapshot.is_host_late
        figures = home.site.lag_figures()
        assert figures is not None
        assert figures.worst_s > 80.0


@in_virtual_time
async def test_charging_goes_on_in_a_late_loop() -> None:
    async with Home() as home:
        await home.grant()
        assert home.order(3_000).status is AckStatus.ACCEPTED
        await home.until(lambda: home.is_at(3_000), 60, "charging")
        async with blocked(home, 0.6, 0.4):
            await home.until(lambda: home.site.snapshot.is_host_late, 120, "noticed")
            await home.run(20)
            assert home.is_at(3_000, 400.0)


async def test_a_loop_that_is_really_blocked_is_seen_and_seen_to_recover(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    tasks: set[asyncio.Task[None]] = set()
    rule = LagRule(period_s=0.01, late_s=0.02, gap_s=0.5, trip_s=0.2, clear_s=0.2)
    loop = asyncio.get_running_loop()

    def spawn(coro: object, name: str) -> object:
        raise AssertionError(name)

    site = Site(store=MemoryStore(), clock=FakeClock(), spawn=spawn, lag_rule=rule)
    await site.load()
    pictures: list[bool] = []
    site.subscribe(lambda snapshot: pictures.append(snapshot.is_host_late))
    control = loop.create_task(site.run())
    tasks.add(control)
    try:
        assert not site.snapshot.is_host_late
        async with asyncio.timeout(20):
            while not site.snapshot.is_host_late:
                time.sleep(0.04)  # noqa: ASYNC251 - what this test is about
                await asyncio.sleep(0)
            figures = site.lag_figures()
            assert figures is not None
            assert figures.p99_s >= rule.late_s
            while site.snapshot.is_host_late:
                await asyncio.sleep(0.005)
    finally:
        control.cancel()
        with suppress(asyncio.CancelledError):
            await control
    assert pictures[:2] == [True, False]
    assert "late again and again" in caplog.text
    assert "in time again" in caplog.text
