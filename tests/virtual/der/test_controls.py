"""Which grid setting rules, without a station (OCPP 2.1 R04)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from custom_components.v2g_vpp.virtual.der.control import DerType, parse_control
from custom_components.v2g_vpp.virtual.der.controls import Controls
from custom_components.v2g_vpp.virtual.schedule import format_time
from tests.virtual.fake_clock import START

LIMIT = DerType.LIMIT_MAX_DISCHARGE


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class Desk:
    """Controls by short names."""

    def __init__(self) -> None:
        self.controls = Controls()

    def default(self, name: str, rank: int) -> tuple[str, ...] | None:
        settings = {"priority": rank}
        return self.controls.set(parse_control(name, LIMIT, settings, is_default=True))

    def scheduled(
        self, name: str, rank: int, start_s: float | None, duration_s: float | None
    ) -> tuple[str, ...] | None:
        settings: dict[str, Any] = {"priority": rank}
        if start_s is not None:
            settings["startTime"] = format_time(at(start_s))
        if duration_s is not None:
            settings["duration"] = duration_s
        return self.controls.set(parse_control(name, LIMIT, settings, is_default=False))

    def told(self, seconds: float) -> list[tuple[str, bool, tuple[str, ...]]]:
        return [
            (change.control_id, change.is_started, change.superseded_ids)
            for change in self.controls.advance(at(seconds))
        ]

    @property
    def ruling(self) -> str | None:
        control = self.controls.ruling(LIMIT)
        return None if control is None else control.control_id

    @property
    def superseded(self) -> set[str]:
        return {each.control_id for each in self.controls if each.is_superseded}


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_default_of_a_lower_number_supersedes(desk: Desk) -> None:
    assert desk.default("a", 5) == ()
    assert desk.default("b", 3) == ("a",)
    assert desk.ruling == "b"
    assert desk.default("c", 4) == ("c",)
    assert desk.ruling == "b"
    assert desk.superseded == {"a", "c"}


def test_scheduled_one_rules_in_its_time_and_is_forgotten_after(desk: Desk) -> None:
    desk.default("d", 0)
    assert desk.scheduled("s", 9, 10, 20) == ()
    assert desk.told(9) == []
    assert desk.ruling == "d"
    assert desk.told(10) == [("s", True, ())]
    assert desk.ruling == "s"
    # Another default meanwhile changes nothing (FR.04).
    assert desk.default("e", 0) == ("d",)
    assert desk.ruling == "s"
    assert desk.told(30) == [("s", False, ())]
    assert desk.ruling == "e"
    assert {each.control_id for each in desk.controls} == {"d", "e"}


def test_waiting_one_is_superseded_at_once(desk: Desk) -> None:
    desk.scheduled("a", 5, 10, 100)
    assert desk.scheduled("b", 3, 50, 100) == ("a",)
    assert desk.told(10) == []
    assert desk.ruling is None
    assert desk.told(50) == [("b", True, ())]


def test_active_one_goes_on_until_the_other_starts(desk: Desk) -> None:
    desk.scheduled("a", 5, 10, 100)
    desk.told(10)
    assert desk.scheduled("b", 3, 50, 20) == ()
    assert desk.ruling == "a"
    assert desk.told(50) == [("b", True, ("a",))]
    assert desk.ruling == "b"
    # What was superseded does not come back, and ends without a word.
    assert desk.told(70) == [("b", False, ())]
    assert desk.ruling is None
    assert desk.told(110) == []
    assert list(desk.controls) == []


def test_weaker_one_beside_an_active_one_is_superseded(desk: Desk) -> None:
    desk.scheduled("a", 1, 0, 100)
    desk.told(0)
    assert desk.scheduled("b", 2, 50, 10) == ("b",)
    assert desk.told(50) == []
    assert desk.ruling == "a"


def test_weaker_one_that_starts_beside_a_stronger_one_yields(desk: Desk) -> None:
    desk.scheduled("strong", 1, 10, 100)
    desk.scheduled("weak", 2, 20, 10)
    assert desk.told(10) == [("strong", True, ())]
    assert desk.told(20) == []
    assert desk.superseded == {"weak"}


def test_one_without_times_starts_now_and_stays(desk: Desk) -> None:
    desk.scheduled("s", 1, None, None)
    assert desk.told(0) == [("s", True, ())]
    assert desk.told(1e6) == []
    assert desk.ruling == "s"


def test_same_id_is_replaced_and_there_is_a_bound(desk: Desk) -> None:
    for number in range(24):
        assert desk.scheduled(f"c{number}", 1, 1000 + number, 1) is not None
    assert desk.scheduled("one too many", 1, 1, 1) is None
    assert desk.scheduled("c3", 0, 5, 5) is not None
    assert len(list(desk.controls)) == 24
