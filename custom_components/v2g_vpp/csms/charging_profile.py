"""Charging profiles: how each dialect says a power, and the floor below them all."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from ..domain.capability import DIALECT_TIMING, LIMIT_DIALECTS, DischargeDialect
from ..domain.ids import TransactionId
from .device_model import CENTRAL_SETPOINT, ModelSummary
from .times import format_time

FIRST_PROFILE_ID: Final = 1000
"""House rule: above what stations use themselves; EVSE 0 has it, the floor."""

PRIORITY_OFFSET: Final = 500
"""House rule: behind the numbers of all EVSEs."""

WANTED_STACK_LEVEL: Final = 10
"""High, so that no other transaction profile is above ours."""

FLOOR_STACK_LEVEL: Final = 0
FLOOR_PURPOSE: Final = "TxDefaultProfile"
TX_PURPOSE: Final = "TxProfile"
PRIORITY_PURPOSE: Final = "PriorityCharging"
MAX_OFFLINE_S: Final = 10
"""Second line behind the duration: counted from when the station notices."""

CLOCK_MARGIN_S: Final = 5.0
"""Absolute schedules start this long ago, so that they are never in the future."""

NOMINAL_VOLTAGE_V: Final = 230.0
ASSUMED_PHASES: Final = 3
"""OCPP K01.FR.49: without a number of phases three are meant."""

FLOOR_TOLERANCE_W: Final = 50.0
"""What rounding to amperes may add to a floor that is read back."""

CLOCK_STEP_S: Final = 24 * 3600.0
"""House rule: no station sets its clock back by more, a zone taken for another
included."""

IDLE: Final = "Idle"
"""Operation mode of a station at rest (2.1 Q10)."""

_SCHEDULE_ID: Final = 1


def profile_id(evse_id: int, summary: ModelSummary) -> int:
    """Return the id of our profile on an EVSE; 0 is the floor of the station.

    Ids up to ``MaxExternalConstraintsId`` belong to another controller.
    """
    reserved = summary.max_external_constraints_id or 0
    return max(FIRST_PROFILE_ID, reserved + 1) + evse_id


def set_profile_request(
    *,
    evse_id: int,
    transaction_id: TransactionId,
    power_w: float,
    dialect: DischargeDialect,
    summary: ModelSummary,
    station_time: datetime,
) -> dict[str, Any]:
    """Return a SetChargingProfile that brings an EVSE to a power.

    Args:
        evse_id: 1 and up.
        transaction_id: the running transaction: the profile ends with it.
        power_w: signed; positive flows into the vehicle. With dialect NONE only
            ``power_w >= 0`` can be said.
        dialect: of the station.
        summary: of its device model.
        station_time: what its clock shows, for schedules that run on it.
    """
    validity_s = round(DIALECT_TIMING[dialect].validity_s)
    unit = rate_unit(dialect, summary)
    period = _period(power_w, dialect, unit, summary)
    schedule: dict[str, Any] = {
        "id": _SCHEDULE_ID,
        "chargingRateUnit": unit,
        "duration": validity_s,
        "chargingSchedulePeriod": [period],
    }
    profile: dict[str, Any] = {
        "id": profile_id(evse_id, summary),
        "stackLevel": stack_level(summary),
        "chargingProfilePurpose": TX_PURPOSE,
        "chargingProfileKind": "Absolute",
        "transactionId": transaction_id,
        "chargingSchedule": [schedule],
    }
    if dialect is DischargeDialect.V21_DYNAMIC:
        profile["chargingProfileKind"] = "Dynamic"
    else:
        start = station_time - timedelta(seconds=CLOCK_MARGIN_S)
        schedule["startSchedule"] = format_time(start)
        # The margin is added back: the promise counts from now.
        schedule["duration"] = validity_s + round(CLOCK_MARGIN_S)
        profile["validTo"] = format_time(
            start + timedelta(seconds=schedule["duration"])
        )
    if summary.supports_max_offline_duration and dialect in _DIALECTS_OF_2_1:
        profile["maxOfflineDuration"] = MAX_OFFLINE_S
        profile["invalidAfterOfflineDuration"] = True
    return {"evseId": evse_id, "chargingProfile": profile}


def update_request(
    evse_id: int, power_w: float, summary: ModelSummary
) -> dict[str, Any]:
    """Return an UpdateDynamicSchedule for a profile that the station has.

    The fields are nested as the schema wants them, not flat as in the example of the
    text.
    """
    return {
        "chargingProfileId": profile_id(evse_id, summary),
        "scheduleUpdate": {"setpoint": wire_power_w(power_w)},
    }


def begin_earlier(request: dict[str, Any]) -> None:
    """Let a schedule of 0 W hold on a clock that was set back, too.

    Its end stays as it is, so that it lasts longer by no more than that step.
    """
    schedule = request["chargingProfile"]["chargingSchedule"][0]
    start = datetime.fromisoformat(schedule["startSchedule"])
    schedule["startSchedule"] = format_time(start - timedelta(seconds=CLOCK_STEP_S))
    schedule["duration"] += round(CLOCK_STEP_S)


def be_idle(request: dict[str, Any]) -> None:
    """Say rest in place of a setpoint: Idle has none (2.1 Q10)."""
    schedule = request["chargingProfile"]["chargingSchedule"][0]
    for period in schedule["chargingSchedulePeriod"]:
        period.pop("setpoint", None)
        period["operationMode"] = IDLE


def floor_request(unattended_charge_w: float, summary: ModelSummary) -> dict[str, Any]:
    """Return the SetChargingProfile of what is left when all else has expired.

    Without it the end of the last profile would mean charging without a limit.
    """
    unit = rate_unit(DischargeDialect.NONE, summary)
    period = _period(unattended_charge_w, DischargeDialect.NONE, unit, summary)
    return {
        "evseId": 0,
        "chargingProfile": {
            "id": profile_id(0, summary),
            "stackLevel": FLOOR_STACK_LEVEL,
            "chargingProfilePurpose": FLOOR_PURPOSE,
            # Relative and without an end: it begins with whatever transaction runs.
            "chargingProfileKind": "Relative",
            "chargingSchedule": [
                {
                    "id": _SCHEDULE_ID,
                    "chargingRateUnit": unit,
                    "chargingSchedulePeriod": [period],
                }
            ],
        },
    }


def priority_id(summary: ModelSummary) -> int:
    """Return the id of our profile of priority charging."""
    return profile_id(0, summary) + PRIORITY_OFFSET


def priority_request(max_charge_w: float, summary: ModelSummary) -> dict[str, Any]:
    """Return the SetChargingProfile of what the button at a station charges with.

    Args:
        max_charge_w: what the wiring of one EVSE allows.
        summary: of the device model.
    """
    request = floor_request(max_charge_w, summary)
    profile = request["chargingProfile"]
    profile["id"] = priority_id(summary)
    profile["chargingProfilePurpose"] = PRIORITY_PURPOSE
    return request


def is_as_wanted(profile: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Return True for a profile that the station holds just as it was asked for."""
    return profile.get("id") == wanted["id"] and _difference(profile, wanted) is None


