"""The dialogs that put a repair right."""

from contextlib import suppress

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.components.repairs.const import FlowType
from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.helpers import issue_registry as ir

from .const import CONF_IDENTITY, DOMAIN, SUBENTRY_STATION, UNIQUE_ID_PREFIX_STATION
from .coordinator import V2gConfigEntry
from .domain.errors import UnknownTarget
from .domain.ids import EvseKey


class AdoptStationFlow(RepairsFlow):
    """Go on to the set-up of a charger that wants to connect."""

    def __init__(self, entry_id: str, identity: str, address: str) -> None:
        """Name the home and the charger."""
        self._entry_id, self._identity, self._address = entry_id, identity, address

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Start: this first call always has an input, which means nothing."""
        return await self.async_step_confirm()

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


class LostProofFlow(RepairsFlow):
    """Let the owner leave discharge off without being reminded of it."""

    def __init__(self, key: EvseKey) -> None:
        """Name the outlet."""
        self._key = key

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Start: this first call always has an input, which means nothing."""
        return await self.async_step_confirm()

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
            issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
            return self.async_show_form(
                step_id="confirm",
                description_placeholders=(
                    issue.translation_placeholders if issue is not None else None
                ),
            )
        with suppress(UnknownTarget):  # Removed meanwhile, and its repair with it.
            await entries[0].runtime_data.site.acknowledge_lost_proof(self._key)
        return self.async_create_entry(data={})
