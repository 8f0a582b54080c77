"""The ring of frames: bounded, and nothing leaves it that must not be shown."""

import json
import tracemalloc

from hypothesis import given, strategies as st

from custom_components.v2g_vpp.csms.recorder import (
    MAX_BYTES,
    MAX_FRAMES,
    PACKED_FRAMES,
    FrameRecorder,
)
from custom_components.v2g_vpp.domain.messages import Direction
from tests.csms.peer import STATION, Dialler, Rig
from tests.fakes import FakeClock

HEARTBEAT = '[2,"1","Heartbeat",{}]'


@given(st.lists(st.integers(1, 200_000), max_size=60))
def test_it_never_holds_more_than_its_bounds(sizes: list[int]) -> None:
    recorder = FrameRecorder(FakeClock())
    for size in sizes:
        recorder.note(Direction.FROM_STATION, json.dumps("x" * size))
    shown = recorder.messages()
    assert len(shown) <= MAX_FRAMES
    assert sum(len(message.text) for message in shown) <= MAX_BYTES
    assert not sizes or shown, "the newest is always there"


@given(st.lists(st.text(max_size=40), min_size=1, max_size=90))
def test_packed_frames_come_back_as_they_were(texts: list[str]) -> None:
    recorder = FrameRecorder(FakeClock())
    for text in texts:
        recorder.note(Direction.FROM_STATION, json.dumps([3, "1", {"data": text}]))
    seen = [json.loads(message.text) for message in recorder.messages()]
    assert [frame[2]["data"] for frame in seen] == texts


def test_a_meter_that_never_ends_is_held_in_little_memory() -> None:
    recorder = FrameRecorder(FakeClock())
    samples = [
        {"measurand": f"Energy.Active.Import.Register{n}", "value": n} for n in range(8)
    ]
    tracemalloc.start()
    for number in range(3 * MAX_FRAMES):
        frame = [2, str(number), "MeterValues", {"meterValue": samples}]
        recorder.note(Direction.FROM_STATION, json.dumps(frame))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(recorder.messages()) > MAX_FRAMES - PACKED_FRAMES
    assert held < MAX_BYTES / 8


def test_frames_have_their_time_order_and_link() -> None:
    clock = FakeClock()
    recorder = FrameRecorder(clock)
    recorder.connected("ocpp2.1")
    recorder.note(Direction.FROM_STATION, HEARTBEAT)
    clock.advance(2.0)
    recorder.note(Direction.TO_STATION, '[3,"1",{}]')
    recorder.closed("link broken")
    recorder.connected("ocpp2.1")
    recorder.note(Direction.FROM_STATION, HEARTBEAT)
    first, second, third = recorder.messages()
    assert (first.link, second.link, third.link) == (1, 1, 2)
    assert first.age_s == 2.0
    assert (second.at - first.at).total_seconds() == 2.0
    assert [note.what for note in recorder.connections] == [
        "connected, ocpp2.1",
        "closed: link broken",
        "connected, ocpp2.1",
    ]
    assert recorder.messages(last=1) == (third,)


@given(st.text(min_size=8, alphabet="abcdefghijklmnop0123456789"))
def test_no_secret_leaves_it(secret: str) -> None:
    recorder = FrameRecorder(FakeClock())
    for frame in (
        [2, "1", "Authorize", {"idToken": {"idToken": secret, "type": "ISO14443"}}],
        [2, "1", "Authorize", {"idTag": secret}],
        [3, "1", {"idTagInfo": {"status": "Accepted", "parentIdTag": secret}}],
        [2, "1", "ChangeConfiguration", {"key": "AuthorizationKey", "value": secret}],
        [
            3,
            "1",
            {"configurationKey": [{"key": "authorizationkey", "value": secret}]},
        ],
        [
            2,
            "1",
            "SetVariables",
            {
                "setVariableData": [
                    {
                        "attributeValue": secret,
                        "component": {"name": "SecurityCtrlr"},
                        "variable": {"name": "BasicAuthPassword"},
                    }
                ]
            },
        ],
        [2, "1", "SignCertificate", {"csr": secret}],
        [2, "1", "BootNotification", {"chargePointSerialNumber": secret}],
    ):
        recorder.note(Direction.TO_STATION, json.dumps(frame))
    recorder.note(Direction.FROM_STATION, "{broken " + secret)
    for message in recorder.messages():
        assert secret not in message.text
        json.loads(message.text)


async def test_a_link_is_recorded_in_both_directions(
    rig: Rig, dialler: Dialler
) -> None:
    peer = await dialler.dial()
    await peer.ask("{bad")
    await peer.leave()
    await dialler.dial()
    recording = rig.server.recording(STATION)
    assert recording is not None
    assert [m.direction for m in recording.messages[:2]] == [
        Direction.FROM_STATION,
        Direction.TO_STATION,
    ]
    assert "RpcFrameworkError" in recording.messages[1].text
    assert [note.link for note in recording.connections] == [1, 1, 2]
    assert rig.server.recording(type(STATION)("stranger")) is None
