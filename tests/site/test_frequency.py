"""A home that follows the frequency of its grid for an aggregator."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from custom_components.v2g_vpp.control.droop import support_power_w
from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.dispatch import (
    AckCode,
    AckStatus,
    BindingClass,
    CommandKind,
    DispatchAck,
)
from custom_components.v2g_vpp.domain.frequency_response import SupportRefusal
from custom_components.v2g_vpp.domain.grid_profile import (
    EN50549_50HZ,
    IEEE1547_CAT3_60HZ,
)
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from custom_components.v2g_vpp.domain.state import flow_threshold_w
from custom_components.v2g_vpp.virtual.plant import FAST, TYPICAL, PlantParameters
from tests.control.responses import CURVE, DROOP
from tests.site.home import Home
from tests.site.test_ledger import Ledger
from tests.site.virtual_time import in_virtual_time

ZERO_W = flow_threshold_w(11_000.0)
JITTER_HZ = (0.0, 0.001, -0.001, 0.002, -0.002)


class Grid:
    """What the meters of every station tell of the frequency, anew each second."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.frequency_hz = 50.0
        self.step_hz = 0.001
        """In which the meters tell it."""

        self.is_told = True

    async def swing(self) -> None:
        """Move by some steps around the frequency."""
        count = 0
        while True:
            count += 1
            swung_hz = self.frequency_hz + JITTER_HZ[count % 5]
            told_hz = round(swung_hz / self.step_hz) * self.step_hz
            for station in self.home.stations:
                if self.is_told:
                    station.senses["frequency_hz"] = told_hz
                else:
                    station.senses.pop("frequency_hz", None)
            await asyncio.sleep(1.0)


@asynccontextmanager
async def following_home(
    *plants: PlantParameters,
    dialect: DischargeDialect = DischargeDialect.V21_DYNAMIC,
) -> AsyncIterator[tuple[Home, Grid]]:
    """Yield a home that has measured its grid for long enough."""
    made = Home(plants=plants or (FAST,))
    for station in made.stations:
        station.dialect = dialect
    async with made as home:
        grid = Grid(home)
        home.site.use_grid_profile(EN50549_50HZ)
        task = asyncio.create_task(grid.swing())
        try:
            await home.grant()
            await home.run(20)
            yield home, grid
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def droop(home: Home, **when: float) -> DispatchAck:
    return home.order(0.0, kind=CommandKind.DROOP, response=DROOP, **when)  # type: ignore[arg-type]  # only times


def is_zero(home: Home) -> bool:
    return abs(home.power_w) <= ZERO_W


@in_virtual_time
async def test_a_droop_discharges_at_a_low_and_charges_at_a_high_frequency() -> None:
    async with following_home() as (home, grid):
        assert home.evse.support_refusal is None
        ack = droop(home)
        assert (ack.status, ack.code, ack.committed_w) == (
            AckStatus.ACCEPTED,
            AckCode.OK,
            0.0,
        )
        await home.run(10)
        assert is_zero(home)
        grid.frequency_hz = 49.9
        wanted_w = support_power_w(DROOP, 49.9)
        await home.until(lambda: home.is_at(wanted_w, 400.0), 15, "discharge")
        grid.frequency_hz = 50.1
        await home.until(lambda: home.is_at(-wanted_w, 400.0), 15, "charge")
        grid.frequency_hz = 50.0
        await home.until(lambda: is_zero(home), 5)
        assert home.programme.told(ack.order_id) == [AckStatus.ACTIVE]


@in_virtual_time
async def test_a_droop_ends_with_its_window() -> None:
    async with following_home() as (home, grid):
        grid.frequency_hz = 49.9
        ack = droop(home, duration_s=30.0)
        await home.until(lambda: home.power_w < -4_000.0, 20)
        await home.until(lambda: is_zero(home), 30)
        await home.run(30)
        assert is_zero(home)
        told = home.programme.told(ack.order_id)
        assert told == [AckStatus.ACTIVE, AckStatus.DONE]


