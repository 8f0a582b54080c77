"""What waits for the CSMS while the link is lost."""

from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.virtual import transaction
from custom_components.v2g_vpp.virtual.plant import PowerEnvelope
from custom_components.v2g_vpp.virtual.transaction import (
    EventQueue,
    Transaction,
    charging_state,
    event_of,
)

TRIGGERS = ("Authorized", "ChargingStateChanged", "MeterValuePeriodic", "RemoteStop")


def event(number: int, trigger: str = "MeterValuePeriodic") -> object:
    running = Transaction(
        evse_id=1, transaction_id="t1", id_token={}, next_seq_no=number
    )
    return event_of(
        running,
        "Updated",
        trigger,
        timestamp="2026-11-22T18:00:00Z",
        is_offline=True,
        has_operation_modes=True,
        stopped_reason=None,
        meter_value=None,
    )


def drain(queue: EventQueue) -> list[tuple[int, str]]:
    found = []
    while queue.head is not None:
        found.append((queue.head.seq_no, queue.head.trigger_reason))
        queue.pop()
    return found


@given(st.lists(st.sampled_from(TRIGGERS), max_size=60), st.integers(2, 20))
def test_full_queue_loses_readings_and_nothing_else(
    triggers: list[str], most: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transaction, "MAX_QUEUED_EVENTS", most)
        queue = EventQueue()
        for number, trigger in enumerate(triggers):
            queue.append(event(number, trigger))
    found = drain(queue)
    assert found == sorted(found)
    kept = [number for number, trigger in found if trigger != "MeterValuePeriodic"]
    wanted = [
        n for n, trigger in enumerate(triggers) if trigger != "MeterValuePeriodic"
    ]
    assert kept == wanted
    assert len(found) <= max(most, len(wanted) + 2)
    if triggers:
        assert found[0][0] == 0
        assert found[-1][0] == len(triggers) - 1


def test_queue_knows_whose_events_wait() -> None:
    queue = EventQueue()
    queue.append(event(0))
    assert queue.holds("t1")
    assert not queue.holds("t2")
    queue.pop()
    assert not queue.holds("t1")


READY: dict[str, Any] = {
    "is_ready": True,
    "is_closed": True,
    "command_w": -5000.0,
    "minimum_power_w": 1380.0,
    "envelope": PowerEnvelope(highest_w=11_000, lowest_w=-11_000),
}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "Charging"),
        ({"command_w": 5000.0}, "Charging"),
        ({"is_ready": False}, "EVConnected"),
        ({"is_closed": False}, "SuspendedEVSE"),
        ({"command_w": 0.0}, "SuspendedEVSE"),
        ({"command_w": 1000.0}, "SuspendedEVSE"),
        ({"command_w": 0.0, "minimum_power_w": 0.0}, "SuspendedEVSE"),
        ({"envelope": PowerEnvelope(highest_w=11_000, lowest_w=0)}, "SuspendedEV"),
    ],
    ids=[
        "discharging is charging to OCPP",
        "charging",
        "not agreed yet",
        "contactor open",
        "nothing asked",
        "less than the minimum asked",
        "nothing asked of a charger without a minimum",
        "battery empty",
    ],
)
def test_charging_state(changes: dict[str, Any], state: str) -> None:
    assert charging_state(**{**READY, **changes}) == state
