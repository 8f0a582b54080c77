"""OCPP 1.6: errors that a charge point tells with a status."""

from typing import Any

import pytest

from custom_components.v2g_vpp.domain.events import ConnectorReported, FaultReported
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.ids import EvseKey
from custom_components.v2g_vpp.domain.state import ConnectorStatus
from tests.csms.charge_point import PROTOCOL, ChargePoint, at
from tests.csms.peer import EVSE1, STATION, Dialler, Rig


def faults(rig: Rig) -> list[tuple[EvseKey, FaultCode, bool]]:
    return [(e.key, e.code, e.is_active) for e in rig.sink.of(FaultReported)]


@pytest.mark.parametrize(
    ("error", "status", "more", "code"),
    [
        ("GroundFailure", "Faulted", {}, FaultCode.GROUND_FAULT),
        ("OtherError", "Faulted", {"vendorErrorCode": "E61"}, FaultCode.GROUND_FAULT),
        ("HighTemperature", "Faulted", {}, FaultCode.HANDLE_OVER_TEMPERATURE),
        ("HighTemperature", "Charging", {}, FaultCode.OVER_TEMPERATURE),
        ("OverCurrentFailure", "Faulted", {}, FaultCode.OVER_CURRENT),
        ("PowerSwitchFailure", "Faulted", {}, FaultCode.CONTACTOR_WELDED),
        ("PowerMeterFailure", "Charging", {}, FaultCode.METER_FAILURE),
        ("OverVoltage", "Charging", {}, FaultCode.GRID_VOLTAGE_OUT_OF_RANGE),
        ("UnderVoltage", "Faulted", {}, FaultCode.GRID_VOLTAGE_OUT_OF_RANGE),
        ("ConnectorLockFailure", "Faulted", {}, FaultCode.CONNECTOR_LOCK_FAILURE),
    ],
)
async def test_an_error_is_a_fault_until_the_next_status_without_it(
    rig: Rig,
    point: ChargePoint,
    error: str,
    status: str,
    more: dict[str, Any],
    code: FaultCode,
) -> None:
    await point.status(status, error, **more)
    assert (EVSE1, code, True) in faults(rig)
    await point.status("Available")
    assert (EVSE1, code, False) in faults(rig)
    assert [f for f in faults(rig) if f[1] is code] == [
        (EVSE1, code, True),
        (EVSE1, code, False),
    ]


async def test_an_error_of_the_vehicle_link_counts_until_it_is_told_gone(
    rig: Rig, point: ChargePoint
) -> None:
    await point.plug(at(rig))
    await point.status("SuspendedEV", "EVCommunicationError")
    assert (EVSE1, FaultCode.EV_COMM_TIMEOUT, True) in faults(rig)
    await point.status("Charging")
    assert (EVSE1, FaultCode.EV_COMM_TIMEOUT, False) in faults(rig)


@pytest.mark.parametrize("status", ["Finishing", "Faulted"])
async def test_an_error_of_the_vehicle_link_counts_after_the_end_it_caused(
    rig: Rig, point: ChargePoint, status: str
) -> None:
    # Which of the two goes first is the charge point's choice.
    await point.plug(at(rig))
    await point.unplug(at(rig), reason="Other")
    await point.status(status, "EVCommunicationError")
    assert (EVSE1, FaultCode.EV_COMM_TIMEOUT, True) in faults(rig)
    assert (EVSE1, FaultCode.EV_COMM_TIMEOUT, False) not in faults(rig)
    await point.status("Available")
    assert (EVSE1, FaultCode.EV_COMM_TIMEOUT, False) in faults(rig)


async def test_connector_0_is_the_whole_charge_point_and_moves_no_plug(
    rig: Rig, dialler: Dialler
) -> None:
    point = ChargePoint(await dialler.dial(PROTOCOL), NumberOfConnectors="2")
    await point.boot()
    await point.ready(rig.sink)
    rig.sink.clear()
    whole = {"connectorId": 0, "errorCode": "InternalError"}
    both = [EVSE1, EvseKey(STATION, 2)]
    for status, is_active in (("Faulted", True), ("Available", False)):
        assert (
            await point.peer.call("StatusNotification", {**whole, "status": status})
            == {}
        )
        told = [f for f in faults(rig) if f[2] is is_active]
        assert told == [(key, FaultCode.STATION_FAULTED, is_active) for key in both]
    assert rig.sink.of(ConnectorReported) == [], "Available there unplugs nobody"
    await point.peer.call("StatusNotification", {**whole, "status": "Unavailable"})
    assert [e.status for e in rig.sink.of(ConnectorReported)] == [
        ConnectorStatus.UNAVAILABLE
    ] * 2
