"""From power-up to power: what the station says, in which order."""

import base64
from typing import Any

import pytest

from .conftest import Rig, central, floor
from .fake_clock import until
from .scripted_csms import ACCEPTED, BOOT, settle


async def test_station_dials_with_its_identity_and_password(rig: Rig) -> None:
    await rig.start()
    assert rig.csms.paths == ["/ocpp/CS 1"]
    credentials = base64.b64encode(b"CS 1:correct horse battery").decode()
    headers = rig.csms.headers[0]
    assert headers["Authorization"] == f"Basic {credentials}"
    assert headers["Sec-WebSocket-Protocol"] == "ocpp2.1,ocpp2.0.1"
    assert rig.csms.calls("BootNotification") == [
        {
            "reason": "PowerUp",
            "chargingStation": {
                "model": "Bidirectional 11",
                "vendorName": "Virtual",
                "serialNumber": "VIRTUAL-1",
                "firmwareVersion": "1.0.0",
            },
        }
    ]
    await until(
        lambda: rig.csms.states("Connector", "AvailabilityState") == ["Available"]
    )


async def test_nothing_but_boot_is_sent_before_it_is_accepted(rig: Rig) -> None:
    pending = {**BOOT, "status": "Pending", "interval": 60}
    rig.csms.answers["BootNotification"] = lambda _: pending
    await rig.start(is_accepted=False)
    await rig.csms.came("BootNotification")
    rig.station.plug()
    await rig.clock.advance(30)
    await settle()
    assert {frame[2] for frame in rig.csms.frames} == {"BootNotification"}
    rig.csms.answers["BootNotification"] = lambda _: BOOT
    await rig.clock.advance(31)
    await rig.csms.came("BootNotification", 2)
    await rig.csms.came("NotifyEvent")


async def test_triggered_boot_does_not_wait_for_the_interval(rig: Rig) -> None:
    pending = {**BOOT, "status": "Rejected", "interval": 600}
    rig.csms.answers["BootNotification"] = lambda _: pending
    await rig.start(is_accepted=False)
    await rig.csms.came("BootNotification")
    rig.csms.answers["BootNotification"] = lambda _: BOOT
    trigger = {"requestedMessage": "BootNotification"}
    answer = await rig.csms.call("TriggerMessage", trigger)
    assert answer == {"status": "Accepted"}
    await rig.clock.advance(0.5)
    await until(lambda: rig.station.status().is_registered)
    answer = await rig.csms.call("TriggerMessage", trigger)
    assert answer == {"status": "Rejected"}


async def test_plug_leads_to_authorization_transaction_and_needs(rig: Rig) -> None:
    await rig.start(startup_s=5.0, soc_percent=70.0)
    rig.station.plug()
    await rig.clock.advance(4)
    await settle()
    assert rig.csms.calls("Authorize") == []
    await rig.clock.advance(1.5)
    assert await rig.csms.came("Authorize") == {
        "idToken": {
            "idToken": "04A1B2C3D4E5F6",
            "type": "ISO14443",
            "additionalInfo": [
                {"additionalIdToken": "DEVIRTUALEV00001", "type": "EVCCID"}
            ],
        }
    }
    started = await rig.csms.event(eventType="Started")
    assert started["seqNo"] == 0
    assert started["triggerReason"] == "Authorized"
    assert started["evse"] == {"id": 1, "connectorId": 1}
    needs = (await rig.csms.came("NotifyEVChargingNeeds"))["chargingNeeds"]
    assert needs["requestedEnergyTransfer"] == "AC_BPT"
    assert needs["controlMode"] == "DynamicControl"
    parameters = needs["v2xChargingParameters"]
    assert parameters["maxDischargePower"] == 11_000
    assert parameters["minDischargePower"] == 1380
    assert parameters["evTargetEnergyRequest"] == pytest.approx(6000)
    assert parameters["evMinV2XEnergyRequest"] == pytest.approx(-36_000)
    assert parameters["evMaxV2XEnergyRequest"] == pytest.approx(12_000)
    order = [frame[2] for frame in rig.csms.frames if frame[0] == 2]
    assert order.index("Authorize") < order.index("TransactionEvent")
    assert order.index("TransactionEvent") < order.index("NotifyEVChargingNeeds")


async def test_vehicle_that_is_refused_waits_for_the_next_plug(rig: Rig) -> None:
    await rig.start()
    rig.csms.answers["Authorize"] = lambda _: {"idTokenInfo": {"status": "Blocked"}}
    rig.station.plug()
    await rig.clock.advance(1)
    await rig.csms.came("Authorize")
    await rig.clock.advance(30)
    await settle()
    assert len(rig.csms.calls("Authorize")) == 1
    assert rig.csms.events() == []
    rig.csms.answers["Authorize"] = lambda _: ACCEPTED
    rig.station.unplug()
    rig.station.plug()
    await rig.clock.advance(1)
    await rig.csms.event(eventType="Started")


