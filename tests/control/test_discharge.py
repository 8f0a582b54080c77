"""Laws of the discharge coordinator, whatever happens to one EVSE."""

from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.inputs import (
    EvseInputs,
    SiteInputs,
)
from custom_components.v2g_vpp.control.pid import MAX_GAP_S
from custom_components.v2g_vpp.domain.dispatch import CommandKind
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import ControlOwner
from custom_components.v2g_vpp.domain.units import clamp
from tests.control.breaks import BLOCKED, STOPPED
from tests.control.given import (
    KEY,
    NOW,
    READY,
    at,
    order,
    override,
    with_policy,
)
from tests.control.steps import DISPATCHED, TRIM_W, settled

# Laws.


@st.composite
def evse_histories(draw: st.DrawFn) -> list[tuple[float, EvseInputs, SiteInputs]]:
    """Seconds of an EVSE whose inputs change at random, allowed and forbidden."""
    history: list[tuple[float, EvseInputs, SiteInputs]] = []
    now_s = NOW
    breaks = [change for _, change, _ in STOPPED + BLOCKED]
    for _ in range(draw(st.integers(1, 12))):
        now_s += draw(st.sampled_from([0.0, 0.01, 1.0, 1.0, 1.0, 30.0]))
        evse = at(
            READY,
            now_s - draw(st.sampled_from([0.0, 0.0, 5.0, 11.0])),
            draw(st.floats(-12_000, 12_000)),
            draw(st.floats(0, 100)),
        )
        power_w = draw(st.floats(-15_000, 15_000))
        kind = draw(st.sampled_from([CommandKind.SETPOINT, CommandKind.LIMIT]))
        owner = draw(st.sampled_from(["user", "vpp", "test", "mode"]))
        if owner == "user":
            evse = replace(evse, override=override(power_w))
        elif owner == "vpp":
            resource = draw(st.sampled_from([None, KEY]))
            evse = replace(evse, order=order(power_w, kind=kind, resource=resource))
        elif owner == "test":
            evse = replace(evse, self_test_w=-1_800.0)
        evse = with_policy(
            evse,
            mode=draw(st.sampled_from(Mode)),
            ramp_w_per_s=draw(st.floats(1, 20_000)),
            max_charge_power_w=draw(st.floats(0, 11_000)),
            max_discharge_power_w=draw(st.floats(0, 11_000)),
        )
        if draw(st.integers(0, 3)) == 0:
            evse = draw(st.sampled_from(breaks))(evse)
        site = SiteInputs(
            export_limit_w=draw(st.none() | st.floats(0, 11_000)),
            is_failsafe=draw(st.sampled_from([False, False, True])),
            is_store_readable=draw(st.sampled_from([True, True, False])),
        )
        history.append((now_s, evse, site))
    return history


@given(evse_histories())
def test_the_setpoint_is_always_inside_every_limit(
    history: list[tuple[float, EvseInputs, SiteInputs]],
) -> None:
    coordinator = DischargeCoordinator()
    for now_s, evse, site in history:
        setpoint = coordinator.step([evse], site, now_s)[KEY].setpoint
        assert -evse.policy.max_discharge_power_w <= setpoint.power_w
        assert setpoint.power_w <= evse.policy.max_charge_power_w
        if site.export_limit_w is not None:
            assert -setpoint.power_w <= site.export_limit_w
        assert setpoint.power_w == 0 or abs(setpoint.power_w) >= 1_380.0


@given(evse_histories())
def test_discharge_has_every_precondition(
    history: list[tuple[float, EvseInputs, SiteInputs]],
) -> None:
    coordinator = DischargeCoordinator()
    for now_s, evse, site in history:
        setpoint = coordinator.step([evse], site, now_s)[KEY].setpoint
        if setpoint.power_w >= 0:
            continue
        session = evse.session
        assert setpoint.requested_w < 0
        assert site.is_store_readable
        assert not session.is_emergency_stopped
        assert not session.faults
        assert session.measurement.power_w is not None
        assert session.measurement.power_w.age_s(now_s) <= 10.0
        assert session.measurement.soc_percent is not None
        assert session.measurement.soc_percent.value > 30.0
        if setpoint.owner is ControlOwner.VPP:
            assert not site.is_failsafe
            assert session.measurement.soc_percent.value > 50.0
        if setpoint.owner is not ControlOwner.SELF_TEST:
            assert evse.policy.is_discharge_allowed
            assert evse.proof is not None


@given(evse_histories())
def test_power_grows_no_faster_than_the_owner_lets_it(
    history: list[tuple[float, EvseInputs, SiteInputs]],
) -> None:
    coordinator = DischargeCoordinator()
    before_w, before_s = 0.0, NOW
    for now_s, evse, site in history:
        if now_s - before_s > MAX_GAP_S:
            # Nobody watched: it begins from what the meter shows, at most that much.
            meter = evse.fresh_power(now_s)
            flowing_w = meter.value if meter else 0.0
            before_w = clamp(flowing_w, min(0.0, before_w), max(0.0, before_w))
            before_s = now_s
        setpoint = coordinator.step([evse], site, now_s)[KEY].setpoint
        is_towards_zero = 0 <= setpoint.power_w * before_w <= before_w * before_w
        if setpoint.owner is not ControlOwner.SELF_TEST and not is_towards_zero:
            change_w = evse.policy.ramp_w_per_s * (now_s - before_s)
            start_w = max(abs(before_w), 1_380.0)
            assert abs(setpoint.power_w) <= start_w + change_w + 1e-6
            assert setpoint.power_w * before_w >= 0
        before_w, before_s = setpoint.power_w, now_s


@given(evse_histories())
def test_what_is_offered_is_what_a_dispatch_would_get(
    history: list[tuple[float, EvseInputs, SiteInputs]],
) -> None:
    for now_s, evse, site in history:
        if site.is_failsafe or evse.override or evse.self_test_w is not None:
            continue
        offered = DischargeCoordinator().step([evse], site, now_s)[KEY]
        if offered.trip.must_charge:
            assert offered.available_discharge_w == 0.0
            continue
        coordinator = DischargeCoordinator()
        asked = replace(evse, order=order(-20_000.0))
        fast = with_policy(asked, ramp_w_per_s=1e9)
        coordinator.step([fast], site, now_s - 1.0)
        got = coordinator.step([fast], site, now_s)[KEY].setpoint
        assert -got.power_w == pytest.approx(offered.available_discharge_w)


def test_a_law_of_this_file_sees_discharges() -> None:
    """The laws above would hold of a coordinator that never discharges."""
    assert settled(DISPATCHED).setpoint.power_w == pytest.approx(-5_000.0, abs=TRIM_W)
