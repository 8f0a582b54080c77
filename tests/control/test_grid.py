"""Riding through, ceasing and entering service again, by the profile of the region."""

from dataclasses import replace
from math import nan

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.grid import (
    GridCause,
    GridMemory,
    GridObserved,
    GridState,
    GridVerdict,
    GridWatch,
)
from custom_components.v2g_vpp.domain.grid_profile import (
    EN50549_50HZ,
    IEEE1547_CAT3_60HZ,
    UNSPECIFIED,
    GridProfile,
)

US = IEEE1547_CAT3_60HZ
EU = EN50549_50HZ
SOUND = GridObserved(frequency_hz=60.0, voltage_v=240.0)
ISLAND = GridObserved(frequency_hz=60.0, voltage_v=240.0, is_islanded=True)
MOST_WAIT_S = 600


def at_hz(frequency_hz: float | None) -> GridObserved:
    return GridObserved(frequency_hz=frequency_hz, voltage_v=240.0)


def held(
    watch: GridWatch,
    observed: GridObserved,
    profile: GridProfile = US,
    *,
    start_s: float = 0.0,
    seconds: float = 0.0,
) -> GridVerdict:
    """Return the verdict after the grid was so for some seconds, looked at each one."""
    verdict = watch.step(observed, profile, start_s)
    for second in range(1, int(seconds) + 1):
        verdict = watch.step(observed, profile, start_s + second)
    return verdict


def test_a_sound_grid_leaves_all() -> None:
    verdict = held(GridWatch(), SOUND, seconds=3)
    assert verdict == GridVerdict()
    assert verdict.may_begin


def test_a_grid_that_tells_nothing_is_left_to_the_inverter() -> None:
    assert held(GridWatch(), GridObserved(), seconds=900) == GridVerdict()


def test_under_frequency_cuts_charging_first_and_discharge_at_the_must_trip() -> None:
    watch = GridWatch()
    verdict = held(watch, at_hz(58.4), seconds=299)
    assert verdict.state is GridState.DISTURBED
    assert (verdict.charge_share, verdict.discharge_share) == (0.0, 1.0)
    assert not verdict.may_begin, "a refusal comes before a stop"
    verdict = watch.step(at_hz(58.4), US, 300.0)
    assert (verdict.state, verdict.cause) == (
        GridState.CEASED,
        GridCause.UNDER_FREQUENCY,
    )
    assert (verdict.charge_share, verdict.discharge_share) == (0.0, 0.0)


def test_over_frequency_cuts_discharge_and_leaves_charging() -> None:
    watch = GridWatch()
    verdict = held(watch, at_hz(61.3), seconds=299)
    assert (verdict.charge_share, verdict.discharge_share) == (1.0, 1.0)
    verdict = watch.step(at_hz(61.3), US, 300.0)
    assert verdict.cause is GridCause.OVER_FREQUENCY
    assert (verdict.charge_share, verdict.discharge_share) == (1.0, 0.0)


def test_a_frequency_that_is_too_high_frees_no_load_of_a_lost_grid() -> None:
    watch = GridWatch()
    watch.step(ISLAND, US, 0.0)
    verdict = held(watch, at_hz(62.5), start_s=1.0, seconds=5)
    assert verdict.state is GridState.CEASED
    assert verdict.charge_share == 0.0
    assert held(watch, SOUND, start_s=7.0, seconds=100).charge_share == 0.0


@pytest.mark.parametrize("frequency_hz", [58.6, 59.0, 60.5, 61.2])
def test_the_ride_through_region_never_stops_a_discharge(frequency_hz: float) -> None:
    verdict = held(GridWatch(), at_hz(frequency_hz), seconds=2000)
    assert verdict.discharge_share == 1.0
    assert verdict.state is GridState.DISTURBED


@pytest.mark.parametrize("frequency_hz", [56.4, 62.1])
def test_the_outer_thresholds_trip_at_the_next_look(frequency_hz: float) -> None:
    watch = GridWatch()
    assert watch.step(at_hz(frequency_hz), US, 0.0).discharge_share == 1.0
    assert watch.step(at_hz(frequency_hz), US, 0.15).discharge_share == 1.0
    assert watch.step(at_hz(frequency_hz), US, 0.16).discharge_share == 0.0


def test_a_disturbance_that_ends_before_its_time_leaves_no_trace() -> None:
    watch = GridWatch()
    held(watch, at_hz(58.4), seconds=299)
    assert watch.step(SOUND, US, 299.5) == GridVerdict()
    assert held(watch, at_hz(58.4), start_s=300.0, seconds=299).discharge_share == 1.0


@pytest.mark.parametrize("profile", [US, EU, UNSPECIFIED])
@pytest.mark.parametrize("frequency_hz", [46.9, 63.1, 0.0, nan])
def test_an_implausible_frequency_is_0_w_at_once(
    profile: GridProfile, frequency_hz: float
) -> None:
    verdict = GridWatch().step(at_hz(frequency_hz), profile, 0.0)
    assert verdict.cause is GridCause.IMPLAUSIBLE
    assert (verdict.charge_share, verdict.discharge_share) == (0.0, 0.0)


