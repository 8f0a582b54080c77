"""A station that forbids a setpoint of 0 W is told to be idle instead."""

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.events import StationReady
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.setpoint import WriteStatus
from tests.csms.charger import Charger
from tests.csms.peer import BOOT, Answer, Dialler, Payload, Rig
from tests.csms.test_setpoints import FULL, UPDATE, actions, write


def _period(payload: Payload) -> Payload:
    schedule = payload["chargingProfile"]["chargingSchedule"][0]
    period: Payload = schedule["chargingSchedulePeriod"][0]
    return period


def _forbid_zero(charger: Charger) -> None:
    def set_profile(payload: Payload) -> Answer:
        if _period(payload).get("setpoint") == 0:
            return {"status": "Rejected", "statusInfo": {"reasonCode": "ZeroPower"}}
        return charger._set_profile(payload)

    def update(payload: Payload) -> Answer:
        is_zero = payload["scheduleUpdate"].get("setpoint") == 0
        return {"status": "Rejected"} if is_zero else charger._update(payload)

    charger.peer.responders[FULL] = set_profile
    charger.peer.responders[UPDATE] = update


async def test_a_refused_0_is_followed_by_idle_and_said_so_from_then_on(
    rig: Rig, charger: Charger
) -> None:
    await charger.plug()
    _forbid_zero(charger)
    assert (await write(rig, -5000.0)).is_accepted
    assert (await write(rig, 0.0)).is_accepted
    assert actions(charger) == [FULL, UPDATE, FULL, FULL]
    idle = _period(charger.peer.payloads(FULL)[-1])
    assert idle["operationMode"] == "Idle"
    assert not {"setpoint", "limit", "dischargeLimit"} & set(idle)

    # It is known now; and a power is a setpoint as before.
    assert (await write(rig, -4000.0, is_renewal=True)).is_accepted
    assert _period(charger.peer.payloads(FULL)[-1])["setpoint"] == -4000.0
    assert (await write(rig, 0.0)).is_accepted
    assert actions(charger)[4:] == [FULL, FULL]
    assert _period(charger.peer.payloads(FULL)[-1])["operationMode"] == "Idle"


async def test_the_habit_is_kept_until_the_firmware_changes(
    rig: Rig, charger: Charger, dialler: Dialler
) -> None:
    await charger.plug()
    _forbid_zero(charger)
    assert (await write(rig, -5000.0)).is_accepted
    assert (await write(rig, 0.0)).is_accepted
    await charger.peer.leave()
    await rig.restart()
    for firmware, modes in (("1.0", ["Idle"]), ("2.0", ["CentralSetpoint"])):
        again = Charger(await dialler.dial())
        await again.peer.call("BootNotification", boot_with(firmware))
        rig.sink.clear()
        await rig.sink.wait_for(StationReady, is_dynamic)
        await again.plug(f"of {firmware}")
        transaction_id = TransactionId(f"of {firmware}")
        result = await write(rig, 0.0, transaction_id=transaction_id)
        assert result.is_accepted
        told = [p for p in again.peer.payloads(FULL) if p["evseId"] == 1]
        assert [_period(payload)["operationMode"] for payload in told] == modes
        await again.peer.leave()


def is_dynamic(ready: StationReady) -> bool:
    is_known = ready.capability.dialect is DischargeDialect.V21_DYNAMIC
    return ready.has_floor_profile and is_known


def boot_with(firmware: str) -> Payload:
    told = {**BOOT["chargingStation"], "firmwareVersion": firmware}  # type: ignore[dict-item]
    return {"reason": "PowerUp", "chargingStation": told}


async def test_a_station_that_refuses_both_has_not_stopped(
    rig: Rig, charger: Charger
) -> None:
    await charger.plug()
    assert (await write(rig, -5000.0)).is_accepted
    charger.peer.responders[FULL] = lambda _: {"status": "Rejected"}
    charger.peer.responders[UPDATE] = lambda _: {"status": "Rejected"}
    assert (await write(rig, 0.0)).status is WriteStatus.REJECTED
    # It obeys again: 0 W is said as 0 W.
    charger.peer.responders[FULL] = charger._set_profile
    assert (await write(rig, 0.0)).is_accepted
    assert _period(charger.peer.payloads(FULL)[-1])["setpoint"] == 0.0
