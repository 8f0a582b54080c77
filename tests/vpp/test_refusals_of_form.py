"""What has the form of a schema and would still harm: no message stops the home."""

from typing import Any

import pytest

from custom_components.v2g_vpp.vpp.fields import SchemaError
from custom_components.v2g_vpp.vpp.gate import Dropped, DropReason
from custom_components.v2g_vpp.vpp.parsing import parse
from custom_components.v2g_vpp.vpp.topics import DownType

from .actors import TOPICS
from .door import Door, code_of
from .test_events import judge, told

EDGES = ("0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z")
"""A spread, a round trip or a time zone later they are no dates any more."""


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("field", ["opt_out_until", "ts"])
def test_event_at_the_edge_of_the_calendar_has_no_form(edge: str, field: str) -> None:
    door = Door()
    message = told(door, start_spread_s=3600) | {field: edge}
    assert judge(door, message) == Dropped(reason=DropReason.FORM)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_window_at_the_edge_of_the_calendar_has_no_form(day: str) -> None:
    door = Door()
    window = {
        "start": f"{day}T23:00:00.000Z",
        "end": f"{day}T23:59:59.999Z",
        "power_w": -5000,
    }
    message = told(door, start_spread_s=3600, windows=[window])
    assert judge(door, message) == Dropped(reason=DropReason.FORM)


@pytest.mark.parametrize("edge", EDGES)
def test_clock_reply_at_the_edge_of_the_calendar_has_no_form(edge: str) -> None:
    door = Door()
    topic = TOPICS.down(DownType.CLOCK)
    message: Any = door.pen.payload(
        topic,
        "clock_reply",
        request_id="01938c5e-0000-7000-8000-000000000000",
        received_at=edge,
        sent_at=edge,
    )
    with pytest.raises(SchemaError):
        parse(DownType.CLOCK, door.pen.frame(topic, message).payload)


@pytest.mark.parametrize("edge", EDGES)
def test_command_at_the_edge_of_the_calendar_is_refused(edge: str) -> None:
    door = Door()
    command = door.pen.command(power_w=0) | {"start": edge, "end": edge}
    assert code_of(door.command(command)).value == "SCHEMA"
