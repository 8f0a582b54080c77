"""What the meter counted is credited to one event at most."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from hypothesis import Phase, given, settings, strategies as st
import pytest

from custom_components.v2g_vpp.domain.ledger import EntryKind
from custom_components.v2g_vpp.domain.session import EvseSession
from tests.site.home import PROGRAMME, Home
from tests.site.programme import RecordingProgramme
from tests.site.test_events import OTHER
from tests.site.virtual_time import in_virtual_time

DIRECTIONS = ("charged", "discharged")


@dataclass(slots=True)
class Book:
    """The reports that a home made, of one programme."""

    kept_drafts: list[Any] = field(default_factory=list)
    reports: list[Any] = field(default_factory=list)

    def record(self, kind: EntryKind, body: Any) -> None:
        assert kind is EntryKind.EVENT_REPORT
        self.reports.append(body)

    def save_later(self) -> None:
        pass

    def save_soon(self) -> None:
        pass


def follow(home: Home) -> tuple[Book, Book]:
    """Add a second programme, and follow the events of both."""
    home.site.add_programme(OTHER, RecordingProgramme())
    home.site.link_changed(OTHER, is_connected=True)
    books = Book(), Book()
    for programme_id, book in zip((PROGRAMME, OTHER), books, strict=True):
        home.site._recorder.use(programme_id, book)
    return books


def counted_wh(session: EvseSession) -> dict[str, float]:
    measured = session.measurement
    readings = measured.energy_charged_wh, measured.energy_discharged_wh
    return {
        direction: 0.0 if reading is None else reading.value
        for direction, reading in zip(DIRECTIONS, readings, strict=True)
    }


def advanced_wh(report: Any, direction: str) -> int:
    advanced = 0
    for one in report["registers"]:
        first, last = one[f"{direction}_wh_start"], one[f"{direction}_wh_end"]
        advanced += (last or 0) - (first or 0)
    return advanced


async def beat_both(home: Home) -> None:
    for _ in range(4):
        home.beat()
        home.site.heartbeat_seen(OTHER, home.clock.monotonic())
        await home.run(1)


@pytest.mark.parametrize("second", [PROGRAMME, OTHER], ids=["one", "another"])
@in_virtual_time
async def test_an_event_ends_at_the_register_at_which_the_next_one_begins(
    second: Any,
) -> None:
    async with Home() as home:
        mine, theirs = follow(home)
        await home.grant()
        await beat_both(home)
        home.order(-5_000, duration_s=60, event_id="first")
        await home.run(66)
        home.site.heartbeat_seen(OTHER, home.clock.monotonic())
        home.order(-5_000, duration_s=20, event_id="second", programme_id=second)
        await home.run(4)
        home.site.heartbeat_seen(OTHER, home.clock.monotonic())
        await home.run(60)
        reports = {one["event_id"]: one for one in mine.reports + theirs.reports}
        assert reports.keys() == {"first", "second"}
        (first,) = reports["first"]["registers"]
        (last,) = reports["second"]["registers"]
        assert first["discharged_wh_end"] == last["discharged_wh_start"]
        assert first["discharged_wh_end"] > first["discharged_wh_start"] + 50
        assert last["discharged_wh_end"] > last["discharged_wh_start"]


@in_virtual_time
async def test_an_event_that_goes_on_after_another_has_a_second_report() -> None:
    async with Home() as home:
        mine, _ = follow(home)
        await home.grant()
        for event_id in ("first", "second", "first"):
            home.order(-5_000, duration_s=20, event_id=event_id)
            await home.run(24)
        await home.run(30)
        assert [one["event_id"] for one in mine.reports] == ["first", "second", "first"]
        ends = [one["registers"][0] for one in mine.reports]
        for one, following in pairwise(ends):
            assert one["discharged_wh_end"] == following["discharged_wh_start"]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from([-5_000, -2_000, 3_000]),
        st.integers(min_value=5, max_value=40),
        st.integers(min_value=0, max_value=50),
        st.sampled_from([PROGRAMME, OTHER]),
    ),
    min_size=2,
    max_size=6,
)


# A home lives through minutes for each example: that shrinking takes too long.
@settings(max_examples=20, deadline=None, phases=(Phase.reuse, Phase.generate))
@given(steps=STEPS)
@in_virtual_time
async def test_no_watt_hour_of_the_meter_is_in_two_reports(steps: Any) -> None:
    async with Home() as home:
        mine, theirs = follow(home)
        await home.grant()
        await beat_both(home)
        before = counted_wh(home.site._registry.evses[home.key].session)
        for event_id, power_w, lasts_s, pause_s, programme_id in steps:
            home.order(
                power_w,
                duration_s=lasts_s,
                event_id=event_id,
                programme_id=programme_id,
            )
            for _ in range(pause_s):
                home.site.heartbeat_seen(OTHER, home.clock.monotonic())
                await home.run(1)
        await home.run(120)
        after = counted_wh(home.site._registry.evses[home.key].session)
        for direction in DIRECTIONS:
            told_wh = sum(
                advanced_wh(r, direction) for r in mine.reports + theirs.reports
            )
            # The registers in a report are whole watt-hours.
            assert told_wh <= after[direction] - before[direction] + 1
