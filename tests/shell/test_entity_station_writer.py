"""Action calls to a charger that hang, fail, come at once, or go several ways."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Context, HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockUser,
    async_capture_events,
    async_fire_time_changed,
)

from custom_components.v2g_vpp import entity_station_writer
from custom_components.v2g_vpp.domain.events import (
    StationConnected,
    StationDisconnected,
    StationReady,
)
from custom_components.v2g_vpp.domain.setpoint import WriteResult, WriteStatus
from tests.shell.entity_charger import DATA, NUMBER, World

SCRIPT = "script.power"
CHARGE, GIVE = "input_number.charge", "input_number.give"
DIRECTION, ENABLED = "input_select.direction", "input_boolean.enabled"
START, STOP = "input_button.start", "input_button.stop"
SLOW, BROKEN = "input_boolean.slow", "input_boolean.broken"
BY_SCRIPT = {"write_way": "script", "script_entity": SCRIPT}
BY_PAIR = {
    "write_way": "two_numbers",
    "charge_entity": CHARGE,
    "discharge_entity": GIVE,
    "direction_entity": DIRECTION,
    "charge_option": "Charge",
    "discharge_option": "Give",
    "rest_option": "Rest",
}
SEQUENCE: list[dict[str, Any]] = [
    {
        "if": f"{{{{ is_state('{BROKEN}', 'on') }}}}",
        # An action that fails. What stops with an error by itself tells its caller
        # nothing; then only the meter shows that nothing was done.
        "then": [
            {
                "action": "input_number.set_value",
                "target": {"entity_id": NUMBER},
                "data": {"value": 99_999},
            }
        ],
    },
    {
        "if": f"{{{{ power_w | int != 0 and is_state('{SLOW}', 'on') }}}}",
        "then": [{"delay": 3_600}],
    },
    {
        "action": "input_number.set_value",
        "target": {"entity_id": NUMBER},
        "data": {"value": "{{ power_w }}"},
    },
]


@pytest.fixture
def changes() -> dict[str, Any]:
    return BY_SCRIPT


@pytest.fixture
async def world(hass: HomeAssistant, changes: dict[str, Any]) -> AsyncIterator[World]:
    wide = {"min": -11_000, "max": 11_000, "step": 1, "initial": 0}
    numbers = {"setpoint": wide, "charge": wide, "give": wide}
    for domain, config in (
        ("input_number", numbers),
        ("input_select", {"direction": {"options": ["Rest", "Charge", "Give"]}}),
        ("input_boolean", {"enabled": None, "slow": None, "broken": None}),
        ("input_button", {"start": None, "stop": None}),
        (
            "script",
            {
                "power": {
                    "sequence": SEQUENCE,
                    "mode": "restart",
                    "fields": {"power_w": {}, "duration_s": {}},
                }
            },
        ),
    ):
        assert await async_setup_component(hass, domain, {domain: config})
    await hass.async_block_till_done()
    world = World(hass, {**DATA, **changes})
    await world.start()
    yield world
    await world.station.close()
    await hass.async_block_till_done(wait_background_tasks=True)


def shown(world: World, entity_id: str) -> str:
    state = world.hass.states.get(entity_id)
    assert state is not None
    return state.state


async def turn_on(world: World, entity_id: str) -> None:
    await world.hass.services.async_call(
        "input_boolean", "turn_on", {"entity_id": entity_id}, blocking=True
    )


async def under_way(world: World, power_w: float) -> asyncio.Task[WriteResult]:
    """Begin a write that hangs."""
    task = asyncio.create_task(world.write(power_w))
    while shown(world, SCRIPT) != "on":
        await asyncio.sleep(0.01)
    return task


async def test_a_script_is_told_power_and_duration(world: World) -> None:
    calls = async_capture_events(world.hass, "call_service")
    assert (await world.write(-3_000)).is_accepted
    assert world.number() == -3_000
    data = [
        event.data["service_data"]
        for event in calls
        if event.data["domain"] == "script"
    ]
    assert data == [{"power_w": -3_000, "duration_s": 30}]
    assert world.yielded == []


async def test_a_stop_gives_up_a_call_that_hangs(world: World) -> None:
    await turn_on(world, SLOW)
    with patch.object(entity_station_writer, "STOP_PATIENCE_S", 0.02):
        hanging = await under_way(world, -3_000)
        assert (await world.write(0)).is_accepted
    result = await hanging
    assert (result.status, result.on_wire_mono_s is not None) == (
        WriteStatus.TIMEOUT,
        True,
    )
    assert world.number() == 0


async def test_a_call_that_hangs_ends_at_its_deadline(world: World) -> None:
    await turn_on(world, SLOW)
    with patch.object(entity_station_writer, "DEADLINE_S", 0.02):
        result = await world.write(-3_000)
    assert result.status is WriteStatus.TIMEOUT
    # It may have been taken: the other direction begins with a rest.
    assert (await world.write(3_000)).detail in ("reversal_rest", "write_interval")


async def test_a_newer_setpoint_replaces_one_that_waits(world: World) -> None:
    await turn_on(world, SLOW)
    with patch.object(entity_station_writer, "STOP_PATIENCE_S", 0.02):
        hanging = await under_way(world, -3_000)
        waiting = asyncio.create_task(world.write(-4_000))
        await asyncio.sleep(0)
        stop = await world.write(0)
    await hanging
    assert (await waiting).status is WriteStatus.SUPERSEDED
    assert stop.is_accepted
    assert world.number() == 0


async def test_a_call_that_fails_is_refused_in_its_own_words(world: World) -> None:
    await turn_on(world, BROKEN)
    result = await world.write(-3_000)
    assert result.status is WriteStatus.REJECTED
    assert "99999" in result.detail
    assert world.number() == 0


async def test_somebody_else_who_calls_the_script_gets_the_charger(
    world: World, hass_admin_user: MockUser
) -> None:
    script = {"power_w": 2_000, "duration_s": 60}
    await world.hass.services.async_call("script", "power", script, blocking=True)
    await world.settle()
    assert world.yielded == [], "before anything was told it is nobody's"
    assert (await world.write(-3_000)).detail in ("", "reversal_rest")
    await world.hass.services.async_call(
        "script",
        "power",
        script,
        blocking=True,
        context=Context(user_id=hass_admin_user.id),
    )
    await world.settle()
    assert world.yielded == [world.station.key]


@pytest.mark.parametrize("changes", [BY_PAIR])
async def test_two_numbers_and_their_direction(world: World) -> None:
    assert (await world.write(-3_000)).is_accepted
    assert (float(shown(world, GIVE)), shown(world, DIRECTION)) == (3_000, "Give")
    assert (await world.write(0)).is_accepted
    assert (float(shown(world, GIVE)), shown(world, DIRECTION)) == (0, "Rest")


@pytest.mark.parametrize("changes", [BY_PAIR])
async def test_what_was_half_done_may_run(world: World) -> None:
    world.hass.states.async_remove(DIRECTION)
    world.hass.states.async_set(DIRECTION, "Rest", {"options": ["Rest"]})
    await world.settle()
    with patch.object(world.station._writer, "_act", wraps=_fails_on_the_second(world)):
        result = await world.write(-3_000)
    assert (result.status, result.detail) == (WriteStatus.TIMEOUT, "Half way")
    assert result.on_wire_mono_s is not None
    assert world.station._writer.last.power_w is None


def _fails_on_the_second(world: World) -> Any:
    act, calls = world.station._writer._act, 0

    async def fail(call: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise ValueError("Half way")
        await act(call)

    return fail


@pytest.mark.parametrize(
    "changes", [{"stop_way": "switch", "stop_entity": ENABLED, "settle_s": 0}]
)
async def test_a_switch_stops_it_and_is_on_before_power(world: World) -> None:
    assert (await world.write(-3_000)).is_accepted
    assert (world.number(), shown(world, ENABLED)) == (-3_000, "on")
    assert (await world.write(0)).is_accepted
    assert shown(world, ENABLED) == "off"
    await turn_on(world, ENABLED)
    await world.settle()
    assert world.yielded == [world.station.key], "somebody else turned it on"


@pytest.mark.parametrize(
    "changes",
    [{"stop_way": "button", "stop_entity": STOP, "start_button_entity": START}],
)
async def test_buttons_start_and_stop_it(world: World) -> None:
    assert shown(world, START) == "unknown"
    assert (await world.write(-3_000)).is_accepted
    started = shown(world, START)
    assert started != "unknown"
    assert (await world.write(-2_000)).is_accepted
    assert shown(world, START) == started, "what runs is not started again"
    assert (await world.write(0)).is_accepted
    assert shown(world, STOP) != "unknown"


@pytest.mark.parametrize("changes", [{"stop_way": "script", "stop_entity": SCRIPT}])
async def test_a_script_may_stop_what_a_number_sets(world: World) -> None:
    assert (await world.write(-3_000)).is_accepted
    assert (await world.write(0)).is_accepted
    assert world.number() == 0
    assert world.yielded == [], "our own script is no stranger"


@pytest.mark.parametrize("changes", [{}])
async def test_a_number_that_cannot_be_zero_any_more_is_told_so(world: World) -> None:
    world.hass.states.async_set(NUMBER, "6", {"min": 6, "max": 32, "step": 1})
    await world.settle()
    result = await world.write(0)
    assert (result.status, result.detail) == (WriteStatus.REJECTED, "out_of_range")


@pytest.mark.parametrize("changes", [{}])
async def test_an_entity_that_goes_between_two_looks_is_offline(world: World) -> None:
    writer = world.station._writer
    with patch.object(writer._reader, "is_there", return_value=False):
        result = await world.write(-3_000)
    assert (result.status, result.detail) == (
        WriteStatus.OFFLINE,
        "entity_unavailable",
    )


@pytest.mark.parametrize("changes", [{}])
async def test_a_link_that_is_closed_stays_so_for_the_charger_to_stop_by_itself(
    world: World, freezer: FrozenDateTimeFactory
) -> None:
    assert (await world.write(-3_000)).is_accepted
    await world.station.close_link(world.station.key.station_id)
    await world.station.close_link(world.station.key.station_id)
    assert isinstance(world.events[-1], StationDisconnected)
    assert (await world.write(0)).status is WriteStatus.OFFLINE
    key = world.station.key
    assert (await world.station.start_transaction(key)).status is WriteStatus.OFFLINE
    world.show("-3000")
    await world.settle()
    assert len(world.of_kind(StationConnected)) == 1
    freezer.tick(92)
    async_fire_time_changed(world.hass)
    await world.settle()
    assert len(world.of_kind(StationConnected)) == 2
    world.show("-3000")
    await world.settle()
    assert len(world.of_kind(StationReady)) == 2
    assert (await world.write(0)).is_accepted


@pytest.mark.parametrize("changes", [{}])
async def test_a_transaction_needs_a_vehicle_and_all_that_is_read(world: World) -> None:
    key = world.station.key
    first = world.transaction_id
    assert (await world.station.start_transaction(key)).is_accepted
    assert world.transaction_id == first, "one runs already"
    world.show(state="Free")
    await world.settle()
    assert (await world.station.start_transaction(key)).detail == "not_plugged"
    world.show("unavailable")
    await world.settle()
    assert (await world.station.start_transaction(key)).detail == "not_ready"


@pytest.mark.parametrize("changes", [{"max_discharge_power_w": 0}])
async def test_a_charger_that_only_charges_never_discharges(world: World) -> None:
    assert (await world.write(-3_000)).detail == "no_dialect"
    assert (await world.write(3_000)).is_accepted


@pytest.mark.parametrize("changes", [{"unattended_charge_w": 2_000}])
async def test_a_charge_goes_on_with_what_may_run_alone(world: World) -> None:
    assert (await world.write(7_000)).is_accepted
    await world.station.close()
    assert world.number() == 2_000
