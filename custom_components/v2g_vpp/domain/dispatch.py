"""What an aggregator asks for and what the home answers (VPP contract, version 1)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .frequency_response import FrequencyResponse
from .ids import EvseKey, ProgrammeId


class CommandKind(StrEnum):
    """Kinds of command that the home understands today."""

    SETPOINT = "setpoint"
    LIMIT = "limit"
    DROOP = "droop"
    CURVE = "curve"
    RELEASE = "release"


class AckStatus(StrEnum):
    """Life of a command."""

    ACCEPTED = "accepted"
    ACTIVE = "active"
    DONE = "done"
    PARTIAL = "partial"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    FAILED = "failed"
    OPTED_OUT = "opted_out"


class AckCode(StrEnum):
    """Why, in the codes of the contract."""

    OK = "OK"
    CLAMPED = "CLAMPED"
    DUPLICATE = "DUPLICATE"
    STALE_SEQ = "STALE_SEQ"
    OLD_EPOCH = "OLD_EPOCH"
    EXPIRED = "EXPIRED"
    NOT_YET = "NOT_YET"
    OVERLAP = "OVERLAP"
    CLOCK_SKEW = "CLOCK_SKEW"
    SCHEMA = "SCHEMA"
    VERSION = "VERSION"
    UNSUPPORTED = "UNSUPPORTED"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    UNKNOWN_RESOURCE = "UNKNOWN_RESOURCE"
    USER_OVERRIDE = "USER_OVERRIDE"
    SOC_FLOOR = "SOC_FLOOR"
    CYCLE_BUDGET = "CYCLE_BUDGET"
    THERMAL = "THERMAL"
    GRID_FREQ_OUT_OF_RANGE = "GRID_FREQ_OUT_OF_RANGE"
    EV_COMM_TIMEOUT = "EV_COMM_TIMEOUT"
    OCPP_MSG_TIMEOUT = "OCPP_MSG_TIMEOUT"
    FAULT = "FAULT"
    ESTOP = "ESTOP"
    FAILSAFE = "FAILSAFE"
    RATE_LIMIT = "RATE_LIMIT"
    NOT_PERMITTED = "NOT_PERMITTED"
    NOT_CONNECTED = "NOT_CONNECTED"
    METER_STALE = "METER_STALE"


class BindingClass(StrEnum):
    """What binds, coarse on purpose: precise causes stay at home."""

    VEHICLE = "vehicle"
    USER = "user"
    LIMIT = "limit"
    FAULT = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchOrder:
    """A command that passed the contract's gate."""

    order_id: str
    programme_id: ProgrammeId
    kind: CommandKind
    resource: EvseKey | None
    """None: the whole home as one resource."""

    power_w: float
    """Setpoint or limit; positive is charging. 0 for a release, and for what follows the
    frequency until a control step has made a setpoint of it."""

    start_at: datetime
    end_at: datetime
    start_mono_s: float
    ends_mono_s: float
    """Fixed at acceptance: a clock step cannot lengthen a dispatch (rule 5)."""

    sent_mono_s: float | None = None
    """When it was signed, never in the future; None while the clocks are not trusted.

    What it says of the link is as old as this: a command that arrives late, or again,
    must not keep a watchdog quiet.
    """

    event_id: str | None = None
    is_test: bool = False
    is_rehearsal: bool = False
    """Of no aggregator: played at home, told to nobody, in no ledger."""

    response: FrequencyResponse | None = None
    """Of a droop or a curve: what each frequency asks for."""

    @property
    def may_charge(self) -> bool:
        """True when it may ask for charging at some moment; a limit asks for nothing."""
        if self.response is not None:
            return self.response.may_charge
        return self.kind is CommandKind.SETPOINT and self.power_w > 0

    @property
    def may_discharge(self) -> bool:
        """True when it may ask for discharge at some moment."""
        if self.response is not None:
            return self.response.may_discharge
        return self.kind is CommandKind.SETPOINT and self.power_w < 0

    @property
    def is_stop(self) -> bool:
        """True for what only brings power to 0."""
        if self.response is not None:
            return False
        return self.kind is CommandKind.RELEASE or self.power_w == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchAck:
    """One answer about one order."""

    order_id: str
    status: AckStatus
    code: AckCode
    committed_w: float = 0.0
    binding: tuple[BindingClass, ...] = ()
    is_test: bool = False
    """True: what it answers runs for real and is never settled."""


class LinkState(StrEnum):
    """What the home believes of its link to the aggregator."""

    DOWN = "down"
    CONNECTED = "connected"
    """The broker answers, no trusted heartbeat yet."""

    HEALTHY = "healthy"
    FAILSAFE = "failsafe"
    """Released; three good heartbeats and a fresh command end it (rule 12)."""
