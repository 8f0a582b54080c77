"""The actions that ask a charger for a service."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockUser
import voluptuous as vol

from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.domain.requests import (
    CancelReservation,
    ChangeSetting,
    CheckProfiles,
    InstallFirmware,
    LogKind,
    ReadLocalListVersion,
    ReadSettings,
    ReplaceLocalList,
    Reserve,
    Restart,
    SendData,
    SendLog,
    SetAvailability,
    SettingName,
    Tell,
    Telling,
    Unlock,
)
from custom_components.v2g_vpp.domain.setpoint import WriteResult, WriteStatus
from custom_components.v2g_vpp.services_station import ACTIONS
from tests.shell.home import Home

INTERVAL = SettingName(component="OCPPCommCtrlr", variable="HeartbeatInterval")
FIELDS: dict[str, dict[str, Any]] = {
    "create_reservation": {"duration": {"hours": 2}},
    "set_availability": {"available": False},
    "request_message": {"message": "status"},
    "get_station_variables": {"settings": ["OCPPCommCtrlr.HeartbeatInterval"]},
    "set_station_variable": {
        "setting": "OCPPCommCtrlr.HeartbeatInterval",
        "value": 300,
    },
    "update_firmware": {"url": "https://example.com/f.bin"},
    "set_local_list": {"version": 2, "tokens": ["04A1B2C3"]},
    "send_vendor_message": {"vendor_id": "Acme", "data": "x"},
    "get_station_log": {},
    "set_grid_setting": {"kind": "FreqDroop", "settings": {"priority": 1}},
    "clear_grid_settings": {"is_default": True},
    "request_grid_forming": {"mode": "grid_forming", "confirm": True},
    "set_network_profile": {"url": "ws://h/", "security_profile": 1},
    "delete_certificate": {"serial_number": "0a1b"},
}


async def call(
    home: Home,
    name: str,
    device_id: str,
    *,
    context: Context | None = None,
    **data: Any,
) -> Any:
    action = next(action for action in ACTIONS if action.name == name)
    return await home.hass.services.async_call(
        DOMAIN,
        name,
        {"device_id": device_id, **FIELDS.get(name, {}), **data},
        blocking=True,
        context=context,
        return_response=action.response != "none",
    )


def block(path: Path) -> None:
    path.unlink()
    path.parent.rmdir()
    path.parent.write_text("a file where a folder should be")


def unblock(path: Path) -> None:
    path.parent.unlink()


async def test_each_action_asks_for_what_its_fields_say(home: Home) -> None:
    await home.connect()
    station, outlet = home.device_id("station/CS-1"), home.evse_device_id
    for name, device_id in (
        ("cancel_reservation", outlet),
        ("set_availability", station),
        ("reset_station", outlet),
        ("unlock_connector", outlet),
        ("request_message", outlet),
        ("get_station_variables", station),
        ("set_station_variable", station),
        ("set_local_list", station),
        ("get_local_list_version", station),
        ("check_charging_profiles", station),
        ("send_vendor_message", station),
    ):
        await call(home, name, device_id)
    assert home.stations.asked == [
        CancelReservation(reservation_id=5_001),
        SetAvailability(evse_id=0, is_operative=False),
        Restart(is_immediate=False),
        Unlock(evse_id=1),
        Tell(what=Telling.STATUS, evse_id=1),
        ReadSettings(names=(INTERVAL,)),
        ChangeSetting(name=INTERVAL, value="300"),
        ReplaceLocalList(version=2, tokens=("04A1B2C3",)),
        ReadLocalListVersion(),
        CheckProfiles(),
        SendData(vendor_id="Acme", data="x"),
    ]


async def test_a_reservation_belongs_to_its_outlet_or_to_the_charger(
    home: Home,
) -> None:
    await home.connect()
    for device_id in (home.evse_device_id, home.device_id("station/CS-1")):
        await call(home, "create_reservation", device_id, token="04A1B2C3")
    mine, any_one = home.stations.asked
    assert isinstance(mine, Reserve)
    assert isinstance(any_one, Reserve)
    assert (mine.reservation_id, mine.evse_id) == (5_001, 1)
    assert (any_one.reservation_id, any_one.evse_id) == (5_000, 0)
    remaining = mine.expires_at - dt_util.utcnow()
    assert timedelta(minutes=119) < remaining <= timedelta(hours=2)


async def test_firmware_is_fetched_now_or_later_signed_or_not(home: Home) -> None:
    await home.connect()
    outlet = home.evse_device_id
    await call(home, "update_firmware", outlet)
    await call(
        home,
        "update_firmware",
        outlet,
        at="2027-01-01 03:00:00",
        signing_certificate="PEM",
        signature="AAAA",
    )
    now, later = home.stations.asked
    assert isinstance(now, InstallFirmware)
    assert isinstance(later, InstallFirmware)
    assert abs(now.retrieve_at - dt_util.utcnow()) < timedelta(minutes=1)
    assert now.signing_certificate is None
    local = dt_util.as_local(later.retrieve_at)
    assert (local.year, local.hour) == (2027, 3)
    assert later.signature == "AAAA"
    with pytest.raises((vol.Invalid, ServiceValidationError)):
        await call(home, "update_firmware", outlet, signature="AAAA")
    for url in ("file:///etc/passwd", "javascript:x", "https://"):
        with pytest.raises((vol.Invalid, ServiceValidationError)):
            await call(home, "update_firmware", outlet, url=url)


async def test_a_log_is_saved_in_the_configuration_folder_only(
    home: Home, hass: HomeAssistant, tmp_path: Path
) -> None:
    hass.config.config_dir = str(tmp_path)
    await home.connect()
    home.stations.told = {"content": b"lines", "file_name": "../../x.TAR.gz"}
    answer = await call(home, "get_station_log", home.evse_device_id)
    path = Path(answer["file"])
    assert path.parent == tmp_path / DOMAIN
    assert path.name.startswith("log_cs_1_")
    assert path.suffix == ".gz"
    assert await hass.async_add_executor_job(path.read_bytes) == b"lines"
    assert "content" not in answer
    (asked,) = home.stations.asked
    assert isinstance(asked, SendLog)
    assert (asked.kind, asked.url) == (LogKind.DIAGNOSTICS, None)
    # A disk that fails is said, and the next attempt works.
    block(path)
    with pytest.raises(HomeAssistantError) as raised:
        await call(home, "get_station_log", home.evse_device_id)
    assert raised.value.translation_key == "file_not_written"
    unblock(path)
    assert "file" in await call(home, "get_station_log", home.evse_device_id)


async def test_what_was_refused_is_said_in_words(home: Home) -> None:
    await home.connect()
    home.stations.answer = WriteResult(status=WriteStatus.REJECTED, detail="Occupied")
    with pytest.raises(HomeAssistantError) as raised:
        await call(home, "create_reservation", home.evse_device_id)
    assert raised.value.translation_key == "station_rejected"
    for detail in ("NotSupported", "NotImplemented"):
        home.stations.answer = WriteResult(status=WriteStatus.REJECTED, detail=detail)
        with pytest.raises(HomeAssistantError) as unable:
            await call(home, "reset_station", home.device_id("station/CS-1"))
        assert unable.value.translation_key == "station_not_able"
    assert raised.value.translation_placeholders == {
        "station": "CS-1",
        "action": "Asked",
        "detail": "Occupied",
    }
    with pytest.raises(ServiceValidationError) as protected:
        await call(
            home,
            "set_station_variable",
            home.evse_device_id,
            setting="SecurityCtrlr.SecurityProfile",
        )
    assert protected.value.translation_key == "setting_protected"
    with pytest.raises(ServiceValidationError) as wrong:
        await call(home, "unlock_connector", home.device_id("station/CS-1"))
    assert wrong.value.translation_key == "target_not_evse"
    with pytest.raises(ServiceValidationError) as vehicle:
        await call(home, "reset_station", home.device_id("vehicle/leaf"))
    assert vehicle.value.translation_key == "target_not_station"
    for settings in ([], ["a.b.c"], [""]):
        with pytest.raises((vol.Invalid, ServiceValidationError)):
            await call(
                home, "get_station_variables", home.evse_device_id, settings=settings
            )


@pytest.mark.parametrize("action", [a.name for a in ACTIONS if a.is_admin])
async def test_what_changes_a_charger_is_for_administrators(
    home: Home, hass_read_only_user: MockUser, action: str
) -> None:
    await home.connect()
    with pytest.raises(Unauthorized):
        await call(
            home,
            action,
            home.evse_device_id,
            context=Context(user_id=hass_read_only_user.id),
        )
    assert home.stations.asked == []
    await call(home, action, home.evse_device_id)
    assert len(home.stations.asked) == 1
