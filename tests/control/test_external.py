"""What the coordinator and the gate make of a charger that somebody else has."""

from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.inputs import EvseInputs, SiteInputs
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.policy import Departure, Mode
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from custom_components.v2g_vpp.domain.site_meters import SiteWiring
from tests.control.gate_breaks import CHARGE, DISCHARGE, check
from tests.control.given import (
    ENTITY,
    KEY,
    NOW,
    PROOF_B,
    READY,
    at,
    measured,
    override,
    with_policy,
    with_session,
    with_station,
    with_vehicle_policy,
)
from tests.control.steps import DISPATCHED, SITE, first_step, run

LEFT = replace(DISPATCHED, is_external=True)


def test_it_is_ahead_of_everybody_but_the_stop_of_the_owner() -> None:
    due = Departure(due_mono_s=NOW + 60.0, target_percent=100.0)
    for evse in (LEFT, replace(LEFT, departures=(due,)), replace(LEFT, self_test_w=-1)):
        decision = first_step(evse)
        assert decision.setpoint.owner is ControlOwner.EXTERNAL
        assert decision.setpoint.reason is Reason.EXTERNAL
        assert decision.setpoint.power_w == 0.0
        assert decision.available_charge_w == decision.available_discharge_w == 0.0
    stopped = first_step(replace(LEFT, override=override(0.0)))
    assert stopped.setpoint.owner is ControlOwner.USER


def test_no_way_to_zero_is_walked_for_somebody_else() -> None:
    coordinator = DischargeCoordinator()
    assert run(coordinator, DISPATCHED).setpoint.power_w < -4_000
    left = at(LEFT, NOW + 10.0, -5_000.0, 70.0)
    decision = coordinator.step([left], SITE, NOW + 10.0)[KEY]
    assert (decision.setpoint.power_w, decision.setpoint.reason) == (
        0.0,
        Reason.EXTERNAL,
    )


@given(st.floats(-11_000, 11_000), st.floats(0, 100), st.floats(0, 100))
def test_what_forbids_a_discharge_is_told_as_soon_as_one_is_seen(
    power_w: float, soc: float, reserve: float
) -> None:
    evse = with_vehicle_policy(LEFT, reserve_percent=reserve, vpp_reserve_percent=0.0)
    evse = with_session(evse, measurement=measured(power_w, soc))
    decision = first_step(evse)
    assert decision.setpoint.power_w == 0.0
    assert decision.setpoint.owner is ControlOwner.EXTERNAL
    if power_w > -200 or soc > reserve + 5.0:
        assert decision.setpoint.reason is Reason.EXTERNAL
    elif power_w < -300 and soc < reserve:
        assert decision.setpoint.reason is not Reason.EXTERNAL


@pytest.mark.parametrize("inputs", [DISCHARGE, CHARGE])
def test_the_gate_lets_no_power_through_for_somebody_else(inputs: object) -> None:
    base = DISCHARGE if inputs is DISCHARGE else CHARGE
    setpoint = replace(base.setpoint, owner=ControlOwner.EXTERNAL)
    verdict = check(replace(base, setpoint=setpoint))
    assert (verdict.power_w, verdict.reason) == (0.0, Reason.OUTPUT_GATE)


def test_what_somebody_else_charges_is_not_there_for_others() -> None:
    site = SiteInputs(wiring=SiteWiring(import_limit_w=11_000.0))
    other = EvseKey(StationId("CS2"), 1)
    ours = with_policy(replace(READY, order=None), mode=Mode.CHARGE_NOW)
    ours = with_session(ours, key=other)
    theirs = replace(READY, order=None, is_external=True)

    def ours_w(evses: list[EvseInputs]) -> float:
        coordinator = DischargeCoordinator()
        power_w = 0.0
        for second in range(60):
            now_s = NOW + second
            moved = [
                at(one, now_s, 7_000.0 if one.is_external else power_w, 70.0)
                for one in evses
            ]
            power_w = coordinator.step(moved, site, now_s)[other].setpoint.power_w
        return power_w

    assert ours_w([ours]) == pytest.approx(11_000.0, abs=300.0)
    assert ours_w([theirs, ours]) == pytest.approx(4_000.0, abs=300.0)


def test_a_discharge_of_somebody_else_is_bound_by_no_spell() -> None:
    by_b = with_station(
        replace(LEFT, proof=PROOF_B), capability=ENTITY, protocol="entity"
    )
    running = with_session(by_b, measurement=measured(-5_000.0, 70.0))
    # Nobody saw it at rest since the start, so a spell of ours would be over.
    decision = first_step(running)
    assert decision.setpoint.reason is Reason.EXTERNAL
    ours = first_step(replace(running, is_external=False, override=override(-5_000.0)))
    assert ours.setpoint.reason is Reason.SPELL_OVER
