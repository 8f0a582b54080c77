"""Priority charging over the wire (OCPP 2.1 K21, K22)."""

from typing import Any

from .conftest import Rig
from .fake_clock import until
from .scripted_csms import settle


def priority(limit_w: float = 7000.0, evse_id: int = 1) -> dict[str, Any]:
    return {
        "evseId": evse_id,
        "chargingProfile": {
            "id": 900,
            "stackLevel": 0,
            "chargingProfilePurpose": "PriorityCharging",
            "chargingProfileKind": "Relative",
            "chargingSchedule": [
                {
                    "id": 1,
                    "chargingRateUnit": "W",
                    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit_w}],
                }
            ],
        },
    }


async def use(rig: Rig, transaction_id: str, *, activate: bool) -> str:
    answer = await rig.csms.call(
        "UsePriorityCharging", {"transactionId": transaction_id, "activate": activate}
    )
    status: str = answer["status"]
    return status


async def test_priority_overrides_a_discharge_until_it_is_taken_back(rig: Rig) -> None:
    await rig.start()
    transaction_id = await rig.discharge(duration_s=300)
    assert await use(rig, transaction_id, activate=True) == "NoProfile"
    assert await rig.csms.call("SetChargingProfile", priority()) == {
        "status": "Accepted"
    }
    await rig.clock.advance(5)
    assert rig.true_w == -5000
    assert await use(rig, "other", activate=True) == "Rejected"
    assert await use(rig, transaction_id, activate=True) == "Accepted"
    await rig.clock.advance(5)
    assert rig.true_w == 7000
    await rig.csms.event(triggerReason="OperationModeChanged")
    info = rig.csms.events()[-1]["transactionInfo"]
    assert info["operationMode"] == "ChargingOnly"
    assert await use(rig, transaction_id, activate=False) == "Accepted"
    await rig.clock.advance(5)
    assert rig.true_w == -5000
    assert rig.csms.calls("NotifyPriorityCharging") == []


async def test_button_of_the_station_is_told(rig: Rig) -> None:
    await rig.start()
    assert not rig.station.press_priority()
    transaction_id = await rig.discharge(duration_s=300)
    assert not rig.station.press_priority()
    await rig.csms.call("SetChargingProfile", priority(evse_id=0))
    assert rig.station.press_priority()
    told = await rig.csms.came("NotifyPriorityCharging")
    assert told == {"transactionId": transaction_id, "activated": True}
    await rig.clock.advance(5)
    assert rig.true_w == 7000
    assert rig.station.press_priority()
    told = await rig.csms.came("NotifyPriorityCharging", 2)
    assert told["activated"] is False


async def test_priority_ends_with_its_transaction(rig: Rig) -> None:
    await rig.start()
    await rig.csms.call("SetChargingProfile", priority())
    transaction_id = await rig.discharge(duration_s=300)
    assert await use(rig, transaction_id, activate=True) == "Accepted"
    rig.station.unplug()
    await rig.all_told()
    await rig.clock.advance(1)
    rig.station.plug()
    await rig.clock.advance(1)
    await until(lambda: rig.station.status().is_contactor_closed)
    await rig.clock.advance(10)
    # The floor profile of ``discharge`` rules, at 0 W.
    assert rig.true_w == 0


async def test_priority_profile_that_discharges_is_refused(rig: Rig) -> None:
    await rig.start()
    wire = priority()
    (period,) = wire["chargingProfile"]["chargingSchedule"][0]["chargingSchedulePeriod"]
    del period["limit"]
    period |= {"operationMode": "CentralSetpoint", "setpoint": -3000}
    answer = await rig.csms.call("SetChargingProfile", wire)
    assert answer["statusInfo"]["reasonCode"] == "InvalidOperationMode"


async def test_2_0_1_knows_no_priority(rig: Rig) -> None:
    rig.csms.protocol = "ocpp2.0.1"
    await rig.start()
    reply = await rig.csms.ask("UsePriorityCharging", {})
    assert (reply[0], reply[2]) == (4, "NotImplemented")
    assert not rig.station.press_priority()
    await settle()
