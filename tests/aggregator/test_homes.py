"""Presence and order of what a home says."""

from datetime import UTC, datetime
from typing import Any

from aggregator.homes import DEBOUNCE_S, Home, Presence
from aggregator.messages import Heartbeat, State

BOOT = "019ab120-0000-7000-8000-000000000007"
LATER_BOOT = "019ab120-0000-7000-8000-000000000008"
ENVELOPE: dict[str, Any] = {
    "version": "1.0",
    "id": BOOT,
    "ts": datetime(2026, 11, 23, tzinfo=UTC),
}


def state(status: str, connection: int, boot_id: str = BOOT) -> State:
    return State(
        **ENVELOPE,
        epoch=1,
        seq=1,
        status=status,
        boot_id=boot_id,
        connection=connection,
    )


def message(epoch: int, seq: int) -> Heartbeat:
    return Heartbeat(**ENVELOPE, epoch=epoch, seq=seq)


def test_an_offline_is_believed_after_ten_seconds_and_ended_by_a_birth() -> None:
    presence = Presence()
    assert presence.status(0) == "unknown"
    presence.note(state("online", 1), 0)
    presence.note(state("offline", 1), 5)
    assert presence.status(5 + DEBOUNCE_S - 0.1) == "online"
    assert presence.status(5 + DEBOUNCE_S) == "offline"
    presence.note(state("online", 2), 20)
    assert presence.status(1000) == "online"


def test_a_reconnect_within_the_debounce_is_no_absence() -> None:
    presence = Presence()
    presence.note(state("online", 1), 0)
    presence.note(state("offline", 1), 1)
    presence.note(state("online", 2), 3)
    assert presence.status(1000) == "online"
    assert presence.flaps == 1


def test_a_late_will_of_an_earlier_connection_means_nothing() -> None:
    presence = Presence()
    presence.note(state("online", 2), 0)
    presence.note(state("offline", 1), 1)
    assert presence.status(1000) == "online"


def test_a_late_will_of_an_earlier_boot_means_nothing() -> None:
    presence = Presence()
    presence.note(state("online", 1, LATER_BOOT), 0)
    presence.note(state("offline", 1), 1)
    assert presence.status(1000) == "online"


def test_a_second_will_does_not_begin_the_wait_anew() -> None:
    presence = Presence()
    presence.note(state("online", 1), 0)
    presence.note(state("offline", 1), 1)
    presence.note(state("offline", 1), 10)
    assert presence.status(11) == "offline"


def test_a_home_that_was_gone_before_we_came_is_offline_at_once() -> None:
    presence = Presence()
    presence.note(state("offline", 4), 0)
    assert presence.status(0) == "offline"


def test_old_and_repeated_messages_are_not_applied_again() -> None:
    home = Home(home_id="home-1")
    assert home.is_new("offer", message(1, 5))
    assert not home.is_new("offer", message(1, 5))
    assert not home.is_new("offer", message(1, 4))
    assert not home.is_new("offer", message(0, 9))
    assert home.is_new("offer", message(2, 1))
    assert home.is_new("ack", message(1, 1))
    assert home.counters["old"] == 2


def test_a_gap_is_counted_unless_we_were_away_ourselves() -> None:
    home = Home(home_id="home-1")
    home.is_new("offer", message(1, 1))
    home.is_new("offer", message(1, 3))
    assert home.counters["gap_offer"] == 1
    home.link_lost()
    home.is_new("offer", message(1, 9))
    home.is_new("offer", message(2, 40))
    assert home.counters["gap_offer"] == 1
