"""A charger that goes on until it is told to stop, in a whole home."""

from contextlib import suppress
from math import inf

import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.dispatch import AckCode, AckStatus
from custom_components.v2g_vpp.domain.errors import DischargeTooLong, V2gError
from custom_components.v2g_vpp.domain.guarantee import GuaranteeClass
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from tests.site.home import Home
from tests.site.station_words import Answer
from tests.site.virtual_time import in_virtual_time


async def endless_home(home: Home) -> None:
    """Prove a charger behind entities that never ends a power by itself."""
    home.station.dialect = DischargeDialect.ENTITY
    home.station.validity_s = inf
    home.station.connect()
    await home.prove()
    proof = home.evse.proof
    assert proof is not None
    assert proof.guarantee is GuaranteeClass.B


@in_virtual_time
async def test_the_self_test_finds_it_and_no_power_plant_gets_anything() -> None:
    async with Home() as home:
        await endless_home(home)
        ack = home.order(-3_000.0)
        assert (ack.status, ack.code) == (AckStatus.REJECTED, AckCode.NOT_PERMITTED)
        charge = home.order(3_000.0)
        assert charge.status is AckStatus.ACCEPTED
        await home.until(lambda: home.is_at(3_000.0), 60)
        assert home.evse.available_discharge_w == 0.0


@in_virtual_time
async def test_nobody_gets_longer_than_a_quarter_of_an_hour() -> None:
    async with Home() as home:
        await endless_home(home)
        with pytest.raises(DischargeTooLong) as err:
            await home.site.set_power(home.key, -2_000.0, 901.0)
        assert err.value.longest_s == 900.0
        with pytest.raises(DischargeTooLong):
            home.site.acquire_control(home.key, "x", -2_000.0, 1_800.0)
        await home.site.set_power(home.key, 2_000.0, 7_200.0)
        home.site.acquire_control(home.key, "x", 2_000.0, 1_800.0)
        # Without a time it gets as long as it may have.
        await home.site.set_power(home.key, -2_000.0, None, 20.0)
        await home.until(lambda: home.is_at(-2_000.0), 60)
        await home.run(896)
        assert home.evse.setpoint.owner is not ControlOwner.USER


@in_virtual_time
async def test_a_mode_goes_on_after_a_rest() -> None:
    async with Home() as home:
        await endless_home(home)
        await home.set_mode(Mode.DISCHARGE_NOW)
        began = home.clock.monotonic()
        await home.until(lambda: home.power_w < -1_000, 60)
        await home.until(
            lambda: home.evse.setpoint.reason is Reason.SPELL_OVER, 900, "a pause"
        )
        assert home.clock.monotonic() - began <= 902.0
        await home.until(lambda: abs(home.power_w) < 100, 30)
        await home.until(lambda: home.power_w < -1_000, 60, "the next spell")


@in_virtual_time
async def test_standing_down_stops_what_nothing_else_would() -> None:
    async with Home() as home:
        await endless_home(home)
        await home.site.set_power(home.key, -2_000.0, 600.0)
        await home.until(lambda: home.is_at(-2_000.0), 60)
        # The stop is not heard, nor is the meter: after a minute nobody knows.
        home.station.has_meter = False
        home.station.answer = Answer.SILENT
        with suppress(V2gError):
            await home.site.stop(home.key)
        await home.run(90)
        home.station.answer = Answer.ACCEPT
        await home.site.stand_down()
        await home.until(lambda: abs(home.power_w) < 100, 30)
