"""Bringing a station up, whatever it can and cannot do."""

from typing import Any

import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.events import (
    StationBooted,
    StationReady,
    TransactionPhase,
    TransactionReported,
)
from custom_components.v2g_vpp.domain.policy import StationLimits
from tests.csms.charger import INVENTORY, Charger, row
from tests.csms.peer import BOOT, Answer, Dialler, Payload, Rig, config


async def brought_up(rig: Rig, charger: Charger) -> StationReady:
    await charger.boot()
    return await rig.sink.wait_for(StationReady)


async def test_without_a_report_the_station_is_asked_one_by_one(
    rig: Rig, dialler: Dialler
) -> None:
    charger = Charger(await dialler.dial())
    charger.peer.responders["GetBaseReport"] = lambda _: "NotSupported"
    charger.variables |= {
        "Enabled": "true",
        "SupportedOperationModes": "CentralSetpoint",
        "SupportsDynamicProfiles": "true",
    }
    ready = await brought_up(rig, charger)
    assert ready.capability.dialect is DischargeDialect.V21_DYNAMIC
    assert ready.capability.evse_ids == (1,)


async def test_a_station_that_takes_one_variable_at_a_time_is_asked_so(
    rig: Rig, dialler: Dialler
) -> None:
    charger = Charger(await dialler.dial())
    good = charger.peer.responders["GetVariables"]

    def one_by_one(payload: Payload) -> Answer:
        return (
            good(payload) if len(payload["getVariableData"]) == 1 else "InternalError"
        )

    charger.peer.responders["GetVariables"] = one_by_one
    ready = await brought_up(rig, charger)
    assert ready.capability.reports_export


async def test_a_station_that_knows_nothing_still_gets_ready_without_discharge(
    rig: Rig, dialler: Dialler
) -> None:
    peer = await dialler.dial()
    await peer.call("BootNotification", BOOT)
    ready = await rig.sink.wait_for(StationReady)
    assert ready.capability.dialect is DischargeDialect.NONE
    assert not ready.has_floor_profile
    assert not ready.capability.reports_export


@pytest.mark.parametrize(
    ("limit", "has_floor"), [(0.0, True), (1400.0, False), (None, False)]
)
async def test_where_profiles_cannot_be_read_the_composite_schedule_proves_the_floor(
    rig: Rig, dialler: Dialler, limit: float | None, has_floor: bool
) -> None:
    charger = Charger(await dialler.dial())
    charger.peer.responders["GetChargingProfiles"] = lambda _: "NotSupported"

    def composite(_: Payload) -> Answer:
        if limit is None:
            return {"status": "Rejected"}
        return {
            "status": "Accepted",
            "schedule": {
                "evseId": 0,
                "duration": 60,
                "scheduleStart": "2026-11-22T18:00:00Z",
                "chargingRateUnit": "W",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
            },
        }

    charger.peer.responders["GetCompositeSchedule"] = composite
    ready = await brought_up(rig, charger)
    assert ready.has_floor_profile is has_floor


async def test_while_a_transaction_runs_a_composite_schedule_proves_nothing(
    rig: Rig, dialler: Dialler, charger: Charger
) -> None:
    await charger.plug()
    await charger.peer.leave()
    again = Charger(await dialler.dial())
    again.transaction = "t1"
    again.peer.responders["GetChargingProfiles"] = lambda _: "NotSupported"
    rig.sink.clear()
    ready = await rig.sink.wait_for(StationReady)
    assert not ready.has_floor_profile
    assert again.peer.payloads("GetCompositeSchedule") == []


async def test_a_refused_floor_is_tried_again(
    rig: Rig, dialler: Dialler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "custom_components.v2g_vpp.csms.provisioning.FLOOR_RETRY_S", 0.02
    )
    charger = Charger(await dialler.dial())
    good = charger.peer.responders["SetChargingProfile"]
    charger.peer.responders["SetChargingProfile"] = lambda _: {"status": "Rejected"}
    ready = await brought_up(rig, charger)
    assert not ready.has_floor_profile
    charger.peer.responders["SetChargingProfile"] = good
    assert (await charger.ready(rig.sink)).has_floor_profile


