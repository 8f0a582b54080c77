"""The self-test in a home that has a meter of its own."""

from collections.abc import Callable

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.self_test import SelfTestPhase
from custom_components.v2g_vpp.domain.wiring import WiringEvidence, WiringFault
from custom_components.v2g_vpp.virtual.plant import (
    FAST,
    MEASURED_2019,
    SLOW,
    TYPICAL,
    PlantParameters,
)
from tests.control.given import KEY
from tests.control.self_test_run import V21, Run
from tests.control.test_wiring_watch import kettles
from tests.control.wiring_home import THREE, WiredHome

PLANTS = [
    pytest.param(FAST, id="fast"),
    pytest.param(TYPICAL, id="typical"),
    pytest.param(SLOW, id="slow"),
    pytest.param(MEASURED_2019, id="measured in 2019"),
]


def under_test(**changes: object) -> WiredHome:
    return WiredHome(is_test=True, **changes)  # type: ignore[arg-type]  # any field


@pytest.mark.parametrize("parameters", PLANTS)
@pytest.mark.parametrize("dialect", [V21, DischargeDialect.V201_PLUS21])
@pytest.mark.parametrize("on", [(2,), THREE])
def test_right_wiring_is_proven_along_the_way(
    parameters: PlantParameters, dialect: DischargeDialect, on: tuple[int, ...]
) -> None:
    run = Run(parameters, dialect=dialect, home=under_test(on={KEY: on}))
    assert run.last.status.failure is None
    proof = run.last.proof
    assert proof is not None
    assert proof.wiring is WiringEvidence.PROVEN
    assert proof.wiring_share == pytest.approx(1.0, abs=0.1)
    assert proof.wiring_phases == "".join(str(phase) for phase in on)
    assert run.ended_s is not None
    assert run.ended_s - run.began_s <= 300.0, "five minutes at most (product brief)"


def test_without_a_meter_of_the_home_the_proof_says_so() -> None:
    run = Run(TYPICAL)
    assert run.last.proof is not None
    assert run.last.proof.wiring is WiringEvidence.WITHOUT_REFERENCE
    assert run.last.proof.wiring_share is None
    assert run.last.proof.wiring_phases == ""


def test_a_meter_that_reports_seldom_takes_longer_and_is_enough() -> None:
    run = Run(TYPICAL, home=under_test(grid_period_s=10, grid_lag_s=5))
    assert run.last.status.failure is None
    assert run.last.proof is not None
    assert run.last.proof.wiring is WiringEvidence.PROVEN


@pytest.mark.parametrize(
    ("home", "fault", "phases"),
    [
        (lambda: under_test(signs=(-1.0, -1.0, -1.0)), WiringFault.WRONG_SIGN, ()),
        (lambda: under_test(signs=(1.0, -1.0, 1.0)), WiringFault.WRONG_SIGN, (2,)),
        (
            lambda: under_test(on={KEY: (2,)}, told={KEY: (1,)}),
            WiringFault.WRONG_PHASE,
            (2,),
        ),
        (
            lambda: under_test(on={KEY: THREE}, told={KEY: (1,)}),
            WiringFault.WRONG_PHASE,
            THREE,
        ),
        (lambda: under_test(gain=0.0), WiringFault.WRONG_SIZE, ()),
        (lambda: under_test(gain=1_000.0), WiringFault.WRONG_SIZE, ()),
    ],
    ids=["sign", "clamp", "phase", "three phases", "not seen", "units"],
)
@pytest.mark.parametrize("parameters", PLANTS)
def test_wrong_wiring_ends_the_test_and_is_named(
    home: Callable[[], WiredHome],
    fault: WiringFault,
    phases: tuple[int, ...],
    parameters: PlantParameters,
) -> None:
    run = Run(parameters, home=home())
    assert run.last.status.phase is SelfTestPhase.FAILED
    assert run.last.status.failure == f"wiring_{fault}"
    assert run.last.status.wiring is not None
    assert run.last.status.wiring.phases == phases
    assert run.last.proof is None
    assert run.last.power_w is None


def test_a_house_that_never_rests_is_no_proof_and_ends() -> None:
    run = Run(
        TYPICAL,
        home=under_test(house=lambda s: (2_000.0 if s % 8 < 4 else 0.0, 200.0, 100.0)),
    )
    assert run.last.status.failure == "wiring_unclear"
    assert run.last.status.wiring is None
    assert run.last.proof is None


def test_a_meter_that_falls_silent_is_no_proof() -> None:
    home = under_test()

    def fall_silent(run: Run, _: object) -> None:
        if len(run.outputs) > 40:
            home.grid_period_s = 100_000

    run = Run(TYPICAL, home=home, disturb=fall_silent)
    assert run.last.status.failure == "wiring_unclear"
    assert run.last.proof is None


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    fault=st.sampled_from(["none", "sign", "phase", "clamp"]),
)
def test_a_busy_house_never_makes_a_false_proof(seed: int, fault: str) -> None:
    home = {
        "none": under_test(),
        "sign": under_test(signs=(-1.0, -1.0, -1.0)),
        "phase": under_test(on={KEY: (2,)}, told={KEY: (1,)}),
        "clamp": under_test(signs=(1.0, -1.0, 1.0)),
    }[fault]
    house = kettles(seed, mean_s=60.0)
    home.house = lambda now_s: house(now_s - 1_000.0)
    run = Run(TYPICAL, home=home)
    if fault == "none":
        assert run.last.status.failure in (None, "wiring_unclear")
    else:
        assert run.last.proof is None
        assert run.last.status.failure != "wiring_wrong_size"
