"""Bring a station into a known state: model, floor profile, meter, present state."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
import logging
from typing import Any, Final

from .calls import CallEnd, CallOutcome, Lane
from .charging_profile import (
    FLOOR_PURPOSE,
    floor_request,
    is_floor_among,
    is_floor_in_composite,
)
from .device_model import (
    FALLBACK_QUESTIONS,
    ModelSummary,
    Row,
    rows_of_variables,
    summarise,
)
from .link import StationLink
from .metering_setup import MeteringSetup
from .station import Station
from .store import BootData
from .variables import get_variables

_LOGGER = logging.getLogger(__name__)

BOOT_GRACE_S: Final = 10.0
"""House rule: how long a station that is not registered may take to boot by itself."""

FLOOR_RETRY_S: Final = 60.0
"""House rule: a station that could not confirm the floor is asked again."""

RECHECK_S: Final = 24 * 3600.0
"""The floor profile is checked daily (OCPP brief 2.2)."""

UNKNOWN_BOOT: Final = BootData(vendor="", model="", serial_number=None, firmware="")
"""Of a station that was registered in a time that is forgotten. The firmware is no
real one, so a proof of discharge made with it ends at the next boot."""

COMPOSITE_S: Final = 60
"""Span of the schedule that proves the floor where profiles cannot be read."""


class Provisioner:
    """Works through one link of one station, for as long as the link lives."""

    def __init__(self, station: Station, link: StationLink) -> None:
        """Take the station and its present link; nothing is sent yet."""
        self._station = station
        self._link = link
        self._attention = station.needs_attention

    async def run(self) -> None:
        """Bring the station up, and again after every reboot; ends with the link."""
        wait_s = BOOT_GRACE_S
        while True:
            await self._wait_for_attention(wait_s)
            if not self._station.is_registered:
                await self._ask_to_boot()
                wait_s = BOOT_GRACE_S
                continue
            try:
                has_floor = await self._bring_up()
            except Exception:
                # Without this step there is no discharge; the link goes on.
                _LOGGER.exception("%s: set-up failed", self._station.station_id)
                has_floor = False
            wait_s = RECHECK_S if has_floor else FLOOR_RETRY_S

    async def _wait_for_attention(self, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._attention.wait()
        except TimeoutError:
            return
        self._attention.clear()

    async def _ask_to_boot(self) -> None:
        """Recover a station whose registration was lost: it may never boot again.

        A station that was accepted before has to refuse this (F06.FR.17), for example
        when the integration was removed and added again. It showed its password, so
        it is taken as registered; what it is comes with its next boot.
        """
        outcome = await self._link.call(
            "TriggerMessage", {"requestedMessage": "BootNotification"}
        )
        if _has_status(outcome, "Rejected") and not self._station.is_registered:
            _LOGGER.info(
                "%s: was registered before, taken over", self._station.station_id
            )
            self._station.boot(UNKNOWN_BOOT)

    async def _bring_up(self) -> bool:
        station = self._station
        summary = await self._read_model()
        has_floor = await self._confirm_floor(summary)
        metering = MeteringSetup(self._link, summary)
        reports_export = await metering.run()
        summary = replace(summary, reports_export=reports_export)
        if summary != station.record.summary:
            station.keep(replace(station.record, summary=summary))
        station.ready(has_floor_profile=has_floor)
        await self._ask_for_state(summary)
        return has_floor

    # --- device model ---------------------------------------------------------

    async def _read_model(self) -> ModelSummary:
        """Return the summary for the present firmware, from the store if it is there."""
        boot = self._station.record.boot
        firmware = boot.firmware if boot is not None else ""
        known = self._station.record.summary
        if known is not None and known.firmware == firmware:
            return known
        rows = await self._report() or await self._questions()
        summary = summarise(rows, firmware)
        _LOGGER.debug("%s: device model %s", self._station.station_id, summary)
        self._station.keep(replace(self._station.record, summary=summary))
        return summary

    async def _report(self) -> Iterable[Row]:
        inbox = self._station.inbox
        request_id, report = inbox.open()
        try:
            outcome = await self._link.call(
                "GetBaseReport",
                {"requestId": request_id, "reportBase": "FullInventory"},
                lane=Lane.BULK,
            )
            if not _has_status(outcome, "Accepted"):
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
        results = await get_variables(
            self._link,
            [
                {
                    "component": {"name": component}
                    if evse_id is None
                    else {"name": component, "evse": {"id": evse_id}},
                    "variable": {"name": variable},
                }
                for component, variable, evse_id in FALLBACK_QUESTIONS
            ],
        )
        return rows_of_variables(list(results))

    # --- floor ----------------------------------------------------------------

    async def _confirm_floor(self, summary: ModelSummary) -> bool:
        """Return True when the station is known to have the floor, on this link.

        It is written only where it is not there yet: profiles that persist wear flash.
        """
        limits = self._station.config.limits
        request = floor_request(limits.unattended_charge_w, summary)
        if await self._is_floor_installed(request):
            return True
        outcome = await self._link.call("SetChargingProfile", request)
        if not _has_status(outcome, "Accepted"):
            _LOGGER.warning(
                "%s: floor profile refused: %s",
                self._station.station_id,
                _reason(outcome),
            )
            return False
        if await self._is_floor_installed(request):
            return True
        return await self._is_floor_in_composite(summary)

    async def _is_floor_installed(self, request: Mapping[str, Any]) -> bool:
        inbox = self._station.inbox
        request_id, report = inbox.open()
        try:
            outcome = await self._link.call(
                "GetChargingProfiles",
                {
                    "requestId": request_id,
                    "chargingProfile": {
                        "chargingProfilePurpose": FLOOR_PURPOSE,
                    },
                },
            )
            if not _has_status(outcome, "Accepted"):
                return False
            await report.wait()
        finally:
            inbox.close(request_id)
        return is_floor_among(report.items, request)

    async def _is_floor_in_composite(self, summary: ModelSummary) -> bool:
        """Ask what the station would do: the way out where profiles cannot be read."""
        if self._station.ledger.open_transactions():
            # With a transaction the answer is about its own profile.
            return False
        outcome = await self._link.call(
            "GetCompositeSchedule", {"evseId": 0, "duration": COMPOSITE_S}
        )
        limits = self._station.config.limits
        return _has_status(outcome, "Accepted") and is_floor_in_composite(
            outcome.payload.get("schedule"), limits.unattended_charge_w, summary
        )

    # --- present state --------------------------------------------------------

    async def _ask_for_state(self, summary: ModelSummary) -> None:
        for record in self._station.ledger.open_transactions():
            outcome = await self._link.call(
                "GetTransactionStatus", {"transactionId": record.transaction_id}
            )
            if outcome.payload.get("ongoingIndicator") is False:
                self._station.transaction_gone(record.transaction_id)
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


def _has_status(outcome: CallOutcome, status: str) -> bool:
    return outcome.end is CallEnd.ANSWERED and outcome.payload.get("status") == status


def _reason(outcome: CallOutcome) -> str:
    info = outcome.payload.get("statusInfo") or {}
    return str(info.get("reasonCode") or outcome.code or outcome.end)
