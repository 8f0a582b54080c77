"""Tell the owner that Home Assistant is too slow to discharge a car."""

from typing import Final

from homeassistant.core import CoreState, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.start import async_at_started

from .const import DOMAIN
from .domain.loop_lag import LAG_RULE
from .domain.ports import Unsubscribe
from .domain.snapshot import SiteSnapshot
from .domain.units import seconds_to_milliseconds
from .repairs import Pictured

HOST_LATE: Final = "host_late"


@callback
def async_watch_host(hass: HomeAssistant, site: Pictured) -> Unsubscribe:
    """Show the repair while it is so; returns what ends that.

    Not before Home Assistant has started: until then every home is slow, and what is
    refused meanwhile is told by the outlet.
    """
    is_shown = False

    @callback
    def look(snapshot: SiteSnapshot) -> None:
        nonlocal is_shown
        is_due = snapshot.is_host_late and hass.state is CoreState.running
        # Most pictures come by here for a reading: no registry is asked for those.
        if is_due is is_shown:
            return
        is_shown = is_due
        if is_shown:
            ir.async_create_issue(
                hass,
                DOMAIN,
                HOST_LATE,
                is_fixable=False,
                severity=ir.IssueSeverity.WARNING,
                translation_key=HOST_LATE,
                translation_placeholders={
                    "late": f"{seconds_to_milliseconds(LAG_RULE.late_s):.0f}"
                },
            )
        else:
            ir.async_delete_issue(hass, DOMAIN, HOST_LATE)

    @callback
    def started(_hass: HomeAssistant) -> None:
        look(site.snapshot)

    ends = site.subscribe(look), async_at_started(hass, started)

    @callback
    def end() -> None:
        for one in ends:
            one()
        ir.async_delete_issue(hass, DOMAIN, HOST_LATE)

    return end
