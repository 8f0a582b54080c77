"""Captures: what is written can be read back packet by packet."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
import json
import shutil
import struct
import subprocess

import pytest

from custom_components.v2g_vpp.capture import SERVER_PORT, to_json_lines, to_pcap
from custom_components.v2g_vpp.domain.messages import Direction, RecordedMessage

AT = datetime(2026, 11, 22, 18, tzinfo=UTC)


def message(number: int, text: str, link: int = 1) -> RecordedMessage:
    return RecordedMessage(
        at=AT + timedelta(milliseconds=number),
        age_s=0.0,
        link=link,
        direction=Direction.FROM_STATION if number % 2 else Direction.TO_STATION,
        text=text,
    )


MESSAGES = (
    message(1, '[2,"1","Heartbeat",{}]'),
    message(2, '[3,"1",{"currentTime":"2026-11-22T18:00:00Z"}]'),
    message(3, json.dumps([2, "2", "DataTransfer", {"data": "é" * 300}])),
    message(4, json.dumps([2, "3", "DataTransfer", {"data": "x" * 70_000}])),
    message(5, '[2,"4","Heartbeat",{}]', link=2),
)


def packets(capture: bytes) -> Iterator[tuple[datetime, int, int, int, bytes]]:
    """Yield time, source port, target port, sequence number and data."""
    magic, major, minor, _, _, _, linktype = struct.unpack("<IHHiIII", capture[:24])
    assert (magic, major, minor, linktype) == (0xA1B2C3D4, 2, 4, 101)
    rest = capture[24:]
    while rest:
        seconds, micros, kept, length = struct.unpack("<IIII", rest[:16])
        assert kept == length
        packet, rest = rest[16 : 16 + kept], rest[16 + kept :]
        assert packet[0] == 0x45
        assert struct.unpack(">H", packet[2:4])[0] == length
        total = sum(struct.unpack(">10H", packet[:20]))
        assert (total & 0xFFFF) + (total >> 16) == 0xFFFF, "checksum of the header"
        source, target, sequence = struct.unpack(">HHI", packet[20:28])
        at = datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=micros)
        yield at, source, target, sequence, packet[40:]


def texts(stream: bytes) -> Iterator[str]:
    """Yield the text frames after the end of the handshake."""
    stream = stream[stream.index(b"\r\n\r\n") + 4 :]
    while stream:
        assert stream[0] == 0x81
        is_masked, size = stream[1] & 0x80, stream[1] & 0x7F
        start = 2
        if size == 126:
            (size,), start = struct.unpack(">H", stream[2:4]), 4
        elif size == 127:
            (size,), start = struct.unpack(">Q", stream[2:10]), 10
        if is_masked:
            assert stream[start : start + 4] == bytes(4)
            start += 4
        yield stream[start : start + size].decode()
        stream = stream[start + size :]


def test_every_message_is_in_its_conversation_in_order() -> None:
    streams: dict[tuple[int, int], bytes] = {}
    expected: dict[tuple[int, int], int] = {}
    for at, source, target, sequence, data in packets(to_pcap(MESSAGES)):
        assert at >= AT
        flow = (source, target)
        assert sequence == expected.get(flow, sequence)
        # The first packet of each side counts one: it opens the connection.
        first = flow not in expected
        expected[flow] = sequence + len(data) + first
        streams[flow] = streams.get(flow, b"") + data
    for link, direction in ((1, 1), (1, 0), (2, 1)):
        flow = (40_000 + link, SERVER_PORT)
        wanted = [m.text for m in MESSAGES if m.link == link]
        told = list(texts(streams[flow if direction else flow[::-1]]))
        is_from = Direction.FROM_STATION if direction else Direction.TO_STATION
        assert told == [
            m.text for m in MESSAGES if m.link == link and m.direction is is_from
        ]
        assert set(told) <= set(wanted)


def test_lines_are_json() -> None:
    lines = to_json_lines(MESSAGES).splitlines()
    assert [json.loads(line)["frame"][1] for line in lines] == ["1", "1", "2", "3", "4"]
    assert to_json_lines(()) == ""


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_wireshark_reads_it() -> None:
    done = subprocess.run(
        ["tshark", "-r", "-", "-Y", "websocket", "-T", "fields", "-e", "frame.number"],
        input=to_pcap(MESSAGES),
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert len(done.stdout.split()) >= 4
