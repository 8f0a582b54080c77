"""Reports that arrive in several frames after the answer to their request."""

import asyncio
from enum import StrEnum
from typing import Any, Final

from .model_rows import MAX_REPORT_ROWS

IDLE_TIMEOUT_S: Final = 10.0
"""House rule: a report whose next part is that late does not go on."""

TOTAL_TIMEOUT_S: Final = 60.0
"""House rule: 20,000 rows arrive within it at 100 frames a second."""


class ReportKind(StrEnum):
    """The messages that a report arrives in: each holds something else."""

    MODEL = "NotifyReport"
    MONITORS = "NotifyMonitoringReport"
    PROFILES = "ReportChargingProfiles"
    GRID_SETTINGS = "ReportDERControl"


class Report:
    """The parts of one report so far."""

    def __init__(self, kind: ReportKind) -> None:
        """Start empty."""
        self.kind = kind
        self.items: list[Any] = []
        self.received = 0
        """How many items came, kept or not."""

        self._is_complete = False
        self._progress = asyncio.Event()

    def add(self, kept: list[Any], received: int, *, is_last: bool) -> None:
        """Take one part."""
        self.received += received
        if self.received <= MAX_REPORT_ROWS:
            self.items += kept
        self._is_complete = is_last or self.received >= MAX_REPORT_ROWS
        self._progress.set()

    async def wait(
        self, idle_s: float = IDLE_TIMEOUT_S, total_s: float = TOTAL_TIMEOUT_S
    ) -> bool:
        """Return True when the last part is there, False when it stopped coming."""
        try:
            async with asyncio.timeout(total_s):
                while not self._is_complete:
                    async with asyncio.timeout(idle_s):
                        await self._progress.wait()
                    self._progress.clear()
        except TimeoutError:
            return False
        return True


class ReportInbox:
    """The reports that are expected, by request id."""

    def __init__(self) -> None:
        """Expect nothing."""
        self._reports: dict[int, Report] = {}
        self._last_id = 0

    def open(self, kind: ReportKind) -> tuple[int, Report]:
        """Return a new request id and the report that it will fill."""
        self._last_id += 1
        report = Report(kind)
        self._reports[self._last_id] = report
        return self._last_id, report

    def find(self, request_id: object, kind: ReportKind) -> Report | None:
        """Return the report of a request, None when nobody waits for it.

        What comes by the number of a report in a message of another kind is none of it:
        whoever waits could not read it.
        """
        if not isinstance(request_id, (int, float)):
            return None
        report = self._reports.get(int(request_id))
        return report if report is not None and report.kind is kind else None

    def close(self, request_id: int) -> None:
        """Expect a report no longer."""
        self._reports.pop(request_id, None)
