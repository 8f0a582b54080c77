"""Add and change charging stations and vehicles."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.util import slugify

from .const import (
    CONF_BATTERY_PRICE,
    CONF_CHEMISTRY,
    CONF_DIALECT,
    CONF_EVCC_ID,
    CONF_IDENTITY,
    CONF_NAME,
    CONF_PASSWORD,
    CONF_ROOT_PEM,
    CONF_SKIP_WAIT,
    CONF_TEMPERATURE,
    CONF_VEHICLE_ID,
    SUBENTRY_VEHICLE,
    UNIQUE_ID_PREFIX_STATION,
    UNIQUE_ID_PREFIX_VEHICLE,
    VEHICLE_AUTOMATIC,
)
from .domain.capability import DischargeDialect
from .flow_schemas import (
    multiline_schema,
    new_password,
    vehicle_errors,
    vehicle_schema,
)
from .listener_flow_tls import listener_material
from .station_address import secure_station_url, station_url, station_urls
from .station_arrival import ArrivalSteps
from .station_form import (
    VENDOR_FIELDS,
    VENDOR_PLACES,
    station_errors,
    station_schema,
    vendor_errors,
    vendor_schema,
    wait_schema,
)
from .upgrade import unknown_fields


class StationFlow(ArrivalSteps):
    """A charging station that dials in."""

    def __init__(self) -> None:
        """Begin with a password of its own: one that a station offers is not trusted."""
        super().__init__()
        self._data = {CONF_PASSWORD: new_password()}

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the identity and the limits of the installation."""
        errors: dict[str, str] = {}
        if user_input is not None:
            # A repair starts the flow with the identity alone. A whole form replaces
            # what was there: a field that was emptied is not sent.
            is_complete = CONF_PASSWORD in user_input
            self._data = user_input if is_complete else self._data | user_input
            errors = self._errors(self._data) if is_complete else {}
            if is_complete and not errors:
                return await self._go_on()
        return self.async_show_form(
            step_id="user",
            data_schema=station_schema(self._data, is_new=True),
            errors=errors,
        )

    async def _go_on(self) -> SubentryFlowResult:
        """Ask for the message of a maker where one is needed, then finish."""
        if self._data.get(CONF_DIALECT) == DischargeDialect.DATA_TRANSFER:
            return await self.async_step_vendor()
        return await self._finish()

    async def _finish(self) -> SubentryFlowResult:
        # With encryption there is more to enter than a form shows: the root certificate.
        is_secure = secure_station_url(self.hass, self._get_entry().data) is not None
        if self.source != SOURCE_RECONFIGURE or is_secure:
            return await self.async_step_connect()
        return self._keep()

    @override
    def _keep(self) -> SubentryFlowResult:
        if self.source == SOURCE_RECONFIGURE:
            subentry = self._get_reconfigure_subentry()
            return self.async_update_and_abort(
                self._get_entry(),
                subentry,
                data=unknown_fields(subentry.data) | self._data,
            )
        identity = self._data[CONF_IDENTITY]
        return self.async_create_entry(
            title=identity,
            data=self._data,
            unique_id=f"{UNIQUE_ID_PREFIX_STATION}{identity}",
        )

    async def async_step_vendor(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask how the maker of the charger is told a power."""
        errors: dict[str, str] = {}
        if user_input is not None:
            self._data = {k: v for k, v in self._data.items() if k not in VENDOR_FIELDS}
            self._data |= user_input
            errors = vendor_errors(user_input)
            if not errors:
                return await self._finish()
        return self.async_show_form(
            step_id="vendor",
            data_schema=vendor_schema(self._data),
            errors=errors,
            description_placeholders=VENDOR_PLACES,
        )

    @override
    async def async_step_connect(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        if user_input is not None:
            if self._can_wait and not user_input.get(CONF_SKIP_WAIT):
                return await self.async_step_arrive()
            return self._keep()
        self._let_in()
        listener = self._get_entry().data
        url = station_url(self.hass, listener)
        secure_url = secure_station_url(self.hass, listener)
        if secure_url is not None:
            return await self._show_secure(url, secure_url)
        return self.async_show_form(
            step_id="connect",
            data_schema=wait_schema(can_wait=self._can_wait),
            description_placeholders=self._to_enter(url),
            last_step=True,
        )

    async def async_step_connect_own(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Go on from what to enter at a charger that has the root already."""
        return await self.async_step_connect(user_input)

    async def async_step_connect_secure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Go on from what to enter at the charger."""
        return await self.async_step_connect(user_input)

    async def _show_secure(self, url: str, secure_url: str) -> SubentryFlowResult:
        """Show what to enter at the charger, the root certificate included."""
        material = listener_material(self.hass, self._get_entry().data)
        root_pem = await self.hass.async_add_executor_job(material.trusted_pem)
        if root_pem is None:
            return self.async_show_form(
                step_id="connect_own",
                data_schema=wait_schema(can_wait=self._can_wait),
                description_placeholders={
                    **self._to_enter(secure_url),
                    "plain_url": url,
                },
                last_step=True,
            )
        return self.async_show_form(
            step_id="connect_secure",
            data_schema=self.add_suggested_values_to_schema(
                multiline_schema(CONF_ROOT_PEM).extend(
                    wait_schema(can_wait=self._can_wait).schema
                ),
                {CONF_ROOT_PEM: root_pem},
            ),
            description_placeholders={
                **self._to_enter(secure_url),
                "plain_url": url,
            },
            last_step=True,
        )

    def _to_enter(self, url: str) -> dict[str, str]:
        identity = self._data[CONF_IDENTITY]
        self._entered = {
            "url": url,
            "url_with_identity": f"{url}{identity}",
            "identity": identity,
            "password": self._data[CONF_PASSWORD],
        }
        return self._entered

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change the password or the limits."""
        subentry = self._get_reconfigure_subentry()
        errors: dict[str, str] = {}
        schema = station_schema(user_input or subentry.data, is_new=False)
        if user_input is not None:
            errors = station_errors(user_input, self._get_entry().data)
            if not errors:
                # A field that was emptied is not sent at all.
                kept = {
                    k: v for k, v in subentry.data.items() if k not in schema.schema
                }
                self._data = kept | user_input
                return await self._go_on()
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=schema,
            errors=errors,
            description_placeholders={
                "urls": " or ".join(
                    f"`{url}`"
                    for url in station_urls(self.hass, self._get_entry().data)
                ),
                "identity": subentry.data[CONF_IDENTITY],
            },
        )

    def _errors(self, data: Mapping[str, Any]) -> dict[str, str]:
        errors = station_errors(data, self._get_entry().data)
        unique_id = f"{UNIQUE_ID_PREFIX_STATION}{data[CONF_IDENTITY]}"
        if any(
            other.unique_id == unique_id
            for other in self._get_entry().subentries.values()
        ):
            errors[CONF_IDENTITY] = "already_configured"
        return errors


