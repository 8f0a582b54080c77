"""What is known of the wiring: whether the meters of home and outlet tell one story."""

from dataclasses import dataclass
from enum import StrEnum


class WiringEvidence(StrEnum):
    """What the self-test found out about the meter of the home."""

    NOT_CHECKED = "not_checked"
    """By a test of before this was checked."""

    PROVEN = "proven"
    """It moved with the outlet: right sign, right size, right phases."""

    WITHOUT_REFERENCE = "without_reference"
    """The home has no meter of its own; the outlet's was believed."""


class WiringFault(StrEnum):
    """How the meter of the home contradicts the one of an outlet."""

    WRONG_SIGN = "wrong_sign"
    WRONG_PHASE = "wrong_phase"
    WRONG_SIZE = "wrong_size"


@dataclass(frozen=True, slots=True, kw_only=True)
class WiringFinding:
    """One contradiction."""

    fault: WiringFault
    share: float
    """Change at the home over the change at the outlet; 1 is right, -1 the wrong sign."""

    phases: tuple[int, ...] = ()
    """Of the home. Wrong phase: those that moved. Wrong sign: those that count the
    other way, empty for all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WiringStep:
    """One change of an outlet's power that could be compared with the home's meter."""

    share: float
    """Change at the home over the change at the outlet."""

    is_start: bool
    """True when more flows after it than before."""

    phases: tuple[int, ...] = ()
    """Phases of the home that it moved; empty where they are not measured."""

    finding: WiringFinding | None = None
    """None: both meters agree."""
