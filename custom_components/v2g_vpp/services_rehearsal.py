"""The action that rehearses a dispatch without an aggregator."""

from datetime import timedelta
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
from .action_schema import action_schema, time_span
from .action_target import async_evse
from .const import ATTR_DURATION, ATTR_POWER, DOMAIN
from .domain.dispatch import DispatchAck
from .domain.rehearsal import (
    LONGEST_REHEARSAL_S,
    RehearsalEvent,
    RehearsalKind,
    RehearsalReport,
    RehearsalRequest,
    RehearsalStep,
)
from .domain.setpoint import Reason
from .error_translation import translated_errors
from .sentences import Sentences, async_sentences, kilowatts
from .text_keys import BLOCKED, REHEARSAL

SERVICE_SIMULATE_DISPATCH: Final = "simulate_dispatch"
ATTR_KIND: Final = "kind"

DEFAULT_DURATION: Final = timedelta(minutes=2)
"""Long enough for a slow charger to get there and back."""

SCHEMA: Final = action_schema(
    SERVICE_SIMULATE_DISPATCH,
    {
        vol.Required(ATTR_DEVICE_ID): cv.string,
        vol.Optional(ATTR_KIND, default=RehearsalKind.DISPATCH.value): vol.In(
            [kind.value for kind in RehearsalKind]
        ),
        vol.Optional(ATTR_POWER): vol.All(
            vol.Coerce(float), vol.Range(min=-1_000_000, max=1_000_000)
        ),
        vol.Optional(ATTR_DURATION, default=DEFAULT_DURATION): vol.All(
            time_span,
            vol.Range(
                min=timedelta(seconds=10), max=timedelta(seconds=LONGEST_REHEARSAL_S)
            ),
        ),
    },
)


@callback
def async_setup_rehearsal_service(hass: HomeAssistant) -> None:
    """Register the action; it answers when the rehearsal is over."""

    async def simulate_dispatch(call: ServiceCall) -> ServiceResponse:
        entry, key = async_evse(hass, call)
        duration: timedelta = call.data[ATTR_DURATION]
        request = RehearsalRequest(
            key=key,
            kind=RehearsalKind(call.data[ATTR_KIND]),
            power_w=call.data.get(ATTR_POWER),
            duration_s=duration.total_seconds(),
        )
        with translated_errors():
            report = await entry.runtime_data.rehearsal.rehearse(request)
        evse = entry.runtime_data.site.snapshot.evse(key)
        blocked = evse.discharge_blocked_by if evse is not None else None
        return _told(report, blocked, await async_sentences(hass))

    async_register_action(
        hass,
        DOMAIN,
        SERVICE_SIMULATE_DISPATCH,
        simulate_dispatch,
        schema=SCHEMA,
        supports_response=SupportsResponse.OPTIONAL,
    )


def _told(
    report: RehearsalReport, blocked: Reason | None, texts: Sentences
) -> JsonObjectType:
    reached = report.step(RehearsalEvent.SETPOINT_REACHED)
    zero = report.step(RehearsalEvent.ZERO_REACHED)
    flowed = report.step(RehearsalEvent.FLOWED)
    return {
        "rehearsal": True,
        "passed": report.is_passed,
        ATTR_KIND: report.kind.value,
        "asked_w": report.asked_w,
        "verdicts": [_verdict(ack) for ack in report.acks],
        "time_to_setpoint_s": _rounded(reached.after_s if reached else None),
        "time_to_zero_s": _rounded(zero.after_s if zero else None),
        "largest_power_w": _rounded(flowed.power_w if flowed else 0.0),
        "energy_wh": _rounded(flowed.energy_wh if flowed else 0.0),
        "steps": [
            {
                "event": step.event.value,
                "at_s": round(step.at_s, 1),
                "sentence": _sentence(step, report, blocked, texts),
            }
            for step in report.steps
        ],
    }


def _verdict(ack: DispatchAck) -> JsonObjectType:
    return {
        "status": ack.status.value,
        "code": ack.code.value,
        "committed_w": ack.committed_w,
        "binding": [one.value for one in ack.binding],
    }


def _sentence(
    step: RehearsalStep,
    report: RehearsalReport,
    blocked: Reason | None,
    texts: Sentences,
) -> str:
    is_discharge = report.asked_w < 0
    if step.event is RehearsalEvent.REFUSED and is_discharge and blocked is not None:
        # The code is for an operator; the owner is told what to do.
        return texts.sentence(BLOCKED[blocked])
    unknown = "?"
    return texts.sentence(
        REHEARSAL[step.event],
        asked=kilowatts(report.asked_w),
        power=unknown if step.power_w is None else kilowatts(step.power_w),
        energy=unknown if step.energy_wh is None else f"{step.energy_wh:.0f}",
        seconds=unknown if step.after_s is None else f"{step.after_s:.1f}",
        code=unknown if step.ack is None else step.ack.code.value,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
