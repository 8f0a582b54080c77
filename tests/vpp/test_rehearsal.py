"""Rehearsals on a whole home in virtual time: the shipped gate, the real site."""

import asyncio
from dataclasses import replace

import pytest

from custom_components.v2g_vpp.domain.dispatch import AckCode, AckStatus
from custom_components.v2g_vpp.domain.errors import RehearsalRefused, UnknownTarget
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.rehearsal import (
    REHEARSAL,
    RehearsalEvent,
    RehearsalKind,
    RehearsalReport,
    RehearsalRequest,
)
from custom_components.v2g_vpp.pki.signing import (
    Ed25519Signer,
    create_signing_seed,
    verify_signature,
)
from custom_components.v2g_vpp.virtual.plant import FAST, SLOW, TYPICAL, PlantParameters
from custom_components.v2g_vpp.vpp.rehearsal import RehearsalDesk
from tests.site.home import Home
from tests.site.virtual_time import in_virtual_time


def desk_of(home: Home) -> RehearsalDesk:
    return RehearsalDesk(
        stage=home.site,
        clock=home.clock,
        make_signer=lambda: Ed25519Signer(create_signing_seed()),
        verify=verify_signature,
    )


def asked(
    home: Home,
    kind: RehearsalKind = RehearsalKind.DISPATCH,
    *,
    power_w: float | None = -5_000.0,
    duration_s: float = 120.0,
) -> RehearsalRequest:
    return RehearsalRequest(
        key=home.key, kind=kind, power_w=power_w, duration_s=duration_s
    )


def events(report: RehearsalReport) -> list[RehearsalEvent]:
    return [step.event for step in report.steps]


def is_there(home: Home) -> bool:
    return home.site.snapshot.programme(REHEARSAL) is not None


PLANTS = [
    pytest.param(FAST, id="fast"),
    pytest.param(TYPICAL, id="typical"),
    pytest.param(SLOW, id="slow"),
]


@pytest.mark.parametrize("plant", PLANTS)
@in_virtual_time
async def test_a_dispatch_is_rehearsed_from_the_command_to_0_w(
    plant: PlantParameters,
) -> None:
    async with Home(plants=[plant]) as home:
        await home.grant()
        report = await desk_of(home).rehearse(asked(home))
        assert events(report) == [
            RehearsalEvent.ACCEPTED,
            RehearsalEvent.SETPOINT_REACHED,
            RehearsalEvent.DONE,
            RehearsalEvent.ZERO_REACHED,
            RehearsalEvent.FLOWED,
        ]
        assert report.is_passed
        assert [ack.status for ack in report.acks] == [
            AckStatus.ACCEPTED,
            AckStatus.ACTIVE,
            AckStatus.DONE,
        ]
        reached = report.step(RehearsalEvent.SETPOINT_REACHED)
        flowed = report.step(RehearsalEvent.FLOWED)
        assert reached is not None
        assert reached.after_s is not None
        assert 0 < reached.after_s <= 60
        assert flowed is not None
        assert flowed.energy_wh is not None
        assert -5_500 / 30 < flowed.energy_wh < -1_500 / 30
        # The aggregator heard nothing, and nothing is left of it.
        assert home.programme.acks == []
        await home.run(40)
        assert not is_there(home)
        assert home.site.snapshot.programmes[0].delivered_discharge_wh == 0


@pytest.mark.parametrize("plant", PLANTS)
@in_virtual_time
async def test_a_lost_link_is_rehearsed_to_0_w_within_30_s(
    plant: PlantParameters,
) -> None:
    async with Home(plants=[plant]) as home:
        await home.grant()
        report = await desk_of(home).rehearse(asked(home, RehearsalKind.LINK_LOSS))
        assert events(report) == [
            RehearsalEvent.ACCEPTED,
            RehearsalEvent.SETPOINT_REACHED,
            RehearsalEvent.HEARTBEATS_STOPPED,
            RehearsalEvent.RELEASED,
            RehearsalEvent.ZERO_REACHED,
            RehearsalEvent.FLOWED,
        ]
        zero = report.step(RehearsalEvent.ZERO_REACHED)
        assert zero is not None
        assert zero.after_s is not None
        assert 5 < zero.after_s <= 30
        assert report.is_passed
        # The real link was never touched, and works at once.
        await home.run(60)
        assert not is_there(home)
        assert home.order(-3_000).status is AckStatus.ACCEPTED


@in_virtual_time
async def test_the_smallest_discharge_is_asked_when_no_power_is_named() -> None:
    async with Home() as home:
        await home.grant()
        request = asked(home, RehearsalKind.DRY_RUN, power_w=None)
        report = await desk_of(home).rehearse(request)
        assert report.asked_w == -home.evse.fingerprint.minimum_power_w
        assert events(report) == [RehearsalEvent.ACCEPTED]
        assert report.is_passed
        assert home.evse.setpoint.power_w == 0


