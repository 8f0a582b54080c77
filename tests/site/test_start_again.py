"""A station that refuses to start a transaction is asked again, and not nagged."""

from custom_components.v2g_vpp.domain.policy import Mode
from tests.site.home import Home
from tests.site.station_words import Answer
from tests.site.virtual_time import in_virtual_time


@in_virtual_time
async def test_a_refused_start_is_tried_again_later_and_later_works() -> None:
    async with Home() as home:
        await home.grant()
        await home.set_mode(Mode.CHARGE_NOW)
        station = home.station
        station.unplug()
        await home.run(10)
        station.starts_by_itself, station.start_answer = False, Answer.REJECT
        station.started.clear()
        station.plug()
        await home.run(90)
        assert len(station.started) == 3
        await home.run(1_000)
        assert 3 + 8 <= len(station.started) <= 3 + 10
        station.start_answer = Answer.ACCEPT
        await home.until(lambda: home.evse.has_transaction, 110, "a transaction")
        await home.until(lambda: home.power_w > 1_000, 60, "a charge")
