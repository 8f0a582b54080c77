"""What a guest is asked while it waits, and what the owner's page is told of it."""

import asyncio
from typing import Any

from aiohttp import ClientSession
import pytest

from custom_components.v2g_vpp.csms import visits
from custom_components.v2g_vpp.domain.ids import StationId
from custom_components.v2g_vpp.domain.visitor import (
    DischargeClaim,
    VisitorReport,
    VisitPhase,
)
from tests.csms.charge_point import BOOT_16
from tests.csms.peer import BOOT, NOW, STATION, Dialler, Peer, Rig, basic, config
from tests.csms.secure import SecureRig, utcnow
from tests.csms.test_tls_watch import knock

NEW = StationId("NEW")
OTHER = StationId("OTHER")
SECRET = "a-password-of-another-one"
TTL_S = 60.0
SAMPLE = {"timestamp": NOW, "sampledValue": [{"value": 1500.0}]}
POWER = {
    "evseId": 1,
    "meterValue": [
        {
            "timestamp": NOW,
            "sampledValue": [{"value": 0.0, "measurand": "Power.Active.Import"}],
        }
    ],
}


def report_of(rig: Rig | SecureRig, identity: StationId = NEW) -> VisitorReport:
    report = rig.server.visitor(identity)
    assert report is not None
    return report


async def until(rig: Rig, phase: VisitPhase) -> VisitorReport:
    async with asyncio.timeout(5):
        while report_of(rig).phase is not phase:
            await asyncio.sleep(0.01)
    return report_of(rig)


async def guest(rig: Rig, dialler: Dialler, protocol: str) -> Peer:
    rig.server.admit_provisionally(NEW, SECRET, TTL_S)
    peer = await dialler.dial((protocol,), identity=NEW, password=SECRET)
    peer.responders["TriggerMessage"] = lambda _: {"status": "Accepted"}
    return peer


def device_model(values: dict[str, str]) -> Any:
    """Answer GetVariables as a station does that knows these and nothing else."""

    def answer(payload: dict[str, Any]) -> dict[str, Any]:
        return {
            "getVariableResult": [
                {
                    "component": item["component"],
                    "variable": item["variable"],
                    **(
                        {
                            "attributeStatus": "Accepted",
                            "attributeValue": values[item["variable"]["name"]],
                        }
                        if item["variable"]["name"] in values
                        else {"attributeStatus": "UnknownComponent"}
                    ),
                }
                for item in payload["getVariableData"]
            ]
        }

    return answer


CAPABLE = {"Enabled": "true", "SupportedOperationModes": "ChargingOnly,CentralSetpoint"}


@pytest.mark.parametrize(
    ("protocol", "values", "claim"),
    [
        ("ocpp2.1", CAPABLE, DischargeClaim.CAN),
        ("ocpp2.1", CAPABLE | {"Enabled": "false"}, DischargeClaim.CANNOT),
        ("ocpp2.1", {}, DischargeClaim.CANNOT),
        ("ocpp2.0.1", {"Enabled": "false"}, DischargeClaim.CANNOT),
        ("ocpp2.0.1", {}, DischargeClaim.NOT_TOLD),
    ],
)
async def test_a_guest_is_read_step_by_step(
    rig: Rig,
    dialler: Dialler,
    protocol: str,
    values: dict[str, str],
    claim: DischargeClaim,
) -> None:
    peer = await guest(rig, dialler, protocol)
    peer.responders["GetVariables"] = device_model(values)
    assert report_of(rig).phase is VisitPhase.WAITING
    await peer.call("BootNotification", BOOT)
    report = await until(rig, VisitPhase.CONNECTED)
    told = (report.vendor, report.model, report.firmware, report.protocol)
    assert told == ("Acme", "V2X1", "1.0", protocol)
    asked = await peer.request("TriggerMessage")
    assert asked == {"requestedMessage": "MeterValues"}
    await peer.call("MeterValues", POWER)
    report = await until(rig, VisitPhase.READ)
    assert (report.power_w, report.claim) == (0.0, claim)
    assert {action for action, _ in peer.requests} == {"TriggerMessage", "GetVariables"}
    assert not rig.sink.events


async def test_a_charge_point_is_asked_for_its_meter_and_for_nothing_else(
    rig: Rig, dialler: Dialler
) -> None:
    peer = await guest(rig, dialler, "ocpp1.6")
    await peer.call("BootNotification", BOOT_16)
    await peer.request("TriggerMessage")
    values = [
        {
            "timestamp": utcnow().isoformat(),
            "sampledValue": [
                {"value": "1.2", "unit": "kW", "measurand": "Power.Active.Import"}
            ],
        }
    ]
    # A transaction that runs already is none of this home yet.
    await peer.call(
        "MeterValues", {"connectorId": 1, "transactionId": 7, "meterValue": values}
    )
    report = await until(rig, VisitPhase.READ)
    assert (report.power_w, report.claim) == (1200.0, DischargeClaim.NOT_TOLD)
    assert {action for action, _ in peer.requests} == {"TriggerMessage"}


@pytest.mark.parametrize(("status", "grace_s"), [("Accepted", 0.05), ("Rejected", 60)])
async def test_a_meter_that_says_nothing_holds_up_nothing(
    rig: Rig,
    dialler: Dialler,
    monkeypatch: pytest.MonkeyPatch,
    status: str,
    grace_s: float,
) -> None:
    monkeypatch.setattr(visits, "METER_GRACE_S", grace_s)
    peer = await guest(rig, dialler, "ocpp2.1")
    peer.responders["TriggerMessage"] = lambda _: {"status": status}
    peer.responders["GetVariables"] = device_model(CAPABLE)
    await peer.call("BootNotification", BOOT)
    report = await until(rig, VisitPhase.READ)
    assert not report.has_meter_values
    assert (report.power_w, report.claim) == (None, DischargeClaim.CAN)


