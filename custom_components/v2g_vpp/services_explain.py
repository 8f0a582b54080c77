"""The action that tells why an outlet does what it does."""

from typing import Final

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonObjectType
import voluptuous as vol

from .action_permission import async_register_action
from .action_schema import action_schema
from .action_target import async_evse
from .const import ATTR_NEXT_LIMIT, DOMAIN
from .domain.explanation import Counterfactual, Explanation, GateLine, Knob
from .error_translation import translated_errors
from .sentences import Sentences, async_sentences, kilowatts
from .text_keys import BLOCKED, WHAT_IF

SERVICE_EXPLAIN: Final = "explain"
SCHEMA: Final = action_schema(
    SERVICE_EXPLAIN, {vol.Required(ATTR_DEVICE_ID): cv.string}
)

_SENTENCE: Final = "explained"
_SENTENCE_WITH_NEXT: Final = "explained_with_next"
_PERCENTAGES: Final = frozenset(
    {Knob.RESERVE, Knob.VPP_RESERVE, Knob.MAX_SOC, Knob.CYCLE_BUDGET}
)
"""Knobs whose value is a percentage; the others are powers or switches."""


@callback
def async_setup_explain_service(hass: HomeAssistant) -> None:
    """Register the action."""

    async def explain(call: ServiceCall) -> ServiceResponse:
        entry, key = async_evse(hass, call)
        with translated_errors():
            explanation = entry.runtime_data.site.explain(key)
        return _told(explanation, await async_sentences(hass))

    async_register_action(
        hass,
        DOMAIN,
        SERVICE_EXPLAIN,
        explain,
        schema=SCHEMA,
        supports_response=SupportsResponse.ONLY,
    )


def _told(explanation: Explanation, texts: Sentences) -> JsonObjectType:
    setpoint, runner_up = explanation.setpoint, explanation.runner_up
    return {
        "sentence": _sentence(explanation, texts),
        "owner": setpoint.owner.value,
        "requested_w": setpoint.requested_w,
        "setpoint_w": setpoint.power_w,
        "reason": setpoint.reason.value,
        ATTR_NEXT_LIMIT: runner_up.value if runner_up is not None else None,
        "gates": [_gate(line, texts) for line in explanation.gates],
        "what_if": [_what_if(one, texts) for one in explanation.counterfactuals],
    }


def _sentence(explanation: Explanation, texts: Sentences) -> str:
    setpoint, runner_up = explanation.setpoint, explanation.runner_up
    placeholders = {
        "power": kilowatts(setpoint.power_w),
        "requested": kilowatts(setpoint.requested_w),
        "reason": texts.name(setpoint.reason),
    }
    if runner_up is None:
        return texts.sentence(_SENTENCE, **placeholders)
    return texts.sentence(
        _SENTENCE_WITH_NEXT, **placeholders, next=texts.name(runner_up)
    )


def _gate(line: GateLine, texts: Sentences) -> JsonObjectType:
    return {
        "gate": line.reason.value,
        "is_passed": line.is_open,
        "value": line.value,
        "bound": line.bound,
        "what_to_do": None if line.is_open else texts.sentence(BLOCKED[line.reason]),
    }


def _what_if(counterfactual: Counterfactual, texts: Sentences) -> JsonObjectType:
    knob, value = counterfactual.knob, counterfactual.value
    placeholders = {"power": kilowatts(counterfactual.power_w)}
    if value is not None:
        is_percent = knob in _PERCENTAGES
        placeholders["value"] = f"{value:.0f}" if is_percent else kilowatts(value)
    return {
        "knob": knob.value,
        "value": value,
        "power_w": counterfactual.power_w,
        "sentence": texts.sentence(WHAT_IF[knob], **placeholders),
    }
