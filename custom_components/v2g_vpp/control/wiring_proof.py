"""The part of the self-test that compares its steps with the meter of the home."""

from ..domain.wiring import WiringEvidence, WiringFinding
from .wiring_step import Contradictions
from .wiring_watch import WiringLook

NEEDED_AGREEMENTS = 2
"""Of both directions, and as many more than those that contradict."""

LONGEST_HOLD_S = 75.0
"""A step of an outlet at rest is judged by then, with a meter that reports each 15 s."""

EXTRA_ROUNDS = 3
"""Of discharge and rest, when the house did not hold still before."""

UNCLEAR = "wiring_unclear"


class WiringProof:
    """Collects what the steps of one self-test say about the wiring."""

    def __init__(self) -> None:
        """Nothing was compared; without a meter of the home nothing will be."""
        self._has_reference = False
        self._contradictions = Contradictions()
        self._contradicting = 0
        self._agreeing: list[bool] = []
        self._shares: list[float] = []
        self._phases: tuple[int, ...] = ()
        self._is_ready = False
        self._rest_mono_s: float | None = None
        self._rounds = 0
        self.finding: WiringFinding | None = None
        """What is wrong with the wiring, once enough steps said the same."""

    def take(self, look: WiringLook | None) -> None:
        """Take in what a tick saw; None without a meter of the home."""
        self._has_reference |= look is not None
        self._is_ready = look is not None and look.is_ready
        step = look.step if look is not None else None
        if step is None:
            return
        found = self._contradictions.take(step)
        self.finding = self.finding or found
        if step.finding is not None:
            self._contradicting += 1
            return
        self._agreeing.append(step.is_start)
        self._shares.append(step.share)
        self._phases = step.phases or self._phases

    @property
    def failure(self) -> str | None:
        """Slug of what is wrong, None as long as nothing is proven."""
        return None if self.finding is None else f"wiring_{self.finding.fault}"

    @property
    def is_done(self) -> bool:
        """True once nothing more has to be compared."""
        if not self._has_reference:
            return True
        more = len(self._agreeing) - self._contradicting
        return more >= NEEDED_AGREEMENTS and len(set(self._agreeing)) > 1

    def holds(self, now_mono_s: float) -> bool:
        """Return True while an outlet at rest has to stay as it is.

        Its last step is not judged yet, or the next one could not be.
        """
        if not self._has_reference or self._is_ready or self.is_done:
            return False
        if self._rest_mono_s is None:
            self._rest_mono_s = now_mono_s
        return self.is_holding(now_mono_s)

    def is_holding(self, now_mono_s: float) -> bool:
        """Return True while the rest goes on that ``holds`` asked for."""
        began_mono_s = self._rest_mono_s
        return began_mono_s is not None and now_mono_s - began_mono_s <= LONGEST_HOLD_S

    def moves_on(self) -> None:
        """Say that the outlet leaves its rest."""
        self._rest_mono_s = None

    def takes_another_round(self) -> bool:
        """Return whether one more round of discharge and rest may bring the proof."""
        self._rounds += 1
        return self._rounds <= EXTRA_ROUNDS

    @property
    def evidence(self) -> WiringEvidence:
        """What the proof of discharge may say of the wiring."""
        if not self._has_reference:
            return WiringEvidence.WITHOUT_REFERENCE
        return WiringEvidence.PROVEN

    @property
    def share(self) -> float | None:
        """How much of the outlet's change the home showed, None without a step."""
        return sum(self._shares) / len(self._shares) if self._shares else None

    @property
    def phases(self) -> str:
        """Phases that moved with the outlet, as digits; empty when not measured."""
        return "".join(str(phase) for phase in self._phases)