async def test_a_meter_without_power_is_there_all_the_same(
    rig: Rig, dialler: Dialler
) -> None:
    peer = await guest(rig, dialler, "ocpp2.1")
    await peer.call("BootNotification", BOOT)
    await peer.call("MeterValues", {"evseId": 1, "meterValue": [SAMPLE]})
    report = report_of(rig)
    assert report.has_meter_values
    assert report.power_w is None


async def test_a_link_that_is_lost_begins_anew_until_all_was_read(
    rig: Rig, dialler: Dialler
) -> None:
    peer = await guest(rig, dialler, "ocpp2.1")
    await peer.call("BootNotification", BOOT)
    await until(rig, VisitPhase.CONNECTED)
    await peer.leave()
    assert (await until(rig, VisitPhase.WAITING)).model == "V2X1"
    peer = await dialler.dial(("ocpp2.1",), identity=NEW, password=SECRET)
    peer.responders["TriggerMessage"] = lambda _: {"status": "Accepted"}
    peer.responders["GetVariables"] = device_model(CAPABLE)
    await peer.call("BootNotification", BOOT)
    await peer.call("MeterValues", POWER)
    await until(rig, VisitPhase.READ)
    await peer.leave()
    async with asyncio.timeout(5):
        while report_of(rig).is_connected:
            await asyncio.sleep(0.01)
    assert report_of(rig).phase is VisitPhase.READ


async def test_refusals_are_told_until_it_is_in(rig: Rig, dialler: Dialler) -> None:
    rig.server.admit_provisionally(NEW, SECRET, TTL_S)
    rig.server.admit_provisionally(OTHER, SECRET, TTL_S)
    assert report_of(rig).refusal is None
    assert await dialler.status("NEW-2", basic("NEW-2", SECRET)) == 404
    for identity in (NEW, OTHER):
        refusal = report_of(rig, identity).refusal
        assert refusal is not None
        told = (refusal.identity, refusal.cause, refusal.is_stranger)
        assert told == ("NEW-2", "unknown_identity", True)
    assert await dialler.status(NEW, basic(NEW, "wrong-password-of-another")) == 401
    # What is surely its own is not hidden by a stranger, and is nobody else's.
    assert await dialler.status("NEW-3", basic("NEW-3", SECRET)) == 404
    refusal, other = report_of(rig).refusal, report_of(rig, OTHER).refusal
    assert refusal is not None
    assert other is not None
    assert (refusal.cause, other.identity) == ("wrong_password", "NEW-3")
    peer = await dialler.dial(("ocpp2.1",), identity=NEW, password=SECRET)
    assert "status" in await peer.call("BootNotification", BOOT)
    assert report_of(rig).refusal is None
    assert report_of(rig, OTHER).refusal is not None


async def test_a_mistake_of_a_station_of_the_home_is_no_hint(
    rig: Rig, dialler: Dialler
) -> None:
    rig.server.admit_provisionally(NEW, SECRET, TTL_S)
    assert await dialler.status(STATION, basic(STATION, SECRET)) == 401
    assert report_of(rig).refusal is None


async def test_many_refusals_are_hints_all_the_same(rig: Rig, dialler: Dialler) -> None:
    for number in range(20):
        await dialler.status(f"X-{number}", None)
    rig.server.admit_provisionally(NEW, SECRET, TTL_S)
    await dialler.status("LAST", None)
    refusal = report_of(rig).refusal
    assert refusal is not None
    assert refusal.identity == "LAST"


async def test_who_asks_for_a_page_is_told_apart(rig: Rig) -> None:
    rig.server.admit_provisionally(NEW, SECRET, TTL_S)
    async with ClientSession() as http:
        url = rig.url.replace("ws:", "http:")
        async with http.get(f"{url}{NEW}") as answer:
            assert answer.status == 401
    refusal = report_of(rig).refusal
    assert refusal is not None
    assert (refusal.cause, refusal.is_stranger) == ("not_a_websocket", False)


async def test_encryption_that_fails_is_told_the_first_time(secure: SecureRig) -> None:
    secure.server.admit_provisionally(NEW, SECRET, TTL_S)
    await knock(secure, None)
    async with asyncio.timeout(5):
        while (refusal := report_of(secure).refusal) is None:
            await asyncio.sleep(0.01)
    told = (refusal.cause, refusal.identity, refusal.is_stranger)
    assert told == ("tls_not_encrypted", "", True)
    # The owner is told outside the page only when it comes again and again.
    assert secure.refused == []


async def test_what_a_page_tells_is_told_nowhere_else(
    rig: Rig, dialler: Dialler
) -> None:
    rig.server.admit_provisionally(NEW, SECRET, TTL_S)
    wrong = basic(NEW, "wrong-password-of-another")
    assert await dialler.status(NEW, wrong) == 401
    assert report_of(rig).refusal is not None
    assert rig.refused == []
    # Once it is of the home, its repair has the word.
    rig.server.adopt(config(identity=NEW, password=SECRET))
    assert await dialler.status(NEW, wrong) == 401
    assert [(told[0], told[2]) for told in rig.refused] == [(NEW, "wrong_password")]


async def test_nobody_who_is_not_expected_has_a_report(rig: Rig) -> None:
    assert rig.server.visitor(NEW) is None
    assert rig.server.visitor(STATION) is None
    rig.server.admit_provisionally(NEW, SECRET, TTL_S)
    rig.server.end_provisional(NEW)
    assert rig.server.visitor(NEW) is None
