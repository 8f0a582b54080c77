"""A charger behind entities, on a real core: what it reports, and what it is told."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.events import (
    MeasurementReported,
    StationBooted,
    StationConnected,
    StationDisconnected,
    StationReady,
    TransactionPhase,
    TransactionReported,
)
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.requests import Restart
from custom_components.v2g_vpp.domain.setpoint import (
    WriteStatus,
)
from tests.shell.entity_charger import DATA, NUMBER, POWER, STATE, World


@pytest.fixture
def data() -> dict[str, Any]:
    return dict(DATA)


@pytest.fixture
async def world(hass: HomeAssistant, data: dict[str, Any]) -> AsyncIterator[World]:
    config = {"setpoint": {"min": -11_000, "max": 11_000, "step": 1, "initial": 0}}
    assert await async_setup_component(hass, "input_number", {"input_number": config})
    world = World(hass, data)
    yield world
    await world.station.close()
    await hass.async_block_till_done()


async def test_a_charger_comes_up_as_a_station_does(world: World) -> None:
    await world.start()
    kinds = [type(event) for event in world.events]
    assert kinds.index(StationConnected) < kinds.index(StationBooted)
    assert kinds.index(StationBooted) < kinds.index(StationReady)
    (ready,) = world.of_kind(StationReady)
    assert ready.has_floor_profile
    capability = ready.capability
    assert capability.dialect is DischargeDialect.ENTITY
    assert capability.evse_ids == (1,)
    assert capability.reports_export
    assert capability.own_watchdog_s == 30
    assert capability.own_timing is not None
    assert capability.own_timing.validity_s == 30
    phases = [event.is_recalled for event in world.of_kind(TransactionReported)]
    assert phases == [True, False], "recalled first, and watched from now on"


async def test_power_from_before_is_no_reading(
    hass: HomeAssistant, world: World
) -> None:
    world.show("500")
    world.station.start()
    assert world.of_kind(MeasurementReported) == []
    assert world.of_kind(StationReady) == []
    world.show("500")
    await world.settle()
    (event,) = world.of_kind(MeasurementReported)
    assert event.measurement.power_w is not None
    assert event.measurement.power_w.value == 500
    assert len(world.of_kind(StationReady)) == 1


async def test_an_unchanged_power_that_is_reported_is_fresh(world: World) -> None:
    await world.start()
    before = world.of_kind(MeasurementReported)[-1]
    world.show()
    await world.settle()
    after = world.of_kind(MeasurementReported)[-1]
    assert after is not before
    assert after.measurement.power_w is not None
    assert before.measurement.power_w is not None
    assert (
        after.measurement.power_w.received_mono_s
        > before.measurement.power_w.received_mono_s
    )


async def test_a_setpoint_reaches_the_number(world: World) -> None:
    await world.start()
    result = await world.write(-3_000)
    assert result.is_accepted
    assert result.on_wire_mono_s is not None
    assert world.number() == -3_000
    assert (await world.write(0)).is_accepted
    assert world.number() == 0


async def test_a_plug_that_is_pulled_ends_the_transaction(world: World) -> None:
    await world.start()
    first = world.transaction_id
    world.show(state="Free")
    await world.settle()
    assert world.transaction_id is None
    assert (await world.write(-3_000)).detail == "no_transaction"
    world.show()
    await world.settle()
    assert world.transaction_id not in (None, first)
    last = world.of_kind(TransactionReported)[-1]
    assert (last.phase, last.is_recalled) == (TransactionPhase.STARTED, False)


@pytest.mark.parametrize(
    ("power_w", "detail"),
    [(float("nan"), "not_finite"), (float("-inf"), "not_finite")],
)
async def test_no_number_is_no_setpoint(
    world: World, power_w: float, detail: str
) -> None:
    await world.start()
    result = await world.write(power_w)
    assert (result.status, result.detail) == (WriteStatus.REJECTED, detail)
    assert world.number() == 0


async def test_a_discharge_that_waited_too_long_never_leaves(world: World) -> None:
    await world.start()
    result = await world.write(-3_000, age_s=2.5)
    assert result.status is WriteStatus.STALE
    assert world.number() == 0
    assert (await world.write(0, age_s=60)).is_accepted, "a stop is never too late"


async def test_what_is_not_due_yet_is_asked_for_again(world: World) -> None:
    await world.start()
    assert (await world.write(-3_000)).is_accepted
    early = await world.write(-4_000)
    assert (early.status, early.detail) == (WriteStatus.STALE, "write_interval")
    assert (await world.write(-2_000)).is_accepted, "less never waits"
    assert world.number() == -2_000


async def test_a_turn_goes_through_zero(world: World) -> None:
    await world.start()
    assert (await world.write(-3_000)).is_accepted
    turned = await world.write(3_000)
    assert (turned.status, turned.detail) == (WriteStatus.STALE, "reversal_rest")
    assert world.number() == 0


async def test_lost_power_leaves_nothing_but_0_w_and_comes_back(world: World) -> None:
    await world.start()
    assert (await world.write(-3_000)).is_accepted
    world.hass.states.async_set(POWER, "unavailable")
    await world.settle()
    assert len(world.of_kind(StationConnected)) == 2, "connected, and not ready"
    assert len(world.of_kind(StationReady)) == 1
    assert world.lost_now() == ("power_entity",)
    assert (await world.write(-3_000)).detail == "not_ready"
    assert (await world.write(0)).is_accepted
    assert world.number() == 0
    before = world.transaction_id
    world.show()
    await world.settle()
    assert world.lost_now() == ()
    assert len(world.of_kind(StationReady)) == 2
    assert world.transaction_id == before, "nobody swaps a vehicle in no time"
    await asyncio.sleep(0)
    assert (await world.write(0)).is_accepted


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "much", "unknown"])
async def test_a_power_that_is_no_number_is_a_lost_one(world: World, text: str) -> None:
    await world.start()
    world.show(text)
    await world.settle()
    assert world.lost_now() == ("power_entity",)
    assert (await world.write(-3_000)).detail == "not_ready"


async def test_a_lost_number_is_a_lost_link_and_comes_back(
    world: World, freezer: FrozenDateTimeFactory
) -> None:
    await world.start()
    state = world.hass.states.get(NUMBER)
    assert state is not None
    world.hass.states.async_set(NUMBER, "unavailable")
    await world.settle()
    assert isinstance(world.events[-1], StationDisconnected)
    assert (await world.write(0)).status is WriteStatus.OFFLINE
    world.hass.states.async_set(NUMBER, "0", state.attributes)
    await world.settle()
    assert len(world.of_kind(StationConnected)) == 2
    assert len(world.of_kind(StationReady)) == 2
    # Who knows what it was told meanwhile: the first power begins with a rest.
    assert (await world.write(-1_000)).detail == "reversal_rest"
    freezer.tick(1)
    assert (await world.write(-1_000)).is_accepted


async def test_a_renamed_entity_is_followed_and_a_deleted_one_comes_back(
    hass: HomeAssistant, world: World
) -> None:
    registry = er.async_get(hass)
    entry = registry.async_get_or_create(
        "sensor", "other", "1", suggested_object_id="p"
    )
    world.data["power_entity"] = entry.id
    world.station.start()
    watts = {"unit_of_measurement": "W"}
    hass.states.async_set(STATE, "Connected")
    hass.states.async_set("sensor.p", "10", watts)
    await world.settle()
    assert len(world.of_kind(StationReady)) == 1
    registry.async_update_entity("sensor.p", new_entity_id="sensor.q")
    hass.states.async_remove("sensor.p")
    await world.settle()
    assert world.lost_now() == ("power_entity",)
    hass.states.async_set("sensor.q", "20", watts)
    await world.settle()
    assert world.lost_now() == ()
    assert len(world.of_kind(StationReady)) == 2
    registry.async_remove("sensor.q")
    hass.states.async_remove("sensor.q")
    await world.settle()
    assert world.lost_now() == ("power_entity",)
    again = registry.async_get_or_create("sensor", "other", "1")
    assert again.id == entry.id
    hass.states.async_set(again.entity_id, "30", watts)
    await world.settle()
    assert world.lost_now() == ()
    assert len(world.of_kind(StationReady)) == 3


async def test_a_stranger_who_changes_the_number_gets_the_charger(
    hass: HomeAssistant, world: World, hass_admin_user: MockUser
) -> None:
    await world.start()
    assert (await world.write(-3_000)).is_accepted
    await world.settle()
    assert world.yielded == []
    context = Context(user_id=hass_admin_user.id)
    await hass.services.async_call(
        "input_number",
        "set_value",
        {"entity_id": NUMBER, "value": -5_000},
        blocking=True,
        context=context,
    )
    await world.settle()
    assert world.yielded == [world.station.key]
    assert world.number() == -5_000, "never fought"


async def test_an_automation_that_sets_the_number_is_a_stranger_once_it_settled(
    hass: HomeAssistant, world: World, freezer: FrozenDateTimeFactory
) -> None:
    await world.start()
    assert (await world.write(-3_000)).is_accepted
    freezer.tick(6)
    await hass.services.async_call(
        "input_number", "set_value", {"entity_id": NUMBER, "value": 0}, blocking=True
    )
    await world.settle()
    assert world.yielded == [world.station.key]


async def test_what_the_charger_echoes_is_no_stranger(world: World) -> None:
    await world.start()
    assert (await world.write(-3_000)).is_accepted
    for shown in ("0", "-2999", "-3000.4"):
        world.hass.states.async_set(NUMBER, shown)
        await world.settle()
    assert world.yielded == []


async def test_the_end_of_a_transaction_is_0_w_and_another_one_may_begin(
    world: World,
) -> None:
    await world.start()
    assert (await world.write(-3_000)).is_accepted
    first = world.transaction_id
    assert first is not None
    for shown in ("-3000", "unavailable", "0"):
        # While it flows, or may, there is something to tell 0 W to.
        world.show(shown)
        await world.settle()
        end = await world.station.end_transaction(world.station.key, first)
        assert end.is_accepted
        assert world.number() == 0
        assert (world.transaction_id is None) is (shown == "0")
    assert (await world.station.start_transaction(world.station.key)).is_accepted
    assert world.transaction_id not in (None, first)


async def test_nothing_is_left_behind_that_may_not_run_alone(world: World) -> None:
    await world.start()
    assert (await world.write(-3_000)).is_accepted
    await world.station.close()
    assert world.number() == 0
    assert isinstance(world.events[-1], StationDisconnected)


async def test_what_an_entity_cannot_is_refused(world: World) -> None:
    await world.start()
    station, key = world.station, world.station.key
    transaction_id = TransactionId("1")
    assert (
        await station.allow_energy_transfer(key, transaction_id, may_discharge=True)
    ).is_accepted
    assert (await station.change_availability(key, is_operative=True)).is_accepted
    for refused in (
        await station.change_availability(key, is_operative=False),
        await station.reset(key),
        (await station.ask(key.station_id, Restart(is_immediate=True))).result,
        await station.clear_charging_profile(key),
    ):
        assert (refused.status, refused.detail) == (
            WriteStatus.REJECTED,
            "not_offered",
        )
    assert await station.read_schedule(key) is None
    assert station.visitor(key.station_id) is None
    station.admit_provisionally(key.station_id, "secret", 1.0)
    station.end_provisional(key.station_id)
    assert (await world.write(0)).is_accepted
    assert (await station.clear_charging_profile(key)).is_accepted
