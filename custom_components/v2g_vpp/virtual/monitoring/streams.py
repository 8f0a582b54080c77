"""Periodic event streams: values of a monitor in one message (OCPP 2.1 N11 to N15)."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from ..schedule import Moment, WireObject, format_time
from .monitor import THRESHOLDS, Monitor, Trigger

MAX_STREAMS: Final = 8
MAX_BUFFERED: Final = 1000
"""House rule: a stream without a link loses its oldest values above it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamParams:
    """When a stream is flushed; 0 means not by that."""

    interval_s: int
    values: int

    def wire(self) -> dict[str, int]:
        """Return it as OCPP writes it."""
        given = {"interval": self.interval_s, "values": self.values}
        return {name: value for name, value in given.items() if value > 0}


def parse_params(wire: WireObject) -> StreamParams | None:
    """Return the parameters of a stream, None when they never flush it."""
    params = StreamParams(
        interval_s=wire.get("interval", 0), values=wire.get("values", 0)
    )
    return params if params.interval_s > 0 or params.values > 0 else None


@dataclass(slots=True, kw_only=True, eq=False)
class Stream:
    """One stream; only ``Streams`` changes it."""

    stream_id: int
    monitor_id: int
    params: StreamParams
    is_open: bool = False
    """The CSMS accepted it."""

    flushed_mono_s: float = 0.0
    buffer: deque[Trigger] = field(default_factory=lambda: deque(maxlen=MAX_BUFFERED))

    def constant_data(self) -> dict[str, Any]:
        """Return what the CSMS needs to know once."""
        return {
            "id": self.stream_id,
            "params": self.params.wire(),
            "variableMonitoringId": self.monitor_id,
        }

    def is_due(self, now: Moment) -> bool:
        """Return True when the buffer is to be flushed (N15.FR.06, FR.08)."""
        if not self.is_open or not self.buffer:
            return False
        interval_s, values = self.params.interval_s, self.params.values
        is_full = 0 < values <= len(self.buffer)
        return is_full or 0 < interval_s <= now.mono_s - self.flushed_mono_s

    def flush(self, now: Moment) -> dict[str, Any]:
        """Return the next message, with at most the values of its parameters."""
        count = self.params.values or len(self.buffer)
        part = [self.buffer.popleft() for _ in range(min(count, len(self.buffer)))]
        self.flushed_mono_s = now.mono_s
        base_at = part[0].at
        return {
            "id": self.stream_id,
            "pending": len(self.buffer),
            "basetime": format_time(base_at),
            "data": [
                {"t": round((each.at - base_at).total_seconds(), 3), "v": each.text}
                for each in part
            ],
        }


class Streams:
    """The streams of a station: at most one for each monitor."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        """Start with none.

        Args:
            on_change: called when there is a stream to open or to close.
        """
        self._on_change = on_change
        self._streams: dict[int, Stream] = {}
        self._ended: list[Stream] = []
        self._next_id = 1

    def __iter__(self) -> Iterator[Stream]:
        """Iterate over the streams that are open or wanted."""
        return iter(tuple(self._streams.values()))

    @property
    def unopened(self) -> Stream | None:
        """A stream that the CSMS was not asked for yet."""
        return next((s for s in self if not s.is_open), None)

    @property
    def ended(self) -> Stream | None:
        """A stream whose end the CSMS was not told yet."""
        return self._ended[0] if self._ended else None

    def follow(self, monitor: Monitor, wire: WireObject | None) -> None:
        """Give a monitor that was set the stream that came with it, or none."""
        self.end(monitor.monitor_id)
        params = None if wire is None else parse_params(wire)
        if (
            params is None
            # Whether a threshold is exceeded or cleared is no value of a stream.
            or monitor.type in THRESHOLDS
            or len(self._streams) >= MAX_STREAMS
        ):
            return
        self._streams[monitor.monitor_id] = Stream(
            stream_id=self._next_id, monitor_id=monitor.monitor_id, params=params
        )
        self._next_id += 1
        self._on_change()

    def end(self, monitor_id: int) -> None:
        """Let a monitor speak by events again; the CSMS is told what was open."""
        stream = self._streams.pop(monitor_id, None)
        if stream is not None and stream.is_open:
            self._ended.append(stream)
            self._on_change()

    def opened(self, stream: Stream, now: Moment) -> None:
        """Note that the CSMS accepted a stream."""
        stream.is_open = True
        stream.flushed_mono_s = now.mono_s

    def refused(self, stream: Stream) -> None:
        """Note that the CSMS wants no such stream (N11.FR.07)."""
        if self._streams.get(stream.monitor_id) is stream:
            del self._streams[stream.monitor_id]

    def end_told(self) -> None:
        """Note that the CSMS knows of the end of ``ended``."""
        self._ended.pop(0)

    def by_id(self, stream_id: int) -> Stream | None:
        """Return an open stream by its own number."""
        return next((s for s in self if s.is_open and s.stream_id == stream_id), None)

    def adjust(self, stream_id: int, wire: WireObject) -> bool:
        """Change when a stream is flushed; return False when that cannot be (N14)."""
        stream, params = self.by_id(stream_id), parse_params(wire)
        if stream is None or params is None:
            return False
        stream.params = params
        return True

    def takes(self, trigger: Trigger) -> bool:
        """Keep what triggered for a stream; False: nothing streams that monitor."""
        stream = self._streams.get(trigger.monitor.monitor_id)
        if stream is None or not stream.is_open:
            return False
        stream.buffer.append(trigger)
        return True

    def forget_open(self) -> None:
        """Ask for every stream anew: after a reboot the CSMS knows of none."""
        self._ended = []
        for stream in self:
            stream.is_open = False
