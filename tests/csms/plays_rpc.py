"""Scenarios R: frames that break rules, and answers that do not come."""

from collections.abc import Sequence
import json
from typing import Any

from custom_components.v2g_vpp.csms.versions import V21
from tests.csms.peer import Peer
from tests.csms.scenario_table import Plays, Scene, frame_of

PLAYS = Plays()


def error(code: str, message_id: str = "1", description: str = "") -> list[Any]:
    return [4, message_id, code, description, {}]


def expecting(expected: Sequence[Any], *scenario_ids: str) -> None:
    """Register scenarios that send one frame and get one error."""
    for scenario_id in scenario_ids:

        @PLAYS.of(scenario_id)
        async def play(scene: Scene, scenario_id: str = scenario_id) -> None:
            peer = await scene.booted()
            wanted = list(expected)
            if scene.is_16 and wanted[2] == "RpcFrameworkError":
                wanted[2] = "FormationViolation"
            assert await peer.ask(frame_of(scenario_id)) == wanted
            assert "currentTime" in await peer.call("Heartbeat", {})


expecting(error("RpcFrameworkError", "-1"), "R01", "R03")
expecting(error("RpcFrameworkError", "-1", "messageId unreadable"), "R02")
expecting(error("RpcFrameworkError", "-1", "messageId too long"), "R04")
expecting(error("MessageTypeNotSupported"), "R06")
expecting(error("NotImplemented"), "R08")
expecting(error("NotSupported"), "R09")
expecting(error("RpcFrameworkError"), "R10")
expecting(error("FormatViolation"), "R13")
expecting(error("OccurrenceConstraintViolation"), "R15")
expecting(error("TypeConstraintViolation"), "R16")
expecting(error("PropertyConstraintViolation"), "R18", "R19")
expecting(error("MessageTypeNotSupported", "s3"), "R30")


@PLAYS.of("R07", "R22", "R28")
async def what_is_not_answered(scene: Scene) -> None:
    peer = await scene.booted()
    if scene.protocol == V21.protocol:
        assert await peer.silent(frame_of("R07"))
        assert await peer.silent(frame_of("R28"))
    assert await peer.silent(frame_of("R22"))


@PLAYS.of("R12")
async def a_null_payload_is_an_empty_one(scene: Scene) -> None:
    peer = await scene.booted()
    answer = await peer.ask(frame_of("R12"))
    assert answer[:2] == [3, "1"]


@PLAYS.of("R21")
async def a_retry_gets_its_answer_byte_for_byte(scene: Scene) -> None:
    peer = await scene.booted()
    for _ in range(2):
        await peer.ask(frame_of("R21"))
    answers = [text for text in peer.texts if '"dup"' in text]
    assert len(answers) == 2
    assert answers[0] == answers[1]


@PLAYS.of("R20")
async def a_duplicate_of_an_answered_request_is_not_handled_twice(scene: Scene) -> None:
    # Every handler of the listener answers at once, so nothing is ever pending there;
    # the engine's own tests show the refusal of a duplicate that is.
    peer = await scene.booted()
    frame = json.dumps(frame_of("R20"))
    await peer.send(frame)
    await peer.send(frame)
    await peer.until(lambda: len(peer.frames) >= 3)
    assert peer.frames[-1] == peer.frames[-2]


@PLAYS.of("R27")
async def crossing_requests_are_answered_at_once(scene: Scene) -> None:
    peer: Peer = await scene.peer()
    # Silence: our question stays pending.
    asked = "GetConfiguration" if scene.is_16 else "GetBaseReport"
    peer.responders[asked] = lambda _: None
    boot = frame_of("B01" if scene.is_16 else "B02")[3]
    await peer.call("BootNotification", boot)
    await peer.request(asked)
    answer = await peer.ask(frame_of("R27"))
    assert answer[:2] == [3, "9"]
