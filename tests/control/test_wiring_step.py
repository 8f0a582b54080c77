"""When steps that contradict are enough, and what they are called."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.control.wiring_proof import WiringProof
from custom_components.v2g_vpp.control.wiring_step import Contradictions
from custom_components.v2g_vpp.control.wiring_watch import WiringLook
from custom_components.v2g_vpp.domain.wiring import (
    WiringFault,
    WiringFinding,
    WiringStep,
)


def step(finding: WiringFinding | None) -> WiringStep:
    share = 1.0 if finding is None else finding.share
    return WiringStep(share=share, is_start=True, phases=(), finding=finding)


def size(share: float) -> WiringFinding:
    return WiringFinding(fault=WiringFault.WRONG_SIZE, share=share)


def clamp(share: float, *phases: int) -> WiringFinding:
    return WiringFinding(fault=WiringFault.WRONG_SIGN, share=share, phases=phases)


RIGHT = None


def found(*findings: WiringFinding | None) -> list[WiringFinding | None]:
    contradictions = Contradictions()
    return [contradictions.take(step(finding)) for finding in findings]


def test_three_of_one_kind_are_enough_and_two_are_not() -> None:
    assert found(clamp(0.3, 2), clamp(0.3, 2), clamp(0.3, 2)) == [
        None,
        None,
        clamp(0.3, 2),
    ]
    assert found(clamp(0.3, 2), clamp(0.3, 1), clamp(0.3, 2)) == [None] * 3


def test_one_that_agrees_ends_what_was_counted() -> None:
    two = [clamp(-1.0), clamp(-1.0)]
    assert found(*two, RIGHT, *two) == [None] * 5
    assert found(*two, RIGHT, *two, clamp(-1.0))[-1] == clamp(-1.0)


def test_a_wrong_wire_is_wrong_by_as_much_each_time() -> None:
    # Loads of the house are of another size every time.
    assert found(size(0.2), size(0.5), size(1.6), size(-0.4)) == [None] * 4
    assert found(size(0.2), size(0.3), size(0.31))[-1] == size(0.31)


def test_a_self_test_compares_beginnings_and_ends() -> None:
    proof = WiringProof()
    begin, end = step(RIGHT), replace(step(RIGHT), is_start=False)
    for _ in range(3):
        proof.take(WiringLook(step=begin))
        assert not proof.is_done, "a load that began with each could look the same"
    proof.take(WiringLook(step=end))
    assert proof.is_done


@pytest.mark.parametrize(
    ("seen", "name"),
    [
        ([clamp(0.33, 2), size(0.33), size(0.4), size(0.3)], clamp(0.33, 2)),
        ([clamp(0.33, 2), size(0.8), size(0.85), size(0.8)], size(0.8)),
        ([size(0.33), size(0.4), size(0.3)], size(0.3)),
    ],
    ids=["a clamp of that size", "a clamp of another size", "nothing else"],
)
def test_the_finding_that_says_most_names_it(
    seen: list[WiringFinding], name: WiringFinding
) -> None:
    assert found(*seen) == [None] * (len(seen) - 1) + [name]
