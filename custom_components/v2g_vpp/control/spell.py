"""How long a discharge goes on that no charger would end by itself."""

from ..domain.guarantee import LONGEST_UNGUARDED_S
from ..domain.measurement import Reading


class SpellWatch:
    """One spell of discharge after the other, with a rest that was seen in between.

    Call ``look`` before each decision and ``note`` after it. A spell begins with the
    first word of it, so what really flows is never longer, but for the charger's own
    way to 0 W. A pause that the meter does not show is part of it.
    """

    def __init__(self) -> None:
        """Nothing was seen: what ran before may still flow, until 0 W is seen."""
        self._began_mono_s: float | None = None
        self._rests_since_mono_s: float | None = None
        self._must_rest = True

    @property
    def is_over(self) -> bool:
        """True: nothing more until the meter showed 0 W after it was asked for."""
        return self._must_rest

    def look(
        self, power: Reading | None, threshold_w: float, now_mono_s: float
    ) -> None:
        """Take in what the meter shows, before it is decided what comes next.

        Args:
            power: fresh, None while the meter is silent: then nothing was seen.
            threshold_w: below it nothing flows, > 0.
            now_mono_s: of this step.
        """
        if self._began_mono_s is None and self._rests_since_mono_s is None:
            self._rests_since_mono_s = now_mono_s
        since_mono_s = self._rests_since_mono_s
        if since_mono_s is not None and power is not None:
            is_new = power.received_mono_s >= since_mono_s
            if is_new and power.value >= -threshold_w:
                self._began_mono_s, self._must_rest = None, False
        began_mono_s = self._began_mono_s
        if began_mono_s is not None:
            self._must_rest |= now_mono_s - began_mono_s >= LONGEST_UNGUARDED_S

    def note(self, power_w: float, now_mono_s: float) -> None:
        """Note what was decided, W, signed."""
        if power_w < 0:
            self._rests_since_mono_s = None
            if self._began_mono_s is None:
                self._began_mono_s = now_mono_s
        elif self._rests_since_mono_s is None:
            self._rests_since_mono_s = now_mono_s
