"""What a guest says while it waits: shown on one page, and kept nowhere."""

import asyncio
from dataclasses import replace

from ..domain.capability import DischargeDialect
from ..domain.events import (
    MeasurementReported,
    StationConnected,
    StationDisconnected,
    StationEvent,
)
from ..domain.visitor import DischargeClaim, VisitorRefusal, VisitorReport
from .device_model import capability_of, summarise
from .link import StationLink
from .model_rows import rows_of_variables
from .store import BootData
from .variables import ask_fallback_questions
from .versions import V16, V21


class VisitorBook:
    """One report, written by what the guest does; a ``StationEventSink``."""

    def __init__(self) -> None:
        """Start with nobody there."""
        self.report = VisitorReport()
        self.measured = asyncio.Event()
        """Set by the first meter values of a link."""

        self._powers_w: dict[int, float] = {}

    def post(self, event: StationEvent) -> None:
        """Take what concerns the report; the rest is dropped."""
        match event:
            case StationConnected(protocol=protocol):
                self._powers_w.clear()
                self.measured.clear()
                # What was read is of the same station still.
                known = self.report if self.report.is_read else VisitorReport()
                self.report = replace(
                    known, is_connected=True, protocol=protocol, refusal=None
                )
            case StationDisconnected():
                self.report = replace(self.report, is_connected=False)
            case MeasurementReported(key=key, measurement=measurement):
                if measurement.power_w is not None:
                    self._powers_w[key.evse_id] = measurement.power_w.value
                powers_w = self._powers_w.values()
                self.report = replace(
                    self.report,
                    has_meter_values=True,
                    power_w=sum(powers_w) if powers_w else None,
                )
                self.measured.set()

    def met(self, boot: BootData) -> None:
        """Note what it says of itself."""
        self.report = replace(
            self.report,
            has_booted=True,
            vendor=boot.vendor,
            model=boot.model,
            firmware=boot.firmware,
        )

    def refused(self, refusal: VisitorRefusal) -> None:
        """Note a refusal; one of somebody else hides none that is surely its own."""
        before = self.report.refusal
        if refusal.is_stranger and before is not None and not before.is_stranger:
            return
        self.report = replace(self.report, refusal=refusal)

    def read(self, claim: DischargeClaim) -> None:
        """Note that everything was asked."""
        self.report = replace(self.report, is_read=True, claim=claim)


async def ask_for_claim(link: StationLink) -> DischargeClaim:
    """Return what a station says of discharge, by the rule of those of the home."""
    if link.protocol == V16.protocol:
        # No configuration key of 1.6 tells it.
        return DischargeClaim.NOT_TOLD
    results = await ask_fallback_questions(link)
    rows = rows_of_variables(results)
    summary = summarise(rows, "")
    capability = capability_of(summary, link.protocol, None)
    if capability.dialect is not DischargeDialect.NONE:
        return DischargeClaim.CAN
    # Only 2.1 has words for it: an answer without them is a no there.
    is_told = bool(results) and link.protocol == V21.protocol
    is_off = not summary.is_v2x_enabled and any(r.variable == "enabled" for r in rows)
    is_no = is_told or is_off
    return DischargeClaim.CANNOT if is_no else DischargeClaim.NOT_TOLD
