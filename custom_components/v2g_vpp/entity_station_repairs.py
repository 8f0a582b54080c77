"""What only the owner can put right at a charger that is known through entities."""

from collections.abc import Mapping
from datetime import datetime
import logging
from typing import Any, Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_call_later

from .const import DOMAIN
from .entity_station_reader import resolved

_LOGGER = logging.getLogger(__name__)

ENTITY_LOST: Final = "entity_lost"
WORD_UNKNOWN: Final = "word_unknown"
LONGEST_WORD: Final = 60

GRACE_S: Final = 60.0
"""Integrations reload, and load after this one: what is back by then is no repair."""


class LostEntities:
    """Tells the owner of entities that a charger needs and that are not there."""

    def __init__(
        self,
        hass: HomeAssistant,
        identity: str,
        title: str,
        data: Mapping[str, Any],
    ) -> None:
        """Begin with none lost."""
        self._hass, self._identity, self._title = hass, identity, title
        self._data = data
        self._lost: tuple[str, ...] = ()
        self._cancel: CALLBACK_TYPE | None = None

    @property
    def issue_id(self) -> str:
        """The id of the repair."""
        return f"{ENTITY_LOST}_{self._identity}"

    @callback
    def show(self, lost: tuple[str, ...]) -> None:
        """Take which fields have lost their entity; empty: none has."""
        if lost == self._lost:
            return
        if bool(lost) is not bool(self._lost):
            _LOGGER.log(
                logging.WARNING if lost else logging.INFO,
                "%s: %s",
                self._identity,
                f"entities lost: {', '.join(lost)}" if lost else "all entities back",
            )
        self._lost = lost
        if not lost:
            self.close()
        elif self._cancel is None:
            self._cancel = async_call_later(self._hass, GRACE_S, self._raise)

    @callback
    def close(self) -> None:
        """Forget the repair."""
        if self._cancel is not None:
            self._cancel()
            self._cancel = None
        ir.async_delete_issue(self._hass, DOMAIN, self.issue_id)

    @callback
    def _raise(self, _now: datetime) -> None:
        self._cancel = async_call_later(self._hass, GRACE_S, self._raise)
        names = (resolved(self._hass, self._data[key]) or key for key in self._lost)
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self.issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key=ENTITY_LOST,
            translation_placeholders={
                "title": self._title,
                "entities": ", ".join(f"`{name}`" for name in names),
            },
        )


@callback
def async_show_word(
    hass: HomeAssistant, identity: str, title: str, word: str | None
) -> None:
    """Tell the owner of a word that was not explained, until it is or is over."""
    issue_id = f"{WORD_UNKNOWN}_{identity}"
    if word is None:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    # As a code span: it is the text of another integration.
    shown = word.replace("`", "'")[:LONGEST_WORD]
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key=WORD_UNKNOWN,
        translation_placeholders={"title": title, "word": f"`{shown}`"},
    )
