"""What goes when a home or one of its devices is removed for good."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.device_registry import AnyDeviceEntry

from .const import (
    CONF_PROGRAMME_ID,
    DOMAIN,
    STORE_ENROLMENT,
    STORE_KEYS,
    STORE_LEDGER,
    STORE_PROGRAMME,
    STORE_SITE,
    STORE_STATIONS,
    SUBENTRY_PROGRAMME,
)
from .coordinator import V2gConfigEntry
from .devices import evse_of, is_site, station_of
from .listener_flow_tls import forget_material
from .station_farewell import PREVIOUS_ADDRESS
from .storage import HaStore


async def async_remove_entry(hass: HomeAssistant, entry: V2gConfigEntry) -> None:
    """Delete what was kept: permissions, proofs, keys and repairs go with it."""
    keys = [STORE_SITE, STORE_STATIONS, STORE_ENROLMENT, STORE_KEYS]
    # The ledgers themselves stay: they may be needed against the operator.
    keys += [
        f"{store}.{subentry.data[CONF_PROGRAMME_ID]}"
        for subentry in entry.subentries.values()
        if subentry.subentry_type == SUBENTRY_PROGRAMME
        and CONF_PROGRAMME_ID in subentry.data
        for store in (STORE_PROGRAMME, STORE_LEDGER)
    ]
    for key in keys:
        await HaStore(hass, key).remove()
    # Only where a charger dialled before is of use to somebody without a home.
    for domain, issue_id in list(ir.async_get(hass).issues):
        if domain == DOMAIN and not issue_id.startswith(PREVIOUS_ADDRESS):
            ir.async_delete_issue(hass, DOMAIN, issue_id)
    await forget_material(hass)


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: V2gConfigEntry, device: AnyDeviceEntry
) -> bool:
    """Let a device go that is not there any more: an outlet that is not reported.

    The home, its stations, vehicles and programs go with their set-up instead.
    """
    key = evse_of(device)
    if key is None or is_site(device) or station_of(device) is not None:
        return False
    return entry.runtime_data.site.snapshot.evse(key) is None
