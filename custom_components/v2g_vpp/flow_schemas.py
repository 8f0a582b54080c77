"""The forms of the flows, and the checks that belong to a form."""

from collections.abc import Mapping
from ipaddress import ip_address
import re
import secrets
from typing import Any, Final

from homeassistant.const import UnitOfEnergy, UnitOfPower, UnitOfRatio
from homeassistant.helpers import selector
import voluptuous as vol

from .const import (
    CONF_ACCEPT_EXPIRED,
    CONF_BATTERY_PRICE,
    CONF_CAPACITY_KWH,
    CONF_CHEMISTRY,
    CONF_DIALECT,
    CONF_EVCC_ID,
    CONF_EXPORT_LIMIT_W,
    CONF_IDENTITY,
    CONF_MAX_CHARGE_POWER_W,
    CONF_MAX_DISCHARGE_POWER_W,
    CONF_NAME,
    CONF_NO_PASSWORD,
    CONF_OCPP_HOST,
    CONF_OCPP_NETWORKS,
    CONF_OCPP_PORT,
    CONF_OCPP_TLS_1_3_ONLY,
    CONF_OCPP_TLS_CERTIFICATE,
    CONF_OCPP_TLS_HOST,
    CONF_OCPP_TLS_KEY,
    CONF_OCPP_TLS_PORT,
    CONF_PASSWORD,
    CONF_PHASES,
    CONF_PREVIOUS_URL,
    CONF_RESERVE_PERCENT,
    CONF_UNATTENDED_CHARGE_W,
    CONF_VENDOR_DATA,
    CONF_VENDOR_ID,
    CONF_VENDOR_MESSAGE,
    CONF_VIRTUAL,
    CONF_VPP_RESERVE_PERCENT,
    DEFAULT_OCPP_HOST,
    DIALECT_AUTOMATIC,
    PHASES_ONE,
    PHASES_REPORTED,
    PHASES_THREE,
    VIRTUAL_INSIDE,
    VIRTUAL_OWN_PROCESS,
)
from .domain.capability import DischargeDialect
from .domain.chemistry import BATTERY_PRICE_PER_KWH, Chemistry
from .domain.policy import StationLimits, VehiclePolicy
from .domain.vendor_setpoint import PLACES, VendorSetpoint, template_problem
from .subentry_facts import networks

LARGEST_POWER_W: Final = 100_000
"""Above any charger of a home, and below a typing mistake."""

LOWEST_CAPACITY_KWH: Final = 5
HIGHEST_CAPACITY_KWH: Final = 250
LOWEST_BATTERY_PRICE: Final = 1
HIGHEST_BATTERY_PRICE: Final = 10_000_000
"""Per kWh, in any currency."""

_IDENTITY: Final = re.compile(r"[A-Za-z0-9._:|-]{1,48}")
_HOST_NAME: Final = re.compile(
    r"(?=.{1,64}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
"""A host name or an IPv4 address, as a certificate names it."""

_PASSWORD: Final = re.compile(r"[A-Za-z0-9*\-_=:+|@.]{16,64}")
"""The characters that OCPP allows in a station's password."""

VENDOR_FIELDS: Final = (CONF_VENDOR_ID, CONF_VENDOR_MESSAGE, CONF_VENDOR_DATA)

VENDOR_PLACES: Final[Mapping[str, str]] = {
    **{place: f"{{{place}}}" for place in PLACES},
    "example": '{"power": {power_w}, "seconds": {duration_s}}',
}
"""Placeholders of the page of a maker's message. The texts of Home Assistant cannot
show a brace of their own: a doubled one makes the whole page an error."""

_PREVIOUS_URL: Final = re.compile(r"wss?://[^\s`]{1,250}")
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
            _optional(CONF_EXPORT_LIMIT_W, defaults): _power(),
            _optional(CONF_OCPP_NETWORKS, defaults): selector.TextSelector(),
            _optional(CONF_OCPP_TLS_PORT, defaults): _port(),
            _optional(CONF_OCPP_TLS_HOST, defaults): selector.TextSelector(),
        }
    )


