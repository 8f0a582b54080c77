"""Add and change a charger that Home Assistant already knows."""

from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.helpers import entity_registry as er
from homeassistant.util import slugify

from . import const
from .domain.entity_station import WriteWay
from .entity_profile import EntityProfile, load_profiles
from .entity_station_checks import (
    inverted_by,
    limit_errors,
    offered_limits,
    quirk_errors,
    read_errors,
    shown_power_w,
    taken_errors,
    word_errors,
    write_errors,
)
from .entity_station_data import READ_FIELDS, STATE_FIELDS, WRITE_FIELDS
from .entity_station_form import (
    WRITE_SCHEMAS,
    flow_schema,
    limits_schema,
    quirks_schema,
    reads_schema,
    states_schema,
    user_schema,
)
from .entity_station_reader import resolved
from .upgrade import unknown_fields

IDENTITY_PREFIX = "EC-"
"""Of the id of such a charger, so that it is told from one that dials in."""

LONGEST_SLUG = 40
"""An identity has at most 48 characters."""

_ENTITIES = (*READ_FIELDS.values(), *WRITE_FIELDS.values())
_WRITES = (
    *WRITE_FIELDS.values(),
    const.CONF_WRITE_UNIT,
    const.CONF_WRITE_INVERTED,
    const.CONF_PHASES,
    const.CONF_CHARGE_OPTION,
    const.CONF_DISCHARGE_OPTION,
    const.CONF_REST_OPTION,
    const.CONF_STOP_WAY,
)
_OPTIONAL_LIMITS = (const.CONF_CIRCUIT, const.CONF_CIRCUIT_LIMIT_A)


