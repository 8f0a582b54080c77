"""Join a programme of a virtual power plant: invitation, certificate, handshake."""

from typing import Any

from homeassistant.config_entries import ConfigEntryState, SubentryFlowResult
from homeassistant.util import dt as dt_util
import voluptuous as vol

from . import const
from .certificate_form import (
    async_checked_certificate,
    async_offer_request,
    certificate_error,
    request_placeholders,
)
from .const import (
    CONF_AGGREGATOR_KEYS,
    CONF_BROKER_HOST,
    CONF_BROKER_PORT,
    CONF_BROKER_ROOT_PEM,
    CONF_CERTIFICATE,
    CONF_CLIENT_KEY_PEM,
    CONF_CSR,
    CONF_HOME_ID,
    CONF_INVITATION,
    CONF_KEEP_LEDGER,
    CONF_PROGRAMME_ID,
    CONF_REGION,
    CONF_SIGNING_SEED,
    CONF_SOURCE,
    UNIQUE_ID_PREFIX_PROGRAMME,
)
from .domain.errors import (
    InvitationInvalid,
    V2gError,
)
from .enrolment_flow_steps import (
    EnrolmentRefused,
    HomeKeys,
    PendingEnrolments,
    create_home_keys,
    request_certificate,
)
from .flow_schemas import GRANT_FIELDS, leave_schema, multiline_schema
from .pki.request import client_common_name
from .programme_terms import minutes, own_terms
from .request_file import request_path
from .source_flow import SourceSteps
from .vpp.probe import Enrolment, parse_invitation


