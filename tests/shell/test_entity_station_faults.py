"""What a charger of entities does when a part of what it needs fails."""

import asyncio
from collections.abc import AsyncIterator
import time
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Context, HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockUser,
    async_fire_time_changed,
)

from custom_components.v2g_vpp import entity_station_writer
from custom_components.v2g_vpp.domain.events import (
    MeasurementReported,
    StationDisconnected,
    StationReady,
    TransactionReported,
)
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.setpoint import SetpointWrite, WriteStatus
from tests.shell.entity_charger import DATA, NUMBER, POWER, World

CHARGE, GIVE = "input_number.charge", "input_number.give"
DIRECTION, START = "input_select.direction", "input_button.start"
BY_PAIR = {
    "write_way": "two_numbers",
    "charge_entity": CHARGE,
    "discharge_entity": GIVE,
    "direction_entity": DIRECTION,
    "charge_option": "Charge",
    "discharge_option": "Give",
    "rest_option": "Rest",
}


@pytest.fixture
def changes() -> dict[str, Any]:
    return {}


@pytest.fixture
async def world(hass: HomeAssistant, changes: dict[str, Any]) -> AsyncIterator[World]:
    wide = {"min": -11_000, "max": 11_000, "step": 1, "initial": 0}
    numbers = {"setpoint": wide, "charge": wide, "give": wide}
    for domain, config in (
        ("input_number", numbers),
        ("input_select", {"direction": {"options": ["Rest", "Charge", "Give"]}}),
        ("input_button", {"start": None}),
    ):
        assert await async_setup_component(hass, domain, {domain: config})
    await hass.async_block_till_done()
    world = World(hass, {**DATA, **changes})
    await world.start()
    yield world
    await world.station.close()
    await hass.async_block_till_done(wait_background_tasks=True)


def number_of(world: World, entity_id: str) -> float:
    state = world.hass.states.get(entity_id)
    assert state is not None
    return float(state.state)


@pytest.mark.parametrize("changes", [BY_PAIR])
async def test_a_stop_goes_on_when_one_part_of_it_fails(world: World) -> None:
    assert (await world.write(-3_000)).is_accepted

    async def refuse(_call: ServiceCall) -> None:
        raise HomeAssistantError("Not now")

    world.hass.services.async_register("input_select", "select_option", refuse)
    result = await world.write(0)
    assert not result.is_accepted, "not all of it was done"
    assert number_of(world, GIVE) == 0, "what ends the discharge was done all the same"


@pytest.mark.parametrize("changes", [BY_PAIR])
async def test_a_stop_leaves_out_what_is_not_there(world: World) -> None:
    assert (await world.write(-3_000)).is_accepted
    world.hass.states.async_set(DIRECTION, "unavailable")
    await world.settle()
    assert not isinstance(world.events[-1], StationDisconnected)
    assert (await world.write(-3_000)).detail == "not_ready"
    assert not (await world.write(0)).is_accepted, "not all of it was done"
    assert number_of(world, GIVE) == 0


@pytest.mark.parametrize("changes", [{"start_button_entity": START}])
async def test_what_no_stop_needs_may_be_lost(world: World) -> None:
    assert (await world.write(-3_000)).is_accepted
    world.hass.states.async_set(START, "unavailable")
    await world.settle()
    assert (await world.write(-3_000)).detail == "not_ready"
    assert (await world.write(0)).is_accepted
    assert world.number() == 0


async def test_a_call_that_ends_late_hinders_no_stop(world: World) -> None:
    begun = asyncio.Event()

    async def linger(call: ServiceCall) -> None:
        if call.data["value"] == 0:
            return
        begun.set()
        try:
            await asyncio.sleep(3_600)
        finally:
            await asyncio.sleep(0.3)

    world.hass.services.async_register("input_number", "set_value", linger)
    with patch.object(entity_station_writer, "STOP_PATIENCE_S", 0.05):
        hanging = asyncio.create_task(world.write(-3_000))
        await begun.wait()
        first = asyncio.create_task(world.write(0))
        await asyncio.sleep(0.15)
        assert (await world.write(0)).is_accepted
    assert (await first).status is WriteStatus.SUPERSEDED
    assert (await hanging).status is WriteStatus.TIMEOUT


