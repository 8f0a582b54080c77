"""A rehearsal of a dispatch goes all the way to the charger and back."""

from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.helpers.storage import STORAGE_DIR
import pytest

from custom_components.v2g_vpp.const import DOMAIN
from tests.blueprints.car_home import STATION, VEHICLE, CarHome
from tests.shell.test_programme_source import DATA, PROGRAMME, programme_of
from tests.shell.test_source_flow import left_of


@pytest.fixture
def subentries() -> list[ConfigSubentryData]:
    """Return a home that takes part in a programme, so that there is a ledger."""
    return [STATION, VEHICLE, programme_of(DATA)]


async def test_rehearsed_discharge_flows_is_told_and_leaves_the_ledger_empty(
    car_home: CarHome,
) -> None:
    await car_home.choose("off")
    await car_home.allow_discharge()
    await car_home.until(
        lambda: car_home.site.snapshot.evses[0].available_discharge_w > 3_000,
        40,
        "an outlet that could discharge",
    )
    flowed_w: list[float] = []

    def is_over() -> bool:
        flowed_w.append(car_home.power_w)
        return action.done()

    action = car_home.hass.async_create_task(
        car_home.hass.services.async_call(
            DOMAIN,
            "simulate_dispatch",
            {
                "device_id": car_home.outlet,
                "kind": "dispatch",
                "power": -3_000,
                "duration": {"seconds": 10},
            },
            blocking=True,
            return_response=True,
        )
    )
    await car_home.until(is_over, 60, "the end of the rehearsal")
    told: Any = action.result()
    assert (told["rehearsal"], told["passed"], told["asked_w"]) == (True, True, -3_000)
    # At the plug itself, whatever the home believes.
    assert min(flowed_w) == pytest.approx(-3_000, rel=0.1)
    assert told["largest_power_w"] == pytest.approx(min(flowed_w), rel=0.15)
    events = [step["event"] for step in told["steps"]]
    assert {"setpoint_reached", "zero_reached"} <= set(events)
    assert told["time_to_zero_s"] is not None
    await car_home.until(lambda: car_home.power_w == 0, 10, "0 W at the plug")
    entries, seal = await car_home.site.read_ledger(PROGRAMME)
    assert (entries, seal) == ((), None)
    folder = Path(car_home.hass.config.path(STORAGE_DIR))
    assert left_of(folder) == set()
    programme = car_home.site.snapshot.programme(PROGRAMME)
    assert programme is not None
    assert programme.delivered_discharge_wh == 0
