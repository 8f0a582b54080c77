"""The gates in front of any power."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.inputs import (
    EvseInputs,
    SiteInputs,
)
from custom_components.v2g_vpp.domain.policy import StationLimits
from custom_components.v2g_vpp.domain.setpoint import Reason
from tests.control.breaks import BLOCKED, STOPPED, Break, cases
from tests.control.given import (
    KEY,
    NOW,
    READY,
    at,
    measured,
    with_session,
)
from tests.control.steps import DISPATCHED, SITE, TRIM_W, first_step, run


@pytest.mark.parametrize(("change", "reason"), cases(STOPPED + BLOCKED))
def test_a_broken_gate_stops_a_dispatch_in_one_step_and_a_mended_one_resumes(
    change: Break, reason: Reason
) -> None:
    coordinator = DischargeCoordinator()
    running = run(coordinator, DISPATCHED)
    assert running.setpoint.power_w == pytest.approx(-5_000.0, abs=TRIM_W)
    assert running.discharge_blocked_by is None

    now_s = NOW + 10.0
    broken = _moved(change(at(DISPATCHED, NOW, 0.0, 70.0)), 10.0)
    stopped = coordinator.step([broken], SITE, now_s)[KEY]
    assert stopped.setpoint.power_w == 0.0
    assert stopped.setpoint.reason is reason
    assert stopped.setpoint.requested_w == -5_000.0
    assert stopped.discharge_blocked_by is reason
    assert stopped.available_discharge_w == 0.0

    resumed = run(coordinator, DISPATCHED, start_s=now_s + 1.0)
    assert resumed.setpoint.power_w == pytest.approx(-5_000.0, abs=TRIM_W)
    assert resumed.setpoint.reason is Reason.AS_REQUESTED


def _moved(evse: EvseInputs, duration_s: float) -> EvseInputs:
    """Return the EVSE with its readings later, so that only the break is old."""
    measurement = evse.session.measurement
    changes = {
        name: replace(old, received_mono_s=old.received_mono_s + duration_s)
        for name in ("power_w", "soc_percent")
        if (old := getattr(measurement, name)) is not None
    }
    return with_session(evse, measurement=replace(measurement, **changes))


@pytest.mark.parametrize(("change", "reason"), cases(STOPPED))
def test_a_stop_holds_for_charging_too(change: Break, reason: Reason) -> None:
    decision = first_step(change(READY))
    assert decision.setpoint.power_w == 0.0
    assert decision.setpoint.reason is reason
    assert decision.available_charge_w == 0.0


@pytest.mark.parametrize(
    ("change", "reason"),
    [case for case in cases(BLOCKED) if "stale" not in str(case)],
)
def test_what_forbids_discharge_lets_charging_go_on(
    change: Break, reason: Reason
) -> None:
    decision = first_step(change(READY))
    assert decision.setpoint.power_w > 0.0
    assert decision.available_charge_w == 11_000.0


def test_a_stale_meter_leaves_unattended_charging() -> None:
    stale = with_session(READY, measurement=measured(mono_s=NOW - 11.0))
    assert first_step(stale).setpoint.power_w == 0.0
    assert first_step(stale).setpoint.reason is Reason.METER_STALE
    allowed = replace(stale, limits=StationLimits(unattended_charge_w=2_000.0))
    assert first_step(allowed).available_charge_w == 2_000.0


def test_a_slow_meter_is_judged_by_its_own_period() -> None:
    slow = with_session(DISPATCHED, measurement=measured(mono_s=NOW - 25.0))
    assert first_step(slow).discharge_blocked_by is Reason.METER_STALE
    assert first_step(replace(slow, meter_period_s=9.0)).discharge_blocked_by is None
    ancient = with_session(DISPATCHED, measurement=measured(mono_s=NOW - 31.0))
    late = replace(ancient, meter_period_s=60.0)
    assert first_step(late).discharge_blocked_by is Reason.METER_STALE


def test_an_unreadable_store_latches_power_in_both_directions() -> None:
    site = SiteInputs(is_store_readable=False)
    stopped = first_step(DISPATCHED, site)
    assert stopped.setpoint.power_w == 0.0
    assert stopped.discharge_blocked_by is Reason.STORE_UNREADABLE
    # A stop that somebody pressed may be what cannot be read.
    charging = first_step(READY, site)
    assert charging.setpoint.power_w == charging.available_charge_w == 0.0
    assert charging.setpoint.reason is Reason.STORE_UNREADABLE
