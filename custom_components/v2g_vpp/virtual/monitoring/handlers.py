"""Answers about variable monitoring."""

import json
from typing import Any, Final

from ..hardware import Hardware
from ..jobs import Jobs, in_parts
from ..ocpp_package import Action, call, call_result, on
from ..peer import AnswerError, Peer
from ..schedule import WireObject
from .factory import BYTES_PER_MESSAGE, ITEMS_PER_MESSAGE, LEAST_SEVERE
from .monitor import PERIODS, THRESHOLDS, Monitor, MonitorType
from .monitors import Monitors
from .streams import Streams

ROWS_PER_REPORT: Final = 15
"""Keeps one NotifyMonitoringReport below some kilobytes."""

_CRITERIA: Final = {
    "ThresholdMonitoring": THRESHOLDS,
    "DeltaMonitoring": frozenset({MonitorType.DELTA}),
    "PeriodicMonitoring": PERIODS,
}


class MonitoringHandlers:
    """Monitors, set and reported."""

    def __init__(
        self, hardware: Hardware, jobs: Jobs, monitors: Monitors, streams: Streams
    ) -> None:
        """Answer about the monitors of a station and the streams of their values."""
        self._hardware = hardware
        self._jobs = jobs
        self._monitors = monitors
        self._streams = streams

    @on(Action.set_variable_monitoring)
    def on_set_variable_monitoring(
        self, set_monitoring_data: list[WireObject], **_: Any
    ) -> Any:
        """Set monitors, each for itself."""
        _check_size(set_monitoring_data)
        self._hardware.advance()
        return call_result.SetVariableMonitoring(
            set_monitoring_result=[self._set(each) for each in set_monitoring_data]
        )

    @on(Action.clear_variable_monitoring)
    def on_clear_variable_monitoring(self, id: list[int], **_: Any) -> Any:
        """Clear monitors, each for itself."""
        _check_size(id)
        results = [{"id": each, "status": self._monitors.clear(each)} for each in id]
        self._end_orphans()
        return call_result.ClearVariableMonitoring(clear_monitoring_result=results)

    @on(Action.set_monitoring_base)
    def on_set_monitoring_base(self, monitoring_base: str, **_: Any) -> Any:
        """Go to a set of monitors that the factory knows."""
        self._monitors.set_base(monitoring_base, self._hardware.now())
        self._end_orphans()
        return call_result.SetMonitoringBase(status="Accepted")

    @on(Action.set_monitoring_level)
    def on_set_monitoring_level(self, severity: int, **_: Any) -> Any:
        """Tell only what is at least as severe."""
        if not 0 <= severity <= LEAST_SEVERE:
            return call_result.SetMonitoringLevel(status="Rejected")
        self._monitors.level = severity
        return call_result.SetMonitoringLevel(status="Accepted")

    @on(Action.get_monitoring_report)
    def on_get_monitoring_report(
        self,
        request_id: int,
        component_variable: list[WireObject] | None = None,
        monitoring_criteria: list[str] | None = None,
        **_: Any,
    ) -> Any:
        """Report the monitors that are asked for."""
        types = (
            None
            if monitoring_criteria is None
            else frozenset[MonitorType]().union(
                *(_CRITERIA[each] for each in monitoring_criteria)
            )
        )
        found = self._monitors.select(types, component_variable)
        if not found:
            return call_result.GetMonitoringReport(status="EmptyResultSet")

        async def report(peer: Peer) -> None:
            rows = _by_variable(found, with_kind=peer.version == "2.1")
            for part in in_parts(rows, ROWS_PER_REPORT):
                await peer.call(
                    call.NotifyMonitoringReport(
                        request_id=request_id,
                        generated_at=self._hardware.clock_text(),
                        seq_no=part.seq_no,
                        monitor=part.rows,
                        tbc=part.is_followed,
                    )
                )

        return call_result.GetMonitoringReport(
            status="Accepted" if self._jobs.post(report) else "Rejected"
        )

    @on(Action.get_periodic_event_stream)
    def on_get_periodic_event_stream(self, **_: Any) -> Any:
        """List the open streams."""
        found = [each.constant_data() for each in self._streams if each.is_open]
        return call_result.GetPeriodicEventStream(constant_stream_data=found or None)

    @on(Action.adjust_periodic_event_stream)
    def on_adjust_periodic_event_stream(
        self, id: int, params: WireObject, **_: Any
    ) -> Any:
        """Change how often a stream speaks."""
        is_done = self._streams.adjust(id, params)
        return call_result.AdjustPeriodicEventStream(
            status="Accepted" if is_done else "Rejected"
        )

    @on(Action.close_periodic_event_stream)
    def on_close_periodic_event_stream(self, id: int, **_: Any) -> Any:
        """End a stream for a CSMS that says so, which the text leaves to stations."""
        stream = self._streams.by_id(id)
        if stream is not None:
            self._streams.end(stream.monitor_id)
        return call_result.ClosePeriodicEventStream()

    def _set(self, wire: WireObject) -> dict[str, Any]:
        result = self._monitors.set(wire, self._hardware.now())
        if result["status"] == "Accepted":
            monitor = self._monitors.find(result["id"])
            if monitor is not None:
                self._streams.follow(monitor, wire.get("periodicEventStream"))
        return result

    def _end_orphans(self) -> None:
        """End the streams of monitors that are gone (N13.FR.05)."""
        for stream in self._streams:
            if self._monitors.find(stream.monitor_id) is None:
                self._streams.end(stream.monitor_id)


def _check_size(items: list[Any]) -> None:
    """Refuse what is longer than the device model allows (N04.FR.09, N06.FR.06)."""
    if len(items) > ITEMS_PER_MESSAGE:
        raise AnswerError("OccurrenceConstraintViolation")
    if len(json.dumps(items, separators=(",", ":"))) > BYTES_PER_MESSAGE:
        raise AnswerError("FormatViolation")


def _by_variable(
    monitors: tuple[Monitor, ...], *, with_kind: bool
) -> list[dict[str, Any]]:
    rows: dict[object, dict[str, Any]] = {}
    for monitor in monitors:
        row = rows.setdefault(
            monitor.name.key(),
            {
                "component": monitor.name.component_wire(),
                "variable": monitor.name.variable_wire(),
                "variableMonitoring": [],
            },
        )
        row["variableMonitoring"].append(monitor.wire(with_kind=with_kind))
    return list(rows.values())
