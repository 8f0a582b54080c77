"""Ask the owner for a new certificate when a broker refuses the one of this home.

Subentries have no reauthentication of their own, so it is that of the entry, for one
programme at a time. A charger's password has none: whoever is in the network can send a
wrong one, and must not be able to make the owner change the right one.
"""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.config_entries import (
    SOURCE_REAUTH,
    ConfigFlow,
    ConfigFlowContext,
    ConfigFlowResult,
    ConfigSubentry,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .certificate_form import (
    async_checked_certificate,
    async_offer_request,
    certificate_error,
    request_placeholders,
)
from .const import (
    CONF_CERTIFICATE,
    CONF_CSR,
    CONF_PROGRAMME_ID,
    DOMAIN,
    SUBENTRY_PROGRAMME,
)
from .domain.errors import TlsFault, V2gError
from .flow_schemas import multiline_schema
from .text_keys import TLS_ISSUES, VPP, VPP_CERTIFICATE_INVALID

ATTR_SUBENTRY_ID: Final = "subentry_id"

CERTIFICATE_ISSUES: Final = frozenset(
    {
        VPP_CERTIFICATE_INVALID,
        TLS_ISSUES[TlsFault.CERTIFICATE_REQUIRED],
        TLS_ISSUES[TlsFault.UNKNOWN_AUTHORITY],
        TLS_ISSUES[TlsFault.CERTIFICATE_EXPIRED],
        TLS_ISSUES[TlsFault.CERTIFICATE_REVOKED],
    }
)
"""Repairs that a new certificate of this home ends; the others are about the broker."""


@callback
def async_follow_refusals(hass: HomeAssistant) -> None:
    """Ask for the certificate of a programme that is refused, and end what is over."""
    for entry in hass.config_entries.async_entries(DOMAIN):
        refused = [
            subentry
            for subentry in entry.subentries.values()
            if _is_refused(hass, subentry)
        ]
        wanted = {subentry.subentry_id for subentry in refused}
        for flow in list(entry.async_get_active_flows(hass, {SOURCE_REAUTH})):
            about = flow["context"].get("title_placeholders", {})
            if about.get(ATTR_SUBENTRY_ID) not in wanted:
                hass.config_entries.flow.async_abort(flow["flow_id"])
        if refused:
            # Does nothing while one is open: the others come after it.
            entry.async_start_reauth(
                hass,
                context=_context(refused[0]),
                data={ATTR_SUBENTRY_ID: refused[0].subentry_id},
            )


def _context(subentry: ConfigSubentry) -> ConfigFlowContext:
    return ConfigFlowContext(
        title_placeholders={
            "name": subentry.title,
            ATTR_SUBENTRY_ID: subentry.subentry_id,
        }
    )


def _is_refused(hass: HomeAssistant, subentry: ConfigSubentry) -> bool:
    if subentry.subentry_type != SUBENTRY_PROGRAMME:
        return False
    # One whose settings cannot be read is asked for nothing, and holds no other up.
    issue_id = f"{VPP}_{subentry.data.get(CONF_PROGRAMME_ID)}"
    issue = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
    return issue is not None and issue.translation_key in CERTIFICATE_ISSUES


class ReauthSteps(ConfigFlow):
    """Take a new certificate for a programme whose broker refuses the present one."""

    _subentry_id = ""

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Begin: the data of the entry with the programme that it is about."""
        self._subentry_id = entry_data.get(ATTR_SUBENTRY_ID, "")
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the request, and use the certificate that was made of it."""
        entry = self._get_reauth_entry()
        subentry = entry.subentries.get(self._subentry_id)
        if subentry is None:
            return self.async_abort(reason="removed")
        data = subentry.data
        if user_input is None:
            errors = await async_offer_request(
                self.hass, data[CONF_PROGRAMME_ID], data[CONF_CSR]
            )
        else:
            try:
                changes = await async_checked_certificate(
                    self.hass, data, user_input[CONF_CERTIFICATE]
                )
            except V2gError as err:
                errors = certificate_error(err, CONF_CERTIFICATE)
            else:
                self.hass.config_entries.async_update_subentry(
                    entry, subentry, data={**data, **changes}
                )
                return self.async_abort(reason="reauth_successful")
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=self.add_suggested_values_to_schema(
                multiline_schema(CONF_CERTIFICATE), user_input
            ),
            errors=errors,
            description_placeholders={
                "programme": subentry.title,
                **request_placeholders(self.hass, data),
            },
        )
