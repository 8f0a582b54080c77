"""The dialogs that put a repair right."""

from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Final, override

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.components.repairs.const import FlowType
from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.helpers import issue_registry as ir, selector
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .const import CONF_IDENTITY, DOMAIN, SUBENTRY_STATION, UNIQUE_ID_PREFIX_STATION
from .coordinator import V2gConfigEntry
from .domain.errors import UnknownTarget
from .domain.ids import EvseKey
from .station_checks import check_error

TESTED_ON: Final = "tested_on"


class ConfirmedFlow(RepairsFlow, ABC):
    """A dialog with one question."""

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Start: this first call always has an input, which means nothing."""
        return await self.async_step_confirm()

    @abstractmethod
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask, and do what was answered."""


class AdoptStationFlow(ConfirmedFlow):
    """Go on to the set-up of a charger that wants to connect."""

    def __init__(self, entry_id: str, identity: str, address: str) -> None:
        """Name the home and the charger."""
        self._entry_id, self._identity, self._address = entry_id, identity, address

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask, then open the flow of a charger with its identity filled in."""
        entry = self.hass.config_entries.async_get_entry(self._entry_id)
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="not_loaded")
        unique_id = f"{UNIQUE_ID_PREFIX_STATION}{self._identity}"
        if any(s.unique_id == unique_id for s in entry.subentries.values()):
            ir.async_delete_issue(self.hass, DOMAIN, self.issue_id)
            return self.async_abort(reason="already_configured")
        if user_input is None:
            return self.async_show_form(
                step_id="confirm",
                description_placeholders={
                    "identity": self._identity,
                    "address": self._address,
                },
            )
        flow = await self.hass.config_entries.subentries.async_init(
            (self._entry_id, SUBENTRY_STATION),
            context={"source": SOURCE_USER},
            data={CONF_IDENTITY: self._identity},
        )
        return self.async_create_entry(
            data={}, next_flow=(FlowType.CONFIG_SUBENTRIES_FLOW, flow["flow_id"])
        )


class LostProofFlow(ConfirmedFlow):
    """Let the owner leave discharge off without being reminded of it."""

    def __init__(self, key: EvseKey) -> None:
        """Name the outlet."""
        self._key = key

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Say what a new self-test is for, and forget the loss when told to."""
        entries: list[V2gConfigEntry] = self.hass.config_entries.async_loaded_entries(
            DOMAIN
        )
        if not entries:
            return self.async_abort(reason="not_loaded")
        if user_input is None:
            return self.async_show_form(
                step_id="confirm", description_placeholders=_told(self)
            )
        with suppress(UnknownTarget):  # Removed meanwhile, and its repair with it.
            await entries[0].runtime_data.site.acknowledge_lost_proof(self._key)
        return self.async_create_entry(data={})


class CheckDueFlow(ConfirmedFlow):
    """Take the day on which a check was done again."""

    def __init__(self, entry_id: str, subentry_id: str, field: str) -> None:
        """Name the charger and the check."""
        self._entry_id, self._subentry_id, self._field = entry_id, subentry_id, field

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask for the day, and keep it with the charger."""
        entry = self.hass.config_entries.async_get_entry(self._entry_id)
        subentry = entry.subentries.get(self._subentry_id) if entry else None
        if entry is None or subentry is None:
            return self.async_abort(reason="removed")
        today, errors = dt_util.now().date(), {}
        if user_input is not None:
            tested_on = user_input[TESTED_ON]
            error = check_error(tested_on, today)
            if error is None:
                self.hass.config_entries.async_update_subentry(
                    entry, subentry, data={**subentry.data, self._field: tested_on}
                )
                return self.async_create_entry(data={})
            errors[TESTED_ON] = error
        return self.async_show_form(
            step_id="confirm",
            data_schema=vol.Schema(
                {
                    vol.Required(
                        TESTED_ON, default=today.isoformat()
                    ): selector.DateSelector()
                }
            ),
            errors=errors,
            description_placeholders=_told(self),
        )


def _told(flow: RepairsFlow) -> dict[str, str] | None:
    """Return what the texts of an issue name, for its dialog."""
    issue = ir.async_get(flow.hass).async_get_issue(DOMAIN, flow.issue_id)
    return issue.translation_placeholders if issue is not None else None
