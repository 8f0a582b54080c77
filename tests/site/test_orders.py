"""Orders of an aggregator: verdicts, life, and who beats whom."""

import pytest

from custom_components.v2g_vpp.control.permission import GATES, STOPS
from custom_components.v2g_vpp.domain.dispatch import (
    AckCode,
    AckStatus,
    CommandKind,
)
from custom_components.v2g_vpp.domain.errors import UnknownTarget
from custom_components.v2g_vpp.domain.ids import EvseKey, ProgrammeId, StationId
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from custom_components.v2g_vpp.domain.state import flow_threshold_w
from custom_components.v2g_vpp.site.order_verdict import REFUSAL
from tests.site.home import PROGRAMME, Home
from tests.site.virtual_time import in_virtual_time

ZERO_W = flow_threshold_w(11_000.0)
ACCEPTED = (AckStatus.ACCEPTED, AckCode.OK)


def verdict(home: Home, power_w: float, **when: float) -> tuple[AckStatus, AckCode]:
    """Send an order and return its verdict."""
    ack = home.order(power_w, **when)  # type: ignore[arg-type]  # only times
    return ack.status, ack.code


@in_virtual_time
async def test_stops_without_end_leave_one_hold_with_the_latest_end() -> None:
    async with Home() as home:
        await home.grant()
        for _ in range(50):
            assert verdict(home, 0.0) == ACCEPTED
        (hold,) = home.site._registry.programmes[PROGRAMME].holds
        assert hold.ends_mono_s >= home.clock.monotonic() + 10.0


def test_every_gate_has_an_answer_for_the_aggregator() -> None:
    assert {reason for reason, _ in (*GATES, *STOPS)} <= set(REFUSAL)


@in_virtual_time
async def test_waiting_orders_may_not_overlap_and_a_newer_one_supersedes() -> None:
    async with Home() as home:
        await home.grant()
        first = home.order(-5_000)
        assert verdict(home, -3_000, start_in_s=60, duration_s=60) == ACCEPTED
        assert verdict(home, -4_000, start_in_s=90, duration_s=60) == (
            AckStatus.REJECTED,
            AckCode.OVERLAP,
        )
        assert verdict(home, -4_000, start_in_s=120, duration_s=60) == ACCEPTED
        await home.until(lambda: home.is_at(-5_000), 30)
        await home.until(lambda: home.is_at(-3_000), 60)
        assert home.programme.told(first.order_id) == [
            AckStatus.ACTIVE,
            AckStatus.SUPERSEDED,
        ]
        await home.until(lambda: home.is_at(-4_000), 90)
        newest = home.order(-2_000, duration_s=30)
        await home.until(lambda: home.is_at(-2_000), 15)
        await home.run(30)
        assert home.programme.told(newest.order_id) == [
            AckStatus.ACTIVE,
            AckStatus.DONE,
        ]


@in_virtual_time
async def test_the_seventeenth_waiting_order_is_refused() -> None:
    async with Home() as home:
        await home.grant()
        for number in range(16):
            when = 100.0 * (number + 1)
            assert verdict(home, -2_000, start_in_s=when, duration_s=50) == ACCEPTED
        assert verdict(home, -2_000, start_in_s=5_000) == (
            AckStatus.REJECTED,
            AckCode.OVERLAP,
        )
        # One is over, one more has room.
        await home.run(101)
        assert verdict(home, -2_000, start_in_s=5_000) == ACCEPTED


@in_virtual_time
async def test_rule_6_at_its_end_0_w_is_held_before_the_mode_takes_over() -> None:
    async with Home() as home:
        await home.grant()
        await home.set_mode(Mode.CHARGE_NOW)
        order = home.order(-5_000, duration_s=40)
        await home.until(lambda: home.is_at(-5_000), 30)
        began = home.clock.monotonic()
        await home.until(
            lambda: AckStatus.DONE in home.programme.told(order.order_id), 40
        )
        ended = home.clock.monotonic()
        held_s = home.evse.fingerprint.dead_time_s + 10
        await home.run(held_s - 1)
        assert home.evse.setpoint.owner is ControlOwner.VPP
        assert home.evse.setpoint.power_w == 0
        assert abs(home.power_w) <= ZERO_W
        await home.until(lambda: home.power_w > 10_000, 20)
        since = [w for w in home.station.writes if w.at_mono_s >= ended]
        assert since[0].power_w == 0
        first = next(w for w in since if w.power_w != 0)
        assert first.at_mono_s - ended == pytest.approx(held_s, abs=1.1)
        assert began < ended


