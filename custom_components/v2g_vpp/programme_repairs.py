"""Repairs of programmes that do not come from a broken link."""

from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN

CLOCK_OFFSET: Final = "vpp_clock_offset"
CLOCK_LATE: Final = "vpp_clock_offset_late"
CLOCK_EARLY: Final = "vpp_clock_offset_early"


@callback
def async_show_clock_offset(
    hass: HomeAssistant, programme_id: str, programme: str, offset_s: float | None
) -> None:
    """Say that the clocks part and by how much; None: they do not any more.

    Args:
        hass: the running Home Assistant.
        programme_id: of the programme.
        programme: its title.
        offset_s: the operator's clock minus the one of this home.
    """
    issue_id = f"{CLOCK_OFFSET}_{programme_id}"
    if offset_s is None:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    # Who is late is the one whose clock shows less.
    key = CLOCK_LATE if offset_s > 0 else CLOCK_EARLY
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key=key,
        translation_placeholders={
            "programme": programme,
            "offset": f"{abs(offset_s):.1f}",
        },
    )
