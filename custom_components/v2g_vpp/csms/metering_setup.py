"""Have a station measure what control needs, and read back what it does measure."""

from collections.abc import Iterable, Mapping, Sequence
import logging
from typing import Any, Final

from .device_model import ModelSummary
from .link import StationLink
from .metering import POWER_EXPORT, SOC, VITAL_MEASURANDS, WANTED_MEASURANDS
from .variables import get_variables, set_variables

_LOGGER = logging.getLogger(__name__)

SAMPLED_DATA: Final = "SampledDataCtrlr"
V2X_CHARGING: Final = "V2XChargingCtrlr"
UPDATED_MEASURANDS: Final = "TxUpdatedMeasurands"
UPDATED_INTERVAL: Final = "TxUpdatedInterval"
_BOUNDARY_MEASURANDS: Final = ("TxStartedMeasurands", "TxEndedMeasurands")

WANTED_INTERVALS_S: Final = (1, 2, 5, 10)
"""Tried in this order; above 10 s readings are stale between two of them."""

FAST_ENOUGH_S: Final = 2
"""An interval that is already this short is left alone."""

type Subject = Mapping[str, Any]
"""Component and variable as the wire names them."""


class MeteringSetup:
    """The measurand configuration of one station."""

    def __init__(self, link: StationLink, summary: ModelSummary) -> None:
        """Take the link and what the station can do."""
        self._link = link
        self._summary = summary

    async def run(self) -> bool:
        """Configure what differs; return True when export power is read back."""
        subjects = self._measurand_subjects()
        intervals = self._interval_subjects()
        present = await self._read([*subjects, *intervals])
        for subject in subjects:
            if not self._is_enough(subject, present.get(_name(subject), "")):
                await self._write_first(subject, self._measurand_choices(subject))
        for subject in intervals:
            if not _is_fast(present.get(_name(subject), "")):
                await self._write_first(subject, map(str, WANTED_INTERVALS_S))
        updated = [s for s in subjects if s["variable"]["name"] == UPDATED_MEASURANDS]
        present = await self._read(updated)
        return bool(present) and all(
            POWER_EXPORT in _members(value) for value in present.values()
        )

    def _measurand_subjects(self) -> list[Subject]:
        names = (UPDATED_MEASURANDS, *_BOUNDARY_MEASURANDS)
        return [_sampled(name) for name in names] + [
            _v2x(UPDATED_MEASURANDS, item.instance, item.evse_id)
            for item in self._summary.v2x_metering
            if item.variable == UPDATED_MEASURANDS.lower()
        ]

    def _interval_subjects(self) -> list[Subject]:
        return [_sampled(UPDATED_INTERVAL)] + [
            _v2x(UPDATED_INTERVAL, item.instance, item.evse_id)
            for item in self._summary.v2x_metering
            if item.variable == UPDATED_INTERVAL.lower()
        ]

    def _wanted(self, subject: Subject) -> tuple[str, ...]:
        is_updated = subject["variable"]["name"] == UPDATED_MEASURANDS
        wanted = WANTED_MEASURANDS if is_updated else VITAL_MEASURANDS
        choices = self._summary.measurand_choices
        return tuple(m for m in wanted if not choices or m in choices)

    def _is_enough(self, subject: Subject, value: str) -> bool:
        return set(self._wanted(subject)) <= set(_members(value))

    def _measurand_choices(self, subject: Subject) -> Iterable[str]:
        """Yield lists to try: a station refuses the whole for one it does not know."""
        wanted = self._wanted(subject)
        vital = tuple(m for m in wanted if m in VITAL_MEASURANDS)
        for measurands in (wanted, (*vital, SOC), vital, vital[:2]):
            yield ",".join(dict.fromkeys(measurands))

    async def _read(self, subjects: Sequence[Subject]) -> dict[str, str]:
        results = await get_variables(self._link, subjects, self._summary.items_per_get)
        return {
            _name(result): str(result.get("attributeValue", ""))
            for result in results
            if result.get("attributeStatus") == "Accepted"
        }

    async def _write_first(self, subject: Subject, values: Iterable[str]) -> None:
        """Write the first of several values that the station accepts."""
        for value in values:
            results = await set_variables(
                self._link,
                [{**subject, "attributeValue": value}],
                self._summary.items_per_set,
            )
            status = results[0].get("attributeStatus") if results else None
            if status in {"Accepted", "RebootRequired"}:
                return
            if status in {"UnknownComponent", "UnknownVariable"}:
                return
        _LOGGER.info("station refuses every value of %s", _name(subject))


def _sampled(variable: str) -> Subject:
    return {"component": {"name": SAMPLED_DATA}, "variable": {"name": variable}}


def _v2x(variable: str, instance: str, evse_id: int) -> Subject:
    component: dict[str, Any] = {"name": V2X_CHARGING}
    if evse_id:
        component["evse"] = {"id": evse_id}
    named: dict[str, Any] = {"name": variable}
    if instance:
        named["instance"] = instance
    return {"component": component, "variable": named}


def _name(subject: Subject) -> str:
    """Return what tells subjects apart, in one spelling: names ignore case."""
    component, variable = subject["component"], subject["variable"]
    parts = (
        component["name"],
        component.get("evse", {}).get("id", ""),
        variable["name"],
        variable.get("instance", ""),
    )
    return ".".join(str(part) for part in parts).lower()


def _members(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(","))


def _is_fast(value: str) -> bool:
    return value.strip().isdecimal() and 1 <= int(value) <= FAST_ENOUGH_S
