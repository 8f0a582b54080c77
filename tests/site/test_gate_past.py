"""The output gate holds alone what the coordinator forgot."""

from dataclasses import replace
from datetime import timedelta

import pytest

from custom_components.v2g_vpp.control.evse_case import Track
from custom_components.v2g_vpp.control.ready_by import NO_TRIP, TripGuard
from custom_components.v2g_vpp.domain.dispatch import LinkState
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import Reason
from tests.site.home import VEHICLE, Home
from tests.site.virtual_time import in_virtual_time

ZERO_W = 500.0


def test_nothing_discharges_after_a_lost_link_though_the_coordinator_would(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forgetful = property(lambda _: False, lambda _, __: None)
    monkeypatch.setattr(Track, "is_released", forgetful)

    @in_virtual_time
    async def live() -> None:
        async with Home() as home:
            await home.grant()
            await home.discharge()
            await home.set_mode(Mode.DISCHARGE_NOW)
            home.has_heartbeats = False
            await home.until(lambda: home.link() is LinkState.FAILSAFE, 30)
            await home.until(lambda: home.power_w >= -ZERO_W, 30)
            await home.run(300)
            record = home.site._registry.evses[home.key]
            assert record.decision is not None
            assert record.decision.setpoint.power_w < 0, "it would"
            assert record.setpoint.power_w == 0
            assert record.setpoint.reason is Reason.FAILSAFE
            assert home.power_w >= -ZERO_W
            home.has_heartbeats = True
            await home.run(16)
            await home.discharge()

    live()


def test_a_missed_departure_holds_though_the_coordinator_forgot_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(TripGuard, "step", lambda *_: NO_TRIP)

    @in_virtual_time
    async def live() -> None:
        async with Home() as home:
            await home.grant()
            due = home.clock.utcnow() + timedelta(minutes=5)
            await home.site.set_vehicle_policy(
                VEHICLE,
                lambda p: replace(
                    p, departure_at=due.isoformat(), departure_soc_percent=95.0
                ),
            )
            await home.set_mode(Mode.DISCHARGE_NOW)
            for _ in range(15):
                await home.run(60)
                assert home.evse.setpoint.power_w == 0
                assert home.evse.setpoint.reason is Reason.TRIP_FLOOR
            await home.site.set_vehicle_policy(
                VEHICLE, lambda p: replace(p, departure_at=None)
            )
            await home.until(lambda: home.power_w < -ZERO_W, 60, "free again")

    live()