@in_virtual_time
async def test_a_frequency_that_falls_silent_is_0_w_and_then_the_end() -> None:
    async with following_home() as (home, grid):
        grid.frequency_hz = 49.9
        ack = droop(home)
        await home.until(lambda: home.power_w < -4_000.0, 20)
        # A short silence: the last reading is not believed, the order stays.
        grid.is_told = False
        await home.until(lambda: is_zero(home), 12)
        assert home.evse.setpoint.reason is Reason.FREQUENCY_STALE
        grid.is_told = True
        await home.until(lambda: home.power_w < -4_000.0, 20)
        grid.is_told = False
        await home.run(40)
        assert is_zero(home)
        failed = home.programme.acks[-1]
        assert (failed.order_id, failed.status, failed.code) == (
            ack.order_id,
            AckStatus.FAILED,
            AckCode.METER_STALE,
        )
        assert home.evse.support_refusal is SupportRefusal.NOT_MEASURED
        assert droop(home).code is AckCode.UNSUPPORTED
        # Nothing begins again by itself, and a new one is taken once it is measured.
        grid.is_told = True
        await home.run(60)
        assert is_zero(home)
        assert droop(home).status is AckStatus.ACCEPTED


@pytest.mark.parametrize("step_hz", [0.1, 0.02])
@in_virtual_time
async def test_a_meter_that_gets_coarse_ends_the_order(step_hz: float) -> None:
    async with following_home() as (home, grid):
        ack = droop(home)
        grid.step_hz, grid.frequency_hz = step_hz, 50.05
        # Both sides of a step are told, so that it goes on moving.
        grid.frequency_hz = step_hz * (round(50.05 / step_hz) + 0.5)
        await home.until(
            lambda: AckStatus.FAILED in home.programme.told(ack.order_id), 140
        )
        assert home.programme.acks[-1].code is AckCode.METER_STALE
        assert droop(home).code is AckCode.UNSUPPORTED
        await home.until(lambda: is_zero(home), 10)


@in_virtual_time
async def test_a_charger_that_answers_too_slowly_is_refused() -> None:
    async with following_home(TYPICAL) as (home, _):
        # 5 s until it moves and 6 s for 90 % of 11 kW at 1,640 W/s.
        assert home.evse.support_refusal is SupportRefusal.TOO_SLOW
        ack = droop(home)
        assert (ack.status, ack.code, ack.binding) == (
            AckStatus.REJECTED,
            AckCode.UNSUPPORTED,
            (BindingClass.LIMIT,),
        )


@in_virtual_time
async def test_where_writes_are_rare_the_frequency_is_not_followed() -> None:
    async with following_home(dialect=DischargeDialect.V21_SCHEDULE) as (home, _):
        assert home.evse.support_refusal is SupportRefusal.FEW_WRITES
        assert droop(home).code is AckCode.UNSUPPORTED


