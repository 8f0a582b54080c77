"""Repairs of programmes that do not come from a broken link."""

from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN

CLOCK_OFFSET: Final = "vpp_clock_offset"
CLOCK_LATE: Final = "vpp_clock_offset_late"
CLOCK_EARLY: Final = "vpp_clock_offset_early"
LEDGER_UNWRITTEN: Final = "ledger_unwritten"
LEDGER_CHANGED: Final = "ledger_changed"


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


@callback
def async_show_ledger_unwritten(
    hass: HomeAssistant, programme_id: str, programme: str, *, is_written: bool
) -> None:
    """Say that the disk does not take the ledger; nothing is lost meanwhile."""
    issue_id = f"{LEDGER_UNWRITTEN}_{programme_id}"
    if is_written:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    _create(hass, issue_id, LEDGER_UNWRITTEN, programme)


@callback
def async_show_ledger_changed(
    hass: HomeAssistant, programme_id: str, programme: str
) -> None:
    """Say that somebody changed the ledger."""
    _create(hass, f"{LEDGER_CHANGED}_{programme_id}", LEDGER_CHANGED, programme)


@callback
def async_forget_ledger_changed(hass: HomeAssistant, programme_id: str) -> None:
    """Forget it: the programme ends."""
    ir.async_delete_issue(hass, DOMAIN, f"{LEDGER_CHANGED}_{programme_id}")


def _create(hass: HomeAssistant, issue_id: str, key: str, programme: str) -> None:
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=False,
        severity=ir.IssueSeverity.ERROR,
        translation_key=key,
        translation_placeholders={"programme": programme},
    )