def floor_problem(
    profiles: Iterable[Mapping[str, Any]], request: Mapping[str, Any]
) -> str | None:
    """Return what is wrong with the floor that a station reports, None when nothing is.

    Only our id with our schedule counts, and nothing may stand above it: a default
    profile of someone else at a higher level would be what is left.

    Args:
        profiles: as the station reports them.
        request: the SetChargingProfile that installs the floor.
    """
    wanted = request["chargingProfile"]
    problem: str | None = f"no profile with id {wanted['id']}"
    for profile in profiles:
        level = profile.get("stackLevel", 0)
        purpose = profile.get("chargingProfilePurpose")
        if profile.get("id") == wanted["id"]:
            problem = _difference(profile, wanted)
        elif purpose == FLOOR_PURPOSE and level > FLOOR_STACK_LEVEL:
            return f"profile {profile.get('id')} is above it, at stack level {level}"
    return problem


def _difference(profile: Mapping[str, Any], wanted: Mapping[str, Any]) -> str | None:
    """Return how a profile with our id differs from ours."""
    for name in ("chargingProfilePurpose", "stackLevel"):
        if profile.get(name) != wanted[name]:
            return f"{name} is {profile.get(name)} instead of {wanted[name]}"
    return None if _is_same_schedule(profile, wanted) else "another schedule, or an end"


