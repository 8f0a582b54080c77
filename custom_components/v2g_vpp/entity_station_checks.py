"""What is wrong with the entities that a charger shall be known through."""

from collections.abc import Iterable, Mapping
from math import floor
from typing import Any, Final

from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant, State, split_entity_id
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.service import async_get_cached_service_description

from . import const
from .domain.entity_command import (
    NumberRange,
    Reach,
    WriteTarget,
    largest_powers_w,
)
from .domain.entity_observation import EntityReading, EntityReadings, measurement_of
from .domain.entity_station import (
    EntitySpecification,
    StopWay,
    Writes,
    WriteUnit,
    WriteWay,
    contradicts,
    problem_of,
)
from .domain.policy import StationLimits
from .domain.state import FLOW_THRESHOLD_W
from .entity_station_data import (
    READ_FIELDS,
    STATE_FIELDS,
    STOPS_BY_ENTITY,
    WRITE_FIELDS,
    specification,
    used_targets,
)
from .entity_station_form import (
    BUTTON_DOMAINS,
    CHOICE_DOMAINS,
    FAULT_DOMAINS,
    INTO_VEHICLE,
    NOTHING_FLOWS,
    NUMBER_DOMAINS,
    SCRIPT_DOMAINS,
    STATE_DOMAINS,
    STOP_DOMAINS,
    VALUE_DOMAINS,
)
from .entity_station_reader import range_of, resolved
from .entity_station_writer import ATTR_DURATION_S, ATTR_POWER_W, script_name

_DOMAINS: Final[Mapping[str, tuple[str, ...]]] = {
    const.CONF_STATE_ENTITY: STATE_DOMAINS,
    const.CONF_FAULT_ENTITY: FAULT_DOMAINS,
    const.CONF_SETPOINT_ENTITY: NUMBER_DOMAINS,
    const.CONF_CHARGE_ENTITY: NUMBER_DOMAINS,
    const.CONF_DISCHARGE_ENTITY: NUMBER_DOMAINS,
    const.CONF_DIRECTION_ENTITY: CHOICE_DOMAINS,
    const.CONF_SCRIPT_ENTITY: SCRIPT_DOMAINS,
    const.CONF_START_BUTTON: BUTTON_DOMAINS,
}
"""By the field of an entity its domains; any other shows a value."""

_MEASURANDS: Final[Mapping[str, tuple[str, str]]] = {
    "power": ("power_w", "not_a_power"),
    "soc": ("soc_percent", "not_a_percentage"),
    "energy_charged": ("energy_charged_wh", "not_an_energy"),
    "energy_discharged": ("energy_discharged_wh", "not_an_energy"),
    "temperature": ("handle_temperature_c", "not_a_temperature"),
}
"""By the reading: what it becomes, and the error when it does not."""

_PLAIN: Final = EntitySpecification(writes=Writes(way=WriteWay.SIGNED_NUMBER))
_NUMBERS: Final = (WriteTarget.SETPOINT, WriteTarget.CHARGE, WriteTarget.DISCHARGE)
_FIELD_OF_PROBLEM: Final[Mapping[str, str]] = {
    "zero_forbidden": const.CONF_ZERO_FORBIDDEN,
    "minimum_needed": const.CONF_MIN_CHARGE_W,
    "watchdog_too_short": const.CONF_WATCHDOG_S,
    "direction_missing": const.CONF_ZERO_FORBIDDEN,
}
_NO_MODE: Final = "single"
"""Of a script: while it runs a call is dropped without an error."""


