"""State of charge on the safe side, and the floors."""

from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.soc_estimator import (
    NOTHING_KNOWN,
    SocEstimate,
)
from custom_components.v2g_vpp.control.soc_guard import (
    HYSTERESIS_PERCENT,
    OtherFloors,
    SocGuard,
    SocVerdict,
    is_held,
    vehicle_floor_percent,
)
from custom_components.v2g_vpp.domain.ids import VehicleId
from custom_components.v2g_vpp.domain.policy import VehiclePolicy, VehicleSpec
from custom_components.v2g_vpp.domain.session import EvseSession
from tests.control.given import (
    NEEDS,
    SESSION,
    VEHICLE,
    VEHICLE_POLICY,
    reading,
)

POLICY = replace(VEHICLE_POLICY, reserve_percent=30.0, vpp_reserve_percent=50.0)


def _told(soc_percent: float | None) -> SocEstimate:
    """Return what is known right after a report of whole percents."""
    if soc_percent is None:
        return NOTHING_KNOWN
    return SocEstimate(
        lowest_percent=soc_percent - 0.5,
        likely_percent=soc_percent,
        highest_percent=soc_percent,
    )


def _step(
    guard: SocGuard,
    soc_percent: float | None,
    *,
    vehicle: VehicleSpec | None = VEHICLE,
    policy: VehiclePolicy | None = POLICY,
    floors: OtherFloors | None = None,
) -> SocVerdict:
    return guard.step(_told(soc_percent), vehicle, policy, floors)


def test_discharge_ends_at_the_floor_and_begins_again_two_points_above() -> None:
    guard = SocGuard()
    socs = [32.0, 31.0, 30.5, 31.0, 32.4, 32.5]
    held = [_step(guard, soc).is_at_reserve for soc in socs]
    # Half a point is the resolution of the reading.
    assert held == [False, False, True, True, True, False]


def test_a_dispatch_has_the_higher_floor() -> None:
    guard = SocGuard()
    verdict = _step(guard, 50.5)
    assert (verdict.is_at_reserve, verdict.is_at_vpp_floor) == (False, True)
    verdict = _step(SocGuard(), 40.0, policy=replace(POLICY, vpp_reserve_percent=10.0))
    assert not verdict.is_at_vpp_floor
    verdict = _step(SocGuard(), 30.0, policy=replace(POLICY, vpp_reserve_percent=10.0))
    assert verdict.is_at_vpp_floor


def test_a_raised_floor_holds_at_once_and_a_lowered_one_lets_go() -> None:
    guard = SocGuard()
    assert not _step(guard, 70.0).is_at_reserve
    assert _step(guard, 70.0, policy=replace(POLICY, reserve_percent=80)).is_at_reserve
    assert not _step(guard, 70.0).is_at_reserve


def test_unknown_does_not_end_the_hold_of_a_floor() -> None:
    guard = SocGuard()
    assert _step(guard, 30.0).is_at_reserve
    verdict = _step(guard, None)
    assert verdict.lowest_percent is None
    assert verdict.is_at_reserve
    assert not _step(guard, 40.0).is_at_reserve


@given(st.lists(st.floats(0, 100), max_size=30), st.floats(0, 100))
def test_a_hold_changes_only_across_its_hysteresis(
    values: list[float], floor: float
) -> None:
    held = False
    for value in values:
        before, held = held, is_held(value, floor, held)
        assert held or value > floor
        if before and not held:
            assert value >= floor + HYSTERESIS_PERCENT


def test_charging_ends_at_the_maximum_and_begins_again_two_points_below() -> None:
    guard = SocGuard()
    policy = replace(POLICY, max_soc_percent=80.0)
    socs = [79.0, 80.0, 78.5, 78.0]
    held = [_step(guard, soc, policy=policy).is_at_maximum for soc in socs]
    assert held == [False, True, True, False]


def test_an_unknown_charge_does_not_let_charging_begin_again() -> None:
    guard = SocGuard()
    policy = replace(POLICY, max_soc_percent=80.0)
    assert _step(guard, 85.0, policy=policy).is_at_maximum
    assert _step(guard, None, policy=policy).is_at_maximum


def test_charging_ends_by_the_highest_and_discharge_by_the_lowest() -> None:
    policy = replace(POLICY, max_soc_percent=80.0)
    wide = SocEstimate(lowest_percent=29.0, likely_percent=50.0, highest_percent=81.0)
    verdict = SocGuard().step(wide, VEHICLE, policy)
    assert verdict.is_at_reserve
    assert verdict.is_at_maximum


