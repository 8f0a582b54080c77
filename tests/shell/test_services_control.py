"""Actions of planners: plans, leases, limits of the operator."""

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util
import pytest

from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.domain.policy import Mode
from tests.shell.home import KEY, Home


async def act(home: Home, service: str, device_id: str, **data: Any) -> None:
    await home.hass.services.async_call(
        DOMAIN, service, {"device_id": device_id, **data}, blocking=True
    )
    await home.settle()


async def plan(home: Home) -> Any:
    return await home.hass.services.async_call(
        DOMAIN,
        "get_plan",
        {"device_id": home.evse_device_id},
        blocking=True,
        return_response=True,
    )


@pytest.fixture
async def plugged(home: Home) -> Home:
    await home.connect()
    await home.plug_in()
    return home


async def test_a_plan_is_set_in_local_time_shown_and_followed(plugged: Home) -> None:
    await plugged.hass.config.async_set_time_zone("Europe/Berlin")
    now = dt_util.now()
    # Without a zone it is the local wall time, as people and planners write it.
    begin = (now - timedelta(minutes=1)).replace(tzinfo=None, microsecond=0)
    end = (now + timedelta(hours=1)).replace(microsecond=0)
    slots = [{"start": begin.isoformat(), "end": end.isoformat(), "power": 4_000}]
    await act(plugged, "set_plan", plugged.evse_device_id, slots=slots)
    (shown,) = (await plan(plugged))["slots"]
    assert shown["power"] == 4_000
    assert dt_util.parse_datetime(shown["end"]) == end
    start = dt_util.parse_datetime(shown["start"])
    assert start is not None
    assert start.replace(tzinfo=None) == begin
    await plugged.site.set_evse_policy(KEY, lambda policy: type(policy)(mode=Mode.PLAN))
    await plugged.measure(0)
    assert plugged.evse().setpoint.requested_w == 4_000
    assert plugged.state("sensor", "control_owner").state == "plan"
    await act(plugged, "set_plan", plugged.evse_device_id, slots=[])
    assert (await plan(plugged)) == {"slots": []}
    await plugged.measure(0)
    assert plugged.state("sensor", "reason").state == "no_plan"


@pytest.mark.parametrize(
    ("spans", "key"),
    [
        ([("10:00", "10:00")], "plan_slot_is_empty"),
        ([("10:00", "11:00"), ("10:59", "12:00")], "plan_slots_overlap"),
    ],
)
async def test_slots_that_are_no_plan_are_refused(
    plugged: Home, spans: list[tuple[str, str]], key: str
) -> None:
    slots = [
        {"start": f"2026-01-15T{a}", "end": f"2026-01-15T{b}", "power": 1}
        for a, b in spans
    ]
    with pytest.raises(ServiceValidationError) as raised:
        await act(plugged, "set_plan", plugged.evse_device_id, slots=slots)
    assert raised.value.translation_key == key
    assert (await plan(plugged)) == {"slots": []}


async def test_control_is_taken_once_and_handed_back(plugged: Home) -> None:
    outlet = plugged.evse_device_id
    lease = {"power": 3_000, "duration": "00:10:00"}
    await act(plugged, "acquire_control", outlet, holder="planner", **lease)
    assert plugged.state("sensor", "control_owner").state == "automation"
    assert plugged.evse().setpoint.requested_w == 3_000
    for service, data in (
        ("acquire_control", {"holder": "other", **lease}),
        ("release_control", {"holder": "other"}),
    ):
        with pytest.raises(ServiceValidationError) as raised:
            await act(plugged, service, outlet, **data)
        assert raised.value.translation_key == "control_taken"
        assert raised.value.translation_placeholders == {
            "evse": str(KEY),
            "holder": "planner",
        }
    await act(plugged, "release_control", outlet, holder="planner")
    assert plugged.state("sensor", "control_owner").state == "mode"


async def test_the_operator_limits_the_home_for_a_while(
    freezer: FrozenDateTimeFactory, plugged: Home
) -> None:
    home_id = plugged.device_id("site")
    until = (dt_util.utcnow() + timedelta(hours=1)).isoformat()
    await act(plugged, "set_site_limit", home_id, import_limit=4_200, until=until)
    for _ in range(4):
        await plugged.pass_time(freezer, 1)
        await plugged.measure(0)
    assert plugged.evse().setpoint.power_w == 4_200
    assert plugged.state("sensor", "reason").state == "import_limit"
    await act(plugged, "set_site_limit", home_id)
    await plugged.measure(4_200)
    assert plugged.state("sensor", "reason").state != "import_limit"


async def test_an_outlet_is_not_the_home(plugged: Home) -> None:
    with pytest.raises(ServiceValidationError) as raised:
        await act(plugged, "set_site_limit", plugged.evse_device_id, export_limit=0)
    assert raised.value.translation_key == "target_not_home"
