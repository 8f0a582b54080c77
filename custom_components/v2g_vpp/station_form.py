"""The forms of a charging station, and the checks that belong to them."""

from collections.abc import Mapping
import re
from typing import Any, Final

from homeassistant.const import UnitOfElectricCurrent
from homeassistant.helpers import selector
import voluptuous as vol

from .const import (
    CONF_ACCEPT_EXPIRED,
    CONF_CIRCUIT,
    CONF_CIRCUIT_LIMIT_A,
    CONF_DIALECT,
    CONF_IDENTITY,
    CONF_MAX_CHARGE_POWER_W,
    CONF_MAX_DISCHARGE_POWER_W,
    CONF_NO_PASSWORD,
    CONF_PASSWORD,
    CONF_PHASE_MAP,
    CONF_PHASES,
    CONF_PREVIOUS_URL,
    CONF_SKIP_WAIT,
    CONF_UNATTENDED_CHARGE_W,
    CONF_VENDOR_DATA,
    CONF_VENDOR_ID,
    CONF_VENDOR_MESSAGE,
    DIALECT_AUTOMATIC,
    PHASE_MAP_UNKNOWN,
    PHASES_ONE,
    PHASES_REPORTED,
    PHASES_THREE,
)
from .domain.capability import DischargeDialect
from .domain.policy import StationLimits
from .domain.vendor_setpoint import PLACES, VendorSetpoint, template_problem
from .flow_schemas import optional, power_selector, required
from .station_checks import CHECK_ISSUES, check_errors
from .subentry_facts import networks

LARGEST_CIRCUIT_A: Final = 400
"""Above any sub-panel of a home, and below a typing mistake."""

_IDENTITY: Final = re.compile(r"[A-Za-z0-9._:|-]{1,48}")
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
_LIMITS: Final = StationLimits()


def station_schema(defaults: Mapping[str, Any], *, is_new: bool) -> vol.Schema:
    """Return the form of a charging station; the identity of one is fixed."""
    fields: dict[Any, Any] = {}
    if is_new:
        fields[required(CONF_IDENTITY, defaults)] = selector.TextSelector()
    # The password is shown on purpose: it has to be typed into the charger.
    fields[required(CONF_PASSWORD, defaults)] = selector.TextSelector()
    for key, default in (
        (CONF_MAX_CHARGE_POWER_W, _LIMITS.max_charge_power_w),
        (CONF_MAX_DISCHARGE_POWER_W, _LIMITS.max_discharge_power_w),
        (CONF_UNATTENDED_CHARGE_W, _LIMITS.unattended_charge_w),
    ):
        fields[vol.Required(key, default=defaults.get(key, default))] = power_selector()
    for key, selection in (
        (CONF_DIALECT, _dialects()),
        (CONF_PHASES, _phases()),
        (CONF_PHASE_MAP, phase_map_selector()),
    ):
        first = selection.config["options"][0]
        fields[vol.Required(key, default=defaults.get(key, first))] = selection
    fields[optional(CONF_CIRCUIT, defaults)] = selector.TextSelector()
    fields[optional(CONF_CIRCUIT_LIMIT_A, defaults)] = selector.NumberSelector(
        selector.NumberSelectorConfig(
            min=1,
            max=LARGEST_CIRCUIT_A,
            step=1,
            unit_of_measurement=UnitOfElectricCurrent.AMPERE,
            mode=selector.NumberSelectorMode.BOX,
        )
    )
    fields[optional(CONF_PREVIOUS_URL, defaults)] = selector.TextSelector()
    fields[optional(CONF_NO_PASSWORD, defaults)] = selector.BooleanSelector()
    if not is_new:
        # A new charger has no certificate of this home yet, and was not tested with it.
        fields[optional(CONF_ACCEPT_EXPIRED, defaults)] = selector.BooleanSelector()
        for key in CHECK_ISSUES:
            fields[optional(key, defaults)] = selector.DateSelector()
    return vol.Schema(fields)


def station_errors(
    data: Mapping[str, Any], listener: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Return what is wrong with a station's credentials and limits, by field.

    Args:
        data: of the form.
        listener: of the home, None while there is none yet.
    """
    errors = check_errors(data)
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
    has_circuit = bool((data.get(CONF_CIRCUIT) or "").strip())
    if has_circuit is not (data.get(CONF_CIRCUIT_LIMIT_A) is not None):
        missing = CONF_CIRCUIT_LIMIT_A if has_circuit else CONF_CIRCUIT
        errors[missing] = "circuit_incomplete"
    previous_url = data.get(CONF_PREVIOUS_URL)
    if previous_url and not _PREVIOUS_URL.fullmatch(previous_url.strip()):
        errors[CONF_PREVIOUS_URL] = "previous_url_not_legal"
    return errors


def wait_schema(*, can_wait: bool) -> vol.Schema:
    """Return the choice of a page after which the charger is waited for."""
    if not can_wait:
        return vol.Schema({})
    return vol.Schema(
        {vol.Optional(CONF_SKIP_WAIT, default=False): selector.BooleanSelector()}
    )


def vendor_schema(defaults: Mapping[str, Any]) -> vol.Schema:
    """Return the form of the message by which one maker is told a power."""
    return vol.Schema(
        {
            required(CONF_VENDOR_ID, defaults): selector.TextSelector(),
            optional(CONF_VENDOR_MESSAGE, defaults): selector.TextSelector(),
            required(CONF_VENDOR_DATA, defaults): selector.TextSelector(
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


def phase_map_selector() -> selector.SelectSelector:
    """Return a field for the phases of the home that a charger is connected to."""
    return selector.SelectSelector(
        selector.SelectSelectorConfig(
            options=[PHASE_MAP_UNKNOWN, "1", "2", "3", "123", "231", "312"],
            translation_key="phase_map",
            mode=selector.SelectSelectorMode.DROPDOWN,
        )
    )
