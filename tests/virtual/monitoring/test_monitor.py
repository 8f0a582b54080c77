"""When a monitor triggers, without a station."""

from datetime import timedelta

import pytest

from custom_components.v2g_vpp.virtual.device_model import VariableName
from custom_components.v2g_vpp.virtual.monitoring.monitor import (
    Monitor,
    MonitorType,
    Watch,
    begin,
    look,
)
from custom_components.v2g_vpp.virtual.schedule import Moment
from tests.virtual.fake_clock import START

ALERT, CLEARED = "Alerting", "cleared"


def monitor(monitor_type: MonitorType, value: float) -> Monitor:
    return Monitor(
        monitor_id=5,
        name=VariableName(component="C", variable="V"),
        type=monitor_type,
        value=value,
        severity=5,
    )


def at(seconds: float) -> Moment:
    return Moment(mono_s=seconds, at=START + timedelta(seconds=seconds))


def said(watch: Watch, *texts: str) -> list[str | None]:
    """Return what a monitor says at each of several values."""
    words: list[str | None] = []
    for text in texts:
        watch, trigger = look(watch, text, at(1))
        reason = None if trigger is None else trigger.reason
        words.append(CLEARED if trigger and trigger.is_cleared else reason)
    return words


@pytest.mark.parametrize(
    ("monitor_type", "values", "words"),
    [
        (
            MonitorType.UPPER_THRESHOLD,
            ("70", "70.1", "71", "70", "69"),
            [None, ALERT, None, CLEARED, None],
        ),
        (
            MonitorType.LOWER_THRESHOLD,
            ("70", "69.9", "69", "70", "", "71"),
            [None, ALERT, None, CLEARED, None, None],
        ),
    ],
)
def test_threshold_is_told_beyond_it_and_cleared_on_it(
    monitor_type: MonitorType, values: tuple[str, ...], words: list[str | None]
) -> None:
    assert said(begin(monitor(monitor_type, 70.0), "70", at(0)), *values) == words


def test_delta_counts_from_the_value_that_was_told_last() -> None:
    watch = begin(monitor(MonitorType.DELTA, 2.0), "10", at(0))
    assert said(watch, "11", "12", "12.1", "14", "14.2", "10") == [
        None,
        None,
        "Delta",
        None,
        "Delta",
        "Delta",
    ]


def test_delta_of_a_text_is_any_change() -> None:
    watch = begin(monitor(MonitorType.DELTA, 1.0), "false", at(0))
    assert said(watch, "false", "true", "true", "false") == [
        None,
        "Delta",
        None,
        "Delta",
    ]


def test_period_counts_from_its_beginning_and_does_not_drift() -> None:
    watch = begin(monitor(MonitorType.PERIODIC, 10.0), "1", at(3))
    due = []
    for tenth in range(30, 1000, 3):
        watch, trigger = look(watch, "1", at(tenth / 10))
        if trigger is not None:
            due.append(tenth / 10)
    assert due == pytest.approx([13, 23, 33, 43, 53, 63, 73, 83, 93], abs=0.3)
    # A station that slept tells one value, not all that it missed.
    watch, trigger = look(watch, "1", at(500))
    assert trigger is not None
    assert look(watch, "1", at(502))[1] is None
    assert look(watch, "1", at(503))[1] is not None


def test_clock_aligned_period_follows_the_clock_on_the_wall() -> None:
    watch = begin(monitor(MonitorType.CLOCK_ALIGNED, 900.0), "1", at(60))
    assert look(watch, "1", at(899))[1] is None
    watch, trigger = look(watch, "1", at(901))
    assert trigger is not None
    assert trigger.reason == "Periodic"
    assert look(watch, "1", at(1799))[1] is None
    assert look(watch, "1", at(1800))[1] is not None


@pytest.mark.parametrize(
    ("new_value", "words"),
    [
        pytest.param(80.0, [CLEARED, None], id="higher than the value clears"),
        pytest.param(60.0, [ALERT, None], id="still exceeded is told anew"),
    ],
)
def test_other_threshold_in_the_place_of_an_exceeded_one(
    new_value: float, words: list[str | None]
) -> None:
    upper = MonitorType.UPPER_THRESHOLD
    old, _ = look(begin(monitor(upper, 70.0), "20", at(0)), "75", at(1))
    watch = begin(monitor(upper, new_value), "75", at(2), old)
    assert said(watch, "75", "75") == words
