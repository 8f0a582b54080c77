"""A vehicle that takes the place of another while nobody watches is a guest."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from math import inf

import pytest

from custom_components.v2g_vpp.domain.events import (
    ChargingNeedsReported,
    TransactionPhase,
    TransactionReported,
    VehicleIdentified,
)
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.policy import Mode
from tests.site.home import VEHICLE, Home
from tests.site.virtual_time import in_virtual_time

OTHER = TransactionId("CS1-other")


async def _restart(home: Home) -> None:
    await home.restart()


async def _lose_link(home: Home) -> None:
    home.station.disconnect()


BLIND = pytest.mark.parametrize("go_blind", [_restart, _lose_link])
type GoBlind = Callable[[Home], Awaitable[None]]


async def _discharging(home: Home) -> None:
    await home.grant()
    await home.set_mode(Mode.DISCHARGE_NOW)
    await home.until(lambda: home.power_w < -3_000, 60)


def _swap(home: Home) -> None:
    """Put another vehicle there, whose start nobody hears."""
    station = home.station
    station.transaction_id = OTHER
    station.command_w, station.expires_s = 0.0, inf
    station.set_soc(80)


@BLIND
@in_virtual_time
async def test_another_vehicle_is_not_discharged_until_it_says_who_it_is(
    go_blind: GoBlind,
) -> None:
    async with Home() as home:
        await _discharging(home)
        await go_blind(home)
        _swap(home)
        await home.run(120)
        began = home.clock.monotonic()
        home.reconnect()
        await home.run(60)
        assert home.evse.vehicle_id is None
        assert home.evse.needs is None
        assert home.station.lowest_since(began + 5) > -300

        home.site.post(VehicleIdentified(key=home.key, evcc_id=home.station.evcc_id))
        home.site.post(ChargingNeedsReported(key=home.key, needs=home.station.needs))
        await home.until(lambda: home.power_w < -3_000, 60)
        assert home.evse.vehicle_id == VEHICLE


@BLIND
@in_virtual_time
async def test_the_choice_of_the_owner_does_not_pass_to_another_vehicle(
    go_blind: GoBlind,
) -> None:
    async with Home() as home:
        home.station.evcc_id = "unknown"
        await _discharging_choice(home)
        await go_blind(home)
        _swap(home)
        await home.run(60)
        home.reconnect()
        await home.run(10)
        assert home.site._registry.evses[home.key].policy.vehicle_id is None
        assert home.evse.vehicle_id is None


async def _discharging_choice(home: Home) -> None:
    """Choose a vehicle that never says who it is."""
    record = home.site._registry.vehicles[VEHICLE]
    record.spec = replace(record.spec, evcc_id=None)
    await home.site.set_evse_policy(
        home.key, lambda policy: replace(policy, vehicle_id=VEHICLE)
    )
    assert home.evse.vehicle_id == VEHICLE


@BLIND
@in_virtual_time
async def test_the_same_transaction_is_of_the_same_vehicle(go_blind: GoBlind) -> None:
    async with Home() as home:
        await _discharging(home)
        await go_blind(home)
        await home.run(60)
        home.reconnect()
        await home.until(lambda: home.power_w < -3_000, 60)
        assert home.evse.vehicle_id == VEHICLE


@in_virtual_time
async def test_our_own_end_and_start_on_one_link_keep_the_vehicle() -> None:
    async with Home() as home:
        await _discharging(home)
        home.station.disconnect()
        await home.run(5)
        home.station.connect()
        first = home.station.transaction_id
        assert first is not None
        await home.station.end_transaction(first)
        home.site.post(
            TransactionReported(
                key=home.key, transaction_id=OTHER, phase=TransactionPhase.STARTED
            )
        )
        await home.run(1)
        assert home.evse.vehicle_id == VEHICLE
        assert home.evse.needs is not None


@in_virtual_time
async def test_a_start_after_a_blind_time_may_be_of_another_vehicle() -> None:
    async with Home() as home:
        await _discharging(home)
        home.station.disconnect()
        home.station.transaction_id = None
        await home.run(60)
        home.station.connect()
        home.site.post(
            TransactionReported(
                key=home.key, transaction_id=OTHER, phase=TransactionPhase.STARTED
            )
        )
        await home.run(1)
        assert home.evse.vehicle_id is None


@in_virtual_time
async def test_the_word_of_the_vehicle_beats_the_choice_of_the_owner() -> None:
    async with Home() as home:
        await home.grant()
        home.station.unplug()
        home.station.evcc_id = "guest"
        await home.run(5)
        home.station.plug()
        await home.run(10)
        await home.site.set_evse_policy(
            home.key,
            lambda policy: replace(policy, vehicle_id=VEHICLE, mode=Mode.DISCHARGE_NOW),
        )
        began = home.clock.monotonic()
        await home.run(60)
        assert home.evse.vehicle_id is None
        assert home.station.lowest_since(began) > -300
