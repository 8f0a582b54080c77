"""What of the home's events the aggregator may see: participation and forecast.

As everywhere on this wire: powers and classes of causes, no state of charge, no time
of departure.
"""

from ..domain.ids import ProgrammeId
from ..domain.programme_events import BookedEvent, EventPhase, Participation
from ..domain.snapshot import SiteSnapshot
from .event_messages import ExpectedWindow, Forecast, ParticipationNote

CHANGE_SHARE = 0.05
"""A change of what is expected that is worth a message (as for the availability)."""


def describe_participations(
    snapshot: SiteSnapshot, programme_id: ProgrammeId
) -> tuple[ParticipationNote, ...]:
    """Return the answer to each event that is ahead, runs, or was left by the owner."""
    programme = snapshot.programme(programme_id)
    if programme is None:
        return ()
    return tuple(
        _note(booked) for booked in programme.book.events if _is_answered(booked)
    )


def describe_forecast(
    snapshot: SiteSnapshot, programme_id: ProgrammeId
) -> Forecast | None:
    """Return the forecast, None while the owner shares none."""
    programme = snapshot.programme(programme_id)
    if programme is None or not programme.book.forecast:
        return None
    return Forecast(slots=programme.book.forecast)


def is_participation_news(
    before: ParticipationNote | None, after: ParticipationNote
) -> bool:
    """Return True when an answer differs so much that it should be given again."""
    if before is None or before.status is not after.status or before.why != after.why:
        return True
    if len(before.windows) != len(after.windows):
        return True
    return any(
        old.start_at != new.start_at or _is_far(old.expected_w, new.expected_w)
        for old, new in zip(before.windows, after.windows, strict=True)
    )


def _is_far(old_w: float, new_w: float) -> bool:
    return abs(old_w - new_w) > CHANGE_SHARE * max(abs(old_w), abs(new_w))


def _is_answered(booked: BookedEvent) -> bool:
    return not booked.is_over or booked.phase is EventPhase.OPTED_OUT


def _note(booked: BookedEvent) -> ParticipationNote:
    event = booked.event
    is_out = booked.participation is Participation.OPTED_OUT
    expected_w = booked.expected_w or (0.0,) * len(event.windows)
    return ParticipationNote(
        event_id=event.event_id,
        status=booked.participation,
        windows=tuple(
            ExpectedWindow(
                start_at=window.start_at, expected_w=0.0 if is_out else power_w
            )
            for window, power_w in zip(event.windows, expected_w, strict=True)
        ),
        why=booked.why,
        is_test=event.is_test,
    )
