"""The laws of the profile store."""

from datetime import timedelta
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.virtual.composition import OperatingPoint
from custom_components.v2g_vpp.virtual.profiles import ProfileStore
from custom_components.v2g_vpp.virtual.schedule import (
    OperationMode,
    Purpose,
    format_time,
    parse_profile,
    parse_time,
)
from custom_components.v2g_vpp.virtual.stored_profile import ProfileFilter

from .profile_wires import (
    MAX_W,
    START,
    at,
    central,
    dynamic,
    floor,
    install,
    make_store,
    period,
    power_w,
    profile,
    station_max,
    update,
)

# Nothing installed, cleared, expired


def test_nothing_installed_means_charging_without_limit() -> None:
    assert power_w(make_store(), 0) == MAX_W
    assert make_store().operating_point(1, 3, at(0)) == OperatingPoint()


@given(st.lists(st.sampled_from(["floor", "max", "tx"]), max_size=3, unique=True))
def test_clearing_everything_means_charging_without_limit(names: list[str]) -> None:
    store = make_store()
    wires = {"floor": floor(0), "max": station_max(limit=3000), "tx": dynamic()}
    for name in names:
        evse_id = 0 if name == "max" else 1
        assert install(store, wires[name], evse_id=evse_id) is None
    assert store.clear(ProfileFilter()) is bool(names)
    assert power_w(store, 0) == MAX_W


@given(
    st.floats(1, 100),
    st.lists(st.floats(0, 60), max_size=6),
    st.floats(0, 200),
    st.floats(-11_000, 0, exclude_max=True),
)
def test_dynamic_profile_never_acts_longer_than_its_duration_after_an_update(
    duration_s: float, gaps_s: list[float], look_s: float, setpoint_w: float
) -> None:
    store, updated_s = make_store(), 0.0
    wire = profile(
        central(setpoint_w), schedule={"duration": int(duration_s)}, dynUpdateInterval=1
    )
    install(store, floor(0), evse_id=0)
    install(store, wire)
    for gap_s in gaps_s:
        updated_s += gap_s
        assert update(store, updated_s, setpoint=setpoint_w) is None
    is_alive = look_s < int(duration_s)
    expected_w = setpoint_w if is_alive else 0.0
    assert power_w(store, updated_s + look_s) == expected_w


def test_expiry_falls_to_the_floor_and_an_update_revives() -> None:
    store = make_store()
    install(store, floor(1400), evse_id=0)
    install(store, dynamic())
    assert power_w(store, 19.9) == -5000
    assert power_w(store, 20.0) == 1400
    assert store.operating_point(1, 3, at(20)).mode is OperationMode.CHARGING_ONLY
    assert update(store, 25, setpoint=-3000.0) is None
    assert power_w(store, 44.9) == -3000
    assert power_w(store, 45.0) == 1400


def test_expiry_without_a_floor_is_charging_without_limit() -> None:
    store = make_store()
    install(store, dynamic())
    assert power_w(store, 20) == MAX_W


# Offline


def test_offline_duration_invalidates_for_good() -> None:
    store = make_store()
    install(store, floor(0), evse_id=0)
    install(store, dynamic(maxOfflineDuration=10, invalidAfterOfflineDuration=True))
    store.went_offline(at(1))
    assert power_w(store, 10.9) == -5000
    assert power_w(store, 11.0) == 0
    store.came_online(at(12))
    assert power_w(store, 12) == 0
    rejected = update(store, 13, setpoint=-5000.0)
    assert rejected is not None
    assert power_w(store, 13) == 0
    assert install(store, dynamic(), at(14)) is None
    assert power_w(store, 14) == -5000


def test_offline_duration_that_only_suspends_ends_with_the_link() -> None:
    store = make_store()
    install(store, floor(0), evse_id=0)
    install(store, dynamic(maxOfflineDuration=2))
    store.went_offline(at(1))
    assert power_w(store, 5) == 0
    store.came_online(at(6))
    assert power_w(store, 6) == -5000


@given(st.floats(0, 30), st.floats(0.1, 30))
def test_offline_never_lengthens_a_dynamic_profile(
    offline_s: float, later_s: float
) -> None:
    store = make_store()
    install(store, floor(0), evse_id=0)
    install(store, dynamic(maxOfflineDuration=10, invalidAfterOfflineDuration=True))
    store.went_offline(at(offline_s))
    if power_w(store, offline_s + later_s) < 0:
        assert later_s < 10
        assert offline_s + later_s < 20


# Who leads


