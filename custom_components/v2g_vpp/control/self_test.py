"""The supervised proof that a charger discharges, stops, and stops by itself.

The proof covers the direction, the dialect and the dead-man. It is made at a small
power on purpose; how large a discharge may be is bounded by the nameplate.

Every time is measured with the meter's own samples, which come about once a second.
Each figure is therefore the cautious one: the dead time includes the wait for the next
sample, and the ramp is the slowest that fits the samples.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from statistics import median

from ..domain.capability import (
    DialectTiming,
    DischargeDialect,
    Fingerprint,
    Proof,
    promised_end_s,
)
from ..domain.guarantee import GuaranteeClass
from ..domain.self_test import SelfTestPhase, SelfTestStatus
from ..domain.setpoint import ControlOwner, Reason
from ..domain.state import flow_threshold_w
from .flow_samples import SIGN_OF_FLOW_W, STEADY_SAMPLES, FlowSamples
from .own_end import OwnEnd
from .self_test_step import SelfTestInputs, SelfTestOutput
from .wiring_proof import UNCLEAR, WiringProof

MINIMUM_POWER_SHARE = 1.3
SMALLEST_TEST_POWER_W = 1_800.0
"""Well above the minimum power, small enough for any house (product brief)."""

SMALLEST_SHARE = 0.4
LARGEST_SHARE = 1.3
"""Of what was asked for; beyond it phases or units are mixed up."""

LARGEST_ZERO_OFFSET_W = 500.0
"""A charger that stands by draws up to this (+420 W was measured)."""

SLOWEST_RAMP_W_PER_S = 50.0
SELDOM_S = 6.0
"""From here on a meter shows too few samples of a discharge that nobody refreshes."""

SAMPLE_WAIT_S = 2.0
"""The end of a flow is only seen with the next sample."""

WITHHELD_RUNS = 2
"""One end by itself may be luck (product brief)."""

UNLEARNT_ARRIVAL_S = 20.0
"""What was told before the test has arrived by then (control brief, guards)."""

START_DEADLINE_S = 90.0
"""Vehicles take up to a minute to wake (control brief, the plant)."""

PHASE_DEADLINE_S: Mapping[SelfTestPhase, float] = {
    SelfTestPhase.RETURNING_TO_ZERO: 60.0,
    # Vehicles take up to a minute to wake (control brief, the plant).
    SelfTestPhase.DISCHARGING: 90.0,
    SelfTestPhase.DISCHARGING_AGAIN: 60.0,
}


def self_test_power_w(fingerprint: Fingerprint) -> float:
    """Return how much the test of a charger discharges, W, as a magnitude."""
    return max(SMALLEST_TEST_POWER_W, MINIMUM_POWER_SHARE * fingerprint.minimum_power_w)


class SelfTest:
    """One run: discharge, to zero, then twice a discharge that nobody refreshes.

    Where no transaction runs it waits for the one that its wish starts.
    """

    def __init__(
        self,
        *,
        dialect: DischargeDialect,
        timing: DialectTiming,
        firmware: str,
        wording: str = "",
        fingerprint: Fingerprint | None = None,
        rating_w: float = 11_000.0,
        own_watchdog_s: float | None = None,
    ) -> None:
        """Prepare a run; the caller has asked the gates whether it may begin.

        Args:
            dialect: that is proven.
            timing: of that dialect.
            firmware: of the station.
            wording: of that dialect.
            fingerprint: what is known already, for its minimum power.
            rating_w: of the station.
            own_watchdog_s: that the charger was told; None: nobody knows of one.
        """
        self._dialect = dialect
        self._own_end = OwnEnd(dialect, timing, own_watchdog_s)
        self._firmware, self._wording = firmware, wording
        self._known = fingerprint or Fingerprint()
        self._test_w = self_test_power_w(self._known)
        self._threshold_w = flow_threshold_w(rating_w)
        self._phase = SelfTestPhase.NOT_RUN
        self._failure: str | None = None
        self._phase_mono_s = 0.0
        self._asked_w: float | None = None
        self._has_flowed = False
        """True: the next way to zero is one that can be measured."""

        self._waits_since_mono_s: float | None = None
        self._samples = FlowSamples()
        self._wiring = WiringProof()
        self._sample_wait_s = SAMPLE_WAIT_S
        self._from_w = 0.0
        self._zero_w = 0.0
        self._steady_w: list[float] = []
        self._commanded_w = 0.0
        self._dead_times_s: list[float] = []
        self._ramps_w_per_s: list[float] = []
        self._dead_mans_s: list[float] = []
        self._guarantee = GuaranteeClass.A

    def step(self, inputs: SelfTestInputs, now_mono_s: float) -> SelfTestOutput:
        """Return what to do now; call it on every tick until it is over."""
        if self._phase is SelfTestPhase.NOT_RUN:
            self._begin(inputs, now_mono_s)
        elif self._phase not in (SelfTestPhase.PASSED, SelfTestPhase.FAILED):
            self._samples.take(inputs.session.measurement.power_w)
            self._wiring.take(inputs.wiring)
            self._sample_wait_s = max(SAMPLE_WAIT_S, 1.0 + inputs.meter_period_s)
            self._failure = self._interruption(inputs) or self._wiring.failure
            if self._failure is None:
                self._judge(inputs, now_mono_s)
            if self._failure is not None:
                self._phase = SelfTestPhase.FAILED
        return self._output(inputs)

    def _begin(self, inputs: SelfTestInputs, now_mono_s: float) -> None:
        """Begin with the transaction, which the wish to discharge starts."""
        if inputs.session.transaction_id is not None:
            self._enter(SelfTestPhase.RETURNING_TO_ZERO, now_mono_s)
        elif self._waits_since_mono_s is None:
            self._waits_since_mono_s = now_mono_s
        elif now_mono_s - self._waits_since_mono_s > START_DEADLINE_S:
            self._phase, self._failure = SelfTestPhase.FAILED, "no_transaction"

    def _enter(self, phase: SelfTestPhase, now_mono_s: float) -> None:
        self._phase, self._phase_mono_s = phase, now_mono_s
        self._samples = FlowSamples(now_mono_s)
        self._wiring.moves_on()

    def _interruption(self, inputs: SelfTestInputs) -> str | None:
        """Return why the test cannot go on: what the coordinator made of its wish."""
        setpoint = inputs.setpoint
        if setpoint.owner is not ControlOwner.SELF_TEST:
            return "interrupted"
        is_refused = bool(self._asked_w) and setpoint.power_w == 0
        is_stopped = not self._asked_w and setpoint.reason is not Reason.AS_REQUESTED
        if is_refused or is_stopped:
            return setpoint.reason.value
        if setpoint.power_w != 0:
            # Kept through the stop that may end the test: it tells the offset.
            self._commanded_w = setpoint.power_w
        return None

    def _judge(self, inputs: SelfTestInputs, now_mono_s: float) -> None:
        judges: Mapping[SelfTestPhase, Callable[[SelfTestInputs, float], None]] = {
            SelfTestPhase.RETURNING_TO_ZERO: self._judge_zero,
            SelfTestPhase.DISCHARGING: self._judge_discharge,
            SelfTestPhase.DISCHARGING_AGAIN: self._judge_discharge,
            SelfTestPhase.WITHHOLDING: self._judge_withholding,
        }
        phase = self._phase
        judges[phase](inputs, now_mono_s)
        begun_mono_s = self._phase_mono_s
        if phase is SelfTestPhase.WITHHOLDING:
            # The promise counts from the last write, which was in the phase before.
            begun_mono_s = inputs.last_write_mono_s or begun_mono_s
        is_over = now_mono_s - begun_mono_s > self._deadline_s(phase)
        is_over = is_over and not self._wiring.is_holding(now_mono_s)
        if phase is not self._phase or self._failure is not None or not is_over:
            return
        is_withheld = phase is SelfTestPhase.WITHHOLDING and bool(self._samples)
        if is_withheld and self._own_end.may_be_missing:
            self._goes_on(inputs, now_mono_s)
        else:
            self._failure = self._late(phase)

    def _goes_on(self, inputs: SelfTestInputs, now_mono_s: float) -> None:
        """Stop what does not end by itself: that it stops when told is shown now."""
        withheld_mono_s = inputs.last_write_mono_s or self._phase_mono_s
        self._guarantee = GuaranteeClass.B
        self._dead_mans_s.append(now_mono_s - withheld_mono_s)
        self._enter(SelfTestPhase.RETURNING_TO_ZERO, now_mono_s)

    def _judge_zero(self, _: SelfTestInputs, now_mono_s: float) -> None:
        steady_w = self._samples.steady_w()
        highest_w = self._threshold_w + LARGEST_ZERO_OFFSET_W
        if steady_w is None or not -self._threshold_w <= steady_w <= highest_w:
            return
        if not self._steady_w:
            # A slow charger may still be on its way to what it was told before.
            if now_mono_s - self._phase_mono_s < self._arrival_s:
                return
        elif self._has_flowed and self._samples.answer(self._from_w, steady_w) is None:
            return
        if self._wiring.holds(now_mono_s):
            return
        if self._has_flowed:
            self._measure_change(self._from_w, steady_w)
        self._leave_zero(steady_w, now_mono_s)

    def _leave_zero(self, zero_w: float, now_mono_s: float) -> None:
        """Go on from a rest, to whatever is still to be shown."""
        is_stopping_proven = (
            len(self._dead_mans_s) >= WITHHELD_RUNS
            or self._guarantee is GuaranteeClass.B
        )
        if is_stopping_proven and self._wiring.is_done:
            self._enter(SelfTestPhase.PASSED, now_mono_s)
        elif is_stopping_proven and not self._wiring.takes_another_round():
            self._failure = UNCLEAR
        elif is_stopping_proven or not self._steady_w:
            self._begin_discharge(SelfTestPhase.DISCHARGING, zero_w, now_mono_s)
        else:
            self._begin_discharge(SelfTestPhase.DISCHARGING_AGAIN, zero_w, now_mono_s)

    def _begin_discharge(
        self, phase: SelfTestPhase, zero_w: float, now_mono_s: float
    ) -> None:
        self._from_w = zero_w
        if not self._dead_mans_s:
            # What ends by itself may rest a little later than its first sample shows.
            self._zero_w = zero_w
        self._enter(phase, now_mono_s)

    def _judge_discharge(self, _: SelfTestInputs, now_mono_s: float) -> None:
        size_w = abs(self._commanded_w)
        if self._samples:
            last_w = self._samples.last.power_w
            if last_w - self._zero_w > SMALLEST_SHARE * size_w:
                self._failure = "wrong_direction"
                return
        is_second = self._phase is SelfTestPhase.DISCHARGING_AGAIN
        is_seldom = self._sample_wait_s > SELDOM_S
        steady_w = self._samples.steady_w()
        if is_second and is_seldom and self._samples:
            # It ends before there are enough of them; one that is right has to do.
            last_w = self._samples.last.power_w
            is_right = SMALLEST_SHARE * size_w <= -last_w <= LARGEST_SHARE * size_w
            steady_w = last_w if is_right else None
        if steady_w is None or self._from_w - steady_w <= SIGN_OF_FLOW_W:
            return
        if not SMALLEST_SHARE * size_w <= -steady_w <= LARGEST_SHARE * size_w:
            self._failure = "wrong_size"
            return
        # What nobody refreshes ends soon: that step is judged on its way.
        if not is_second and self._wiring.holds(now_mono_s):
            return
        self._measure_change(self._from_w, steady_w)
        self._steady_w.append(steady_w)
        self._from_w, self._has_flowed = steady_w, True
        self._enter(
            SelfTestPhase.WITHHOLDING if is_second else SelfTestPhase.RETURNING_TO_ZERO,
            now_mono_s,
        )

    def _judge_withholding(self, inputs: SelfTestInputs, now_mono_s: float) -> None:
        if inputs.last_write_mono_s is None or not self._samples:
            return
        last = self._samples.last
        if last.power_w < -self._threshold_w + min(0.0, self._zero_w):
            return
        dead_man_s = last.at_mono_s - inputs.last_write_mono_s
        if dead_man_s < self._own_end.earliest_s:
            self._failure = "stopped_early"
            return
        self._dead_mans_s.append(dead_man_s)
        if len(self._dead_mans_s) >= WITHHELD_RUNS and self._wiring.is_done:
            self._enter(SelfTestPhase.PASSED, now_mono_s)
            return
        # It ended by itself, so there is no way to zero to be measured.
        self._has_flowed = False
        self._enter(SelfTestPhase.RETURNING_TO_ZERO, now_mono_s)

    @property
    def _arrival_s(self) -> float:
        if not self._known.is_learnt:
            return UNLEARNT_ARRIVAL_S
        return self._known.dead_time_s + self._sample_wait_s

    def _deadline_s(self, phase: SelfTestPhase) -> float:
        """Return how long a phase may take, s; nobody refreshes in the last one."""
        learnt = self._learnt()
        promise_s = promised_end_s(
            self._own_end.timing,
            learnt.dead_time_s,
            min(self._steady_w, default=0.0),
            learnt.ramp_w_per_s,
        )
        promise_s += self._sample_wait_s
        # A meter that reports seldom needs longer to show that it is steady.
        late_s = STEADY_SAMPLES * (self._sample_wait_s - SAMPLE_WAIT_S)
        known_s = PHASE_DEADLINE_S.get(phase)
        return promise_s if known_s is None else known_s + late_s

    def _late(self, phase: SelfTestPhase) -> str:
        if not self._samples:
            return "no_meter"
        if phase is SelfTestPhase.RETURNING_TO_ZERO:
            return "does_not_return_to_zero"
        if phase is SelfTestPhase.WITHHOLDING:
            return "does_not_stop_by_itself"
        is_flowing = self._from_w - self._samples.last.power_w > SIGN_OF_FLOW_W
        return "not_steady" if is_flowing else "no_flow"

    def _measure_change(self, from_w: float, to_w: float) -> None:
        """Note dead time and ramp of the change that has just come to rest."""
        answer = self._samples.answer(from_w, to_w)
        if answer is not None:
            self._dead_times_s.append(answer.dead_time_s)
            self._ramps_w_per_s.append(answer.ramp_w_per_s)

    def _learnt(self) -> Fingerprint:
        return replace(
            self._known,
            dead_time_s=max(self._dead_times_s, default=self._known.dead_time_s),
            ramp_w_per_s=max(
                SLOWEST_RAMP_W_PER_S,
                min(self._ramps_w_per_s, default=self._known.ramp_w_per_s),
            ),
            offset_zero_w=self._zero_w,
            is_learnt=True,
        )

    def _output(self, inputs: SelfTestInputs) -> SelfTestOutput:
        is_over = self._phase in (SelfTestPhase.PASSED, SelfTestPhase.FAILED)
        is_at_zero = self._phase is SelfTestPhase.RETURNING_TO_ZERO
        self._asked_w = 0.0 if is_at_zero else -self._test_w
        is_waiting = self._phase is SelfTestPhase.NOT_RUN
        phase = SelfTestPhase.RETURNING_TO_ZERO if is_waiting else self._phase
        status = SelfTestStatus(
            phase=phase, failure=self._failure, wiring=self._wiring.finding
        )
        output = SelfTestOutput(
            power_w=None if is_over else self._asked_w,
            is_withholding=self._is_withholding(inputs),
            status=status,
            is_end_missing=self._guarantee is GuaranteeClass.B,
        )
        if self._phase is not SelfTestPhase.PASSED:
            return output
        steady_w, learnt = median(self._steady_w), self._learnt()
        dead_man_s = max(self._dead_mans_s)
        ends_s = dead_man_s - learnt.dead_time_s
        ends_s -= -min(self._steady_w) / learnt.ramp_w_per_s
        return replace(
            output,
            proof=Proof(
                dialect=self._dialect,
                firmware=self._firmware,
                wording=self._wording,
                dead_man_s=dead_man_s,
                passed_at=inputs.now_utc.isoformat(),
                proven_power_w=-min(self._steady_w),
                wiring=self._wiring.evidence,
                wiring_share=self._wiring.share,
                wiring_phases=self._wiring.phases,
                guarantee=self._guarantee,
                validity_s=(
                    self._own_end.validity_s(ends_s)
                    if self._guarantee is GuaranteeClass.A
                    else None
                ),
            ),
            fingerprint=replace(
                learnt, offset_discharge_w=steady_w - self._commanded_w
            ),
        )

    def _is_withholding(self, inputs: SelfTestInputs) -> bool:
        """Return True once nothing but a stop may be written.

        That begins with the write that started the second discharge: its validity is
        the dead-man that is measured.
        """
        if self._phase is SelfTestPhase.WITHHOLDING:
            return True
        return (
            self._phase is SelfTestPhase.DISCHARGING_AGAIN
            and inputs.last_write_mono_s is not None
            and inputs.last_write_mono_s >= self._phase_mono_s
        )
