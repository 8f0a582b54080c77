"""Recorded messages as files: JSON lines, and a capture that Wireshark opens.

The frames were taken above TLS and without secrets, so the capture is written as a
plain WebSocket between two addresses that stand for the charger and for us.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
import json
import struct
from typing import Any, Final

from .domain.messages import Direction, RecordedMessage

STATION_ADDRESS: Final = bytes((192, 0, 2, 1))
SERVER_ADDRESS: Final = bytes((192, 0, 2, 2))
"""Addresses that are reserved for documentation (RFC 5737)."""

SERVER_PORT: Final = 80
FIRST_STATION_PORT: Final = 40_000
LINKTYPE_RAW: Final = 101
"""Packets begin with their IP header."""

MAX_SEGMENT: Final = 32_000
_FIN, _SYN, _PSH, _ACK = 1, 2, 8, 16
_UPGRADE: Final = (
    b"GET / HTTP/1.1\r\nHost: ocpp\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
_UPGRADED: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n"
)


def to_json(message: RecordedMessage) -> dict[str, Any]:
    """Return a message as a JSON object."""
    return {
        "at": message.at.isoformat(timespec="milliseconds"),
        "link": message.link,
        "direction": message.direction,
        "frame": json.loads(message.text),
    }


def to_json_lines(messages: Iterable[RecordedMessage]) -> str:
    """Return messages as JSON lines, one each."""
    lines = (json.dumps(to_json(message)) for message in messages)
    return "".join(f"{line}\n" for line in lines)


def to_pcap(messages: Iterable[RecordedMessage]) -> bytes:
    """Return messages as a capture file in the classic format, microseconds, UTC."""
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, LINKTYPE_RAW)
    conversations: dict[int, _Conversation] = {}
    packets: list[bytes] = []
    for message in messages:
        conversation = conversations.get(message.link)
        if conversation is None:
            conversation = _Conversation(FIRST_STATION_PORT + message.link)
            conversations[message.link] = conversation
            packets += conversation.opening(message.at)
        packets += conversation.frame(message)
    return header + b"".join(packets)


class _Conversation:
    """One connection, with the sequence numbers of both sides."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._sent = {Direction.FROM_STATION: 0, Direction.TO_STATION: 0}

    def opening(self, at: datetime) -> Iterator[bytes]:
        station, server = Direction.FROM_STATION, Direction.TO_STATION
        yield self._packet(at, station, _SYN)
        yield self._packet(at, server, _SYN | _ACK)
        yield self._packet(at, station, _ACK)
        yield self._packet(at, station, _PSH | _ACK, _UPGRADE)
        yield self._packet(at, server, _PSH | _ACK, _UPGRADED)

    def frame(self, message: RecordedMessage) -> Iterator[bytes]:
        payload = message.text.encode()
        # What a station sends is masked (RFC 6455, 5.3); a mask of zeros changes
        # nothing and keeps the text readable in any tool.
        is_masked = message.direction is Direction.FROM_STATION
        data = _websocket_header(len(payload), is_masked=is_masked) + payload
        for start in range(0, len(data), MAX_SEGMENT):
            piece = data[start : start + MAX_SEGMENT]
            yield self._packet(message.at, message.direction, _PSH | _ACK, piece)

    def _packet(
        self, at: datetime, direction: Direction, flags: int, data: bytes = b""
    ) -> bytes:
        is_from_station = direction is Direction.FROM_STATION
        other = Direction.TO_STATION if is_from_station else Direction.FROM_STATION
        ports = (self._port, SERVER_PORT)
        addresses = (STATION_ADDRESS, SERVER_ADDRESS)
        if not is_from_station:
            ports, addresses = ports[::-1], addresses[::-1]
        tcp = struct.pack(
            ">HHIIBBHHH",
            *ports,
            self._sent[direction],
            self._sent[other] if flags & _ACK else 0,
            5 << 4,
            flags,
            65_535,
            0,
            0,
        )
        self._sent[direction] += len(data) + bool(flags & (_SYN | _FIN))
        return _record(at, _ip_header(addresses, len(tcp) + len(data)) + tcp + data)


def _websocket_header(length: int, *, is_masked: bool) -> bytes:
    mask_bit, mask = (0x80, bytes(4)) if is_masked else (0, b"")
    if length < 126:
        size = struct.pack(">B", mask_bit | length)
    elif length < 65_536:
        size = struct.pack(">BH", mask_bit | 126, length)
    else:
        size = struct.pack(">BQ", mask_bit | 127, length)
    return b"\x81" + size + mask


def _ip_header(addresses: tuple[bytes, bytes], length: int) -> bytes:
    def packed(checksum: int) -> bytes:
        return struct.pack(
            ">BBHHHBBH4s4s",
            0x45,
            0,
            20 + length,
            0,
            0x4000,
            64,
            6,
            checksum,
            *addresses,
        )

    return packed(_checksum(packed(0)))


def _checksum(header: bytes) -> int:
    total: int = sum(struct.unpack(f">{len(header) // 2}H", header))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _record(at: datetime, packet: bytes) -> bytes:
    seconds, microseconds = int(at.timestamp()), at.microsecond
    return (
        struct.pack("<IIII", seconds, microseconds, len(packet), len(packet)) + packet
    )
