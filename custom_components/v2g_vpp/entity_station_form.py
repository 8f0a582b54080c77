"""The forms of a charger that is known through entities."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from homeassistant.components.sensor import DOMAIN as SENSOR, SensorDeviceClass
from homeassistant.const import (
    UnitOfElectricCurrent,
    UnitOfPower,
    UnitOfRatio,
    UnitOfTime,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import selector
import voluptuous as vol

from . import const
from .domain.entity_station import PlugState, Quirks, StopWay, WriteUnit, WriteWay
from .domain.policy import StationLimits
from .entity_station_data import STATE_FIELDS
from .flow_schemas import optional, power_selector, required
from .station_form import LARGEST_CIRCUIT_A, phase_map_selector

BINARY_SENSOR: Final = "binary_sensor"

PROFILE_IDS: Final = [
    "generic",
    "evtec_bidipro",
    "sigenergy_evdc",
    "wallbox_core_cloud",
    "wallbox_quasar1_modbus",
]
"""The profiles that are shipped, as the screen lists them."""

INTO_VEHICLE: Final = "into_vehicle"
OUT_OF_VEHICLE: Final = "out_of_vehicle"
NOTHING_FLOWS: Final = "nothing_flows"

NUMBER_DOMAINS: Final = ("number", "input_number")
CHOICE_DOMAINS: Final = ("select", "input_select")
BUTTON_DOMAINS: Final = ("button", "input_button")
SWITCH_DOMAINS: Final = ("switch", "input_boolean")
SCRIPT_DOMAINS: Final = ("script",)
VALUE_DOMAINS: Final = (SENSOR, *NUMBER_DOMAINS)
STATE_DOMAINS: Final = (SENSOR, BINARY_SENSOR, *CHOICE_DOMAINS, "input_boolean")
FAULT_DOMAINS: Final = (BINARY_SENSOR, SENSOR)
STOP_DOMAINS: Final[Mapping[StopWay, tuple[str, ...]]] = {
    StopWay.SWITCH: SWITCH_DOMAINS,
    StopWay.BUTTON: BUTTON_DOMAINS,
    StopWay.SCRIPT: SCRIPT_DOMAINS,
}
"""By the way to stop the domains of the entity that does it."""

_DEFAULT: Final = Quirks()
_LIMITS: Final = StationLimits()
LONGEST_S: Final = 3_600


def user_schema(defaults: Mapping[str, Any]) -> vol.Schema:
    """Return the form of the name and the kind of a charger."""
    return vol.Schema(
        {
            required(const.CONF_NAME, defaults): selector.TextSelector(),
            vol.Required(
                const.CONF_PROFILE,
                default=defaults.get(const.CONF_PROFILE, PROFILE_IDS[0]),
            ): selector.SelectSelector(
                selector.SelectSelectorConfig(
                    options=PROFILE_IDS,
                    translation_key="entity_profile",
                    mode=selector.SelectSelectorMode.DROPDOWN,
                )
            ),
        }
    )


def reads_schema(defaults: Mapping[str, Any]) -> vol.Schema:
    """Return the form of the entities that are read."""
    return vol.Schema(
        {
            required(const.CONF_POWER_ENTITY, defaults): entity(
                VALUE_DOMAINS, SensorDeviceClass.POWER
            ),
            required(const.CONF_STATE_ENTITY, defaults): entity(STATE_DOMAINS),
            optional(const.CONF_SOC_ENTITY, defaults): entity(VALUE_DOMAINS),
            optional(const.CONF_ENERGY_CHARGED_ENTITY, defaults): entity(
                VALUE_DOMAINS, SensorDeviceClass.ENERGY
            ),
            optional(const.CONF_ENERGY_DISCHARGED_ENTITY, defaults): entity(
                VALUE_DOMAINS, SensorDeviceClass.ENERGY
            ),
            optional(const.CONF_HANDLE_TEMPERATURE_ENTITY, defaults): entity(
                VALUE_DOMAINS, SensorDeviceClass.TEMPERATURE
            ),
            optional(const.CONF_FAULT_ENTITY, defaults): entity(FAULT_DOMAINS),
        }
    )


def states_schema(hass: HomeAssistant, data: Mapping[str, Any]) -> vol.Schema:
    """Return the form that explains the words of the entities of a charger."""
    words = words_of(hass, data[const.CONF_STATE_ENTITY], _mapped(data))
    fields: dict[Any, Any] = {}
    for state, key in STATE_FIELDS.items():
        needed = state in (PlugState.PLUGGED, PlugState.FREE)
        marker = vol.Required if needed else vol.Optional
        fields[marker(key, default=_default_words(state, data, words))] = _words(words)
    if data.get(const.CONF_FAULT_ENTITY):
        key = const.CONF_HEALTHY_STATES
        known = words_of(hass, data[const.CONF_FAULT_ENTITY], data.get(key, ()))
        default = data.get(key) or [one for one in known if one == "off"]
        fields[vol.Required(key, default=default)] = _words(known)
    return vol.Schema(fields)


def flow_schema() -> vol.Schema:
    """Return the form of the direction in which power flows now."""
    return vol.Schema(
        {
            vol.Required(
                const.CONF_FLOW, default=NOTHING_FLOWS
            ): selector.SelectSelector(
                selector.SelectSelectorConfig(
                    options=[NOTHING_FLOWS, INTO_VEHICLE, OUT_OF_VEHICLE],
                    translation_key="flow",
                    mode=selector.SelectSelectorMode.LIST,
                )
            )
        }
    )


def number_schema(defaults: Mapping[str, Any]) -> vol.Schema:
    """Return the form of one signed number."""
    return vol.Schema(
        {
            required(const.CONF_SETPOINT_ENTITY, defaults): entity(NUMBER_DOMAINS),
            **_unit(defaults),
            vol.Required(
                const.CONF_WRITE_INVERTED,
                default=defaults.get(const.CONF_WRITE_INVERTED, False),
            ): selector.BooleanSelector(),
            **_stop(defaults),
        }
    )


def pair_schema(defaults: Mapping[str, Any]) -> vol.Schema:
    """Return the form of a number for each direction."""
    return vol.Schema(
        {
            required(const.CONF_CHARGE_ENTITY, defaults): entity(NUMBER_DOMAINS),
            optional(const.CONF_DISCHARGE_ENTITY, defaults): entity(NUMBER_DOMAINS),
            optional(const.CONF_DIRECTION_ENTITY, defaults): entity(CHOICE_DOMAINS),
            optional(const.CONF_CHARGE_OPTION, defaults): selector.TextSelector(),
            optional(const.CONF_DISCHARGE_OPTION, defaults): selector.TextSelector(),
            optional(const.CONF_REST_OPTION, defaults): selector.TextSelector(),
            **_unit(defaults),
            **_stop(defaults),
        }
    )


def script_schema(defaults: Mapping[str, Any]) -> vol.Schema:
    """Return the form of a script."""
    return vol.Schema(
        {
            required(const.CONF_SCRIPT_ENTITY, defaults): entity(SCRIPT_DOMAINS),
            vol.Required(
                const.CONF_WRITE_INVERTED,
                default=defaults.get(const.CONF_WRITE_INVERTED, False),
            ): selector.BooleanSelector(),
            **_stop(defaults),
        }
    )


WRITE_SCHEMAS: Final = {
    WriteWay.SIGNED_NUMBER: number_schema,
    WriteWay.TWO_NUMBERS: pair_schema,
    WriteWay.SCRIPT: script_schema,
}


def limits_schema(defaults: Mapping[str, Any]) -> vol.Schema:
    """Return the form of what the installation allows."""
    fields: dict[Any, Any] = {
        vol.Required(key, default=defaults.get(key, default)): power_selector()
        for key, default in (
            (const.CONF_MAX_CHARGE_POWER_W, _LIMITS.max_charge_power_w),
            (const.CONF_MAX_DISCHARGE_POWER_W, _LIMITS.max_discharge_power_w),
            (const.CONF_UNATTENDED_CHARGE_W, _LIMITS.unattended_charge_w),
        )
    }
    fields[
        vol.Required(
            const.CONF_PHASE_MAP,
            default=defaults.get(const.CONF_PHASE_MAP, const.PHASE_MAP_UNKNOWN),
        )
    ] = phase_map_selector()
    fields[optional(const.CONF_CIRCUIT, defaults)] = selector.TextSelector()
    fields[optional(const.CONF_CIRCUIT_LIMIT_A, defaults)] = _number(
        LARGEST_CIRCUIT_A, UnitOfElectricCurrent.AMPERE, lowest=1
    )
    return vol.Schema(fields)


def quirks_schema(defaults: Mapping[str, Any]) -> vol.Schema:
    """Return the form of what is special about a charger."""
    fields: dict[Any, Any] = {}
    for key, field in _QUIRK_FIELDS.items():
        default = defaults.get(key, getattr(_DEFAULT, key))
        fields[vol.Required(key, default=default)] = field
    fields[optional(const.CONF_WATCHDOG_S, defaults)] = _number(
        LONGEST_S, UnitOfTime.SECONDS, lowest=1
    )
    return vol.Schema(fields)


def words_of(
    hass: HomeAssistant, entity_id: str, known: Iterable[str] = ()
) -> list[str]:
    """Return the words that an entity may show, as far as anybody knows."""
    words = dict.fromkeys(known)
    state = hass.states.get(entity_id)
    if state is not None:
        words |= dict.fromkeys(state.attributes.get("options") or ())
        words |= dict.fromkeys([state.state] if not _is_silent(state.state) else ())
    if entity_id.partition(".")[0] in (BINARY_SENSOR, "input_boolean"):
        words |= dict.fromkeys(("on", "off"))
    return list(words)


def entity(
    domains: Iterable[str], device_class: str | None = None
) -> selector.EntitySelector:
    """Return a field for an entity; its domain is checked with the form.

    A device class narrows the sensors that are offered, and nothing else.
    """
    filters = [
        selector.EntityWithDeviceFilterSelectorConfig(domain=domain)
        if device_class is None or domain != SENSOR
        else selector.EntityWithDeviceFilterSelectorConfig(
            domain=domain, device_class=device_class
        )
        for domain in domains
    ]
    return selector.EntitySelector(selector.EntitySelectorConfig(filter=filters))


def _unit(defaults: Mapping[str, Any]) -> dict[Any, Any]:
    return {
        vol.Required(
            const.CONF_WRITE_UNIT,
            default=defaults.get(const.CONF_WRITE_UNIT, WriteUnit.WATT),
        ): _plain(*WriteUnit),
        vol.Required(
            const.CONF_PHASES, default=defaults.get(const.CONF_PHASES, const.PHASES_ONE)
        ): _plain(const.PHASES_ONE, const.PHASES_THREE),
    }


def _stop(defaults: Mapping[str, Any]) -> dict[Any, Any]:
    domains = [one for domains in STOP_DOMAINS.values() for one in domains]
    return {
        vol.Required(
            const.CONF_STOP_WAY, default=defaults.get(const.CONF_STOP_WAY, StopWay.ZERO)
        ): selector.SelectSelector(
            selector.SelectSelectorConfig(
                options=[way.value for way in StopWay],
                translation_key="stop_way",
                mode=selector.SelectSelectorMode.DROPDOWN,
            )
        ),
        optional(const.CONF_STOP_ENTITY, defaults): entity(domains),
        optional(const.CONF_START_BUTTON, defaults): entity(BUTTON_DOMAINS),
    }


def _mapped(data: Mapping[str, Any]) -> list[str]:
    return [word for key in STATE_FIELDS.values() for word in data.get(key, ())]


def _default_words(
    state: PlugState, data: Mapping[str, Any], words: Iterable[str]
) -> list[str]:
    known = data.get(STATE_FIELDS[state])
    if known is not None:
        return list(known)
    plain = {PlugState.PLUGGED: "on", PlugState.FREE: "off"}.get(state)
    return [word for word in words if word == plain]


def _is_silent(text: str) -> bool:
    return text in ("unknown", "unavailable")


def _words(options: Iterable[str]) -> selector.SelectSelector:
    return selector.SelectSelector(
        selector.SelectSelectorConfig(
            options=list(options), multiple=True, custom_value=True
        )
    )


def _plain(*options: str) -> selector.SelectSelector:
    """Return a choice whose words are the same in every language."""
    return selector.SelectSelector(
        selector.SelectSelectorConfig(
            options=[
                selector.SelectOptionDict(value=option, label=option)
                for option in options
            ],
            mode=selector.SelectSelectorMode.DROPDOWN,
        )
    )


def _number(
    largest: float, unit: str, *, lowest: float = 0, step: float = 1
) -> selector.NumberSelector:
    return selector.NumberSelector(
        selector.NumberSelectorConfig(
            min=lowest,
            max=largest,
            step=step,
            unit_of_measurement=unit,
            mode=selector.NumberSelectorMode.BOX,
        )
    )


_QUIRK_FIELDS: Final[Mapping[str, selector.Selector[Any]]] = {
    const.CONF_MIN_CHARGE_W: _number(50_000, UnitOfPower.WATT),
    const.CONF_MIN_DISCHARGE_W: _number(50_000, UnitOfPower.WATT),
    const.CONF_ZERO_FORBIDDEN: selector.BooleanSelector(),
    const.CONF_MIN_WRITE_INTERVAL_S: _number(600, UnitOfTime.SECONDS, lowest=1),
    const.CONF_SETTLE_S: _number(LONGEST_S, UnitOfTime.SECONDS),
    const.CONF_READ_PERIOD_S: _number(LONGEST_S, UnitOfTime.SECONDS, lowest=1),
    const.CONF_REVERSAL_REST_S: _number(600, UnitOfTime.SECONDS),
    const.CONF_LOWEST_SOC: _number(20, UnitOfRatio.PERCENTAGE),
    const.CONF_REVERTS: selector.BooleanSelector(),
}
