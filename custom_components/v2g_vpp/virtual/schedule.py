"""Charging profiles as the station keeps them, read from their OCPP 2.x wire form."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from ..domain.units import finite
from .curve import Curve

type WireObject = Mapping[str, Any]
"""A JSON object as it stands on the wire, names unchanged."""

NOMINAL_VOLTAGE_V = 230.0
"""The set voltage of the area, not the measured one (OCPP 2.1 K01.FR.50)."""

MIN_CURVE_POINTS = 2
"""Of a frequency-watt curve (OCPP 2.1 Q08.FR.02)."""

DEFAULT_NUMBER_PHASES = 3
"""Of an AC profile that does not say (OCPP 2.1 K01.FR.49)."""


class Purpose(StrEnum):
    """What a profile is for."""

    EXTERNAL_CONSTRAINTS = "ChargingStationExternalConstraints"
    STATION_MAX = "ChargingStationMaxProfile"
    TX_DEFAULT = "TxDefaultProfile"
    TX = "TxProfile"
    PRIORITY = "PriorityCharging"
    """OCPP 2.1: rests until somebody asks for it."""

    LOCAL_GENERATION = "LocalGeneration"


class Kind(StrEnum):
    """What the times of a profile count from."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"
    DYNAMIC = "Dynamic"


class OperationMode(StrEnum):
    """Who decides the power (OCPP 2.1 part 2, Q)."""

    IDLE = "Idle"
    CHARGING_ONLY = "ChargingOnly"
    CENTRAL_SETPOINT = "CentralSetpoint"
    EXTERNAL_SETPOINT = "ExternalSetpoint"
    EXTERNAL_LIMITS = "ExternalLimits"
    CENTRAL_FREQUENCY = "CentralFrequency"
    LOCAL_FREQUENCY = "LocalFrequency"
    LOCAL_LOAD_BALANCING = "LocalLoadBalancing"


