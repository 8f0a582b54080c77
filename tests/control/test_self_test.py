"""The self-test, on simulated chargers that pass and on each kind that must not."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from custom_components.v2g_vpp.control.self_test import (
    SelfTest,
    SelfTestInputs,
    SelfTestOutput,
)
from custom_components.v2g_vpp.domain.capability import (
    DIALECT_TIMING,
    DischargeDialect,
    Fingerprint,
    promised_end_s,
)
from custom_components.v2g_vpp.domain.measurement import Measurement
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason, Setpoint
from custom_components.v2g_vpp.domain.snapshot import SelfTestPhase
from custom_components.v2g_vpp.virtual.plant import (
    FAST,
    MEASURED_2019,
    SLOW,
    TYPICAL,
    PlantParameters,
)
from tests.control.given import (
    AT,
    CAPABILITY,
    NOW,
    READY,
    SESSION,
    measured,
    override,
    with_policy,
    with_session,
    with_station,
)
from tests.control.rig import Rig

V21 = DischargeDialect.V21_DYNAMIC
UNPROVEN = replace(
    with_policy(READY, is_discharge_allowed=False),
    proof=None,
    fingerprint=Fingerprint(),
)


class Run:
    """One run of the self-test in a closed loop, until it is over."""

    def __init__(
        self,
        parameters: PlantParameters,
        *,
        dialect: DischargeDialect = V21,
        disturb: Callable[[Run, Rig], None] | None = None,
        has_events: bool = False,
    ) -> None:
        evse = with_station(UNPROVEN, capability=replace(CAPABILITY, dialect=dialect))
        self.rig = Rig(evse, parameters, has_events=has_events)
        self.test = SelfTest(
            dialect=dialect, timing=DIALECT_TIMING[dialect], firmware="1.0"
        )
        self.disturb = disturb
        self.outputs: list[SelfTestOutput] = []
        self.began_s = self.rig.now_s
        self.ended_s: float | None = None
        self.lowest_w = 0.0
        # It charges when the test begins, as it would at any plugged vehicle.
        self.rig.run(15)
        self.began_s = self.rig.now_s
        self.rig.on_tick = self._tick
        while not self.is_over and self.rig.now_s < self.began_s + 400:
            self.rig.run(1)

    @property
    def is_over(self) -> bool:
        return self.ended_s is not None

    @property
    def last(self) -> SelfTestOutput:
        return self.outputs[-1]

    @property
    def phases(self) -> list[SelfTestPhase]:
        phases: list[SelfTestPhase] = []
        for output in self.outputs:
            if output.status.phase not in phases[-1:]:
                phases.append(output.status.phase)
        return phases

    def _tick(self, rig: Rig) -> None:
        assert rig.setpoint is not None
        if self.disturb is not None:
            self.disturb(self, rig)
        output = self.test.step(
            SelfTestInputs(
                session=rig.evse.session,
                setpoint=rig.setpoint,
                last_write_mono_s=rig.delivery.last_write_mono_s,
                now_utc=AT,
            ),
            rig.now_s,
        )
        self.outputs.append(output)
        rig.evse = replace(rig.evse, self_test_w=output.power_w)
        rig.is_withheld = output.is_withholding
        if output.power_w is None:
            self.ended_s = rig.now_s


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param(FAST, id="fast"),
        pytest.param(TYPICAL, id="typical"),
        pytest.param(SLOW, id="slow"),
        pytest.param(MEASURED_2019, id="measured in 2019"),
        pytest.param(
            replace(SLOW, dead_time_s=15.0, ramp_w_per_s=400.0), id="slowest reported"
        ),
    ],
)
@pytest.mark.parametrize("dialect", [V21, DischargeDialect.V201_PLUS21])
def test_a_good_charger_passes_and_shows_what_it_is(
    parameters: PlantParameters, dialect: DischargeDialect
) -> None:
    run = Run(parameters, dialect=dialect)
    assert run.phases == [
        SelfTestPhase.RETURNING_TO_ZERO,
        SelfTestPhase.DISCHARGING,
        SelfTestPhase.RETURNING_TO_ZERO,
        SelfTestPhase.DISCHARGING_AGAIN,
        SelfTestPhase.WITHHOLDING,
        SelfTestPhase.PASSED,
    ]
    proof, fingerprint = run.last.proof, run.last.fingerprint
    assert proof is not None
    assert fingerprint is not None
    assert (proof.dialect, proof.firmware) == (dialect, "1.0")
    assert proof.passed_at == AT.isoformat()
    # Every figure is the cautious one, by no more than a meter period or two.
    true_s = parameters.dead_time_s
    assert true_s <= fingerprint.dead_time_s <= true_s + 2.1
    assert fingerprint.ramp_w_per_s <= parameters.ramp_w_per_s * 1.1
    assert fingerprint.ramp_w_per_s >= 300.0
    assert fingerprint.is_learnt
    offset_w = parameters.offset_discharge_w
    assert fingerprint.offset_discharge_w == pytest.approx(offset_w, abs=60.0)
    zero_w = parameters.offset_zero_w
    assert fingerprint.offset_zero_w == pytest.approx(zero_w, abs=60.0)
    timing = DIALECT_TIMING[dialect]
    promise_s = promised_end_s(
        timing,
        fingerprint.dead_time_s,
        proof.proven_power_w,
        fingerprint.ramp_w_per_s,
    )
    assert timing.validity_s <= proof.dead_man_s <= promise_s + 2.0
    assert 0.4 * 1_800.0 <= proof.proven_power_w <= 1.3 * 1_800.0


def test_ticks_between_two_samples_change_nothing() -> None:
    plain, busy = Run(TYPICAL), Run(TYPICAL, has_events=True)
    assert busy.phases == plain.phases
    assert busy.last.fingerprint is not None
    assert busy.last.proof is not None
    assert plain.last.proof is not None
    assert busy.last.proof.dead_man_s == pytest.approx(plain.last.proof.dead_man_s)


def test_it_takes_no_longer_than_it_must() -> None:
    run = Run(TYPICAL)
    assert run.ended_s is not None
    # From charging at 11 kW; a vehicle at rest saves the first return to zero.
    assert run.ended_s - run.began_s <= 60.0


def test_after_the_end_it_says_the_same_and_asks_for_nothing() -> None:
    run = Run(FAST)
    run.rig.run(3)
    assert run.last.power_w is None
    assert run.last.status.phase is SelfTestPhase.PASSED
    assert run.last.proof == run.outputs[-4].proof


def test_it_never_asks_for_more_than_its_own_small_power() -> None:
    run = Run(TYPICAL)
    assert {output.power_w for output in run.outputs} == {0.0, -1_800.0, None}
    known = Fingerprint(minimum_power_w=4_140.0)
    big = SelfTest(
        dialect=V21, timing=DIALECT_TIMING[V21], firmware="", fingerprint=known
    )
    assert big._test_w == pytest.approx(5_382.0)


# Chargers that must not pass.


def test_a_charger_that_turns_the_sign_fails_at_once() -> None:
    reversed_ = replace(FAST, offset_discharge_w=0.0)
    run = Run(reversed_, disturb=_reverse_meter)
    assert run.last.status.failure == "wrong_direction"
    assert run.last.proof is None


def _reverse_meter(run: Run, rig: Rig) -> None:
    _measure(rig, abs(rig.power_w()))


def _measure(rig: Rig, power_w: float) -> None:
    """Let the meter show another power than the true one."""
    measurement = rig.evse.session.measurement
    assert measurement.power_w is not None
    wrong = replace(measurement.power_w, value=power_w)
    rig.evse = with_session(rig.evse, measurement=replace(measurement, power_w=wrong))


def _phase(run: Run) -> SelfTestPhase:
    return run.outputs[-1].status.phase if run.outputs else SelfTestPhase.NOT_RUN


def test_three_times_the_power_fails() -> None:
    run = Run(FAST, disturb=lambda _, rig: _measure(rig, 3.0 * rig.power_w()))
    assert run.last.status.failure == "wrong_size"


def test_a_third_of_the_power_fails() -> None:
    run = Run(FAST, disturb=lambda _, rig: _measure(rig, rig.power_w() / 3.0))
    assert run.last.status.failure == "wrong_size"


def test_a_charger_that_does_nothing_fails() -> None:
    run = Run(replace(FAST, minimum_power_w=5_000.0))
    assert run.last.status.failure == "no_flow"


def test_a_charger_that_never_rests_fails() -> None:
    def unsteady(_: Run, rig: Rig) -> None:
        _measure(rig, rig.power_w() * (1.3 if int(rig.now_s) % 2 else 0.7))

    assert Run(FAST, disturb=unsteady).last.status.failure == "not_steady"


def test_a_charger_that_does_not_stop_fails() -> None:
    run = Run(replace(FAST, minimum_power_w=5_000.0, offset_zero_w=-1_600.0))
    assert run.last.status.failure == "does_not_return_to_zero"


def test_a_charger_that_does_not_return_after_the_discharge_fails() -> None:
    def sticks(run: Run, rig: Rig) -> None:
        if run.outputs and _phase(run) is SelfTestPhase.RETURNING_TO_ZERO:
            if any(o.status.phase is SelfTestPhase.DISCHARGING for o in run.outputs):
                _measure(rig, -1_650.0)

    run = Run(FAST, disturb=sticks)
    assert run.last.status.failure == "does_not_return_to_zero"


def test_a_charger_without_a_dead_man_fails() -> None:
    run = Run(FAST, disturb=lambda _, rig: _outlive(rig))
    assert run.last.status.failure == "does_not_stop_by_itself"
    assert run.last.proof is None
    # The test let go: the coordinator ends the flow that it found endless.
    run.rig.run(10)
    assert run.rig.power_w() >= 0.0


def _outlive(rig: Rig) -> None:
    rig.charger.expires_s = rig.now_s + 100.0


def test_a_dead_man_that_fires_too_late_fails() -> None:
    def late(run: Run, rig: Rig) -> None:
        if _phase(run) is SelfTestPhase.WITHHOLDING:
            # 20 s are promised from the write, and the fast charger needs 2 s more.
            assert rig.delivery.last_write_mono_s is not None
            rig.charger.expires_s = rig.delivery.last_write_mono_s + 26.5

    assert Run(FAST, disturb=late).last.status.failure == "does_not_stop_by_itself"


def test_a_discharge_that_ends_too_early_proves_no_dead_man() -> None:
    def gives_up(run: Run, rig: Rig) -> None:
        if _phase(run) is SelfTestPhase.WITHHOLDING:
            rig.charger.expires_s = 0.0

    assert Run(FAST, disturb=gives_up).last.status.failure == "stopped_early"


def test_a_meter_that_falls_silent_at_zero_fails() -> None:
    def silent(_: Run, rig: Rig) -> None:
        rig.evse = with_session(rig.evse, measurement=Measurement())

    run = Run(FAST, disturb=silent)
    assert run.last.status.failure == "no_meter"


def test_a_return_that_is_no_change_is_no_return() -> None:
    """At a large station the little that still flows may pass for nothing."""
    run = _bare_run(rating_w=44_000.0, powers={0.0: -850.0, -1_800.0: -1_000.0})
    assert run == "no_flow"
    first = _bare_run(rating_w=44_000.0, powers={-1_800.0: -1_000.0}, later_w=-850.0)
    assert first == "does_not_return_to_zero"


# What interrupts it.


@pytest.mark.parametrize(
    ("disturb", "failure"),
    [
        pytest.param(
            lambda rig: with_session(rig.evse, is_emergency_stopped=True),
            "emergency_stop",
            id="emergency stop",
        ),
        pytest.param(
            lambda rig: with_session(rig.evse, measurement=Measurement()),
            "meter_stale",
            id="silent meter",
        ),
        pytest.param(
            lambda rig: replace(rig.evse, override=override(3_000.0)),
            "interrupted",
            id="the user",
        ),
        pytest.param(
            lambda rig: replace(rig.evse, vehicle=None), "vehicle_unknown", id="guest"
        ),
    ],
)
def test_an_interrupted_test_fails_with_the_reason(
    disturb: Callable[[Rig], object], failure: str
) -> None:
    def break_in(run: Run, rig: Rig) -> None:
        if _phase(run) is SelfTestPhase.DISCHARGING:
            rig.evse = disturb(rig)  # type: ignore[assignment]  # an EVSE

    run = Run(TYPICAL, disturb=break_in)
    assert run.last.status.phase is SelfTestPhase.FAILED
    assert run.last.status.failure == failure
    assert run.last.fingerprint is None
    run.rig.run(10)
    assert run.rig.power_w() >= 0.0


def test_an_emergency_stop_at_zero_interrupts_too() -> None:
    def break_in(run: Run, rig: Rig) -> None:
        if _phase(run) is SelfTestPhase.RETURNING_TO_ZERO:
            rig.evse = with_session(rig.evse, is_emergency_stopped=True)

    assert Run(TYPICAL, disturb=break_in).last.status.failure == "emergency_stop"


def test_without_a_write_there_is_no_dead_man_to_measure() -> None:
    """A discharge that runs although nothing was ever accepted proves nothing."""
    assert _bare_run() == "does_not_stop_by_itself"


def _bare_run(
    *,
    rating_w: float = 11_000.0,
    powers: Mapping[float, float] | None = None,
    later_w: float | None = None,
) -> str | None:
    """Return how a test ends on a charger that obeys at once and takes no writes.

    Args:
        rating_w: of the station.
        powers: what flows at which setpoint; the setpoint itself by default.
        later_w: what flows at 0 once something was discharged.
    """
    timing = DIALECT_TIMING[V21]
    test = SelfTest(dialect=V21, timing=timing, firmware="1.0", rating_w=rating_w)
    flows = dict(powers or {})
    asked_w, now_s, failure = 0.0, NOW, None
    while failure is None and now_s < NOW + 300.0:
        now_s += 1.0
        if asked_w < 0 and later_w is not None:
            flows[0.0] = later_w
        output = test.step(
            SelfTestInputs(
                session=replace(
                    SESSION,
                    measurement=measured(flows.get(asked_w, asked_w), 70, now_s),
                ),
                setpoint=Setpoint(
                    power_w=asked_w,
                    requested_w=asked_w,
                    owner=ControlOwner.SELF_TEST,
                    reason=Reason.AS_REQUESTED,
                ),
                last_write_mono_s=None,
                now_utc=AT,
            ),
            now_s,
        )
        failure = output.status.failure
        asked_w = output.power_w or 0.0
    return failure
