"""Plans, leases of other automations, limits of the operator: taken, kept, ended."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.errors import (
    ControlTaken,
    PlanInvalid,
    UnknownTarget,
)
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.policy import (
    SLOT_IS_EMPTY,
    SLOTS_OVERLAP,
    Mode,
    PlanSlot,
)
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from custom_components.v2g_vpp.domain.site_meters import OperatorLimit
from tests.site.home import Home
from tests.site.virtual_time import in_virtual_time

UNKNOWN = EvseKey(StationId("CS9"), 1)


def slot(home: Home, begin_s: float, end_s: float, power_w: float) -> PlanSlot:
    now_at = home.clock.utcnow()
    return PlanSlot(
        start_at=now_at + timedelta(seconds=begin_s),
        end_at=now_at + timedelta(seconds=end_s),
        power_w=power_w,
    )


def owner(home: Home) -> ControlOwner:
    return home.evse.setpoint.owner


@in_virtual_time
async def test_a_plan_is_followed_slot_by_slot_and_survives_a_restart() -> None:
    async with Home() as home:
        await home.set_mode(Mode.PLAN)
        assert home.evse.setpoint.reason is Reason.NO_PLAN
        slots = [slot(home, 200, 300, 2_000.0), slot(home, 20, 100, 4_000.0)]
        await home.site.set_plan(home.key, slots)
        assert home.site.plan_of(home.key) == (slots[1], slots[0])
        await home.run(40)
        assert home.is_at(4_000)
        assert owner(home) is ControlOwner.PLAN
        await home.restart()
        home.reconnect()
        await home.run(20)
        assert home.is_at(4_000)
        await home.run(60)
        assert home.is_at(0)
        assert home.evse.setpoint.reason is Reason.NO_PLAN
        await home.until(lambda: home.is_at(2_000), 120)


@in_virtual_time
async def test_slots_that_are_no_plan_change_nothing() -> None:
    async with Home() as home:
        good = [slot(home, 0, 100, 4_000.0)]
        await home.site.set_plan(home.key, good)
        for bad, reason in (
            ([slot(home, 10, 10, 1.0)], SLOT_IS_EMPTY),
            ([slot(home, 0, 20, 1.0), slot(home, 19, 30, 1.0)], SLOTS_OVERLAP),
        ):
            with pytest.raises(PlanInvalid) as refused:
                await home.site.set_plan(home.key, bad)
            assert refused.value.reason == reason
        assert home.site.plan_of(home.key) == tuple(good)
        await home.site.set_plan(home.key, [])
        assert home.site.plan_of(home.key) == ()


@in_virtual_time
async def test_a_lease_is_taken_renewed_handed_back_and_ends_by_itself() -> None:
    async with Home() as home:
        site, key = home.site, home.key
        site.acquire_control(key, "planner", 3_000.0, 60.0)
        await home.until(lambda: home.is_at(3_000), 20)
        assert owner(home) is ControlOwner.AUTOMATION
        with pytest.raises(ControlTaken) as taken:
            site.acquire_control(key, "other", 5_000.0, 60.0)
        assert taken.value.holder == "planner"
        with pytest.raises(ControlTaken):
            site.release_control(key, "other")
        site.acquire_control(key, "planner", 5_000.0, 60.0)
        await home.until(lambda: home.is_at(5_000), 20)
        site.release_control(key, "planner")
        site.release_control(key, "planner")
        assert owner(home) is ControlOwner.MODE
        site.acquire_control(key, "other", 3_000.0, 30.0)
        await home.run(29)
        assert owner(home) is ControlOwner.AUTOMATION
        await home.run(2)
        assert owner(home) is ControlOwner.MODE
        site.acquire_control(key, "planner", 4_000.0, 30.0)


@in_virtual_time
async def test_the_owner_comes_before_a_lease_and_a_restart_ends_it() -> None:
    async with Home() as home:
        home.site.acquire_control(home.key, "planner", 3_000.0, 3_600.0)
        await home.site.set_power(home.key, 6_000.0, 30.0)
        assert owner(home) is ControlOwner.USER
        await home.run(31)
        assert owner(home) is ControlOwner.AUTOMATION
        await home.site.emergency_stop(home.key)
        await home.site.reset_emergency_stop(home.key)
        assert owner(home) is ControlOwner.MODE
        home.site.acquire_control(home.key, "planner", 3_000.0, 3_600.0)
        await home.restart()
        home.reconnect()
        await home.run(20)
        assert owner(home) is ControlOwner.MODE


@in_virtual_time
async def test_a_limit_of_the_operator_binds_everybody_until_its_end() -> None:
    async with Home() as home:
        await home.until(lambda: home.is_at(10_900), 30)
        until_at = home.clock.utcnow() + timedelta(seconds=120)
        limit = OperatorLimit(import_w=4_200.0, import_until_at=until_at)
        await home.site.set_site_limit(limit)
        await home.until(lambda: home.is_at(4_200), 10)
        assert home.evse.setpoint.reason is Reason.IMPORT_LIMIT
        await home.restart()
        home.reconnect()
        await home.run(30)
        assert home.is_at(4_200)
        await home.until(lambda: home.is_at(10_900), 120)


@in_virtual_time
async def test_a_limit_of_the_operator_on_export_holds_a_dispatch() -> None:
    async with Home() as home:
        await home.grant()
        await home.site.set_site_limit(OperatorLimit(export_w=2_000.0))
        ack = home.order(-5_000)
        assert ack.committed_w == -2_000
        await home.until(lambda: home.is_at(-2_000), 30)
        await home.site.set_site_limit(OperatorLimit())
        await home.until(lambda: home.is_at(-5_000), 30)


@pytest.mark.parametrize(
    "stored",
    [
        "text",
        {},
        {"operator_limit": {"import_w": "4 kW", "export_w": None, "until_at": None}},
        {
            "operator_limit": {
                "import_w": None,
                "export_w": None,
                "until_at": datetime(2026, 1, 1).isoformat(),  # noqa: DTZ001 - the flaw
            }
        },
    ],
)
@in_virtual_time
async def test_a_limit_that_cannot_be_read_lets_nothing_out(stored: Any) -> None:
    async with Home() as home:
        await home.grant()
        await home.run(2)
        await home.crash()
        home.store.edit(lambda document: document.update({"site": stored}))
        await home.restart()
        home.reconnect()
        await home.run(20)
        assert home.order(-5_000).committed_w == 0
        await home.site.set_site_limit(OperatorLimit())
        await home.run(2)
        assert home.order(-5_000).committed_w == -5_000


@in_virtual_time
async def test_what_this_home_does_not_have_is_an_error() -> None:
    async with Home() as home:
        with pytest.raises(UnknownTarget):
            await home.site.set_plan(UNKNOWN, [])
        with pytest.raises(UnknownTarget):
            home.site.plan_of(UNKNOWN)
        with pytest.raises(UnknownTarget):
            home.site.acquire_control(UNKNOWN, "planner", 0.0, 1.0)
        with pytest.raises(UnknownTarget):
            home.site.release_control(UNKNOWN, "planner")
