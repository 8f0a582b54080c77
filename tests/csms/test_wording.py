"""What is asked of a station is legal in every version, and means the same."""

from typing import Any

import pytest

from custom_components.v2g_vpp.csms.schemas import load_schemas
from custom_components.v2g_vpp.csms.versions import SERVED_VERSIONS
from custom_components.v2g_vpp.csms.wording import wording_of
from tests.csms.charge_point import ChargePoint
from tests.csms.peer import EVSE1, Dialler, Rig

BOOKS = load_schemas()
PROTOCOLS = [version.protocol for version in SERVED_VERSIONS]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "ask",
    [
        lambda w: w.clear_profile(1001),
        lambda w: w.composite(1, 60),
        lambda w: w.start_transaction(1, 5),
        lambda w: w.end_transaction("17"),
        lambda w: w.change_availability(1, is_operative=False),
        lambda w: w.change_availability(0, is_operative=True),
        lambda w: w.reset(),
        lambda w: w.trigger("BootNotification"),
        lambda w: w.trigger("StatusNotification", 1, 1),
        lambda w: w.trigger("TransactionEvent", 1),
        lambda w: w.trigger("SignChargingStationCertificate"),
    ],
    ids=range(11),
)
def test_every_request_is_legal(protocol: str, ask: Any) -> None:
    action, payload = ask(wording_of(protocol))
    assert BOOKS[protocol].knows(action)
    assert BOOKS[protocol].fault_in_own_request(action, payload) is None
    assert payload or action != "ClearChargingProfile", "empty would clear the floor"


async def test_a_charge_point_is_taken_out_of_operation_and_reset(
    rig: Rig, dialler: Dialler
) -> None:
    point = ChargePoint(await dialler.dial(("ocpp1.6",)))
    await point.boot()
    await point.ready(rig.sink)
    for is_operative in (False, True):
        result = await rig.server.change_availability(EVSE1, is_operative=is_operative)
        assert result.is_accepted
    assert (await rig.server.reset(EVSE1)).is_accepted
    assert point.peer.payloads("ChangeAvailability") == [
        {"connectorId": 1, "type": "Inoperative"},
        {"connectorId": 1, "type": "Operative"},
    ]
    assert point.peer.payloads("Reset") == [{"type": "Hard"}]
    point.peer.responders["Reset"] = lambda _: {"status": "Rejected"}
    assert not (await rig.server.reset(EVSE1)).is_accepted
