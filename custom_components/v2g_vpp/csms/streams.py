"""Periodic event streams of a 2.1 station: values without an answer, and their trust."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from typing import Any, Final

from ..domain.measurement import Measurement, Reading
from .frames import Payload
from .metering import Receipt
from .monitors import Monitor
from .times import parse_time

MAX_STREAMS: Final = 16
"""House rule: two per EVSE of the largest home station."""

MAX_SAMPLES: Final = 100
"""Of one message; a longer one was kept back and is old."""

CONGESTED_AT: Final = 20
"""Values that wait in the station: the link cannot carry the stream."""

SLOWEST_S: Final = 10
"""Beyond it a stream is no better than the meter values of the transaction."""

PROVING_MATCHES: Final = 3
MATCH_W: Final = 200.0
MATCH_SHARE: Final = 0.1
"""House rules: a stream counts once it agreed with the meter this often and well."""

PROVING_POWER_W: Final = 500.0
"""Agreement at rest proves nothing."""

DISCHARGE_FRESH_S: Final = 3.0
SETTLED_WITHIN_S: Final = 5.0
"""House rule: a station waits longer than that for an answer."""

_DISCHARGE_POWER: Final = "dischargepower"


@dataclass(slots=True)
class _Stream:
    monitor: Monitor
    interval_s: int
    pending: int = 0


@dataclass(slots=True)
class _Evse:
    """What the streams of one EVSE say, and how far they are believed."""

    power_w: float | None = None
    discharge_w: float = 0.0
    discharge_mono_s: float = float("-inf")
    matches: int = 0

    def signed_w(self, now_mono_s: float) -> float | None:
        """Return the power as one number, positive into the vehicle."""
        is_fresh = now_mono_s - self.discharge_mono_s <= DISCHARGE_FRESH_S
        if is_fresh and self.discharge_w > 0:
            return -self.discharge_w
        return self.power_w


class StreamBoard:
    """The streams of one station on one link.

    The power of an EVSE variable need not be that of the meter: a station may leave
    it at 0 or without a sign. It counts as a reading only while it agrees with the
    readings of the transaction, and loses that with the first one that differs.
    """

    def __init__(self) -> None:
        """Know no monitor and no stream."""
        self._monitors: dict[int, Monitor] = {}
        self._streams: dict[int, _Stream] = {}
        self._evses: dict[int, _Evse] = {}
        self._congested: set[int] = set()
        self._settled = asyncio.Event()
        self._settled.set()

    def relinked(self) -> None:
        """Begin a link: streams may go on, and their trust is earned anew."""
        self._evses.clear()
        self._congested.clear()
        self._settled.set()

    def clear(self) -> None:
        """Forget the streams: a station that booted opens them again."""
        self._streams.clear()
        self.relinked()

    @contextmanager
    def set_up(self) -> Iterator[None]:
        """Monitors are being set: their numbers are known once this is over."""
        self._settled.clear()
        try:
            yield
        finally:
            self._settled.set()

    async def settled(self) -> None:
        """Wait until the numbers of the monitors are known; not for long.

        A station opens a stream right behind the answer that names its monitor.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLED_WITHIN_S):
                await self._settled.wait()

    def watch(self, monitor_id: object, monitor: Monitor) -> None:
        """Note the number that the station gave to a monitor of ours."""
        if isinstance(monitor_id, int):
            self._monitors[monitor_id] = monitor

    def open(self, payload: Payload) -> bool:
        """Return True for a stream of a monitor of ours, which is expected then."""
        told = payload["constantStreamData"]
        monitor = self._monitors.get(int(told["variableMonitoringId"]))
        stream_id = int(told["id"])
        has_room = stream_id in self._streams or len(self._streams) < MAX_STREAMS
        if monitor is None or not monitor.is_streamed or not has_room:
            return False
        interval_s = told["params"].get("interval") or int(monitor.value)
        self._streams[stream_id] = _Stream(monitor, int(interval_s))
        return True

    def close(self, payload: Payload) -> None:
        """Expect nothing of a stream any more."""
        self._streams.pop(int(payload["id"]), None)

    def take(
        self, payload: Payload, receipt: Receipt
    ) -> tuple[int, Measurement | None] | None:
        """Take values of a stream.

        Returns:
            The EVSE and its power where that is believed; None for values that are of
            no stream of ours.
        """
        stream = self._streams.get(_whole(payload.get("id")))
        newest = _newest(payload, receipt)
        if stream is None or newest is None:
            return None
        self._note_pending(_whole(payload["id"]), stream, payload.get("pending"))
        taken_at, value = newest
        received_mono_s = receipt.mono_s - receipt.age_s(taken_at)
        subject = stream.monitor.subject
        evse = self._evses.setdefault(subject.evse_id, _Evse())
        if subject.variable.lower() == _DISCHARGE_POWER:
            evse.discharge_w, evse.discharge_mono_s = abs(value), received_mono_s
        else:
            evse.power_w = value
        power_w = evse.signed_w(received_mono_s)
        if power_w is None or evse.matches < PROVING_MATCHES:
            return subject.evse_id, None
        reading = Reading(
            value=power_w,
            received_mono_s=received_mono_s,
            taken_at=min(taken_at, receipt.at),
        )
        return subject.evse_id, Measurement(power_w=reading)

    def compare(self, evse_id: int, power_w: Reading | None) -> None:
        """Judge the streams of an EVSE by a reading of its meter."""
        evse = self._evses.get(evse_id)
        if evse is None or power_w is None:
            return
        streamed_w = evse.signed_w(power_w.received_mono_s)
        if streamed_w is None:
            return
        tolerance_w = max(MATCH_W, MATCH_SHARE * abs(power_w.value))
        if abs(streamed_w - power_w.value) > tolerance_w:
            evse.matches = 0
        elif abs(power_w.value) >= PROVING_POWER_W:
            evse.matches += 1

    def take_adjustments(self) -> list[tuple[int, dict[str, int]]]:
        """Return the streams that should be slower, with their new parameters."""
        found: list[tuple[int, dict[str, int]]] = []
        for stream_id in sorted(self._congested & self._streams.keys()):
            stream = self._streams[stream_id]
            stream.interval_s = min(SLOWEST_S, 2 * stream.interval_s)
            # All that was measured meanwhile goes in one message.
            params = {"interval": stream.interval_s, "values": stream.interval_s}
            found.append((stream_id, params))
        self._congested.clear()
        return found

    @property
    def is_congested(self) -> bool:
        """True when a stream should be slowed down."""
        return bool(self._congested)

    def _note_pending(self, stream_id: int, stream: _Stream, told: object) -> None:
        pending = _whole(told)
        is_growing = pending > max(CONGESTED_AT, stream.pending)
        if is_growing and stream.interval_s < SLOWEST_S:
            self._congested.add(stream_id)
        stream.pending = pending


def _newest(payload: Payload, receipt: Receipt) -> tuple[datetime, float] | None:
    """Return when the last value was taken and what it is; None without one."""
    data, base = payload.get("data"), parse_time(payload.get("basetime"))
    if not isinstance(data, list) or base is None:
        return None
    for item in reversed(data[:MAX_SAMPLES]):
        value = _value(item)
        if value is not None:
            try:
                return base + timedelta(seconds=value[0]), value[1]
            except OverflowError:
                return None
    return None


def _value(item: object) -> tuple[float, float] | None:
    if not isinstance(item, Mapping):
        return None
    offset_s: Any = item.get("t")
    try:
        offset_s, value = float(offset_s), float(str(item.get("v")))
    except TypeError, ValueError:
        return None
    is_sound = isfinite(value) and abs(value) <= 1e6 and abs(offset_s) <= 86_400
    return (offset_s, value) if is_sound else None


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else -1
