"""The self-test of one EVSE as others see it, and why what it proved is lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .faults import FaultCode
from .wiring import WiringFinding


class SelfTestPhase(StrEnum):
    """How far the supervised self-test is."""

    NOT_RUN = "not_run"
    DISCHARGING = "discharging"
    RETURNING_TO_ZERO = "returning_to_zero"
    DISCHARGING_AGAIN = "discharging_again"
    WITHHOLDING = "withholding"
    """The refresh is withheld on purpose: the station must stop by itself."""

    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTestStatus:
    """Progress or outcome of the self-test of one EVSE."""

    phase: SelfTestPhase = SelfTestPhase.NOT_RUN
    failure: str | None = None
    """Slug of what went wrong, None unless FAILED."""

    wiring: WiringFinding | None = None
    """How the meter of the home contradicted the outlet's, where that failed it."""


class ProofLoss(StrEnum):
    """Why a proof of discharge that was there is there no more."""

    FIRMWARE_CHANGED = "firmware_changed"
    DIALECT_CHANGED = "dialect_changed"
    """A discharge is told in other words now."""

    STOPS_TOO_LATE = "stops_too_late"
    """By itself it takes longer than any promise that is given today."""

    STORE_UNREADABLE = "store_unreadable"
    SELF_TEST_FAILED = "self_test_failed"
    """A later one measured the opposite."""

    DOES_NOT_STOP = "does_not_stop"
    WRONG_DIRECTION = "wrong_direction"
    WRONG_SIZE = "wrong_size"
    UNCOMMANDED_DISCHARGE = "uncommanded_discharge"
    METERS_CONTRADICT = "meters_contradict"
    CONTACTOR_WELDED = "contactor_welded"


LOSS_OF_FAULT: Final[Mapping[FaultCode, ProofLoss]] = {
    FaultCode.STATION_DOES_NOT_STOP: ProofLoss.DOES_NOT_STOP,
    FaultCode.WRONG_DIRECTION: ProofLoss.WRONG_DIRECTION,
    FaultCode.WRONG_SIZE: ProofLoss.WRONG_SIZE,
    FaultCode.UNCOMMANDED_DISCHARGE: ProofLoss.UNCOMMANDED_DISCHARGE,
    FaultCode.METERS_CONTRADICT: ProofLoss.METERS_CONTRADICT,
    FaultCode.CONTACTOR_WELDED: ProofLoss.CONTACTOR_WELDED,
}
"""Every fault that is found here takes the proof; those of a station do not."""
