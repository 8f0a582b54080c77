"""Nothing flows that nobody stands behind: no aggregator, no owner, no gate."""

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.inputs import EvseDecision
from custom_components.v2g_vpp.domain.dispatch import AckCode, AckStatus, LinkState
from custom_components.v2g_vpp.domain.ids import EvseKey
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason, Setpoint
from custom_components.v2g_vpp.domain.state import flow_threshold_w
from tests.site.home import PROGRAMME, Home
from tests.site.virtual_time import in_virtual_time

ZERO_W = flow_threshold_w(11_000.0)


@in_virtual_time
async def test_a_waiting_order_does_not_start_without_its_aggregator() -> None:
    async with Home() as home:
        await home.grant()
        ack = home.order(-5_000, start_in_s=60)
        assert ack.status is AckStatus.ACCEPTED
        home.has_heartbeats = False
        home.site.link_changed(PROGRAMME, is_connected=False)
        began = home.clock.monotonic()
        await home.run(600)
        assert home.station.lowest_since(began) >= -ZERO_W
        assert home.programme.acks[-1].status is AckStatus.FAILED
        assert home.programme.acks[-1].code is AckCode.FAILSAFE
        home.site.link_changed(PROGRAMME, is_connected=True)
        home.has_heartbeats = True
        await home.run(16)
        await home.discharge()
        assert home.link() is LinkState.HEALTHY


@in_virtual_time
@pytest.mark.parametrize("late_s", [9.0, 11.5, 25.0])
async def test_a_late_command_alone_keeps_no_discharge_alive(late_s: float) -> None:
    async with Home() as home:
        await home.grant()
        home.has_heartbeats = False
        await home.run(60)
        home.order(-5_000, signed_ago_s=late_s)
        signed = home.clock.monotonic() - late_s
        await home.run(120)
        assert home.station.lowest_since(signed + 30) >= -ZERO_W
        home.has_heartbeats = True
        await home.run(16)
        await home.discharge()


@in_virtual_time
async def test_the_owners_stop_holds_across_a_restart_until_it_is_taken_back() -> None:
    async with Home() as home:
        await home.grant()
        await home.set_mode(Mode.DISCHARGE_NOW)
        await home.until(lambda: home.power_w < -5_000, 60)
        await home.site.stop(None)
        await home.until(lambda: home.is_at(0), 30)
        await home.restart()
        home.reconnect()
        began = home.clock.monotonic()
        await home.run(120)
        assert home.station.lowest_since(began) >= -ZERO_W
        assert home.evse.setpoint.owner is ControlOwner.USER
        await home.site.return_to_automatic(home.key)
        await home.until(lambda: home.power_w < -5_000, 60)


@in_virtual_time
async def test_a_station_that_is_removed_is_told_to_stop_first() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        before = len(home.station.writes)
        await home.site.retire_station(home.key.station_id)
        assert [write.power_w for write in home.station.writes[before:]] == [0.0]
        await home.run(10)
        assert home.site.snapshot.station(home.key.station_id) is None
        assert home.is_at(0)


@in_virtual_time
async def test_the_output_gate_stands_before_the_wire() -> None:
    step = DischargeCoordinator.step

    def broken(*args: Any) -> dict[EvseKey, EvseDecision]:
        decided = step(*args)
        wild = Setpoint(
            power_w=-9_000.0,
            requested_w=-9_000.0,
            owner=ControlOwner.MODE,
            reason=Reason.AS_REQUESTED,
        )
        return {key: replace(d, setpoint=wild) for key, d in decided.items()}

    async with Home() as home:
        await home.grant()
        await home.set_mode(Mode.OFF)
        await home.run(10)
        began = home.clock.monotonic()
        with patch.object(DischargeCoordinator, "step", broken):
            await home.run(60)
            assert home.evse.setpoint.power_w == 0.0
            assert home.evse.setpoint.reason is Reason.OUTPUT_GATE
        assert home.station.lowest_since(began) >= -ZERO_W
        await home.discharge()


@in_virtual_time
@pytest.mark.parametrize(
    ("part", "field", "value"),
    [("fingerprint", "ramp_w_per_s", 0.0), ("fingerprint", "dead_time_s", -1.0)],
)
async def test_a_torn_number_is_not_divided_by_but_latches(
    part: str, field: str, value: float
) -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()

        def tear(document: dict[str, Any]) -> None:
            document["evses"][str(home.key)][part][field] = value

        await home.site.set_participation(PROGRAMME, is_participating=True)
        home.store.edit(tear)
        await home.restart()
        home.reconnect()
        await home.run(5)
        assert home.evse.discharge_blocked_by is Reason.FAULT
        await home.site.emergency_stop(None)
        assert home.store.document["evses"][str(home.key)]["is_emergency_stopped"]
        await home.run(60)
        assert home.is_at(0)


@in_virtual_time
async def test_a_dispatch_turns_a_charging_vehicle_round_at_once() -> None:
    async with Home() as home:
        await home.grant()
        await home.set_mode(Mode.CHARGE_NOW)
        await home.until(lambda: home.power_w > 5_000, 60)
        before = len(home.station.writes)
        assert home.order(-5_000).status is AckStatus.ACCEPTED
        await home.run(0.2)
        powers_w = [write.power_w for write in home.station.writes[before:]]
        assert powers_w, "a first setpoint within a fraction of a second"
        assert powers_w[-1] < 0
        await home.until(lambda: home.is_at(-5_000), 60)


@in_virtual_time
async def test_a_start_within_the_error_of_the_clocks_is_now() -> None:
    async with Home() as home:
        await home.grant()
        before = len(home.station.writes)
        assert home.order(-5_000, start_in_s=0.45).status is AckStatus.ACCEPTED
        await home.run(0.2)
        assert [w.power_w < 0 for w in home.station.writes[before:]] == [True]
