"""Set up a programme that entities of this home feed."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.config_entries import ConfigSubentryFlow, SubentryFlowResult
from homeassistant.const import UnitOfEnergy, UnitOfPower, UnitOfTime
from homeassistant.core import callback
from homeassistant.helpers import selector
from homeassistant.util import slugify
import voluptuous as vol

from .const import (
    CONF_CALENDAR_ENTITY,
    CONF_CHARGE_POWER_W,
    CONF_CHARGE_STATES,
    CONF_DAY_BUDGET_KWH,
    CONF_DIRECTION_ENTITY,
    CONF_DISCHARGE_POWER_W,
    CONF_DISCHARGE_STATES,
    CONF_END_ENTITY,
    CONF_EVENT_POWER_W,
    CONF_NAME,
    CONF_PROGRAMME_ID,
    CONF_SIGNING_SEED,
    CONF_SOURCE,
    CONF_STALE_AFTER_MIN,
    CONF_START_ENTITY,
    SOURCE_CALENDAR,
    SOURCE_ENTITIES,
    UNIQUE_ID_PREFIX_PROGRAMME,
)
from .flow_schemas import GRANT_FIELDS, LARGEST_POWER_W
from .source_flow_key import create_ledger_seed
from .source_readings import DEFAULT_STALE_AFTER_MIN, words
from .upgrade import unknown_fields

LOCAL_PREFIX: Final = "local-"
"""Of the id of such a programme: an operator's may carry the same name."""

LONGEST_SILENCE_MIN: Final = 1_440
LARGEST_BUDGET_KWH: Final = 250
_DEFAULT_POWER_W: Final = 3_000


