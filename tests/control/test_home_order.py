"""Orders and limits that hold for several EVSEs together."""

from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.inputs import (
    EvseDecision,
    EvseInputs,
    SiteInputs,
)
from custom_components.v2g_vpp.domain.dispatch import CommandKind, DispatchOrder
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from tests.control.given import (
    NOW,
    READY,
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
    quick = with_policy(replace(READY, order=home_order), ramp_w_per_s=1e9)
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


# The export limit of the home.


def test_the_export_limit_is_shared_and_never_promised_twice() -> None:
    site = SiteInputs(export_limit_w=13_000.0)
    decisions = _second(_home(2, order(-20_000.0, resource=None)), site)
    assert _powers(decisions) == [-11_000.0, -2_000.0]
    offered = [d.available_discharge_w for d in decisions.values()]
    assert offered == [11_000.0, 2_000.0]


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
    # A home of one carries the whole request; the rest is cut by its own limits.
    assert abs(requested_w) <= abs(power_w) + 1e-6
    assert abs(total_w) <= abs(power_w) + 1e-6
    assert total_w * power_w >= 0
    if export_limit_w is not None:
        assert -total_w <= export_limit_w + 1e-6
        offered_w = sum(d.available_discharge_w for d in decisions.values())
        assert offered_w <= export_limit_w + 1e-6
