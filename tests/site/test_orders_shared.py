"""Orders for more than one EVSE, from more than one programme."""

import pytest

from custom_components.v2g_vpp.domain.dispatch import (
    AckCode,
    AckStatus,
    BindingClass,
)
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.domain.state import flow_threshold_w
from custom_components.v2g_vpp.virtual.plant import TYPICAL
from tests.site.home import PROGRAMME, Home
from tests.site.programme import RecordingProgramme
from tests.site.virtual_time import in_virtual_time

ZERO_W = flow_threshold_w(11_000.0)


@in_virtual_time
async def test_two_evses_share_an_order_and_one_takes_over_for_the_other() -> None:
    async with Home(plants=[TYPICAL, TYPICAL]) as home:
        await home.grant()
        one, other = home.stations

        def total_w() -> float:
            return one.power_w + other.power_w

        assert home.order(-15_000).status is AckStatus.ACCEPTED
        await home.until(lambda: abs(total_w() + 15_000) < 500, 40)
        assert max(one.power_w, other.power_w) < -3_500
        assert home.order(-6_000).status is AckStatus.ACCEPTED
        await home.until(lambda: abs(total_w() + 6_000) < 300, 40)
        await home.run(20)
        running = min((one, other), key=lambda station: station.power_w)
        await home.site.emergency_stop(running.key)
        await home.until(lambda: abs(running.power_w) <= ZERO_W, 10)
        await home.until(lambda: abs(total_w() + 6_000) < 300, 60)
        assert abs(running.power_w) <= ZERO_W
        await home.site.reset_emergency_stop(running.key)
        await home.run(30)
        assert abs(total_w() + 6_000) < 300


@in_virtual_time
async def test_each_evse_follows_its_own_order() -> None:
    async with Home(plants=[TYPICAL, TYPICAL]) as home:
        await home.grant()
        one, other = home.stations
        first = home.order(-5_000, resource=one.key)
        second = home.order(-3_000, resource=other.key)
        assert (first.status, second.status) == (
            AckStatus.ACCEPTED,
            AckStatus.ACCEPTED,
        )
        await home.run(20)
        assert abs(one.power_w + 5_000) < 250
        assert abs(other.power_w + 3_000) < 250
        assert home.programme.told(first.order_id) == [AckStatus.ACTIVE]
        # The end of one is not felt by the other, nor is its hold.
        home.site.cancel_order(PROGRAMME, first.order_id)
        await home.run(15)
        assert abs(one.power_w) <= ZERO_W
        assert abs(other.power_w + 3_000) < 250
        assert home.evse_at(other.key).setpoint.requested_w == -3_000
        # One for the whole home supersedes it.
        whole = home.order(-8_000)
        await home.run(30)
        assert home.programme.told(second.order_id)[-1] is AckStatus.SUPERSEDED
        assert home.programme.told(whole.order_id) == [AckStatus.ACTIVE]
        assert abs(one.power_w + other.power_w + 8_000) < 400


@in_virtual_time
async def test_waiting_orders_of_different_evses_do_not_overlap() -> None:
    async with Home(plants=[TYPICAL, TYPICAL]) as home:
        await home.grant()
        one, other = home.stations
        for resource, code in (
            (one.key, AckCode.OK),
            (other.key, AckCode.OK),
            (one.key, AckCode.OVERLAP),
            (None, AckCode.OVERLAP),
        ):
            ack = home.order(-2_000, start_in_s=60, duration_s=60, resource=resource)
            assert ack.code is code
        await home.run(75)
        assert abs(one.power_w + 2_000) < 250
        assert abs(other.power_w + 2_000) < 250


@in_virtual_time
async def test_rule_14_an_evse_belongs_to_one_programme_at_a_time() -> None:
    async with Home(plants=[TYPICAL, TYPICAL]) as home:
        await home.grant()
        one, other = home.stations
        second, port = ProgrammeId("programme-2"), RecordingProgramme()
        home.site.add_programme(second, port)
        first = home.order(-5_000, resource=one.key)
        await home.until(lambda: home.is_at(-5_000), 30)
        for resource in (one.key, None):
            ack = home.order(-3_000, resource=resource, programme_id=second)
            assert (ack.status, ack.code) == (AckStatus.REJECTED, AckCode.UNSUPPORTED)
        ack = home.order(-3_000, resource=other.key, programme_id=second)
        assert ack.status is AckStatus.ACCEPTED
        await home.until(lambda: abs(other.power_w + 3_000) < 250, 30)
        home.site.cancel_order(PROGRAMME, first.order_id)
        ack = home.order(-2_000, resource=one.key, programme_id=second)
        assert ack.status is AckStatus.ACCEPTED
        await home.until(lambda: home.is_at(-2_000), 30)
        counted = home.site.snapshot.programme(second)
        assert counted is not None
        assert counted.delivered_discharge_wh > 0


@in_virtual_time
async def test_what_two_evses_cannot_serve_is_told_before_and_when_it_begins() -> None:
    async with Home(plants=[TYPICAL, TYPICAL], export_limit_w=9_000.0) as home:
        await home.grant()
        whole = home.order(-8_000)
        assert (whole.code, whole.committed_w) == (AckCode.OK, -8_000)
        ack = home.order(-15_000)
        assert (ack.status, ack.code) == (AckStatus.ACCEPTED, AckCode.CLAMPED)
        assert ack.committed_w == pytest.approx(-9_000)
        await home.run(2)
        active = home.programme.acks[-1]
        assert (active.order_id, active.status) == (ack.order_id, AckStatus.ACTIVE)
        assert (active.code, active.binding) == (AckCode.CLAMPED, (BindingClass.LIMIT,))
        assert active.committed_w == pytest.approx(-9_000)
        # A promise must last: four hours of 15 kW are more than both vehicles hold.
        longer = home.order(-9_000, duration_s=14_000)
        assert longer.code is AckCode.CLAMPED
        assert -9_000 < longer.committed_w < -1_380
