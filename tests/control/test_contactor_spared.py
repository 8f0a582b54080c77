"""A mode for money spares a contactor that 0 W opens; nothing else waits for it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.inputs import EvseInputs, SiteInputs
from custom_components.v2g_vpp.domain.dispatch import CommandKind
from custom_components.v2g_vpp.domain.ids import EvseKey
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import Reason, Setpoint
from custom_components.v2g_vpp.domain.site_meters import SiteMeter, SiteMeters
from custom_components.v2g_vpp.virtual.plant import TYPICAL
from tests.control.given import (
    KEY,
    NOW,
    READY,
    VEHICLE_POLICY,
    at,
    order,
    override,
    reading,
    with_policy,
    with_session,
)
from tests.control.rig import Rig


class Evening:
    """An outlet whose mode serves the load; its charger does what it is told."""

    def __init__(self, *, opens_at_zero: bool = True) -> None:
        self.coordinator, self.now_s, self.power_w = DischargeCoordinator(), NOW, 0.0
        self.evse = replace(
            with_policy(READY, mode=Mode.SELF_CONSUMPTION), opens_at_zero=opens_at_zero
        )

    def step(self, load_w: float | None) -> Setpoint:
        self.now_s += 1.0
        meters = SiteMeters().kept([SiteMeter.GRID])
        grid = None if load_w is None else reading(load_w + self.power_w, self.now_s)
        meters = meters.updated_by(SiteMeter.GRID, grid)
        self.evse = at(self.evse, self.now_s, self.power_w, 70.0)
        site = SiteInputs(meters=meters)
        setpoint = self.coordinator.step([self.evse], site, self.now_s)[KEY].setpoint
        self.power_w = setpoint.power_w
        return setpoint

    def run(self, load_w: float | None, seconds: int) -> Setpoint:
        for _ in range(seconds - 1):
            self.step(load_w)
        return self.step(load_w)


def serving(*, opens_at_zero: bool = True) -> Evening:
    home = Evening(opens_at_zero=opens_at_zero)
    assert home.run(3_000.0, 60).power_w < -2_500.0
    return home


def test_a_mode_spares_a_contactor_that_0_w_opens() -> None:
    home = serving()
    setpoint = home.run(200.0, 20)
    assert setpoint.power_w == -READY.fingerprint.minimum_power_w
    assert setpoint.reason is Reason.CONTACTOR
    assert home.run(3_000.0, 60).power_w < -2_500.0
    assert home.run(200.0, 120).power_w == 0.0, "it costs more than an operation"
    setpoint = home.run(3_000.0, 60)
    assert setpoint.power_w == 0.0
    assert setpoint.reason is Reason.CONTACTOR
    assert home.run(3_000.0, 300).power_w < -2_500.0


def test_where_a_pause_costs_nothing_nothing_is_held() -> None:
    home = serving(opens_at_zero=False)
    assert home.run(200.0, 5).power_w == 0.0
    assert home.run(3_000.0, 30).power_w < -2_500.0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(
            lambda evse: with_session(evse, is_emergency_stopped=True),
            Reason.EMERGENCY_STOP,
            id="an emergency stop",
        ),
        pytest.param(
            lambda evse: replace(evse, override=override(0.0, ends_mono_s=1e9)),
            Reason.AS_REQUESTED,
            id="the user's stop",
        ),
        pytest.param(
            lambda evse: with_policy(evse, mode=Mode.OFF),
            Reason.MODE_OFF,
            id="mode off",
        ),
        pytest.param(
            lambda evse: with_policy(evse, mode=Mode.SOLAR),
            Reason.NO_SURPLUS,
            id="a mode that does not discharge",
        ),
        pytest.param(
            lambda evse: replace(
                evse, vehicle_policy=replace(VEHICLE_POLICY, reserve_percent=80.0)
            ),
            Reason.NOTHING_TO_BALANCE,
            id="a floor",
        ),
    ],
)
def test_nothing_but_money_waits(
    change: Callable[[EvseInputs], EvseInputs], reason: Reason
) -> None:
    home = serving()
    home.evse = change(home.evse)
    setpoint = home.step(200.0)
    assert setpoint.power_w == 0.0
    assert setpoint.reason is reason


@pytest.mark.parametrize("resource", [KEY, None])
def test_a_limit_of_an_order_is_not_waited_for(resource: EvseKey | None) -> None:
    home = Evening()
    assert home.run(-4_000.0, 200).power_w > 3_000.0
    cap = order(0.0, kind=CommandKind.LIMIT, resource=resource)
    home.evse = replace(home.evse, order=replace(cap, ends_mono_s=1e9))
    assert home.step(500.0).power_w == 0.0


def test_a_dispatch_that_ends_is_not_held() -> None:
    home = Evening()
    home.evse = replace(home.evse, order=order(-4_000.0))
    assert home.run(100.0, 30).power_w < -3_500.0
    home.evse = replace(home.evse, order=None)
    assert home.step(100.0).power_w == 0.0


def test_a_silent_meter_is_not_held_against() -> None:
    home = serving()
    powers_w = [home.step(None).power_w for _ in range(40)]
    assert -READY.fingerprint.minimum_power_w not in powers_w
    assert powers_w[-1] == 0.0


def test_nor_is_a_charge_that_nobody_sees_the_surplus_of() -> None:
    home = Evening()
    assert home.run(-4_000.0, 200).power_w > 3_000.0
    setpoints = [home.step(None) for _ in range(40)]
    assert Reason.CONTACTOR not in {setpoint.reason for setpoint in setpoints}
    assert setpoints[-1].power_w == 0.0


def test_a_plan_that_says_0_is_not_held_against_but_begins_anew_no_sooner() -> None:
    """The output gate asks the plan for what flows, so nothing else could flow."""
    rig = Rig(with_policy(READY, mode=Mode.PLAN), TYPICAL)
    rig.evse = replace(rig.evse, plan_w=-3_000.0, opens_at_zero=True)
    rig.run(30)
    assert rig.power_w() < -2_500.0
    rig.evse = replace(rig.evse, plan_w=0.0)
    rig.run(1)
    assert rig.decision is not None
    assert rig.setpoint == rig.decision.setpoint, "no gate had to take it away"
    assert rig.setpoint.power_w == 0.0
    rig.evse = replace(rig.evse, plan_w=-3_000.0)
    rig.run(290)
    assert (rig.setpoint.power_w, rig.setpoint.reason) == (0.0, Reason.CONTACTOR)
    rig.run(30)
    assert rig.power_w() < -2_500.0
