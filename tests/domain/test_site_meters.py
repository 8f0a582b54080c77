"""Meters of the home: how long they count, and on which phases an EVSE does."""

from datetime import UTC, datetime
from itertools import product

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.measurement import (
    LONGEST_STALE_AFTER_S,
    SHORTEST_STALE_AFTER_S,
    Reading,
)
from custom_components.v2g_vpp.domain.site_meters import (
    UNKNOWN_PHASES,
    Meter,
    PhaseMap,
    SiteMeter,
    SiteMeters,
    SiteWiring,
)

AT = datetime(2026, 1, 15, 12, tzinfo=UTC)
KEY = EvseKey(StationId("CS1"), 1)
THREE = (SiteMeter.GRID_L1, SiteMeter.GRID_L2, SiteMeter.GRID_L3)


def reading(value: float, mono_s: float) -> Reading:
    return Reading(value=value, received_mono_s=mono_s, taken_at=AT)


def reporting(period_s: float, count: int = 40) -> tuple[Meter, float]:
    """Return a meter that reported in equal periods, and when it did so last."""
    meter = Meter()
    for number in range(count):
        meter = meter.updated_by(reading(1.0, number * period_s))
    return meter, (count - 1) * period_s


@pytest.mark.parametrize(
    ("period_s", "stale_after_s"), [(1.0, 10.0), (5.0, 15.0), (8.0, 24.0), (60.0, 30.0)]
)
def test_a_meter_is_stale_after_three_of_its_own_periods(
    period_s: float, stale_after_s: float
) -> None:
    meter, last_s = reporting(period_s)
    assert meter.value(last_s + stale_after_s - 0.1) == 1.0
    assert meter.value(last_s + stale_after_s + 0.1) is None


@given(st.lists(st.floats(0, 1_000), max_size=20), st.floats(0, 1_000))
def test_no_history_makes_a_meter_count_too_long_or_too_short(
    gaps_s: list[float], age_s: float
) -> None:
    meter, now_s = Meter(reading=reading(1.0, 0.0)), 0.0
    for gap_s in gaps_s:
        now_s += gap_s
        meter = meter.updated_by(reading(1.0, now_s))
    value = meter.value(now_s + age_s)
    if age_s < SHORTEST_STALE_AFTER_S - 0.01:
        assert value == 1.0
    if age_s > LONGEST_STALE_AFTER_S + 0.01:
        assert value is None


def test_an_unavailable_meter_is_stale_at_once_and_back_with_its_next_report() -> None:
    meter, last_s = reporting(1.0)
    silent = meter.updated_by(None)
    assert silent.value(last_s) is None
    assert silent.updated_by(reading(2.0, last_s + 100)).value(last_s + 100) == 2.0


def test_a_report_that_arrives_late_changes_nothing() -> None:
    meter, last_s = reporting(1.0)
    assert meter.updated_by(reading(5.0, last_s - 3.0)) == meter
    assert meter.updated_by(reading(5.0, last_s)).value(last_s) == 5.0


def test_a_reading_from_the_future_does_not_count() -> None:
    assert Meter(reading=reading(1.0, 100.0)).value(99.0) is None


def test_a_meter_that_the_home_lacks_is_not_a_silent_one() -> None:
    lacking = SiteMeters().kept([SiteMeter.GRID])
    assert not lacking.is_fresh(0.0)
    heard = lacking.updated_by(SiteMeter.GRID, reading(700.0, 0.0))
    assert heard.is_fresh(0.0)
    assert heard.updated_by(SiteMeter.SOLAR, reading(1.0, 0.0)) == heard
    with_solar = heard.kept([SiteMeter.GRID, SiteMeter.SOLAR])
    assert with_solar.grid_w(0.0) == 700.0
    assert not with_solar.is_fresh(0.0)


def test_a_battery_whose_state_of_charge_is_unknown_does_not_silence_the_home() -> None:
    meters = SiteMeters().kept([SiteMeter.GRID, SiteMeter.BATTERY_SOC])
    assert meters.updated_by(SiteMeter.GRID, reading(0.0, 0.0)).is_fresh(0.0)


def test_without_a_total_the_phases_add_up_and_one_silent_phase_hides_the_sum() -> None:
    meters = SiteMeters().kept(THREE)
    for meter, power_w in zip(THREE, (100.0, -300.0, 500.0), strict=True):
        assert meters.grid_w(0.0) is None
        meters = meters.updated_by(meter, reading(power_w, 0.0))
    assert meters.has_grid
    assert meters.grid_w(0.0) == 300.0
    assert meters.phase_powers_w(0.0) == (100.0, -300.0, 500.0)
    silent = meters.updated_by(SiteMeter.GRID_L2, None)
    assert silent.grid_w(0.0) is None
    assert silent.phase_powers_w(0.0) is None


def test_a_home_without_a_meter_of_the_grid_knows_nothing_of_it() -> None:
    meters = SiteMeters().kept([SiteMeter.SOLAR])
    assert not meters.has_grid
    assert meters.grid_w(0.0) is None
    assert SiteMeters().phase_powers_w(0.0) is None


@pytest.mark.parametrize("phases", [(1, 2, 3), (3, 1, 2), (2,), (1, 3)])
def test_a_known_evse_counts_on_its_phases_with_its_power_once(
    phases: tuple[int, ...],
) -> None:
    shares = [PhaseMap(phases=phases).share_of(phase, 3) for phase in (1, 2, 3)]
    assert sum(shares) == pytest.approx(1.0)
    assert [share > 0 for share in shares] == [p in phases for p in (1, 2, 3)]


def test_an_evse_of_unknown_phases_counts_on_each_with_all_of_its_power() -> None:
    assert [UNKNOWN_PHASES.share_of(phase, 3) for phase in (1, 2, 3)] == [1.0] * 3


def test_in_a_home_of_one_phase_everything_is_on_it() -> None:
    for phase_map in (UNKNOWN_PHASES, PhaseMap(phases=(2,))):
        assert phase_map.share_of(1, 1) == 1.0


def test_the_fuse_carries_its_current_at_the_nominal_voltage() -> None:
    wiring = SiteWiring(fuse_a=25.0, phase_maps={KEY: PhaseMap(phases=(2,))})
    assert wiring.fuse_w == 5_750.0
    assert SiteWiring().fuse_w is None
    assert wiring.phase_map(KEY).phases == (2,)
    assert wiring.phase_map(EvseKey(StationId("CS2"), 1)) is UNKNOWN_PHASES
    assert list(wiring.phases) == [1, 2, 3]


def test_every_meter_has_its_place() -> None:
    meters = SiteMeters().kept(SiteMeter)
    for meter, other in product(SiteMeter, SiteMeter):
        changed = meters.updated_by(meter, reading(1.0, 0.0)).meter(other)
        assert changed is not None
        assert (changed.reading is not None) is (meter is other)
