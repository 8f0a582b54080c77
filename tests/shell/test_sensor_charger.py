"""Who controls an outlet, what its plan says next, and what was learnt of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import State
from homeassistant.util import dt as dt_util
import pytest

from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.domain.calibration import Calibration
from custom_components.v2g_vpp.domain.capability import Fingerprint
from tests.shell.home import KEY, Home

pytestmark = pytest.mark.usefixtures("every_entity_enabled")
MADE_AT = "2026-01-15T12:00:00+00:00"


@pytest.fixture
async def plugged(home: Home) -> Home:
    await home.connect()
    await home.plug_in()
    await home.measure(0)
    return home


async def act(home: Home, service: str, **data: Any) -> None:
    await home.hass.services.async_call(
        DOMAIN, service, {"device_id": home.evse_device_id, **data}, blocking=True
    )
    await home.settle()


def lease(state: State) -> tuple[str, object, object]:
    return state.state, state.attributes["holder"], state.attributes["until"]


async def test_the_sensor_of_control_names_the_holder_and_the_end(
    plugged: Home, freezer: FrozenDateTimeFactory
) -> None:
    def shown() -> tuple[str, object, object]:
        return lease(plugged.state("sensor", "control_owner"))

    assert shown() == ("mode", None, None)
    # By the minute: one that is renewed each second is not news each second.
    end = (dt_util.utcnow() + timedelta(minutes=10)).replace(second=0, microsecond=0)
    await act(
        plugged, "acquire_control", holder="planner", power=3_000, duration="00:10:00"
    )
    assert shown() == ("automation", "planner", end.isoformat())
    await plugged.pass_time(freezer, 1)
    assert shown() == ("automation", "planner", end.isoformat()), "it does not move"
    await act(plugged, "release_control", holder="planner")
    assert shown() == ("mode", None, None)
    await plugged.site.stop(KEY)
    await plugged.tick()
    assert shown() == ("user", None, None), "until the owner ends it"


async def test_the_next_part_of_the_plan_is_shown_until_it_begins(
    plugged: Home, freezer: FrozenDateTimeFactory
) -> None:
    now = dt_util.utcnow().replace(microsecond=0)
    begins = [now + timedelta(hours=hours) for hours in (0, 1, 3)]
    slots = [
        {
            "start": begin.isoformat(),
            "end": (begin + timedelta(hours=1)).isoformat(),
            "power": power,
        }
        for begin, power in zip(begins, (1_000, -2_000, 3_000), strict=True)
    ]

    def shown() -> tuple[str, object]:
        state = plugged.state("sensor", "next_plan_slot")
        return state.state, state.attributes["power"]

    assert shown() == ("unknown", None)
    await act(plugged, "set_plan", slots=slots)
    assert shown() == (begins[1].isoformat(), -2_000)
    await plugged.pass_time(freezer, 3_601)
    assert shown() == (begins[2].isoformat(), 3_000)
    await plugged.pass_time(freezer, 7_200)
    assert shown() == ("unknown", None)


async def test_what_is_not_learnt_is_unknown_and_what_is_shows(plugged: Home) -> None:
    names = ("ramp", "offset_charge", "offset_discharge", "offset_zero")
    keys = (*names, "minimum_power")
    assert {plugged.state("sensor", key).state for key in keys} == {"unknown"}
    record = plugged.site._registry.evses[KEY]
    record.learner.adopt(
        Fingerprint(
            dead_time_s=4.0,
            ramp_w_per_s=3_300.0,
            offset_discharge_w=740.0,
            offset_charge_w=-440.0,
            offset_zero_w=420.0,
            minimum_power_w=1_400.0,
            is_learnt=True,
        )
    )
    await plugged.measure(0)
    shown = {key: float(plugged.state("sensor", key).state) for key in keys}
    assert shown == {
        "ramp": 3_300.0,
        "offset_charge": -440.0,
        "offset_discharge": 740.0,
        "offset_zero": 420.0,
        "minimum_power": 1_400.0,
    }


async def test_a_calibration_shows_when_it_was_made_and_its_line(plugged: Home) -> None:
    assert plugged.state("sensor", "calibration").state == "unknown"
    plugged.site._registry.evses[KEY].calibration = Calibration(
        gain=1.05123, offset_w=-12.34, residual_w=4.0, samples=20, made_at=MADE_AT
    )
    await plugged.measure(0)
    state = plugged.state("sensor", "calibration")
    assert datetime.fromisoformat(state.state) == datetime(2026, 1, 15, 12, tzinfo=UTC)
    assert state.attributes["gain"] == 1.0512
    assert state.attributes["offset"] == -12.3
    assert state.attributes["residual"] == 4.0
