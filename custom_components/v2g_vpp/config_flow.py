"""Set up the home: its OCPP listener, with real chargers or a virtual one."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigFlowResult,
    ConfigSubentryData,
    ConfigSubentryFlow,
    OptionsFlow,
)
from homeassistant.core import callback

from .const import (
    CONF_CAPACITY_KWH,
    CONF_EVCC_ID,
    CONF_GRID_CUSTOM,
    CONF_GRID_PROFILE,
    CONF_IDENTITY,
    CONF_NAME,
    CONF_OCPP_HOST,
    CONF_OCPP_PORT,
    CONF_OCPP_TLS_PORT,
    CONF_PASSWORD,
    CONF_VEHICLE_ID,
    CONF_VIRTUAL,
    DEFAULT_OCPP_HOST,
    DOMAIN,
    ENTRY_MINOR_VERSION,
    ENTRY_VERSION,
    GRID_CUSTOM,
    SUBENTRY_ENTITY_STATION,
    SUBENTRY_PROGRAMME,
    SUBENTRY_STATION,
    SUBENTRY_VEHICLE,
    UNIQUE_ID_PREFIX_STATION,
    UNIQUE_ID_PREFIX_VEHICLE,
    VIRTUAL_EVCC_ID,
    VIRTUAL_IDENTITY,
)
from .csms.probe import check_port, propose_port
from .domain.errors import ListenerError
from .entity_station_flow import EntityStationFlow
from .flow_schemas import (
    encryption_schema,
    home_schema,
    listener_errors,
    new_password,
    virtual_schema,
)
from .grid_options import custom_profile, custom_schema, proposed_profile
from .listener_flow_tls import encryption_errors
from .meter_options import MeterOptionsFlow
from .programme_flow import ProgrammeFlow
from .programme_reauth import ReauthSteps
from .station_address import secure_hosts, station_url
from .station_form import (
    station_errors,
)
from .subentry_flows import StationFlow, VehicleFlow
from .text_keys import PORT
from .upgrade import unknown_fields

PORTS = (CONF_OCPP_PORT, CONF_OCPP_TLS_PORT)
VIRTUAL_CAPACITY_KWH = 60
"""The battery of the virtual car."""

VIRTUAL_VEHICLE_ID = "virtual"
VIRTUAL_OCPP_HOST = "127.0.0.1"


class V2gConfigFlow(ReauthSteps, domain=DOMAIN):
    """The first minutes, and changes of the listener later."""

    VERSION = ENTRY_VERSION
    MINOR_VERSION = ENTRY_MINOR_VERSION

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        return {
            SUBENTRY_STATION: StationFlow,
            SUBENTRY_ENTITY_STATION: EntityStationFlow,
            SUBENTRY_VEHICLE: VehicleFlow,
            SUBENTRY_PROGRAMME: ProgrammeFlow,
        }

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        return MeterOptionsFlow()

    def __init__(self) -> None:
        """Begin with a password of its own."""
        self._password = new_password()
        self._listener: dict[str, Any] = {}

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask whether there is a charger yet."""
        return self.async_show_menu(step_id="user", menu_options=["virtual", "home"])

    async def async_step_home(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the listener and the limit of the grid connection."""
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = await self._check_listener(user_input)
            if not errors:
                return await self._go_on(user_input)
        return self.async_show_form(
            step_id="home",
            data_schema=home_schema(
                await self._port(user_input),
                user_input
                or {CONF_GRID_PROFILE: proposed_profile(self.hass.config.country)},
            ),
            errors=errors,
        )

    async def async_step_virtual(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Set up a home with one virtual charging station and a virtual car."""
        errors: dict[str, str] = {}
        if user_input is not None:
            # Only the virtual station dials: nothing is opened to the network.
            listener = {
                CONF_OCPP_HOST: VIRTUAL_OCPP_HOST,
                CONF_OCPP_PORT: user_input[CONF_OCPP_PORT],
            }
            errors = station_errors(user_input) or await self._check_listener(listener)
            if not errors:
                return self.async_create_entry(
                    title=self._title(),
                    data=listener,
                    description="virtual",
                    description_placeholders={
                        "url": station_url(self.hass, listener),
                        "identity": user_input[CONF_IDENTITY],
                        "password": user_input[CONF_PASSWORD],
                    },
                    subentries=_virtual_subentries(user_input),
                )
        return self.async_show_form(
            step_id="virtual",
            data_schema=self.add_suggested_values_to_schema(
                virtual_schema(
                    await self._port(user_input), self._password, VIRTUAL_IDENTITY
                ),
                user_input,
            ),
            errors=errors,
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change the listener or the limit of the grid connection."""
        entry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = await self._check_listener(user_input, entry.data)
            if not errors:
                return await self._go_on(user_input)
        shown = entry.data if user_input is None else user_input
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=home_schema(shown[CONF_OCPP_PORT], shown),
            errors=errors,
        )

    async def async_step_grid(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the numbers of a region that is not in the list."""
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                custom_profile(user_input)
            except ValueError:
                errors = {"base": "grid_numbers_contradict"}
            else:
                self._listener[CONF_GRID_CUSTOM] = user_input
                return await self._encrypt(self._listener)
        present = self._present.get(CONF_GRID_CUSTOM, {})
        return self.async_show_form(
            step_id="grid",
            data_schema=custom_schema(present if user_input is None else user_input),
            errors=errors,
        )

    async def async_step_encryption(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask what an encrypted listener shows and takes."""
        errors: dict[str, str] = {}
        if user_input is not None:
            wanted = self._listener | user_input
            errors = await encryption_errors(self.hass, wanted)
            if not errors:
                return self._finish(wanted)
        return self.async_show_form(
            step_id="encryption",
            data_schema=encryption_schema(
                self._present if user_input is None else user_input
            ),
            errors=errors,
            description_placeholders={
                "host": secure_hosts(self.hass, self._listener)[0]
            },
            last_step=True,
        )

    async def _go_on(self, listener: dict[str, Any]) -> ConfigFlowResult:
        """Finish, or ask first for what was chosen."""
        self._listener = dict(listener)
        if listener.get(CONF_GRID_PROFILE) == GRID_CUSTOM:
            return await self.async_step_grid()
        return await self._encrypt(listener)

    async def _encrypt(self, listener: dict[str, Any]) -> ConfigFlowResult:
        """Finish, or ask first for the encryption."""
        if listener.get(CONF_OCPP_TLS_PORT) is None:
            return self._finish(listener)
        return await self.async_step_encryption()

    def _finish(self, data: dict[str, Any]) -> ConfigFlowResult:
        if self.source != SOURCE_RECONFIGURE:
            return self.async_create_entry(
                title=self._title(), data=data, description="home"
            )
        # The update listener reloads the entry when its data changed.
        entry = self._get_reconfigure_entry()
        return self.async_update_and_abort(
            entry, data=unknown_fields(entry.data) | data
        )

    @property
    def _present(self) -> Mapping[str, Any]:
        """What is set up already."""
        if self.source != SOURCE_RECONFIGURE:
            return {}
        return self._get_reconfigure_entry().data

    async def _check_listener(
        self, wanted: Mapping[str, Any], present: Mapping[str, Any] | None = None
    ) -> dict[str, str]:
        """Return errors by field; the address that is ours now is not tried."""
        errors = listener_errors(wanted)
        if errors:
            return errors
        held = {present.get(key) for key in PORTS} if present is not None else set()
        for key in PORTS:
            port = wanted.get(key)
            if port is None or port in held:
                # Our own listener holds the port. Another address of it is proven by
                # the reload, which says what is wrong and tries again by itself.
                continue
            try:
                await self.hass.async_add_executor_job(
                    check_port, wanted[CONF_OCPP_HOST], port
                )
            except ListenerError as err:
                return {key: PORT.get(err.detail, "port_unusable")}
        return {}

    async def _port(self, user_input: Mapping[str, Any] | None) -> int:
        if user_input is not None:
            return int(user_input[CONF_OCPP_PORT])
        return await self.hass.async_add_executor_job(propose_port, DEFAULT_OCPP_HOST)

    def _title(self) -> str:
        return self.hass.config.location_name


def _virtual_subentries(user_input: Mapping[str, Any]) -> list[ConfigSubentryData]:
    identity = user_input[CONF_IDENTITY]
    return [
        ConfigSubentryData(
            subentry_type=SUBENTRY_STATION,
            title="Virtual charger",
            unique_id=f"{UNIQUE_ID_PREFIX_STATION}{identity}",
            data={
                CONF_IDENTITY: identity,
                CONF_PASSWORD: user_input[CONF_PASSWORD],
                CONF_VIRTUAL: user_input[CONF_VIRTUAL],
            },
        ),
        ConfigSubentryData(
            subentry_type=SUBENTRY_VEHICLE,
            title="Virtual car",
            unique_id=f"{UNIQUE_ID_PREFIX_VEHICLE}{VIRTUAL_VEHICLE_ID}",
            data={
                CONF_VEHICLE_ID: VIRTUAL_VEHICLE_ID,
                CONF_NAME: "Virtual car",
                CONF_CAPACITY_KWH: VIRTUAL_CAPACITY_KWH,
                CONF_EVCC_ID: VIRTUAL_EVCC_ID,
                CONF_VIRTUAL: user_input[CONF_VIRTUAL],
            },
        ),
    ]