class EntityStationFlow(ConfigSubentryFlow):
    """Profile, what is read, what it means, what is written, limits, what is special."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._data: dict[str, Any] = {}
        self._profiles: dict[str, EntityProfile] = {}

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a name and the kind of charger."""
        if not self._profiles:
            self._profiles = await self.hass.async_add_executor_job(load_profiles)
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = self._name_errors(user_input[const.CONF_NAME])
            if not errors:
                profile = self._profiles[user_input[const.CONF_PROFILE]]
                self._data = {**profile.set_up, **profile.identity}
                self._data[const.CONF_NAME] = user_input[const.CONF_NAME].strip()
                return await self.async_step_reads()
        return self.async_show_form(
            step_id="user",
            data_schema=user_schema(user_input or {}),
            errors=errors,
            last_step=False,
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Go through the same pages, filled in as they are."""
        self._data = dict(self._get_reconfigure_subentry().data)
        for key in _ENTITIES:
            if self._data.get(key):
                # One that was deleted has no name any more: it is asked for anew.
                self._data[key] = resolved(self.hass, self._data[key])
                if self._data[key] is None:
                    del self._data[key]
        return await self.async_step_reads()

    async def async_step_reads(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask which entities tell what the charger does."""
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = read_errors(self.hass, user_input)
            if not errors:
                self._replace(READ_FIELDS.values(), user_input)
                return await self.async_step_states()
        return self.async_show_form(
            step_id="reads",
            data_schema=reads_schema(user_input or self._data),
            errors=errors,
            last_step=False,
        )

    async def async_step_states(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what the words of the charger mean."""
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = word_errors(user_input)
            if not errors:
                keys = (*STATE_FIELDS.values(), const.CONF_HEALTHY_STATES)
                self._replace(keys, user_input)
                return await self.async_step_direction()
        return self.async_show_form(
            step_id="states",
            data_schema=states_schema(self.hass, {**self._data, **(user_input or {})}),
            errors=errors,
            description_placeholders={"state": self._shown(const.CONF_STATE_ENTITY)},
            last_step=False,
        )

    async def async_step_direction(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the power of now, and ask which way it flows."""
        errors: dict[str, str] = {}
        if user_input is not None:
            is_inverted = inverted_by(
                user_input[const.CONF_FLOW],
                shown_power_w(self.hass, self._data[const.CONF_POWER_ENTITY]),
                before=bool(self._data.get(const.CONF_POWER_INVERTED, False)),
            )
            if is_inverted is not None:
                self._data[const.CONF_POWER_INVERTED] = is_inverted
                return await self.async_step_writes()
            errors = {const.CONF_FLOW: "no_flow_seen"}
        return self.async_show_form(
            step_id="direction",
            data_schema=flow_schema(),
            errors=errors,
            description_placeholders={"power": self._shown(const.CONF_POWER_ENTITY)},
            last_step=False,
        )

    async def async_step_writes(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask how the charger is told a power."""
        return self.async_show_menu(
            step_id="writes", menu_options=["number", "pair", "script"]
        )

    async def async_step_number(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for one signed number."""
        return await self._ask_writes("number", WriteWay.SIGNED_NUMBER, user_input)

    async def async_step_pair(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a number of each direction."""
        return await self._ask_writes("pair", WriteWay.TWO_NUMBERS, user_input)

    async def async_step_script(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a script."""
        return await self._ask_writes("script", WriteWay.SCRIPT, user_input)

    async def _ask_writes(
        self, step_id: str, way: WriteWay, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = write_errors(self.hass, user_input)
            errors |= taken_errors(self.hass, user_input, self._others())
            if not errors:
                self._replace(_WRITES, user_input)
                self._data[const.CONF_WRITE_WAY] = way
                return await self.async_step_limits()
        return self.async_show_form(
            step_id=step_id,
            data_schema=WRITE_SCHEMAS[way](user_input or self._data),
            errors=errors,
            last_step=False,
        )

    async def async_step_limits(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what the installation allows."""
        errors: dict[str, str] = {}
        if user_input is not None:
            entered = self._without(_OPTIONAL_LIMITS) | user_input
            errors = limit_errors(self.hass, entered)
            if not errors:
                self._data = entered
                return await self.async_step_quirks()
        return self.async_show_form(
            step_id="limits",
            data_schema=limits_schema(
                user_input or offered_limits(self.hass, self._data) | self._data
            ),
            errors=errors,
            last_step=False,
        )

    async def async_step_quirks(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what is special about the charger."""
        errors: dict[str, str] = {}
        if user_input is not None:
            entered = self._without((const.CONF_WATCHDOG_S,)) | user_input
            errors = quirk_errors(entered)
            if not errors:
                self._data = entered
                return self._keep()
        return self.async_show_form(
            step_id="quirks",
            data_schema=quirks_schema(user_input or self._data),
            errors=errors,
            last_step=True,
        )

    def _keep(self) -> SubentryFlowResult:
        registry = er.async_get(self.hass)
        data = dict(self._data)
        for key in _ENTITIES:
            known = registry.async_get(data[key]) if data.get(key) else None
            if known is not None:
                data[key] = known.id
        if self.source == SOURCE_RECONFIGURE:
            subentry = self._get_reconfigure_subentry()
            return self.async_update_and_abort(
                self._get_entry(), subentry, data=unknown_fields(subentry.data) | data
            )
        identity = f"{IDENTITY_PREFIX}{slugify(data[const.CONF_NAME])}"
        return self.async_create_entry(
            title=data[const.CONF_NAME],
            data={const.CONF_IDENTITY: identity, **data},
            unique_id=f"{const.UNIQUE_ID_PREFIX_STATION}{identity}",
        )

    def _others(self) -> list[Mapping[str, Any]]:
        """Return the data of the chargers that are set up already, but for this one."""
        own_id = None
        if self.source == SOURCE_RECONFIGURE:
            own_id = self._get_reconfigure_subentry().subentry_id
        return [
            one.data
            for one in self._get_entry().subentries.values()
            if one.subentry_type == const.SUBENTRY_ENTITY_STATION
            and one.subentry_id != own_id
        ]

    def _name_errors(self, name: str) -> dict[str, str]:
        slug = slugify(name.strip())
        if not name.strip() or len(slug) > LONGEST_SLUG:
            return {const.CONF_NAME: "name_not_legal"}
        unique_id = f"{const.UNIQUE_ID_PREFIX_STATION}{IDENTITY_PREFIX}{slug}"
        taken = {one.unique_id for one in self._get_entry().subentries.values()}
        return {const.CONF_NAME: "already_configured"} if unique_id in taken else {}

    def _replace(self, keys: Any, entered: Mapping[str, Any]) -> None:
        """Take a whole form over: a field that was emptied is not sent at all."""
        self._data = self._without(keys) | dict(entered)

    def _without(self, keys: Any) -> dict[str, Any]:
        gone = set(keys)
        return {key: value for key, value in self._data.items() if key not in gone}

    def _shown(self, key: str) -> str:
        state = self.hass.states.get(self._data[key])
        if state is None:
            return "?"
        unit = state.attributes.get("unit_of_measurement", "")
        return f"{state.state} {unit}".strip()