async def test_a_floor_that_is_accepted_but_not_there_is_no_floor(
    rig: Rig, dialler: Dialler
) -> None:
    charger = Charger(await dialler.dial())
    charger.peer.responders["SetChargingProfile"] = lambda _: {"status": "Accepted"}
    ready = await brought_up(rig, charger)
    assert not ready.has_floor_profile


async def test_changed_limits_write_the_floor_anew(rig: Rig, charger: Charger) -> None:
    rig.sink.clear()
    limits = StationLimits(unattended_charge_w=1400.0)
    rig.server.adopt(config(limits=limits))
    await charger.ready(rig.sink)
    (schedule,) = charger.profiles[1000]["chargingSchedule"]
    assert schedule["chargingSchedulePeriod"][0]["limit"] == 1400.0


async def test_a_reboot_confirms_the_floor_anew(rig: Rig, charger: Charger) -> None:
    charger.profiles.clear()
    rig.sink.clear()
    await charger.boot()
    kinds = [type(event) for event in rig.sink.events]
    assert kinds[:2] == [StationBooted, StationReady]
    assert not rig.sink.of(StationReady)[0].has_floor_profile, "not known any more"
    await charger.ready(rig.sink)
    assert 1000 in charger.profiles
    assert charger.reports == 1, "the same firmware has the same device model"


async def test_a_new_firmware_is_read_anew(rig: Rig, charger: Charger) -> None:
    rig.sink.clear()
    charger.inventory = tuple(
        item for item in INVENTORY if item["variable"]["name"] != "Enabled"
    )
    told = {**BOOT["chargingStation"], "firmwareVersion": "2.0"}  # type: ignore[dict-item]
    await charger.peer.call("BootNotification", {**BOOT, "chargingStation": told})
    ready = await charger.ready(rig.sink)
    assert charger.reports == 2
    assert ready.capability.dialect is DischargeDialect.NONE


async def test_a_transaction_that_ended_unseen_is_ended(
    rig: Rig, dialler: Dialler, charger: Charger
) -> None:
    await charger.plug()
    await charger.peer.leave()
    rig.sink.clear()
    again = Charger(await dialler.dial())
    ended = await rig.sink.wait_for(
        TransactionReported, lambda event: event.phase is TransactionPhase.ENDED
    )
    assert ended.transaction_id == "t1"
    assert again.transaction is None


async def test_the_station_is_asked_for_its_present_state(
    rig: Rig, charger: Charger
) -> None:
    await charger.peer.request("TriggerMessage", 2)
    assert charger.peer.payloads("TriggerMessage") == [
        {
            "requestedMessage": "StatusNotification",
            "evse": {"id": 1, "connectorId": 1},
        },
        {"requestedMessage": "TransactionEvent", "evse": {"id": 1}},
    ]


# --- measurands -------------------------------------------------------------------


def refusing(charger: Charger, *unknown: str) -> None:
    """Refuse lists with a measurand that the station does not have."""
    good = charger.peer.responders["SetVariables"]

    def answer(payload: Payload) -> Answer:
        (item,) = payload["setVariableData"]
        if set(item["attributeValue"].split(",")) & set(unknown):
            result: dict[str, Any] = {
                "component": item["component"],
                "variable": item["variable"],
                "attributeStatus": "Rejected",
            }
            return {"setVariableResult": [result]}
        return good(payload)

    charger.peer.responders["SetVariables"] = answer


