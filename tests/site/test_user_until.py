"""Powers by hand up to a charge, and transactions by hand."""

import pytest

from custom_components.v2g_vpp.domain.errors import PowerNotAvailable, SocReached
from custom_components.v2g_vpp.domain.setpoint import ControlOwner
from custom_components.v2g_vpp.domain.state import flow_threshold_w
from tests.site.home import Home
from tests.site.virtual_time import in_virtual_time

ZERO_W = flow_threshold_w(11_000.0)


@in_virtual_time
async def test_a_discharge_until_a_charge_ends_there_and_is_handed_back() -> None:
    async with Home() as home:
        await home.grant()
        held = home.station.soc_percent
        with pytest.raises(SocReached):
            await home.site.set_power(home.key, -8_000, 36_000, held + 1)
        with pytest.raises(SocReached):
            await home.site.set_power(home.key, 8_000, 36_000, held - 1)
        assert home.evse.setpoint.owner is ControlOwner.MODE, "nothing changed"

        await home.site.set_power(home.key, -8_000, 36_000, held - 1)
        await home.until(lambda: home.is_at(-8_000), 30)
        await home.until(lambda: abs(home.power_w) <= ZERO_W, 1_200)
        assert home.evse.setpoint.owner is ControlOwner.MODE
        assert home.station.soc_percent == pytest.approx(held - 1, abs=0.5)


@in_virtual_time
async def test_a_charge_until_ends_there_and_not_before() -> None:
    async with Home() as home:
        await home.grant()
        held = home.station.soc_percent
        await home.site.set_power(home.key, 8_000, 36_000, held + 1)
        await home.until(lambda: home.is_at(8_000), 30)
        await home.until(lambda: home.evse.setpoint.owner is ControlOwner.MODE, 1_200)
        assert home.station.soc_percent == pytest.approx(held + 1, abs=0.5)


@in_virtual_time
async def test_a_transaction_that_the_owner_ends_stays_ended() -> None:
    async with Home() as home:
        await home.grant()
        await home.until(lambda: home.evse.has_transaction, 60)
        await home.site.end_transaction(home.key)
        await home.until(lambda: not home.evse.has_transaction, 30)
        await home.run(120)
        assert not home.evse.has_transaction
        await home.site.return_to_automatic(home.key)
        await home.site.start_transaction(home.key)
        await home.until(lambda: home.evse.has_transaction, 60)
        # Again is no error, and begins no second one.
        await home.site.start_transaction(home.key)


@in_virtual_time
async def test_until_a_charge_without_any_power_is_refused() -> None:
    async with Home() as home:
        await home.grant()
        held = home.station.soc_percent
        with pytest.raises(PowerNotAvailable):
            await home.site.set_power(home.key, 0.0, 3_600, held + 10)
        assert home.evse.setpoint.owner is ControlOwner.MODE, "nothing changed"
