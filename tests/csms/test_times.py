"""Times on the wire and the clocks of stations."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import example, given, strategies as st
import pytest

from custom_components.v2g_vpp.csms.times import (
    MAX_CLOCK_OFFSET_S,
    StationClock,
    format_time,
    parse_time,
)

AT = datetime(2026, 11, 22, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T18:00:00Z",
        "2026-11-22T18:00:00.000Z",
        "2026-11-22T19:00:00+01:00",
        "2026-11-22T18:00:00",
        "2026-11-22 18:00:00Z",
    ],
)
def test_a_time_is_read_as_utc(text: str) -> None:
    assert parse_time(text) == AT


@pytest.mark.parametrize(
    "text", ["yesterday", "", None, 5, "0001-01-01T00:00:00+23:00"]
)
def test_what_is_no_time_is_none(text: object) -> None:
    assert parse_time(text) is None


@given(st.text())
def test_no_text_raises(text: str) -> None:
    parse_time(text)


def test_a_time_is_written_in_whole_seconds_of_utc() -> None:
    moment = AT.astimezone(timezone(timedelta(hours=2))).replace(microsecond=999_999)
    assert format_time(moment) == "2026-11-22T18:00:00Z"


def test_the_clock_of_a_station_is_learnt_from_its_freshest_frames() -> None:
    clock = StationClock()
    assert not clock.is_trusted
    assert clock.station_time(AT) == AT
    for delay_s in (1.5, 0.2, 0.9):
        ahead = timedelta(seconds=100 - delay_s)
        clock.learn(AT + ahead, AT)
    assert clock.is_trusted
    assert clock.station_time(AT) == AT + timedelta(seconds=99.8)


def test_a_step_or_a_large_offset_is_not_trusted_until_it_is_steady_again() -> None:
    clock = StationClock()
    clock.learn(AT, AT)
    clock.learn(AT + timedelta(seconds=30), AT)
    assert not clock.is_trusted
    for _ in range(8):
        clock.learn(AT + timedelta(seconds=30), AT)
    assert clock.is_trusted
    clock.reset()
    assert not clock.is_trusted
    clock.learn(AT + timedelta(seconds=MAX_CLOCK_OFFSET_S + 1), AT)
    assert not clock.is_trusted


@example(datetime.max.replace(tzinfo=UTC), AT, 100.0)
@example(datetime.min.replace(tzinfo=UTC), AT, 0.0)
@given(
    st.datetimes(timezones=st.just(UTC)),
    st.floats(-1e8, 1e9).map(lambda s: AT + timedelta(seconds=s)),
    st.floats(0.0, 1e8),
)
def test_no_clock_of_a_station_makes_a_time_that_cannot_be_written(
    sent_at: datetime, received_at: datetime, later_s: float
) -> None:
    clock = StationClock()
    clock.learn(sent_at, received_at)
    now = received_at + timedelta(seconds=later_s)
    ends_at = clock.station_time(now) + timedelta(days=1)
    assert parse_time(format_time(ends_at)) is not None
    assert clock.age_s(sent_at, now) >= 0.0
