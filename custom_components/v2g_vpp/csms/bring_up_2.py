"""Bring a 2.x station into a known state: model, floor, meter, present state."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
import logging
from typing import Any, Final

from .calls import Lane
from .charging_profile import (
    FLOOR_PURPOSE,
    floor_problem,
    floor_request,
    is_floor_in_composite,
)
from .device_model import ModelSummary, summarise
from .fault_mapping import InverterChange
from .inverter_requests import read_inverters
from .link import StationLink
from .metering_setup import MeteringSetup
from .model_rows import Row, rows_of_variables
from .monitoring_setup import MonitoringSetup
from .priority_setup import PrioritySetup
from .reports import ReportKind
from .station import Station
from .stored_profiles import read_profiles
from .variables import ask_fallback_questions

_LOGGER = logging.getLogger(__name__)

COMPOSITE_S: Final = 60
"""Span of the schedule that proves the floor where profiles cannot be read."""


class BringUp2:
    """Works through one link of one 2.x station once."""

    def __init__(self, station: Station, link: StationLink) -> None:
        """Take the station and its present link; nothing is sent yet."""
        self._station = station
        self._link = link
        self.is_settled = False
        self._life = station.life

    async def run(self) -> bool:
        """Return True when the floor profile is confirmed on this link."""
        station = self._station
        self._life = station.life
        summary = await self._read_model()
        has_floor = await self._confirm_floor(station.summary)
        metering = MeteringSetup(self._link, summary)
        reports_export = await metering.run()
        if self._is_overtaken:
            return False
        summary = replace(summary, reports_export=reports_export)
        if summary != station.record.summary:
            station.keep(replace(station.record, summary=summary))
        station.ready(has_floor_profile=has_floor)
        await self._ask_for_state(summary)
        modes = await read_inverters(self._link, summary.inverters)
        for evse_id, mode in modes.items():
            station.reporter.apply(InverterChange(evse_id=evse_id, mode=mode))
        await PrioritySetup(
            self._link, summary, station.inbox, station.config.limits
        ).run()
        monitoring = MonitoringSetup(
            self._link, summary, station.inbox, station.streams
        )
        self.is_settled = await monitoring.run()
        return has_floor

    @property
    def _is_overtaken(self) -> bool:
        """True once the link is another one, or the station booted."""
        return self._station.life != self._life

    # --- device model ---------------------------------------------------------

    async def _read_model(self) -> ModelSummary:
        """Return the summary for the present firmware, from the store if it is there."""
        boot = self._station.record.boot
        firmware = boot.firmware if boot is not None else ""
        known = self._station.record.summary
        if known is not None and known.firmware == firmware:
            return known
        # One that ended unheard would hold the report up, as if it discharged still.
        await self._ask_about_transactions()
        rows = await self._report() or await self._questions()
        summary = summarise(rows, firmware)
        if self._is_overtaken:
            # What was not read to the end must not be taken for all there is.
            return summary
        _LOGGER.debug("%s: device model %s", self._station.station_id, summary)
        self._station.keep(replace(self._station.record, summary=summary))
        return summary

    async def _report(self) -> Iterable[Row]:
        inbox = self._station.inbox
        request_id, report = inbox.open(ReportKind.MODEL)
        try:
            outcome = await self._link.call(
                "GetBaseReport",
                {"requestId": request_id, "reportBase": "FullInventory"},
                lane=Lane.BULK,
            )
            if not outcome.has_status("Accepted"):
                return ()
            if not await report.wait():
                _LOGGER.info(
                    "%s: report stopped after %d rows",
                    self._station.station_id,
                    report.received,
                )
        finally:
            inbox.close(request_id)
        return tuple(report.items)

    async def _questions(self) -> Iterable[Row]:
        return rows_of_variables(await ask_fallback_questions(self._link))

    # --- floor ----------------------------------------------------------------

    async def _confirm_floor(self, summary: ModelSummary) -> bool:
        """Return True when the station is known to have the floor, on this link.

        It is written only where it is not there yet: profiles that persist wear flash.
        """
        limits = self._station.config.limits
        request = floor_request(limits.unattended_charge_w, summary)
        if await self._floor_problem(request) is None:
            return True
        outcome = await self._link.call("SetChargingProfile", request)
        if not outcome.has_status("Accepted"):
            _LOGGER.warning(
                "%s: floor profile refused: %s",
                self._station.station_id,
                outcome.reason,
            )
            return False
        problem = await self._floor_problem(request)
        if problem is None or await self._is_floor_in_composite(summary):
            return True
        _LOGGER.warning(
            "%s: floor profile not confirmed: %s", self._station.station_id, problem
        )
        return False

    async def _floor_problem(self, request: Mapping[str, Any]) -> str | None:
        """Return what is wrong with the floor on the station, None when nothing is."""
        outcome, profiles = await read_profiles(
            self._link, self._station.inbox, FLOOR_PURPOSE
        )
        if not outcome.has_status("Accepted"):
            return f"its profiles cannot be read ({outcome.reason})"
        return floor_problem(profiles, request)

    async def _is_floor_in_composite(self, summary: ModelSummary) -> bool:
        """Ask what the station would do: the way out where profiles cannot be read."""
        if self._station.ledger.open_transactions():
            # With a transaction the answer is about its own profile.
            return False
        outcome = await self._link.call(
            "GetCompositeSchedule", {"evseId": 0, "duration": COMPOSITE_S}
        )
        limits = self._station.config.limits
        return outcome.has_status("Accepted") and is_floor_in_composite(
            outcome.payload.get("schedule"), limits.unattended_charge_w, summary
        )

    # --- present state --------------------------------------------------------

    async def _ask_about_transactions(self) -> None:
        for record in self._station.ledger.open_transactions():
            outcome = await self._link.call(
                "GetTransactionStatus", {"transactionId": record.transaction_id}
            )
            if outcome.payload.get("ongoingIndicator") is False:
                self._station.transactions.gone(record.transaction_id)

    async def _ask_for_state(self, summary: ModelSummary) -> None:
        await self._ask_about_transactions()
        evse_ids = summary.evse_ids or (1,)
        connectors = summary.connectors or tuple((evse, 1) for evse in evse_ids)
        for evse_id, connector_id in connectors:
            await self._trigger(
                "StatusNotification", {"id": evse_id, "connectorId": connector_id}
            )
        for evse_id in evse_ids:
            await self._trigger("TransactionEvent", {"id": evse_id})

    async def _trigger(self, message: str, evse: Mapping[str, int]) -> None:
        await self._link.call(
            "TriggerMessage", {"requestedMessage": message, "evse": dict(evse)}
        )
