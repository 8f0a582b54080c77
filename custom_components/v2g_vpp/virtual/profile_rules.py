"""Which charging profiles a station refuses, and with which reason code.

The reason codes are those that OCPP 2.1 lists; each rule names its requirement.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

from .schedule import (
    SETPOINT_MODES,
    ChargingProfile,
    Kind,
    OperationMode,
    Period,
    Purpose,
)

MAX_STACK_LEVEL = 20
MAX_PERIODS = 24
RATE_UNITS = ("W", "A")
SUPPORTED_MODES = (
    OperationMode.CHARGING_ONLY,
    OperationMode.CENTRAL_SETPOINT,
    OperationMode.CENTRAL_FREQUENCY,
    OperationMode.IDLE,
    OperationMode.LOCAL_FREQUENCY,
)
"""What every V2X station must do (Q01.FR.31), Idle, and what follows the grid."""

CHARGING_MODES = (OperationMode.CHARGING_ONLY,)

SUPPORTED_PURPOSES = (
    Purpose.STATION_MAX,
    Purpose.TX_DEFAULT,
    Purpose.TX,
    Purpose.PRIORITY,
)
"""What a CSMS may set here; external constraints are never its own (K01.FR.22)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Why the station says no."""

    reason_code: str
    """At most 20 characters."""

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleContext:
    """What the rules need to know of the station."""

    evse_id: int
    """Of the request; 0 is the whole station."""

    evse_ids: tuple[int, ...]
    transaction_id: str | None
    """The transaction that runs on that EVSE."""

    are_needs_known: bool
    """True when the EV of that transaction stated its charging needs."""

    is_bidirectional: bool
    """True when a bidirectional energy transfer was negotiated."""

    has_operation_modes: bool = True
    """False on OCPP 2.0.1, which knows no operation modes."""

    is_v2x_enabled: bool = True
    """False: only charging is supported."""

    takes_negative_limits: bool = False
    """True: without operation modes a limit below 0 discharges, off-standard."""

    is_remote_start: bool = False
    """True when the profile came with a request to start a transaction."""


def reason_to_reject(
    profile: ChargingProfile, context: RuleContext
) -> Rejection | None:
    """Return the first rule that a profile breaks, None when it may be installed."""
    return next(chain.from_iterable(rule(profile, context) for rule in _RULES), None)


def reason_to_reject_setpoint(
    setpoint: float | None, *, is_bidirectional: bool
) -> Rejection | None:
    """Return a rejection of a discharge that the vehicle did not agree to."""
    if setpoint is not None and setpoint < 0 and not is_bidirectional:
        return _no("InvalidSchedule", "no bidirectional energy transfer is agreed")
    return None


def _no(reason_code: str, detail: str) -> Rejection:
    return Rejection(reason_code=reason_code, detail=detail)


def _target(profile: ChargingProfile, context: RuleContext) -> Iterator[Rejection]:
    if profile.purpose not in SUPPORTED_PURPOSES:
        yield _no("UnsupportedPurpose", profile.purpose)
    if context.evse_id != 0 and context.evse_id not in context.evse_ids:
        yield _no("UnknownEvse", f"evseId {context.evse_id}")
    if profile.purpose is Purpose.STATION_MAX and context.evse_id != 0:
        # A cap on the station's own connection is no property of one EVSE.
        yield _no("InvalidProfile", "a station maximum needs evseId 0")
    if not 0 <= profile.stack_level <= MAX_STACK_LEVEL:
        yield _no("InvalidStackLevel", f"stackLevel {profile.stack_level}")
    if profile.profile_id < 0:
        yield _no("InvalidProfileId", "negative ids belong to the station")


def _transaction(profile: ChargingProfile, context: RuleContext) -> Iterator[Rejection]:
    if profile.purpose is not Purpose.TX:
        return
    if context.is_remote_start:
        if profile.transaction_id is not None:
            yield _no("InvalidValue", "transactionId of a future transaction")
        return
    if context.evse_id == 0:
        yield _no("InvalidProfile", "a TxProfile needs an EVSE")  # K01.FR.16
    if profile.transaction_id is None:
        yield _no("MissingParam", "transactionId")  # K01.FR.03
    elif context.transaction_id != profile.transaction_id:
        yield _no("TxNotFound", "no such transaction on this EVSE")  # K01.FR.09, 33


def _kind(profile: ChargingProfile, _context: RuleContext) -> Iterator[Rejection]:
    has_start = profile.schedule.start_at is not None
    match profile.kind:
        case Kind.ABSOLUTE | Kind.RECURRING if not has_start:
            yield _no("InvalidSchedule", "startSchedule is missing")  # K01.FR.40
        case Kind.RELATIVE if has_start:
            yield _no("InvalidSchedule", "Relative with startSchedule")  # K01.FR.41
        case Kind.RELATIVE if profile.purpose is Purpose.STATION_MAX:
            yield _no("UnsupportedKind", "a station maximum is not Relative")  # FR.38
        case Kind.DYNAMIC if (
            len(profile.schedules) != 1 or len(profile.schedule.periods) != 1
        ):
            yield _no("InvalidSchedule", "Dynamic has one period")


def _schedules(profile: ChargingProfile, context: RuleContext) -> Iterator[Rejection]:
    for schedule in profile.schedules:
        if schedule.rate_unit not in RATE_UNITS:
            yield _no("UnsupportedRateUnit", schedule.rate_unit)
        if len(schedule.periods) > MAX_PERIODS:
            yield _no("TooManyElements", f"at most {MAX_PERIODS} periods")
        if schedule.periods[0].start_s != 0:
            yield _no("InvalidSchedule", "the first period starts at 0")  # K01.FR.31
        for period in schedule.periods:
            yield from _period(period, profile, context)
            is_local = period.mode is OperationMode.LOCAL_FREQUENCY
            if is_local and schedule.rate_unit != "W":
                yield _no("InvalidSchedule", "LocalFrequency is in W")  # Q08.FR.05


def _period(
    period: Period, profile: ChargingProfile, context: RuleContext
) -> Iterator[Rejection]:
    if not context.has_operation_modes:
        if period.limit is None:
            yield _no("InvalidSchedule", "a limit is needed")
        elif period.limit < 0 and not context.takes_negative_limits:
            yield _no("InvalidSchedule", "a limit of 0 or more is needed")
        return
    modes = SUPPORTED_MODES if context.is_v2x_enabled else CHARGING_MODES
    if period.mode not in modes:
        yield _no("InvalidOperationMode", period.mode)  # K01.FR.115
    if any(name.endswith(("_L2", "_L3")) for name in period.wire):
        yield _no("UnsupportedParam", "values per phase")  # V2X.06 to V2X.10
    if period.mode is OperationMode.LOCAL_FREQUENCY:
        yield from _response(period)
    else:
        yield from _numbers(period)
    if period.mode is not OperationMode.CHARGING_ONLY:
        yield from _bidirectional(period, profile, context)


def _bidirectional(
    period: Period, profile: ChargingProfile, context: RuleContext
) -> Iterator[Rejection]:
    if profile.purpose not in {Purpose.TX, Purpose.TX_DEFAULT}:
        yield _no("InvalidOperationMode", f"{period.mode} in {profile.purpose}")
    if profile.purpose is Purpose.TX and not context.are_needs_known:
        # An ISO 15118-20 session has no power schedule before its charging needs.
        yield _no("InvalidMessageSeq", "no NotifyEVChargingNeeds yet")
    is_frequency = period.mode is OperationMode.CENTRAL_FREQUENCY
    if is_frequency and profile.kind is not Kind.DYNAMIC:
        yield _no("InvalidSchedule", "CentralFrequency is Dynamic")  # Q07
    if profile.purpose is Purpose.TX:
        # A default profile is judged when it is used: the plant of a vehicle that
        # agreed to no discharge cannot deliver one.
        rejection = reason_to_reject_setpoint(
            period.setpoint, is_bidirectional=context.is_bidirectional
        )
        if rejection is not None:
            yield rejection


def _response(period: Period) -> Iterator[Rejection]:
    """Judge a period that follows the grid (OCPP 2.1 Q08.FR.01 to FR.04)."""
    if period.response is None:
        yield _no("NoFreqWattCurve", "v2xBaseline and two points of a curve")
    if any(
        name.startswith(("limit", "dischargeLimit", "setpoint")) for name in period.wire
    ):
        yield _no("InvalidSchedule", "the curve gives the power")


def _numbers(period: Period) -> Iterator[Rejection]:
    """Judge which numbers go with which mode (OCPP 2.1 Q, table of modes)."""
    has_limits = period.limit is not None or period.discharge_limit is not None
    match period.mode:
        case mode if mode in SETPOINT_MODES:
            if period.setpoint is None:
                yield _no("InvalidSchedule", f"{mode} without setpoint")
            if has_limits:
                yield _no("InvalidSchedule", f"{mode} with a limit")  # Q03.FR.02
        case OperationMode.IDLE:
            if has_limits or period.setpoint is not None:
                yield _no("InvalidSchedule", "Idle takes no power")  # Q10
        case _:
            if period.limit is None:
                yield _no("InvalidSchedule", "ChargingOnly without limit")
            elif period.limit < 0 or period.setpoint is not None:
                yield _no("InvalidSchedule", "ChargingOnly only charges")
    if period.discharge_limit is not None and period.discharge_limit > 0:
        yield _no("InvalidSchedule", "dischargeLimit above 0")


type _Rule = Callable[[ChargingProfile, RuleContext], Iterator[Rejection]]

_RULES: tuple[_Rule, ...] = (_target, _transaction, _kind, _schedules)