def is_floor_in_composite(
    schedule: object,
    unattended_charge_w: float,
    summary: ModelSummary,
    *,
    is_end_enough: bool = False,
) -> bool:
    """Return True when a composite schedule nowhere exceeds the floor.

    Args:
        schedule: as the station answered.
        unattended_charge_w: the floor.
        summary: of the device model.
        is_end_enough: True looks at the last period only: what is left in the end.
    """
    if not isinstance(schedule, Mapping):
        return False
    periods = schedule.get("chargingSchedulePeriod")
    if not isinstance(periods, list) or not periods:
        return False
    factor = 1.0
    if schedule.get("chargingRateUnit") == "A":
        factor = NOMINAL_VOLTAGE_V * (summary.supply_phases or ASSUMED_PHASES)
    return all(
        isinstance(period, Mapping)
        and isinstance(period.get("limit"), (int, float))
        and period["limit"] * factor <= unattended_charge_w + FLOOR_TOLERANCE_W
        for period in (periods[-1:] if is_end_enough else periods)
    )


def scheduled_power_w(
    schedule: object, dialect: DischargeDialect, summary: ModelSummary
) -> float | None:
    """Return what a composite schedule begins with, W, signed; None if it tells none.

    Args:
        schedule: as the station answered.
        dialect: a limit is no power where the setpoint says it.
        summary: of the device model.
    """
    if not isinstance(schedule, Mapping):
        return None
    periods = schedule.get("chargingSchedulePeriod")
    if not isinstance(periods, list) or not periods:
        return None
    period = periods[0]
    name = "limit" if dialect in LIMIT_DIALECTS else "setpoint"
    value = period.get(name) if isinstance(period, Mapping) else None
    if not isinstance(value, (int, float)) or period.get("startPeriod"):
        return None
    factor = 1.0
    if schedule.get("chargingRateUnit") == "A":
        phases = period.get("numberPhases") or summary.supply_phases or ASSUMED_PHASES
        factor = NOMINAL_VOLTAGE_V * phases
    return value * factor


def wire_power_w(power_w: float) -> float:
    """Return a power with one decimal, rounded towards 0: never more than was meant."""
    return int(power_w * 10) / 10


_DIALECTS_OF_2_1: Final = frozenset(
    {DischargeDialect.V21_DYNAMIC, DischargeDialect.V21_SCHEDULE}
)


def rate_unit(dialect: DischargeDialect, summary: ModelSummary) -> str:
    """Return the unit in which a dialect says a power."""
    if dialect is DischargeDialect.NEG_LIMIT_A:
        return "A"
    is_charge_only = dialect is DischargeDialect.NONE
    return "A" if is_charge_only and summary.rate_units == ("A",) else "W"


def _period(
    power_w: float, dialect: DischargeDialect, unit: str, summary: ModelSummary
) -> dict[str, Any]:
    # Never limit or dischargeLimit beside a setpoint (2.1 Q03.FR.02), never L2 or L3.
    period: dict[str, Any] = {"startPeriod": 0}
    if dialect is DischargeDialect.NONE:
        power_w = max(0.0, power_w)
    if dialect in LIMIT_DIALECTS:
        period["limit"] = (
            wire_power_w(power_w) if unit == "W" else _amperes(power_w, summary)
        )
    else:
        period["operationMode"] = CENTRAL_SETPOINT
        period["setpoint"] = wire_power_w(power_w)
    if summary.supply_phases == 1:
        # Else watts would be divided over three phases (K01.FR.49).
        period["numberPhases"] = 1
    return period


def stack_level(summary: ModelSummary) -> int:
    """Return the stack level of our transaction profiles on a station."""
    if summary.profile_stack_level is None:
        return 1
    return min(WANTED_STACK_LEVEL, summary.profile_stack_level)


def _amperes(power_w: float, summary: ModelSummary) -> float:
    phases = summary.supply_phases or ASSUMED_PHASES
    return wire_power_w(power_w / (NOMINAL_VOLTAGE_V * phases))


def _is_same_schedule(profile: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    schedules = profile.get("chargingSchedule")
    if not isinstance(schedules, list) or len(schedules) != 1:
        return False
    theirs, ours = schedules[0], wanted["chargingSchedule"][0]
    if not isinstance(theirs, Mapping) or theirs.get("duration") is not None:
        return False
    periods = theirs.get("chargingSchedulePeriod")
    if not isinstance(periods, list) or len(periods) != 1:
        return False
    limit = periods[0].get("limit") if isinstance(periods[0], Mapping) else None
    return (
        theirs.get("chargingRateUnit") == ours["chargingRateUnit"]
        and limit == ours["chargingSchedulePeriod"][0]["limit"]
        and not _has_end(profile)
    )


def _has_end(profile: Mapping[str, Any]) -> bool:
    return profile.get("validTo") is not None
