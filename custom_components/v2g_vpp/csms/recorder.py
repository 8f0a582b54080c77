"""The last frames of one station, for whoever has to find out what it said.

On the message path a frame costs one entry in a list; full lists are packed, because
frames of a meter are much alike. What must not be shown is taken out when frames leave
this module, so that nothing else ever sees it.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
import json
from typing import Final
import zlib

import orjson

from ..domain.clock import Clock
from ..domain.messages import ConnectionNote, Direction, RecordedMessage
from .redaction import redacted

MAX_FRAMES: Final = 1000
MAX_BYTES: Final = 1024 * 1024
"""Of all frames together, per station."""

MAX_FRAME_BYTES: Final = 64 * 1024
"""A longer frame is counted, not kept: only reports are as long."""

PACKED_FRAMES: Final = 32
PACKED_BYTES: Final = 64 * 1024
"""So many together are packed: it takes a tenth of a millisecond and leaves a tenth."""

FASTEST: Final = 1
"""Level of zlib."""

MAX_CONNECTIONS: Final = 100

type _Frame = tuple[Direction, int, float, str]
"""Direction, link, monotonic time, text."""


@dataclass(frozen=True, slots=True)
class _Pack:
    """Some frames in a row."""

    data: bytes
    frames: int
    bytes: int
    """Unpacked."""

    @classmethod
    def of(cls, frames: list[_Frame]) -> _Pack:
        """Return frames packed."""
        try:
            raw = orjson.dumps(frames)
        except TypeError:
            # Half a character, which only the other encoder can write.
            raw = json.dumps(frames).encode()
        data = zlib.compress(raw, FASTEST)
        return cls(data, len(frames), sum(len(text) for *_, text in frames))

    def __iter__(self) -> Iterator[_Frame]:
        """Yield the frames as they were."""
        for direction, link, mono_s, text in json.loads(zlib.decompress(self.data)):
            yield Direction(direction), link, mono_s, text


class FrameRecorder:
    """A ring of frames and of what became of the connections."""

    def __init__(self, clock: Clock) -> None:
        """Start empty."""
        self._clock = clock
        self._packs: deque[_Pack] = deque()
        self._recent: list[_Frame] = []
        self._frames = self._bytes = self._recent_bytes = 0
        self._connections: deque[ConnectionNote] = deque(maxlen=MAX_CONNECTIONS)
        self._link = 0

    def connected(self, protocol: str) -> None:
        """Note a new connection; later frames belong to it."""
        self._link += 1
        self._note(f"connected, {protocol}")

    def closed(self, cause: str) -> None:
        """Note the end of the present connection."""
        self._note(f"closed: {cause}")

    def note(self, direction: Direction, text: str) -> None:
        """Keep a frame; the oldest leave when there are too many."""
        if len(text) > MAX_FRAME_BYTES:
            text = json.dumps(f"{len(text)} characters, not kept")
        self._recent.append((direction, self._link, self._clock.monotonic(), text))
        self._frames += 1
        self._bytes += len(text)
        self._recent_bytes += len(text)
        if len(self._recent) >= PACKED_FRAMES or self._recent_bytes >= PACKED_BYTES:
            self._packs.append(_Pack.of(self._recent))
            self._recent, self._recent_bytes = [], 0
        while self._frames > MAX_FRAMES or self._bytes > MAX_BYTES:
            oldest = self._packs.popleft()
            self._frames -= oldest.frames
            self._bytes -= oldest.bytes

    def messages(self, last: int = MAX_FRAMES) -> tuple[RecordedMessage, ...]:
        """Return the last frames, oldest first, without what must not be shown."""
        return tuple(self._shown(last))

    @property
    def connections(self) -> tuple[ConnectionNote, ...]:
        """What became of the connections, oldest first."""
        return tuple(self._connections)

    def _shown(self, last: int) -> Iterator[RecordedMessage]:
        now, now_mono_s = self._clock.utcnow(), self._clock.monotonic()
        skipped = max(0, self._frames - last)
        frames = chain(*self._packs, self._recent)
        for number, (direction, link, mono_s, text) in enumerate(frames):
            if number >= skipped:
                yield RecordedMessage.of_age(
                    now,
                    now_mono_s - mono_s,
                    link=link,
                    direction=direction,
                    text=redacted(text, limit=None),
                )

    def _note(self, what: str) -> None:
        self._connections.append(
            ConnectionNote(at=self._clock.utcnow(), link=self._link, what=what)
        )
