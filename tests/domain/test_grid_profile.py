"""The profiles of the regions are sound, and a contradictory one is refused."""

from dataclasses import replace
from math import nan
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.grid_profile import (
    EN50549_50HZ,
    GRID_PROFILES,
    IEEE1547_CAT3_60HZ,
    UNSPECIFIED,
    GridProfile,
    TripPoint,
    is_plausible_hz,
)


def test_each_profile_has_its_name() -> None:
    assert set(GRID_PROFILES) == {"unspecified", "ieee1547_cat3_60hz", "en50549_50hz"}
    assert all(GRID_PROFILES[name].profile_id == name for name in GRID_PROFILES)


@pytest.mark.parametrize("profile", [EN50549_50HZ, IEEE1547_CAT3_60HZ])
def test_the_nominal_grid_is_inside_every_limit(profile: GridProfile) -> None:
    assert profile.is_in_window(profile.nominal_hz, 1.0)
    assert profile.charge_cut_hz < profile.enter_low_hz
    assert profile.nominal_hz is not None
    lowest = max(point.frequency_hz for point in profile.under)
    highest = min(point.frequency_hz for point in profile.over)
    assert lowest < profile.charge_cut_hz, "charging is cut before the trip"
    assert lowest < profile.enter_low_hz < profile.enter_high_hz < highest


def test_the_window_is_closed_at_both_ends() -> None:
    profile = IEEE1547_CAT3_60HZ
    assert profile.is_in_window(59.5, 0.917)
    assert profile.is_in_window(60.1, 1.05)
    assert not profile.is_in_window(59.49, 1.0)
    assert not profile.is_in_window(60.11, 1.0)
    assert not profile.is_in_window(60.0, 0.916)
    assert not profile.is_in_window(60.0, 1.051)
    assert profile.is_in_window(None, None), "what is not told is no fault"


@pytest.mark.parametrize(
    "changes",
    [
        {"under": (TripPoint(frequency_hz=61.0, after_s=1.0),)},
        {"over": (TripPoint(frequency_hz=59.0, after_s=1.0),)},
        {"over": (TripPoint(frequency_hz=64.0, after_s=1.0),)},
        {"under": (TripPoint(frequency_hz=46.0, after_s=1.0),)},
        {"under": (TripPoint(frequency_hz=58.0, after_s=-1.0),)},
        {"enter_low_hz": 60.1},
        {"enter_delay_s": nan},
        {"enter_ramp_s": -1.0},
        {"droop": 0.0},
        {"nominal_hz": nan},
    ],
)
def test_what_no_grid_has_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        replace(IEEE1547_CAT3_60HZ, **changes)


@pytest.mark.parametrize(
    ("frequency_hz", "is_plausible"),
    [(47.0, True), (63.0, True), (46.99, False), (63.01, False), (0.0, False)],
)
def test_a_frequency_is_plausible_from_47_to_63_hz(
    frequency_hz: float, is_plausible: bool
) -> None:
    assert is_plausible_hz(frequency_hz) is is_plausible


def test_nan_is_no_frequency() -> None:
    assert not is_plausible_hz(nan)
    assert not UNSPECIFIED.is_in_window(nan, 1.0)
