"""Ramp, gaps and the release by a lost link."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.inputs import (
    SiteInputs,
)
from custom_components.v2g_vpp.domain.dispatch import CommandKind
from custom_components.v2g_vpp.domain.policy import Mode, StationLimits
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from tests.control.given import (
    KEY,
    NOW,
    READY,
    at,
    order,
    override,
    with_policy,
)
from tests.control.steps import DISPATCHED, SITE, TRIM_W, run, settled


def test_the_ramp_is_named_while_power_is_on_its_way() -> None:
    coordinator = DischargeCoordinator()
    slow = with_policy(DISPATCHED, ramp_w_per_s=1_000.0)
    powers, reasons = [], []
    for second in range(6):
        now_s = NOW + second
        decision = coordinator.step([at(slow, now_s, 0.0, 70.0)], SITE, now_s)[KEY]
        powers.append(decision.setpoint.power_w)
        reasons.append(decision.setpoint.reason)
    assert powers == [-1_380.0, -2_380.0, -3_380.0, -4_380.0, -5_000.0, -5_000.0]
    assert reasons == [Reason.RAMP] * 4 + [Reason.AS_REQUESTED] * 2


def test_a_limit_that_tightens_cuts_in_one_step_and_a_wish_takes_its_ramp() -> None:
    slow = with_policy(DISPATCHED, ramp_w_per_s=100.0)
    for change, expected_w in (
        (with_policy(slow, max_discharge_power_w=2_000.0), -2_000.0),
        (replace(slow, order=order(-2_000.0)), -4_900.0),
    ):
        coordinator = DischargeCoordinator()
        run(coordinator, with_policy(slow, ramp_w_per_s=1e6))
        now_s = NOW + 10.0
        changed = at(change, now_s, -5_000.0, 70.0)
        setpoint = coordinator.step([changed], SITE, now_s)[KEY].setpoint
        assert setpoint.power_w == pytest.approx(expected_w, abs=TRIM_W)


def test_a_turn_rests_at_zero_even_when_a_limit_ends_the_old_direction() -> None:
    coordinator = DischargeCoordinator()
    run(coordinator, DISPATCHED)
    powers = []
    for now_s in (NOW + 10.0, NOW + 11.0):
        forbidden = with_policy(READY, is_discharge_allowed=False)
        charging = at(forbidden, now_s, -5_000.0, 70.0)
        powers.append(coordinator.step([charging], SITE, now_s)[KEY].setpoint.power_w)
    assert powers == [0.0, 5_000.0]


def test_a_second_step_at_the_same_moment_moves_no_ramp() -> None:
    coordinator = DischargeCoordinator()
    for now_s in (NOW, NOW, NOW - 1.0):
        decision = coordinator.step([at(DISPATCHED, now_s, 0, 70)], SITE, now_s)[KEY]
        assert decision.setpoint.power_w == -1_380.0


def test_a_gap_begins_again_from_what_flows() -> None:
    coordinator = DischargeCoordinator()
    run(coordinator, with_policy(DISPATCHED, ramp_w_per_s=1_000.0))
    slow = with_policy(DISPATCHED, ramp_w_per_s=100.0)
    flows = at(slow, NOW + 60.0, -2_000.0, 70.0)
    # 60 s without a step: the charger's dead-man may have ended the power meanwhile.
    resumed = coordinator.step([flows], SITE, NOW + 60.0)[KEY].setpoint
    assert resumed.power_w == pytest.approx(-2_000.0)
    assert resumed.reason is Reason.RAMP


def test_a_gap_with_a_silent_meter_begins_at_zero() -> None:
    coordinator = DischargeCoordinator()
    charging = replace(READY, limits=StationLimits(unattended_charge_w=5_000.0))
    assert run(coordinator, charging).setpoint.power_w == 11_000.0
    # The readings are still those of the run.
    silent = coordinator.step([charging], SITE, NOW + 60.0)[KEY].setpoint
    assert (silent.power_w, silent.reason) == (1_380.0, Reason.RAMP)
    grown = coordinator.step([charging], SITE, NOW + 61.0)[KEY].setpoint
    assert (grown.power_w, grown.reason) == (5_000.0, Reason.METER_STALE)


def test_a_forgotten_evse_starts_at_zero_again() -> None:
    coordinator = DischargeCoordinator()
    run(coordinator, DISPATCHED)
    coordinator.forget(KEY)
    coordinator.forget(KEY)
    again = coordinator.step([at(DISPATCHED, NOW + 10, -5_000, 70)], SITE, NOW + 10)
    assert again[KEY].setpoint.power_w == -1_380.0


# The lost link.


def test_a_lost_link_releases_in_one_step_and_the_mode_goes_on_charging() -> None:
    coordinator = DischargeCoordinator()
    slow = with_policy(DISPATCHED, ramp_w_per_s=200.0)
    run(coordinator, slow, seconds=30)
    lost = SiteInputs(is_failsafe=True)
    released = coordinator.step([at(slow, NOW + 30, -5_000, 70)], lost, NOW + 30)[KEY]
    assert released.setpoint.power_w == 0.0
    assert released.setpoint.reason is Reason.FAILSAFE
    assert released.setpoint.owner is ControlOwner.VPP
    # The order is dropped: what the owner wants without the aggregator goes on.
    handed = run(coordinator, replace(slow, order=None), lost, start_s=NOW + 31)
    assert handed.setpoint.owner is ControlOwner.MODE
    assert handed.setpoint.power_w > 0.0


def test_a_released_evse_does_not_discharge_by_its_mode_until_the_link_is_back() -> (
    None
):
    coordinator = DischargeCoordinator()
    local = with_policy(READY, mode=Mode.DISCHARGE_NOW)
    run(coordinator, replace(local, order=order(-5_000.0)))
    lost = SiteInputs(is_failsafe=True)
    waiting = run(coordinator, local, lost, start_s=NOW + 10)
    assert waiting.setpoint.power_w == 0.0
    assert waiting.setpoint.reason is Reason.FAILSAFE
    # The user's own word counts all the same.
    asked = replace(local, override=override(-3_000.0))
    assert run(
        coordinator, asked, lost, start_s=NOW + 20
    ).setpoint.power_w == pytest.approx(-3_000.0, abs=TRIM_W)
    back = run(coordinator, local, SITE, start_s=NOW + 30)
    assert back.setpoint.power_w == -11_000.0


def test_a_lost_link_leaves_an_evse_alone_that_followed_no_dispatch() -> None:
    local = with_policy(READY, mode=Mode.DISCHARGE_NOW)
    decision = settled(local, SiteInputs(is_failsafe=True))
    assert decision.setpoint.power_w == -11_000.0
    limited = replace(READY, order=order(2_000.0, kind=CommandKind.LIMIT))
    assert settled(limited, SiteInputs(is_failsafe=True)).setpoint.power_w == 11_000
