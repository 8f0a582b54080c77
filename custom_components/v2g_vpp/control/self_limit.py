"""Recognise a vehicle that takes or gives less than it is asked for.

Batteries limit themselves when they are cold, full or hot, and many vehicles charge on
one phase. Then more of a setpoint does nothing, the correction must not wind up, what is
promised and shared is what flows, and a trip is planned with no more.
"""

from dataclasses import dataclass
from math import copysign, inf

from ..domain.capability import Fingerprint
from ..domain.measurement import Reading
from .pid import correction_limit_w

LIMITED_AFTER_S = 60.0
"""Asked for more for so long and nothing more came (control brief)."""

SHORTFALL_W = 300.0
SHORTFALL_SHARE = 0.05
"""What a correction leaves of an error is less than both."""

PROGRESS_W = 100.0
"""Twice the noise of a meter: whoever gains that is still on its way."""

FREED_W = 200.0
"""Beyond what the vehicle took before: the limit is gone."""

FLOW_W = 500.0
"""Below it nothing flows, which is for the wake watch."""

REMEMBERED_S = 600.0
"""At rest the vehicle shows nothing; after that it may try again."""

UNTESTED_S = 1800.0
TEST_W = 1500.0
"""Who gets a share of what it takes shows nothing either. So often it is asked for this
much more until it shows: a minute of that is not missed, and no correction of such a
power is as large."""

SMOOTHING = 0.1
"""Share of each new reading in what the vehicle takes."""


# Not frozen: made for one call, of each EVSE in each step, where freezing costs time.
@dataclass(slots=True, kw_only=True)
class SelfLimitInputs:
    """What one look is given."""

    reference_w: float
    """The power that shall flow, without the correction."""

    told_w: float
    """The setpoint of the step before, with it."""

    reading: Reading | None
    """Fresh measured power, None when stale."""

    fingerprint: Fingerprint
    is_tracked: bool
    """True: a correction is at work, so no offset is left to explain a shortfall."""

    is_tapering: bool = False
    """True: so full that less and less is no news; a plan knows that anyway."""


class SelfLimit:
    """Watch one vehicle; at most one direction is limited at a time.

    Nobody else writes down what a vehicle takes. What promises and shares count on is
    forgotten at rest; what a trip counts on is kept until the vehicle takes more, because
    a plan that hopes is late.
    """

    def __init__(self, planned_charge_w: float = inf) -> None:
        """Start with a vehicle that takes what it is given.

        Args:
            planned_charge_w: of the same vehicle before a restart.
        """
        self.planned_charge_w = planned_charge_w
        """Most that the charging of a trip may count on, W; inf while nothing is known."""

        self._reading_mono_s: float | None = None
        self._is_limited = False
        self._taken_w = 0.0
        self._best_w = 0.0
        self._short_since_mono_s: float | None = None
        self._seen_mono_s = -inf
        self._tested_mono_s = -inf
        self._is_test_due = False

    @property
    def power_w(self) -> float | None:
        """What the vehicle takes at most, signed; None while it limits nothing."""
        return self._taken_w if self._is_limited else None

    @property
    def is_binding(self) -> bool:
        """True while the vehicle is asked for more than it takes."""
        return self._is_limited and self._short_since_mono_s is not None

    def most_w(self, direction: int) -> float:
        """Return what a direction (+1 charge, -1 discharge) can promise, >= 0."""
        taken_w = self.power_w
        if taken_w is None or taken_w * direction < 0:
            return inf
        return abs(taken_w)

    def share_w(self, direction: int) -> float:
        """Return what a direction may be given of a power that others could take."""
        return self.most_w(direction) + (TEST_W if self._is_test_due else 0.0)

    def step(self, inputs: SelfLimitInputs, now_mono_s: float) -> None:
        """Take a look."""
        reading = inputs.reading
        if reading is not None:
            if reading.received_mono_s == self._reading_mono_s:
                return
            self._reading_mono_s = reading.received_mono_s
        sign = copysign(1.0, inputs.reference_w)
        power_w = 0.0 if reading is None else reading.value * sign
        is_other_way = self._is_limited and self._taken_w * sign < 0
        if inputs.reference_w == 0 or power_w < FLOW_W or is_other_way:
            self._rest(now_mono_s)
            return
        self._seen_mono_s = now_mono_s
        if self._is_limited and power_w > abs(self._taken_w) + FREED_W:
            self._forget()
        if sign > 0:
            self.planned_charge_w = max(self.planned_charge_w, power_w)
        if not self._is_short(inputs, power_w):
            self._short_since_mono_s = None
            untested_s = now_mono_s - self._tested_mono_s
            self._is_test_due |= self._is_limited and untested_s > UNTESTED_S
            return
        if self._short_since_mono_s is None or power_w > self._best_w + PROGRESS_W:
            self._short_since_mono_s, self._best_w = now_mono_s, power_w
            self._taken_w = power_w * sign
        self._taken_w += SMOOTHING * (power_w * sign - self._taken_w)
        own_s = inputs.fingerprint.dead_time_s + (
            abs(inputs.reference_w) / inputs.fingerprint.ramp_w_per_s
        )
        if now_mono_s - self._short_since_mono_s > LIMITED_AFTER_S + own_s:
            self._is_limited, self._is_test_due = True, False
            self._tested_mono_s = now_mono_s
            if sign > 0 and not inputs.is_tapering:
                self.planned_charge_w = self._taken_w

    def _forget(self) -> None:
        self._is_limited, self._taken_w = False, 0.0
        self._short_since_mono_s, self._best_w = None, 0.0
        self._seen_mono_s = -inf
        self._is_test_due = False

    def _rest(self, now_mono_s: float) -> None:
        """Nothing is asked for, or nothing is known: the limit holds for a while."""
        self._short_since_mono_s = None
        if not 0.0 <= now_mono_s - self._seen_mono_s <= REMEMBERED_S:
            self._forget()

    def _is_short(self, inputs: SelfLimitInputs, power_w: float) -> bool:
        """Return True when the vehicle takes less than no offset could explain."""
        asked_w = abs(inputs.reference_w)
        if abs(inputs.told_w) < asked_w - SHORTFALL_W:
            # On a ramp, or cut by a limit of ours: more was not asked for.
            return False
        if inputs.is_tracked:
            largest_w = max(
                SHORTFALL_W, SHORTFALL_SHARE * asked_w, inputs.fingerprint.step_w
            )
        else:
            largest_w = correction_limit_w(asked_w)
        return asked_w - power_w > largest_w