def read_errors(hass: HomeAssistant, data: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with the entities that are read, by field.

    One that is silent now is let through: it may come back.
    """
    errors: dict[str, str] = {}
    for name, key in READ_FIELDS.items():
        reference = data.get(key)
        if not reference:
            continue
        error = _entity_error(hass, key, reference)
        if error is None and name in _MEASURANDS:
            error = _value_error(hass, name, reference)
        if error is not None:
            errors[key] = error
    return errors


def word_errors(data: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with the words of the state, by field."""
    errors: dict[str, str] = {}
    seen: set[str] = set()
    for key in STATE_FIELDS.values():
        words = {word.casefold() for word in data.get(key, ())}
        if words & seen:
            errors[key] = "word_twice"
        elif not words and key in (const.CONF_PLUGGED_STATES, const.CONF_FREE_STATES):
            errors[key] = "word_missing"
        seen |= words
    return errors


def inverted_by(flow: str, power_w: float | None, *, before: bool) -> bool | None:
    """Return whether a power has to be turned; None: nothing flows that tells.

    Args:
        flow: what the owner sees.
        power_w: that the entity shows, as it is.
        before: the answer so far, which stays where nothing flows.
    """
    if flow == NOTHING_FLOWS:
        return before
    if power_w is None or abs(power_w) < FLOW_THRESHOLD_W:
        return None
    return (power_w > 0) is not (flow == INTO_VEHICLE)


def write_errors(hass: HomeAssistant, data: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with the entities that are written to, by field."""
    errors: dict[str, str] = {}
    for target, key in WRITE_FIELDS.items():
        reference = data.get(key)
        if not reference or target is WriteTarget.STOP:
            continue
        error = _entity_error(hass, key, reference)
        if error is None and target in _NUMBERS:
            error = _number_error(hass, reference)
        if error is None and target is WriteTarget.SCRIPT:
            error = _script_error(hass, reference)
        if error is not None:
            errors[key] = error
    errors |= _unit_errors(hass, data) | _stop_errors(hass, data)
    return errors | _direction_errors(hass, data)


def taken_errors(
    hass: HomeAssistant, data: Mapping[str, Any], others: Iterable[Mapping[str, Any]]
) -> dict[str, str]:
    """Return which entities to write to are those of another charger, by field.

    Args:
        hass: the running Home Assistant.
        data: of this charger.
        others: the data of all other chargers that are known through entities.
    """
    taken = {
        resolved(hass, other[WRITE_FIELDS[target]])
        for other in others
        for target in used_targets(other)
    } - {None}
    return {
        key: "entity_taken"
        for key in WRITE_FIELDS.values()
        if data.get(key) and resolved(hass, data[key]) in taken
    }


def offered_limits(hass: HomeAssistant, data: Mapping[str, Any]) -> dict[str, float]:
    """Return the limits to begin with, W: never above what the charger can be told."""
    usual = StationLimits()
    charge_w, discharge_w = largest_powers_w(specification(data), reach_of(hass, data))
    if _lacks_discharge_number(data):
        discharge_w = 0.0
    return {
        const.CONF_MAX_CHARGE_POWER_W: floor(min(usual.max_charge_power_w, charge_w)),
        const.CONF_MAX_DISCHARGE_POWER_W: floor(
            min(usual.max_discharge_power_w, discharge_w)
        ),
    }


def limit_errors(hass: HomeAssistant, data: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with the limits, by field."""
    errors: dict[str, str] = {}
    charge_w = data[const.CONF_MAX_CHARGE_POWER_W]
    discharge_w = data[const.CONF_MAX_DISCHARGE_POWER_W]
    if data[const.CONF_UNATTENDED_CHARGE_W] > charge_w:
        errors[const.CONF_UNATTENDED_CHARGE_W] = "above_charge_limit"
    has_circuit = bool((data.get(const.CONF_CIRCUIT) or "").strip())
    if has_circuit is not (data.get(const.CONF_CIRCUIT_LIMIT_A) is not None):
        missing = const.CONF_CIRCUIT_LIMIT_A if has_circuit else const.CONF_CIRCUIT
        errors[missing] = "circuit_incomplete"
    most_w = largest_powers_w(specification(data), reach_of(hass, data))
    for key, wanted_w, possible_w in (
        (const.CONF_MAX_CHARGE_POWER_W, charge_w, most_w[0]),
        (const.CONF_MAX_DISCHARGE_POWER_W, discharge_w, most_w[1]),
    ):
        if wanted_w > possible_w:
            errors[key] = "number_too_small"
    if discharge_w > 0 and _lacks_discharge_number(data):
        errors[const.CONF_MAX_DISCHARGE_POWER_W] = "no_discharge_number"
    return errors


def _lacks_discharge_number(data: Mapping[str, Any]) -> bool:
    is_paired = specification(data).writes.way is WriteWay.TWO_NUMBERS
    return is_paired and not data.get(const.CONF_DISCHARGE_ENTITY)


def quirk_errors(data: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with what is special about a charger, by field."""
    problem = problem_of(specification(data))
    return {} if problem is None else {_FIELD_OF_PROBLEM[problem]: problem}


def reach_of(hass: HomeAssistant, data: Mapping[str, Any]) -> Reach:
    """Return what the numbers of a charger can be set to now."""
    ranges: dict[WriteTarget, NumberRange] = {}
    for target in _NUMBERS:
        state = _state(hass, data.get(WRITE_FIELDS[target]))
        found = None if state is None else range_of(state)
        if found is not None:
            ranges[target] = found
    return Reach(ranges=ranges)


def shown_power_w(hass: HomeAssistant, reference: str) -> float | None:
    """Return the power that an entity shows as it is, W; None: none."""
    reading = _reading(hass, reference)
    power = measurement_of(_PLAIN, EntityReadings(power=reading)).power_w
    return None if power is None else power.value


def _entity_error(hass: HomeAssistant, key: str, reference: str) -> str | None:
    domains = _DOMAINS.get(key, VALUE_DOMAINS)
    return _reference_error(hass, reference, domains)


def _reference_error(
    hass: HomeAssistant, reference: str, domains: Iterable[str]
) -> str | None:
    entity_id = resolved(hass, reference)
    known = None if entity_id is None else er.async_get(hass).async_get(entity_id)
    if entity_id is None or (known is None and hass.states.get(entity_id) is None):
        return "entity_missing"
    if known is not None and known.platform == const.DOMAIN:
        return "own_entity"
    if split_entity_id(entity_id)[0] not in domains:
        return "wrong_domain"
    return None


def _state(hass: HomeAssistant, reference: str | None) -> State | None:
    entity_id = resolved(hass, reference) if reference else None
    return hass.states.get(entity_id) if entity_id is not None else None


def _reading(hass: HomeAssistant, reference: str) -> EntityReading | None:
    state = _state(hass, reference)
    if state is None:
        return None
    return EntityReading(
        text=state.state,
        unit=state.attributes.get(ATTR_UNIT_OF_MEASUREMENT),
        received_mono_s=0.0,
        taken_at=state.last_reported,
    )


def _value_error(hass: HomeAssistant, name: str, reference: str) -> str | None:
    reading = _reading(hass, reference)
    if reading is None or reading.is_silent:
        return None
    attribute, error = _MEASURANDS[name]
    measured = measurement_of(_PLAIN, EntityReadings(**{name: reading}))
    return error if getattr(measured, attribute) is None else None


def _number_error(hass: HomeAssistant, reference: str) -> str | None:
    state = _state(hass, reference)
    is_ranged = state is None or range_of(state) is not None
    return None if is_ranged else "no_range"


def _script_error(hass: HomeAssistant, reference: str) -> str | None:
    state = _state(hass, reference)
    if state is None:
        return None
    name = script_name(hass, state.entity_id)
    description = async_get_cached_service_description(hass, "script", name) or {}
    fields = description.get("fields") or {}
    if not {ATTR_POWER_W, ATTR_DURATION_S} <= set(fields):
        return "script_without_fields"
    return "script_single" if _drops_calls(hass, reference) else None


def _drops_calls(hass: HomeAssistant, reference: str) -> bool:
    state = _state(hass, reference)
    return state is not None and state.attributes.get("mode") == _NO_MODE


def _unit_errors(hass: HomeAssistant, data: Mapping[str, Any]) -> dict[str, str]:
    chosen = data.get(const.CONF_WRITE_UNIT)
    for target in _NUMBERS:
        state = _state(hass, data.get(WRITE_FIELDS[target]))
        unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) if state else None
        if chosen is not None and contradicts(_told_in(chosen), unit):
            return {const.CONF_WRITE_UNIT: "unit_differs"}
    return {}


def _told_in(unit: str) -> Writes:
    return Writes(way=WriteWay.SIGNED_NUMBER, unit=WriteUnit(unit))


def _stop_errors(hass: HomeAssistant, data: Mapping[str, Any]) -> dict[str, str]:
    way = StopWay(data[const.CONF_STOP_WAY])
    if way in STOPS_BY_ENTITY:
        reference = data.get(const.CONF_STOP_ENTITY)
        if not reference:
            return {const.CONF_STOP_ENTITY: "stop_entity_missing"}
        error = _reference_error(hass, reference, STOP_DOMAINS[way])
        if error is None and way is StopWay.SCRIPT and _drops_calls(hass, reference):
            error = "script_single"
        return {} if error is None else {const.CONF_STOP_ENTITY: error}
    ranges = reach_of(hass, data).ranges.values()
    is_zero_possible = all(one.lowest <= 0 <= one.highest for one in ranges)
    if way is StopWay.ZERO and not is_zero_possible:
        return {const.CONF_STOP_WAY: "zero_not_possible"}
    return {}


def _direction_errors(hass: HomeAssistant, data: Mapping[str, Any]) -> dict[str, str]:
    if data.get(const.CONF_CHARGE_ENTITY) is None:
        return {}
    if data[const.CONF_CHARGE_ENTITY] == data.get(const.CONF_DISCHARGE_ENTITY):
        return {const.CONF_DISCHARGE_ENTITY: "same_entity"}
    keys = (
        const.CONF_CHARGE_OPTION,
        const.CONF_DISCHARGE_OPTION,
        const.CONF_REST_OPTION,
    )
    chosen = {key: data[key] for key in keys if data.get(key)}
    if chosen and not data.get(const.CONF_DIRECTION_ENTITY):
        return {const.CONF_DIRECTION_ENTITY: "direction_missing"}
    if data.get(const.CONF_DIRECTION_ENTITY) and not set(keys[:2]) <= set(chosen):
        return {key: "option_missing" for key in keys[:2] if key not in chosen}
    state = _state(hass, data.get(const.CONF_DIRECTION_ENTITY))
    options = state.attributes.get("options") if state is not None else None
    if options is None:
        return {}
    return {
        key: "option_unknown" for key, word in chosen.items() if word not in options
    }
