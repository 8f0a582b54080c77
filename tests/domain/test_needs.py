"""What a vehicle told of its energy belongs to what it held at that moment."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from custom_components.v2g_vpp.domain.capability import EvCapability
from custom_components.v2g_vpp.domain.events import (
    ChargingNeedsReported,
    ConnectorReported,
    MeasurementReported,
    PriorityChargingReported,
    StationEvent,
    TransactionPhase,
    TransactionReported,
)
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId, TransactionId
from custom_components.v2g_vpp.domain.measurement import Measurement, Reading
from custom_components.v2g_vpp.domain.session import EvseSession, advance_evse
from custom_components.v2g_vpp.domain.state import ConnectorStatus

KEY = EvseKey(StationId("CS-1"), 1)
AT = datetime(2026, 11, 22, 18, tzinfo=UTC)
NEEDS = EvCapability(is_bidirectional=True, v2x_floor_wh=-12_000.0)


def soc(percent: float, mono_s: float) -> MeasurementReported:
    reading = Reading(value=percent, received_mono_s=mono_s, taken_at=AT)
    return MeasurementReported(key=KEY, measurement=Measurement(soc_percent=reading))


def needs(mono_s: float | None) -> ChargingNeedsReported:
    return ChargingNeedsReported(key=KEY, needs=NEEDS, heard_mono_s=mono_s)


STARTED = TransactionReported(
    key=KEY, transaction_id=TransactionId("t1"), phase=TransactionPhase.STARTED
)
ENDED = replace(STARTED, phase=TransactionPhase.ENDED)
GONE = ConnectorReported(key=KEY, connector_id=1, status=ConnectorStatus.AVAILABLE)


def after(*events: StationEvent) -> EvseSession:
    session = EvseSession(key=KEY)
    for event in (STARTED, *events):
        session = advance_evse(session, event)
    return session


@pytest.mark.parametrize(
    ("events", "held"),
    [
        pytest.param([needs(100.0)], None, id="nothing is known yet"),
        pytest.param([soc(70, 50.0), needs(100.0)], 70.0, id="just before"),
        pytest.param([soc(70, 10.0), needs(100.0)], None, id="long before"),
        pytest.param(
            [soc(70, 10.0), needs(100.0), soc(75, 101.0)], 75.0, id="the next one"
        ),
        pytest.param(
            [soc(70, 99.0), needs(100.0), soc(60, 900.0)], 70.0, id="the first counts"
        ),
        pytest.param(
            [soc(70, 99.0), needs(100.0), soc(60, 900.0), needs(901.0)],
            60.0,
            id="new needs count anew",
        ),
        pytest.param([soc(70, 99.0), needs(None)], 70.0, id="not known when"),
        pytest.param([soc(70, 99.0), needs(100.0), GONE], None, id="unplugged"),
    ],
)
def test_what_it_held_then(events: list[StationEvent], held: float | None) -> None:
    assert after(*events).needs_soc_percent == held


@pytest.mark.parametrize("end", [ENDED, GONE], ids=["transaction over", "unplugged"])
def test_the_button_ends_with_the_visit(end: StationEvent) -> None:
    pressed = PriorityChargingReported(key=KEY, is_active=True)
    assert after(pressed).is_priority_charging
    assert not after(pressed, replace(pressed, is_active=False)).is_priority_charging
    assert not after(pressed, end).is_priority_charging