async def test_what_was_cut_off_on_its_way_is_brought_to_0_w(world: World) -> None:
    begun, values = asyncio.Event(), []

    async def slow(call: ServiceCall) -> None:
        values.append(call.data["value"])
        begun.set()
        await asyncio.sleep(0.05)
        if call.data["value"]:
            await asyncio.sleep(3_600)

    world.hass.services.async_register("input_number", "set_value", slow)
    writing = asyncio.create_task(world.write(-3_000))
    await begun.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await world.station.close()
    assert values == [-3_000, 0]


async def test_what_was_refused_makes_nobody_a_stranger(
    world: World, freezer: FrozenDateTimeFactory
) -> None:
    async def refuse(_call: ServiceCall) -> None:
        raise HomeAssistantError("Not now")

    world.hass.services.async_register("input_number", "set_value", refuse)
    assert (await world.write(-3_000)).status is WriteStatus.REJECTED
    freezer.tick(20)
    state = world.hass.states.get(NUMBER)
    assert state is not None
    world.hass.states.async_set(NUMBER, state.state, {**state.attributes, "seen": 1})
    await world.settle()
    assert world.yielded == [], "it shows what it showed before"


async def test_the_own_end_of_a_power_makes_nobody_a_stranger(
    world: World, freezer: FrozenDateTimeFactory
) -> None:
    assert (await world.write(-3_000)).is_accepted
    freezer.tick(30)
    world.hass.states.async_set(NUMBER, "0")
    await world.settle()
    assert world.yielded == [], "its watchdog of 30 s ended it"


@pytest.mark.parametrize("changes", [BY_PAIR])
async def test_a_discharge_that_gets_too_old_half_way_may_run(world: World) -> None:
    values: list[float] = []

    async def slow(call: ServiceCall) -> None:
        values.append(call.data["value"])
        await asyncio.sleep(0.15)

    world.hass.services.async_register("input_number", "set_value", slow)
    result = await world.write(-3_000, age_s=1.9)
    assert (result.status, result.detail) == (WriteStatus.TIMEOUT, "stale")
    assert values == [3_000]
    state = world.hass.states.get(DIRECTION)
    assert state is not None
    assert state.state == "Rest", "the direction was not chosen any more"
    await world.station.close()
    assert values == [3_000, 0, 0], "and it is left at 0 W"


@pytest.mark.parametrize("changes", [BY_PAIR])
async def test_a_stop_whose_first_part_hangs_does_the_others(world: World) -> None:
    assert (await world.write(-3_000)).is_accepted

    async def hang(_call: ServiceCall) -> None:
        await asyncio.sleep(3_600)

    world.hass.services.async_register("input_select", "select_option", hang)
    with patch.object(entity_station_writer, "DEADLINE_S", 0.3):
        result = await world.write(0)
    assert result.status is WriteStatus.TIMEOUT
    assert number_of(world, GIVE) == 0


async def test_a_number_that_counts_kilowatts_now_is_told_no_watts(
    world: World,
) -> None:
    assert (await world.write(-3_000)).is_accepted
    world.hass.states.async_set(
        NUMBER,
        "-3",
        {"min": -11, "max": 11, "step": 0.1, "unit_of_measurement": "kW"},
    )
    await world.settle()
    assert world.lost_now() == ("setpoint_entity",)
    assert (await world.write(-3_000)).detail == "not_ready"
    assert (await world.write(0)).is_accepted, "0 is 0 in any unit"


@pytest.mark.parametrize("changes", [{"read_period_s": 90}])
async def test_who_is_asked_seldom_has_the_same_vehicle_all_the_time(
    world: World, freezer: FrozenDateTimeFactory
) -> None:
    world.show()
    await world.settle()
    before, told = world.transaction_id, len(world.of_kind(TransactionReported))
    for _ in range(3):
        freezer.tick(92)
        world.show()
        await world.settle()
    assert world.transaction_id == before
    assert len(world.of_kind(TransactionReported)) == told


@pytest.mark.parametrize("changes", [{"read_period_s": 5}])
async def test_who_is_silent_for_long_may_have_another_vehicle(
    world: World, freezer: FrozenDateTimeFactory
) -> None:
    world.show()
    await world.settle()
    before = world.transaction_id
    freezer.tick(59)
    world.show()
    await world.settle()
    assert world.transaction_id == before
    freezer.tick(62)
    world.show()
    await world.settle()
    assert world.transaction_id not in (None, before)
    assert world.of_kind(TransactionReported)[-1].is_recalled


