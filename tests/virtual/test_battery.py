"""The laws of battery, contactor and the path between them."""

from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.domain.units import SECONDS_PER_HOUR, NotFiniteError
from custom_components.v2g_vpp.virtual.battery import Battery, BatteryParameters
from custom_components.v2g_vpp.virtual.contactor import Contactor
from custom_components.v2g_vpp.virtual.plant import IDEAL, TYPICAL
from custom_components.v2g_vpp.virtual.power_path import PowerPath

SMALL = BatteryParameters(capacity_wh=100.0)


@given(
    st.floats(5, 95),
    st.lists(st.tuples(st.floats(-11_000, 11_000), st.floats(0, 60)), max_size=12),
)
def test_energy_at_the_meter_and_in_the_cells_agree(
    soc_percent: float, plan: list[tuple[float, float]]
) -> None:
    path = PowerPath(TYPICAL, BatteryParameters(), soc_percent)
    before_wh = path.battery.stored_wh
    path.close()
    for command_w, duration_s in plan:
        path.step(duration_s, command_w)
    expected_wh = path.energy_import_wh * 0.95 - path.energy_export_wh / 0.95
    assert path.battery.stored_wh - before_wh == pytest.approx(expected_wh, abs=1e-6)


@given(st.floats(0.0, 100.0), st.sampled_from([-11_000.0, 11_000.0]))
def test_soc_stops_at_the_ends(soc_percent: float, command_w: float) -> None:
    path = PowerPath(IDEAL, SMALL, soc_percent)
    path.close()
    for _ in range(1200):
        path.step(0.5, command_w)
        assert 0.0 <= path.battery.soc_percent <= 100.0
    end_percent = 0.0 if command_w < 0 else 100.0
    assert path.battery.soc_percent == pytest.approx(end_percent, abs=0.1)
    assert path.true_power_w == 0
    # What flows while the power ramps down is all that may pass the end.
    ramp_down_wh = 11_000**2 / (2 * IDEAL.ramp_w_per_s) / SECONDS_PER_HOUR
    stored_wh = path.battery.stored_wh
    one_step_wh = 11_000 * 0.5 / SECONDS_PER_HOUR
    slack_wh = (ramp_down_wh + one_step_wh) / 0.95
    assert -slack_wh <= stored_wh <= SMALL.capacity_wh + slack_wh


def test_charging_tapers_near_full_and_discharging_does_not() -> None:
    battery = Battery(BatteryParameters(), 80.0)
    assert battery.envelope(11_000, 11_000).highest_w == 11_000
    limits_w = []
    for soc_percent in (85, 90, 95, 99):
        battery.set_soc(soc_percent)
        limits_w.append(battery.envelope(11_000, 11_000).highest_w)
        assert battery.envelope(11_000, 11_000).lowest_w == -11_000
    assert limits_w == sorted(limits_w, reverse=True)
    assert limits_w[-1] == pytest.approx(11_000 * (0.15 + 0.85 / 20))


@pytest.mark.parametrize("soc_percent", [-0.1, 100.1, float("nan")])
def test_impossible_states_of_charge_are_refused(soc_percent: float) -> None:
    with pytest.raises(NotFiniteError):
        Battery(SMALL, soc_percent)
    with pytest.raises(NotFiniteError):
        Battery(SMALL, 50).set_soc(soc_percent)


def test_contactor_counts_how_it_was_opened() -> None:
    contactor = Contactor()
    contactor.open(5000.0)
    contactor.close()
    contactor.close()
    contactor.open(-5000.0)
    contactor.close()
    contactor.open(20.0)
    assert (contactor.closes, contactor.cold_opens, contactor.hot_opens) == (2, 1, 1)


def test_nothing_flows_through_an_open_contactor() -> None:
    path = PowerPath(IDEAL, BatteryParameters(), 50.0)
    path.step(10.0, -5000.0)
    assert path.true_power_w == 0
    assert path.energy_export_wh == 0
    assert path.measure().power_w == 0


def test_stop_ramps_down_without_the_dead_time_and_opens_cold() -> None:
    path = PowerPath(replace(TYPICAL, noise_w=0.0), BatteryParameters(), 50.0)
    path.close()
    path.step(10.0, -5000.0)
    assert path.true_power_w == pytest.approx(-4850)
    path.stop()
    path.step(1.0, -5000.0)
    assert path.true_power_w == pytest.approx(-4850 + 3300)
    path.step(0.6, -5000.0)
    assert not path.contactor.is_closed
    assert path.true_power_w == 0
    assert (path.contactor.cold_opens, path.contactor.hot_opens) == (1, 0)
    path.close()
    path.step(10.0, -5000.0)
    assert path.true_power_w == pytest.approx(-4850)


def test_opening_under_load_is_hot_and_immediate() -> None:
    path = PowerPath(IDEAL, BatteryParameters(), 50.0)
    path.close()
    path.step(10.0, -5000.0)
    path.open_now()
    assert path.true_power_w == 0
    assert path.contactor.hot_opens == 1


def test_stop_with_an_offset_at_zero_still_opens() -> None:
    spec = replace(TYPICAL, offset_zero_w=420.0)
    path = PowerPath(spec, BatteryParameters(), 50.0)
    path.close()
    path.step(10.0, 0.0)
    assert path.true_power_w == 420
    path.stop()
    path.step(0.1, 0.0)
    assert not path.contactor.is_closed
