"""Why an EVSE does what it does: what binds, what would next, what a knob changes."""

from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.explanation import explain
from custom_components.v2g_vpp.control.inputs import EvseInputs, SiteInputs
from custom_components.v2g_vpp.control.permission import GATES
from custom_components.v2g_vpp.domain.explanation import Explanation, Knob
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.measurement import Measurement
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import Reason
from tests.control.given import (
    KEY,
    NOW,
    READY,
    VEHICLE_POLICY,
    at,
    order,
    override,
    with_key,
    with_policy,
    with_session,
)

SITE = SiteInputs()


def _explained(
    evse: EvseInputs, site: SiteInputs = SITE, *others: EvseInputs
) -> Explanation:
    """Return the explanation of the moment after the ramp had its second."""
    quick = with_policy(evse, ramp_w_per_s=1e9)
    coordinator = DischargeCoordinator()
    for now_s in (NOW - 2.0, NOW - 1.0):
        before = at(quick, now_s, 0.0, quick.session.measurement.soc_percent.value)  # type: ignore[union-attr]  # always given
        coordinator.step([before, *others], site, now_s)
    return explain(coordinator, [quick, *others], site, evse.key, NOW)


def _with_soc(evse: EvseInputs, soc_percent: float) -> EvseInputs:
    return at(evse, NOW, 0.0, soc_percent)


ORDERED = replace(READY, order=order(-5_000.0))


@pytest.mark.parametrize(
    ("evse", "site", "reason", "next_limit"),
    [
        pytest.param(
            ORDERED,
            SITE,
            Reason.AS_REQUESTED,
            Reason.STATION_LIMIT,
            id="behind the request is the limit of the charger",
        ),
        pytest.param(
            with_policy(ORDERED, max_discharge_power_w=3_000.0),
            SITE,
            Reason.OWNER_LIMIT,
            Reason.AS_REQUESTED,
            id="without the owner's limit all would be served",
        ),
        pytest.param(
            with_policy(
                replace(READY, order=order(-12_000.0)), max_discharge_power_w=3_000.0
            ),
            SiteInputs(export_limit_w=6_000.0),
            Reason.OWNER_LIMIT,
            Reason.EXPORT_LIMIT,
            id="of two limits the wider one is next",
        ),
        pytest.param(
            _with_soc(ORDERED, 25.0),
            SITE,
            Reason.RESERVE_FLOOR,
            Reason.VPP_FLOOR,
            id="behind a floor is the next floor",
        ),
        pytest.param(
            with_policy(
                _with_soc(ORDERED, 45.0),
                max_discharge_power_w=2_000.0,
            ),
            SITE,
            Reason.VPP_FLOOR,
            Reason.OWNER_LIMIT,
            id="behind the last gate is the tightest limit",
        ),
        pytest.param(
            replace(READY, order=order(-1_000.0)),
            SITE,
            Reason.MINIMUM_POWER,
            Reason.AS_REQUESTED,
            id="too little to flow",
        ),
        pytest.param(
            with_session(ORDERED, is_emergency_stopped=True, is_plugged=False),
            SITE,
            Reason.EMERGENCY_STOP,
            Reason.NOT_PLUGGED,
            id="behind a stop is the next stop",
        ),
        pytest.param(
            with_policy(READY, mode=Mode.OFF),
            SITE,
            Reason.MODE_OFF,
            None,
            id="nothing stands behind a request of nothing",
        ),
        pytest.param(
            with_policy(READY, max_charge_power_w=4_000.0),
            SITE,
            Reason.AS_REQUESTED,
            Reason.OWNER_LIMIT,
            id="charging as much as its owner lets it",
        ),
        pytest.param(
            replace(
                with_policy(READY, max_charge_power_w=4_000.0),
                override=override(12_000.0),
            ),
            SITE,
            Reason.OWNER_LIMIT,
            Reason.STATION_LIMIT,
            id="behind the owner's limit is the charger's, before the request",
        ),
    ],
)
def test_the_binding_limit_and_the_next_one_are_named(
    evse: EvseInputs, site: SiteInputs, reason: Reason, next_limit: Reason | None
) -> None:
    explained = _explained(evse, site)
    assert (explained.setpoint.reason, explained.runner_up) == (reason, next_limit)