@in_virtual_time
async def test_a_release_ends_what_runs_and_what_waits() -> None:
    async with Home() as home:
        await home.grant()
        running = home.order(-5_000)
        waiting = home.order(-3_000, start_in_s=300, duration_s=60)
        await home.until(lambda: home.is_at(-5_000), 30)
        release = home.order(0, kind=CommandKind.RELEASE)
        assert release.status is AckStatus.ACCEPTED
        await home.until(lambda: abs(home.power_w) <= ZERO_W, 15)
        assert home.programme.told(running.order_id)[-1] is AckStatus.SUPERSEDED
        assert home.programme.told(waiting.order_id) == [AckStatus.SUPERSEDED]
        assert home.programme.told(release.order_id) == [AckStatus.DONE]
        await home.discharge()


@in_virtual_time
async def test_a_cancelled_order_ends_and_an_unknown_one_is_acknowledged() -> None:
    async with Home() as home:
        await home.grant()
        running = await home.discharge()
        waiting = home.order(-3_000, start_in_s=100, duration_s=60)
        for order_id in (waiting.order_id, "never seen", running.order_id):
            ack = home.site.cancel_order(PROGRAMME, order_id)
            assert (ack.order_id, ack.status) == (order_id, AckStatus.CANCELLED)
        ack = home.site.cancel_order(ProgrammeId("other"), "x")
        assert ack.status is AckStatus.CANCELLED
        await home.until(lambda: abs(home.power_w) <= ZERO_W, 15)
        await home.run(120)
        assert home.programme.told(waiting.order_id) == []
        await home.discharge()


@in_virtual_time
async def test_orders_of_one_turn_are_followed_in_their_order() -> None:
    async with Home() as home:
        await home.grant()
        acks = [home.order(power) for power in (-5_000, 4_000, -3_000)]
        assert all(ack.status is AckStatus.ACCEPTED for ack in acks)
        await home.until(lambda: home.is_at(-3_000), 40)
        told = [home.programme.told(ack.order_id) for ack in acks]
        assert told[0] == told[1] == [AckStatus.ACTIVE, AckStatus.SUPERSEDED]
        assert told[2] == [AckStatus.ACTIVE]


@in_virtual_time
async def test_an_order_whose_window_passed_unseen_expires() -> None:
    async with Home() as home:
        await home.grant()
        order = home.order(-5_000, start_in_s=10, duration_s=5)
        await home.freeze()
        await home.run(60)
        home.run_site()
        home.beat()
        await home.run(20)
        assert home.programme.told(order.order_id) == [AckStatus.FAILED]
        assert home.programme.acks[-1].code is AckCode.EXPIRED
        await home.discharge()


@in_virtual_time
async def test_the_owner_beats_a_dispatch_and_a_new_one_is_refused() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        await home.site.set_power(home.key, 3_000, 60)
        await home.until(lambda: home.is_at(3_000), 30)
        assert verdict(home, -5_000) == (AckStatus.REJECTED, AckCode.USER_OVERRIDE)
        assert home.evse.available_discharge_w == 0
        await home.until(lambda: home.is_at(-5_000), 90, "back to the dispatch")


@in_virtual_time
async def test_participation_off_ends_and_refuses() -> None:
    async with Home() as home:
        await home.grant()
        order = await home.discharge()
        waiting = home.order(-3_000, start_in_s=7_200, duration_s=60)
        count = len(home.station.writes)
        await home.site.set_participation(PROGRAMME, is_participating=False)
        assert home.station.writes[count].power_w == 0
        assert home.programme.told(order.order_id)[-1] is AckStatus.FAILED
        assert home.programme.told(waiting.order_id) == [AckStatus.FAILED]
        assert verdict(home, -5_000) == (AckStatus.REJECTED, AckCode.NOT_PERMITTED)
        assert not home.store.document["programmes"][PROGRAMME]["is_participating"]
        await home.run(30)
        await home.site.set_participation(PROGRAMME, is_participating=True)
        await home.discharge()
        with pytest.raises(UnknownTarget):
            await home.site.set_participation(
                ProgrammeId("other"), is_participating=True
            )


