"""What the gate remembers: a dispatch that a lost link ended, a departure missed."""

from dataclasses import replace
from math import inf

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.gate import OutputGate
from custom_components.v2g_vpp.control.gate_inputs import GateInputs
from custom_components.v2g_vpp.control.inputs import SiteInputs
from custom_components.v2g_vpp.domain.dispatch import CommandKind
from custom_components.v2g_vpp.domain.measurement import Measurement
from custom_components.v2g_vpp.domain.policy import Departure, Mode
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from tests.control.gate_breaks import (
    AT_REST,
    BY_MODE,
    BY_TEST,
    BY_USER,
    CHARGE,
    DISCHARGE,
    OTHER,
    all_fields,
    setpoint,
)
from tests.control.given import NOW, READY, measured, order, override, reading

DISPATCH = order(-5_000.0, ends_mono_s=NOW + 900.0)
BY_CLAIM = replace(BY_MODE, setpoint=setpoint(-5_000.0, ControlOwner.AUTOMATION))
BY_PLAN = replace(
    BY_MODE,
    setpoint=setpoint(-5_000.0, ControlOwner.PLAN),
    policy=replace(READY.policy, mode=Mode.PLAN),
    plan_w=-5_000.0,
)
SOON = Departure(target_percent=80.0, due_mono_s=NOW + 10.0)


def at(inputs: GateInputs, now_s: float, soc: float = 70.0) -> GateInputs:
    """Return inputs as fresh as they were at the beginning."""
    session = replace(
        inputs.session,
        measurement=replace(
            measured(soc_percent=soc),
            power_w=reading(0.0, now_s),
            soc_percent=reading(soc, now_s),
        ),
    )
    frequency = inputs.grid.frequency_hz
    heard = None if frequency is None else replace(frequency, received_mono_s=now_s)
    return replace(
        inputs,
        session=session,
        decided_mono_s=now_s,
        grid=replace(inputs.grid, frequency_hz=heard),
    )


def reason(
    gate: OutputGate, inputs: GateInputs, second: float, soc: float = 70.0
) -> Reason | None:
    now_s = NOW + second
    return gate.check(at(inputs, now_s, soc), now_s).reason


@pytest.mark.parametrize(
    "local", [BY_MODE, BY_PLAN, AT_REST], ids=["mode", "plan", "at rest"]
)
def test_after_a_released_dispatch_nothing_local_discharges(local: GateInputs) -> None:
    gate = OutputGate()
    assert reason(gate, replace(DISCHARGE, order=DISPATCH), 0) is None
    lost = replace(local, is_failsafe=True)
    by_user = replace(
        BY_USER, override=override(-5_000.0, ends_mono_s=inf), is_failsafe=True
    )
    for second in (1, 60, 3_600):
        assert reason(gate, lost, second) is Reason.FAILSAFE
        # The owner's own word and charging go on.
        assert reason(gate, by_user, second) is None
        assert reason(gate, replace(CHARGE, is_failsafe=True), second) is None
    assert reason(gate, local, 3_601) is None
    assert reason(gate, lost, 3_602) is None, "nothing was dispatched since"


def test_a_dispatch_counts_that_asks_for_0_w_and_one_while_the_link_is_lost() -> None:
    gate = OutputGate()
    held = order(0.0, start_mono_s=-inf, ends_mono_s=NOW + 30.0)
    assert reason(gate, replace(BY_MODE, order=held), 0) is None
    assert reason(gate, replace(BY_MODE, is_failsafe=True), 1) is Reason.FAILSAFE
    gate = OutputGate()
    lost = replace(BY_MODE, is_failsafe=True)
    assert reason(gate, lost, 0) is None
    assert reason(gate, replace(lost, order=DISPATCH), 1) is Reason.FAILSAFE
    assert reason(gate, lost, 2) is Reason.FAILSAFE


@pytest.mark.parametrize(
    "before",
    [
        pytest.param({"order": None}, id="none"),
        pytest.param({"order": replace(DISPATCH, resource=OTHER)}, id="elsewhere"),
        pytest.param({"order": order(-5_000.0, ends_mono_s=NOW)}, id="over"),
        pytest.param({"order": replace(DISPATCH, kind=CommandKind.LIMIT)}, id="limit"),
        pytest.param(
            {"order": DISPATCH, "override": override(-1_000.0)}, id="owner instead"
        ),
        pytest.param({"order": DISPATCH, "is_self_test_running": True}, id="test"),
    ],
)
def test_who_followed_no_dispatch_may_go_on(before: dict[str, object]) -> None:
    gate = OutputGate()
    reason(gate, all_fields(**before)(BY_MODE), 0)
    assert reason(gate, replace(BY_MODE, is_failsafe=True), 1) is None


def test_an_evse_that_is_gone_is_forgotten() -> None:
    gate = OutputGate()
    reason(gate, replace(DISCHARGE, order=DISPATCH), 0)
    gate.forget(DISCHARGE.session.key)
    assert reason(gate, replace(BY_MODE, is_failsafe=True), 1) is None