async def test_a_power_for_another_transaction_is_none_for_this_one(
    world: World,
) -> None:
    write = SetpointWrite(
        key=world.station.key,
        power_w=-3_000,
        transaction_id=TransactionId("of the vehicle before"),
        decided_mono_s=time.monotonic(),
    )
    result = await world.station.write_setpoint(write)
    assert (result.status, result.detail) == (WriteStatus.REJECTED, "no_transaction")
    assert world.number() == 0


async def test_what_a_stranger_set_is_left_to_them_at_the_end(
    world: World, hass_admin_user: MockUser
) -> None:
    assert (await world.write(-3_000)).is_accepted
    await world.hass.services.async_call(
        "input_number",
        "set_value",
        {"entity_id": NUMBER, "value": 2_000},
        blocking=True,
        context=Context(user_id=hass_admin_user.id),
    )
    await world.settle()
    assert world.yielded == [world.station.key]
    await world.station.close()
    assert world.number() == 2_000


async def test_after_a_stranger_a_power_begins_with_0_w(
    world: World, hass_admin_user: MockUser
) -> None:
    assert (await world.write(-3_000)).is_accepted
    await world.hass.services.async_call(
        "input_number",
        "set_value",
        {"entity_id": NUMBER, "value": 2_000},
        blocking=True,
        context=Context(user_id=hass_admin_user.id),
    )
    await world.settle()
    result = await world.write(-3_000)
    assert (result.status, result.detail) == (WriteStatus.STALE, "reversal_rest")
    assert world.number() == 0


@pytest.mark.parametrize("changes", [{"watchdog_s": 120}])
async def test_a_link_is_closed_for_as_long_as_the_charger_waits(
    world: World, freezer: FrozenDateTimeFactory
) -> None:
    world.show()
    await world.settle()
    await world.station.close_link(world.station.key.station_id)
    for seconds, status in ((100, WriteStatus.OFFLINE), (22, WriteStatus.ACCEPTED)):
        freezer.tick(seconds)
        async_fire_time_changed(world.hass)
        world.show()
        await world.settle()
        assert (await world.write(0)).status is status


async def test_a_stop_cuts_no_other_stop_off(world: World) -> None:
    async def slow(_call: ServiceCall) -> None:
        await asyncio.sleep(0.2)

    world.hass.services.async_register("input_number", "set_value", slow)
    with patch.object(entity_station_writer, "STOP_PATIENCE_S", 0.01):
        first = asyncio.create_task(world.write(0))
        await asyncio.sleep(0.05)
        assert (await world.write(0)).is_accepted
    assert (await first).is_accepted


async def test_nothing_goes_on_where_nothing_is_plugged(world: World) -> None:
    world.show(state="Free")
    await world.settle()
    world.hass.states.async_set(POWER, "unavailable")
    await world.settle()
    told = world.of_kind(TransactionReported)
    world.show(state="Free")
    await world.settle()
    assert isinstance(world.events[-1], StationReady | MeasurementReported)
    assert world.of_kind(TransactionReported) == told


async def test_a_stranger_during_a_stop_is_not_forgotten(world: World) -> None:
    assert (await world.write(-3_000)).is_accepted
    begun = asyncio.Event()

    async def slow(_call: ServiceCall) -> None:
        begun.set()
        await asyncio.sleep(0.1)

    world.hass.services.async_register("input_number", "set_value", slow)
    stopping = asyncio.create_task(world.write(0))
    await begun.wait()
    world.station._writer.forget()
    assert (await stopping).is_accepted
    last = world.station._writer.last
    assert (last.power_w, last.direction) == (0.0, None)


async def test_what_never_left_changes_nothing_that_is_known(
    world: World, freezer: FrozenDateTimeFactory
) -> None:
    assert (await world.write(-3_000)).is_accepted
    freezer.tick(2)
    before = world.station._writer.last
    with patch.object(world.station._reader, "is_there", return_value=False):
        assert (await world.write(-4_000)).status is WriteStatus.OFFLINE
    assert world.station._writer.last == before
