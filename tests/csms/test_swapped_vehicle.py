"""What a station tells of a vehicle that took the place of another."""

from typing import Any

from custom_components.v2g_vpp.domain.events import (
    TransactionPhase,
    TransactionReported,
    VehicleIdentified,
)
from custom_components.v2g_vpp.domain.session import EvseSession, advance_evse
from tests.csms.charger import Charger
from tests.csms.peer import EVSE1, Dialler, Rig

EVSE: dict[str, Any] = {"id": 1, "connectorId": 1}
TAG = {"idToken": "tag", "type": "ISO14443"}
NAMED = {**TAG, "additionalInfo": [{"additionalIdToken": "A", "type": "EVCCID"}]}


async def _dial_again(rig: Rig, dialler: Dialler, before: Charger) -> Charger:
    charger = Charger(await dialler.dial())
    charger.profiles, charger.variables = before.profiles, before.variables
    charger.transaction, charger.seq_no = "t2", 7
    await charger.ready(rig.sink)
    return charger


async def test_what_is_told_from_memory_is_told_as_such(
    rig: Rig, dialler: Dialler, charger: Charger
) -> None:
    await charger.plug()
    await charger.peer.leave()
    rig.sink.clear()
    again = Charger(await dialler.dial())
    again.profiles, again.variables = charger.profiles, charger.variables
    again.transaction, again.seq_no = "t1", 1
    await again.ready(rig.sink)
    assert [e.is_recalled for e in rig.sink.of(TransactionReported)] == [True]
    await again.peer.call(
        "TransactionEvent", again.event("Updated", "Trigger", evse=EVSE)
    )
    assert [e.is_recalled for e in rig.sink.of(TransactionReported)] == [True, False]


async def test_an_end_that_was_missed_says_nothing_of_the_plug(
    rig: Rig, dialler: Dialler, charger: Charger
) -> None:
    await charger.plug()
    await charger.peer.leave()
    rig.sink.clear()
    again = await _dial_again(rig, dialler, charger)
    await again.peer.request("GetTransactionStatus")
    ended = await rig.sink.wait_for(
        TransactionReported, lambda event: event.phase is TransactionPhase.ENDED
    )
    assert ended.is_plugged is None


async def test_a_swap_in_a_blind_time_ends_the_name_and_a_live_frame_renews_it(
    rig: Rig, dialler: Dialler, charger: Charger
) -> None:
    await charger.peer.call("Authorize", {"idToken": NAMED})
    await charger.plug("t1", idToken=TAG)
    assert rig.sink.of(VehicleIdentified)[-1].evcc_id == "A"
    await charger.peer.leave()
    rig.sink.clear()

    again = await _dial_again(rig, dialler, charger)
    update = again.event("Updated", "Trigger", evse=EVSE, idToken=TAG)
    await again.peer.call("TransactionEvent", update)
    assert not rig.sink.of(VehicleIdentified)
    await again.peer.call("Authorize", {"idToken": NAMED})
    update = again.event("Updated", "Authorized", evse=EVSE, idToken=TAG)
    await again.peer.call("TransactionEvent", update)
    assert [e.evcc_id for e in rig.sink.of(VehicleIdentified)] == ["A"]


async def test_a_name_in_a_frame_from_offline_waits_for_its_transaction(
    rig: Rig, charger: Charger
) -> None:
    charger.transaction = "t1"
    await charger.peer.call(
        "TransactionEvent",
        charger.event("Started", "Authorized", evse=EVSE, idToken=NAMED, offline=True),
    )
    assert not rig.sink.of(VehicleIdentified)
    await charger.peer.call(
        "TransactionEvent", charger.event("Updated", "Trigger", evse=EVSE)
    )
    session = EvseSession(key=EVSE1)
    for event in rig.sink.events:
        session = advance_evse(session, event)
    assert session.evcc_id == "A"
