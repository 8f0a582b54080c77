"""What flows is not what was told: size, vehicles that sleep, worn memory."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from custom_components.v2g_vpp.control.write_budget import DAILY_WRITES
from custom_components.v2g_vpp.domain.capability import DischargeDialect, Fingerprint
from custom_components.v2g_vpp.domain.dispatch import AckCode, AckStatus
from custom_components.v2g_vpp.domain.events import (
    ChargingNeedsReported,
    PriorityChargingReported,
    TransactionPhase,
    TransactionReported,
)
from custom_components.v2g_vpp.domain.faults import FaultCode, SizeHint
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.site.records import EvseRecord, StationRecord
from tests.site.home import Home
from tests.site.virtual_time import in_virtual_time

REST_W = 250.0


def _record(home: Home) -> EvseRecord:
    return home.site._registry.evses[home.key]


def _station(home: Home) -> StationRecord:
    return home.site._registry.stations[home.key.station_id]


@pytest.mark.parametrize(
    ("scale", "hint"), [(3.0, SizeHint.THRICE), (1 / 3, SizeHint.A_THIRD)]
)
@in_virtual_time
async def test_a_wrong_size_is_stopped_named_and_latched(
    scale: float, hint: SizeHint
) -> None:
    async with Home() as home:
        await home.grant()
        home.station.scale = scale
        power_w = -3_000.0 if scale > 1 else -9_000.0
        home.order(power_w)
        await home.until(lambda: home.evse.faults != (), 90, "found")
        assert home.evse.faults == (FaultCode.WRONG_SIZE,)
        assert home.evse.size_hint is hint
        assert home.evse.proof is None
        assert not home.evse.policy.is_discharge_allowed
        await home.until(lambda: abs(home.power_w) <= REST_W, 30, "stopped")
        home.station.scale = 1.0
        await home.run(30)
        await home.site.reset_emergency_stop(home.key)
        home.station.plug()
        await home.run(5)
        await home.grant()
        await home.discharge()


@in_virtual_time
async def test_a_power_that_the_write_budget_holds_back_is_no_wrong_size() -> None:
    home = Home()
    home.station.protocol = "ocpp1.6"
    home.station.dialect = DischargeDialect.NEG_LIMIT_W
    async with home:
        await home.grant()
        _record(home).learner.adopt(
            Fingerprint(dead_time_s=0.5, ramp_w_per_s=20_000.0, is_learnt=True)
        )

        async def discharge_now(ramp_w_per_s: float) -> None:
            await home.site.set_evse_policy(
                home.key,
                lambda policy: replace(
                    policy,
                    mode=Mode.DISCHARGE_NOW,
                    max_discharge_power_w=5_000.0,
                    ramp_w_per_s=ramp_w_per_s,
                ),
            )

        # A slow ramp spends one write after another, until the next has to wait.
        await discharge_now(110.0)
        writes = home.station.writes
        await home.until(lambda: home.evse.setpoint.power_w < -1_800.0, 30, "ramp")
        count = len(writes)
        await discharge_now(5_000.0)
        await home.run(10)
        assert home.evse.setpoint.power_w == -5_000.0
        assert len(writes) == count, "held back"
        assert home.evse.faults == ()
        await home.until(lambda: home.is_at(-5_000.0), 60, "5 kW in the end")
        assert home.evse.faults == ()


@in_virtual_time
async def test_a_vehicle_that_sleeps_is_woken_three_times_and_then_given_up() -> None:
    async with Home() as home:
        await home.grant()
        station = home.station
        station.is_asleep = True
        count = len(station.writes)
        home.order(-5_000.0, duration_s=7_200.0)
        await home.until(
            lambda: home.evse.discharge_blocked_by is Reason.NOTHING_FLOWS, 900
        )
        # One whole profile, then two transactions that begin anew.
        assert any(write.is_renewal for write in station.writes[count + 1 :])
        assert len(station.ended) == 2
        assert len(station.started) == 2
        await home.until(lambda: home.programme.acks != [], 10)
        last = home.programme.acks[-1]
        assert (last.status, last.code) == (AckStatus.FAILED, AckCode.EV_COMM_TIMEOUT)
        refused = home.order(-5_000.0)
        assert refused.status is AckStatus.REJECTED
        assert refused.code is AckCode.EV_COMM_TIMEOUT
        ended, writes = len(station.ended), len(station.writes)
        await home.run(600)
        assert len(station.ended) == ended
        assert all(write.power_w == 0 for write in station.writes[writes:])

        # Another plug begins anew.
        station.is_asleep = False
        station.unplug()
        await home.run(2)
        station.plug()
        await home.run(15)
        await home.discharge()


@in_virtual_time
async def test_a_vehicle_that_wakes_in_time_is_not_given_up() -> None:
    async with Home() as home:
        await home.grant()
        home.station.is_asleep = True
        home.order(-5_000.0, duration_s=7_200.0)
        await home.until(lambda: home.station.started != [], 300, "a restart")
        home.station.is_asleep = False
        await home.until(lambda: home.is_at(-5_000.0), 90, "awake")
        assert home.evse.discharge_blocked_by is None


async def _on_schedules(home: Home) -> None:
    home.station.dialect = DischargeDialect.V21_SCHEDULE
    home.station.connect()
    await home.grant()


@in_virtual_time
async def test_a_spent_budget_lets_the_running_discharge_go_on_and_starts_none() -> (
    None
):
    async with Home() as home:
        await _on_schedules(home)
        await home.discharge()
        budget, now_s = _station(home).budget, home.clock.monotonic()
        spent = budget.count(now_s)
        await home.run(60)
        refreshes = budget.count(home.clock.monotonic()) - spent
        assert 2 <= refreshes <= 6, "about one each 20 s"
        for _ in range(DAILY_WRITES):
            budget.note(home.clock.monotonic())
        await home.run(120)
        assert home.is_at(-5_000.0)
        assert home.evse.profile_writes_today > DAILY_WRITES

        await home.site.stop(home.key)
        await home.site.return_to_automatic(home.key)
        await home.until(lambda: abs(home.power_w) <= REST_W, 20, "stopped")
        assert home.evse.discharge_blocked_by is Reason.WRITE_BUDGET
        assert home.order(-5_000.0).status is AckStatus.REJECTED

        # Neither a clock that jumps a day ahead nor a restart gives it back.
        home.clock.set_utc(home.clock.utcnow() + timedelta(days=1, hours=1))
        await home.restart()
        home.reconnect()
        await home.run(15)
        assert home.evse.discharge_blocked_by is Reason.WRITE_BUDGET
        # A day of running time does.
        later = home.clock.monotonic() + 90_000.0
        assert not _station(home).budget.is_spent(later)


@in_virtual_time
async def test_dynamic_updates_wear_no_memory() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        await home.run(120)
        assert home.evse.profile_writes_today == 0


@in_virtual_time
async def test_writes_that_cannot_be_read_count_as_spent() -> None:
    async with Home() as home:
        await _on_schedules(home)
        await home.site.stop(home.key)
        await home.site.return_to_automatic(home.key)
        await home.crash()

        def tear(document: dict[str, Any]) -> None:
            document["stations"] = {
                name: {"writes": [["x"]]} for name in document["stations"]
            }

        home.store.edit(tear)
        await home.restart()
        home.reconnect()
        await home.run(15)
        assert home.evse.discharge_blocked_by is Reason.WRITE_BUDGET
        assert home.evse.policy.is_discharge_allowed


@in_virtual_time
async def test_the_button_at_the_charger_ends_a_discharge_and_charges() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        told = PriorityChargingReported(key=home.key, is_active=True)
        home.site.post(told)
        await home.until(lambda: home.power_w > 1_000, 60)
        assert home.evse.setpoint.reason is Reason.PRIORITY_CHARGING
        assert home.evse.discharge_blocked_by is Reason.PRIORITY_CHARGING
        await home.run(60)
        assert not home.evse.faults, "it charges as it can, which is no fault"
        home.site.post(replace(told, is_active=False))
        await home.until(lambda: home.is_at(-5_000), 120)


@in_virtual_time
async def test_the_floor_of_the_vehicle_itself_ends_a_discharge() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        home.site.post(
            ChargingNeedsReported(
                key=home.key,
                needs=replace(home.station.needs, v2x_floor_wh=-3_000.0),
                heard_mono_s=home.clock.monotonic(),
            )
        )
        await home.run(10)
        assert home.is_at(-5_000), "it is above its floor"
        home.station.set_soc(home.station.soc_percent - 10.0)
        await home.until(lambda: abs(home.power_w) < 200, 60)
        assert home.evse.discharge_blocked_by is Reason.VEHICLE_LIMIT
        assert home.vehicle.own_floor_percent is not None
        home.station.set_soc(home.station.soc_percent + 12.0)
        await home.until(lambda: home.is_at(-5_000), 120)


@in_virtual_time
async def test_a_station_that_fell_back_is_told_the_whole_profile_once() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        assert home.station.transaction_id is not None
        told = TransactionReported(
            key=home.key,
            transaction_id=home.station.transaction_id,
            phase=TransactionPhase.UPDATED,
            operation_mode="CentralSetpoint",
            trigger="OperationModeChanged",
        )
        count = len(home.station.writes)
        for mode, renewals in (
            ("CentralSetpoint", 0),
            ("ChargingOnly", 1),
            ("ChargingOnly", 1),
            ("CentralSetpoint", 1),
            ("Idle", 2),
        ):
            home.site.post(replace(told, operation_mode=mode))
            await home.run(3)
            writes = home.station.writes[count:]
            sent = [write for write in writes if write.is_renewal]
            assert len(sent) == renewals, mode
            assert all(write.power_w < 0 for write in sent)
