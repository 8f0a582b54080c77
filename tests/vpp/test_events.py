"""Events at the gate: which of them count, and what this home makes of a spread."""

from datetime import timedelta
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.domain.dispatch import (
    AckCode,
    AckStatus,
    BindingClass,
    DispatchAck,
)
from custom_components.v2g_vpp.domain.event_picture import EventPicture
from custom_components.v2g_vpp.domain.programme_events import (
    BookedEvent,
    EventPhase,
    EventWindow,
    Participation,
    ProgrammeEvent,
)
from custom_components.v2g_vpp.vpp.dispatching import Dispatching
from custom_components.v2g_vpp.vpp.event_messages import Event
from custom_components.v2g_vpp.vpp.event_reporting import (
    describe_participations,
    is_participation_news,
)
from custom_components.v2g_vpp.vpp.gate import Dropped, DropReason, Passed
from custom_components.v2g_vpp.vpp.start_spread import start_delay_s
from custom_components.v2g_vpp.vpp.topics import DownType

from .actors import EPOCH_START, PROGRAMME, TOPICS, RecordingHome, wire_time
from .door import GROUP, Door
from .test_reporting import home as home_picture

EVENT = TOPICS.down(DownType.EVENT)


@pytest.fixture
def door() -> Door:
    return Door()


def told(door: Door, **body: Any) -> Any:
    """An event as an aggregator words it."""
    now = door.clock.utcnow()
    window = {
        "start": wire_time(now + timedelta(hours=1)),
        "end": wire_time(now + timedelta(hours=2)),
        "power_w": -5000,
    }
    return door.pen.payload(
        EVENT,
        "event",
        **{
            "status": "announced",
            "event_id": "peak-1",
            "programme_id": PROGRAMME,
            "windows": [window],
        }
        | body,
    )


def judge(door: Door, message: Any, *, is_retained: bool = False) -> Any:
    frame = door.pen.frame(EVENT, message, is_retained=is_retained)
    return door.gate.judge_event(frame, door.now)


def test_event_is_read_as_it_was_written(door: Door) -> None:
    event = judge(door, told(door, start_spread_s=60, test=True))
    assert isinstance(event, Event)
    assert event.windows[0].power_w == -5000.0
    assert event.windows[0].limit_w is None
    assert event.start_spread_s == 60
    assert event.is_test


def test_retained_event_is_ignored(door: Door) -> None:
    verdict = judge(door, told(door), is_retained=True)
    assert verdict == Dropped(reason=DropReason.RETAINED)


def test_unsigned_event_is_ignored(door: Door) -> None:
    frame = door.pen.frame(EVENT, told(door))
    forged = type(frame)(
        topic=frame.topic, payload=frame.payload, signatures=(), is_retained=False
    )
    verdict = door.gate.judge_event(forged, door.now)
    assert verdict == Dropped(reason=DropReason.SIGNATURE)


def test_event_of_another_programme_is_ignored(door: Door) -> None:
    verdict = judge(door, told(door, programme_id="other"))
    assert verdict == Dropped(reason=DropReason.FORM)


def test_event_counts_once_and_never_after_a_newer_one(door: Door) -> None:
    first, second = told(door), told(door, status="updated")
    assert isinstance(judge(door, second), Event)
    assert judge(door, second) == Dropped(reason=DropReason.OLD)
    assert judge(door, first) == Dropped(reason=DropReason.OLD)


def test_old_event_and_one_of_the_future_are_ignored(door: Door) -> None:
    message = told(door)
    door.clock.advance(13)
    assert judge(door, message) == Dropped(reason=DropReason.CLOCK)
    late = told(door) | {"ts": wire_time(door.clock.utcnow() + timedelta(seconds=3))}
    assert judge(door, late) == Dropped(reason=DropReason.CLOCK)


def test_event_counts_while_the_clocks_are_not_compared_yet() -> None:
    door = Door(is_measured=False)
    assert isinstance(judge(door, told(door)), Event)


def test_mark_of_events_survives_a_restart(door: Door) -> None:
    message = told(door)
    assert isinstance(judge(door, message), Event)
    again = Door(memory=type(door.memory).restore(door.memory.to_stored()))
    assert judge(again, message) == Dropped(reason=DropReason.OLD)


# ---- start_spread_s (rule 17)


@given(
    homes=st.lists(st.text("abc-1", min_size=1), min_size=2, unique=True),
    spread_s=st.integers(0, 3600),
)
def test_rule_17_delay_is_inside_the_spread_and_the_same_again(
    homes: list[str], spread_s: int
) -> None:
    for one in homes:
        delay_s = start_delay_s(one, "peak", spread_s)
        assert 0 <= delay_s <= spread_s
        assert delay_s == start_delay_s(one, "peak", spread_s)


def test_delays_of_many_homes_are_uniform() -> None:
    drawn = sorted(start_delay_s(f"north--h{n}", "peak", 100.0) for n in range(2000))
    worst = max(abs(d - n / 20.0) for n, d in enumerate(drawn))
    assert worst < 4.0, "Kolmogorov-Smirnov distance in percent"


def test_a_home_is_not_always_the_first() -> None:
    drawn = [start_delay_s("north--h1", f"peak-{n}", 100.0) for n in range(50)]
    assert min(drawn) < 20 < 80 < max(drawn)


