"""A discharge that no charger would end by itself lasts a quarter of an hour."""

from dataclasses import replace
from itertools import groupby
from math import inf

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.v2g_vpp.control.gate import OutputGate
from custom_components.v2g_vpp.control.gate_inputs import GateVerdict
from custom_components.v2g_vpp.control.gate_past import UnguardedTime
from custom_components.v2g_vpp.control.inputs import EvseInputs
from custom_components.v2g_vpp.control.spell import SpellWatch
from custom_components.v2g_vpp.domain.capability import Proof
from custom_components.v2g_vpp.domain.guarantee import LONGEST_UNGUARDED_S
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.virtual.plant import (
    FAST,
    SLOW,
    TYPICAL,
    PlantParameters,
)
from tests.control.gate_breaks import BY_USER
from tests.control.given import (
    ENTITY,
    LEARNT,
    NOW,
    PROOF_A,
    PROOF_B,
    READY,
    measured,
    override,
    reading,
    with_policy,
    with_session,
    with_station,
    with_vehicle_policy,
)
from tests.control.rig import Rig

FLOWS_W = -250.0
"""Below it a discharge is one."""

BY_B = with_vehicle_policy(
    with_station(
        replace(READY, proof=PROOF_B, fingerprint=replace(LEARNT, dead_time_s=7.0)),
        capability=ENTITY,
    ),
    reserve_percent=1.0,
    cycle_budget_percent=100.0,
)
ALLOWED_S = LONGEST_UNGUARDED_S + 2.0


def longest_s(rig: Rig) -> float:
    """Return how long a discharge really went on without a pause, s."""
    longest = 0.0
    for flows, samples in groupby(rig.powers_w, lambda one: one[1] < FLOWS_W):
        times = [at_s for at_s, _ in samples]
        longest = max(longest, times[-1] - times[0] if flows else 0.0)
    return longest


def way_s(plant: PlantParameters) -> float:
    """Return how long a charger needs to 0 W, s."""
    return plant.dead_time_s + 11_000.0 / plant.ramp_w_per_s


@pytest.mark.parametrize("plant", [FAST, TYPICAL, SLOW])
def test_a_mode_discharges_in_spells_with_a_rest_that_is_seen(
    plant: PlantParameters,
) -> None:
    evse = with_policy(BY_B, mode=Mode.DISCHARGE_NOW, max_discharge_power_w=3_000.0)
    rig = Rig(evse, plant, watchdog_s=inf)
    rests: list[Reason] = []
    rig.on_decided = lambda _, decision: rests.append(decision.setpoint.reason)
    rig.run(2_400)
    assert 800.0 < longest_s(rig) <= ALLOWED_S + way_s(plant)
    assert rests.count(Reason.SPELL_OVER) >= 2, "two pauses"
    share = sum(one < FLOWS_W for _, one in rig.powers_w) / len(rig.powers_w)
    assert share > 0.9, "and goes on after them"


def test_class_a_needs_no_pause() -> None:
    evse = with_policy(
        replace(BY_B, proof=PROOF_A),
        mode=Mode.DISCHARGE_NOW,
        max_discharge_power_w=3_000.0,
    )
    rig = Rig(evse, TYPICAL, watchdog_s=30.0)
    rig.run(1_200)
    assert longest_s(rig) > 1_150.0


def test_a_meter_that_shows_no_rest_lets_none_begin() -> None:
    evse = with_policy(BY_B, mode=Mode.DISCHARGE_NOW, max_discharge_power_w=3_000.0)
    rig = Rig(evse, TYPICAL, watchdog_s=inf)
    rig.run(600)

    def go_on(rig: Rig) -> None:
        shown = measured(-3_000.0, 60.0, rig.now_s)
        rig.evse = with_session(rig.evse, measurement=shown)

    rig.on_tick = go_on
    rig.run(900)
    after_s = NOW + LONGEST_UNGUARDED_S + 5.0
    assert all(w.power_w == 0 for w in rig.writes if w.decided_mono_s > after_s)
    assert rig.setpoint is not None
    assert rig.setpoint.reason is Reason.SPELL_OVER


WISHES = st.lists(
    st.tuples(
        st.integers(5, 700),
        st.sampled_from(["mode", "user", "rest", "charge"]),
        st.floats(1_500, 11_000),
    ),
    min_size=2,
    max_size=7,
)


