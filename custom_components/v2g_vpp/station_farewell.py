"""What the owner is told when a charger leaves the home."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import CONF_IDENTITY, CONF_PREVIOUS_URL, DOMAIN
from .domain.snapshot import SiteSnapshot

PREVIOUS_ADDRESS: Final = "previous_address"


class HasSnapshot(Protocol):
    """Where the last picture of the home is."""

    @property
    def snapshot(self) -> SiteSnapshot:
        """The last picture."""
        ...


@callback
def async_remind_of_address(
    hass: HomeAssistant, site: HasSnapshot, subentry: ConfigSubentry
) -> None:
    """Tell what the address of a charger that is removed was before it came here.

    The owner may have said so; if not, the charger may have told it.
    """
    address = previous_address(site.snapshot, subentry.data)
    if address is None:
        return
    identity = subentry.data[CONF_IDENTITY]
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{PREVIOUS_ADDRESS}_{identity}",
        is_fixable=True,
        is_persistent=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key=PREVIOUS_ADDRESS,
        translation_placeholders={"station": identity, "address": address},
    )


def previous_address(snapshot: SiteSnapshot, data: Mapping[str, Any]) -> str | None:
    """Return where a charger dialled before it came here, None when nobody knows."""
    told = str(data.get(CONF_PREVIOUS_URL, "")).strip()
    if told:
        return told
    identity = data[CONF_IDENTITY]
    others = (
        station.other_addresses
        for station in snapshot.stations
        if station.station_id == identity
    )
    return next((urls[0] for urls in others if urls), None)