@in_virtual_time
async def test_what_the_owner_does_not_allow_is_refused_in_a_rehearsal_too() -> None:
    async with Home() as home:
        await home.grant()
        await home.allow(home.key, is_allowed=False)
        report = await desk_of(home).rehearse(asked(home))
        assert events(report) == [RehearsalEvent.REFUSED]
        assert not report.is_passed
        assert report.acks[0].code is AckCode.NOT_PERMITTED
        assert home.station.lowest_since(0) >= 0


@in_virtual_time
async def test_the_floor_of_dispatches_holds_in_a_rehearsal() -> None:
    async with Home() as home:
        await home.grant()
        await home.set_floors(20, 99)
        report = await desk_of(home).rehearse(asked(home))
        assert report.acks[0].code is AckCode.SOC_FLOOR


@in_virtual_time
async def test_no_rehearsal_beside_a_real_dispatch_or_another_rehearsal() -> None:
    async with Home() as home:
        await home.grant()
        desk = desk_of(home)
        home.order(-3_000, start_in_s=100, duration_s=60)
        with pytest.raises(RehearsalRefused) as due:
            await desk.rehearse(asked(home))
        await home.run(110)
        with pytest.raises(RehearsalRefused) as active:
            await desk.rehearse(asked(home))
        await home.run(100)
        first = asyncio.create_task(desk.rehearse(asked(home)))
        await home.run(5)
        with pytest.raises(RehearsalRefused) as second:
            await desk.rehearse(asked(home))
        await first
        reasons = [one.value.reason for one in (due, active, second)]
        assert reasons == ["dispatch_due", "dispatch_active", "running"]
        unknown = replace(asked(home), key=EvseKey(StationId("CS9"), 1))
        await home.run(60)
        with pytest.raises(UnknownTarget):
            await desk.rehearse(unknown)
        assert not is_there(home)


@in_virtual_time
async def test_a_real_dispatch_ends_a_rehearsal_and_is_served() -> None:
    async with Home() as home:
        await home.grant()
        played = asyncio.create_task(desk_of(home).rehearse(asked(home)))
        await home.until(lambda: home.is_at(-5_000), 60, "rehearsed")
        ack = home.order(-3_000)
        assert (ack.status, ack.code) == (AckStatus.ACCEPTED, AckCode.OK)
        report = await played
        assert RehearsalEvent.SUPERSEDED in events(report)
        await home.until(lambda: home.is_at(-3_000), 60, "real")
        await home.run(60)
        assert home.is_at(-3_000)
        assert home.programme.told(ack.order_id) == [AckStatus.ACTIVE]
        assert not is_there(home)


@in_virtual_time
async def test_the_owners_stop_ends_a_rehearsal_for_good() -> None:
    async with Home() as home:
        await home.grant()
        played = asyncio.create_task(desk_of(home).rehearse(asked(home)))
        await home.until(lambda: home.is_at(-5_000), 60, "rehearsed")
        await home.site.stop(home.key)
        report = await played
        assert RehearsalEvent.OWNER_STOPPED in events(report)
        await home.site.return_to_automatic(home.key)
        at = home.clock.monotonic()
        await home.run(60)
        assert home.station.lowest_since(at + 12) >= -250
        assert not is_there(home)


@in_virtual_time
async def test_a_caller_who_goes_away_ends_the_rehearsal() -> None:
    async with Home() as home:
        await home.grant()
        played = asyncio.create_task(desk_of(home).rehearse(asked(home)))
        await home.until(lambda: home.is_at(-5_000), 60, "rehearsed")
        await home.set_mode(Mode.DISCHARGE_NOW)
        played.cancel()
        at = home.clock.monotonic()
        await home.run(10)
        # What it asked for is held at 0 W before the home goes on by itself.
        assert abs(home.power_w) < 250
        assert home.station.lowest_since(at + 6) >= -250
        await home.run(30)
        assert not is_there(home)


@in_virtual_time
async def test_a_home_that_stops_interrupts_the_rehearsal() -> None:
    async with Home() as home:
        await home.grant()
        desk = desk_of(home)
        played = asyncio.create_task(desk.rehearse(asked(home)))
        await home.until(lambda: home.is_at(-5_000), 60, "rehearsed")
        desk.stop()
        report = await played
        assert RehearsalEvent.INTERRUPTED in events(report)
        assert not report.is_passed


@in_virtual_time
async def test_a_rehearsal_is_never_written_down() -> None:
    async with Home() as home:
        await home.grant()
        played = asyncio.create_task(desk_of(home).rehearse(asked(home)))
        await home.until(lambda: home.is_at(-5_000), 60, "rehearsed")
        await home.site._keeper.save()
        document = await home.store.load()
        assert document is not None
        assert list(document["programmes"]) == ["programme-1"]
        await played
