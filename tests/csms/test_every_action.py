"""Every message that a station may send is answered, or refused in the right words."""

import json
from typing import Any

import pytest

from custom_components.v2g_vpp.csms.schemas import load_schemas
from custom_components.v2g_vpp.csms.versions import SERVED_VERSIONS
from script.benches.mutations import Mutator
from tests.csms.peer import Dialler, Rig
from tests.csms.scenario_table import Scene

BOOKS = load_schemas()
OF_1_6 = [
    "Authorize",
    "BootNotification",
    "DataTransfer",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "MeterValues",
    "StartTransaction",
    "StatusNotification",
    "StopTransaction",
    "LogStatusNotification",
    "SecurityEventNotification",
    "SignCertificate",
    "SignedFirmwareStatusNotification",
]
OF_2_0_1 = [
    "Authorize",
    "BootNotification",
    "ClearedChargingLimit",
    "DataTransfer",
    "FirmwareStatusNotification",
    "Get15118EVCertificate",
    "GetCertificateStatus",
    "Heartbeat",
    "LogStatusNotification",
    "MeterValues",
    "NotifyChargingLimit",
    "NotifyCustomerInformation",
    "NotifyDisplayMessages",
    "NotifyEVChargingNeeds",
    "NotifyEVChargingSchedule",
    "NotifyEvent",
    "NotifyMonitoringReport",
    "NotifyReport",
    "PublishFirmwareStatusNotification",
    "ReportChargingProfiles",
    "ReservationStatusUpdate",
    "SecurityEventNotification",
    "SignCertificate",
    "StatusNotification",
    "TransactionEvent",
]
OF_2_1 = [
    *OF_2_0_1,
    *[
        "GetCertificateChainStatus",
        "NotifyDERAlarm",
        "NotifyDERStartStop",
        "NotifyPriorityCharging",
        "OpenPeriodicEventStream",
        "ClosePeriodicEventStream",
        "PullDynamicScheduleUpdate",
        "ReportDERControl",
    ],
]
ANSWERED = {"ocpp1.6": OF_1_6, "ocpp2.0.1": OF_2_0_1, "ocpp2.1": OF_2_1}
NOT_FOR_A_HOME = ["BatterySwap", "NotifySettlement", "VatNumberValidation"]

CASES = [
    (protocol, action) for protocol, actions in ANSWERED.items() for action in actions
]


@pytest.mark.parametrize(
    ("protocol", "action"), CASES, ids=[f"{a}-{p}" for p, a in CASES]
)
async def test_each_is_answered_whatever_legal_thing_it_says(
    rig: Rig, dialler: Dialler, protocol: str, action: str
) -> None:
    peer = await Scene(rig, dialler, protocol).booted()
    mutator = Mutator(protocol, seed=len(action))
    for number in range(5):
        payload = mutator.sound(action)
        frame = [2, f"a{number}", action, payload]
        answer = await peer.ask(frame)
        assert answer[0] == 3, (answer, json.dumps(frame)[:500])
        assert answer[1] == f"a{number}"
        fault = BOOKS[protocol].fault_in_own_answer(action, answer[2])
        assert fault is None
    assert "currentTime" in await peer.call("Heartbeat", {})


@pytest.mark.parametrize("action", NOT_FOR_A_HOME)
async def test_what_is_not_for_a_home_is_not_supported(
    rig: Rig, dialler: Dialler, action: str
) -> None:
    peer = await Scene(rig, dialler, "ocpp2.1").booted()
    payload = Mutator("ocpp2.1", seed=1).sound(action)
    answer = await peer.ask([2, "x", action, payload])
    assert answer == [4, "x", "NotSupported", "", {}]


@pytest.mark.parametrize("protocol", [v.protocol for v in SERVED_VERSIONS])
async def test_what_only_we_may_ask_is_not_supported_and_a_stranger_not_implemented(
    rig: Rig, dialler: Dialler, protocol: str
) -> None:
    peer = await Scene(rig, dialler, protocol).booted()
    mutator = Mutator(protocol, seed=2)
    ours = sorted(
        set(mutator.actions)
        - set(ANSWERED[protocol])
        - {"NotifyPeriodicEventStream", *NOT_FOR_A_HOME}
    )
    assert "ClearCache" in ours
    for number, action in enumerate(ours):
        answer: list[Any] = await peer.ask(
            [2, f"o{number}", action, mutator.sound(action)]
        )
        assert answer == [4, f"o{number}", "NotSupported", "", {}]
    answer = await peer.ask([2, "s", "Teleport", {}])
    assert answer == [4, "s", "NotImplemented", "", {}]
