"""A discharge that nobody asked for has no excuse, and no transaction to hide behind."""

from math import inf

from custom_components.v2g_vpp.domain.events import (
    PriorityChargingReported,
    TransactionPhase,
    TransactionReported,
)
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.state import flow_threshold_w
from tests.site.home import Home
from tests.site.station_words import Answer
from tests.site.virtual_time import in_virtual_time

ZERO_W = flow_threshold_w(11_000.0)


@in_virtual_time
async def test_the_button_at_the_charger_excuses_no_discharge() -> None:
    async with Home() as home:
        await home.grant()
        home.station.is_reversed = True
        told = PriorityChargingReported(key=home.key, is_active=True)
        home.site.post(told)
        await home.until(lambda: home.power_w < -1_000, 60)
        await home.until(lambda: home.evse.faults != (), 40)
        assert home.evse.faults == (FaultCode.UNCOMMANDED_DISCHARGE,)
        await home.until(lambda: abs(home.power_w) <= ZERO_W, 40)


@in_virtual_time
async def test_a_station_that_refuses_every_write_may_not_discharge_as_it_likes() -> (
    None
):
    async with Home() as home:
        await home.grant()
        home.station.answer = Answer.REJECT
        home.station.command_w, home.station.expires_s = -9_000.0, inf
        home.order(-3_000)
        await home.until(lambda: home.evse.faults != (), 60)
        await home.until(lambda: bool(home.station.ended), 30)
        assert not home.evse.policy.is_discharge_allowed
        home.station.answer = Answer.ACCEPT
        await home.until(lambda: abs(home.power_w) <= ZERO_W, 60)


@in_virtual_time
async def test_a_discharge_without_a_transaction_is_stopped_all_the_same() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        home.station.expires_s = inf
        assert home.station.transaction_id is not None
        home.site.post(
            TransactionReported(
                key=home.key,
                transaction_id=home.station.transaction_id,
                phase=TransactionPhase.ENDED,
                is_plugged=True,
            )
        )
        await home.until(lambda: home.evse.faults != (), 60)
        assert home.evse.faults == (FaultCode.UNCOMMANDED_DISCHARGE,)
        await home.until(lambda: abs(home.power_w) <= ZERO_W, 60)
        assert home.station.availability, "nothing else can reach it"
        assert not home.station.resets
