"""A latched contradiction of the meters, seen by the coordinator and by the gate."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.gate import OutputGate
from custom_components.v2g_vpp.control.inputs import SiteInputs
from custom_components.v2g_vpp.control.site_gate import GateHome
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.policy import METER_MODES, Mode
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.domain.site_meters import (
    Meter,
    MeterRegulator,
    SiteMeters,
    SiteWiring,
)
from tests.control.gate_breaks import BY_MODE, CHARGE, DISCHARGE, check, with_power
from tests.control.given import KEY, NOW, READY, reading, with_policy, with_session

LATCHED = frozenset({FaultCode.METERS_CONTRADICT})
FUSED = SiteWiring(fuse_a=25.0, regulator=MeterRegulator.HOME)
SURPLUS = SiteMeters(grid=Meter(reading=reading(-9_000.0)))


@pytest.mark.parametrize("mode", sorted(METER_MODES))
def test_no_mode_follows_the_meter(mode: Mode) -> None:
    site = SiteInputs(meters=SURPLUS, wiring=replace(FUSED, fuse_a=None))
    evse = with_policy(READY, mode=mode)
    latched = with_session(evse, faults=LATCHED)
    coordinator = DischargeCoordinator()
    for second in range(100):
        now_s = NOW + second
        meters = SiteMeters(grid=Meter(reading=reading(-9_000.0, now_s)))
        fresh = with_session(
            latched,
            measurement=replace(READY.session.measurement, power_w=reading(0.0, now_s)),
        )
        decided = coordinator.step([fresh], replace(site, meters=meters), now_s)
        assert decided[KEY].setpoint.power_w == 0.0
        assert decided[KEY].setpoint.reason is Reason.FAULT


@pytest.mark.parametrize(
    ("wiring", "power_w"), [(FUSED, 0.0), (replace(FUSED, fuse_a=None), 11_000.0)]
)
def test_it_charges_unwatched_only_where_no_limit_needs_the_meter(
    wiring: SiteWiring, power_w: float
) -> None:
    site = SiteInputs(meters=SURPLUS, wiring=wiring)
    evse = with_session(READY, faults=LATCHED)
    decision = DischargeCoordinator().step([evse], site, NOW)[KEY]
    assert decision.setpoint.requested_w == 11_000.0
    assert (decision.setpoint.power_w > 0) is (power_w > 0)


def test_the_gate_finds_the_same_by_itself() -> None:
    session = replace(DISCHARGE.session, faults=LATCHED)
    assert check(replace(DISCHARGE, session=session)).power_w == 0.0
    by_mode = with_power(5_000.0)(replace(BY_MODE, session=session))
    for mode in METER_MODES:
        policy = replace(by_mode.policy, mode=mode)
        verdict = check(replace(by_mode, policy=policy))
        assert verdict.power_w == 0.0
        assert verdict.reason is Reason.OUTPUT_GATE
    gate = OutputGate()
    charge = replace(CHARGE, session=replace(CHARGE.session, faults=LATCHED))
    home = GateHome(
        meters=SURPLUS,
        wiring=FUSED,
        export_limit_w=None,
        asked_w={KEY: charge.setpoint.power_w},
        measured_w={},
    )
    gate.look(home, NOW)
    verdict = gate.check(charge, NOW)
    assert verdict.reason is Reason.FAULT
    assert verdict.power_w == 0.0
    gate.look(replace(home, wiring=None), NOW)
    assert gate.check(charge, NOW).power_w == charge.setpoint.power_w
