"""The frozen picture of the home and how things are found in it."""

from dataclasses import replace
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.domain.dispatch import LinkState
from custom_components.v2g_vpp.domain.ids import (
    EvseKey,
    ProgrammeId,
    StationId,
    VehicleId,
)
from custom_components.v2g_vpp.domain.policy import (
    StationLimits,
    VehiclePolicy,
    VehicleSpec,
)
from custom_components.v2g_vpp.domain.snapshot import (
    FloorKind,
    ProgrammeSnapshot,
    SiteSnapshot,
    StationSnapshot,
    VehicleSnapshot,
)
from custom_components.v2g_vpp.site.picture import draw
from custom_components.v2g_vpp.site.registry import Registry
from tests.control.given import AT

STATION = StationSnapshot(
    station_id=StationId("CS1"),
    is_connected=True,
    is_ready=True,
    protocol="ocpp2.1",
    vendor="",
    model="",
    serial_number=None,
    firmware="",
    capability=None,
    has_floor_profile=True,
)
PROGRAMME = ProgrammeSnapshot(
    programme_id=ProgrammeId("p"),
    link=LinkState.HEALTHY,
    is_participating=True,
    order=None,
    delivered_discharge_wh=0.0,
)


def _vehicle(
    soc_percent: float | None, reserve: float = 30.0, vpp_reserve: float = 50.0
) -> VehicleSnapshot:
    return VehicleSnapshot(
        spec=VehicleSpec(vehicle_id=VehicleId("ev"), name="EV", capacity_wh=60_000.0),
        policy=VehiclePolicy(reserve_percent=reserve, vpp_reserve_percent=vpp_reserve),
        evse=None,
        soc_percent=soc_percent,
        is_v2g_capable=None,
    )


def test_everything_is_found_by_its_id_and_nothing_by_another() -> None:
    vehicle = _vehicle(70.0)
    site = SiteSnapshot(
        stations=(STATION,), vehicles=(vehicle,), programmes=(PROGRAMME,)
    )
    assert site.station(StationId("CS1")) is STATION
    assert site.station(StationId("CS2")) is None
    assert site.vehicle(VehicleId("ev")) is vehicle
    assert site.vehicle(VehicleId("other")) is None
    assert site.programme(ProgrammeId("p")) is PROGRAMME
    assert site.programme(ProgrammeId("q")) is None
    assert site.evse(EvseKey(StationId("CS1"), 1)) is None


@pytest.mark.parametrize(
    ("soc", "expected_wh"), [(70.0, 12_000.0), (50.0, 0.0), (20.0, 0.0), (None, None)]
)
def test_energy_above_the_higher_floor(
    soc: float | None, expected_wh: float | None
) -> None:
    assert _vehicle(soc).energy_above_floor_wh() == expected_wh
    assert _vehicle(soc, 50.0, 30.0).energy_above_floor_wh() == expected_wh


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0, 100))
def test_energy_above_the_floor_is_never_negative(
    soc: float, reserve: float, vpp_reserve: float
) -> None:
    above_wh = _vehicle(soc, reserve, vpp_reserve).energy_above_floor_wh()
    assert above_wh is not None
    assert 0.0 <= above_wh <= 60_000.0


def test_a_plugged_vehicle_counts_what_it_has_at_least() -> None:
    vehicle = replace(_vehicle(70.0), lowest_percent=65.0)
    assert vehicle.energy_above_floor_wh() == pytest.approx(9_000.0)
    assert vehicle.soc_uncertainty_percent() == 5.0
    assert _vehicle(70.0).soc_uncertainty_percent() is None
    # One that reports less than was counted: its word counts.
    assert replace(vehicle, soc_percent=60.0).soc_uncertainty_percent() == 0.0


@pytest.mark.parametrize(
    ("changes", "kind", "floor"),
    [
        ({}, FloorKind.VPP, 50.0),
        ({"trip_floor_percent": 55.0}, FloorKind.TRIP, 55.0),
        ({"own_floor_percent": 60.0}, FloorKind.VEHICLE, 60.0),
        (
            {"policy": VehiclePolicy(reserve_percent=70.0)},
            FloorKind.RESERVE,
            70.0,
        ),
    ],
)
def test_the_highest_floor_is_named(
    changes: dict[str, Any], kind: FloorKind, floor: float
) -> None:
    assert replace(_vehicle(70.0), **changes).active_floor() == (kind, floor)


@pytest.mark.parametrize(
    ("soc", "cycled_wh", "left_wh", "deliverable_wh"),
    [
        pytest.param(70.0, 0.0, 6_000.0, 6_000.0, id="the budget binds"),
        pytest.param(55.0, 0.0, 6_000.0, 3_000.0, id="the floor binds"),
        pytest.param(70.0, 5_500.0, 500.0, 500.0, id="nearly spent"),
        pytest.param(70.0, 6_100.0, 0.0, 0.0, id="overspent"),
        pytest.param(None, 0.0, 6_000.0, 0.0, id="charge unknown"),
    ],
)
def test_what_a_dispatch_may_take(
    soc: float | None, cycled_wh: float, left_wh: float, deliverable_wh: float
) -> None:
    vehicle = replace(_vehicle(soc), cycled_wh=cycled_wh)
    assert vehicle.cycle_left_wh() == pytest.approx(left_wh)
    assert vehicle.deliverable_wh() == pytest.approx(deliverable_wh)


def test_equal_moments_give_equal_pictures() -> None:
    assert SiteSnapshot(stations=(STATION,)) == SiteSnapshot(stations=(STATION,))


def _home(count: int) -> SiteSnapshot:
    registry = Registry()
    for number in range(count):
        station_id = StationId(f"CS{number}")
        registry.add_station(station_id, StationLimits())
        for evse_id in (1, 2):
            registry.ensure_evse(EvseKey(station_id, evse_id))
    return draw(
        SiteSnapshot(),
        registry,
        now_mono_s=0.0,
        now_at=AT,
        is_store_readable=True,
        is_host_late=False,
    )


def test_each_evse_is_found_by_its_key_and_by_its_station() -> None:
    home = _home(3)
    for part in home.evses:
        assert home.evse(part.key) is part
    for station in home.stations:
        assert home.station(station.station_id) is station
        assert home.evses_of(station.station_id) == tuple(
            part for part in home.evses if part.key.station_id == station.station_id
        )
    assert home.evses_of(StationId("other")) == ()


def test_a_changed_picture_shows_what_it_holds_not_what_was_found_before() -> None:
    home = _home(2)
    first = home.evses[0]
    assert home.evse(first.key) is first
    changed = replace(home, evses=home.evses[1:])
    assert changed.evse(first.key) is None
    assert home.evse(first.key) is first


def test_looking_something_up_makes_no_other_picture() -> None:
    one, other = _home(2), _home(2)
    assert one.evse(one.evses[0].key) is not None
    assert one == other
    assert repr(one) == repr(other)
