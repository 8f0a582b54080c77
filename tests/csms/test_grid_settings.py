"""Grid settings are passed through, checked first, and every change is on record."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.events import FaultReported, GridSettingNoted
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.grid_settings import (
    FIELDS,
    KEPT_NOTES,
    ChangeGridSetting,
    ClearGridSettings,
    GridEvent,
    GridNote,
    ReadGridSettings,
)
from custom_components.v2g_vpp.domain.requests import StationAnswer
from custom_components.v2g_vpp.domain.setpoint import WriteStatus
from tests.csms.charger import INVENTORY, Charger, row
from tests.csms.peer import NOW, STATION, Answer, Dialler, Payload, Rig

OFFERS = row(
    "DCDERCtrlr",
    "ModesSupported",
    "EnterService,LimitMaxDischarge,FreqWatt",
    evse=1,
)
HALF = {"priority": 1, "pctMaxDischargePower": 50.0}
CURVE = {
    "priority": 0,
    "yUnit": "PctMaxW",
    "curveData": [{"x": 50.2, "y": 0.0}, {"x": 51.5, "y": -100.0}],
}


@dataclass
class Inverter:
    """The grid settings of a scripted station."""

    charger: Charger
    held: dict[str, Payload] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.charger.peer.responders |= {
            "SetDERControl": self._set,
            "GetDERControl": self._get,
            "ClearDERControl": self._clear,
        }

    def _set(self, payload: Payload) -> Answer:
        self.held[payload["controlId"]] = payload
        return {"status": "Accepted", "supersededIds": ["old"]}

    def _get(self, payload: Payload) -> Answer:
        found = [
            held
            for held in self.held.values()
            if payload.get("controlType") in (None, held["controlType"])
        ]
        if not found:
            return {"status": "NotFound"}
        for number, held in enumerate(found):
            name = FIELDS[held["controlType"]]
            told = {
                "id": held["controlId"],
                "isDefault": held["isDefault"],
                "isSuperseded": False,
                name: held[name],
            }
            if name == "curve":
                told["curveType"] = held["controlType"]
            self.charger.peer.after_answer.append(
                (
                    "ReportDERControl",
                    {
                        "requestId": payload["requestId"],
                        name: [told],
                        "tbc": number + 1 < len(found),
                    },
                )
            )
        return {"status": "Accepted"}

    def _clear(self, payload: Payload) -> Answer:
        known = self.held.pop(payload.get("controlId", ""), None)
        return {"status": "Accepted" if known else "NotFound"}


async def connected(
    rig: Rig, dialler: Dialler, *offers: Payload, protocol: str = "ocpp2.1"
) -> Inverter:
    charger = Charger(await dialler.dial((protocol,)), inventory=(*INVENTORY, *offers))
    inverter = Inverter(charger)
    await charger.boot()
    await charger.ready(rig.sink)
    return inverter


async def change(rig: Rig, **fields: Any) -> StationAnswer:
    request = ChangeGridSetting(
        **{
            "control_id": "lim50",
            "kind": "LimitMaxDischarge",
            "settings": HALF,
            "is_default": True,
            "asked_by": "somebody",
            **fields,
        }
    )
    return await rig.server.ask(STATION, request)


def notes(rig: Rig) -> list[GridNote]:
    return [event.note for event in rig.sink.of(GridSettingNoted)]


async def test_a_setting_is_sent_and_put_on_record(rig: Rig, dialler: Dialler) -> None:
    inverter = await connected(rig, dialler, OFFERS)
    answer = await change(rig)
    assert answer.result.is_accepted
    assert answer.data == {"control_id": "lim50", "superseded": ["old"]}
    assert inverter.charger.peer.payloads("SetDERControl") == [
        {
            "isDefault": True,
            "controlId": "lim50",
            "controlType": "LimitMaxDischarge",
            "limitMaxDischarge": HALF,
        }
    ]
    await change(rig, settings={**HALF, "pctMaxDischargePower": 40.0})
    first, second = notes(rig)
    assert (first.event, first.before, first.after) == (GridEvent.SET, (), HALF)
    assert first.asked_by == "somebody"
    assert second.before is not None
    assert second.before[0]["limitMaxDischarge"] == HALF, "what held before it"
    assert (first.number, second.number) == (1, 2)


async def test_the_record_survives_a_restart_and_goes_on_counting(
    rig: Rig, dialler: Dialler
) -> None:
    inverter = await connected(rig, dialler, OFFERS)
    await change(rig)
    await inverter.charger.peer.leave()
    await rig.restart()
    rig.sink.clear()
    again = await connected(rig, dialler, OFFERS)
    again.charger.peer.responders["SetDERControl"] = lambda _: {"status": "Rejected"}
    refused = await change(rig)
    assert refused.result.status is WriteStatus.REJECTED
    (note,) = notes(rig)
    assert (note.number, note.event, note.detail) == (2, GridEvent.REFUSED, "Rejected")
    assert len(kept(rig)) == 2


def kept(rig: Rig) -> list[dict[str, Any]]:
    assert rig.store.data is not None
    found: list[dict[str, Any]] = rig.store.data["stations"][STATION]["grid_notes"]
    return found


async def test_a_change_without_an_answer_is_on_record_too(
    rig: Rig, dialler: Dialler
) -> None:
    inverter = await connected(rig, dialler, OFFERS)
    peer = inverter.charger.peer

    def leave(_: Payload) -> Answer:
        dialler.spawn(peer.leave())
        return None

    peer.responders["SetDERControl"] = leave
    answer = await change(rig)
    assert answer.result.status is WriteStatus.OFFLINE
    assert [note.event for note in notes(rig)] == [GridEvent.SET], "it may hold"


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"kind": "VoltVar", "settings": CURVE}, "no_grid_settings"),
        ({"settings": {"priority": "high"}}, "settings_not_legal"),
        ({"settings": {"pctMaxDischargePower": 50.0}}, "settings_not_legal"),
        ({"settings": {**HALF, "colour": "red"}}, "settings_not_legal"),
        ({"settings": {**HALF, "startTime": NOW}}, "settings_not_legal"),
        ({"settings": {**HALF, "duration": 60}}, "settings_not_legal"),
    ],
)
async def test_what_cannot_be_said_is_not_sent(
    rig: Rig, dialler: Dialler, fields: dict[str, Any], detail: str
) -> None:
    inverter = await connected(rig, dialler, OFFERS)
    answer = await change(rig, **fields)
    assert answer.result.detail == detail
    assert inverter.charger.peer.payloads("SetDERControl") == []
    assert notes(rig) == []


@pytest.mark.parametrize("protocol", ["ocpp2.1", "ocpp2.0.1"])
async def test_a_station_without_them_is_not_asked(
    rig: Rig, dialler: Dialler, protocol: str
) -> None:
    offers = () if protocol == "ocpp2.1" else (OFFERS,)
    inverter = await connected(rig, dialler, *offers, protocol=protocol)
    for request in (ReadGridSettings(), ClearGridSettings(is_default=True)):
        answer = await rig.server.ask(STATION, request)
        assert answer.result.detail in {"no_grid_settings", "not_offered"}
    asked = {action for action, _ in inverter.charger.peer.requests}
    assert not {action for action in asked if "DER" in action}


async def test_a_setting_with_a_time_begins_and_ends(
    rig: Rig, dialler: Dialler
) -> None:
    inverter = await connected(rig, dialler, OFFERS)
    peer = inverter.charger.peer
    window = {**CURVE, "startTime": NOW, "duration": 60.0}
    answer = await change(
        rig, control_id="w1", kind="FreqWatt", settings=window, is_default=False
    )
    assert answer.result.is_accepted
    for started in (True, False):
        told = {"controlId": "w1", "started": started, "timestamp": NOW}
        assert await peer.call("NotifyDERStartStop", told) == {}
    assert [(note.event, note.kind) for note in notes(rig)] == [
        (GridEvent.SET, "FreqWatt"),
        (GridEvent.STARTED, "FreqWatt"),
        (GridEvent.STOPPED, "FreqWatt"),
    ]


async def test_settings_are_read_from_every_part_of_the_report(
    rig: Rig, dialler: Dialler
) -> None:
    await connected(rig, dialler, OFFERS)
    await change(rig)
    await change(rig, control_id="fw", kind="FreqWatt", settings=CURVE)
    answer = await rig.server.ask(STATION, ReadGridSettings())
    assert answer.result.is_accepted
    found = {item["id"]: item["field"] for item in answer.data["settings"]}
    assert found == {"lim50": "limitMaxDischarge", "fw": "curve"}
    nothing = await rig.server.ask(STATION, ReadGridSettings(kind="EnterService"))
    assert nothing.result.is_accepted
    assert nothing.data == {"settings": []}


async def test_what_is_cleared_is_on_record(rig: Rig, dialler: Dialler) -> None:
    inverter = await connected(rig, dialler, OFFERS)
    await change(rig)
    request = ClearGridSettings(
        is_default=True, control_id="lim50", asked_by="somebody"
    )
    answer = await rig.server.ask(STATION, request)
    assert answer.result.is_accepted
    assert inverter.charger.peer.payloads("ClearDERControl") == [
        {"isDefault": True, "controlId": "lim50"}
    ]
    note = notes(rig)[-1]
    assert (note.event, note.control_id, note.asked_by) == (
        GridEvent.CLEARED,
        "lim50",
        "somebody",
    )


async def test_an_alarm_of_the_grid_is_on_record(rig: Rig, dialler: Dialler) -> None:
    peer = (await connected(rig, dialler)).charger.peer
    told = {
        "controlType": "LFMustTrip",
        "gridEventFault": "UnderFrequency",
        "timestamp": NOW,
    }
    await peer.call("NotifyDERAlarm", told)
    await peer.call("NotifyDERAlarm", {**told, "alarmEnded": True})
    assert [(note.event, note.detail) for note in notes(rig)] == [
        (GridEvent.ALARM, "UnderFrequency"),
        (GridEvent.ALARM_ENDED, "UnderFrequency"),
    ]


async def test_the_record_is_bounded(rig: Rig, dialler: Dialler) -> None:
    peer = (await connected(rig, dialler)).charger.peer
    told = {"controlId": 36 * "x", "started": True, "timestamp": NOW}
    for _ in range(KEPT_NOTES + 5):
        await peer.call("NotifyDERStartStop", told)
    await peer.leave()
    await rig.restart()
    assert len(kept(rig)) == KEPT_NOTES
    assert kept(rig)[-1]["number"] == KEPT_NOTES + 5


async def test_the_last_end_of_an_alarm_ends_those_it_took_over_from(
    rig: Rig, dialler: Dialler
) -> None:
    peer = (await connected(rig, dialler)).charger.peer
    for told in (
        {"controlType": "FreqDroop", "gridEventFault": "OverFrequency"},
        {"controlType": "EnterService", "gridEventFault": "OverVoltage"},
        {"controlType": "EnterService", "alarmEnded": True},
    ):
        await peer.call("NotifyDERAlarm", {**told, "timestamp": NOW})
    faults = [(e.code, e.is_active) for e in rig.sink.of(FaultReported)]
    frequency = FaultCode.GRID_FREQ_OUT_OF_RANGE
    voltage = FaultCode.GRID_VOLTAGE_OUT_OF_RANGE
    assert faults == [
        (frequency, True),
        (voltage, True),
        (frequency, False),
        (voltage, False),
    ]