def test_transaction_profile_replaces_the_default_and_is_not_its_minimum() -> None:
    store = make_store()
    install(store, floor(0), evse_id=0)
    install(store, dynamic(9000.0))
    assert power_w(store, 1) == 9000


@given(st.floats(0, 11_000))
def test_station_maximum_never_stops_a_discharge(limit_w: float) -> None:
    store = make_store()
    install(store, dynamic(-5000.0))
    install(store, station_max(limit=limit_w), evse_id=0)
    assert power_w(store, 1) == -5000
    assert update(store, 2, setpoint=11_000.0) is None
    assert power_w(store, 3) == min(limit_w, 11_000)


def test_station_maximum_with_a_discharge_limit_caps_the_discharge() -> None:
    store = make_store()
    install(store, dynamic(-5000.0))
    cap = station_max(limit=11_000, dischargeLimit=-2000)
    assert install(store, cap, evse_id=0) is None
    assert power_w(store, 1) == -2000


@given(st.integers(0, 20), st.integers(0, 20))
def test_highest_stack_level_leads(first: int, second: int) -> None:
    store = make_store()
    install(store, floor(2000, id=1, stackLevel=first))
    rejection = install(store, floor(4000, id=2, stackLevel=second))
    if first == second:
        assert rejection is not None
        assert rejection.reason_code == "DuplicateProfile"
        assert power_w(store, 0) == 2000
    else:
        assert power_w(store, 0) == (2000 if first > second else 4000)


def test_same_id_replaces_wherever_it_was() -> None:
    store = make_store()
    install(store, dynamic(-5000.0))
    assert install(store, dynamic(-1500.0, stackLevel=3), at(5)) is None
    assert power_w(store, 24.9) == -1500
    assert len(store.select(ProfileFilter())) == 1


def test_profile_for_the_evse_leads_over_one_for_the_station() -> None:
    store = make_store()
    install(store, floor(2000), evse_id=0)
    assert install(store, floor(4000, id=5)) is None
    assert power_w(store, 0) == 4000


def test_profile_of_another_transaction_has_no_effect() -> None:
    store = make_store()
    install(store, floor(0), evse_id=0)
    install(store, dynamic())
    store.transaction_ended(1)
    assert power_w(store, 1) == 0
    store.transaction_started(1, "t2", at(2))
    assert power_w(store, 3) == 0


def test_reboot_keeps_the_floor_and_forgets_the_transaction_profile() -> None:
    store = make_store()
    install(store, floor(1400), evse_id=0)
    install(store, dynamic())
    store.rebooted()
    assert [s.profile.purpose for s in store.select(ProfileFilter())] == [
        Purpose.TX_DEFAULT
    ]
    store.transaction_started(1, "t1", at(5))
    assert power_w(store, 5) == 1400


def test_profile_of_a_remote_start_is_bound_to_its_transaction() -> None:
    store = ProfileStore()
    wire = profile(period(limit=3000), chargingProfileKind="Relative")
    del wire["transactionId"]
    context: dict[str, Any] = {"transaction_id": None, "is_remote_start": True}
    assert install(store, wire, **context) is None
    assert power_w(store, 0) == MAX_W
    store.transaction_started(1, "t9", at(1))
    assert power_w(store, 1) == 3000
    assert store.select(ProfileFilter())[0].wire()["transactionId"] == "t9"


# Who may discharge


@given(st.floats(-11_000, 11_000))
def test_floor_never_discharges(limit_w: float) -> None:
    store = make_store()
    rejection = install(store, floor(limit_w), evse_id=0)
    assert (rejection is not None) == (limit_w < 0)
    assert power_w(store, 0) >= 0


@given(st.floats(-11_000, 11_000))
def test_vehicle_that_agreed_to_nothing_never_discharges(setpoint_w: float) -> None:
    store = make_store()
    rejection = install(store, dynamic(setpoint_w), is_bidirectional=False)
    assert (rejection is not None) == (setpoint_w < 0)
    assert power_w(store, 1, is_bidirectional=False) >= 0
    install(store, dynamic(setpoint_w))
    assert power_w(store, 1, is_bidirectional=False) >= 0


def test_update_to_a_discharge_needs_the_vehicle_too() -> None:
    store = make_store()
    install(store, dynamic(0.0))
    values = {"setpoint": -5000.0}
    rejection = store.update(1001, values, at(1), is_bidirectional=False)
    assert rejection is not None
    assert power_w(store, 1) == 0


def test_idle_takes_no_power() -> None:
    store = make_store()
    wire = profile(
        period(operationMode="Idle", evseSleep=True), chargingProfileKind="Relative"
    )
    assert install(store, wire) is None
    assert power_w(store, 1) == 0
    assert store.operating_point(1, 3, at(1)).is_evse_asleep


