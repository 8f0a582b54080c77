"""Times on the clock on the wall."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.domain.wall_time import next_wall_time

BEGIN = datetime(2011, 12, 20, tzinfo=UTC)
END = datetime(2035, 1, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
MOMENT = timedelta(microseconds=1)
ZONES = [
    ZoneInfo(name)
    for name in (
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",  # half an hour of daylight saving time
        "Pacific/Apia",  # left out a whole day once
        "Asia/Kathmandu",
        "UTC",
    )
]


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("after", "wall", "moment"),
    [
        pytest.param("2026-01-15 12:00", "07:00", "2026-01-16 06:00", id="tomorrow"),
        pytest.param("2026-01-15 03:00", "07:00", "2026-01-15 06:00", id="today"),
        pytest.param("2026-01-15 06:00", "07:00", "2026-01-16 06:00", id="now is over"),
        pytest.param("2026-07-15 12:00", "07:00", "2026-07-16 05:00", id="in summer"),
        pytest.param(
            "2026-03-28 12:00", "02:30", "2026-03-29 01:00", id="left out: the next"
        ),
        pytest.param(
            "2026-03-28 12:00", "03:00", "2026-03-29 01:00", id="the end of the gap"
        ),
        pytest.param(
            "2026-10-24 12:00", "02:30", "2026-10-25 00:30", id="twice: the earlier"
        ),
        pytest.param(
            "2026-10-25 00:45", "02:30", "2026-10-26 01:30", id="the later is no second"
        ),
    ],
)
def test_a_time_of_berlin(after: str, wall: str, moment: str) -> None:
    found = next_wall_time(time.fromisoformat(wall), _utc(after), BERLIN)
    assert found == _utc(moment)
    assert found.tzinfo is UTC


@given(
    st.datetimes(BEGIN.replace(tzinfo=None), END.replace(tzinfo=None)),
    st.times(),
    st.sampled_from(ZONES),
)
def test_it_comes_soon_and_the_wall_shows_it(
    after: datetime, wall: time, zone: ZoneInfo
) -> None:
    moment = next_wall_time(wall, after.replace(tzinfo=UTC), zone)
    later = moment - after.replace(tzinfo=UTC)
    assert timedelta(0) < later <= timedelta(hours=50)
    shown = moment.astimezone(zone).replace(tzinfo=None)
    # Only a time that was left out shows as another: the first one after the gap.
    just_before = (moment - MOMENT).astimezone(zone).replace(tzinfo=None)
    assert shown.time() == wall or just_before != shown - MOMENT
