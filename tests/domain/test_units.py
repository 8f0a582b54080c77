"""Unit and sign conversions."""

from math import inf, isclose, nan

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.domain.units import (
    NotFiniteError,
    clamp,
    energy_wh,
    finite,
    hertz_to_millihertz,
    import_export_from_signed,
    kilowatt_hours_to_watt_hours,
    kilowatts_to_watts,
    percent_of,
    seconds_to_milliseconds,
    share_of,
    signed_from_import_export,
    within,
)

FINITE = st.floats(-1e9, 1e9)


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_only_finite_numbers_get_in(value: float) -> None:
    with pytest.raises(NotFiniteError, match="power_w") as caught:
        finite("power_w", value)
    assert caught.value.field == "power_w"
    assert caught.value.bound == "must be a finite number"
    with pytest.raises(NotFiniteError):
        within("power_w", value, -1e12, 1e12)


@given(FINITE, FINITE, FINITE)
def test_within_takes_exactly_its_range(
    value: float, one_end: float, other_end: float
) -> None:
    lowest, highest = sorted((one_end, other_end))
    if lowest <= value <= highest:
        assert within("soc_percent", value, lowest, highest) == value
        return
    with pytest.raises(NotFiniteError, match="must be within") as caught:
        within("soc_percent", value, lowest, highest)
    assert caught.value.value == value


@given(FINITE)
def test_finite_changes_nothing(value: float) -> None:
    assert finite("power_w", value) == value


@given(FINITE, FINITE, FINITE)
def test_clamp_is_the_nearest_number_of_the_range(
    value: float, one_end: float, other_end: float
) -> None:
    lowest, highest = sorted((one_end, other_end))
    clamped = clamp(value, lowest, highest)
    assert lowest <= clamped <= highest
    assert clamped == value or clamped in (lowest, highest)
    assert clamp(clamped, lowest, highest) == clamped


@given(FINITE)
def test_import_and_export_are_inverse_to_the_sign(power_w: float) -> None:
    import_w, export_w = import_export_from_signed(power_w)
    assert import_w >= 0
    assert export_w >= 0
    assert 0.0 in (import_w, export_w)
    assert signed_from_import_export(import_w, export_w) == power_w


@given(st.floats(0, 1e9))
def test_one_direction_of_flow_survives_the_round_trip(magnitude_w: float) -> None:
    for flows in ((magnitude_w, 0.0), (0.0, magnitude_w)):
        assert import_export_from_signed(signed_from_import_export(*flows)) == flows


def test_positive_is_into_the_vehicle() -> None:
    assert signed_from_import_export(7_000.0, 0.0) == 7_000.0
    assert signed_from_import_export(0.0, 5_000.0) == -5_000.0


def test_known_conversions() -> None:
    assert kilowatts_to_watts(11.0) == 11_000.0
    assert kilowatt_hours_to_watt_hours(60.0) == 60_000.0
    assert energy_wh(-5_000.0, 1_800.0) == -2_500.0
    assert seconds_to_milliseconds(0.25) == 250.0
    assert hertz_to_millihertz(49.9876) == 49_988


@given(st.floats(0, 1_000), st.floats(1, 1e6))
def test_share_and_percent_are_inverse(percent: float, whole: float) -> None:
    assert isclose(percent_of(share_of(percent, whole), whole), percent, abs_tol=1e-9)


@given(st.floats(), st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_clamp_is_what_max_and_min_say(
    value: float, lowest: float, highest: float
) -> None:
    assert clamp(value, lowest, highest) == max(lowest, min(highest, value))