@in_virtual_time
async def test_an_order_for_something_unknown_is_refused() -> None:
    async with Home() as home:
        await home.grant()
        ack = home.order(-5_000, resource=EvseKey(StationId("CS9"), 1))
        assert (ack.status, ack.code) == (AckStatus.REJECTED, AckCode.UNKNOWN_RESOURCE)
        home.site.remove_programme(PROGRAMME, is_removed=False)
        assert verdict(home, -5_000) == (AckStatus.REJECTED, AckCode.UNSUPPORTED)
        home.site.add_programme(PROGRAMME, home.programme)
        await home.discharge()


@in_virtual_time
async def test_a_stop_by_order_is_taken_whatever_the_home_does() -> None:
    async with Home() as home:
        await home.grant()
        await home.site.set_power(home.key, -4_000, 60)
        assert verdict(home, 0) == ACCEPTED
        await home.site.emergency_stop(home.key)
        assert verdict(home, 0) == ACCEPTED
        await home.site.reset_emergency_stop(home.key)
        await home.run(10)
        await home.discharge()


@in_virtual_time
async def test_a_programme_that_leaves_during_its_dispatch_takes_it_along() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        home.site.remove_programme(PROGRAMME, is_removed=True)
        await home.until(lambda: abs(home.power_w) <= ZERO_W, 15)
        assert home.evse.setpoint.owner is not ControlOwner.VPP
        assert home.site.snapshot.programmes == ()
        home.site.add_programme(PROGRAMME, home.programme)
        await home.discharge()


@in_virtual_time
async def test_what_cannot_be_served_is_refused_with_its_cause() -> None:
    async with Home() as home:
        await home.grant()
        home.station.set_soc(40)
        await home.run(2)
        # Between the two floors: the owner may, an aggregator may not.
        assert verdict(home, -5_000) == (AckStatus.REJECTED, AckCode.SOC_FLOOR)
        await home.site.set_power(home.key, -3_000, 60)
        await home.site.return_to_automatic(home.key)
        home.station.set_soc(70)
        await home.run(2)
        home.station.disconnect()
        await home.run(1)
        assert verdict(home, -5_000) == (AckStatus.REJECTED, AckCode.NOT_CONNECTED)
        assert verdict(home, 5_000) == (AckStatus.REJECTED, AckCode.NOT_CONNECTED)
        home.station.connect()
        home.station.unplug()
        await home.run(1)
        assert verdict(home, 5_000) == (AckStatus.REJECTED, AckCode.NOT_CONNECTED)
        home.station.plug()
        await home.run(3)
        await home.discharge()


@in_virtual_time
async def test_more_than_there_is_is_clamped_and_said() -> None:
    async with Home(export_limit_w=4_000) as home:
        await home.grant()
        ack = home.order(-20_000)
        assert (ack.status, ack.code) == (AckStatus.ACCEPTED, AckCode.CLAMPED)
        assert ack.committed_w == -4_000
        await home.until(lambda: home.is_at(-4_000), 30)
        active = [a for a in home.programme.acks if a.status is AckStatus.ACTIVE]
        assert active[-1].committed_w == -4_000
        ack = home.order(20_000)
        assert (ack.code, ack.committed_w) == (AckCode.CLAMPED, 11_000)


@in_virtual_time
async def test_a_limit_caps_charging_and_asks_for_no_discharge() -> None:
    async with Home() as home:
        await home.until(lambda: home.power_w > 10_000, 30)
        ack = home.order(4_000, kind=CommandKind.LIMIT, duration_s=60)
        assert (ack.status, ack.committed_w) == (AckStatus.ACCEPTED, 4_000)
        await home.until(lambda: home.power_w < 4_100, 30)
        assert home.power_w > 3_500
        await home.until(lambda: home.power_w > 10_000, 120, "after the limit")


@in_virtual_time
async def test_an_unplugged_vehicle_ends_its_order() -> None:
    async with Home() as home:
        await home.grant()
        order = await home.discharge()
        home.station.unplug()
        await home.run(3)
        assert home.programme.told(order.order_id)[-1] is AckStatus.FAILED
        assert home.programme.acks[-1].code is AckCode.NOT_CONNECTED
        home.station.plug()
        await home.run(40)
        assert abs(home.power_w) <= ZERO_W
        await home.discharge()


@in_virtual_time
async def test_a_latched_fault_ends_the_order() -> None:
    async with Home() as home:
        await home.grant()
        order = await home.discharge()
        home.station.ignores_stops = True
        await home.set_floors(30, 90)
        await home.run(60)
        assert home.programme.told(order.order_id)[-1] is AckStatus.FAILED
        assert home.programme.acks[-1].code is AckCode.FAULT
        assert home.evse.setpoint.reason is Reason.FAULT