# Time


def test_absolute_schedule_follows_the_wall_clock() -> None:
    store = make_store()
    install(store, floor(0), evse_id=0)
    wire = profile(
        central(-5000.0),
        {**central(-3000.0), "startPeriod": 10},
        schedule={
            "startSchedule": format_time(START + timedelta(seconds=5)),
            "duration": 30,
        },
        chargingProfileKind="Absolute",
    )
    assert install(store, wire) is None
    assert power_w(store, 4.9) == 0
    assert power_w(store, 5) == -5000
    assert power_w(store, 15) == -3000
    assert power_w(store, 34.9) == -3000
    assert power_w(store, 35) == 0


def test_validity_bounds_a_profile() -> None:
    store = make_store()
    install(store, floor(0), evse_id=0)
    wire = dynamic(
        validFrom=format_time(START + timedelta(seconds=5)),
        validTo=format_time(START + timedelta(seconds=8)),
    )
    install(store, wire)
    assert [power_w(store, t) for t in (4.9, 5.0, 7.9, 8.0)] == [0, -5000, -5000, 0]


def test_recurring_schedule_comes_back_the_next_day() -> None:
    store = make_store()
    wire = floor(
        2000, chargingProfileKind="Recurring", recurrencyKind="Daily", stackLevel=4
    )
    wire["chargingSchedule"][0] |= {
        "startSchedule": format_time(START),
        "duration": 3600,
    }
    assert install(store, wire) is None
    install(store, floor(0, id=7), evse_id=0)
    assert power_w(store, 10) == 2000
    assert power_w(store, 4000) == 0
    assert power_w(store, 86_400 + 10) == 2000


# Units


@pytest.mark.parametrize(
    ("station_phases", "named", "unit", "value", "expected_w"),
    [
        (3, None, "W", 9000, 9000),
        (1, None, "W", 9000, 3000),
        (1, 1, "W", 3000, 3000),
        (3, 1, "W", 3000, 3000),
        (3, None, "A", 10, 6900),
        (1, 1, "A", 10, 2300),
        (1, 3, "A", 10, 2300),
    ],
    ids=[
        "total of three phases",
        "one-phase station acts at a third when no phases are named",
        "one phase named",
        "one of three phases",
        "ampere is per phase",
        "ampere of one phase",
        "ampere of the phases that are there",
    ],
)
def test_rate_units(
    station_phases: int,
    named: int | None,
    unit: str,
    value: float,
    expected_w: float,
) -> None:
    store = make_store()
    values = {"limit": value} | ({} if named is None else {"numberPhases": named})
    wire = floor(0)
    wire["chargingSchedule"][0]["chargingRateUnit"] = unit
    wire["chargingSchedule"][0]["chargingSchedulePeriod"] = [period(**values)]
    assert install(store, wire) is None
    assert power_w(store, 0, phases=station_phases) == pytest.approx(expected_w)


# Asking


def test_filter_needs_every_field_to_match() -> None:
    store = make_store()
    install(store, floor(0), evse_id=0)
    install(store, dynamic())
    assert not store.clear(ProfileFilter(purpose=Purpose.TX, stack_level=0))
    assert len(store.select(ProfileFilter())) == 2
    assert store.clear(ProfileFilter(purpose=Purpose.TX, stack_level=10, evse_id=1))
    assert [s.evse_id for s in store.select(ProfileFilter())] == [0]


def test_report_shows_the_values_and_the_time_of_the_last_update() -> None:
    store = make_store()
    install(store, dynamic())
    update(store, 5, setpoint=-4200.0)
    wire = store.select(ProfileFilter())[0].wire()
    reported = parse_profile(wire)
    assert reported.schedule.periods[0].setpoint == -4200
    assert parse_time(str(wire["dynUpdateTime"])) == at(5).at


def test_edges_hold_every_change_of_the_next_minute() -> None:
    store = make_store()
    install(store, floor(0), evse_id=0)
    install(store, dynamic())
    assert 20.0 in store.edges_s(1, at(0), 60)
    assert 15.0 in store.edges_s(1, at(5), 60)
    assert store.edges_s(1, at(0), 10) == [0.0]


def test_pull_is_due_after_its_interval() -> None:
    store = make_store()
    install(store, dynamic(dynUpdateInterval=10))
    assert store.due_pulls(at(9)) == ()
    assert store.due_pulls(at(10)) == (1001,)
    update(store, 10, setpoint=0.0)
    assert store.due_pulls(at(19)) == ()
