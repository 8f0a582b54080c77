"""The button for charging now at a station gets a profile, where it has such a button."""

import pytest

from tests.csms.charger import INVENTORY, Charger, row
from tests.csms.peer import Answer, Dialler, Payload, Rig

OFFERS = row(
    "SmartChargingCtrlr",
    "SupportedAdditionalPurposes",
    "PriorityCharging,LocalGeneration",
)


async def booted(dialler: Dialler, *offers: Payload) -> Charger:
    charger = Charger(await dialler.dial(), inventory=(*INVENTORY, *offers))
    await charger.boot()
    return charger


def priority(charger: Charger) -> list[Payload]:
    written = [
        p["chargingProfile"] for p in charger.peer.payloads("SetChargingProfile")
    ]
    return [p for p in written if p["chargingProfilePurpose"] == "PriorityCharging"]


async def test_it_is_written_once_and_found_again(rig: Rig, dialler: Dialler) -> None:
    charger = await booted(dialler, OFFERS)
    await charger.peer.until(lambda: len(priority(charger)) == 1)
    (profile,) = priority(charger)
    assert profile["id"] == 1500
    assert "transactionId" not in profile
    (schedule,) = profile["chargingSchedule"]
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 11_000.0}]
    assert "duration" not in schedule
    again = Charger(charger.peer, inventory=(*INVENTORY, OFFERS))
    again.profiles = charger.profiles
    rig.sink.clear()
    await again.boot()
    await again.ready(rig.sink)
    await charger.peer.until(
        lambda: (
            sum(
                p["chargingProfile"].get("chargingProfilePurpose") == "PriorityCharging"
                for p in charger.peer.payloads("GetChargingProfiles")
            )
            == 2
        )
    )
    assert await charger.peer.call("Heartbeat", {})
    assert len(priority(charger)) == 1, "it is there"


@pytest.mark.parametrize("is_refused", [True, False])
async def test_without_it_the_station_is_ready_all_the_same(
    rig: Rig, dialler: Dialler, *, is_refused: bool
) -> None:
    charger = Charger(
        await dialler.dial(),
        inventory=(*INVENTORY, OFFERS) if is_refused else INVENTORY,
    )
    accept = charger.peer.responders["SetChargingProfile"]

    def answer(payload: Payload) -> Answer:
        profile = payload["chargingProfile"]
        if profile["chargingProfilePurpose"] == "PriorityCharging":
            return {"status": "Rejected"}
        return accept(payload)

    charger.peer.responders["SetChargingProfile"] = answer
    await charger.boot()
    await charger.ready(rig.sink)
    await charger.peer.request("TriggerMessage", 2)
    if is_refused:
        await charger.peer.until(lambda: len(priority(charger)) == 1)
    assert await charger.peer.call("Heartbeat", {})
    assert len(priority(charger)) == (1 if is_refused else 0)
