"""Look at the charging profiles that a station has, and say which are in the way."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from ..domain.requests import CheckProfiles, StationAnswer
from ..domain.setpoint import WriteResult, WriteStatus
from .calls import CallEnd
from .charging_profile import (
    ASSUMED_PHASES,
    FLOOR_PURPOSE,
    NOMINAL_VOLTAGE_V,
    PRIORITY_PURPOSE,
    TX_PURPOSE,
    floor_problem,
    floor_request,
    priority_id,
    profile_id,
    stack_level,
)
from .commands import read_schedule
from .device_model import ModelSummary
from .link import StationLink
from .setpoints import result_of
from .station import Station
from .stored_profiles import StoredProfile as Profile, read_profiles
from .versions import V16, V21

MAX_PURPOSE: Final = "ChargingStationMaxProfile"
EXTERNAL_PURPOSE: Final = "ChargingStationExternalConstraints"
_PURPOSES_2: Final = (FLOOR_PURPOSE, TX_PURPOSE, MAX_PURPOSE, EXTERNAL_PURPOSE)
_PURPOSES_2_1: Final = (*_PURPOSES_2, PRIORITY_PURPOSE, "LocalGeneration")

_ACCEPTED: Final = WriteResult(status=WriteStatus.ACCEPTED)


class Finding(StrEnum):
    """What is wrong with a profile."""

    FLOOR = "floor"
    """What is left when all else has expired is not what the owner chose."""

    STACK_LEVEL = "stack_level"
    """A profile of somebody else stands above ours, or ours cannot stand where it is."""

    PURPOSE = "purpose"
    """Our number has another purpose than ours."""

    CAP = "cap"
    """A limit of the whole station or of another controller is below its power."""

    FOREIGN_DISCHARGE = "foreign_discharge"
    """A profile that is not ours asks for a discharge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One finding, about one profile."""

    finding: Finding
    profile_id: int | None
    detail: str


async def check_profiles(
    station: Station, link: StationLink, _: CheckProfiles
) -> StationAnswer:
    """Return the profiles of a station and what is wrong with them.

    1.6 has no way to list profiles: there only the plan of each EVSE can be told.
    """
    if link.protocol == V16.protocol:
        schedules = await _schedules(station)
        return StationAnswer(
            result=_ACCEPTED,
            action="GetCompositeSchedule",
            data={"profiles": None, "findings": [], "schedule_w": schedules},
        )
    profiles: list[Profile] = []
    purposes = _PURPOSES_2_1 if link.protocol == V21.protocol else _PURPOSES_2
    for purpose in purposes:
        outcome, found = await read_profiles(link, station.inbox, purpose)
        if outcome.end is not CallEnd.ANSWERED:
            return StationAnswer(
                result=result_of(outcome), action="GetChargingProfiles"
            )
        profiles += found
    summary = station.summary
    floor = floor_request(station.config.limits.unattended_charge_w, summary)
    problems = find_problems(
        profiles, summary, floor, station.config.limits.max_charge_power_w
    )
    return StationAnswer(
        result=_ACCEPTED,
        action="GetChargingProfiles",
        data={
            "profiles": [_shown(profile, summary) for profile in profiles],
            "findings": [
                {
                    "finding": problem.finding.value,
                    "profile_id": problem.profile_id,
                    "detail": problem.detail,
                }
                for problem in problems
            ],
            "schedule_w": await _schedules(station),
        },
    )


def find_problems(
    profiles: Iterable[Profile],
    summary: ModelSummary,
    floor: Mapping[str, Any],
    rating_w: float,
) -> tuple[Problem, ...]:
    """Return what is wrong with the profiles of a 2.x station.

    Args:
        profiles: as it reported them, each with the ``evseId`` it is for.
        summary: of its device model.
        floor: the SetChargingProfile of our floor.
        rating_w: the most that it is meant to charge with.
    """
    profiles = tuple(profiles)
    defaults = [p for p in profiles if p.get("chargingProfilePurpose") == FLOOR_PURPOSE]
    problems: list[Problem] = []
    told = floor_problem(defaults, floor)
    if told is not None:
        floor_id = floor["chargingProfile"]["id"]
        problems.append(
            Problem(finding=Finding.FLOOR, profile_id=floor_id, detail=told)
        )
    for profile in profiles:
        problems += _problems_of(profile, summary, rating_w)
    return tuple(problems)


def _problems_of(
    profile: Profile, summary: ModelSummary, rating_w: float
) -> Iterator[Problem]:
    number, level = _number_of(profile), profile.get("stackLevel", 0)
    purpose = str(profile.get("chargingProfilePurpose"))
    ours = _our_purpose(profile, summary)

    def problem(finding: Finding, detail: str) -> Problem:
        return Problem(finding=finding, profile_id=number, detail=detail)

    if ours is not None and purpose != ours:
        yield problem(Finding.PURPOSE, f"is {purpose} instead of {ours}")
    highest = summary.profile_stack_level
    if highest is not None and level > highest:
        yield problem(
            Finding.STACK_LEVEL, f"level {level}, the station has up to {highest}"
        )
    our_level = stack_level(summary)
    if ours is None and purpose == TX_PURPOSE and level >= our_level:
        detail = f"level {level}, ours stands at {our_level}"
        yield problem(Finding.STACK_LEVEL, detail)
    if purpose in {MAX_PURPOSE, EXTERNAL_PURPOSE}:
        limit_w = _lowest_limit_w(profile, summary)
        if limit_w is not None and limit_w < rating_w:
            yield problem(Finding.CAP, f"{purpose} of {limit_w:.0f} W")
    if ours is None and _asks_for_discharge(profile):
        yield problem(Finding.FOREIGN_DISCHARGE, f"{purpose} with a negative power")


def _our_purpose(profile: Profile, summary: ModelSummary) -> str | None:
    """Return the purpose that a number of ours has, None for one that is not ours."""
    number = _number_of(profile)
    if number == profile_id(0, summary):
        return FLOOR_PURPOSE
    if number == priority_id(summary):
        return PRIORITY_PURPOSE
    ours = {profile_id(evse_id, summary) for evse_id in summary.evse_ids or (1,)}
    return TX_PURPOSE if number in ours else None


def _number_of(profile: Profile) -> int | None:
    number = profile.get("id")
    return number if isinstance(number, int) else None


def _periods(profile: Profile) -> Iterator[tuple[str, Mapping[str, Any]]]:
    schedules = profile.get("chargingSchedule")
    for schedule in schedules if isinstance(schedules, list) else ():
        if not isinstance(schedule, dict):
            continue
        unit = str(schedule.get("chargingRateUnit", "W"))
        periods = schedule.get("chargingSchedulePeriod")
        for period in periods if isinstance(periods, list) else ():
            if isinstance(period, dict):
                yield unit, period


def _lowest_limit_w(profile: Profile, summary: ModelSummary) -> float | None:
    limits = []
    for unit, period in _periods(profile):
        limit = period.get("limit")
        if not isinstance(limit, (int, float)):
            continue
        phases = period.get("numberPhases") or summary.supply_phases or ASSUMED_PHASES
        limits.append(limit * NOMINAL_VOLTAGE_V * phases if unit == "A" else limit)
    return min(limits, default=None)


def _asks_for_discharge(profile: Profile) -> bool:
    return any(
        isinstance(period.get(name), (int, float)) and period[name] < 0
        for _, period in _periods(profile)
        for name in ("limit", "setpoint", "v2xBaseline")
    )


def _shown(profile: Profile, summary: ModelSummary) -> dict[str, Any]:
    return {
        "id": profile.get("id"),
        "evse": profile.get("evseId"),
        "purpose": profile.get("chargingProfilePurpose"),
        "stack_level": profile.get("stackLevel"),
        "kind": profile.get("chargingProfileKind"),
        "is_ours": _our_purpose(profile, summary) is not None,
        "schedule": [
            {"unit": unit, **{k: v for k, v in period.items() if k != "customData"}}
            for unit, period in _periods(profile)
        ],
    }


async def _schedules(station: Station) -> dict[str, float | None]:
    """Return what each EVSE plans now, W; None where it does not say."""
    return {
        str(evse_id): await read_schedule(station, station.key(evse_id))
        for evse_id in station.summary.evse_ids or (1,)
    }
