"""Orders and limits that hold for several EVSEs together."""

from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.inputs import (
    EvseDecision,
    EvseInputs,
    SiteInputs,
)
from custom_components.v2g_vpp.domain.chemistry import Chemistry
from custom_components.v2g_vpp.domain.dispatch import CommandKind, DispatchOrder
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.policy import Departure, Mode
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from tests.control.given import (
    NOW,
    READY,
    VEHICLE,
    VEHICLE_POLICY,
    at,
    order,
    override,
    with_key,
    with_policy,
    with_session,
)

SITE = SiteInputs()


def _key(number: int) -> EvseKey:
    return EvseKey(StationId("CS1"), number)


def _home(count: int, home_order: DispatchOrder | None) -> list[EvseInputs]:
    # An hour of all that they can would be more than the budget of a day.
    policy = replace(VEHICLE_POLICY, cycle_budget_percent=100.0)
    evse = replace(READY, order=home_order, vehicle_policy=policy)
    quick = with_policy(evse, ramp_w_per_s=1e9)
    return [with_key(quick, _key(number)) for number in range(1, count + 1)]


def _second(
    evses: list[EvseInputs], site: SiteInputs = SITE
) -> dict[EvseKey, EvseDecision]:
    """Return what is decided once the ramp had its second."""
    coordinator = DischargeCoordinator()
    coordinator.step(evses, site, NOW - 1.0)
    return dict(coordinator.step(evses, site, NOW))


def _powers(decisions: dict[EvseKey, EvseDecision]) -> list[float]:
    return [decision.setpoint.power_w for decision in decisions.values()]


def test_a_home_of_one_takes_the_order_whole_and_names_its_own_limit() -> None:
    evses = _home(1, order(-12_000.0, resource=None))
    setpoint = _second(evses)[_key(1)].setpoint
    assert (setpoint.power_w, setpoint.requested_w) == (-11_000.0, -12_000.0)
    assert setpoint.reason is Reason.STATION_LIMIT


def test_two_share_what_one_cannot_serve() -> None:
    decisions = _second(_home(2, order(-15_000.0, resource=None)))
    assert _powers(decisions) == [-11_000.0, -4_000.0]
    assert [d.setpoint.owner for d in decisions.values()] == [ControlOwner.VPP] * 2
    assert [d.setpoint.requested_w for d in decisions.values()] == [-11_000, -4_000]


def test_who_is_not_needed_rests_instead_of_charging_against_the_order() -> None:
    decisions = _second(_home(2, order(-5_000.0, resource=None)))
    assert _powers(decisions) == [-5_000.0, 0.0]


def test_who_may_not_discharge_is_left_out_and_says_why() -> None:
    evses = _home(2, order(-5_000.0, resource=None))
    evses[0] = with_policy(evses[0], is_discharge_allowed=False)
    decisions = _second(evses)
    assert _powers(decisions) == [0.0, -5_000.0]
    assert decisions[_key(1)].setpoint.reason is Reason.DISCHARGE_NOT_ALLOWED


def test_what_the_user_holds_is_left_out() -> None:
    evses = _home(2, order(-5_000.0, resource=None))
    evses[0] = replace(evses[0], override=replace(override(2_000.0), key=_key(1)))
    assert _powers(_second(evses)) == [pytest.approx(2_000.0), -5_000.0]


def test_a_limit_caps_what_is_charged_together() -> None:
    limit = order(15_000.0, kind=CommandKind.LIMIT, resource=None)
    decisions = _second(_home(2, limit))
    assert _powers(decisions) == [11_000.0, 4_000.0]
    assert [d.setpoint.owner for d in decisions.values()] == [
        ControlOwner.MODE,
        ControlOwner.VPP,
    ]
    zero = order(0.0, kind=CommandKind.LIMIT, resource=None)
    assert _powers(_second(_home(2, zero))) == [0.0, 0.0]


def test_a_limit_leaves_a_discharging_mode_alone() -> None:
    limit = order(5_000.0, kind=CommandKind.LIMIT, resource=None)
    evses = _home(2, limit)
    evses[0] = with_policy(evses[0], mode=Mode.DISCHARGE_NOW)
    assert _powers(_second(evses)) == [-11_000.0, 5_000.0]


def test_a_release_for_the_home_hands_back() -> None:
    release = order(0.0, kind=CommandKind.RELEASE, resource=None)
    decisions = _second(_home(2, release))
    assert [d.setpoint.owner for d in decisions.values()] == [ControlOwner.MODE] * 2


def test_a_lost_link_releases_every_follower() -> None:
    evses = _home(2, order(-15_000.0, resource=None))
    decisions = _second(evses, SiteInputs(is_failsafe=True))
    assert _powers(decisions) == [0.0, 0.0]
    assert {d.setpoint.reason for d in decisions.values()} == {Reason.FAILSAFE}


