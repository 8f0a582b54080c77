"""What is left of a home that was removed: nothing, and no device that is in use."""

from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, issue_registry as ir

from custom_components.v2g_vpp import (
    async_remove_config_entry_device,
    async_remove_entry,
    repairs,
)
from custom_components.v2g_vpp.const import (
    DOMAIN,
    STORE_PROGRAMME,
    STORE_SITE,
    STORE_STATIONS,
)
from custom_components.v2g_vpp.listener_flow_tls import listener_material
from tests.shell.home import Home


async def test_documents_of_a_removed_home_are_deleted(
    hass: HomeAssistant, home: Home, hass_storage: dict[str, Any]
) -> None:
    for key in (STORE_SITE, STORE_STATIONS, f"{STORE_PROGRAMME}.evening-peak"):
        hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": {}}
    other = hass_storage["core.other"] = {"version": 1, "key": "core.other", "data": {}}
    await async_remove_entry(hass, home.entry)
    assert STORE_SITE not in hass_storage
    assert STORE_STATIONS not in hass_storage
    assert hass_storage["core.other"] == other


async def test_authority_of_a_removed_home_signs_nothing_for_the_next_one(
    hass: HomeAssistant, home: Home, tmp_path: Path
) -> None:
    """What was revoked is forgotten with the home, so its authority has to go, too."""
    hass.config.config_dir = str(tmp_path)
    material = listener_material(hass, home.entry.data)
    await hass.async_add_executor_job(material.open)
    root = material.root_pem()
    other = tmp_path / ".storage" / "core.other"
    other.write_text("{}")
    for _ in range(2):
        await async_remove_entry(hass, home.entry)
        assert [p.name for p in other.parent.iterdir()] == ["core.other"]
    anew = listener_material(hass, home.entry.data)
    await hass.async_add_executor_job(anew.open)
    assert anew.root_pem() != root


async def test_repairs_of_a_removed_home_are_deleted_but_the_old_address(
    hass: HomeAssistant, home: Home
) -> None:
    kept = "previous_address_CS-1"
    for issue_id in ("no_password_CS-1", "own_certificate_expired", kept):
        ir.async_create_issue(
            hass,
            DOMAIN,
            issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key="no_password",
        )
    repairs.async_raise_refusal(hass, home.entry, "CS-7", "1.2.3.4", "unknown_identity")
    ir.async_create_issue(
        hass,
        "other",
        "no_password_CS-1",
        is_fixable=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key="no_password",
    )
    assert await hass.config_entries.async_unload(home.entry.entry_id)
    await async_remove_entry(hass, home.entry)
    left = {key for key in ir.async_get(hass).issues if key[0] in (DOMAIN, "other")}
    assert left == {(DOMAIN, kept), ("other", "no_password_CS-1")}


async def test_only_an_outlet_that_is_not_reported_any_more_can_be_removed(
    hass: HomeAssistant, home: Home
) -> None:
    await home.connect()
    registry = dr.async_get(hass)
    devices = dr.async_entries_for_config_entry(registry, home.entry.entry_id)
    assert devices
    for device in devices:
        assert not await async_remove_config_entry_device(hass, home.entry, device)
    outlet = registry.async_get(home.evse_device_id)
    assert outlet is not None
    assert not await async_remove_config_entry_device(hass, home.entry, outlet)
    home.site.remove_station(next(iter(home.site.snapshot.stations)).station_id)
    await home.tick()
    assert await async_remove_config_entry_device(hass, home.entry, outlet)