class ProgrammeFlow(SourceSteps):
    """Enrolment in one programme, or events that entities tell."""

    _enrolment: Enrolment
    _keys: HomeKeys
    _detail = ""

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask who tells the events."""
        return self.async_show_menu(
            step_id="user", menu_options=["invitation", "entities", "calendar"]
        )

    async def async_step_invitation(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Take the invitation."""
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                enrolment = parse_invitation(
                    user_input[CONF_INVITATION], dt_util.utcnow()
                )
            except InvitationInvalid as err:
                errors, self._detail = _invitation_error(err), err.field
            else:
                if not self._is_known(enrolment):
                    self._enrolment = enrolment
                    self._keys = await self._keys_for(enrolment)
                    return await self.async_step_enrol()
                errors = {CONF_INVITATION: "already_configured"}
        return self.async_show_form(
            step_id="invitation",
            data_schema=self.add_suggested_values_to_schema(
                multiline_schema(CONF_INVITATION), user_input
            ),
            errors=errors,
            description_placeholders={"field": self._detail},
        )

    async def async_step_enrol(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask how the certificate gets here."""
        return self.async_show_menu(
            step_id="enrol",
            menu_options=["online", "manual"],
            description_placeholders=self._placeholders(),
        )

    async def async_step_online(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask the operator for the certificate with the one-time code."""
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                # The code works once: a certificate that came is not asked for again.
                if not self._keys.certificate_pem:
                    pem = await request_certificate(
                        self.hass, self._enrolment, self._keys
                    )
                    await self._keep(self._keys.with_certificate(pem))
                return await self._create(self._keys.certificate_pem)
            except EnrolmentRefused as err:
                errors, self._detail = {"base": err.key}, err.detail
            except V2gError as err:
                errors = certificate_error(err, "base")
        return self.async_show_form(
            step_id="online",
            data_schema=vol.Schema({}),
            errors=errors,
            description_placeholders=self._placeholders(),
        )

    async def async_step_manual(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the request and take the certificate that was made of it."""
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                return await self._create(user_input[CONF_CERTIFICATE])
            except V2gError as err:
                errors = certificate_error(err, CONF_CERTIFICATE)
        else:
            programme_id, csr = self._enrolment.programme_id, self._keys.csr_pem
            errors = await async_offer_request(self.hass, programme_id, csr)
        return self.async_show_form(
            step_id="manual",
            data_schema=self.add_suggested_values_to_schema(
                multiline_schema(CONF_CERTIFICATE), user_input
            ),
            errors=errors,
            description_placeholders=self._placeholders(),
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what to change."""
        change = {
            const.SOURCE_ENTITIES: "change_entities",
            const.SOURCE_CALENDAR: "change_calendar",
        }
        source = self._get_reconfigure_subentry().data.get(CONF_SOURCE, "")
        return self.async_show_menu(
            step_id="reconfigure",
            menu_options=(
                [change[source], "leave"]
                if source in change
                else ["grant", "certificate", "leave"]
            ),
        )

    async def async_step_grant(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what the programme may have."""
        subentry = self._get_reconfigure_subentry()
        schema = vol.Schema(GRANT_FIELDS)
        if user_input is None:
            return self.async_show_form(
                step_id="grant",
                data_schema=self.add_suggested_values_to_schema(schema, subentry.data),
            )
        data = {
            key: subentry.data[key] for key in subentry.data if key not in GRANT_FIELDS
        }
        return self.async_update_and_abort(
            self._get_entry(), subentry, data=data | user_input
        )

    async def async_step_leave(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Leave the programme, with or without its ledger."""
        entry, subentry = self._get_entry(), self._get_reconfigure_subentry()
        if entry.state is not ConfigEntryState.LOADED:
            # Only a running home can tell the broker and end what runs.
            return self.async_abort(reason="not_loaded")
        if user_input is None:
            return self.async_show_form(
                step_id="leave",
                data_schema=leave_schema(),
                description_placeholders={"programme": subentry.title},
            )
        if not user_input[CONF_KEEP_LEDGER]:
            programme_id = subentry.data[CONF_PROGRAMME_ID]
            entry.runtime_data.ledgers_to_delete.add(programme_id)
        # The removal ends the flows of the subentry, so this one has to be over.
        self.hass.loop.call_soon(
            self.hass.config_entries.async_remove_subentry, entry, subentry.subentry_id
        )
        return self.async_abort(reason="left")

    async def async_step_certificate(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Take a new certificate for the key that the home has."""
        subentry = self._get_reconfigure_subentry()
        data = subentry.data
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                changes = await async_checked_certificate(
                    self.hass, data, user_input[CONF_CERTIFICATE]
                )
            except V2gError as err:
                errors = certificate_error(err, CONF_CERTIFICATE)
            else:
                return self.async_update_and_abort(
                    self._get_entry(), subentry, data_updates=changes
                )
        else:
            errors = await async_offer_request(
                self.hass, data[CONF_PROGRAMME_ID], data[CONF_CSR]
            )
        return self.async_show_form(
            step_id="certificate",
            data_schema=self.add_suggested_values_to_schema(
                multiline_schema(CONF_CERTIFICATE), user_input
            ),
            errors=errors,
            description_placeholders=request_placeholders(self.hass, data),
        )

    async def _create(self, certificate_pem: str) -> SubentryFlowResult:
        """Create the subentry once the broker accepts the certificate.

        Raises:
            CertificateInvalid, BrokerUnreachable, BrokerRefusedTls.
        """
        enrolment, keys = self._enrolment, self._keys
        data: dict[str, Any] = {
            CONF_PROGRAMME_ID: enrolment.programme_id,
            CONF_REGION: enrolment.region,
            CONF_HOME_ID: enrolment.home_id,
            CONF_BROKER_HOST: enrolment.broker_host,
            CONF_BROKER_PORT: enrolment.broker_port,
            CONF_BROKER_ROOT_PEM: enrolment.broker_root_pem,
            CONF_AGGREGATOR_KEYS: dict(enrolment.aggregator_keys),
            CONF_CLIENT_KEY_PEM: keys.key_pem,
            CONF_CSR: keys.csr_pem,
            CONF_SIGNING_SEED: keys.signing_seed,
        }
        data |= await async_checked_certificate(self.hass, data, certificate_pem)
        await PendingEnrolments(self.hass).forget(enrolment)
        return self.async_create_entry(
            title=enrolment.programme_name,
            data=data,
            unique_id=f"{UNIQUE_ID_PREFIX_PROGRAMME}{enrolment.programme_id}",
        )

    def _is_known(self, enrolment: Enrolment) -> bool:
        unique_id = f"{UNIQUE_ID_PREFIX_PROGRAMME}{enrolment.programme_id}"
        return any(
            other.unique_id == unique_id
            for other in self._get_entry().subentries.values()
        )

    async def _keys_for(self, enrolment: Enrolment) -> HomeKeys:
        """Return the keys of an enrolment that was left open, else new ones."""
        kept = await PendingEnrolments(self.hass).find(enrolment)
        if kept is not None:
            return kept
        keys = await self.hass.async_add_executor_job(
            create_home_keys, client_common_name(enrolment.region, enrolment.home_id)
        )
        await PendingEnrolments(self.hass).keep(enrolment, keys)
        return keys

    async def _keep(self, keys: HomeKeys) -> None:
        self._keys = keys
        await PendingEnrolments(self.hass).keep(self._enrolment, keys)

    def _placeholders(self) -> dict[str, str]:
        enrolment = self._enrolment
        return {
            "programme": enrolment.programme_name,
            "terms_url": enrolment.terms_url,
            "terms_sha256": enrolment.terms_sha256,
            "notice": minutes(enrolment.notice_s),
            "opt_out": minutes(enrolment.opt_out_s),
            **own_terms(self._get_entry()),
            "home_id": enrolment.home_id,
            "host": enrolment.broker_host,
            "port": str(enrolment.broker_port),
            "csr": self._keys.csr_pem,
            "file": str(request_path(self.hass, enrolment.programme_id)),
            "signing_key": self._keys.signing_public_key,
            "detail": self._detail,
        }


def _invitation_error(err: InvitationInvalid) -> dict[str, str]:
    match err.field:
        case "invitation":
            key = "not_an_invitation"
        case "expires_at":
            key = "invitation_expired"
        case _:
            key = "invitation_incomplete"
    return {CONF_INVITATION: key}
