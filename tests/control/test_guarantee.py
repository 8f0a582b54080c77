"""Whether a charger ends a discharge by itself: found, and kept to."""

from dataclasses import replace
from math import inf

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.v2g_vpp.domain.capability import (
    DischargeDialect,
    Fingerprint,
    Proof,
    timing_of,
)
from custom_components.v2g_vpp.domain.dispatch import CommandKind
from custom_components.v2g_vpp.domain.guarantee import GuaranteeClass
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.self_test import SelfTestPhase
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from custom_components.v2g_vpp.virtual.plant import (
    FAST,
    SLOW,
    TYPICAL,
    PlantParameters,
)
from tests.control.gate_breaks import BY_USER, DISCHARGE, check
from tests.control.given import (
    ENTITY,
    PROOF_A,
    PROOF_B,
    override,
    with_policy,
    with_station,
)
from tests.control.self_test_run import Run, phase_of
from tests.control.steps import DISPATCHED, first_step

ENTITY_DIALECT = DischargeDialect.ENTITY
PLANTS = [
    pytest.param(FAST, id="fast"),
    pytest.param(TYPICAL, id="typical"),
    pytest.param(SLOW, id="slow"),
]


def _proof(run: Run) -> Proof:
    assert run.last.status.failure is None
    assert run.last.status.phase is SelfTestPhase.PASSED
    assert run.last.proof is not None
    return run.last.proof


# --- what the self-test finds ---


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("told_s", [None, 20.0, 60.0, 300.0])
def test_a_charger_that_goes_on_is_of_class_b(
    plant: PlantParameters, told_s: float | None
) -> None:
    run = Run(plant, dialect=ENTITY_DIALECT, told_watchdog_s=told_s, watchdog_s=inf)
    proof = _proof(run)
    assert proof.guarantee is GuaranteeClass.B
    assert proof.validity_s is None
    withheld_s = sum(o.status.phase is SelfTestPhase.WITHHOLDING for o in run.outputs)
    within_s = min(60.0, told_s or 60.0)
    assert within_s <= proof.dead_man_s
    assert withheld_s <= within_s + 45.0, "no longer than it has to be watched"
    # It was stopped, and the meter showed that it stopped.
    assert run.phases[-2:] == [
        SelfTestPhase.RETURNING_TO_ZERO,
        SelfTestPhase.PASSED,
    ]
    # The offset is that of the discharge, not of the stop at its end.
    learnt = run.last.fingerprint
    assert learnt is not None
    assert learnt.offset_discharge_w == pytest.approx(plant.offset_discharge_w, abs=100)
    written_w = [write.power_w for write in run.rig.writes]
    last = len(written_w) - 1 - written_w[::-1].index(min(written_w))
    assert written_w[last + 1] == 0.0


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("watchdog_s", [20.0, 45.0, 60.0])
def test_an_unknown_watchdog_is_found_and_counts(
    plant: PlantParameters, watchdog_s: float
) -> None:
    run = Run(plant, dialect=ENTITY_DIALECT, watchdog_s=watchdog_s)
    proof = _proof(run)
    assert proof.guarantee is GuaranteeClass.A
    assert proof.validity_s is not None
    assert watchdog_s - 12.0 <= proof.validity_s <= watchdog_s + 2.0
    timing = timing_of(ENTITY, proof=proof)
    assert 2.0 * timing.refresh_s < watchdog_s, "one write may get lost"


def test_a_told_watchdog_that_is_kept_is_class_a() -> None:
    run = Run(TYPICAL, dialect=ENTITY_DIALECT, told_watchdog_s=30.0, watchdog_s=30.0)
    proof = _proof(run)
    assert (proof.guarantee, proof.validity_s) == (GuaranteeClass.A, 30.0)
    assert 30.0 <= proof.dead_man_s <= 45.0


def test_a_watchdog_much_shorter_than_told_is_no_proof() -> None:
    run = Run(FAST, dialect=ENTITY_DIALECT, told_watchdog_s=60.0, watchdog_s=25.0)
    assert run.last.status.failure == "stopped_early"


def test_an_end_of_once_is_luck() -> None:
    def let_go_on(run: Run, rig: object) -> None:
        if phase_of(run) is not SelfTestPhase.WITHHOLDING and any(
            o.status.phase is SelfTestPhase.WITHHOLDING for o in run.outputs
        ):
            run.rig.charger.validity_s = inf

    run = Run(TYPICAL, dialect=ENTITY_DIALECT, watchdog_s=30.0, disturb=let_go_on)
    assert _proof(run).guarantee is GuaranteeClass.B


def test_without_a_working_stop_there_is_no_proof_of_any_class() -> None:
    def ignore_stops(run: Run, rig: object) -> None:
        is_known = any(o.status.phase is SelfTestPhase.WITHHOLDING for o in run.outputs)
        charger = run.rig.charger
        if is_known and charger.command_w == 0:
            charger.command_w = -1_800.0

    run = Run(TYPICAL, dialect=ENTITY_DIALECT, watchdog_s=inf, disturb=ignore_stops)
    assert run.last.proof is None
    assert run.last.status.failure == "does_not_return_to_zero"