def test_on_its_ramp_the_limit_at_its_end_is_next() -> None:
    slow = with_policy(ORDERED, ramp_w_per_s=10.0, max_discharge_power_w=3_000.0)
    coordinator = DischargeCoordinator()
    for now_s in (NOW - 2.0, NOW - 1.0):
        coordinator.step([at(slow, now_s, 0.0, 70.0)], SITE, now_s)
    decision = coordinator.step([slow], SITE, NOW)[KEY]
    assert decision.setpoint.reason is Reason.RAMP
    assert decision.runner_up is Reason.OWNER_LIMIT


@given(
    st.floats(-15_000, 15_000),
    st.floats(0, 11_000),
    st.floats(10, 95),
    st.booleans(),
    st.none() | st.floats(0, 12_000),
)
def test_the_next_limit_is_never_the_one_that_binds(
    power_w: float,
    owner_w: float,
    soc_percent: float,
    is_plugged: bool,
    export_limit_w: float | None,
) -> None:
    evse = with_policy(
        _with_soc(replace(READY, order=order(power_w)), soc_percent),
        max_discharge_power_w=owner_w,
    )
    evse = with_session(evse, is_plugged=is_plugged)
    explained = _explained(evse, SiteInputs(export_limit_w=export_limit_w))
    assert explained.runner_up is not explained.setpoint.reason


# The gates.


def test_the_first_shut_gate_is_what_blocks_discharge() -> None:
    evse = with_session(_with_soc(ORDERED, 45.0), faults=frozenset())
    explained = _explained(evse)
    assert [line.reason for line in explained.gates] == [r for r, _ in GATES]
    shut = [line for line in explained.gates if not line.is_open]
    assert [line.reason for line in shut] == [Reason.VPP_FLOOR]
    assert shut[0].value == pytest.approx(44.5)
    assert shut[0].bound == 50.0
    decision = DischargeCoordinator().step([evse], SITE, NOW)[KEY]
    assert decision.discharge_blocked_by is Reason.VPP_FLOOR


def test_a_gate_tells_what_it_looked_at() -> None:
    faulty = with_session(
        ORDERED, faults=frozenset({FaultCode.GROUND_FAULT, FaultCode.OVER_TEMPERATURE})
    )
    lines = {line.reason: line for line in _explained(faulty).gates}
    told = {reason: line.value for reason, line in lines.items() if line.value}
    assert "," in str(told[Reason.FAULT])
    assert told[Reason.NO_DIALECT] == "v21_dynamic"
    assert lines[Reason.METER_STALE].value == 0.0
    assert lines[Reason.RESERVE_FLOOR].bound == 30.0


def test_a_guest_has_no_floors_to_tell() -> None:
    guest = replace(ORDERED, vehicle=None, vehicle_policy=None)
    lines = {line.reason: line for line in _explained(guest).gates}
    assert not lines[Reason.VEHICLE_UNKNOWN].is_open
    assert lines[Reason.VPP_FLOOR].bound is None
    assert lines[Reason.RESERVE_FLOOR].bound is None
    bare = with_session(guest, measurement=Measurement())
    stale = {
        line.reason: line
        for line in explain(DischargeCoordinator(), [bare], SITE, KEY, NOW).gates
    }
    assert stale[Reason.METER_STALE].value is None


# The counterfactuals.


def _what_if(explained: Explanation) -> dict[Knob, tuple[float | None, float]]:
    return {one.knob: (one.value, one.power_w) for one in explained.counterfactuals}


def test_a_lower_floor_would_let_it_flow() -> None:
    explained = _explained(_with_soc(ORDERED, 45.0))
    assert _what_if(explained) == {Knob.VPP_RESERVE: (40.0, -5_000.0)}
    # 41 % for sure: at a floor of 40 % it would still be held by the hysteresis.
    explained = _explained(_with_soc(ORDERED, 41.5))
    assert _what_if(explained) == {Knob.VPP_RESERVE: (35.0, -5_000.0)}