def test_rule_17_start_and_end_are_put_off_alike(door: Door) -> None:
    plain = door.command(door.pen.command(start_s=60, end_s=120))
    other = Door()
    spread = other.command(
        other.pen.command(start_s=60, end_s=120, event_id="e", start_spread_s=30)
    )
    delay_s = start_delay_s(TOPICS.common_name, "e", 30)
    assert delay_s > 0
    assert spread.order.start_mono_s == pytest.approx(
        plain.order.start_mono_s + delay_s
    )
    assert spread.order.ends_mono_s == pytest.approx(plain.order.ends_mono_s + delay_s)


def test_both_windows_of_an_event_are_put_off_alike(door: Door) -> None:
    first = door.command(
        door.pen.command(start_s=60, end_s=120, event_id="e", start_spread_s=30)
    )
    second = door.command(
        door.pen.command(start_s=120, end_s=180, event_id="e", start_spread_s=30)
    )
    assert isinstance(second, Passed)
    assert first.order.ends_mono_s == pytest.approx(second.order.start_mono_s)


def test_command_of_a_group_is_spread_too(door: Door) -> None:
    message = door.pen.command(GROUP, kind="limit", power_w=2000, start_spread_s=60)
    order = door.command(message, GROUP).order
    delay_s = start_delay_s(TOPICS.common_name, message["id"], 60)
    assert order.start_mono_s == pytest.approx(door.clock.monotonic() + delay_s)


def test_late_command_is_not_put_off_twice(door: Door) -> None:
    message = door.pen.command(start_s=-3600, end_s=60, event_id="e", start_spread_s=30)
    order = door.command(message).order
    assert order.start_mono_s == door.clock.monotonic()


@pytest.mark.parametrize("kind", ["setpoint", "limit", "release"])
def test_stop_is_never_put_off(door: Door, kind: str) -> None:
    message = door.pen.command(kind=kind, power_w=0, event_id="e", start_spread_s=3600)
    assert door.command(message).order.start_mono_s == door.clock.monotonic()


# ---- test mode


def test_test_is_marked_in_every_answer() -> None:
    door, home = Door(), RecordingHome()
    answers: list[DispatchAck] = []
    dispatching = Dispatching(door.gate, home, answers.append, lambda: None)

    def take(**body: Any) -> str:
        message = door.pen.command(**body)
        dispatching.take_command(
            door.pen.frame(TOPICS.down(DownType.COMMAND), message), door.now
        )
        return str(message["id"])

    command_id = take(test=True)
    dispatching.tell(
        DispatchAck(order_id=command_id, status=AckStatus.DONE, code=AckCode.OK)
    )
    door.clock.advance(5)
    take(test=True, dry_run=True)
    door.clock.advance(5)
    take(test=True, start_s=50 * 3600, end_s=50 * 3600 + 60)
    assert [a.is_test for a in answers] == [True] * 4
    assert answers[-1].code is AckCode.NOT_YET
    door.clock.advance(5)
    take()
    assert not answers[-1].is_test
    known = door.memory.verdict(command_id)
    assert known is not None
    assert known.is_test
    again = type(door.memory).restore(door.memory.to_stored()).verdict(command_id)
    assert again == known


# ---- the answer to an event


def booked(**kwargs: Any) -> BookedEvent:
    hour = timedelta(hours=1)
    return BookedEvent(
        event=ProgrammeEvent(
            event_id="peak-1",
            programme_id=home_picture().programmes[0].programme_id,
            windows=(
                EventWindow(
                    start_at=EPOCH_START + hour,
                    end_at=EPOCH_START + 2 * hour,
                    power_w=-5000.0,
                ),
            ),
        ),
        **{
            "participation": Participation.OPTED_IN,
            "expected_w": (-4000.0,),
            "why": (BindingClass.USER,),
        }
        | kwargs,
    )


def answers(*events: BookedEvent) -> Any:
    picture = home_picture()
    (programme,) = picture.programmes
    programme = type(programme)(
        **{name: getattr(programme, name) for name in programme.__slots__}
        | {"book": EventPicture(events=events)}
    )
    picture = type(picture)(programmes=(programme,))
    return describe_participations(picture, programme.programme_id)


def test_answer_tells_power_and_class_alone() -> None:
    (note,) = answers(booked())
    assert note.status is Participation.OPTED_IN
    assert [one.expected_w for one in note.windows] == [-4000.0]
    assert note.why == (BindingClass.USER,)


def test_who_left_an_event_expects_nothing() -> None:
    (note,) = answers(
        booked(
            phase=EventPhase.OPTED_OUT, participation=Participation.OPTED_OUT, why=()
        )
    )
    assert [one.expected_w for one in note.windows] == [0.0]


@pytest.mark.parametrize(
    "phase", [EventPhase.FINISHED, EventPhase.WITHDRAWN, EventPhase.NOT_CALLED]
)
def test_what_is_over_is_not_answered(phase: EventPhase) -> None:
    assert answers(booked(phase=phase)) == ()


@pytest.mark.parametrize(
    ("expected_w", "is_news"), [(-4100.0, False), (-4300.0, True), (0.0, True)]
)
def test_small_change_of_what_is_expected_is_no_news(
    expected_w: float, is_news: bool
) -> None:
    (before,), (after,) = answers(booked()), answers(booked(expected_w=(expected_w,)))
    assert is_participation_news(before, after) is is_news
