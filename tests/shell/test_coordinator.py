"""The way of a picture to the entities: no news is no work, states go at once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.v2g_vpp.coordinator import (
    MANY_ENTITIES,
    without_flowing_numbers,
)
from custom_components.v2g_vpp.domain.snapshot import SiteSnapshot
from tests.shell.home import Home


class Counted:
    """How often entities were told, and of what."""

    def __init__(self, home: Home) -> None:
        self.pictures: list[SiteSnapshot] = []
        self.coordinator = home.entry.runtime_data.coordinator
        self.remove = self.coordinator.async_add_listener(self._note)

    def _note(self) -> None:
        self.pictures.append(self.coordinator.data)


@pytest.fixture
async def counted(freezer: FrozenDateTimeFactory, home: Home) -> Any:
    await home.connect()
    await home.plug_in()
    await home.pass_time(freezer, 2)
    await home.pass_time(freezer, 2)
    counted = Counted(home)
    yield counted
    counted.remove()


def receive(counted: Counted, snapshot: SiteSnapshot) -> None:
    counted.coordinator._receive(snapshot)


def with_power(snapshot: SiteSnapshot, power_w: float) -> SiteSnapshot:
    (evse,) = snapshot.evses
    setpoint = replace(evse.setpoint, power_w=power_w)
    return replace(snapshot, evses=(replace(evse, setpoint=setpoint),))


def pass_time(counted: Counted, freezer: FrozenDateTimeFactory, seconds: float) -> None:
    freezer.tick(timedelta(seconds=seconds))
    async_fire_time_changed(counted.coordinator.hass, dt_util.utcnow())


async def test_equal_picture_tells_nobody(counted: Counted) -> None:
    receive(counted, replace(counted.coordinator.data))
    assert counted.pictures == []


async def test_numbers_come_once_a_second_and_the_last_one_is_not_lost(
    counted: Counted, freezer: FrozenDateTimeFactory
) -> None:
    base = counted.coordinator.data
    for power_w in (100.0, 200.0, 300.0):
        receive(counted, with_power(base, power_w))
    assert counted.pictures == [with_power(base, 100.0)]
    pass_time(counted, freezer, 1.1)
    assert counted.pictures[1:] == [with_power(base, 300.0)]
    pass_time(counted, freezer, 1.1)
    assert len(counted.pictures) == 2


async def test_number_that_went_back_is_not_shown_late(
    counted: Counted, freezer: FrozenDateTimeFactory
) -> None:
    base = counted.coordinator.data
    receive(counted, with_power(base, 100.0))
    receive(counted, with_power(base, 200.0))
    receive(counted, with_power(base, 100.0))
    pass_time(counted, freezer, 1.1)
    assert counted.pictures == [with_power(base, 100.0)]


async def test_change_of_state_does_not_wait_and_takes_the_numbers_with_it(
    counted: Counted, freezer: FrozenDateTimeFactory
) -> None:
    base = counted.coordinator.data
    receive(counted, with_power(base, 100.0))
    receive(counted, with_power(base, 200.0))
    (evse,) = base.evses
    stopped = replace(base, evses=(replace(evse, is_emergency_stopped=True),))
    receive(counted, stopped)
    assert counted.pictures == [with_power(base, 100.0), stopped]
    pass_time(counted, freezer, 1.1)
    assert len(counted.pictures) == 2


async def test_in_a_large_home_states_wait_for_the_interval_too(
    counted: Counted, freezer: FrozenDateTimeFactory
) -> None:
    base = counted.coordinator.data
    (evse,) = base.evses
    stopped = replace(base, evses=(replace(evse, is_emergency_stopped=True),))
    removes = [
        counted.coordinator.async_add_listener(lambda: None, context=number)
        for number in range(MANY_ENTITIES)
    ]
    receive(counted, with_power(base, 100.0))
    receive(counted, stopped)
    assert counted.pictures == [with_power(base, 100.0)]
    pass_time(counted, freezer, 1.1)
    assert counted.pictures[1:] == [stopped]
    for remove in removes:
        remove()
    receive(counted, base)
    assert counted.pictures[2:] == [base], "a small home shows it at once"


async def test_only_numbers_that_flow_can_wait(counted: Counted) -> None:
    base = counted.coordinator.data
    (evse,), (vehicle,) = base.evses, base.vehicles
    numbers = replace(
        base,
        evses=(
            replace(
                evse,
                available_charge_w=1.0,
                available_discharge_w=2.0,
                measurement=replace(evse.measurement, frequency_hz=None),
            ),
        ),
        vehicles=(
            replace(
                vehicle,
                soc_percent=1.0,
                lowest_percent=0.5,
                trip_floor_percent=3.0,
                cycled_wh=4.0,
                equivalent_cycles=0.1,
                wear_cost=0.2,
            ),
        ),
    )
    assert without_flowing_numbers(numbers) == without_flowing_numbers(base)
    for news in (
        replace(base, is_store_readable=False),
        replace(base, stations=()),
        replace(base, evses=(replace(evse, is_plugged=False),)),
        replace(
            base, evses=(replace(evse, policy=replace(evse.policy, ramp_w_per_s=1.0)),)
        ),
        replace(base, vehicles=(replace(vehicle, is_v2g_capable=None),)),
    ):
        assert without_flowing_numbers(news) != without_flowing_numbers(base)


async def test_nothing_is_told_after_the_entry_was_unloaded(
    home: Home, counted: Counted, freezer: FrozenDateTimeFactory
) -> None:
    base = counted.coordinator.data
    receive(counted, with_power(base, 100.0))
    receive(counted, with_power(base, 200.0))
    await home.hass.config_entries.async_unload(home.entry.entry_id)
    pictures = len(counted.pictures)
    pass_time(counted, freezer, 2)
    assert len(counted.pictures) == pictures
