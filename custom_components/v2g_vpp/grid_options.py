"""The grid of the home's region: what is proposed, and the numbers of another one."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.const import (
    UnitOfElectricPotential,
    UnitOfFrequency,
    UnitOfTime,
)
from homeassistant.helpers import selector
import voluptuous as vol

from .const import (
    CONF_GRID_CUSTOM,
    CONF_GRID_PROFILE,
    GRID_CUSTOM,
)
from .domain.grid_profile import (
    EN50549_50HZ,
    GRID_PROFILES,
    IEEE1547_CAT3_60HZ,
    PLAUSIBLE_HIGH_HZ,
    PLAUSIBLE_LOW_HZ,
    UNSPECIFIED,
    GridProfile,
    TripPoint,
)

_EUROPE: Final = (
    "AT BE BG CH CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT "
    "RO SE SI SK"
)
"""Where EN 50549-1 is what countries start from. Great Britain asks for other numbers."""

_COUNTRIES: Final[Mapping[str, GridProfile]] = {
    **dict.fromkeys(_EUROPE.split(), EN50549_50HZ),
    **dict.fromkeys(("US", "CA", "PR"), IEEE1547_CAT3_60HZ),
}

CONF_NOMINAL_HZ: Final = "nominal_hz"
CONF_NOMINAL_V: Final = "nominal_v"
CONF_UNDER_HZ: Final = "under_hz"
CONF_UNDER_S: Final = "under_s"
CONF_OVER_HZ: Final = "over_hz"
CONF_OVER_S: Final = "over_s"
CONF_ENTER_LOW_HZ: Final = "enter_low_hz"
CONF_ENTER_HIGH_HZ: Final = "enter_high_hz"
CONF_ENTER_DELAY_S: Final = "enter_delay_s"
CONF_ENTER_RAMP_S: Final = "enter_ramp_s"

LONGEST_S: Final = 3600
LOWEST_VOLTAGE_V: Final = 100
HIGHEST_VOLTAGE_V: Final = 480


def proposed_profile(country: str | None) -> str:
    """Return the profile that fits a country, by the code of Home Assistant."""
    return _COUNTRIES.get(country or "", UNSPECIFIED).profile_id


def profile_selector() -> selector.SelectSelector:
    """Return the choice of a region."""
    return selector.SelectSelector(
        selector.SelectSelectorConfig(
            options=[*GRID_PROFILES, GRID_CUSTOM],
            translation_key="grid_profile",
            mode=selector.SelectSelectorMode.DROPDOWN,
        )
    )


def custom_schema(shown: Mapping[str, Any]) -> vol.Schema:
    """Return the form of the numbers of another region.

    Args:
        shown: numbers to begin with; those of Europe where there are none.
    """
    profile, hertz = EN50549_50HZ, UnitOfFrequency.HERTZ
    under, over = profile.under[0], profile.over[0]
    fields: tuple[tuple[str, float | None, float, float, str], ...] = (
        (
            CONF_NOMINAL_HZ,
            profile.nominal_hz,
            PLAUSIBLE_LOW_HZ,
            PLAUSIBLE_HIGH_HZ,
            hertz,
        ),
        (
            CONF_NOMINAL_V,
            profile.nominal_voltages_v[0],
            LOWEST_VOLTAGE_V,
            HIGHEST_VOLTAGE_V,
            UnitOfElectricPotential.VOLT,
        ),
        (
            CONF_UNDER_HZ,
            under.frequency_hz,
            PLAUSIBLE_LOW_HZ,
            PLAUSIBLE_HIGH_HZ,
            hertz,
        ),
        (CONF_UNDER_S, under.after_s, 0.0, LONGEST_S, UnitOfTime.SECONDS),
        (CONF_OVER_HZ, over.frequency_hz, PLAUSIBLE_LOW_HZ, PLAUSIBLE_HIGH_HZ, hertz),
        (CONF_OVER_S, over.after_s, 0.0, LONGEST_S, UnitOfTime.SECONDS),
        (
            CONF_ENTER_LOW_HZ,
            profile.enter_low_hz,
            PLAUSIBLE_LOW_HZ,
            PLAUSIBLE_HIGH_HZ,
            hertz,
        ),
        (
            CONF_ENTER_HIGH_HZ,
            profile.enter_high_hz,
            PLAUSIBLE_LOW_HZ,
            PLAUSIBLE_HIGH_HZ,
            hertz,
        ),
        (
            CONF_ENTER_DELAY_S,
            profile.enter_delay_s,
            0.0,
            LONGEST_S,
            UnitOfTime.SECONDS,
        ),
        (CONF_ENTER_RAMP_S, profile.enter_ramp_s, 0.0, LONGEST_S, UnitOfTime.SECONDS),
    )
    return vol.Schema(
        {
            vol.Required(key, default=shown.get(key, default)): selector.NumberSelector(
                selector.NumberSelectorConfig(
                    min=lowest,
                    max=highest,
                    step="any",
                    unit_of_measurement=unit,
                    mode=selector.NumberSelectorMode.BOX,
                )
            )
            for key, default, lowest, highest, unit in fields
        }
    )


def custom_profile(numbers: Mapping[str, Any]) -> GridProfile:
    """Return the profile of another region.

    Args:
        numbers: as the form has them.

    Raises:
        ValueError: for numbers that contradict each other.
    """
    nominal_hz = float(numbers[CONF_NOMINAL_HZ])
    under_hz = float(numbers[CONF_UNDER_HZ])
    low_hz = float(numbers[CONF_ENTER_LOW_HZ])
    high_hz = float(numbers[CONF_ENTER_HIGH_HZ])
    if not low_hz <= nominal_hz <= high_hz:
        raise ValueError("the nominal frequency is not one to enter service at")
    return GridProfile(
        profile_id=GRID_CUSTOM,
        nominal_hz=nominal_hz,
        nominal_voltages_v=(float(numbers[CONF_NOMINAL_V]),),
        under=(TripPoint(frequency_hz=under_hz, after_s=float(numbers[CONF_UNDER_S])),),
        over=(
            TripPoint(
                frequency_hz=float(numbers[CONF_OVER_HZ]),
                after_s=float(numbers[CONF_OVER_S]),
            ),
        ),
        # A load leaves half the way to where generation has to.
        charge_cut_hz=(under_hz + low_hz) / 2.0,
        enter_low_hz=low_hz,
        enter_high_hz=high_hz,
        enter_delay_s=float(numbers[CONF_ENTER_DELAY_S]),
        enter_ramp_s=float(numbers[CONF_ENTER_RAMP_S]),
        deadband_hz=EN50549_50HZ.deadband_hz,
    )


def chosen_profile(data: Mapping[str, Any]) -> GridProfile:
    """Return the profile that a home is set up with.

    Args:
        data: of the entry; one of before this choice has none.
    """
    chosen = data.get(CONF_GRID_PROFILE, UNSPECIFIED.profile_id)
    if chosen == GRID_CUSTOM:
        return custom_profile(data[CONF_GRID_CUSTOM])
    return GRID_PROFILES.get(chosen, UNSPECIFIED)
