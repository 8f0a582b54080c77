"""The self-test on simulated chargers that pass."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.control.self_test import SelfTest
from custom_components.v2g_vpp.control.self_test_step import SelfTestInputs
from custom_components.v2g_vpp.domain.capability import (
    DIALECT_TIMING,
    DischargeDialect,
    Fingerprint,
    promised_end_s,
)
from custom_components.v2g_vpp.domain.self_test import SelfTestPhase
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason, Setpoint
from custom_components.v2g_vpp.virtual.plant import (
    FAST,
    MEASURED_2019,
    SLOW,
    TYPICAL,
    PlantParameters,
)
from tests.control.given import AT, NOW, SESSION
from tests.control.self_test_run import V21, Run

AT_ZERO = Setpoint(
    power_w=0.0,
    requested_w=0.0,
    owner=ControlOwner.SELF_TEST,
    reason=Reason.NO_TRANSACTION,
)


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
        # It ended by itself once, which may have been luck.
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


@pytest.mark.parametrize("charged_s", range(1, 9))
def test_a_slow_charger_that_was_just_told_to_charge_is_not_accused(
    charged_s: int,
) -> None:
    # What was told before the test reaches its power only within it.
    run = Run(SLOW, before_s=charged_s)
    assert run.last.status.failure is None
    assert run.last.status.phase is SelfTestPhase.PASSED


def test_without_a_transaction_it_waits_for_the_one_that_it_asks_for() -> None:
    test = SelfTest(dialect=V21, timing=DIALECT_TIMING[V21], firmware="1.0")
    session = replace(SESSION, transaction_id=None)
    inputs = SelfTestInputs(
        session=session, setpoint=AT_ZERO, last_write_mono_s=None, now_utc=AT
    )
    for second in range(91):
        output = test.step(inputs, NOW + second)
        assert output.power_w == -1_800.0, "the wish that starts a transaction"
        assert output.status.phase is SelfTestPhase.RETURNING_TO_ZERO
    output = test.step(inputs, NOW + 92.0)
    assert output.status.failure == "no_transaction"
    assert output.power_w is None

    again = SelfTest(dialect=V21, timing=DIALECT_TIMING[V21], firmware="1.0")
    again.step(inputs, NOW)
    output = again.step(replace(inputs, session=SESSION), NOW + 10.0)
    assert output.power_w == 0.0, "once it runs it begins at rest"


def test_it_takes_no_longer_than_it_must() -> None:
    run = Run(TYPICAL)
    assert run.ended_s is not None
    # From charging at 11 kW; a vehicle at rest saves the first return to zero.
    assert run.ended_s - run.began_s <= 120.0


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
