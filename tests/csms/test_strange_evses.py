"""No home has a thousand EVSEs: what a station says of them is not kept."""

from typing import Any

from custom_components.v2g_vpp.csms.device_model import summarise
from custom_components.v2g_vpp.csms.model_rows import rows_of_report
from custom_components.v2g_vpp.domain.events import (
    ChargingNeedsReported,
    VehicleScheduleReported,
)
from custom_components.v2g_vpp.domain.ids import MOST_EVSES
from tests.csms.charger import Charger, row
from tests.csms.peer import NOW, STATION, Dialler, Rig

SAMPLES = [{"timestamp": NOW, "sampledValue": [{"value": 1.0}]}]
STRANGE = (MOST_EVSES + 1, 5_000, 2**31, -3)


def _told_of(evse_id: int) -> list[tuple[str, dict[str, Any]]]:
    component = {"name": "RCD", "evse": {"id": evse_id}}
    event = {
        "eventId": 1,
        "timestamp": NOW,
        "trigger": "Delta",
        "eventNotificationType": "CustomMonitor",
        "component": component,
        "variable": {"name": "Tripped"},
        "actualValue": "true",
    }
    status = {"timestamp": NOW, "connectorStatus": "Occupied", "connectorId": 1}
    needs = {
        "requestedEnergyTransfer": "AC_BPT",
        "acChargingParameters": {
            "energyAmount": 1,
            "evMinCurrent": 1,
            "evMaxCurrent": 1,
            "evMaxVoltage": 1,
        },
    }
    schedule = {
        "id": 1,
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 1.0}],
    }
    return [
        ("StatusNotification", {**status, "evseId": evse_id}),
        ("MeterValues", {"evseId": evse_id, "meterValue": SAMPLES}),
        ("NotifyEvent", {"generatedAt": NOW, "seqNo": 0, "eventData": [event]}),
        ("NotifyEVChargingNeeds", {"evseId": evse_id, "chargingNeeds": needs}),
        (
            "NotifyEVChargingSchedule",
            {"timeBase": NOW, "evseId": evse_id, "chargingSchedule": schedule},
        ),
        (
            "TransactionEvent",
            {
                "eventType": "Started",
                "timestamp": NOW,
                "triggerReason": "Authorized",
                "seqNo": 0,
                "transactionInfo": {"transactionId": f"t{evse_id}"},
                "evse": {"id": evse_id, "connectorId": 1},
                "meterValue": SAMPLES,
                "idToken": {"idToken": "04A1", "type": "ISO14443"},
            },
        ),
    ]


async def test_what_is_said_of_an_evse_that_no_home_has_is_answered_and_dropped(
    rig: Rig, dialler: Dialler
) -> None:
    peer = await dialler.dial(("ocpp2.1",))
    charger = Charger(peer)
    await charger.boot()
    await charger.ready(rig.sink)
    rig.sink.clear()
    for evse_id in STRANGE:
        for number, (action, payload) in enumerate(_told_of(evse_id)):
            frame = await peer.ask([2, f"{evse_id}.{number}", action, payload])
            is_illegal = evse_id < 0
            if action == "TransactionEvent" and not is_illegal:
                assert frame[0] == 3, "a refused one comes again"
    keys = {event.key.evse_id for event in rig.sink.events if hasattr(event, "key")}
    assert keys <= {1}
    station = rig.server._stations[STATION]
    assert {record.evse_id for record in station.ledger.records} <= {None}
    assert len(station.ledger.open_transactions()) <= 1


async def test_a_vehicle_is_at_one_evse_and_never_at_the_whole_station(
    rig: Rig, dialler: Dialler
) -> None:
    peer = await dialler.dial(("ocpp2.0.1",))
    charger = Charger(peer)
    await charger.boot()
    await charger.ready(rig.sink)
    needs = {"requestedEnergyTransfer": "AC_three_phase"}
    for action, told in _told_of(0):
        if "NotifyEVCharging" in action:
            asked = {**told, **({"chargingNeeds": needs} if "Needs" in action else {})}
            assert await peer.call(action, asked) == {"status": "Rejected"}
    assert not rig.sink.of(ChargingNeedsReported)
    assert not rig.sink.of(VehicleScheduleReported)


def test_a_device_model_has_no_more_evses_than_a_home() -> None:
    items = [
        row("Connector", "AvailabilityState", "Available", evse=number, connector=1)
        for number in range(-2, 200)
    ]
    told = summarise(rows_of_report(items), "1.0")
    assert told.evse_ids == tuple(range(1, MOST_EVSES + 1))
    assert len(told.connectors) == MOST_EVSES
