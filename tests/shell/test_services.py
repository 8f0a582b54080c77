"""The actions: their targets, their results, their errors."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.domain.ids import EvseKey
from custom_components.v2g_vpp.domain.setpoint import WriteResult, WriteStatus
from tests.shell.home import ACCEPTED, KEY, STATION_ID, Home


async def act(home: Home, service: str, device_id: str, **data: Any) -> None:
    await home.hass.services.async_call(
        DOMAIN, service, {"device_id": device_id, **data}, blocking=True
    )
    await home.settle()


@pytest.fixture
async def plugged(home: Home) -> Home:
    await home.connect()
    await home.plug_in()
    return home


async def test_power_is_held_for_the_duration_and_not_longer(
    freezer: FrozenDateTimeFactory, plugged: Home
) -> None:
    await act(
        plugged, "set_power", plugged.evse_device_id, power=4_000, duration="00:01:00"
    )
    setpoint = plugged.evse().setpoint
    assert (setpoint.owner, setpoint.requested_w) == ("user", 4_000)
    await plugged.pass_time(freezer, 59)
    await plugged.measure(0)
    assert plugged.state("sensor", "control_owner").state == "user"
    await plugged.pass_time(freezer, 2)
    await plugged.measure(0)
    assert plugged.state("sensor", "control_owner").state == "mode"


@pytest.mark.parametrize(
    ("power", "error", "key"),
    [
        (11_001, ServiceValidationError, "power_out_of_range"),
        (-11_001, ServiceValidationError, "power_out_of_range"),
        (-2_000, ServiceValidationError, "blocked_vehicle_not_allowed"),
    ],
)
async def test_power_that_is_not_allowed_is_refused_with_the_reason(
    plugged: Home, power: int, error: type[HomeAssistantError], key: str
) -> None:
    before = plugged.evse().setpoint
    with pytest.raises(error) as raised:
        await act(
            plugged, "set_power", plugged.evse_device_id, power=power, duration=60
        )
    assert raised.value.translation_domain == DOMAIN
    assert raised.value.translation_key == key
    if key == "power_out_of_range":
        assert raised.value.translation_placeholders == {
            "power": str(power),
            "lowest": "-11000",
            "highest": "11000",
        }
    assert plugged.evse().setpoint.owner == before.owner


@pytest.mark.parametrize(
    "data",
    [
        {"power": 1_000},
        {"duration": 60},
        {"power": 1_000, "duration": 0},
        {"power": 1_000, "duration": 86_401},
        {"power": float("nan"), "duration": 60},
        {"power": float("inf"), "duration": 60},
        {"power": "a lot", "duration": 60},
    ],
    ids=str,
)
async def test_power_without_sense_never_reaches_the_site(
    plugged: Home, data: dict[str, Any]
) -> None:
    with pytest.raises((vol.Invalid, ServiceValidationError)):
        await act(plugged, "set_power", plugged.evse_device_id, **data)
    assert plugged.evse().setpoint.owner == "mode"


async def test_nothing_plugged_is_an_error_and_plugging_in_helps(home: Home) -> None:
    await home.connect()
    with pytest.raises(ServiceValidationError) as raised:
        await act(home, "set_power", home.evse_device_id, power=2_000, duration=60)
    assert raised.value.translation_key == "nothing_plugged"
    assert raised.value.translation_placeholders == {"evse": "CS-1/1"}
    await home.plug_in()
    await act(home, "set_power", home.evse_device_id, power=2_000, duration=60)


async def test_station_that_refuses_is_an_error_with_its_words(
    plugged: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "custom_components.v2g_vpp.site.user_commands.CONFIRM_TIMEOUT_S", 0.1
    )
    plugged.stations.answer = WriteResult(
        status=WriteStatus.REJECTED, detail="InvalidProfile"
    )
    with pytest.raises(HomeAssistantError) as raised:
        await act(plugged, "stop", plugged.evse_device_id)
    assert raised.value.translation_key == "station_rejected"
    assert raised.value.translation_placeholders == {
        "station": "CS-1",
        "action": "SetChargingProfile",
        "detail": "InvalidProfile",
    }
    plugged.stations.answer = ACCEPTED
    await act(plugged, "stop", plugged.evse_device_id)


async def test_stop_is_for_an_outlet_a_charger_or_the_whole_home(
    home: Home,
) -> None:
    await home.connect(evse_ids=(1, 2))
    await home.plug_in()
    second = EvseKey(STATION_ID, 2)

    def owners() -> list[str]:
        return [home.evse(k).setpoint.owner for k in (KEY, second)]

    await act(home, "stop", home.evse_device_id)
    assert owners() == ["user", "mode"]
    await home.site.return_to_automatic(KEY)
    for identifier in ("station/CS-1", "site"):
        await act(home, "stop", home.device_id(identifier))
        assert owners() == ["user", "user"]
        await act(home, "stop", home.device_id(identifier))  # Idempotent.
        for key in (KEY, second):
            await home.site.return_to_automatic(key)
        assert owners() == ["mode", "mode"]


async def test_one_outlet_that_does_not_answer_does_not_keep_another_from_stopping(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "custom_components.v2g_vpp.site.user_commands.CONFIRM_TIMEOUT_S", 0.1
    )
    await home.connect(evse_ids=(1, 2))
    await home.plug_in()
    home.stations.answer = WriteResult(status=WriteStatus.TIMEOUT)
    with pytest.raises(HomeAssistantError) as raised:
        await act(home, "stop", home.device_id("station/CS-1"))
    assert raised.value.translation_key == "station_timeout"
    for evse in home.site.snapshot.evses:
        assert (evse.setpoint.owner, evse.setpoint.power_w) == ("user", 0)


async def test_clear_stops_first_and_then_removes_the_profile(plugged: Home) -> None:
    await act(plugged, "clear_charging_profile", plugged.evse_device_id)
    assert plugged.stations.writes[-1].power_w == 0
    assert plugged.stations.cleared == [KEY]


@pytest.mark.parametrize("service", ["set_power", "clear_charging_profile"])
async def test_action_of_an_outlet_takes_no_other_device(
    plugged: Home, service: str
) -> None:
    data = {"power": 0, "duration": 60} if service == "set_power" else {}
    for identifier in ("station/CS-1", "vehicle/leaf", "site"):
        with pytest.raises(ServiceValidationError) as raised:
            await act(plugged, service, plugged.device_id(identifier), **data)
        assert raised.value.translation_key == "target_not_evse"
    with pytest.raises(ServiceValidationError):
        await act(plugged, service, "no such device", **data)


async def test_vehicle_cannot_be_stopped(plugged: Home) -> None:
    with pytest.raises(ServiceValidationError) as raised:
        await act(plugged, "stop", plugged.device_id("vehicle/leaf"))
    assert raised.value.translation_key == "target_not_stoppable"


async def test_actions_are_there_before_the_home_and_say_that_it_is_not(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry
) -> None:
    device_id = home.device_id("site")
    await hass.config_entries.async_unload(entry.entry_id)
    assert hass.services.has_service(DOMAIN, "stop")
    with pytest.raises(ServiceValidationError) as raised:
        await act(home, "stop", device_id)
    assert raised.value.translation_key == "service_config_entry_not_loaded"


async def test_a_charger_that_never_connected_cannot_be_stopped_in_silence(
    home: Home,
) -> None:
    station = home.device_id(f"station/{STATION_ID}")
    with pytest.raises(HomeAssistantError) as raised:
        await act(home, "stop", station)
    assert raised.value.translation_key == "station_offline"
    await home.connect()
    await act(home, "stop", station)