@settings(max_examples=12, deadline=None)
@given(plant=st.sampled_from([FAST, TYPICAL, SLOW]), wishes=WISHES)
def test_whoever_asks_no_discharge_is_longer_than_a_quarter_of_an_hour(
    plant: PlantParameters, wishes: list[tuple[int, str, float]]
) -> None:
    rig = Rig(BY_B, plant, watchdog_s=inf)
    for lasts_s, kind, power_w in wishes:
        rig.evse = _wished(rig.evse, kind, power_w)
        rig.run(lasts_s)
    rig.run(300)
    assert longest_s(rig) <= ALLOWED_S + way_s(plant)


def _wished(evse: EvseInputs, kind: str, power_w: float) -> EvseInputs:
    evse = with_policy(replace(evse, override=None), max_discharge_power_w=power_w)
    if kind == "mode":
        return with_policy(evse, mode=Mode.DISCHARGE_NOW)
    if kind == "user":
        return replace(evse, override=override(-power_w, ends_mono_s=inf))
    return with_policy(evse, mode=Mode.OFF if kind == "rest" else Mode.CHARGE_NOW)


@given(
    st.lists(
        st.tuples(st.floats(0.1, 60.0), st.booleans(), st.floats(-5_000, 5_000)),
        max_size=80,
    )
)
def test_two_watches_of_one_matter_never_let_more_through_than_their_time(
    steps: list[tuple[float, bool, float]],
) -> None:
    watch, gate = SpellWatch(), UnguardedTime()
    now_s, power_w, began_s = NOW, 0.0, inf
    watch.look(reading(0.0, now_s), 100.0, now_s)
    for after_s, wants, shown_w in steps:
        now_s += after_s
        seen = reading(shown_w, now_s)
        watch.look(seen, 100.0, now_s)
        gate.note(seen, 4_000.0, 0.0)
        if shown_w >= -100.0 and power_w >= 0:
            began_s = inf
        may = not watch.is_over and not gate.is_spent(now_s)
        power_w = -2_000.0 if wants and may else 0.0
        watch.note(power_w, now_s)
        gate.let_through(power_w, now_s)
        if power_w < 0:
            began_s = min(began_s, now_s)
            assert now_s - began_s < LONGEST_UNGUARDED_S


def test_what_ran_before_the_start_is_seen_to_rest_first() -> None:
    watch = SpellWatch()
    watch.look(None, 100.0, NOW)
    assert watch.is_over
    watch.look(reading(-3_000.0, NOW + 1), 100.0, NOW + 1)
    assert watch.is_over
    watch.look(reading(0.0, NOW + 2), 100.0, NOW + 2)
    assert not watch.is_over


@pytest.mark.parametrize(
    ("proof", "reason"), [(PROOF_A, None), (PROOF_B, Reason.SPELL_OVER)]
)
def test_the_gate_ends_it_by_itself(proof: Proof, reason: Reason | None) -> None:
    station = replace(BY_USER.station, capability=ENTITY)
    sound = replace(BY_USER, station=station, proof=proof)
    gate = OutputGate()

    def at_s(second: float, power_w: float) -> GateVerdict:
        now_s = NOW + second
        session = replace(sound.session, measurement=measured(power_w, 70.0, now_s))
        inputs = replace(sound, session=session, decided_mono_s=now_s)
        return gate.check(inputs, now_s)

    for second in range(int(LONGEST_UNGUARDED_S)):
        assert at_s(second, -5_000.0).reason is None, second
    assert at_s(LONGEST_UNGUARDED_S, -5_000.0).reason is reason
    assert at_s(LONGEST_UNGUARDED_S + 5.0, -4_000.0).reason is reason, "no rest yet"
    assert at_s(LONGEST_UNGUARDED_S + 9.0, 0.0).reason is None, "a rest was seen"


def test_a_rest_from_before_the_last_discharge_is_none() -> None:
    gate = UnguardedTime()
    gate.let_through(-5_000.0, NOW)
    gate.let_through(-5_000.0, NOW + LONGEST_UNGUARDED_S)
    gate.note(reading(0.0, NOW + LONGEST_UNGUARDED_S), 11_000.0, 0.0)
    assert gate.is_spent(NOW + LONGEST_UNGUARDED_S)
    gate.note(reading(0.0, NOW + LONGEST_UNGUARDED_S + 1.0), 11_000.0, 0.0)
    assert not gate.is_spent(NOW + LONGEST_UNGUARDED_S + 1.0)
