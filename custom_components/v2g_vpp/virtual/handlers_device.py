"""Answers about the device model."""

from typing import Any

from .device_model import Mutability, Variable
from .hardware import Hardware
from .jobs import Jobs, in_parts
from .ocpp_package import Action, call, call_result, on
from .peer import Peer
from .schedule import WireObject

ROWS_PER_REPORT = 15
"""Keeps one NotifyReport below some kilobytes."""

STATE_VARIABLES = frozenset({"availabilitystate", "active"})
"""What a summary shows."""


class DeviceHandlers:
    """Variables, read and written singly or as a report."""

    def __init__(self, hardware: Hardware, jobs: Jobs) -> None:
        """Answer about the device model of a station."""
        self._hardware = hardware
        self._jobs = jobs

    @on(Action.get_variables)
    def on_get_variables(self, get_variable_data: list[WireObject], **_: Any) -> Any:
        """Read variables."""
        self._hardware.advance()
        return call_result.GetVariables(
            get_variable_result=[
                self._hardware.model.get(each) for each in get_variable_data
            ]
        )

    @on(Action.set_variables)
    def on_set_variables(self, set_variable_data: list[WireObject], **_: Any) -> Any:
        """Write variables."""
        self._hardware.advance()
        results = [self._hardware.model.set(each) for each in set_variable_data]
        self._hardware.profiles_changed()
        return call_result.SetVariables(set_variable_result=results)

    @on(Action.get_base_report)
    def on_get_base_report(self, request_id: int, report_base: str, **_: Any) -> Any:
        """Report the inventory, the configuration or the state."""
        rows = [
            variable.report()
            for variable in self._hardware.model
            if _is_in_base(variable, report_base)
        ]
        return call_result.GetBaseReport(status=self._post(request_id, rows))

    @on(Action.get_report)
    def on_get_report(
        self,
        request_id: int,
        component_variable: list[WireObject] | None = None,
        component_criteria: list[str] | None = None,
        **_: Any,
    ) -> Any:
        """Report the variables that are named."""
        if component_criteria is not None:
            return call_result.GetReport(status="NotSupported")
        rows = [
            variable.report()
            for variable in self._hardware.model
            if component_variable is None
            or any(variable.name.is_meant_by(each) for each in component_variable)
        ]
        return call_result.GetReport(
            status=self._post(request_id, rows) if rows else "EmptyResultSet"
        )

    def _post(self, request_id: int, rows: list[dict[str, Any]]) -> str:
        async def report(peer: Peer) -> None:
            for part in in_parts(rows, ROWS_PER_REPORT):
                await peer.call(
                    call.NotifyReport(
                        request_id=request_id,
                        generated_at=self._hardware.clock_text(),
                        seq_no=part.seq_no,
                        report_data=part.rows,
                        tbc=part.is_followed,
                    )
                )

        return "Accepted" if self._jobs.post(report) else "Rejected"


def _is_in_base(variable: Variable, report_base: str) -> bool:
    match report_base:
        case "ConfigurationInventory":
            return variable.mutability is not Mutability.READ_ONLY
        case "SummaryInventory":
            return variable.name.variable.casefold() in STATE_VARIABLES
        case _:
            return True