async def test_bidirectional_transfer_needs_the_leave_of_the_csms(rig: Rig) -> None:
    rig.csms.answers["Authorize"] = lambda _: ACCEPTED
    await rig.start()
    transaction_id = await rig.plug()
    needs = rig.csms.calls("NotifyEVChargingNeeds")[0]["chargingNeeds"]
    assert needs["requestedEnergyTransfer"] == "AC_three_phase"
    assert needs["availableEnergyTransfer"] == ["AC_three_phase", "AC_BPT"]
    assert "maxDischargePower" not in needs["v2xChargingParameters"]
    refused = await rig.csms.call("SetChargingProfile", central(transaction_id, -5000))
    assert refused["status"] == "Rejected"
    await rig.csms.call("SetChargingProfile", floor())
    await rig.clock.advance(10)
    assert rig.true_w == 0

    allowed = {
        "transactionId": transaction_id,
        "allowedEnergyTransfer": ["AC_three_phase", "AC_BPT"],
    }
    answer = await rig.csms.call("NotifyAllowedEnergyTransfer", allowed)
    assert answer == {"status": "Accepted"}
    renewed = await rig.csms.came("NotifyEVChargingNeeds", 2)
    assert renewed["chargingNeeds"]["requestedEnergyTransfer"] == "AC_BPT"
    answer = await rig.csms.call("SetChargingProfile", central(transaction_id, -5000))
    assert answer == {"status": "Accepted"}
    await rig.clock.advance(4)
    assert rig.true_w == -5000

    withdrawn = {**allowed, "allowedEnergyTransfer": ["AC_three_phase"]}
    await rig.csms.call("NotifyAllowedEnergyTransfer", withdrawn)
    await rig.csms.came("NotifyEVChargingNeeds", 3)
    await rig.clock.advance(4)
    assert rig.true_w == 0


async def test_profile_before_the_needs_is_out_of_sequence(rig: Rig) -> None:
    await rig.start()
    rig.csms.answers["TransactionEvent"] = lambda _: None
    rig.station.plug()
    await rig.clock.advance(1)
    started = await rig.csms.event(eventType="Started")
    transaction_id = started["transactionInfo"]["transactionId"]
    answer = await rig.csms.call("SetChargingProfile", central(transaction_id, 0))
    assert answer["status"] == "Rejected"
    assert answer["statusInfo"]["reasonCode"] == "InvalidMessageSeq"
    other = await rig.csms.call("SetChargingProfile", central("nobody", 0))
    assert other["statusInfo"]["reasonCode"] == "TxNotFound"


async def test_vehicle_that_only_charges_says_so(rig: Rig) -> None:
    await rig.start(is_v2x_capable=False, phases=1)
    await rig.plug()
    needs = rig.csms.calls("NotifyEVChargingNeeds")[0]["chargingNeeds"]
    assert needs["requestedEnergyTransfer"] == "AC_single_phase"
    assert needs["availableEnergyTransfer"] == ["AC_single_phase"]


async def test_meter_is_read_while_a_promised_profile_is_waited_for(rig: Rig) -> None:
    rig.csms.answers["NotifyEVChargingNeeds"] = lambda _: {"status": "Accepted"}
    await rig.start(meter_interval_s=1.0)
    rig.station.plug()
    await rig.clock.advance(5)
    wanted = {"triggerReason": "MeterValuePeriodic"}
    await until(lambda: len(rig.csms.events(**wanted)) >= 4)
    assert not rig.station.status().is_contactor_closed
    assert rig.csms.events(**wanted)[0]["transactionInfo"]["chargingState"] == (
        "EVConnected"
    )


async def test_promised_profile_is_waited_for(rig: Rig) -> None:
    rig.csms.answers["NotifyEVChargingNeeds"] = lambda _: {"status": "Accepted"}
    await rig.start()
    rig.station.plug()
    await rig.clock.advance(1)
    await rig.csms.came("NotifyEVChargingNeeds")
    await rig.clock.advance(30)
    assert not rig.station.status().is_contactor_closed
    transaction_id = rig.station.status().transaction_id
    assert transaction_id is not None
    await rig.csms.call("SetChargingProfile", central(transaction_id, -5000))
    await rig.clock.advance(4)
    assert rig.true_w == -5000


async def test_promised_profile_that_never_comes_is_waited_for_a_minute(
    rig: Rig,
) -> None:
    rig.csms.answers["NotifyEVChargingNeeds"] = lambda _: {"status": "Processing"}
    await rig.start()
    await rig.csms.call("SetChargingProfile", floor(3000))
    rig.station.plug()
    await rig.clock.advance(1)
    await rig.csms.came("NotifyEVChargingNeeds")
    await rig.clock.advance(58)
    assert rig.true_w == 0
    await rig.clock.advance(5)
    assert rig.true_w == 3000


async def test_needs_that_are_rejected_end_the_transaction(rig: Rig) -> None:
    rig.csms.answers["NotifyEVChargingNeeds"] = lambda _: {"status": "Rejected"}
    await rig.start()
    rig.station.plug()
    await rig.clock.advance(1)
    ended = await rig.csms.event(eventType="Ended")
    assert ended["transactionInfo"]["stoppedReason"] == "ReqEnergyTransferRejected"
    assert not rig.station.status().is_contactor_closed


@pytest.mark.parametrize(
    "trouble",
    [[4, "InternalError", "", {}], {"status": "Maybe"}],
    ids=["an error", "an answer that is none"],
)
async def test_needs_without_an_answer_leave_the_default_profile(
    rig: Rig, trouble: Any
) -> None:
    rig.csms.answers["NotifyEVChargingNeeds"] = lambda _: trouble
    await rig.start()
    await rig.csms.call("SetChargingProfile", floor(3000))
    await rig.plug()
    await rig.clock.advance(4)
    assert rig.true_w == 3000


async def test_token_that_turns_invalid_ends_the_transaction(rig: Rig) -> None:
    await rig.start()
    await rig.discharge()
    rig.csms.answers["TransactionEvent"] = lambda _: {
        "idTokenInfo": {"status": "Invalid"}
    }
    await rig.csms.call("TriggerMessage", {"requestedMessage": "TransactionEvent"})
    await until(lambda: rig.station.status().charging_state is not None)
    await rig.clock.advance(3)
    ended = await rig.csms.event(eventType="Ended")
    assert ended["transactionInfo"]["stoppedReason"] == "DeAuthorized"