def test_silence_ends_no_disturbance() -> None:
    watch = GridWatch()
    held(watch, at_hz(58.4), seconds=100)
    silent = GridObserved(is_silent=True)
    assert held(watch, silent, start_s=101.0, seconds=198).discharge_share == 1.0
    assert watch.step(silent, US, 300.0).cause is GridCause.UNDER_FREQUENCY


def test_what_nobody_measures_at_rest_does_not_hold_for_ever() -> None:
    watch = GridWatch()
    held(watch, at_hz(58.4), seconds=300)
    # Its transaction ended, so its meter rests.
    verdict = held(watch, GridObserved(), start_s=301.0, seconds=610)
    assert verdict == GridVerdict()


def test_service_is_entered_after_the_delay_and_over_the_ramp() -> None:
    watch = GridWatch()
    held(watch, ISLAND, seconds=1)
    verdict = held(watch, SOUND, start_s=2.0, seconds=298)
    assert (verdict.state, verdict.discharge_share) == (GridState.WAITING, 0.0)
    assert verdict.wait_s == 1.0
    assert watch.step(SOUND, US, 301.0).discharge_share == 0.0
    verdict = watch.step(SOUND, US, 302.0)
    assert verdict.state is GridState.ENTERING
    assert verdict.discharge_share == pytest.approx(1.0 / 300.0)
    assert verdict.charge_share == verdict.discharge_share
    assert verdict.may_begin
    verdict = held(watch, SOUND, start_s=303.0, seconds=148)
    assert verdict.discharge_share == pytest.approx(0.5)
    assert held(watch, SOUND, start_s=452.0, seconds=149) == GridVerdict()


def test_the_delay_begins_anew_when_the_grid_leaves_the_window() -> None:
    watch = GridWatch()
    held(watch, ISLAND)
    held(watch, SOUND, start_s=1.0, seconds=298)
    assert watch.step(at_hz(59.4), US, 300.0).wait_s == 300.0
    assert held(watch, SOUND, start_s=301.0, seconds=298).state is GridState.WAITING
    assert watch.step(at_hz(60.2), US, 600.0).wait_s == 300.0


def test_a_sagging_voltage_holds_the_delay() -> None:
    watch = GridWatch()
    held(watch, SOUND)
    held(watch, ISLAND, start_s=1.0)
    low = replace(SOUND, voltage_v=240.0 * 0.91)
    assert held(watch, low, start_s=2.0, seconds=900).wait_s == 300.0


def test_the_ramp_rests_while_the_grid_is_disturbed() -> None:
    watch = GridWatch()
    held(watch, ISLAND)
    before = held(watch, SOUND, start_s=1.0, seconds=400)
    assert before.state is GridState.ENTERING
    after = held(watch, at_hz(59.4), start_s=402.0, seconds=50)
    assert after.discharge_share == before.discharge_share


def test_time_that_nobody_watched_is_not_waited() -> None:
    watch = GridWatch()
    watch.step(ISLAND, US, 0.0)
    assert watch.step(SOUND, US, 5_000.0).wait_s == 290.0


def test_silence_is_not_waited() -> None:
    watch = GridWatch()
    watch.step(ISLAND, US, 0.0)
    silent = GridObserved(is_silent=True)
    assert held(watch, silent, start_s=1.0, seconds=900).wait_s == 300.0


def test_a_lost_voltage_is_a_lost_grid() -> None:
    watch = GridWatch()
    on = GridObserved(voltage_v=231.0, is_power_wanted=True)
    held(watch, on, EU, seconds=5)
    verdict = watch.step(replace(on, voltage_v=20.0), EU, 6.0)
    assert verdict.is_mains_lost
    assert verdict.discharge_share == verdict.charge_share == 0.0


def test_a_contactor_that_is_still_open_is_no_lost_grid() -> None:
    watch = GridWatch()
    resting = GridObserved(voltage_v=0.0)
    assert held(watch, resting, EU, seconds=5) == GridVerdict()
    wanted = replace(resting, is_power_wanted=True)
    verdict = held(watch, wanted, EU, start_s=6.0, seconds=60)
    assert verdict.cause is None
    on = replace(wanted, voltage_v=230.0)
    assert held(watch, on, EU, start_s=67.0, seconds=3) == GridVerdict()


def test_a_station_that_lost_its_power_waits_as_after_a_trip() -> None:
    watch = GridWatch()
    lost = replace(SOUND, has_lost_power=True)
    assert watch.step(lost, US, 0.0).is_mains_lost
    verdict = watch.step(SOUND, US, 1.0)
    assert verdict.state is GridState.WAITING
    assert verdict.charge_share == 1.0, "a load has nothing to wait for"


