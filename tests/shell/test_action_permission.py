"""Who may only look at a home cannot discharge it by an action."""

from pathlib import Path
from typing import Any

from homeassistant.auth.const import GROUP_ID_ADMIN, GROUP_ID_READ_ONLY, GROUP_ID_USER
from homeassistant.auth.models import User
from homeassistant.auth.permissions.models import PermissionLookup
from homeassistant.core import Context, HomeAssistant, SupportsResponse
from homeassistant.exceptions import Unauthorized, UnknownUser
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util.yaml import load_yaml_dict
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.v2g_vpp import action_permission
from custom_components.v2g_vpp.action_permission import FOR_EVERYBODY, READING, WRITING
from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.domain.setpoint import ControlOwner
from tests.shell.home import Home


@pytest.fixture
async def somebody(hass: HomeAssistant) -> dict[str, User]:
    """Return an owner, whom nothing is refused, and one of each group."""
    await hass.auth.async_create_user("Owner")
    return {
        group: await hass.auth.async_create_user(group, group_ids=[group])
        for group in (GROUP_ID_ADMIN, GROUP_ID_USER, GROUP_ID_READ_ONLY)
    }


async def call(
    hass: HomeAssistant, name: str, data: dict[str, Any], user_id: str | None
) -> None:
    response = hass.services.supports_response(DOMAIN, name)
    await hass.services.async_call(
        DOMAIN,
        name,
        data,
        blocking=True,
        context=Context(user_id=user_id),
        return_response=response is not SupportsResponse.NONE,
    )


async def test_who_may_only_look_sets_no_power_and_may_stop_it(
    hass: HomeAssistant, home: Home, somebody: dict[str, User]
) -> None:
    await home.connect()
    await home.plug_in()
    device = {"device_id": home.evse_device_id}
    power = {**device, "power": 3000, "duration": {"minutes": 5}}
    visitor = somebody[GROUP_ID_READ_ONLY].id
    refused: dict[str, dict[str, Any]] = {
        "set_power": power,
        "acquire_control": {**power, "holder": "visitor"},
        "reset_emergency_stop": device,
        "request_start_transaction": device,
        "unlock_connector": device,
    }
    for name, data in refused.items():
        with pytest.raises(Unauthorized):
            await call(hass, name, data, visitor)
    assert home.evse().setpoint.owner is ControlOwner.MODE
    assert not home.evse().lease.holder
    # A user of the home may, and so may an automation.
    await call(hass, "set_power", power, somebody[GROUP_ID_USER].id)
    await call(hass, "set_power", power, None)
    # Whoever sees that something is wrong may end it, and look why.
    await call(hass, "emergency_stop", device, visitor)
    assert home.evse().is_emergency_stopped
    await call(hass, "get_plan", device, visitor)
    await call(hass, "explain", device, visitor)
    await call(hass, "get_messages", device, visitor)
    with pytest.raises(Unauthorized):
        await call(hass, "get_messages", {**device, "save_as": "jsonl"}, visitor)
    with pytest.raises(Unauthorized):
        await call(hass, "get_self_test_result", {**device, "save": True}, visitor)


def test_whatever_reads_and_may_write_a_file_is_known() -> None:
    folder = Path(action_permission.__file__).parent
    services: dict[str, Any] = load_yaml_dict(str(folder / "services.yaml"))
    fields = {
        field
        for name, action in services.items()
        if name in READING
        for field in action["fields"]
        if "save" in field or "file" in field
    }
    assert fields == set(WRITING)


async def test_who_is_kept_from_the_entities_of_a_charger_is_kept_from_its_actions(
    hass: HomeAssistant, home: Home
) -> None:
    await home.connect()
    await hass.auth.async_create_user("Owner")
    device = {"device_id": home.evse_device_id}
    guest = MockUser(name="Guest").add_to_hass(hass)
    guest.perm_lookup = PermissionLookup(er.async_get(hass), dr.async_get(hass))
    guest.mock_policy({"entities": {"domains": {"light": True}}})
    for name in ("get_plan", "return_to_automatic"):
        with pytest.raises(Unauthorized):
            await call(hass, name, device, guest.id)
    guest.mock_policy(
        {"entities": {"device_ids": {home.evse_device_id: {"read": True}}}}
    )
    await call(hass, "get_plan", device, guest.id)
    with pytest.raises(Unauthorized):
        await call(hass, "return_to_automatic", device, guest.id)
    # One entity of it that is named by itself is not the whole of it.
    one = er.async_entries_for_device(er.async_get(hass), home.evse_device_id)[0]
    guest.mock_policy({"entities": {"entity_ids": {one.entity_id: True}}})
    with pytest.raises(Unauthorized):
        await call(hass, "return_to_automatic", device, guest.id)
    guest.mock_policy({"entities": {"device_ids": {home.evse_device_id: True}}})
    await call(hass, "return_to_automatic", device, guest.id)
    with pytest.raises(Unauthorized):
        await call(hass, "return_to_automatic", {"device_id": "none"}, guest.id)


async def test_user_who_was_removed_may_nothing(
    hass: HomeAssistant, home: Home
) -> None:
    with pytest.raises(UnknownUser):
        await call(hass, "get_plan", {"device_id": "x"}, "nobody")


async def test_energy_dashboard_is_changed_by_administrators_alone(
    hass: HomeAssistant, home: Home, somebody: dict[str, User]
) -> None:
    await home.connect()
    with pytest.raises(Unauthorized):
        await call(
            hass,
            "add_to_energy_dashboard",
            {"device_id": home.evse_device_id},
            somebody[GROUP_ID_USER].id,
        )


async def test_every_action_asks_who_calls(hass: HomeAssistant, home: Home) -> None:
    await hass.auth.async_create_user("Owner")
    nobody = MockUser(name="Nobody").add_to_hass(hass)
    nobody.mock_policy({})
    names = set(hass.services.async_services_for_domain(DOMAIN))
    assert names > FOR_EVERYBODY | READING
    for name in names - FOR_EVERYBODY:
        service = hass.services.async_services_for_domain(DOMAIN)[name]
        data = {"device_id": "x"}
        # The form of the fields is looked at first; here only the caller counts.
        service.schema = None
        with pytest.raises(Unauthorized):
            await call(hass, name, data, nobody.id)
