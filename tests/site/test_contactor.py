"""The openings of a contactor are counted, and a restart forgets none."""

from custom_components.v2g_vpp.domain.events import ContactorReported
from custom_components.v2g_vpp.domain.snapshot import EvseSnapshot
from tests.site.home import Home
from tests.site.virtual_time import in_virtual_time


def contactor(home: Home, *, is_closed: bool) -> None:
    home.site.post(ContactorReported(key=home.key, is_closed=is_closed))


def openings(evse: EvseSnapshot) -> tuple[int, int]:
    return evse.cold_openings, evse.hot_openings


@in_virtual_time
async def test_cold_and_hot_openings_are_told_apart_and_kept() -> None:
    async with Home() as home:
        await home.grant()
        contactor(home, is_closed=True)
        await home.discharge()
        await home.site.stop(home.key)
        await home.until(lambda: abs(home.power_w) < 250.0, 20)
        await home.run(5)
        contactor(home, is_closed=False)
        await home.run(2)
        assert openings(home.evse) == (1, 0)
        await home.site.return_to_automatic(home.key)
        contactor(home, is_closed=True)
        await home.discharge()
        contactor(home, is_closed=False)
        await home.run(2)
        assert openings(home.evse) == (1, 1)
        life_percent = home.evse.contactor_life_percent
        assert 99.9 < life_percent < 100.0
        await home.site.stop(home.key)
        await home.restart()
        home.reconnect()
        await home.run(3)
        assert openings(home.evse) == (1, 1)
        assert home.evse.contactor_life_percent == life_percent
        vehicle = home.vehicle
        assert (vehicle.cold_openings, vehicle.hot_openings) == (1, 1)


@in_virtual_time
async def test_a_pulled_plug_is_an_opening_under_load() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        home.station.unplug()
        await home.run(3)
        assert openings(home.evse)[1] == 1


@in_virtual_time
async def test_what_0_w_does_to_it_is_seen_and_kept() -> None:
    async with Home() as home:
        await home.grant()
        contactor(home, is_closed=True)
        await home.discharge()
        assert home.evse.opens_at_zero is None
        await home.site.stop(home.key)
        await home.run(5)
        contactor(home, is_closed=False)
        await home.run(70)
        assert home.evse.opens_at_zero is True
        await home.restart()
        home.reconnect()
        await home.run(3)
        assert home.evse.opens_at_zero is True