def test_ocpp_without_an_end_is_still_no_proof() -> None:
    run = Run(TYPICAL, watchdog_s=inf)
    assert run.last.status.failure == "does_not_stop_by_itself"


# --- what it changes ---

BY_ENTITY = {
    proof.guarantee: with_station(
        replace(DISPATCHED, proof=proof), capability=ENTITY, protocol="entity"
    )
    for proof in (PROOF_A, PROOF_B)
}


def test_class_a_is_dispatched_and_class_b_is_not() -> None:
    served = first_step(BY_ENTITY[GuaranteeClass.A])
    assert served.dispatch_blocked_by is None
    assert served.available_discharge_w > 0
    refused = first_step(BY_ENTITY[GuaranteeClass.B])
    assert refused.dispatch_blocked_by is Reason.NO_GUARANTEE
    assert refused.setpoint.reason is Reason.NO_GUARANTEE
    assert (refused.setpoint.power_w, refused.available_discharge_w) == (0.0, 0.0)
    assert refused.available_charge_w > 0


def test_class_b_serves_its_own_home() -> None:
    evse = with_policy(
        replace(BY_ENTITY[GuaranteeClass.B], order=None), mode=Mode.DISCHARGE_NOW
    )
    decision = first_step(evse)
    assert decision.discharge_blocked_by is None
    assert decision.setpoint.owner is ControlOwner.MODE


def test_the_promise_of_90_s_is_none_that_class_b_could_break() -> None:
    slow = Fingerprint(dead_time_s=60.0, ramp_w_per_s=200.0, is_learnt=True)
    for guarantee, is_free in ((GuaranteeClass.A, False), (GuaranteeClass.B, True)):
        evse = replace(BY_ENTITY[guarantee], fingerprint=slow, order=None)
        evse = replace(evse, override=override(-5_000.0))
        decision = first_step(evse)
        is_shut = decision.setpoint.reason is Reason.STATION_LIMIT
        assert is_shut is not is_free, guarantee


@pytest.mark.parametrize(
    "proof",
    [
        pytest.param(PROOF_B, id="of class B"),
        pytest.param(
            replace(PROOF_B, guarantee=GuaranteeClass.A), id="said to be of class A"
        ),
        pytest.param(replace(PROOF_A, guarantee=GuaranteeClass.B), id="B, yet ended"),
        pytest.param(replace(PROOF_A, dead_man_s=91.0), id="ended too late"),
        pytest.param(replace(PROOF_A, validity_s=61.0), id="waits too long"),
        pytest.param(replace(PROOF_A, validity_s=0.0), id="waits for nothing"),
    ],
)
def test_the_gate_finds_the_class_by_itself(proof: Proof) -> None:
    station = replace(DISCHARGE.station, capability=ENTITY)
    inputs = replace(DISCHARGE, station=station, proof=proof)
    assert check(inputs).reason is Reason.NO_GUARANTEE
    assert check(inputs).power_w == 0.0
    assert check(replace(inputs, proof=PROOF_A)).reason is None
    by_user = replace(BY_USER, station=station, proof=PROOF_B)
    assert check(by_user).reason is None


@settings(deadline=None)
@given(
    power_w=st.floats(-11_000, 11_000),
    soc=st.floats(0, 100),
    kind=st.sampled_from([CommandKind.SETPOINT, CommandKind.LIMIT]),
    mode=st.sampled_from(Mode),
    dead_man_s=st.floats(0, 1_000),
    validity_s=st.none() | st.floats(1, 1_000),
)
def test_class_b_never_discharges_for_a_dispatch(
    power_w: float,
    soc: float,
    kind: CommandKind,
    mode: Mode,
    dead_man_s: float,
    validity_s: float | None,
) -> None:
    evse = with_policy(BY_ENTITY[GuaranteeClass.B], mode=mode)
    assert evse.order is not None
    proof = replace(PROOF_B, dead_man_s=dead_man_s, validity_s=validity_s)
    evse = replace(
        evse, proof=proof, order=replace(evse.order, power_w=power_w, kind=kind)
    )
    decision = first_step(evse)
    if decision.setpoint.owner is ControlOwner.VPP:
        assert decision.setpoint.power_w >= 0
    assert decision.available_discharge_w == 0
    assert decision.committed_w >= 0
    # The gate, whatever the coordinator may have said.
    station = replace(DISCHARGE.station, capability=ENTITY)
    inputs = replace(DISCHARGE, station=station, proof=proof)
    verdict = check(
        replace(inputs, setpoint=replace(inputs.setpoint, power_w=-abs(power_w)))
    )
    assert verdict.power_w == 0