@pytest.mark.parametrize("inputs", [DISCHARGE, BY_MODE, BY_USER, BY_TEST])
def test_a_missed_departure_holds_until_its_charge_is_there(inputs: GateInputs) -> None:
    inputs = replace(inputs, departures=(SOON,))
    if inputs.order is not None:
        inputs = replace(inputs, order=replace(DISPATCH, ends_mono_s=NOW + 9_000.0))
    if inputs.override is not None:
        inputs = replace(inputs, override=override(-5_000.0, ends_mono_s=NOW + 9_000.0))
    gate = OutputGate()
    reason(gate, inputs, 0)
    for second in (11, 600, 3_600):
        assert reason(gate, inputs, second) is Reason.TRIP_FLOOR
    assert reason(gate, inputs, 3_601, soc=80.0) is None
    assert reason(gate, inputs, 3_602, soc=79.0) is None, "it was there, no flapping"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (all_fields(departures=()), "the owner wants no more"),
        (
            all_fields(departures=(replace(SOON, due_mono_s=NOW + 86_400.0),)),
            "that of today is over",
        ),
        (
            all_fields(departures=(replace(SOON, due_mono_s=NOW - 300.0),)),
            "another one, that it was not there for",
        ),
        (
            all_fields(departures=(replace(SOON, target_percent=60.0),)),
            "less is wanted",
        ),
        (
            lambda i: replace(i, session=replace(i.session, visit=9)),
            "another vehicle came after it",
        ),
    ],
)
def test_what_is_missed_ends_with_its_ground(change: object, why: str) -> None:
    assert callable(change)
    inputs, gate = replace(BY_MODE, departures=(SOON,)), OutputGate()
    reason(gate, inputs, 0)
    assert reason(gate, inputs, 11) is Reason.TRIP_FLOOR
    assert reason(gate, change(inputs), 12) is None, why


def test_who_comes_after_a_departure_did_not_miss_it() -> None:
    past = replace(SOON, due_mono_s=NOW - 300.0)
    gate = OutputGate()
    for second in (0, 1, 600):
        assert reason(gate, replace(BY_MODE, departures=(past,)), second) is None


def test_the_ceiling_of_the_owner_is_all_that_can_be_missed() -> None:
    policy = BY_MODE.vehicle_policy
    assert policy is not None
    inputs = replace(
        BY_MODE,
        departures=(SOON,),
        vehicle_policy=replace(policy, max_soc_percent=65.0),
    )
    gate = OutputGate()
    reason(gate, inputs, 0)
    assert reason(gate, inputs, 11) is None


def test_a_charge_that_nobody_knows_does_not_end_what_was_missed() -> None:
    inputs, gate = replace(BY_MODE, departures=(SOON,)), OutputGate()
    reason(gate, inputs, 0)
    unknown = replace(inputs.session, measurement=Measurement())
    gate.check(replace(inputs, session=unknown), NOW + 11.0)
    assert reason(gate, inputs, 12) is Reason.TRIP_FLOOR


@given(
    looks=st.lists(
        st.tuples(
            st.floats(0.1, 2_000.0),
            st.floats(30.0, 100.0),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_what_is_taken_away_for_the_past_never_comes_twice(
    looks: list[tuple[float, float, bool]],
) -> None:
    """Law: one departure cuts discharge in one piece of time at most."""
    gate, second = OutputGate(), 0.0
    cuts: list[bool] = []
    for gap_s, soc, is_plugged_anew in looks:
        second += gap_s
        inputs = replace(BY_MODE, departures=(SOON,))
        if is_plugged_anew:
            inputs = replace(inputs, session=replace(inputs.session, visit=len(cuts)))
        found = reason(gate, inputs, second, soc)
        cuts.append(found is Reason.TRIP_FLOOR and second > 10.0)
    begins = sum(
        now and not before for before, now in zip([False, *cuts], cuts, strict=False)
    )
    assert begins <= 1


@given(
    start_soc=st.integers(40, 99),
    dues_s=st.lists(st.integers(-300, 5_000), min_size=1, max_size=3),
    targets=st.tuples(*[st.integers(40, 100)] * 3),
    looks=st.lists(
        st.tuples(st.integers(1, 600), st.integers(-4, 4), st.sampled_from("000000uv")),
        min_size=5,
        max_size=40,
    ),
)
def test_the_gate_takes_no_discharge_away_for_a_past_that_the_coordinator_let_go(
    start_soc: int,
    dues_s: list[int],
    targets: tuple[int, int, int],
    looks: list[tuple[int, int, str]],
) -> None:
    """Law: it holds what it remembers, and never strands what was promised."""
    wanted = [
        Departure(target_percent=float(target), due_mono_s=NOW + due_s)
        for due_s, target in zip(dues_s, targets, strict=False)
    ]
    coordinator, gate = DischargeCoordinator(), OutputGate()
    evse, now_s, soc = replace(READY, policy=BY_MODE.policy), NOW, start_soc
    for gap_s, change, event in looks:
        now_s += gap_s
        soc = min(100, max(20, soc + change))
        if event == "u":
            session = replace(evse.session, visit=evse.session.visit + 1)
            evse = replace(evse, session=session)
        elif event == "v":
            wanted = wanted[1:]
        evse = replace(
            evse,
            session=replace(evse.session, measurement=measured(0.0, float(soc), now_s)),
            departures=tuple(one for one in wanted if now_s < one.due_mono_s + 3_600.0),
        )
        decided = coordinator.step([evse], SiteInputs(), now_s)[evse.key]
        inputs = replace(
            BY_MODE,
            session=evse.session,
            departures=evse.departures,
            setpoint=replace(decided.setpoint, power_w=-1_800.0),
            decided_mono_s=now_s,
        )
        inputs = replace(
            inputs, setpoint=replace(inputs.setpoint, owner=ControlOwner.MODE)
        )
        found = gate.check(inputs, now_s).reason
        if decided.discharge_blocked_by is None:
            assert found is not Reason.TRIP_FLOOR
