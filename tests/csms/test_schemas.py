"""What is wrong with a payload, in the words of OCPP; what is tolerated."""

from typing import Any

import pytest

from custom_components.v2g_vpp.csms.ocpp_lib import read_schemas
from custom_components.v2g_vpp.csms.schemas import load_schemas
from custom_components.v2g_vpp.csms.versions import V21, V201, Fault

BOOKS = load_schemas()
EVENT: dict[str, Any] = {
    "eventType": "Started",
    "timestamp": "2026-11-22T18:00:00Z",
    "triggerReason": "Authorized",
    "seqNo": 0,
    "transactionInfo": {"transactionId": "t1"},
}


@pytest.mark.parametrize("protocol", [V21.protocol, V201.protocol])
@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, None),
        ({"seqNo": 1.0}, None),
        ({"seqNo": 1.5}, Fault.TYPE),
        ({"seqNo": "0"}, Fault.TYPE),
        ({"eventType": "Paused"}, Fault.PROPERTY),
        ({"timestamp": "yesterday"}, Fault.PROPERTY),
        ({"transactionInfo": {}}, Fault.OCCURRENCE),
        ({"transactionInfo": {"transactionId": "x" * 37}}, Fault.PROPERTY),
        ({"meterValue": []}, Fault.OCCURRENCE),
        ({"meterValue": "text"}, Fault.TYPE),
        # Tolerated, so that no reading, fault or end of a transaction is lost:
        ({"foo": 1}, None),
        ({"transactionInfo": {"transactionId": "t1", "foo": 1}}, None),
        ({"triggerReason": "VendorReason"}, None),
        ({"transactionInfo": {"transactionId": "t1", "stoppedReason": "X"}}, None),
        ({"timestamp": "2026-11-22T18:00:00"}, None),
        ({"meterValue": [{"timestamp": "x", "sampledValue": [{"value": "a"}]}]}, None),
        ({"meterValue": ["text"]}, None),
    ],
)
def test_a_transaction_event_is_judged_by_its_skeleton(
    protocol: str, changes: dict[str, Any], fault: Fault | None
) -> None:
    payload = {**EVENT, **changes}
    assert BOOKS[protocol].fault_in_request("TransactionEvent", payload) is fault


def test_the_worst_of_several_faults_is_named() -> None:
    book = BOOKS["ocpp2.1"]
    broken: dict[str, Any] = {"seqNo": "0", "eventType": "Paused"}
    assert book.fault_in_request("TransactionEvent", broken) is Fault.OCCURRENCE
    broken = {**EVENT, "seqNo": "0", "eventType": "Paused"}
    assert book.fault_in_request("TransactionEvent", broken) is Fault.TYPE


def test_other_requests_are_held_to_the_letter() -> None:
    book = BOOKS["ocpp2.1"]
    assert book.fault_in_request("Heartbeat", {}) is None
    assert book.fault_in_request("Heartbeat", {"foo": 1}) is Fault.FORMAT
    assert book.fault_in_request("Heartbeat", {"customData": {"vendorId": "x"}}) is None


def test_answers_of_stations_may_hold_more_than_is_known() -> None:
    book = BOOKS["ocpp2.1"]
    action = "SetChargingProfile"
    assert book.fault_in_answer(action, {"status": "Accepted", "x": 1}) is None
    assert book.fault_in_answer(action, {"status": "Perhaps"}) is Fault.PROPERTY
    assert book.fault_in_answer(action, {}) is Fault.OCCURRENCE
    assert book.fault_in_own_answer("Heartbeat", {"x": 1}) is Fault.OCCURRENCE


def test_actions_belong_to_their_version() -> None:
    assert BOOKS["ocpp2.1"].knows("UpdateDynamicSchedule")
    assert not BOOKS["ocpp2.0.1"].knows("UpdateDynamicSchedule")
    assert BOOKS["ocpp2.0.1"].knows("GetVariables")


@pytest.mark.parametrize(("protocol", "count"), [("ocpp1.6", 78), ("ocpp2.1", 181)])
def test_every_schema_of_the_package_is_read(protocol: str, count: int) -> None:
    assert len(list(read_schemas(protocol))) == count
