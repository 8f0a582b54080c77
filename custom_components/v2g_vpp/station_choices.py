"""What the owner chose for a charger that should not be forgotten: a standing notice."""

from collections.abc import Callable
from typing import Final

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import CONF_IDENTITY, CONF_NO_PASSWORD, DOMAIN
from .coordinator import V2gConfigEntry
from .repairs import async_clear_station
from .station_checks import async_remind_of_checks
from .subentry_facts import networks

NO_PASSWORD: Final = "no_password"  # noqa: S105 - an issue, not a secret
NO_PASSWORD_NO_NETWORKS: Final = "no_password_no_networks"  # noqa: S105 - the same


@callback
def async_show_notices(
    hass: HomeAssistant, entry: V2gConfigEntry, subentry: ConfigSubentry
) -> Callable[..., None]:
    """Show what the owner of a charger should not forget: choices, and checks that are due.

    Returns:
        What ends it; with ``is_removed=True`` the notices go, too.
    """
    async_show_choices(hass, entry, subentry)
    end_reminders = async_remind_of_checks(hass, entry, subentry)

    def end(*, is_removed: bool) -> None:
        end_reminders(is_removed=is_removed)
        if is_removed:
            async_forget_choices(hass, subentry.data[CONF_IDENTITY])

    return end


@callback
def async_show_choices(
    hass: HomeAssistant, entry: V2gConfigEntry, subentry: ConfigSubentry
) -> None:
    """Forget why a charger was turned away, and show what is open for it."""
    identity = subentry.data[CONF_IDENTITY]
    async_clear_station(hass, identity)
    if not subentry.data.get(CONF_NO_PASSWORD):
        async_forget_choices(hass, identity)
        return
    # Without named networks nobody is let in like that: the listener sees to it.
    is_in_force = bool(networks(entry.data))
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{NO_PASSWORD}_{identity}",
        is_fixable=False,
        severity=ir.IssueSeverity.WARNING if is_in_force else ir.IssueSeverity.ERROR,
        translation_key=NO_PASSWORD if is_in_force else NO_PASSWORD_NO_NETWORKS,
        translation_placeholders={"identity": identity},
    )


@callback
def async_forget_choices(hass: HomeAssistant, identity: str) -> None:
    """Take the notice away."""
    ir.async_delete_issue(hass, DOMAIN, f"{NO_PASSWORD}_{identity}")
