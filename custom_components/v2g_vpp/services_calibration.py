"""The actions that compare the meter of an outlet with a reference, for administrators."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from homeassistant.const import ATTR_DEVICE_ID, ATTR_UNIT_OF_MEASUREMENT, UnitOfPower
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv, service
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_conversion import PowerConverter
import voluptuous as vol

from .action_schema import action_schema
from .action_target import async_evse, wrong_target
from .const import DOMAIN
from .coordinator import V2gConfigEntry
from .domain.calibration import CalibrationProgress, CalibrationStep
from .domain.ids import EvseKey
from .domain.measurement import Reading
from .error_translation import translated_errors
from .text_keys import CALIBRATION

ATTR_REFERENCE_ENTITY: Final = "reference_entity"
ATTR_REFERENCE_POWER: Final = "reference_power"
ATTR_IS_INVERTED: Final = "is_inverted"
_REFERENCE: Final = "reference"

LARGEST_REFERENCE_W: Final = 100_000
REFERENCE_AGE_S: Final = 5.0
"""Older states of the reference are of another moment."""

LONGEST_S: Final = 120.0
"""Ten samples of a meter that reports every 10 s, and some more."""

CALIBRATE_SCHEMA: Final = action_schema(
    "calibrate",
    {
        vol.Required(ATTR_DEVICE_ID): cv.string,
        vol.Exclusive(ATTR_REFERENCE_ENTITY, _REFERENCE): cv.entity_id,
        vol.Exclusive(ATTR_REFERENCE_POWER, _REFERENCE): vol.All(
            vol.Coerce(float),
            vol.Range(min=-LARGEST_REFERENCE_W, max=LARGEST_REFERENCE_W),
        ),
        vol.Optional(ATTR_IS_INVERTED, default=False): cv.boolean,
    },
)
CLEAR_SCHEMA: Final = action_schema(
    "clear_calibration", {vol.Required(ATTR_DEVICE_ID): cv.string}
)

type _Reference = Callable[[], float | None]
"""What the reference shows now, W into the vehicle; None: nothing fresh."""


@callback
def async_setup_calibration_services(hass: HomeAssistant) -> None:
    """Register the actions."""

    async def calibrate(call: ServiceCall) -> ServiceResponse:
        entry, key = async_evse(hass, call)
        reference = _reference(hass, call)
        with translated_errors():
            progress = await _compare(entry, key, reference)
        if progress.step in CALIBRATION:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key=CALIBRATION[progress.step],
                translation_placeholders=_figures(progress),
            )
        return _answer(progress) if call.return_response else None

    async def clear_calibration(call: ServiceCall) -> None:
        entry, key = async_evse(hass, call)
        with translated_errors():
            await entry.runtime_data.site.clear_calibration(key)

    service.async_register_admin_service(
        hass,
        DOMAIN,
        "calibrate",
        calibrate,
        schema=CALIBRATE_SCHEMA,
        supports_response=SupportsResponse.OPTIONAL,
    )
    service.async_register_admin_service(
        hass, DOMAIN, "clear_calibration", clear_calibration, schema=CLEAR_SCHEMA
    )


def _reference(hass: HomeAssistant, call: ServiceCall) -> _Reference:
    """Return how the reference of a call is read."""
    entity_id = call.data.get(ATTR_REFERENCE_ENTITY)
    if entity_id is None and ATTR_REFERENCE_POWER not in call.data:
        raise wrong_target("reference_missing")
    sign = -1.0 if call.data[ATTR_IS_INVERTED] else 1.0
    if entity_id is None:
        shown_w: float = call.data[ATTR_REFERENCE_POWER]
        return lambda: sign * shown_w
    state = hass.states.get(entity_id)
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) if state else None
    if unit not in PowerConverter.VALID_UNITS:
        raise wrong_target("reference_not_power")

    def read() -> float | None:
        now = hass.states.get(entity_id)
        if now is None:
            return None
        age = dt_util.utcnow() - now.last_reported
        try:
            value = float(now.state)
        except ValueError:
            return None
        power_w = PowerConverter.convert(value, unit, UnitOfPower.WATT)
        is_usable = (
            age.total_seconds() <= REFERENCE_AGE_S
            and abs(power_w) <= LARGEST_REFERENCE_W
        )
        return sign * power_w if is_usable else None

    return read


async def _compare(
    entry: V2gConfigEntry, key: EvseKey, reference: _Reference
) -> CalibrationProgress:
    """Take a sample with each report of the outlet's meter, until a power is known."""
    site = entry.runtime_data.site
    news = asyncio.Event()
    unsubscribe = site.subscribe(lambda _: news.set())
    last: Reading | None = None
    try:
        async with asyncio.timeout(LONGEST_S):
            while True:
                news.clear()
                evse = site.snapshot.evse(key)
                reading = evse.meter_power if evse else None
                reference_w = reference()
                if reading is None or reading != last:
                    last = reading
                    if reference_w is not None:
                        progress = await site.calibrate(key, reference_w)
                        if progress.step is not CalibrationStep.HOLD_POWER:
                            return progress
                await news.wait()
    except TimeoutError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="calibration_no_samples"
        ) from err
    finally:
        unsubscribe()


def _answer(progress: CalibrationProgress) -> dict[str, Any]:
    return {
        "step": progress.step.value,
        "levels": [
            {
                "meter_power": round(raw_w, 1),
                "reference_power": round(reference_w, 1),
                "samples": samples,
            }
            for raw_w, reference_w, samples in progress.levels
        ],
        "gain": progress.gain,
        "offset": progress.offset_w,
        "residual": progress.residual_w,
    }


def _figures(progress: CalibrationProgress) -> dict[str, str]:
    """Return the line that was refused, as a person reads it."""
    if progress.gain is None or progress.offset_w is None:
        return {}
    return {
        "gain": f"{progress.gain:.3f}",
        "offset": f"{progress.offset_w:.0f}",
        "residual": f"{progress.residual_w or 0.0:.0f}",
    }
