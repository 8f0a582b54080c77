"""Events of several programmes in one home, and the forecast of the next day."""

import pytest

from custom_components.v2g_vpp.domain.dispatch import AckCode, BindingClass
from custom_components.v2g_vpp.domain.errors import UnknownTarget
from custom_components.v2g_vpp.domain.programme_events import Participation
from custom_components.v2g_vpp.vpp.reporting import describe_availability
from tests.site.home import PROGRAMME, Home
from tests.site.programme import RecordingProgramme
from tests.site.test_events import HOUR, OTHER, event, programme
from tests.site.virtual_time import in_virtual_time


@in_virtual_time
async def test_rule_14_what_one_programme_has_the_other_gets_nothing_of() -> None:
    async with Home() as home:
        await home.grant()
        other = RecordingProgramme()
        home.site.add_programme(OTHER, other)
        home.site.link_changed(OTHER, is_connected=True)
        for _ in range(4):
            home.site.heartbeat_seen(OTHER, home.clock.monotonic())
            await home.run(1)
        home.site.announce_event(event(home))
        home.site.announce_event(
            event(home, "same-hour", programme_id=OTHER, start_s=1.5 * HOUR)
        )
        (theirs,) = programme(home, OTHER).book.events
        assert theirs.participation is Participation.MAYBE
        assert theirs.expected_w == (0.0,)
        assert theirs.why == (BindingClass.LIMIT,)
        ack = home.order(
            -2_000.0, start_in_s=1.5 * HOUR, duration_s=60.0, programme_id=OTHER
        )
        assert ack.code is AckCode.UNSUPPORTED
        await home.discharge(-3_000.0)
        site = describe_availability(home.site.snapshot, OTHER)
        assert (site.site.lowest_w, site.site.highest_w) == (0.0, 0.0)
        assert site.resources[0].why == (BindingClass.LIMIT,)
        ours = describe_availability(home.site.snapshot, PROGRAMME)
        assert ours.site.lowest_w < 0


@in_virtual_time
async def test_forecast_is_there_only_where_the_owner_shares_it() -> None:
    async with Home() as home:
        await home.grant()
        assert programme(home).book.forecast == ()
        await home.site.share_forecast(PROGRAMME, is_shared=True)
        slots = programme(home).book.forecast
        assert len(slots) == 48
        assert slots[0].start_at <= home.clock.utcnow() < slots[1].start_at
        for slot in slots:
            assert slot.p10.deliverable_wh <= slot.p50.deliverable_wh
            assert slot.p10.absorbable_wh <= slot.p50.absorbable_wh
        before = slots[0].p50.deliverable_wh
        home.site.announce_event(event(home))
        await home.run(1_801)
        assert programme(home).book.forecast[0].p50.deliverable_wh < before - 4_000.0
        await home.restart()
        assert programme(home).book.is_forecast_shared
        await home.site.share_forecast(PROGRAMME, is_shared=False)
        assert programme(home).book.forecast == ()
        with pytest.raises(UnknownTarget):
            await home.site.share_forecast(OTHER, is_shared=True)
