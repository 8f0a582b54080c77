"""Have a 2.x station tell faults and temperatures by itself, where it can."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import batched
import logging
from typing import Any, Final

from .calls import CallEnd, Lane
from .device_model import ModelSummary
from .link import StationLink
from .monitors import Monitor, subject_of
from .reports import ReportInbox, ReportKind
from .streams import StreamBoard
from .variables import DEFAULT_CHUNK
from .versions import V21

_LOGGER = logging.getLogger(__name__)

SEVERITY: Final = 4
"""Error: above what a station may be told to keep to itself, below a stop of its own."""

_HARD_WIRED: Final = frozenset({"HardWiredMonitor", "PreconfiguredMonitor"})
_NOT_NOW: Final = frozenset({CallEnd.TIMEOUT, CallEnd.LINK_LOST, CallEnd.QUEUE_FULL})
_DONE: Final = frozenset({"Accepted", "Duplicate"})

type Item = dict[str, Any]


class MonitoringSetup:
    """The monitors of one station on one link."""

    def __init__(
        self,
        link: StationLink,
        summary: ModelSummary,
        inbox: ReportInbox,
        streams: StreamBoard,
    ) -> None:
        """Take the link, what can be monitored, and who keeps what is."""
        self._link = link
        self._summary = summary
        self._inbox = inbox
        self._streams = streams

    async def run(self) -> bool:
        """Set what is not there yet; a station that cannot is left alone.

        Returns:
            False when it has to be done again: while a discharge runs nothing that can
            wait is asked, and this can.
        """
        wanted = self._wanted()
        if not wanted:
            return True
        present = await self._present()
        if not isinstance(present, _Present):
            return present not in _NOT_NOW
        await self._raise_level()
        missing = [item for item in map(present.item_for, wanted) if item is not None]
        for monitor in wanted:
            self._streams.watch(present.id_of(monitor), monitor)
        size = max(1, min(self._summary.items_per_monitoring or DEFAULT_CHUNK, 20))
        for piece in batched(missing, size, strict=False):
            with self._streams.set_up():
                is_answered = await self._set(piece, wanted)
            if not is_answered:
                return False
        await self._adjust()
        return True

    def _wanted(self) -> tuple[Monitor, ...]:
        can_stream = self._link.protocol == V21.protocol
        return tuple(
            m for m in self._summary.monitors if can_stream or not m.is_streamed
        )

    async def _present(self) -> _Present | CallEnd:
        """Return what the station monitors already, or why that is not known."""
        request_id, report = self._inbox.open(ReportKind.MONITORS)
        try:
            outcome = await self._link.call(
                "GetMonitoringReport", {"requestId": request_id}, lane=Lane.BULK
            )
            if outcome.has_status("Accepted"):
                await report.wait()
        finally:
            self._inbox.close(request_id)
        if outcome.end is not CallEnd.ANSWERED:
            return outcome.end
        return _Present(report.items)

    async def _raise_level(self) -> None:
        """Have a station that keeps errors to itself tell them."""
        level = self._summary.monitoring_level
        if level is not None and level < SEVERITY:
            await self._link.call(
                "SetMonitoringLevel", {"severity": SEVERITY}, lane=Lane.BULK
            )

    async def _set(self, items: Sequence[Item], wanted: Iterable[Monitor]) -> bool:
        """Return True when the station answered, with whatever answer."""
        outcome = await self._link.call(
            "SetVariableMonitoring", {"setMonitoringData": list(items)}, lane=Lane.BULK
        )
        if outcome.end is not CallEnd.ANSWERED:
            _LOGGER.info("monitors not set: %s", outcome.reason)
            return False
        for result in outcome.payload.get("setMonitoringResult", ()):
            subject = subject_of(result)
            if result.get("status") not in _DONE or subject is None:
                _LOGGER.debug("monitor refused: %s", result.get("status"))
                continue
            for monitor in wanted:
                is_same = monitor.subject.key == subject.key
                if is_same and monitor.kind == result.get("type"):
                    self._streams.watch(result.get("id"), monitor)
        return True

    async def _adjust(self) -> None:
        """Slow down the streams that the link cannot carry."""
        for stream_id, params in self._streams.take_adjustments():
            outcome = await self._link.call(
                "AdjustPeriodicEventStream",
                {"id": stream_id, "params": params},
                lane=Lane.BULK,
            )
            _LOGGER.info("stream %d slowed down: %s", stream_id, outcome.reason)


class _Present:
    """The monitors that a station reported."""

    def __init__(self, items: Iterable[Mapping[str, Any]]) -> None:
        self._found: dict[tuple[object, ...], Mapping[str, Any]] = {}
        for item in items:
            subject = subject_of(item)
            monitors = item.get("variableMonitoring")
            if subject is None or not isinstance(monitors, list):
                continue
            for told in monitors:
                if isinstance(told, dict):
                    self._found[subject.key, told.get("type")] = told

    def id_of(self, monitor: Monitor) -> object:
        """Return the number of a monitor that the station has, None without one."""
        told = self._found.get((monitor.subject.key, monitor.kind.value))
        return None if told is None else told.get("id")

    def item_for(self, monitor: Monitor) -> Item | None:
        """Return what has to be sent for a monitor, None when it is there."""
        told = self._found.get((monitor.subject.key, monitor.kind.value))
        if told is not None and _is_as_wanted(told, monitor):
            return None
        item: Item = {
            **monitor.subject.to_wire(),
            "type": monitor.kind.value,
            "value": monitor.value,
            "severity": SEVERITY,
        }
        if monitor.is_streamed:
            item["periodicEventStream"] = {"interval": int(monitor.value), "values": 1}
        if told is not None and isinstance(told.get("id"), int):
            # In place of the one with another value (N04).
            item["id"] = told["id"]
        return item


def _is_as_wanted(told: Mapping[str, Any], monitor: Monitor) -> bool:
    """Return True for a monitor that does the same, or that cannot be changed."""
    is_fixed = told.get("eventNotificationType") in _HARD_WIRED
    return is_fixed or told.get("value") == monitor.value