def test_orders_for_single_evses_are_not_shared() -> None:
    evses = [
        replace(evse, order=order(-3_000.0, resource=evse.key))
        for evse in _home(2, None)
    ]
    assert _powers(_second(evses)) == [-3_000.0, -3_000.0]


# What a share costs, and what it can keep up.


def _with_soc(evse: EvseInputs, soc_percent: float) -> EvseInputs:
    return at(evse, NOW, 0.0, soc_percent)


def test_a_share_lasts_until_the_end_of_the_order() -> None:
    # 9.5 % above the floor of a dispatch, an hour to go: 60 kWh x 9.5 % x 0.95.
    evses = [_with_soc(evse, 60.0) for evse in _home(2, order(-15_000, resource=None))]
    decisions = _second(evses)
    assert _powers(decisions) == [pytest.approx(-5_415.0, rel=0.01)] * 2
    assert {d.setpoint.reason for d in decisions.values()} == {Reason.ENERGY_WINDOW}
    committed_w = sum(d.committed_w for d in decisions.values())
    assert committed_w == pytest.approx(sum(_powers(decisions)))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"cycled_wh": 58_000.0}, id="the budget of its day is short"),
        pytest.param(
            {"departures": (Departure(target_percent=66.0, due_mono_s=NOW),)},
            id="its trip needs the rest",
        ),
    ],
)
def test_a_share_leaves_the_trip_and_the_budget_of_the_day(
    change: dict[str, Any],
) -> None:
    first, second = _home(2, order(-10_000.0, resource=None))
    decisions = _second([replace(first, **change), second])
    assert -decisions[_key(1)].setpoint.requested_w < 2_400.0
    assert -decisions[_key(2)].setpoint.requested_w > 5_000.0


def test_a_home_of_one_is_not_held_back_for_the_end() -> None:
    evses = [_with_soc(evse, 60.0) for evse in _home(1, order(-9_000, resource=None))]
    assert _powers(_second(evses)) == [-9_000.0]


def test_the_battery_that_wears_less_serves_first() -> None:
    evses = _home(2, order(-5_000.0, resource=None))
    for index, chemistry in enumerate((Chemistry.LFP, Chemistry.NMC)):
        vehicle = replace(VEHICLE, chemistry=chemistry)
        evses[index] = replace(evses[index], vehicle=vehicle)
    decisions = _second(evses)
    assert _powers(decisions) == [0.0, -5_000.0]
    assert decisions[_key(1)].setpoint.reason is Reason.OTHERS_SERVE


def test_the_fuller_of_two_alike_serves_first() -> None:
    evses = _home(2, order(-5_000.0, resource=None))
    vehicle = replace(VEHICLE, chemistry=Chemistry.NCA)
    evses = [
        replace(_with_soc(evse, soc_percent), vehicle=vehicle)
        for evse, soc_percent in zip(evses, (65.0, 95.0), strict=True)
    ]
    assert _powers(_second(evses)) == [0.0, -5_000.0]


@pytest.mark.parametrize("leaves_first", [1, 2])
def test_who_leaves_first_is_charged_first_and_discharged_last(
    leaves_first: int,
) -> None:
    # Neither has to charge yet: it takes 40 minutes of the three hours.
    departure = Departure(target_percent=80.0, due_mono_s=NOW + 10_800.0)
    limit = order(6_000.0, kind=CommandKind.LIMIT, resource=None)
    for asked, chosen in ((limit, leaves_first), (None, 3 - leaves_first)):
        evses = _home(2, asked or order(-5_000.0, resource=None))
        index = leaves_first - 1
        evses[index] = replace(evses[index], departures=(departure,))
        powers_w = _powers(_second(evses))
        assert powers_w[chosen - 1] != 0
        assert powers_w[2 - chosen] == 0


def test_a_noisy_order_makes_no_evse_switch() -> None:
    coordinator, noise = DischargeCoordinator(), Random(4)
    on_sets: list[tuple[bool, ...]] = []
    for second in range(900):
        now_s = NOW + second
        home = _home(2, order(-11_040.0 + noise.uniform(-60, 60), resource=None))
        evses = [at(evse, now_s, -5_500.0, 90.0) for evse in home]
        decisions = coordinator.step(evses, SITE, now_s)
        on_sets.append(tuple(d.committed_w < 0 for d in decisions.values()))
    changes = sum(a != b for a, b in pairwise(on_sets))
    assert changes <= 2


def test_a_rehearsal_leaves_no_trace() -> None:
    evses = _home(2, order(-5_000.0, resource=None))
    asked, quiet = DischargeCoordinator(), DischargeCoordinator()
    other = order(9_000.0, resource=None, start_mono_s=NOW)
    for now_s in (NOW, NOW + 1.0, NOW + 2.0):
        fresh = [at(evse, now_s, 0.0, 70.0) for evse in evses]
        rehearsed = asked.rehearse(
            [replace(evse, order=other) for evse in fresh], SITE, now_s
        )
        committed_w = sum(d.committed_w for d in rehearsed.decisions.values())
        assert committed_w == 9_000.0
        assert asked.step(fresh, SITE, now_s) == quiet.step(fresh, SITE, now_s)


