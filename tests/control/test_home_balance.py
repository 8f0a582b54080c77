"""The discharge coordinator by the meter of the home: who follows, and within what."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.demand import BIAS_W
from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.explanation import explain
from custom_components.v2g_vpp.control.fuse import FUSE_SHARE
from custom_components.v2g_vpp.control.inputs import (
    EvseInputs,
    SiteInputs,
)
from custom_components.v2g_vpp.domain.dispatch import CommandKind
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.policy import Claim, Mode
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from custom_components.v2g_vpp.domain.site_meters import (
    MeterRegulator,
    PhaseMap,
    SiteMeter,
    SiteMeters,
    SiteWiring,
)
from tests.control.given import (
    KEY,
    NOW,
    READY,
    order,
    override,
    with_key,
    with_policy,
)
from tests.control.metered_home import Home, about, one

OTHER = EvseKey(StationId("CS2"), 1)
FOLLOWING = with_policy(READY, mode=Mode.SELF_CONSUMPTION)


def test_the_vehicle_serves_the_home() -> None:
    decision = one(Home(FOLLOWING).run(grid=3_000.0))
    assert decision.setpoint.power_w == about(BIAS_W - 3_000.0)
    assert decision.setpoint.owner is ControlOwner.MODE
    assert decision.setpoint.reason is Reason.AS_REQUESTED


def test_the_vehicle_takes_the_surplus() -> None:
    solar = with_policy(READY, mode=Mode.SOLAR)
    for evse in (FOLLOWING, solar):
        decision = one(Home(evse).run(grid=-4_000.0))
        assert decision.setpoint.power_w == about(4_000.0 - BIAS_W)


@pytest.mark.parametrize(
    ("meters_w", "reason"),
    [
        pytest.param({}, Reason.MODE_NOT_SET_UP, id="no meter"),
        pytest.param({"solar": 3_000.0}, Reason.MODE_NOT_SET_UP, id="another meter"),
        pytest.param({"grid": None}, Reason.SITE_METER_STALE, id="silent"),
        pytest.param(
            {"grid": 3_000.0, "battery": None},
            Reason.SITE_METER_STALE,
            id="silent battery",
        ),
        pytest.param(
            {"grid": 3_000.0, "grid_l1": None, "grid_l2": 1.0},
            Reason.SITE_METER_STALE,
            id="one silent phase",
        ),
    ],
)
def test_a_home_that_is_not_known_is_not_followed(
    meters_w: Mapping[str, float | None], reason: Reason
) -> None:
    home = Home(FOLLOWING)
    home.run(grid=3_000.0)
    setpoint = one(home.run(1, **meters_w)).setpoint
    assert setpoint.power_w == 0
    assert setpoint.reason is reason


DISCHARGING = [
    pytest.param(replace(READY, override=override(-5_000.0)), id="user"),
    pytest.param(replace(READY, order=order(-5_000.0)), id="dispatch"),
    pytest.param(with_policy(READY, mode=Mode.DISCHARGE_NOW), id="mode"),
]


@pytest.mark.parametrize("evse", DISCHARGING)
def test_nobody_discharges_while_the_meter_of_the_home_is_silent(
    evse: EvseInputs,
) -> None:
    evse = replace(evse, override=evse.override and override(-5_000.0, ends_mono_s=9e9))
    home = Home(evse)
    assert one(home.run(grid=500.0)).setpoint.power_w < 0
    decision = one(home.run(1, grid=None))
    assert decision.setpoint.power_w == 0
    assert decision.discharge_blocked_by is Reason.SITE_METER_STALE
    assert decision.dispatch_blocked_by is Reason.SITE_METER_STALE
    assert decision.available_discharge_w == 0


def test_charging_goes_on_unattended_where_limits_rely_on_a_silent_meter() -> None:
    limits = replace(READY.limits, unattended_charge_w=2_000.0)
    evse = replace(READY, limits=limits)
    relying = Home(evse, wiring=SiteWiring(fuse_a=63.0))
    decision = one(relying.run(grid=None))
    assert decision.setpoint.power_w == 2_000.0
    assert decision.setpoint.reason is Reason.SITE_METER_STALE
    free = Home(evse, wiring=SiteWiring())
    assert one(free.run(grid=None)).setpoint.power_w == 11_000.0


def test_a_fuse_cuts_charging_at_once_and_gives_back_after_a_while() -> None:
    wiring = SiteWiring(fuse_a=25.0, phase_maps={KEY: PhaseMap(phases=(1, 2, 3))})
    home = Home(READY, wiring=wiring)
    phases = {"grid_l1": 1_000.0, "grid_l2": 300.0, "grid_l3": 300.0}
    assert one(home.run(**phases)).setpoint.power_w == 11_000.0
    cut = one(home.run(1, **phases | {"grid_l1": 4_000.0})).setpoint
    fuse_w = 25.0 * 230.0 * FUSE_SHARE
    assert cut.power_w == pytest.approx(3 * (fuse_w - 4_000.0))
    assert cut.reason is Reason.FUSE
    assert one(home.run(8, **phases)).setpoint.power_w == pytest.approx(cut.power_w)
    assert one(home.run(6, **phases)).setpoint.power_w == 11_000.0


def test_an_export_limit_lets_the_load_of_the_home_be_served() -> None:
    evse = with_policy(READY, mode=Mode.DISCHARGE_NOW)
    home = Home(evse, wiring=SiteWiring(export_limit_w=0.0))
    decision = one(home.run(grid=4_000.0))
    assert decision.setpoint.power_w == pytest.approx(-4_000.0)
    assert decision.setpoint.reason is Reason.EXPORT_LIMIT
    assert decision.available_discharge_w == pytest.approx(4_000.0)
    assert one(home.run(1, grid=2_000.0)).setpoint.power_w == pytest.approx(-2_000.0)


def test_two_vehicles_share_a_surplus_and_do_not_charge_each_other() -> None:
    other = with_key(FOLLOWING, OTHER)
    shared = Home(FOLLOWING, other).run(grid=-16_000.0)
    total_w = sum(d.setpoint.power_w for d in shared.values())
    assert total_w == about(16_000.0 - BIAS_W)
    charging = with_key(READY, OTHER)
    beside = Home(FOLLOWING, charging).run(grid=300.0)
    assert beside[OTHER].setpoint.power_w == 11_000.0
    assert beside[KEY].setpoint.power_w == 0


def test_who_serves_the_home_comes_before_who_takes_what_is_left() -> None:
    solar = with_key(with_policy(READY, mode=Mode.SOLAR), OTHER)
    decisions = Home(FOLLOWING, solar).run(grid=-5_000.0)
    assert decisions[KEY].setpoint.power_w == about(5_000.0 - BIAS_W)
    assert decisions[OTHER].setpoint.power_w == 0
    assert decisions[OTHER].setpoint.reason is Reason.NO_SURPLUS


def test_a_limit_of_a_dispatch_caps_what_follows_the_sun() -> None:
    limited = replace(FOLLOWING, order=order(2_000.0, kind=CommandKind.LIMIT))
    setpoint = one(Home(limited).run(grid=-4_000.0)).setpoint
    assert setpoint.power_w == 2_000.0
    assert setpoint.owner is ControlOwner.VPP


def test_after_a_lost_link_the_home_does_not_discharge_by_itself() -> None:
    home = Home(replace(FOLLOWING, order=order(-3_000.0)))
    home.run(grid=3_000.0)
    home.evses = {KEY: FOLLOWING}
    home.site = {"is_failsafe": True}
    assert one(home.run(grid=3_000.0)).setpoint.power_w == 0
    home.site = {}
    assert one(home.run(grid=3_000.0)).setpoint.power_w < 0


CLAIM = Claim(key=KEY, holder="planner", power_w=3_000.0, ends_mono_s=NOW + 100)
PLANNED = replace(with_policy(READY, mode=Mode.PLAN), plan_w=-2_000.0)


@pytest.mark.parametrize(
    ("evse", "owner", "power_w"),
    [
        (replace(READY, claim=CLAIM), ControlOwner.AUTOMATION, 3_000.0),
        (replace(PLANNED, claim=CLAIM), ControlOwner.AUTOMATION, 3_000.0),
        (PLANNED, ControlOwner.PLAN, -2_000.0),
        (replace(PLANNED, plan_w=None), ControlOwner.MODE, 0.0),
        (replace(PLANNED, order=order(-4_000.0)), ControlOwner.VPP, -4_000.0),
        (replace(READY, claim=CLAIM, order=order(4e3)), ControlOwner.VPP, 4_000.0),
        (
            replace(READY, claim=CLAIM, override=override(5_000.0)),
            ControlOwner.USER,
            5_000.0,
        ),
        (replace(READY, plan_w=-2_000.0), ControlOwner.MODE, 11_000.0),
        (
            replace(READY, claim=replace(CLAIM, key=OTHER)),
            ControlOwner.MODE,
            11_000.0,
        ),
    ],
)
def test_the_lease_goes_to_the_strongest(
    evse: EvseInputs, owner: ControlOwner, power_w: float
) -> None:
    setpoint = one(Home(evse).run(6)).setpoint
    assert setpoint.owner is owner
    assert setpoint.requested_w == power_w


def test_a_lease_ends_by_itself_and_the_mode_takes_over() -> None:
    home = Home(replace(READY, claim=CLAIM))
    assert one(home.run(99)).setpoint.power_w == pytest.approx(3_000.0, abs=1_000.0)
    assert one(home.run(5)).setpoint.owner is ControlOwner.MODE


def test_a_plan_that_says_nothing_is_named() -> None:
    setpoint = one(Home(replace(PLANNED, plan_w=None)).run(3)).setpoint
    assert (setpoint.power_w, setpoint.reason) == (0.0, Reason.NO_PLAN)


@pytest.mark.parametrize(
    ("regulator", "allowed", "meters_w", "power_w"),
    [
        # The battery takes 3 of 4 kW and holds the meter.
        (MeterRegulator.BATTERY, False, (-1_000.0, 3_000.0), 0.0),
        (MeterRegulator.BATTERY, True, (-1_000.0, 3_000.0), 3_000.0 - BIAS_W),
        # The battery gives 2 kW into the grid for somebody else.
        (MeterRegulator.HOME, False, (-2_000.0, -2_000.0), 0.0),
        (MeterRegulator.HOME, True, (-2_000.0, -2_000.0), 2_000.0 - BIAS_W),
        # The battery takes 2 kW from the grid.
        (MeterRegulator.HOME, False, (2_000.0, 2_000.0), 0.0),
        (MeterRegulator.HOME, True, (2_000.0, 2_000.0), BIAS_W - 2_000.0),
    ],
)
def test_the_home_battery_and_the_vehicle_leave_each_other_alone(
    regulator: MeterRegulator,
    allowed: bool,
    meters_w: Sequence[float],
    power_w: float,
) -> None:
    wiring = SiteWiring(
        regulator=regulator,
        may_charge_from_battery=allowed,
        may_charge_battery=allowed,
    )
    grid_w, battery_w = meters_w
    if regulator is MeterRegulator.BATTERY:
        grid_w = 0.0
    home = Home(FOLLOWING, wiring=wiring)
    setpoint = one(home.run(grid=grid_w, battery=battery_w)).setpoint
    assert setpoint.power_w == about(power_w)


def test_a_silent_meter_of_the_home_is_among_what_is_explained() -> None:
    meters = SiteMeters().kept([SiteMeter.GRID])
    site = SiteInputs(meters=meters)
    explanation = explain(DischargeCoordinator(), [READY], site, KEY, NOW)
    shut = [line.reason for line in explanation.gates if not line.is_open]
    assert shut == [Reason.SITE_METER_STALE]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(Mode),
            st.none() | st.floats(-9_000, 9_000),
            st.floats(0, 12_000),
            st.floats(0, 12_000),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_no_mode_breaks_a_limit_and_none_discharges_blindly(
    steps: list[tuple[Mode, float | None, float, float]],
) -> None:
    home = Home(READY, with_key(READY, OTHER))
    for mode, grid_w, import_w, export_w in steps:
        home.evses = {
            key: replace(evse, policy=replace(evse.policy, mode=mode))
            for key, evse in home.evses.items()
        }
        home.wiring = SiteWiring(import_limit_w=import_w, export_limit_w=export_w)
        decisions = home.run(4, grid=grid_w)
        powers_w = [decision.setpoint.power_w for decision in decisions.values()]
        charge_w = sum(max(0.0, power_w) for power_w in powers_w)
        give_w = sum(max(0.0, -power_w) for power_w in powers_w)
        if grid_w is None:
            assert give_w == charge_w == 0
            continue
        assert charge_w == 0 or charge_w + grid_w <= import_w + 1e-6
        assert give_w == 0 or give_w - grid_w <= export_w + 1e-6
        offered_w = sum(d.available_discharge_w for d in decisions.values())
        assert offered_w == 0 or offered_w - grid_w <= export_w + 1e-6
