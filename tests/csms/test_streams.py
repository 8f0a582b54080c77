"""Values that come as a stream count while they agree with the meter."""

import pytest

from custom_components.v2g_vpp.domain.events import MeasurementReported
from tests.csms.monitoring import Monitoring, monitored
from tests.csms.peer import NOW, Dialler, Rig


def power_monitor(monitoring: Monitoring) -> int:
    return next(
        int(item["id"])
        for item in monitoring.held
        if item["variable"]["name"] == "Power"
    )


async def streaming(rig: Rig, dialler: Dialler) -> Monitoring:
    """Return a station with a transaction and an open stream 7 of its power."""
    monitoring = await monitored(rig, dialler)
    charger = monitoring.charger
    await charger.plug()
    answer = await charger.peer.call(
        "OpenPeriodicEventStream",
        {
            "constantStreamData": {
                "id": 7,
                "variableMonitoringId": power_monitor(monitoring),
                "params": {"interval": 1, "values": 1},
            }
        },
    )
    assert answer == {"status": "Accepted"}
    return monitoring


async def stream(monitoring: Monitoring, value: object, pending: int = 0) -> None:
    told = {
        "id": 7,
        "pending": pending,
        "basetime": NOW,
        "data": [{"t": 0, "v": str(value)}],
    }
    frame = [6, f"s{value}{pending}", "NotifyPeriodicEventStream", told]
    assert await monitoring.charger.peer.silent(frame)


async def meter(monitoring: Monitoring, power_w: float) -> None:
    charger = monitoring.charger
    sample = {"value": power_w, "measurand": "Power.Active.Import"}
    told = charger.event(
        "Updated",
        "MeterValuePeriodic",
        meterValue=[{"timestamp": NOW, "sampledValue": [sample]}],
    )
    await charger.peer.call("TransactionEvent", told)


def powers(rig: Rig) -> list[float]:
    return [
        event.measurement.power_w.value
        for event in rig.sink.of(MeasurementReported)
        if event.measurement.power_w is not None
    ]


async def test_a_stream_counts_once_it_agreed_with_the_meter(
    rig: Rig, dialler: Dialler
) -> None:
    monitoring = await streaming(rig, dialler)
    for _ in range(3):
        await stream(monitoring, 5000)
        await meter(monitoring, 5050.0)
    assert powers(rig) == 3 * [5050.0], "not before it is proven"
    await stream(monitoring, 5100)
    assert powers(rig)[-1] == 5100.0
    await meter(monitoring, -5000.0)
    await stream(monitoring, 5000)
    assert powers(rig)[-1] == -5000.0, "a stream without a sign is believed no more"


async def test_agreement_at_rest_proves_nothing(rig: Rig, dialler: Dialler) -> None:
    monitoring = await streaming(rig, dialler)
    for _ in range(5):
        await stream(monitoring, 0)
        await meter(monitoring, 0.0)
    await stream(monitoring, 3)
    assert powers(rig) == 5 * [0.0]


@pytest.mark.parametrize("value", ["nan", "inf", "x", "1e300", ""])
async def test_an_unusable_value_is_dropped(
    rig: Rig, dialler: Dialler, value: str
) -> None:
    monitoring = await streaming(rig, dialler)
    for _ in range(3):
        await stream(monitoring, 5000)
        await meter(monitoring, 5000.0)
    await stream(monitoring, value)
    assert powers(rig) == 3 * [5000.0]
    await stream(monitoring, 5001)
    assert powers(rig)[-1] == 5001.0


async def test_a_stream_that_piles_up_is_slowed_down(
    rig: Rig, dialler: Dialler
) -> None:
    monitoring = await streaming(rig, dialler)
    await stream(monitoring, 1, pending=15)
    await stream(monitoring, 2, pending=30)
    told = await monitoring.charger.peer.request("AdjustPeriodicEventStream")
    assert told == {"id": 7, "params": {"interval": 2, "values": 2}}


async def test_a_closed_stream_is_over(rig: Rig, dialler: Dialler) -> None:
    monitoring = await streaming(rig, dialler)
    for _ in range(3):
        await stream(monitoring, 5000)
        await meter(monitoring, 5000.0)
    assert (
        await monitoring.charger.peer.call("ClosePeriodicEventStream", {"id": 7}) == {}
    )
    await stream(monitoring, 6000)
    assert powers(rig) == 3 * [5000.0]


async def test_a_time_beyond_all_calendars_does_not_end_the_link(
    rig: Rig, dialler: Dialler
) -> None:
    monitoring = await streaming(rig, dialler)
    told = {
        "id": 7,
        "pending": 0,
        "basetime": "9999-12-31T23:59:59Z",
        "data": [{"t": 86_400, "v": "1000"}],
    }
    frame = [6, "s1", "NotifyPeriodicEventStream", told]
    assert await monitoring.charger.peer.silent(frame)
    await meter(monitoring, 1_000.0)
    assert monitoring.charger.peer.close_code is None
