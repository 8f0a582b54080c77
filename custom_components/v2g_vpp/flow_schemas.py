"""The forms of the flows, and the checks that belong to a form."""

from collections.abc import Mapping
from ipaddress import ip_address
import re
import secrets
from typing import Any, Final

from homeassistant.components.sensor import (
    DOMAIN as SENSOR_DOMAIN,
    SensorDeviceClass,
)
from homeassistant.const import (
    UnitOfEnergy,
    UnitOfPower,
    UnitOfRatio,
)
from homeassistant.helpers import selector
import voluptuous as vol

from .const import (
    CONF_BATTERY_PRICE,
    CONF_CAPACITY_KWH,
    CONF_CHEMISTRY,
    CONF_EVCC_ID,
    CONF_EXPORT_LIMIT_W,
    CONF_GRID_PROFILE,
    CONF_GRID_SUPPORT,
    CONF_IDENTITY,
    CONF_KEEP_LEDGER,
    CONF_NAME,
    CONF_OCPP_HOST,
    CONF_OCPP_NETWORKS,
    CONF_OCPP_PORT,
    CONF_OCPP_TLS_1_3_ONLY,
    CONF_OCPP_TLS_CERTIFICATE,
    CONF_OCPP_TLS_HOST,
    CONF_OCPP_TLS_KEY,
    CONF_OCPP_TLS_PORT,
    CONF_PASSWORD,
    CONF_RESERVE_PERCENT,
    CONF_TEMPERATURE,
    CONF_VIRTUAL,
    CONF_VPP_RESERVE_PERCENT,
    DEFAULT_OCPP_HOST,
    VIRTUAL_INSIDE,
    VIRTUAL_OWN_PROCESS,
)
from .domain.chemistry import BATTERY_PRICE_PER_KWH, Chemistry
from .domain.policy import StationLimits, VehiclePolicy
from .grid_options import profile_selector
from .subentry_facts import networks

LARGEST_POWER_W: Final = 100_000
"""Above any charger of a home, and below a typing mistake."""

LOWEST_CAPACITY_KWH: Final = 5
HIGHEST_CAPACITY_KWH: Final = 250
LOWEST_BATTERY_PRICE: Final = 1
HIGHEST_BATTERY_PRICE: Final = 10_000_000
"""Per kWh, in any currency."""

