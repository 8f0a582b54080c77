"""Where one message ends and the next begins, in the bytes that a proxy passes on."""

from collections.abc import Iterator
from typing import Final, Protocol

_PUBLISH: Final = 3
_TEXT: Final = 1
_MASK: Final = 0x80
_HEAD_END: Final = b"\r\n\r\n"


class Framer(Protocol):
    """Cuts one direction of a connection into units; keeps what is not whole yet."""

    def units(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """Yield each whole unit, and whether it is a message.

        Only a message may come twice or in the wrong turn: to repeat a handshake or a
        ping tells nothing about the product.
        """


class Chunks(Framer):
    """Bytes as they come: encrypted, or of no concern."""

    def units(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """Yield what there is."""
        yield data, False


class MqttPackets(Framer):
    """MQTT 5; a message is a PUBLISH."""

    def __init__(self) -> None:
        """Start at the beginning of a connection."""
        self._left = b""

    def units(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """Yield whole packets."""
        self._left += data
        while (size := _mqtt_size(self._left)) and len(self._left) >= size:
            packet, self._left = self._left[:size], self._left[size:]
            yield packet, packet[0] >> 4 == _PUBLISH


class WebSocketFrames(Framer):
    """HTTP up to the empty line, WebSocket frames behind it; a message is a text."""

    def __init__(self) -> None:
        """Start at the beginning of a connection."""
        self._left = b""
        self._has_head = False

    def units(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """Yield the head, then whole frames."""
        self._left += data
        if not self._has_head:
            head, end, rest = self._left.partition(_HEAD_END)
            if not end:
                return
            self._has_head, self._left = True, rest
            yield head + end, False
        while (size := _web_socket_size(self._left)) and len(self._left) >= size:
            frame, self._left = self._left[:size], self._left[size:]
            yield frame, frame[0] & 0x0F == _TEXT


def _mqtt_size(data: bytes) -> int:
    """Return the length of the first packet, 0 while that is not known."""
    length = 0
    for index, byte in enumerate(data[1:5]):
        length |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return 2 + index + length
    return 0


def _web_socket_size(data: bytes) -> int:
    """Return the length of the first frame, 0 while that is not known."""
    if len(data) < 2:
        return 0
    length = data[1] & 0x7F
    extra = {126: 2, 127: 8}.get(length, 0)
    if len(data) < 2 + extra:
        return 0
    if extra:
        length = int.from_bytes(data[2 : 2 + extra])
    return 2 + extra + (4 if data[1] & _MASK else 0) + length
