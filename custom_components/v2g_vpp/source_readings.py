"""Read what the entities of a programme say: no event, an event, or nothing known."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from homeassistant.const import (
    STATE_ON,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
)
from homeassistant.core import HomeAssistant, State, split_entity_id
from homeassistant.util import dt as dt_util

from .const import (
    CONF_CALENDAR_ENTITY,
    CONF_CHARGE_POWER_W,
    CONF_CHARGE_STATES,
    CONF_DIRECTION_ENTITY,
    CONF_DISCHARGE_POWER_W,
    CONF_DISCHARGE_STATES,
    CONF_END_ENTITY,
    CONF_EVENT_POWER_W,
    CONF_SOURCE,
    CONF_STALE_AFTER_MIN,
    CONF_START_ENTITY,
    SOURCE_CALENDAR,
)
from .domain.clock import Clock
from .domain.source_event import LOST, NO_EVENT, SourceEvent, SourceReading

REPORTING_DOMAINS: Final = frozenset({"sensor", "binary_sensor"})
"""Those fall silent when what feeds them does; a helper or a calendar is of this home
and says something only when it changes."""

DEFAULT_STALE_AFTER_MIN: Final = 30
"""House rule: three times the slowest polling that is usual, 10 min."""

ATTR_HAS_DATE: Final = "has_date"
"""Of a helper for date and time."""

_CALENDAR_START: Final = "start_time"
_CALENDAR_END: Final = "end_time"


@dataclass(slots=True)
class _Heard:
    """When an entity reported last, on our own clock."""

    report: float
    heard_mono_s: float


class SourceReader:
    """Reads the entities of one programme.

    How old a report is counts on the monotonic clock from when it was heard: a clock
    that is set back must not make an old report young.
    """

    def __init__(self, hass: HomeAssistant, data: dict[str, Any], clock: Clock) -> None:
        """Read by the set-up ``data`` of the programme."""
        self._hass, self._data, self._clock = hass, data, clock
        self._heard: dict[str, _Heard] = {}

    @property
    def entity_ids(self) -> tuple[str, ...]:
        """The entities that tell its events."""
        if self._data[CONF_SOURCE] == SOURCE_CALENDAR:
            return (self._data[CONF_CALENDAR_ENTITY],)
        return (
            self._data[CONF_DIRECTION_ENTITY],
            self._data[CONF_START_ENTITY],
            self._data[CONF_END_ENTITY],
        )

    def read(self) -> SourceReading:
        """Return what they say now."""
        states = [self._hass.states.get(entity_id) for entity_id in self.entity_ids]
        here = [state for state in states if state is not None]
        if len(here) < len(states) or any(self._is_lost(state) for state in here):
            return LOST
        if self._data[CONF_SOURCE] == SOURCE_CALENDAR:
            event = self._calendar_event(here[0])
        else:
            event = self._entity_event(*here)
        return NO_EVENT if event is None else SourceReading(is_lost=False, event=event)

    def _is_lost(self, state: State) -> bool:
        if state.state == STATE_UNAVAILABLE:
            return True
        now_mono_s, report = self._clock.monotonic(), state.last_reported_timestamp
        heard = self._heard.get(state.entity_id)
        if heard is None:
            age_s = max(0.0, self._clock.utcnow().timestamp() - report)
            heard = _Heard(report, now_mono_s - age_s)
        elif heard.report != report:
            heard = _Heard(report, now_mono_s)
        self._heard[state.entity_id] = heard
        limit_s = 60.0 * self._data.get(CONF_STALE_AFTER_MIN, DEFAULT_STALE_AFTER_MIN)
        is_reporting = split_entity_id(state.entity_id)[0] in REPORTING_DOMAINS
        return is_reporting and now_mono_s - heard.heard_mono_s > limit_s

    def _entity_event(
        self, direction: State, start: State, end: State
    ) -> SourceEvent | None:
        word = direction.state.casefold()
        if word in words(self._data.get(CONF_DISCHARGE_STATES, "")):
            power_w = -float(self._data.get(CONF_DISCHARGE_POWER_W, 0))
        elif word in words(self._data.get(CONF_CHARGE_STATES, "")):
            power_w = float(self._data.get(CONF_CHARGE_POWER_W, 0))
        else:
            return None
        return _event(power_w, _moment(start), _moment(end))

    def _calendar_event(self, state: State) -> SourceEvent | None:
        if state.state != STATE_ON:
            return None
        return _event(
            float(self._data[CONF_EVENT_POWER_W]),
            _local(state.attributes.get(_CALENDAR_START)),
            _local(state.attributes.get(_CALENDAR_END)),
        )


def words(text: str) -> frozenset[str]:
    """Return the states of a comma-separated list, without case."""
    return frozenset(one.strip().casefold() for one in text.split(",") if one.strip())


def _event(
    power_w: float, start_at: datetime | None, end_at: datetime | None
) -> SourceEvent | None:
    if power_w == 0 or start_at is None or end_at is None or end_at <= start_at:
        return None
    return SourceEvent(power_w=power_w, start_at=start_at, end_at=end_at)


def _moment(state: State) -> datetime | None:
    """Return the time that an entity shows; a time of day alone is none."""
    if state.state == STATE_UNKNOWN:
        return None
    if state.attributes.get(ATTR_HAS_DATE) is False:
        return None
    return _local(state.state)


def _local(text: Any) -> datetime | None:
    """Return a time in UTC; without a zone it is the wall time of the home."""
    # No time has another character; half of one would end Home Assistant.
    if not isinstance(text, str) or not text.isascii():
        return None
    parsed = dt_util.parse_datetime(text)
    try:
        return None if parsed is None else dt_util.as_utc(parsed)
    except OverflowError:
        # On the first or the last day of all.
        return None
