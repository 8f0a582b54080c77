"""What a share costs: wear, urgency, switching, and how long energy lasts."""

from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.allocation import START_CENTS, STOP_CENTS
from custom_components.v2g_vpp.control.share_cost import (
    SETTLED_AFTER_S,
    UNSETTLED_FACTOR,
    URGENT_CENTS_PER_KWH,
    ShareMemory,
    discharge_cents_per_kwh,
    lasting_power_w,
    urgency_cents_per_kwh,
)
from custom_components.v2g_vpp.domain.chemistry import Chemistry
from custom_components.v2g_vpp.domain.units import energy_wh
from tests.control.given import NOW, VEHICLE


def test_a_switch_costs_more_until_it_has_settled() -> None:
    memory = ShareMemory()
    assert memory.switch_cents(is_running=False, now_mono_s=NOW) == START_CENTS
    memory.note(is_on=True, now_mono_s=NOW)
    for later_s, factor in ((1.0, UNSETTLED_FACTOR), (SETTLED_AFTER_S, 1.0)):
        cents = memory.switch_cents(is_running=True, now_mono_s=NOW + later_s)
        assert cents == STOP_CENTS * factor
    # To go on is no switch.
    memory.note(is_on=True, now_mono_s=NOW + SETTLED_AFTER_S)
    later = NOW + SETTLED_AFTER_S + 1.0
    assert memory.switch_cents(is_running=True, now_mono_s=later) == STOP_CENTS
    memory.note(is_on=False, now_mono_s=later)
    cents = memory.switch_cents(is_running=False, now_mono_s=later + 1.0)
    assert cents == START_CENTS * UNSETTLED_FACTOR


def test_a_clock_that_went_back_holds_nobody() -> None:
    memory = ShareMemory()
    memory.note(is_on=True, now_mono_s=NOW)
    assert memory.switch_cents(is_running=True, now_mono_s=NOW - 50) == STOP_CENTS


def test_what_hardly_moves_is_the_same() -> None:
    memory, vehicle = ShareMemory(), replace(VEHICLE, chemistry=Chemistry.NCA)
    cents = [memory.discharge_cents(vehicle, percent) for percent in (80, 79, 70, 71)]
    assert cents[0] == cents[1] == discharge_cents_per_kwh(vehicle, 80)
    assert cents[2] == cents[3] == discharge_cents_per_kwh(vehicle, 70)
    assert ShareMemory().discharge_cents(None, None) == 0.0
    urgent = [memory.steady_urgency(cents) for cents in (10.0, 10.4, 10.6, 10.2)]
    assert urgent == [10.0, 10.0, 10.6, 10.6]
    powers_w = (3_000.0, 2_900.0, 2_800.0, 3_100.0)
    steady_w = [memory.steady_lasting_w(power_w) for power_w in powers_w]
    assert steady_w == [3_000.0, 3_000.0, 2_800.0, 3_100.0]


@given(st.floats(0, 100), st.floats(0, 100))
def test_what_is_deeper_in_the_battery_costs_more(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert discharge_cents_per_kwh(VEHICLE, low) >= discharge_cents_per_kwh(
        VEHICLE, high
    )
    assert discharge_cents_per_kwh(VEHICLE, None) >= discharge_cents_per_kwh(
        VEHICLE, low
    )
    assert discharge_cents_per_kwh(None, low) == 0.0


@pytest.mark.parametrize(
    ("missing_wh", "power_w", "left_s", "share"),
    [
        pytest.param(0.0, 11_000.0, 3_600.0, 0.0, id="nothing is missing"),
        pytest.param(5_500.0, 11_000.0, 3_600.0, 0.5, id="half of the time"),
        pytest.param(20_000.0, 11_000.0, 3_600.0, 1.0, id="cannot be met"),
        pytest.param(1.0, 0.0, 3_600.0, 1.0, id="cannot charge"),
        pytest.param(1.0, 11_000.0, 0.0, 1.0, id="should be gone"),
    ],
)
def test_urgency(
    missing_wh: float, power_w: float, left_s: float, share: float
) -> None:
    cents = urgency_cents_per_kwh(missing_wh, power_w, left_s)
    assert cents == pytest.approx(share * URGENT_CENTS_PER_KWH)


@given(st.floats(0, 100_000), st.floats(60, 14_400))
def test_a_power_that_lasts_takes_no_more_than_there_is(
    held_wh: float, left_s: float
) -> None:
    power_w = lasting_power_w(held_wh, left_s)
    assert energy_wh(power_w, left_s) == pytest.approx(0.95 * held_wh)
    assert lasting_power_w(-1.0, left_s) == 0.0
