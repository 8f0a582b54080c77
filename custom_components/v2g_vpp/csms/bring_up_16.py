"""Bring a 1.6 charge point into a known state: keys, floor, meter, present state."""

from dataclasses import replace
import logging
from typing import Final

from .charging_profile import floor_request, is_floor_in_composite
from .configuration_16 import (
    SAMPLE_INTERVAL,
    SAMPLED_DATA,
    SAMPLED_DATA_LENGTH,
    change_configuration,
    read_configuration,
    summary_of,
)
from .device_model import ModelSummary
from .link import StationLink
from .metering import POWER_EXPORT, VITAL_MEASURANDS, WANTED_MEASURANDS
from .metering_setup import FAST_ENOUGH_S, WANTED_INTERVALS_S
from .station import Station
from .wording import wording_of

_LOGGER = logging.getLogger(__name__)

COMPOSITE_S: Final = 300
"""Longer than any profile of ours is valid: the last period is what is left then."""


class BringUp16:
    """Works through one link of one charge point once."""

    def __init__(self, station: Station, link: StationLink) -> None:
        """Take the station and its present link; nothing is sent yet."""
        self._station = station
        self._link = link
        self._wording = wording_of(link.protocol)
        self.is_settled = True

    async def run(self) -> bool:
        """Return True when the floor profile is confirmed on this link."""
        station = self._station
        life = station.life
        values = await read_configuration(self._link)
        if station.life != life:
            # What was not read to the end must not be taken for all there is.
            return False
        boot = station.record.boot
        summary = summary_of(values, boot.firmware if boot is not None else "")
        known = station.record.summary
        if known is not None and known.firmware == summary.firmware:
            summary = replace(summary, reports_export=known.reports_export)
        station.keep(replace(station.record, summary=summary))
        has_floor = await self._confirm_floor(station.summary)
        measurands = await self._configure_meter(values)
        if station.life != life:
            # The link is another one, or the charge point booted.
            return False
        summary = replace(summary, reports_export=POWER_EXPORT in measurands)
        station.keep(replace(station.record, summary=summary))
        station.ready(has_floor_profile=has_floor)
        await self._ask_for_state(summary)
        return has_floor

    # --- floor ----------------------------------------------------------------

    async def _confirm_floor(self, summary: ModelSummary) -> bool:
        """Return True when the charge point has the floor, as its own plan shows.

        1.6 cannot list profiles, so the floor is written at every boot and link: the
        same id replaces the one before.
        """
        limits = self._station.config.limits
        request = floor_request(limits.unattended_charge_w, summary)
        outcome = await self._link.call(*self._wording.set_profile(request))
        if not outcome.has_status("Accepted"):
            _LOGGER.warning(
                "%s: floor profile refused: %s",
                self._station.station_id,
                outcome.reason,
            )
            return False
        for evse_id in summary.evse_ids:
            if not await self._is_floor_left_on(evse_id, summary):
                return False
        return True

    async def _is_floor_left_on(self, evse_id: int, summary: ModelSummary) -> bool:
        """Ask what a connector would do once everything else has expired."""
        question = self._wording.composite(evse_id, COMPOSITE_S)
        outcome = await self._link.call(*question)
        if not outcome.has_status("Accepted"):
            _LOGGER.info(
                "%s: its plan cannot be read: %s",
                self._station.station_id,
                outcome.reason,
            )
            return False
        limits = self._station.config.limits
        return is_floor_in_composite(
            self._wording.composite_in(outcome.payload),
            limits.unattended_charge_w,
            summary,
            # A transaction runs its own profile first.
            is_end_enough=self._station.ledger.open_on(evse_id) is not None,
        )

    # --- meter ----------------------------------------------------------------

    async def _configure_meter(self, values: dict[str, str]) -> frozenset[str]:
        """Return the measurands that the charge point reads back."""
        present = _words(values.get(SAMPLED_DATA, ""))
        if not set(WANTED_MEASURANDS) <= set(present):
            most = values.get(SAMPLED_DATA_LENGTH, "")
            await self._write_measurands(
                present, int(most) if most.isdecimal() and int(most) else None
            )
        if not _is_fast(values.get(SAMPLE_INTERVAL, "")):
            for interval_s in WANTED_INTERVALS_S:
                if await change_configuration(
                    self._link, SAMPLE_INTERVAL, str(interval_s)
                ):
                    break
        read_back = await read_configuration(self._link, (SAMPLED_DATA,))
        return frozenset(_words(read_back.get(SAMPLED_DATA, "")))

    async def _write_measurands(self, present: list[str], most: int | None) -> None:
        """Set all that are wanted, else as many as the charge point takes."""
        for wanted in (WANTED_MEASURANDS[:most], VITAL_MEASURANDS[:most]):
            if await self._take(wanted):
                return
        if set(VITAL_MEASURANDS) <= set(present):
            return
        taken: tuple[str, ...] = ()
        for measurand in WANTED_MEASURANDS:
            if len(taken) == most:
                break
            if await self._take((*taken, measurand)):
                taken = (*taken, measurand)

    async def _take(self, measurands: tuple[str, ...]) -> bool:
        return await change_configuration(
            self._link, SAMPLED_DATA, ",".join(measurands)
        )

    # --- present state --------------------------------------------------------

    async def _ask_for_state(self, summary: ModelSummary) -> None:
        for evse_id in summary.evse_ids:
            for message in ("StatusNotification", "MeterValues"):
                await self._link.call(*self._wording.trigger(message, evse_id))


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _is_fast(seconds: str) -> bool:
    return seconds.isdecimal() and 0 < int(seconds) <= FAST_ENOUGH_S