# The export limit of the home.


def test_the_export_limit_is_shared_and_never_promised_twice() -> None:
    site = SiteInputs(export_limit_w=13_000.0)
    decisions = _second(_home(2, order(-20_000.0, resource=None)), site)
    assert _powers(decisions) == [-11_000.0, -2_000.0]
    offered = [d.available_discharge_w for d in decisions.values()]
    assert offered == [11_000.0, 2_000.0]


def test_who_the_export_limit_holds_back_says_so() -> None:
    site = SiteInputs(export_limit_w=5_000.0)
    decisions = _second(_home(2, order(-20_000.0, resource=None)), site)
    assert _powers(decisions) == [-5_000.0, 0.0]
    assert {d.setpoint.reason for d in decisions.values()} == {Reason.EXPORT_LIMIT}
    less = _second(_home(2, order(-4_000.0, resource=None)), site)
    assert [d.setpoint.reason for d in less.values()] == [
        Reason.AS_REQUESTED,
        Reason.OTHERS_SERVE,
    ]


def test_who_is_full_names_its_own_limit() -> None:
    decisions = _second(_home(2, order(-30_000.0, resource=None)))
    assert _powers(decisions) == [-11_000.0, -11_000.0]
    assert {d.setpoint.reason for d in decisions.values()} == {Reason.STATION_LIMIT}


def test_the_export_limit_is_shared_so_that_nothing_of_it_is_lost() -> None:
    site = SiteInputs(export_limit_w=12_000.0)
    decisions = _second(_home(2, order(-20_000.0, resource=None)), site)
    # At full power the first would leave the second less than it can give at all.
    assert _powers(decisions) == [-10_620.0, -1_380.0]


def test_an_evse_that_already_discharges_keeps_its_power() -> None:
    site = SiteInputs(export_limit_w=6_000.0)
    evses = [
        replace(evse, order=order(-5_000.0, resource=evse.key))
        for evse in _home(2, None)
    ]
    coordinator = DischargeCoordinator()
    alone = [replace(evses[0], order=None), evses[1]]
    for now_s in (NOW - 3.0, NOW - 2.0, NOW - 1.0):
        coordinator.step([at(e, now_s, 0.0, 70.0) for e in alone], site, now_s)
    # The first turns from charging to discharging, which rests at 0 for a step.
    coordinator.step(evses, site, NOW)
    decisions = dict(coordinator.step(evses, site, NOW))
    # The first rests: of the limit only 1 kW is left, below its minimum power.
    assert _powers(decisions) == [0.0, pytest.approx(-5_000.0)]
    assert decisions[_key(1)].setpoint.reason is Reason.EXPORT_LIMIT
    # Room for it comes back with the limit.
    coordinator.step(evses, SITE, NOW + 1.0)
    decisions = dict(coordinator.step(evses, SITE, NOW + 2.0))
    assert _powers(decisions) == [
        pytest.approx(-5_000.0, abs=25.0),
        pytest.approx(-5_000.0, abs=25.0),
    ]


def test_an_export_limit_lets_charging_alone() -> None:
    decisions = _second(_home(1, None), SiteInputs(export_limit_w=0.0))
    assert _powers(decisions) == [11_000.0]
    assert decisions[_key(1)].available_discharge_w == 0.0


@given(
    st.floats(-40_000, 40_000),
    st.lists(st.tuples(st.booleans(), st.floats(20, 100)), min_size=1, max_size=4),
    st.none() | st.floats(0, 25_000),
)
def test_the_home_never_gives_more_than_the_order_and_the_limit(
    power_w: float,
    vehicles: list[tuple[bool, float]],
    export_limit_w: float | None,
) -> None:
    site = SiteInputs(export_limit_w=export_limit_w)
    evses = _home(len(vehicles), order(power_w, resource=None))
    for index, (is_plugged, soc) in enumerate(vehicles):
        evses[index] = with_session(
            at(evses[index], NOW, 0, soc), is_plugged=is_plugged
        )
    decisions = _second(evses, site)
    requested_w = sum(d.setpoint.requested_w for d in decisions.values())
    total_w = sum(_powers(decisions))
    committed_w = sum(d.committed_w for d in decisions.values())
    assert abs(committed_w) <= abs(power_w) + 1e-6
    # A home of one carries the whole request; the rest is cut by its own limits.
    assert abs(requested_w) <= abs(power_w) + 1e-6
    assert abs(total_w) <= abs(power_w) + 1e-6
    assert total_w * power_w >= 0
    if export_limit_w is not None:
        assert -total_w <= export_limit_w + 1e-6
        offered_w = sum(d.available_discharge_w for d in decisions.values())
        assert offered_w <= export_limit_w + 1e-6