@in_virtual_time
async def test_a_moving_frequency_spends_the_tokens_of_one_command() -> None:
    async with following_home() as (home, grid):
        droop(home)
        await home.run(5)
        before, began_s = len(home.station.writes), home.clock.monotonic()
        for step in range(240):
            # Each quarter of a second another tick, and the frequency swings wide.
            grid.frequency_hz = 49.9 + 0.04 * (-1) ** (step // 6)
            home.site._wake()
            await home.run(0.25)
        raised, last_w = 0, 0.0
        for write in home.station.writes[before:]:
            raised += write.power_w < last_w - 100.0
            last_w = write.power_w
        assert raised <= home.clock.monotonic() - began_s + 3


@in_virtual_time
async def test_an_order_about_another_grid_is_refused_and_ends_one_that_runs() -> None:
    async with following_home() as (home, _):
        american = replace(DROOP, nominal_hz=60.0)
        ack = home.order(0.0, kind=CommandKind.DROOP, response=american)
        assert ack.code is AckCode.UNSUPPORTED
        running = droop(home)
        await home.run(3)
        home.site.use_grid_profile(IEEE1547_CAT3_60HZ)
        await home.run(3)
        assert AckStatus.FAILED in home.programme.told(running.order_id)
        assert is_zero(home)


@in_virtual_time
async def test_a_droop_is_no_stop_and_needs_a_permission_to_discharge() -> None:
    async with following_home() as (home, _):
        await home.allow(home.key, is_allowed=False)
        await home.run(1)
        refused = droop(home)
        assert (refused.status, refused.code) == (
            AckStatus.REJECTED,
            AckCode.NOT_PERMITTED,
        )
        await home.allow(home.key)
        home.has_heartbeats = False
        await home.run(40)
        # A stop would be taken all the same.
        assert droop(home, signed_ago_s=40.0).code is AckCode.EXPIRED


@in_virtual_time
async def test_following_the_frequency_teaches_nothing_about_the_charger() -> None:
    async with following_home() as (home, grid):
        known = home.evse.fingerprint
        droop(home)
        for frequency_hz in (49.95, 49.9, 50.1, 50.05, 49.85) * 5:
            grid.frequency_hz = frequency_hz
            await home.run(12)
        assert home.evse.fingerprint == known
        assert home.evse.support_refusal is None


@in_virtual_time
async def test_a_lost_link_ends_what_followed_the_frequency() -> None:
    async with following_home() as (home, grid):
        grid.frequency_hz = 49.9
        droop(home)
        await home.until(lambda: home.power_w < -4_000.0, 20)
        home.has_heartbeats = False
        await home.until(lambda: is_zero(home), 30)
        await home.run(30)
        assert is_zero(home)


@in_virtual_time
async def test_two_outlets_share_a_curve() -> None:
    async with following_home(FAST, FAST) as (home, grid):
        ack = home.order(0.0, kind=CommandKind.CURVE, response=CURVE)
        assert ack.status is AckStatus.ACCEPTED
        for frequency_hz in (49.85, 50.18):
            grid.frequency_hz = frequency_hz
            await home.run(25)
            wanted_w = support_power_w(CURVE, frequency_hz)
            flowing_w = sum(station.power_w for station in home.stations)
            assert flowing_w == pytest.approx(wanted_w, abs=500.0)


@in_virtual_time
async def test_a_setpoint_supersedes_a_droop() -> None:
    async with following_home() as (home, grid):
        grid.frequency_hz = 49.9
        ack = droop(home)
        await home.until(lambda: home.power_w < -4_000.0, 20)
        home.order(3_000.0)
        await home.until(lambda: home.is_at(3_000.0), 15)
        assert home.programme.told(ack.order_id)[-1] is AckStatus.SUPERSEDED


@in_virtual_time
async def test_what_the_frequency_asked_for_is_in_the_report(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    async with following_home() as (home, grid):
        await ledger.open(home)
        await home.run(40)
        droop(home, duration_s=90.0)
        grid.frequency_hz = 49.9
        await home.run(140)
        (report,) = ledger.reports
        assert [one["kind"] for one in report["commands"]] == ["droop"]
        # 4.7 kW of discharge for 90 s, less the way there.
        assert report["requested_wh"] == pytest.approx(112, abs=10)
        assert report["delivered_wh"] == pytest.approx(report["requested_wh"], rel=0.1)


@in_virtual_time
async def test_what_rests_supports_the_grid_where_its_owner_wants_it() -> None:
    async with following_home() as (home, grid):
        grid.frequency_hz = 49.2
        await home.run(20)
        assert is_zero(home)
        home.site.use_grid_support(is_wanted=True)
        await home.until(lambda: home.power_w < -2_000.0, 20)
        assert home.evse.setpoint.owner is ControlOwner.GRID
        # An aggregator goes first, and the support comes back after its hold.
        home.order(3_000.0, duration_s=30.0)
        await home.until(lambda: home.is_at(3_000.0), 20)
        await home.run(20)
        await home.until(lambda: home.power_w < -2_000.0, 60)
        home.site.use_grid_support(is_wanted=False)
        await home.until(lambda: is_zero(home), 5)
