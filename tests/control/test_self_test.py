"""The self-test on simulated chargers that pass."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.control.self_test import (
    SelfTest,
)
from custom_components.v2g_vpp.domain.capability import (
    DIALECT_TIMING,
    DischargeDialect,
    Fingerprint,
    promised_end_s,
)
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
)
from tests.control.self_test_run import V21, Run


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
