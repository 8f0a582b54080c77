"""A meter that was silent and comes back at a slower pace is believed again, too."""

import pytest

from tests.site.home import Home
from tests.site.station import METER_EVERY
from tests.site.virtual_time import in_virtual_time


@pytest.mark.parametrize("then_s", [5, 9, 12, 15, 20])
@in_virtual_time
async def test_a_meter_that_comes_back_slower_is_believed_in_the_end(
    then_s: int,
) -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        home.station.has_meter = False
        ended = len(home.station.ended)
        await home.until(lambda: len(home.station.ended) > ended, 60, "the end")
        home.station.meter_every = METER_EVERY * then_s
        home.station.has_meter = True
        await home.until(lambda: home.is_at(-5_000.0), 900, "the discharge again")