_HOST_NAME: Final = re.compile(
    r"(?=.{1,64}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
"""A host name or an IPv4 address, as a certificate names it."""


_EVCC_ID: Final = re.compile(r"[A-Za-z0-9:*-]{1,64}")

_LIMITS: Final = StationLimits()
_FLOORS: Final = VehiclePolicy()
_DEFAULT_CAPACITY_KWH: Final = 60


def new_password() -> str:
    """Return a password that chargers of every OCPP version accept, 160 bits.

    40 hexadecimal digits: OCPP 1.6 wants at most 20 bytes in that form, OCPP 2.x at
    most 40 characters.
    """
    return secrets.token_hex(20)


def home_schema(port: int, defaults: Mapping[str, Any]) -> vol.Schema:
    """Return the form of the home and its listener."""
    return vol.Schema(
        {
            vol.Required(CONF_OCPP_PORT, default=port): _port(),
            vol.Required(
                CONF_OCPP_HOST,
                default=defaults.get(CONF_OCPP_HOST, DEFAULT_OCPP_HOST),
            ): selector.TextSelector(),
            optional(CONF_EXPORT_LIMIT_W, defaults): power_selector(),
            optional(CONF_GRID_PROFILE, defaults): profile_selector(),
            optional(CONF_GRID_SUPPORT, defaults): selector.BooleanSelector(),
            optional(CONF_OCPP_NETWORKS, defaults): selector.TextSelector(),
            optional(CONF_OCPP_TLS_PORT, defaults): _port(),
            optional(CONF_OCPP_TLS_HOST, defaults): selector.TextSelector(),
        }
    )


def encryption_schema(defaults: Mapping[str, Any]) -> vol.Schema:
    """Return the form of what an encrypted listener shows and takes."""
    return vol.Schema(
        {
            optional(CONF_OCPP_TLS_1_3_ONLY, defaults): selector.BooleanSelector(),
            optional(CONF_OCPP_TLS_CERTIFICATE, defaults): selector.TextSelector(),
            optional(CONF_OCPP_TLS_KEY, defaults): selector.TextSelector(),
        }
    )


def virtual_schema(port: int, password: str, identity: str) -> vol.Schema:
    """Return the form of "Try it with a virtual car"."""
    return vol.Schema(
        {
            vol.Required(CONF_OCPP_PORT, default=port): _port(),
            vol.Required(CONF_VIRTUAL, default=VIRTUAL_INSIDE): selector.SelectSelector(
                selector.SelectSelectorConfig(
                    options=[VIRTUAL_INSIDE, VIRTUAL_OWN_PROCESS],
                    translation_key="virtual",
                    mode=selector.SelectSelectorMode.LIST,
                )
            ),
            vol.Required(CONF_IDENTITY, default=identity): selector.TextSelector(),
            vol.Required(CONF_PASSWORD, default=password): selector.TextSelector(),
        }
    )


def vehicle_schema(defaults: Mapping[str, Any], *, is_new: bool) -> vol.Schema:
    """Return the form of a vehicle; its floors are entities once it exists."""
    fields: dict[Any, Any] = {
        required(CONF_NAME, defaults): selector.TextSelector(),
        vol.Required(
            CONF_CAPACITY_KWH,
            default=defaults.get(CONF_CAPACITY_KWH, _DEFAULT_CAPACITY_KWH),
        ): selector.NumberSelector(
            selector.NumberSelectorConfig(
                min=LOWEST_CAPACITY_KWH,
                max=HIGHEST_CAPACITY_KWH,
                step=0.1,
                unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
                mode=selector.NumberSelectorMode.BOX,
            )
        ),
        optional(CONF_EVCC_ID, defaults): selector.TextSelector(),
        optional(CONF_CHEMISTRY, defaults): selector.SelectSelector(
            selector.SelectSelectorConfig(
                options=[chemistry.value for chemistry in Chemistry],
                translation_key="chemistry",
                mode=selector.SelectSelectorMode.DROPDOWN,
            )
        ),
        optional(
            CONF_BATTERY_PRICE, {CONF_BATTERY_PRICE: BATTERY_PRICE_PER_KWH, **defaults}
        ): selector.NumberSelector(
            selector.NumberSelectorConfig(
                min=LOWEST_BATTERY_PRICE,
                max=HIGHEST_BATTERY_PRICE,
                step="any",
                mode=selector.NumberSelectorMode.BOX,
            )
        ),
        optional(CONF_TEMPERATURE, defaults): selector.EntitySelector(
            selector.EntitySelectorConfig(
                domain=SENSOR_DOMAIN, device_class=SensorDeviceClass.TEMPERATURE
            )
        ),
    }
    if is_new:
        for key, default in (
            (CONF_RESERVE_PERCENT, _FLOORS.reserve_percent),
            (CONF_VPP_RESERVE_PERCENT, _FLOORS.vpp_reserve_percent),
        ):
            fields[vol.Required(key, default=defaults.get(key, default))] = _percent()
    return vol.Schema(fields)


def leave_schema() -> vol.Schema:
    """Return the form that leaves a programme."""
    return vol.Schema(
        {vol.Required(CONF_KEEP_LEDGER, default=True): selector.BooleanSelector()}
    )


def multiline_schema(key: str) -> vol.Schema:
    """Return a form with one large text field."""
    return vol.Schema(
        {
            vol.Required(key): selector.TextSelector(
                selector.TextSelectorConfig(multiline=True)
            )
        }
    )


def listener_errors(data: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with the address to listen on, by field."""
    try:
        ip_address(data[CONF_OCPP_HOST])
    except ValueError:
        return {CONF_OCPP_HOST: "not_an_address"}
    try:
        networks(data)
    except ValueError:
        return {CONF_OCPP_NETWORKS: "not_a_network"}
    name = data.get(CONF_OCPP_TLS_HOST)
    if name is not None and not _HOST_NAME.fullmatch(name):
        return {CONF_OCPP_TLS_HOST: "host_name_not_legal"}
    if data.get(CONF_OCPP_TLS_PORT) == data[CONF_OCPP_PORT]:
        return {CONF_OCPP_TLS_PORT: "same_port"}
    return {}


def vehicle_errors(data: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with a vehicle's facts, by field."""
    evcc_id = data.get(CONF_EVCC_ID)
    if evcc_id and not _EVCC_ID.fullmatch(evcc_id):
        return {CONF_EVCC_ID: "evcc_id_not_legal"}
    return {}


def required(key: str, defaults: Mapping[str, Any]) -> vol.Required:
    """Return a field that has to be filled in, with its default if there is one."""
    if key in defaults:
        return vol.Required(key, default=defaults[key])
    return vol.Required(key)


def optional(key: str, defaults: Mapping[str, Any]) -> vol.Optional:
    """Return a field that may be left empty, with what is set as a suggestion."""
    # Suggested, not default: a default could never be cleared again.
    return vol.Optional(key, description={"suggested_value": defaults.get(key)})


def _port() -> Any:
    return vol.All(
        selector.NumberSelector(
            selector.NumberSelectorConfig(
                min=1, max=65535, step=1, mode=selector.NumberSelectorMode.BOX
            )
        ),
        vol.Coerce(int),
    )


def power_selector() -> selector.NumberSelector:
    """Return a field for a power, W."""
    return selector.NumberSelector(
        selector.NumberSelectorConfig(
            min=0,
            max=LARGEST_POWER_W,
            step=1,
            unit_of_measurement=UnitOfPower.WATT,
            mode=selector.NumberSelectorMode.BOX,
        )
    )


def _percent() -> selector.NumberSelector:
    return selector.NumberSelector(
        selector.NumberSelectorConfig(
            min=0,
            max=100,
            step=1,
            unit_of_measurement=UnitOfRatio.PERCENTAGE,
            mode=selector.NumberSelectorMode.SLIDER,
        )
    )


GRANT_FIELDS: Final[dict[Any, Any]] = {vol.Optional(CONF_RESERVE_PERCENT): _percent()}
"""What an owner grants to one programme; empty: what holds for every one."""
