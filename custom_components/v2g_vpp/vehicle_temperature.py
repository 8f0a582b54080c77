"""The temperature of a vehicle's battery, or outside, from an entity of its owner."""

from collections.abc import Callable

from homeassistant.core import (
    CALLBACK_TYPE,
    Event,
    EventStateChangedData,
    EventStateReportedData,
    HomeAssistant,
    State,
    callback,
)
from homeassistant.helpers.event import (
    async_track_state_change_event,
    async_track_state_report_event,
)

from .domain.clock import Clock
from .domain.measurement import Reading
from .readings import temperature_value


@callback
def async_follow_temperature(
    hass: HomeAssistant,
    entity_id: str,
    post: Callable[[Reading | None], None],
    clock: Clock,
) -> CALLBACK_TYPE:
    """Pass on what an entity says, now and from now on; returns what ends it.

    Such sensors report seldom, so what one said before counts with its age.
    """

    @callback
    def tell(state: State | None) -> None:
        value = temperature_value(state)
        if state is None or value is None:
            post(None)
            return
        age = clock.utcnow() - state.last_reported
        post(
            Reading(
                value=value,
                received_mono_s=clock.monotonic() - max(0.0, age.total_seconds()),
                taken_at=state.last_reported,
            )
        )

    @callback
    def changed(event: Event[EventStateChangedData]) -> None:
        tell(event.data["new_state"])

    @callback
    def reported(event: Event[EventStateReportedData]) -> None:
        tell(event.data["new_state"])

    tell(hass.states.get(entity_id))
    unlisten = (
        async_track_state_change_event(hass, entity_id, changed),
        async_track_state_report_event(hass, entity_id, reported),
    )

    @callback
    def end() -> None:
        for one in unlisten:
            one()
        post(None)

    return end