class SourceSteps(ConfigSubentryFlow):
    """The steps for entities and for a calendar."""

    async def async_step_entities(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask which entities tell direction, start and end."""
        return self._ask(SOURCE_ENTITIES, user_input)

    async def async_step_calendar(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a calendar and what its events ask for."""
        return self._ask(SOURCE_CALENDAR, user_input)

    async def async_step_change_entities(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change what was entered."""
        return self._ask(SOURCE_ENTITIES, user_input, "change_entities")

    async def async_step_change_calendar(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change what was entered."""
        return self._ask(SOURCE_CALENDAR, user_input, "change_calendar")

    @callback
    def _ask(
        self, source: str, user_input: dict[str, Any] | None, change: str | None = None
    ) -> SubentryFlowResult:
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = source_errors(source, user_input)
            if not errors and change is not None:
                return self._change(source, user_input)
            if not errors and self._is_taken(user_input[CONF_NAME]):
                errors = {CONF_NAME: "name_taken"}
            if not errors:
                return self._add(source, user_input)
        shown: Mapping[str, Any] | None = user_input
        if shown is None and change is not None:
            shown = self._get_reconfigure_subentry().data
        return self.async_show_form(
            step_id=change or source,
            data_schema=self.add_suggested_values_to_schema(
                source_schema(source, is_new=change is None), shown
            ),
            errors=errors,
        )

    def _add(self, source: str, data: dict[str, Any]) -> SubentryFlowResult:
        programme_id = _programme_id(data[CONF_NAME])
        return self.async_create_entry(
            title=data[CONF_NAME],
            data={
                **data,
                CONF_SOURCE: source,
                CONF_PROGRAMME_ID: programme_id,
                CONF_SIGNING_SEED: create_ledger_seed(),
            },
            unique_id=f"{UNIQUE_ID_PREFIX_PROGRAMME}{programme_id}",
        )

    def _change(self, source: str, data: dict[str, Any]) -> SubentryFlowResult:
        subentry = self._get_reconfigure_subentry()
        kept = (CONF_NAME, CONF_PROGRAMME_ID, CONF_SIGNING_SEED)
        return self.async_update_and_abort(
            self._get_entry(),
            subentry,
            data={
                **unknown_fields(subentry.data),
                **{key: subentry.data[key] for key in kept if key in subentry.data},
                **data,
                CONF_SOURCE: source,
            },
        )

    def _is_taken(self, name: str) -> bool:
        unique_id = f"{UNIQUE_ID_PREFIX_PROGRAMME}{_programme_id(name)}"
        return any(
            other.unique_id == unique_id
            for other in self._get_entry().subentries.values()
        )


def source_schema(source: str, *, is_new: bool) -> vol.Schema:
    """Return the form of one kind of source."""
    name: dict[Any, Any] = {vol.Required(CONF_NAME): selector.TextSelector()}
    common: dict[Any, Any] = {
        vol.Optional(CONF_DAY_BUDGET_KWH): _number(
            0, LARGEST_BUDGET_KWH, UnitOfEnergy.KILO_WATT_HOUR, step=0.5
        ),
        **GRANT_FIELDS,
    }
    fields = _CALENDAR if source == SOURCE_CALENDAR else _ENTITIES
    return vol.Schema({**(name if is_new else {}), **fields, **common})


def source_errors(source: str, data: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with a form, by field."""
    if source == SOURCE_CALENDAR:
        return {} if data[CONF_EVENT_POWER_W] else {CONF_EVENT_POWER_W: "no_power"}
    charge = words(data.get(CONF_CHARGE_STATES, ""))
    discharge = words(data.get(CONF_DISCHARGE_STATES, ""))
    if charge & discharge:
        return {CONF_CHARGE_STATES: "both_directions"}
    if data[CONF_START_ENTITY] == data[CONF_END_ENTITY]:
        return {CONF_END_ENTITY: "same_entity"}
    can_charge = bool(charge) and data[CONF_CHARGE_POWER_W] > 0
    can_discharge = bool(discharge) and data[CONF_DISCHARGE_POWER_W] > 0
    return {} if can_charge or can_discharge else {"base": "no_direction"}


def _programme_id(name: str) -> str:
    return f"{LOCAL_PREFIX}{slugify(name)}"


def _number(
    lowest: float, highest: float, unit: str, step: float = 1
) -> selector.NumberSelector:
    return selector.NumberSelector(
        selector.NumberSelectorConfig(
            min=lowest,
            max=highest,
            step=step,
            unit_of_measurement=unit,
            mode=selector.NumberSelectorMode.BOX,
        )
    )


def _entity(*domains: str) -> selector.EntitySelector:
    return selector.EntitySelector(selector.EntitySelectorConfig(domain=list(domains)))


_TIMES: Final = ("sensor", "input_datetime", "datetime")
_ENTITIES: Final[dict[Any, Any]] = {
    vol.Required(CONF_DIRECTION_ENTITY): _entity(
        "sensor", "binary_sensor", "select", "input_select", "input_boolean"
    ),
    vol.Optional(CONF_DISCHARGE_STATES, default="export"): selector.TextSelector(),
    vol.Optional(CONF_CHARGE_STATES, default="import"): selector.TextSelector(),
    vol.Required(CONF_START_ENTITY): _entity(*_TIMES),
    vol.Required(CONF_END_ENTITY): _entity(*_TIMES),
    vol.Required(CONF_DISCHARGE_POWER_W, default=_DEFAULT_POWER_W): _number(
        0, LARGEST_POWER_W, UnitOfPower.WATT
    ),
    vol.Required(CONF_CHARGE_POWER_W, default=_DEFAULT_POWER_W): _number(
        0, LARGEST_POWER_W, UnitOfPower.WATT
    ),
    vol.Required(CONF_STALE_AFTER_MIN, default=DEFAULT_STALE_AFTER_MIN): _number(
        1, LONGEST_SILENCE_MIN, UnitOfTime.MINUTES
    ),
}
_CALENDAR: Final[dict[Any, Any]] = {
    vol.Required(CONF_CALENDAR_ENTITY): _entity("calendar"),
    vol.Required(CONF_EVENT_POWER_W, default=-_DEFAULT_POWER_W): _number(
        -LARGEST_POWER_W, LARGEST_POWER_W, UnitOfPower.WATT
    ),
}
