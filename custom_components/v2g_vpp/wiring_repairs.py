"""What the owner does about meters that contradict each other."""

from collections.abc import Mapping
from typing import Final

from .domain.self_test import SelfTestStatus
from .domain.units import percent_of
from .domain.wiring import WiringFault, WiringFinding

CLAMP: Final = "wrong_clamp"
"""The wrong sign on some of the phases only."""

UNCLEAR: Final = "wiring_unclear"

CONTRADICTIONS: Final[Mapping[str, str]] = {
    WiringFault.WRONG_SIGN: "meters_contradict_sign",
    CLAMP: "meters_contradict_clamp",
    WiringFault.WRONG_PHASE: "meters_contradict_phase",
    WiringFault.WRONG_SIZE: "meters_contradict_size",
}
SELF_TESTS: Final[Mapping[str, str]] = {
    WiringFault.WRONG_SIGN: "self_test_wiring_sign",
    CLAMP: "self_test_wiring_clamp",
    WiringFault.WRONG_PHASE: "self_test_wiring_phase",
    WiringFault.WRONG_SIZE: "self_test_wiring_size",
}


def contradiction_issue(finding: WiringFinding | None) -> str:
    """Return the text for the latched fault; the finding is lost with a restart."""
    return "meters_contradict" if finding is None else CONTRADICTIONS[_kind(finding)]


def self_test_issue(status: SelfTestStatus) -> str | None:
    """Return the text for a self-test that failed by the wiring, None for any other."""
    if status.wiring is not None:
        return SELF_TESTS[_kind(status.wiring)]
    return "self_test_wiring_unclear" if status.failure == UNCLEAR else None


def shown_values(finding: WiringFinding | None) -> tuple[tuple[str, str], ...]:
    """Return what the texts of a finding name."""
    if finding is None:
        return ()
    phases = " + ".join(f"L{phase}" for phase in finding.phases)
    percent = percent_of(finding.share, 1.0)
    return ("phases", phases or "-"), ("percent", f"{percent:.0f}")


def _kind(finding: WiringFinding) -> str:
    is_clamp = finding.fault is WiringFault.WRONG_SIGN and bool(finding.phases)
    return CLAMP if is_clamp else finding.fault
