"""Times as the wall and the wire show them.

On the clock on the wall some come twice a year and some not at all.
"""

from datetime import UTC, datetime, time, timedelta, tzinfo

_MINUTE = timedelta(minutes=1)


def next_wall_time(wall: time, after: datetime, zone: tzinfo) -> datetime:
    """Return the first moment after ``after`` at which the wall shows a time, UTC.

    Where the clock is set forward over it, the first time that exists counts. Where it
    is set back and comes twice, the earlier one does.

    Args:
        wall: local time of day, without a zone.
        after: aware.
        zone: of the home.
    """
    date = after.astimezone(zone).date()
    while True:
        moment = _moment(datetime.combine(date, wall), zone)
        if moment > after:
            return moment
        date += timedelta(days=1)


def format_moment(moment: datetime) -> str:
    """Return an aware UTC time as RFC 3339 with three decimals and ``Z``."""
    utc = moment.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"


def _moment(wall: datetime, zone: tzinfo) -> datetime:
    """Return the moment of a local date and time, UTC."""
    while True:
        moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) == wall:
            return moment
        # It does not exist: gaps end on a whole minute.
        wall = wall.replace(second=0, microsecond=0) + _MINUTE