SETPOINT_MODES = frozenset(
    {OperationMode.CENTRAL_SETPOINT, OperationMode.CENTRAL_FREQUENCY}
)
"""Modes in which the CSMS gives the power itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One instant on both clocks of the station."""

    mono_s: float
    at: datetime

    def later_by(self, duration_s: float) -> Moment:
        """Return the moment some seconds from here."""
        return Moment(
            mono_s=self.mono_s + duration_s, at=self.at + timedelta(seconds=duration_s)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequencyResponse:
    """How the power of a period follows the grid, W over Hz."""

    baseline_w: float
    frequency: Curve
    signal: Curve
    """Over the signal of the transmission operator; without points: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One piece of a schedule, in the unit of its schedule."""

    start_s: float
    mode: OperationMode
    limit: float | None = None
    discharge_limit: float | None = None
    setpoint: float | None = None
    number_phases: int | None = None
    is_evse_asleep: bool = False
    response: FrequencyResponse | None = None
    """Of LocalFrequency, when both baseline and curve are there."""

    wire: WireObject = field(default_factory=dict, compare=False)

    def updated_by(self, update: WireObject) -> Period:
        """Return this with the values of a dynamic update (OCPP 2.1 K28.FR.06)."""
        return replace(
            self,
            limit=_number(update, "limit", self.limit),
            discharge_limit=_number(update, "dischargeLimit", self.discharge_limit),
            setpoint=_number(update, "setpoint", self.setpoint),
            wire={**self.wire, **update},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Periods in the order of their start."""

    rate_unit: str
    periods: tuple[Period, ...]
    start_at: datetime | None = None
    duration_s: float | None = None

    def watts(self, period: Period, value: float, station_phases: int) -> float:
        """Return a value of a period as the total power at this station, W.

        A in a profile is per phase, W is the total over the phases that the profile
        names; a station with fewer phases uses its share (OCPP 2.1 K01.FR.49 and 50).
        """
        named_phases = period.number_phases or DEFAULT_NUMBER_PHASES
        used_phases = min(named_phases, station_phases)
        if self.rate_unit == "A":
            return value * NOMINAL_VOLTAGE_V * used_phases
        return value * (used_phases / named_phases)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargingProfile:
    """One profile; only its first schedule is followed."""

    profile_id: int
    stack_level: int
    purpose: Purpose
    kind: Kind
    schedules: tuple[Schedule, ...]
    transaction_id: str | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    is_weekly: bool = False
    max_offline_s: float | None = None
    is_invalid_after_offline: bool = False
    update_interval_s: float | None = None
    wire: WireObject = field(default_factory=dict, compare=False)

    @property
    def schedule(self) -> Schedule:
        """The schedule that the station follows."""
        return self.schedules[0]


def parse_profile(wire: WireObject) -> ChargingProfile:
    """Return a profile of a payload that its JSON schema accepted.

    Raises:
        ValueError: for a number that is not finite or a time that cannot be read.
    """
    return ChargingProfile(
        profile_id=wire["id"],
        stack_level=wire["stackLevel"],
        purpose=Purpose(wire["chargingProfilePurpose"]),
        kind=Kind(wire["chargingProfileKind"]),
        schedules=tuple(_schedule(item) for item in wire["chargingSchedule"]),
        transaction_id=wire.get("transactionId"),
        valid_from=_moment(wire, "validFrom"),
        valid_to=_moment(wire, "validTo"),
        is_weekly=wire.get("recurrencyKind") == "Weekly",
        max_offline_s=_number(wire, "maxOfflineDuration", None),
        is_invalid_after_offline=wire.get("invalidAfterOfflineDuration", False),
        update_interval_s=_number(wire, "dynUpdateInterval", None),
        wire=wire,
    )


def parse_time(text: str) -> datetime:
    """Return an RFC 3339 time as aware UTC; one without an offset is taken as UTC.

    Raises:
        ValueError: when it cannot be read.
    """
    moment = datetime.fromisoformat(text)
    return (
        moment.astimezone(UTC)
        if moment.tzinfo is not None
        else moment.replace(tzinfo=UTC)
    )


def format_time(at: datetime) -> str:
    """Return a UTC time as OCPP writes it, with milliseconds and a Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _schedule(wire: WireObject) -> Schedule:
    return Schedule(
        rate_unit=wire["chargingRateUnit"],
        periods=tuple(
            sorted(
                (_period(item) for item in wire["chargingSchedulePeriod"]),
                key=lambda period: period.start_s,
            )
        ),
        start_at=_moment(wire, "startSchedule"),
        duration_s=_number(wire, "duration", None),
    )


def _period(wire: WireObject) -> Period:
    return Period(
        start_s=float(wire["startPeriod"]),
        mode=OperationMode(wire.get("operationMode", OperationMode.CHARGING_ONLY)),
        limit=_number(wire, "limit", None),
        discharge_limit=_number(wire, "dischargeLimit", None),
        setpoint=_number(wire, "setpoint", None),
        number_phases=wire.get("numberPhases"),
        is_evse_asleep=wire.get("evseSleep", False),
        response=_response(wire),
        wire=wire,
    )


def _response(wire: WireObject) -> FrequencyResponse | None:
    baseline_w = _number(wire, "v2xBaseline", None)
    points = wire.get("v2xFreqWattCurve", ())
    if baseline_w is None or len(points) < MIN_CURVE_POINTS:
        return None
    return FrequencyResponse(
        baseline_w=baseline_w,
        frequency=Curve.of((each["frequency"], each["power"]) for each in points),
        signal=Curve.of(
            (each["signal"], each["power"])
            for each in wire.get("v2xSignalWattCurve", ())
        ),
    )


def _number(wire: WireObject, name: str, otherwise: float | None) -> float | None:
    value = wire.get(name)
    # JSON readers let NaN through, and a NaN compares false with every bound.
    return otherwise if value is None else finite(name, float(value))


def _moment(wire: WireObject, name: str) -> datetime | None:
    text = wire.get(name)
    return None if text is None else parse_time(text)