@pytest.mark.parametrize(
    ("charged_wh", "is_at_maximum"), [(0.0, False), (47_999.0, False), (48_000.0, True)]
)
def test_charging_of_an_unknown_charge_ends_by_energy(
    charged_wh: float, is_at_maximum: bool
) -> None:
    # 80 % of 60 kWh, as if it came empty.
    policy = replace(POLICY, max_soc_percent=80.0)
    estimate = SocEstimate(charged_wh=charged_wh)
    assert SocGuard().step(estimate, VEHICLE, policy).is_at_maximum is is_at_maximum


def test_the_trip_has_a_floor_with_hysteresis() -> None:
    guard = SocGuard()
    trip = OtherFloors(trip_percent=60.0)
    held = [
        _step(guard, soc, floors=trip).is_at_trip_floor for soc in (61.0, 60.5, 62.0)
    ]
    assert held == [False, True, True]
    assert not _step(guard, 62.0).is_at_trip_floor


def test_a_maximum_of_100_percent_is_none() -> None:
    assert not _step(SocGuard(), 100.0).is_at_maximum


@pytest.mark.parametrize(
    ("vehicle", "policy"), [(None, POLICY), (VEHICLE, None), (None, None)]
)
def test_of_a_guest_nothing_is_known(
    vehicle: VehicleSpec | None, policy: VehiclePolicy | None
) -> None:
    verdict = _step(SocGuard(), 70.0, vehicle=vehicle, policy=policy)
    assert verdict.lowest_percent is None
    assert not verdict.is_at_maximum


def test_a_floor_does_not_pass_from_one_vehicle_to_the_next() -> None:
    guard = SocGuard()
    assert _step(guard, 30.0).is_at_reserve
    other = replace(VEHICLE, vehicle_id=VehicleId("other"))
    assert not _step(guard, 31.5, vehicle=other).is_at_reserve
    assert _step(guard, 30.0, vehicle=other).is_at_reserve
    _step(guard, 31.5, vehicle=None, policy=None)
    assert not _step(guard, 31.5, vehicle=other).is_at_reserve


def _session(
    v2x_floor_wh: float | None, held: float | None, shown: float | None = None
) -> EvseSession:
    shows = None if shown is None else reading(shown)
    return replace(
        SESSION,
        needs=replace(NEEDS, v2x_floor_wh=v2x_floor_wh),
        needs_soc_percent=held,
        measurement=replace(SESSION.measurement, vehicle_floor_percent=shows),
    )


@pytest.mark.parametrize(
    ("v2x_floor_wh", "held", "shown", "floor"),
    [
        pytest.param(None, 70.0, None, None, id="none named"),
        pytest.param(-12_000.0, 70.0, None, 50.0, id="20 points below what it held"),
        pytest.param(6_000.0, 30.0, None, 40.0, id="above what it held"),
        pytest.param(-12_000.0, None, None, 100.0, id="not known from where"),
        pytest.param(None, None, 25.0, 25.0, id="shown"),
        pytest.param(-12_000.0, 70.0, 55.0, 55.0, id="the higher of two"),
        pytest.param(90_000.0, 70.0, None, 100.0, id="never above full"),
    ],
)
def test_the_floor_of_the_vehicle_itself(
    v2x_floor_wh: float | None,
    held: float | None,
    shown: float | None,
    floor: float | None,
) -> None:
    found = vehicle_floor_percent(_session(v2x_floor_wh, held, shown), 60_000.0)
    assert found == (None if floor is None else pytest.approx(floor))


@given(
    st.floats(0, 100),
    st.floats(0, 100),
    st.none() | st.floats(0, 100),
    st.floats(0, 100),
    st.floats(0, 100),
)
def test_the_highest_floor_holds(
    reserve: float, vpp: float, own: float | None, granted: float, soc: float
) -> None:
    verdict = _step(
        SocGuard(),
        soc,
        policy=replace(POLICY, reserve_percent=reserve, vpp_reserve_percent=vpp),
        floors=OtherFloors(vehicle_percent=own, granted_percent=granted),
    )
    is_free = not (verdict.is_at_vpp_floor or verdict.is_at_vehicle_floor)
    highest = max(reserve, vpp, granted, -1.0 if own is None else own)
    assert is_free is (soc - 0.5 > highest)
    # What is granted to a programme is no floor of the owner.
    assert verdict.is_at_reserve is (soc - 0.5 <= reserve)
