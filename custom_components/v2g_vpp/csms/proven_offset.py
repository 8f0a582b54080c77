"""How far a clock is off, as something that could not wait has proven."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenOffset:
    """Between which bounds the offset of a clock is, s, its time minus ours."""

    least_s: float
    """No frame comes in before it was written."""

    most_s: float
    """No answer was written before its question was asked."""

    @classmethod
    def of_answer(cls, offset_s: float, took_s: float) -> Self:
        """Return what an answer proves that came ``took_s`` after its question."""
        return cls(least_s=offset_s, most_s=offset_s + took_s)

    def joined(self, other: ProvenOffset | None, slack_s: float) -> ProvenOffset:
        """Return what this and an older proof say; this alone if both cannot be."""
        if (
            other is None
            or self.least_s > other.most_s + slack_s
            or self.most_s < other.least_s - slack_s
        ):
            return self
        least_s = max(self.least_s, other.least_s)
        return ProvenOffset(
            least_s=least_s, most_s=max(least_s, min(self.most_s, other.most_s))
        )

    def after(self, offset_s: float, slack_s: float) -> ProvenOffset | None:
        """Return what is known after another frame; None when the clock was set on.

        A frame that seems older may have waited. One that seems younger cannot.
        """
        if offset_s > self.most_s + slack_s:
            return None
        least_s = max(self.least_s, offset_s)
        return ProvenOffset(least_s=least_s, most_s=max(least_s, self.most_s))

    def age_s(self, age_s: float, slack_s: float) -> float | None:
        """Return how old a sample is whose stamp is so old to our clock, s, >= 0.

        None for one of the future: the clock was set on since the proof.
        """
        age_s += self.least_s
        if age_s < self.least_s - self.most_s - slack_s:
            return None
        return max(0.0, age_s)