def encryption_schema(defaults: Mapping[str, Any]) -> vol.Schema:
    """Return the form of what an encrypted listener shows and takes."""
    return vol.Schema(
        {
            _optional(CONF_OCPP_TLS_1_3_ONLY, defaults): selector.BooleanSelector(),
            _optional(CONF_OCPP_TLS_CERTIFICATE, defaults): selector.TextSelector(),
            _optional(CONF_OCPP_TLS_KEY, defaults): selector.TextSelector(),
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


def station_schema(defaults: Mapping[str, Any], *, is_new: bool) -> vol.Schema:
    """Return the form of a charging station; the identity of one is fixed."""
    fields: dict[Any, Any] = {}
    if is_new:
        fields[_required(CONF_IDENTITY, defaults)] = selector.TextSelector()
    # The password is shown on purpose: it has to be typed into the charger.
    fields[_required(CONF_PASSWORD, defaults)] = selector.TextSelector()
    for key, default in (
        (CONF_MAX_CHARGE_POWER_W, _LIMITS.max_charge_power_w),
        (CONF_MAX_DISCHARGE_POWER_W, _LIMITS.max_discharge_power_w),
        (CONF_UNATTENDED_CHARGE_W, _LIMITS.unattended_charge_w),
    ):
        fields[vol.Required(key, default=defaults.get(key, default))] = _power()
    for key, selection in ((CONF_DIALECT, _dialects()), (CONF_PHASES, _phases())):
        first = selection.config["options"][0]
        fields[vol.Required(key, default=defaults.get(key, first))] = selection
    fields[_optional(CONF_PREVIOUS_URL, defaults)] = selector.TextSelector()
    fields[_optional(CONF_NO_PASSWORD, defaults)] = selector.BooleanSelector()
    if not is_new:
        # A new charger has no certificate of this home yet.
        fields[_optional(CONF_ACCEPT_EXPIRED, defaults)] = selector.BooleanSelector()
    return vol.Schema(fields)


def vendor_schema(defaults: Mapping[str, Any]) -> vol.Schema:
    """Return the form of the message by which one maker is told a power."""
    return vol.Schema(
        {
            _required(CONF_VENDOR_ID, defaults): selector.TextSelector(),
            _optional(CONF_VENDOR_MESSAGE, defaults): selector.TextSelector(),
            _required(CONF_VENDOR_DATA, defaults): selector.TextSelector(
                selector.TextSelectorConfig(multiline=True)
            ),
        }
    )


def vendor_errors(data: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with the message of a maker, by field."""
    errors: dict[str, str] = {}
    for key, longest in ((CONF_VENDOR_ID, 255), (CONF_VENDOR_MESSAGE, 50)):
        if len(data.get(key) or "") > longest:
            errors[key] = "too_long"
    if not data[CONF_VENDOR_ID].strip():
        errors[CONF_VENDOR_ID] = "vendor_id_missing"
    problem = template_problem(
        VendorSetpoint(
            vendor_id=data[CONF_VENDOR_ID],
            message_id=None,
            template=data[CONF_VENDOR_DATA],
        )
    )
    return errors if problem is None else {**errors, CONF_VENDOR_DATA: problem}


def vehicle_schema(defaults: Mapping[str, Any], *, is_new: bool) -> vol.Schema:
    """Return the form of a vehicle; its floors are entities once it exists."""
    fields: dict[Any, Any] = {
        _required(CONF_NAME, defaults): selector.TextSelector(),
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
        _optional(CONF_EVCC_ID, defaults): selector.TextSelector(),
        _optional(CONF_CHEMISTRY, defaults): selector.SelectSelector(
            selector.SelectSelectorConfig(
                options=[chemistry.value for chemistry in Chemistry],
                translation_key="chemistry",
                mode=selector.SelectSelectorMode.DROPDOWN,
            )
        ),
        _optional(
            CONF_BATTERY_PRICE, {CONF_BATTERY_PRICE: BATTERY_PRICE_PER_KWH, **defaults}
        ): selector.NumberSelector(
            selector.NumberSelectorConfig(
                min=LOWEST_BATTERY_PRICE,
                max=HIGHEST_BATTERY_PRICE,
                step="any",
                mode=selector.NumberSelectorMode.BOX,
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


def station_errors(
    data: Mapping[str, Any], listener: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Return what is wrong with a station's credentials and limits, by field.

    Args:
        data: of the form.
        listener: of the home, None while there is none yet.
    """
    errors: dict[str, str] = {}
    if data.get(CONF_NO_PASSWORD) and not networks(listener or {}):
        errors[CONF_NO_PASSWORD] = "networks_needed"
    identity = data.get(CONF_IDENTITY)
    if identity is not None and not _IDENTITY.fullmatch(identity):
        errors[CONF_IDENTITY] = "identity_not_legal"
    if not _PASSWORD.fullmatch(data[CONF_PASSWORD]):
        errors[CONF_PASSWORD] = "password_not_legal"
    charge_w = data.get(CONF_MAX_CHARGE_POWER_W, _LIMITS.max_charge_power_w)
    if data.get(CONF_UNATTENDED_CHARGE_W, 0) > charge_w:
        errors[CONF_UNATTENDED_CHARGE_W] = "above_charge_limit"
    previous_url = data.get(CONF_PREVIOUS_URL)
    if previous_url and not _PREVIOUS_URL.fullmatch(previous_url.strip()):
        errors[CONF_PREVIOUS_URL] = "previous_url_not_legal"
    return errors


def vehicle_errors(data: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with a vehicle's facts, by field."""
    evcc_id = data.get(CONF_EVCC_ID)
    if evcc_id and not _EVCC_ID.fullmatch(evcc_id):
        return {CONF_EVCC_ID: "evcc_id_not_legal"}
    return {}


def _required(key: str, defaults: Mapping[str, Any]) -> vol.Required:
    if key in defaults:
        return vol.Required(key, default=defaults[key])
    return vol.Required(key)


def _optional(key: str, defaults: Mapping[str, Any]) -> vol.Optional:
    # Suggested, not default: a default could never be cleared again.
    return vol.Optional(key, description={"suggested_value": defaults.get(key)})


def _dialects() -> selector.SelectSelector:
    return selector.SelectSelector(
        selector.SelectSelectorConfig(
            options=[
                DIALECT_AUTOMATIC,
                DischargeDialect.NONE,
                DischargeDialect.V21_DYNAMIC,
                DischargeDialect.V21_SCHEDULE,
                DischargeDialect.V201_PLUS21,
                DischargeDialect.NEG_LIMIT_W,
                DischargeDialect.NEG_LIMIT_A,
                DischargeDialect.DATA_TRANSFER,
            ],
            translation_key="dialect",
            mode=selector.SelectSelectorMode.DROPDOWN,
        )
    )


def _phases() -> selector.SelectSelector:
    return selector.SelectSelector(
        selector.SelectSelectorConfig(
            options=[PHASES_REPORTED, PHASES_ONE, PHASES_THREE],
            translation_key="phases",
            mode=selector.SelectSelectorMode.DROPDOWN,
        )
    )


def _port() -> Any:
    return vol.All(
        selector.NumberSelector(
            selector.NumberSelectorConfig(
                min=1, max=65535, step=1, mode=selector.NumberSelectorMode.BOX
            )
        ),
        vol.Coerce(int),
    )


def _power() -> selector.NumberSelector:
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
