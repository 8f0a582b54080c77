"""The vehicle at one EVSE: its identity ends with the plug, its trip comes first."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.inputs import EvseDecision, EvseInputs
from custom_components.v2g_vpp.control.vehicle_watch import VehicleMemory
from custom_components.v2g_vpp.domain.ids import VehicleId
from custom_components.v2g_vpp.domain.policy import Departure, Mode
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from tests.control.given import (
    KEY,
    NOW,
    READY,
    VEHICLE,
    VEHICLE_POLICY,
    at,
    order,
    override,
    with_policy,
    with_session,
)
from tests.control.steps import DISPATCHED, SITE

LATE = (Departure(target_percent=90.0, due_mono_s=NOW + 3_600.0),)
"""20 points in an hour are more than 11 kW bring."""

IN_TIME = (Departure(target_percent=90.0, due_mono_s=NOW + 36_000.0),)


def _run(
    coordinator: DischargeCoordinator,
    evse: EvseInputs,
    *,
    start_s: float = NOW,
    seconds: int = 10,
    power_w: float | None = None,
    soc: float = 70.0,
) -> EvseDecision:
    """Step once a second; the meter shows the setpoint, or ``power_w``."""
    decision, now_s = None, start_s
    for second in range(seconds):
        now_s = start_s + second
        flowing_w = power_w
        if flowing_w is None:
            flowing_w = decision.setpoint.power_w if decision else 0.0
        evse = at(evse, now_s, flowing_w, soc)
        decision = coordinator.step([evse], SITE, now_s)[KEY]
    assert decision is not None
    return decision


@pytest.mark.parametrize(
    "evse",
    [
        pytest.param(READY, id="a mode that charges"),
        pytest.param(with_policy(READY, mode=Mode.OFF), id="a mode that is off"),
        pytest.param(DISPATCHED, id="a dispatched discharge"),
        pytest.param(replace(READY, order=order(3_000.0)), id="a dispatched charge"),
        pytest.param(
            replace(READY, override=override(-3_000.0)), id="the user's power"
        ),
        pytest.param(replace(READY, override=override(2_000.0)), id="a little by hand"),
        pytest.param(replace(READY, self_test_w=-1_800.0), id="the self-test"),
    ],
)
def test_a_trip_that_would_fall_short_comes_before(evse: EvseInputs) -> None:
    decision = _run(DischargeCoordinator(), replace(evse, departures=LATE))
    assert decision.setpoint.owner is ControlOwner.TRIP
    assert decision.setpoint.power_w == 11_000.0
    assert decision.setpoint.reason is Reason.TRIP_FLOOR
    assert decision.discharge_blocked_by is Reason.TRIP_FLOOR
    assert decision.available_charge_w == decision.available_discharge_w == 0.0


def test_the_user_s_stop_comes_before_a_trip() -> None:
    stopped = replace(READY, departures=LATE, override=override(0.0))
    decision = _run(DischargeCoordinator(), stopped)
    assert decision.setpoint.owner is ControlOwner.USER
    assert decision.setpoint.power_w == 0.0
    assert decision.outlook is not None
    assert not decision.outlook.is_in_time


def test_a_trip_charges_inside_every_limit_only() -> None:
    faulted = with_session(replace(READY, departures=LATE), is_emergency_stopped=True)
    decision = _run(DischargeCoordinator(), faulted)
    assert decision.setpoint.power_w == 0.0
    assert decision.setpoint.reason is Reason.EMERGENCY_STOP
    capped = replace(
        READY,
        departures=LATE,
        vehicle_policy=replace(VEHICLE_POLICY, max_soc_percent=70.0),
    )
    decision = _run(DischargeCoordinator(), capped)
    assert decision.setpoint.power_w == 0.0


def test_a_trip_starts_the_transaction_that_it_needs() -> None:
    waiting = with_session(
        replace(READY, departures=LATE, can_start_transaction=True),
        transaction_id=None,
    )
    waiting = with_policy(waiting, mode=Mode.OFF)
    assert _run(DischargeCoordinator(), waiting).wants_transaction
    enough = replace(waiting, departures=IN_TIME)
    assert not _run(DischargeCoordinator(), enough).wants_transaction


def test_a_trip_that_can_wait_lets_a_dispatch_have_what_is_above_its_floor() -> None:
    evse = replace(DISPATCHED, departures=IN_TIME)
    decision = _run(DischargeCoordinator(), evse)
    assert decision.setpoint.owner is ControlOwner.VPP
    assert decision.setpoint.power_w < -4_000.0
    assert decision.outlook is not None
    assert decision.outlook.is_in_time


def test_a_vehicle_that_takes_little_is_charged_earlier() -> None:
    # 20 points by 7 kW need two hours; by what it takes, all of the night.
    evse = with_policy(replace(READY, departures=IN_TIME), mode=Mode.CHARGE_NOW)
    coordinator = DischargeCoordinator()
    before = _run(coordinator, evse, seconds=50, power_w=1_700.0)
    after = _run(coordinator, evse, start_s=NOW + 50, seconds=50, power_w=1_700.0)
    assert before.setpoint.owner is ControlOwner.MODE
    assert after.setpoint.owner is ControlOwner.TRIP
    memory = coordinator.memory_of(KEY)
    assert memory is not None
    assert memory.taken_w == pytest.approx(1_700.0)


def _drained(coordinator: DischargeCoordinator, evse: EvseInputs) -> EvseDecision:
    """Discharge some points away while the gauge stands still."""
    return _run(coordinator, evse, seconds=1_800, power_w=-5_000.0)


def test_a_restart_remembers_and_a_trial_leaves_no_trace() -> None:
    coordinator = DischargeCoordinator()
    drained = _drained(coordinator, DISPATCHED)
    assert drained.soc.lowest_percent is not None
    assert drained.soc.lowest_percent < 65.5
    assert drained.soc.is_report_doubted
    memory = coordinator.memory_of(KEY)
    again = DischargeCoordinator()
    again.recall(KEY, memory)
    now = NOW + 1_800
    told = again.step([at(DISPATCHED, now, 0.0, 70.0)], SITE, now)[KEY]
    assert told.soc.lowest_percent is not None
    assert told.soc.lowest_percent < drained.soc.lowest_percent
    trial = coordinator.fork(KEY)
    asked = trial.step([at(DISPATCHED, now, 0.0, 70.0)], SITE, now)[KEY]
    assert asked.soc.lowest_percent == told.soc.lowest_percent
    assert coordinator.memory_of(KEY) == memory


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda e: with_session(e, visit=1), id="unplugged meanwhile"),
        pytest.param(
            lambda e: replace(
                e, vehicle=replace(VEHICLE, vehicle_id=VehicleId("other"))
            ),
            id="another vehicle",
        ),
    ],
)
def test_what_is_known_ends_with_the_plug(change: object) -> None:
    coordinator = DischargeCoordinator()
    _drained(coordinator, DISPATCHED)
    assert callable(change)
    next_one: EvseInputs = change(DISPATCHED)
    decision = _run(coordinator, next_one, start_s=NOW + 1_800, seconds=1)
    assert decision.soc.lowest_percent == 69.5
    # And so it is when the restart came first.
    again = DischargeCoordinator()
    _drained(again, DISPATCHED)
    other = DischargeCoordinator()
    other.recall(KEY, again.memory_of(KEY))
    decision = _run(other, next_one, start_s=NOW + 1_800, seconds=1)
    assert decision.soc.lowest_percent == 69.5


def test_a_guest_is_not_followed() -> None:
    coordinator = DischargeCoordinator()
    guest = replace(READY, vehicle=None, vehicle_policy=None)
    decision = _run(coordinator, guest)
    assert coordinator.memory_of(KEY) is None
    assert decision.soc.lowest_percent is None
    assert decision.setpoint.power_w == 11_000.0, "a guest may charge"
    assert decision.discharge_blocked_by is Reason.VEHICLE_UNKNOWN


def test_a_moment_without_identity_forgets_nothing() -> None:
    coordinator = DischargeCoordinator()
    _drained(coordinator, DISPATCHED)
    guest = replace(DISPATCHED, vehicle=None, vehicle_policy=None)
    _run(coordinator, guest, start_s=NOW + 1_800, seconds=5)
    decision = _run(coordinator, DISPATCHED, start_s=NOW + 1_805, seconds=1)
    assert decision.soc.lowest_percent is not None
    assert decision.soc.lowest_percent < 65.5


def test_nothing_is_known_of_an_evse_never_seen() -> None:
    coordinator = DischargeCoordinator()
    assert coordinator.memory_of(KEY) is None
    coordinator.recall(KEY, None)
    assert coordinator.memory_of(KEY) is None
    decision = _run(coordinator.fork(KEY), READY)
    assert decision.soc.lowest_percent == 69.5


def test_the_self_test_may_run_on_a_spent_budget() -> None:
    spent = replace(READY, cycled_wh=60_000.0, self_test_w=-1_800.0)
    decision = _run(DischargeCoordinator(), spent)
    assert decision.setpoint.power_w == -1_800.0
    assert decision.dispatch_blocked_by is Reason.CYCLE_BUDGET


def test_a_capacity_that_is_none_plans_nothing() -> None:
    evse = replace(
        READY, departures=LATE, vehicle=replace(VEHICLE, capacity_wh=float("nan"))
    )
    decision = _run(DischargeCoordinator(), with_policy(evse, mode=Mode.OFF))
    assert decision.setpoint.power_w == 0.0
    assert decision.outlook is None


def test_what_was_kept_names_its_vehicle() -> None:
    coordinator = DischargeCoordinator()
    _run(coordinator, replace(READY, departures=LATE))
    memory = coordinator.memory_of(KEY)
    assert isinstance(memory, VehicleMemory)
    assert memory.vehicle_id == VEHICLE.vehicle_id
    assert memory.owed_percent == 90.0
    # A restart goes on charging for a trip whose departure has moved to tomorrow.
    again = DischargeCoordinator()
    again.recall(KEY, memory)
    later = with_policy(replace(READY, departures=IN_TIME), mode=Mode.OFF)
    assert _run(again, later).setpoint.owner is ControlOwner.TRIP