class VehicleFlow(ConfigSubentryFlow):
    """A vehicle of the home."""

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the facts and the first floors of a vehicle."""
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = self._errors(user_input, None)
            if not errors:
                vehicle_id = self._new_id(user_input[CONF_NAME])
                return self.async_create_entry(
                    title=user_input[CONF_NAME],
                    data={**user_input, CONF_VEHICLE_ID: vehicle_id},
                    unique_id=f"{UNIQUE_ID_PREFIX_VEHICLE}{vehicle_id}",
                )
        return self.async_show_form(
            step_id="user",
            data_schema=vehicle_schema(user_input or {}, is_new=True),
            errors=errors,
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change the facts; the floors are entities of the vehicle."""
        subentry = self._get_reconfigure_subentry()
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = self._errors(user_input, subentry.subentry_id)
            if not errors:
                # A field that was emptied is not sent at all.
                emptied = (
                    CONF_EVCC_ID,
                    CONF_CHEMISTRY,
                    CONF_BATTERY_PRICE,
                    CONF_TEMPERATURE,
                )
                kept = {k: v for k, v in subentry.data.items() if k not in emptied}
                return self.async_update_and_abort(
                    self._get_entry(),
                    subentry,
                    title=user_input[CONF_NAME],
                    data=kept | user_input,
                )
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=vehicle_schema(user_input or subentry.data, is_new=False),
            errors=errors,
        )

    def _errors(
        self, data: Mapping[str, Any], own_subentry_id: str | None
    ) -> dict[str, str]:
        errors = vehicle_errors(data)
        name, evcc_id = data[CONF_NAME].strip().casefold(), data.get(CONF_EVCC_ID)
        if name in ("", VEHICLE_AUTOMATIC):
            errors[CONF_NAME] = "name_not_legal"
        for other in self._get_entry().subentries.values():
            if (
                other.subentry_type != SUBENTRY_VEHICLE
                or other.subentry_id == own_subentry_id
            ):
                continue
            if other.data[CONF_NAME].strip().casefold() == name:
                errors[CONF_NAME] = "already_configured"
            if evcc_id and other.data.get(CONF_EVCC_ID) == evcc_id:
                errors[CONF_EVCC_ID] = "evcc_id_taken"
        return errors

    def _new_id(self, name: str) -> str:
        """Return an id that a vehicle of the same name gets again."""
        taken = {
            other.data.get(CONF_VEHICLE_ID)
            for other in self._get_entry().subentries.values()
            if other.subentry_type == SUBENTRY_VEHICLE
        }
        base = candidate = slugify(name)
        number = 1
        while candidate in taken:
            number += 1
            candidate = f"{base}_{number}"
        return candidate
