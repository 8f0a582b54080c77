"""The meter of an outlet is compared with a reference by an administrator."""

import asyncio
from datetime import UTC, datetime
import time
from typing import Any

from homeassistant.core import Context
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.domain.events import MeasurementReported
from custom_components.v2g_vpp.domain.measurement import Measurement, Reading
from tests.shell.home import KEY, Home

AT = datetime(2026, 1, 15, tzinfo=UTC)
REFERENCE = "sensor.submeter"


def _show(home: Home, value: str, unit: str = "kW") -> None:
    """Let the reference meter report."""
    home.hass.states.async_set(
        REFERENCE, value, {"unit_of_measurement": unit}, force_update=True
    )


async def _call(home: Home, name: str = "calibrate", **fields: Any) -> Any:
    return await home.hass.services.async_call(
        DOMAIN,
        name,
        {"device_id": home.evse_device_id, **fields},
        blocking=True,
        return_response=name == "calibrate",
    )


def _report(home: Home, power_w: float) -> None:
    """Let the outlet's meter report, without waiting for the action that runs."""
    reading = Reading(value=power_w, received_mono_s=time.monotonic(), taken_at=AT)
    home.site.post(
        MeasurementReported(key=KEY, measurement=Measurement(power_w=reading))
    )
    home.site._tick()


def _begin(home: Home, **fields: Any) -> asyncio.Task[Any]:
    """Start the action, as a person does who then looks at the meters."""
    return home.hass.async_create_background_task(
        _call(home, **fields), "calibrate", eager_start=True
    )


async def _hold(
    home: Home, raw_w: float, reference_w: float, **fields: Any
) -> dict[str, Any]:
    """Hold a power while the action runs."""
    await home.measure(raw_w)
    _show(home, str(reference_w), "W")
    running = _begin(home, **fields)
    for number in range(200):
        if running.done():
            break
        _show(home, str(reference_w), "W")
        _report(home, raw_w + (number % 2))
        await asyncio.sleep(0.01)
    answer: dict[str, Any] = await running
    return answer


async def test_two_powers_make_a_calibration_that_can_be_cleared(home: Home) -> None:
    await home.connect()
    held = await _hold(home, 3_000.0, 3_150.0, reference_entity=REFERENCE)
    assert held["step"] == "change_power"
    assert held["gain"] is None
    (level,) = held["levels"]
    assert level["samples"] == 10
    assert level["reference_power"] == 3_150.0
    done = await _hold(home, 6_000.0, 6_300.0, reference_entity=REFERENCE)
    assert done["step"] == "done"
    assert done["gain"] == pytest.approx(1.05, abs=0.001)
    assert done["residual"] == pytest.approx(0.0, abs=1.0)
    evse = home.site.snapshot.evses[0]
    assert evse.calibration is not None
    assert evse.calibration.gain == done["gain"]
    await _call(home, "clear_calibration")
    assert home.site.snapshot.evses[0].calibration is None


async def test_a_reference_without_an_entity_is_read_by_a_person(home: Home) -> None:
    await home.connect()
    await _hold(home, 3_000.0, 0.0, reference_power=-3_090.0, is_inverted=True)
    done = await _hold(home, 6_000.0, 0.0, reference_power=6_090.0)
    assert done["offset"] == pytest.approx(90.0, abs=2.0)


@pytest.mark.parametrize(
    ("reference_w", "key"),
    [
        pytest.param(7_500.0, "calibration_gain_out_of_range", id="gain"),
        pytest.param(6_400.0, "calibration_offset_out_of_range", id="offset"),
    ],
)
async def test_what_is_too_far_off_is_an_error_with_its_figures(
    home: Home, reference_w: float, key: str
) -> None:
    await home.connect()
    first_w = reference_w - 3_000.0 if "offset" in key else 3_000.0
    await _hold(home, 3_000.0, first_w, reference_entity=REFERENCE)
    with pytest.raises(HomeAssistantError) as told:
        await _hold(home, 6_000.0, reference_w, reference_entity=REFERENCE)
    assert told.value.translation_key == key
    assert told.value.translation_placeholders is not None
    assert float(told.value.translation_placeholders["gain"]) > 0.9
    assert home.site.snapshot.evses[0].calibration is None


async def test_meters_that_do_not_move_together_are_an_error(home: Home) -> None:
    await home.connect()
    with pytest.raises(HomeAssistantError) as told:
        await _swing(home)
    assert told.value.translation_key == "calibration_not_steady"


async def _swing(home: Home) -> None:
    await home.measure(3_000.0)
    _show(home, "3000", "W")
    running = _begin(home, reference_entity=REFERENCE)
    for number in range(50):
        if running.done():
            break
        _show(home, str(3_000.0 + 600.0 * (number % 2)), "W")
        _report(home, 3_000.0 + number)
        await asyncio.sleep(0.01)
    await running


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        pytest.param({}, "reference_missing", id="nothing named"),
        pytest.param(
            {"reference_entity": "sensor.none"}, "reference_not_power", id="no entity"
        ),
    ],
)
async def test_a_reference_that_is_none_is_a_mistake(
    home: Home, fields: dict[str, Any], key: str
) -> None:
    await home.connect()
    with pytest.raises(ServiceValidationError) as told:
        await _call(home, **fields)
    assert told.value.translation_key == key


async def test_a_silent_meter_is_told_and_a_guest_may_not(
    home: Home, hass_read_only_user: MockUser
) -> None:
    await home.connect()
    _show(home, "3.0")
    with pytest.raises(ServiceValidationError) as told:
        await _call(home, reference_entity=REFERENCE)
    assert told.value.translation_key == "meter_silent"
    for name in ("calibrate", "clear_calibration"):
        with pytest.raises(Unauthorized):
            await home.hass.services.async_call(
                DOMAIN,
                name,
                {"device_id": home.evse_device_id},
                blocking=True,
                context=Context(user_id=hass_read_only_user.id),
            )


async def test_a_reference_that_says_nothing_gives_no_sample(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "custom_components.v2g_vpp.services_calibration.LONGEST_S", 0.05
    )
    await home.connect()
    for value in ("unavailable", "999"):
        await home.measure(3_000.0)
        _show(home, value)
        with pytest.raises(HomeAssistantError) as told:
            await _call(home, reference_entity=REFERENCE)
        assert told.value.translation_key == "calibration_no_samples"
