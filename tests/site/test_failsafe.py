"""A lost aggregator: 0 W within 30 s on every charger, an open contactor by 35 s."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.control.fingerprint import FingerprintLearner
from custom_components.v2g_vpp.domain.dispatch import AckCode, AckStatus, LinkState
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.domain.state import flow_threshold_w
from custom_components.v2g_vpp.virtual.plant import (
    FAST,
    SLOW,
    TYPICAL,
    PlantParameters,
)
from tests.site.home import Home
from tests.site.programme import RecordingProgramme
from tests.site.virtual_time import in_virtual_time

ZERO_W = flow_threshold_w(11_000.0)
PLANTS = [
    pytest.param(FAST, id="fast"),
    pytest.param(TYPICAL, id="typical"),
    pytest.param(SLOW, id="slow"),
]


async def lose_heartbeats(home: Home) -> float:
    """Let a last heartbeat arrive and no other; return when."""
    home.has_heartbeats = False
    home.beat()
    return home.clock.monotonic()


def unlearn(home: Home) -> None:
    """Forget the fingerprint, as when the proof came from an older version."""
    home.site._registry.evses[home.key].learner = FingerprintLearner()


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("is_learnt", [True, False], ids=["learnt", "unlearnt"])
@in_virtual_time
async def test_lost_heartbeats_end_the_dispatch_and_a_fresh_command_restores_it(
    plant: PlantParameters, is_learnt: bool
) -> None:
    async with Home(plants=[plant]) as home:
        await home.prove()
        if not is_learnt:
            unlearn(home)
        ack = await home.discharge()
        await home.run(30)
        lost = await lose_heartbeats(home)
        await home.run(36)
        assert home.station.lowest_since(lost + 30) >= -ZERO_W
        assert home.station.lowest_since(lost) < -4_000
        assert home.link() is LinkState.FAILSAFE
        assert home.station.transaction_id is None
        assert [at - lost <= 35 for at in home.station.ended] == [True]
        assert home.programme.acks[-1].order_id == ack.order_id
        assert home.programme.acks[-1].status is AckStatus.FAILED
        assert home.programme.acks[-1].code is AckCode.FAILSAFE
        refused = home.order(-5_000)
        assert (refused.status, refused.code) == (
            AckStatus.REJECTED,
            AckCode.FAILSAFE,
        )
        await home.run(60)
        home.has_heartbeats = True
        await home.run(16)
        assert home.order(-5_000).code is AckCode.OK
        await home.until(lambda: home.is_at(-5_000), 60, "restored")
        assert home.link() is LinkState.HEALTHY


@in_virtual_time
async def test_without_a_transaction_the_home_offers_and_commits_what_it_can_start() -> (
    None
):
    async with Home() as home:
        await home.grant()
        await home.discharge()
        await lose_heartbeats(home)
        await home.run(40)
        assert not home.evse.has_transaction
        # Long enough for every reading to be old: nothing flows, so nothing changed.
        await home.run(1_200)
        assert home.evse.discharge_blocked_by is Reason.NO_TRANSACTION
        assert home.evse.available_discharge_w >= 5_000
        assert home.evse.available_charge_w >= 10_000
        home.has_heartbeats = True
        await home.run(16)
        ack = home.order(-5_000)
        assert (ack.status, ack.code) == (AckStatus.ACCEPTED, AckCode.OK)
        assert ack.committed_w == -5_000
        await home.until(lambda: home.is_at(-5_000), 60)
        assert len(home.station.started) == 1


@in_virtual_time
async def test_gates_behind_the_missing_transaction_still_refuse() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        await lose_heartbeats(home)
        await home.run(40)
        home.has_heartbeats = True
        await home.run(16)
        await home.set_floors(30, 90)
        ack = home.order(-5_000)
        assert (ack.status, ack.code) == (AckStatus.REJECTED, AckCode.SOC_FLOOR)
        assert home.evse.available_discharge_w == 0
        await home.run(30)
        assert home.station.started == []
        await home.set_floors(30, 50)
        await home.discharge()


@in_virtual_time
async def test_a_station_that_starts_no_transaction_is_not_nagged_nor_offered() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        await lose_heartbeats(home)
        await home.run(40)
        home.has_heartbeats = True
        await home.run(16)
        home.station.start_s = 1e6
        assert home.order(-5_000).status is AckStatus.ACCEPTED
        await home.run(120)
        assert len(home.station.started) == 3
        assert home.evse.available_discharge_w == 0
        ack = home.order(-5_000)
        assert (ack.status, ack.code) == (AckStatus.REJECTED, AckCode.NOT_CONNECTED)
        home.station.start_s = 2
        home.station.unplug()
        await home.run(5)
        home.station.plug()
        await home.run(5)
        await home.discharge()


@in_virtual_time
async def test_a_command_that_was_signed_long_ago_ends_no_fail_safe() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        await lose_heartbeats(home)
        await home.run(40)
        home.has_heartbeats = True
        await home.run(16)
        assert home.order(-5_000, signed_ago_s=11).code is AckCode.FAILSAFE
        assert home.order(-5_000).code is AckCode.OK
        await home.until(lambda: home.is_at(-5_000), 60)


@in_virtual_time
async def test_a_heartbeat_before_the_release_changes_nothing() -> None:
    async with Home(plants=[FAST]) as home:
        await home.grant()
        await home.discharge()
        await home.run(20)
        lost = await lose_heartbeats(home)
        await home.run(11)
        home.beat()
        home.has_heartbeats = True
        await home.run(60)
        powers = [power for at, power in home.station.powers_w if at > lost]
        assert max(powers) <= -4_700
        assert home.link() is LinkState.HEALTHY


@in_virtual_time
async def test_a_lost_link_with_no_dispatch_is_no_failure() -> None:
    async with Home() as home:
        await home.until(lambda: home.power_w > 10_000, 20)
        lost = await lose_heartbeats(home)
        await home.run(60)
        assert home.link() is not LinkState.FAILSAFE
        assert min(p for at, p in home.station.powers_w if at > lost) > 10_000
        home.has_heartbeats = True
        await home.run(10)
        assert home.link() is LinkState.HEALTHY


@in_virtual_time
async def test_after_the_release_the_contactor_opens_before_the_mode_charges() -> None:
    async with Home() as home:
        await home.grant()
        await home.set_mode(Mode.CHARGE_NOW)
        await home.discharge()
        lost = await lose_heartbeats(home)
        await home.run(36)
        assert [at - lost <= 35 for at in home.station.ended] == [True]
        powers = [p for at, p in home.station.powers_w if lost + 30 < at < lost + 35]
        assert max(map(abs, powers)) <= ZERO_W
        await home.until(lambda: home.power_w > 10_000, 60, "charging again")
        assert home.link() is LinkState.FAILSAFE


@in_virtual_time
async def test_a_discharging_mode_waits_until_the_link_is_back() -> None:
    async with Home() as home:
        await home.grant()
        await home.set_mode(Mode.DISCHARGE_NOW)
        await home.discharge()
        lost = await lose_heartbeats(home)
        await home.run(180)
        assert home.station.lowest_since(lost + 30) >= -ZERO_W
        assert home.station.transaction_id is None
        assert home.station.started == []
        home.has_heartbeats = True
        await home.run(16)
        await home.discharge()


@in_virtual_time
async def test_the_fail_safe_leaves_alone_what_it_did_not_dispatch() -> None:
    async with Home(plants=[TYPICAL, TYPICAL]) as home:
        await home.grant()
        one, other = home.stations
        ack = home.order(-5_000, resource=one.key)
        assert ack.status is AckStatus.ACCEPTED
        await home.until(lambda: home.is_at(-5_000), 30)
        await lose_heartbeats(home)
        await home.run(40)
        assert one.transaction_id is None
        assert other.transaction_id is not None
        home.has_heartbeats = True
        await home.run(16)
        home.order(-5_000, resource=one.key)
        await home.until(lambda: home.is_at(-5_000), 60)


@in_virtual_time
async def test_an_end_that_the_station_refuses_is_asked_for_again() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        home.station.ignores_end = True
        lost = await lose_heartbeats(home)
        await home.run(45)
        assert len(home.station.ended) >= 2
        assert home.station.lowest_since(lost + 30) >= -ZERO_W
        home.station.ignores_end = False
        await home.run(10)
        assert home.station.transaction_id is None


@in_virtual_time
async def test_a_policy_of_charging_by_order_also_ends_without_heartbeats() -> None:
    async with Home() as home:
        await home.set_mode(Mode.OFF)
        home.order(6_000)
        await home.until(lambda: home.is_at(6_000), 30)
        lost = await lose_heartbeats(home)
        await home.run(31)
        assert abs(home.power_w) <= ZERO_W
        # It charged: its contactor may stay closed.
        await home.run(10)
        assert home.station.ended == []
        home.has_heartbeats = True
        await home.run(16)
        assert lost > 0
        home.order(6_000)
        await home.until(lambda: home.is_at(6_000), 30)


@in_virtual_time
async def test_the_owner_keeps_power_while_the_aggregator_is_gone() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        await lose_heartbeats(home)
        await home.run(40)
        await home.site.set_power(home.key, -3_000, 300)
        await home.until(lambda: home.is_at(-3_000), 60)
        await home.site.return_to_automatic(home.key)
        await home.until(lambda: abs(home.power_w) <= ZERO_W, 20)
        home.has_heartbeats = True
        await home.run(16)
        await home.discharge()
        assert replace(home.evse.policy).mode is Mode.OFF


@in_virtual_time
async def test_a_lost_link_leaves_what_another_programme_asks_for() -> None:
    other = ProgrammeId("programme-2")
    async with Home(plants=[TYPICAL, TYPICAL]) as home:
        await home.grant()
        home.site.add_programme(other, RecordingProgramme())
        first, second = home.stations

        async def beat() -> None:
            while True:
                home.site.heartbeat_seen(other, home.clock.monotonic())
                await home.run(5)

        home._spawn(beat(), "heartbeats of the other")
        home.site.link_changed(other, is_connected=True)
        home.order(-3_000, resource=first.key)
        ack = home.order(-3_000, resource=second.key, programme_id=other)
        assert ack.status is AckStatus.ACCEPTED, ack
        await home.until(lambda: second.power_w < -2_500, 60, "both")
        await lose_heartbeats(home)
        await home.run(60)
        assert home.link() is LinkState.FAILSAFE
        assert abs(first.power_w) <= ZERO_W
        assert second.power_w < -2_500
        # The other one takes over even what the lost one had.
        ack = home.order(-3_000, resource=first.key, programme_id=other)
        assert ack.status is AckStatus.ACCEPTED, ack
        await home.until(lambda: first.power_w < -2_500, 90, "taken over")