async def test_a_station_without_some_measurands_gets_the_vital_ones(
    rig: Rig, dialler: Dialler
) -> None:
    charger = Charger(await dialler.dial())
    refusing(charger, "Frequency", "SoC", "1", "2")
    ready = await brought_up(rig, charger)
    assert ready.capability.reports_export
    assert charger.variables["TxUpdatedMeasurands"] == (
        "Power.Active.Import,Power.Active.Export,"
        "Energy.Active.Import.Register,Energy.Active.Export.Register"
    )
    assert charger.variables["TxUpdatedInterval"] == "5"


async def test_a_station_that_cannot_measure_export_is_told_apart(
    rig: Rig, dialler: Dialler
) -> None:
    charger = Charger(await dialler.dial())
    refusing(charger, "Power.Active.Export")
    ready = await brought_up(rig, charger)
    assert not ready.capability.reports_export


async def test_what_is_configured_already_is_not_written_again(
    rig: Rig, dialler: Dialler, charger: Charger
) -> None:
    variables = charger.variables
    await charger.peer.leave()
    again = Charger(await dialler.dial())
    again.variables = variables
    rig.sink.clear()
    await again.ready(rig.sink)
    assert again.peer.payloads("SetVariables") == []


async def test_a_declared_list_of_measurands_is_respected(
    rig: Rig, dialler: Dialler
) -> None:
    declared = row(
        "SampledDataCtrlr",
        "TxUpdatedMeasurands",
        "",
        valuesList="SoC,Power.Active.Export,Power.Active.Import",
    )
    charger = Charger(await dialler.dial(), (declared, *INVENTORY))
    ready = await brought_up(rig, charger)
    assert ready.capability.reports_export
    assert charger.variables["TxUpdatedMeasurands"] == (
        "Power.Active.Import,Power.Active.Export,SoC"
    )


async def test_measurands_of_a_v2x_session_are_set_too(
    rig: Rig, dialler: Dialler
) -> None:
    own = (
        row("V2XChargingCtrlr", "TxUpdatedMeasurands", "", instance="CentralSetpoint"),
        row("V2XChargingCtrlr", "TxUpdatedInterval", "60", evse=1),
    )
    charger = Charger(await dialler.dial(), (*own, *INVENTORY))
    await brought_up(rig, charger)
    subjects = [
        payload["setVariableData"][0]
        for payload in charger.peer.payloads("SetVariables")
        if payload["setVariableData"][0]["component"]["name"] == "V2XChargingCtrlr"
    ]
    assert [(s["component"], s["variable"]) for s in subjects] == [
        (
            {"name": "V2XChargingCtrlr"},
            {"name": "TxUpdatedMeasurands", "instance": "CentralSetpoint"},
        ),
        (
            {"name": "V2XChargingCtrlr", "evse": {"id": 1}},
            {"name": "TxUpdatedInterval"},
        ),
    ]


async def test_a_variable_that_does_not_exist_is_not_tried_again(
    rig: Rig, dialler: Dialler
) -> None:
    charger = Charger(await dialler.dial())

    def unknown(payload: Payload) -> Answer:
        (item,) = payload["setVariableData"]
        result = {
            "component": item["component"],
            "variable": item["variable"],
            "attributeStatus": "UnknownVariable",
        }
        return {"setVariableResult": [result]}

    charger.peer.responders["SetVariables"] = unknown
    await brought_up(rig, charger)
    assert len(charger.peer.payloads("SetVariables")) == 4


async def test_a_failure_of_ours_leaves_the_link_alive_and_is_tried_again(
    rig: Rig, dialler: Dialler, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = "custom_components.v2g_vpp.csms.provisioning"
    monkeypatch.setattr(f"{prefix}.FLOOR_RETRY_S", 0.02)

    def broken(*_: object) -> Any:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("custom_components.v2g_vpp.csms.bring_up_2.floor_request", broken)
        charger = Charger(await dialler.dial())
        await charger.boot()
        await charger.peer.request("GetBaseReport")
        assert "currentTime" in await charger.peer.call("Heartbeat", {})
        assert rig.sink.of(StationReady) == []
    assert (await charger.ready(rig.sink)).has_floor_profile
