"""The blueprint that tells the week, with a real recorder."""

from datetime import timedelta

from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.const import UnitOfEnergy
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_mock_service
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import RecorderInstanceContextManager

from tests.blueprints.car_home import CarHome


@pytest.fixture
def mock_recorder_before_hass(
    async_test_recorder: RecorderInstanceContextManager,
) -> None:
    """Prepare the recorder before the core, as it asks for."""


async def test_week_is_told_from_the_statistics(
    recorder_mock: Recorder, car_home: CarHome
) -> None:
    told = async_mock_service(car_home.hass, "test", "tell")
    charged = car_home.entity("sensor", "_energy_charged")
    discharged = car_home.entity("sensor", "_energy_discharged")
    hour = dt_util.utcnow().replace(minute=0, second=0, microsecond=0)
    for entity_id, step_kwh in ((charged, 1.0), (discharged, 0.25)):
        async_import_statistics(
            car_home.hass,
            StatisticMetaData(
                mean_type=StatisticMeanType.NONE,
                has_sum=True,
                name=None,
                source="recorder",
                statistic_id=entity_id,
                unit_class="energy",
                unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
            ),
            [
                StatisticData(
                    start=hour - timedelta(hours=8 - n),
                    state=n * step_kwh,
                    sum=n * step_kwh,
                )
                for n in range(8)
            ],
        )
    await async_wait_recording_done(car_home.hass)
    at = dt_util.now() + timedelta(seconds=2)
    await car_home.automate(
        "weekly_report",
        charged=[charged],
        discharged=[discharged],
        day=at.strftime("%a").lower(),
        at=at.strftime("%H:%M:%S"),
        tell=[
            {
                "action": "test.tell",
                "data": {"title": "{{ title }}", "message": "{{ message }}"},
            }
        ],
    )
    await car_home.until(lambda: len(told) == 1, 20, "a report")
    assert told[0].data["message"] == "7.0 kWh taken, 1.8 kWh given."