def test_a_wider_limit_would_let_more_flow() -> None:
    explained = _explained(with_policy(ORDERED, max_discharge_power_w=3_000.0))
    assert _what_if(explained) == {Knob.MAX_DISCHARGE_POWER: (11_000.0, -5_000.0)}
    charging = with_policy(READY, max_charge_power_w=4_000.0)
    explained = _explained(replace(charging, override=override(9_000.0)))
    assert _what_if(explained) == {Knob.MAX_CHARGE_POWER: (11_000.0, 9_000.0)}


@pytest.mark.parametrize(
    ("evse", "knob"),
    [
        pytest.param(
            with_policy(ORDERED, is_discharge_allowed=False),
            Knob.DISCHARGE_ALLOWED,
            id="the switch of the charger",
        ),
        pytest.param(
            replace(
                ORDERED,
                vehicle_policy=replace(
                    READY.vehicle_policy,  # type: ignore[type-var]  # is given
                    is_discharge_allowed=False,
                ),
            ),
            Knob.VEHICLE_ALLOWED,
            id="the switch of the vehicle",
        ),
    ],
)
def test_a_switch_would_let_it_flow(evse: EvseInputs, knob: Knob) -> None:
    assert _what_if(_explained(evse)) == {knob: (None, -5_000.0)}


def test_a_higher_ceiling_would_let_it_charge() -> None:
    full = replace(
        READY,
        vehicle_policy=replace(
            READY.vehicle_policy,  # type: ignore[type-var]  # is given
            max_soc_percent=60.0,
        ),
    )
    assert _what_if(_explained(full)) == {Knob.MAX_SOC: (100.0, 11_000.0)}


def test_a_wider_budget_would_let_it_flow() -> None:
    spent = replace(ORDERED, cycled_wh=6_000.0)
    explained = _explained(spent)
    assert explained.setpoint.reason is Reason.CYCLE_BUDGET
    assert _what_if(explained) == {Knob.CYCLE_BUDGET: (15.0, -5_000.0)}


def test_no_knob_is_told_that_changes_nothing() -> None:
    assert _explained(ORDERED).counterfactuals == ()
    # Two gates are shut: no single knob opens both.
    twice = with_policy(_with_soc(ORDERED, 45.0), is_discharge_allowed=False)
    assert _explained(twice).counterfactuals == ()


def test_nothing_is_below_an_empty_floor() -> None:
    explained = _explained(_with_soc(ORDERED, 4.0))
    assert explained.setpoint.reason is Reason.RESERVE_FLOOR
    assert explained.counterfactuals == ()


def test_what_lasts_longer_with_a_lower_floor_is_told() -> None:
    # The budget of the day must not be what ends it.
    policy = replace(VEHICLE_POLICY, cycle_budget_percent=100.0)
    order_for_home = order(-15_000.0, resource=None)
    home = replace(READY, order=order_for_home, vehicle_policy=policy)
    evses = [
        with_policy(
            _with_soc(with_key(home, EvseKey(StationId("CS1"), number)), 60.0),
            ramp_w_per_s=1e9,
        )
        for number in (1, 2)
    ]
    coordinator = DischargeCoordinator()
    explained = explain(coordinator, evses, SITE, evses[0].key, NOW)
    value, power_w = _what_if(explained)[Knob.VPP_RESERVE]
    assert value == 40.0
    assert power_w < -9_000.0


def test_a_question_leaves_no_trace() -> None:
    asked, quiet = DischargeCoordinator(), DischargeCoordinator()
    for second in range(3):
        now_s = NOW + second
        evse = at(ORDERED, now_s, 0.0, 70.0)
        explain(asked, [evse], SITE, KEY, now_s)
        assert asked.step([evse], SITE, now_s) == quiet.step([evse], SITE, now_s)
