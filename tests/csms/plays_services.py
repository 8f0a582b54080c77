"""Scenarios of services: reservations and logs."""

from datetime import UTC, datetime
from typing import Any

from custom_components.v2g_vpp.domain.events import ConnectorReported
from custom_components.v2g_vpp.domain.requests import (
    CancelReservation,
    LogKind,
    Reserve,
    SendLog,
    StationAnswer,
    StationRequest,
)
from custom_components.v2g_vpp.domain.state import ConnectorStatus
from tests.csms.peer import NOW, STATION, Peer
from tests.csms.scenario_table import SCENARIOS, Plays, Scene, frame_of

PLAYS = Plays()
EXPIRES = datetime(2026, 11, 22, 20, tzinfo=UTC)
RESERVE_16 = {
    "connectorId": 1,
    "expiryDate": "2026-11-22T20:00:00Z",
    "idTag": "HA",
    "reservationId": 3,
}


async def ask(scene: Scene, request: StationRequest) -> StationAnswer:
    return await scene.rig.server.ask(STATION, request)


async def ready(scene: Scene) -> Peer:
    if scene.is_16:
        return (await scene.charge_point()).peer
    return (await scene.charger()).peer


@PLAYS.of("E08")
async def an_outlet_is_reserved(scene: Scene) -> None:
    peer = await ready(scene)
    peer.responders["ReserveNow"] = lambda _: {"status": "Accepted"}
    answer = await ask(
        scene, Reserve(reservation_id=3, evse_id=1, expires_at=EXPIRES, token="HA")
    )
    assert answer.result.is_accepted
    (sent,) = peer.payloads("ReserveNow")
    assert sent == (RESERVE_16 if scene.is_16 else SCENARIOS["E08"]["ans"][0][3])
    scene.rig.sink.clear()
    told: dict[str, Any] = (
        {"connectorId": 1, "errorCode": "NoError", "status": "Reserved"}
        if scene.is_16
        else {
            "timestamp": NOW,
            "evseId": 1,
            "connectorId": 1,
            "connectorStatus": "Reserved",
        }
    )
    await peer.call("StatusNotification", told)
    shown = await scene.rig.sink.wait_for(ConnectorReported)
    assert shown.status is ConnectorStatus.RESERVED


@PLAYS.of("E09")
async def a_reservation_that_is_not_there_is_cancelled(scene: Scene) -> None:
    peer = await ready(scene)
    peer.responders["CancelReservation"] = lambda _: {"status": "Rejected"}
    answer = await ask(scene, CancelReservation(reservation_id=3))
    assert answer.result.is_accepted
    assert peer.payloads("CancelReservation") == [SCENARIOS["E09"]["ans"][0][3]]
    peer.responders["CancelReservation"] = lambda _: "NotSupported"
    refused = await ask(scene, CancelReservation(reservation_id=3))
    assert not refused.result.is_accepted


@PLAYS.of("E10")
async def the_end_of_a_reservation_is_looked_into(scene: Scene) -> None:
    peer = await ready(scene)
    triggers = len(peer.payloads("TriggerMessage"))
    assert await peer.ask(frame_of("E10")) == SCENARIOS["E10"]["ans"][0]
    asked = await peer.request("TriggerMessage", triggers + 1)
    assert asked["requestedMessage"] == "StatusNotification"


@PLAYS.of("E20")
async def a_log_comes_to_an_address_that_works_once(scene: Scene) -> None:
    peer = await ready(scene)
    left: list[int] = []

    async def leave(url: str) -> None:
        for method in ("PUT", "POST"):
            async with scene.dialler.session.request(
                method, url, data=b"lines", allow_redirects=False
            ) as response:
                left.append(response.status)

    def diagnostics(payload: dict[str, Any]) -> dict[str, Any]:
        scene.dialler.spawn(leave(payload["location"]))
        return {"fileName": "log.txt"}

    peer.responders["GetDiagnostics"] = diagnostics
    answer = await ask(scene, SendLog(kind=LogKind.DIAGNOSTICS, request_id=1))
    assert answer.data["content"] == b"lines"
    await peer.call("DiagnosticsStatusNotification", {"status": "Uploaded"})
    assert left[0] == 201