def test_a_deep_sag_is_not_taken_for_a_grid_of_a_lower_voltage() -> None:
    watch = GridWatch()
    held(watch, SOUND, seconds=5)
    watch.step(ISLAND, US, 6.0)
    sagged = replace(SOUND, voltage_v=208.0)
    assert held(watch, sagged, start_s=7.0, seconds=400).wait_s == 300.0
    fresh = GridWatch()
    watch_208 = replace(SOUND, voltage_v=208.0)
    held(fresh, watch_208, seconds=5)
    fresh.step(ISLAND, US, 6.0)
    assert held(fresh, watch_208, start_s=7.0, seconds=299).state is GridState.WAITING
    assert held(fresh, watch_208, start_s=307.0, seconds=2).state is GridState.ENTERING


def test_a_restart_does_not_shorten_the_delay() -> None:
    watch = GridWatch()
    assert watch.dump() is None
    watch.step(ISLAND, US, 0.0)
    held(watch, SOUND, start_s=1.0, seconds=200)
    kept = watch.dump()
    assert kept is not None
    again = GridWatch()
    again.restore(kept)
    verdict = again.step(SOUND, US, 90_000.0)
    assert verdict.wait_s == 99.0
    assert verdict.state is GridState.WAITING


def test_a_restart_does_not_forget_the_voltage_of_the_grid() -> None:
    watch = GridWatch()
    held(watch, SOUND, seconds=3)
    watch.step(ISLAND, US, 4.0)
    kept, again = watch.dump(), GridWatch()
    assert kept is not None
    again.restore(kept)
    sagged = replace(SOUND, voltage_v=0.9 * 240.0)
    assert held(again, sagged, seconds=400).wait_s == 300.0, "not 208 V"


@pytest.mark.parametrize(
    ("steady_s", "ramped_s", "nominal_v"),
    [(nan, 0.0, None), (0.0, -1.0, None), (0.0, 0.0, nan)],
)
def test_a_torn_record_is_refused(
    steady_s: float, ramped_s: float, nominal_v: float | None
) -> None:
    with pytest.raises(ValueError):
        GridMemory(
            cause=GridCause.MAINS_LOST,
            steady_s=steady_s,
            ramped_s=ramped_s,
            nominal_v=nominal_v,
        )


def test_a_region_without_a_ramp_is_back_at_once() -> None:
    profile = replace(US, enter_ramp_s=0.0)
    watch = GridWatch()
    watch.step(ISLAND, profile, 0.0)
    verdict = held(watch, SOUND, profile, start_s=1.0, seconds=298)
    assert verdict.discharge_share == 0.0
    assert held(watch, SOUND, profile, start_s=300.0, seconds=1) == GridVerdict()


GRIDS = st.builds(
    GridObserved,
    frequency_hz=st.one_of(
        st.none(), st.floats(40.0, 70.0), st.sampled_from([50.0, 60.0, nan])
    ),
    voltage_v=st.one_of(st.none(), st.floats(0.0, 300.0)),
    is_islanded=st.booleans(),
    has_lost_power=st.booleans(),
    is_power_wanted=st.booleans(),
    is_silent=st.booleans(),
)
STEPS = st.lists(st.tuples(GRIDS, st.floats(-5.0, 400.0)), max_size=30)


@given(STEPS, st.sampled_from([US, EU, UNSPECIFIED]))
def test_laws_of_any_grid(
    steps: list[tuple[GridObserved, float]], profile: GridProfile
) -> None:
    watch, now_s = GridWatch(), 0.0
    for observed, elapsed_s in steps:
        now_s += elapsed_s
        verdict = watch.step(observed, profile, now_s)
        assert 0.0 <= verdict.discharge_share <= 1.0
        assert 0.0 <= verdict.charge_share <= 1.0
        assert 0.0 <= verdict.wait_s <= profile.enter_delay_s
        assert (verdict.cause is None) == (
            verdict.state in (GridState.IN_SERVICE, GridState.DISTURBED)
        )
        if verdict.is_out_of_service:
            assert verdict.discharge_share == 0.0
        if observed.is_islanded:
            assert verdict.is_mains_lost
            assert verdict.charge_share == 0.0
        if observed.has_lost_power:
            assert verdict.state is GridState.CEASED
        hz = observed.frequency_hz
        if hz is not None and not 47.0 <= hz <= 63.0:
            assert verdict.discharge_share == verdict.charge_share == 0.0


@given(STEPS, st.lists(st.integers(0, 29), max_size=5))
def test_no_restart_ever_shortens_the_way_back(
    steps: list[tuple[GridObserved, float]], restarts: list[int]
) -> None:
    """After any trip the delay is waited in full, however often it is restarted."""
    watch, now_s, waited_s = GridWatch(), 0.0, float("inf")
    for index, (observed, elapsed_s) in enumerate(steps):
        if index in restarts:
            kept, watch = watch.dump(), GridWatch()
            if kept is not None:
                watch.restore(kept)
        now_s += elapsed_s
        before = watch.dump() is not None
        verdict = watch.step(observed, US, now_s)
        if verdict.state is GridState.CEASED:
            waited_s = 0.0
        elif before:
            waited_s += max(0.0, elapsed_s)
        if verdict.discharge_share > 0.0:
            assert waited_s >= US.enter_delay_s
