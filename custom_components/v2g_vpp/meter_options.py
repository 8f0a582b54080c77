"""Name the meters of the home, look at their signs, and tell how the home is wired."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.const import UnitOfElectricCurrent, UnitOfPower, UnitOfTime
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, selector
import voluptuous as vol

from .const import (
    CONF_BATTERY,
    CONF_BATTERY_INVERTED,
    CONF_BATTERY_SOC,
    CONF_CHARGE_BATTERY,
    CONF_CHARGE_FROM_BATTERY,
    CONF_FUSE_A,
    CONF_GRID,
    CONF_GRID_INVERTED,
    CONF_GRID_L1,
    CONF_IMBALANCE_LIMIT_W,
    CONF_IMPORT_LIMIT_W,
    CONF_PEAK_IMPORT_W,
    CONF_PHASE_COUNT,
    CONF_REGULATOR,
    CONF_SOLAR,
    CONF_SOLAR_HOLD_OFF_S,
    CONF_SOLAR_HOLD_ON_S,
    CONF_SOLAR_INVERTED,
    CONF_TOP_UP_FROM_W,
    DOMAIN,
)
from .domain.site_meters import MeterRegulator, SiteMeter, SiteWiring
from .readings import (
    GRID_PHASES,
    METER_FIELDS,
    SILENT,
    MeterSource,
    meter_sources,
    meter_value,
)

LARGEST_FUSE_A: Final = 400
LARGEST_LIMIT_W: Final = 300_000
LONGEST_HOLD_S: Final = 3_600
"""Who waits an hour for the sun has another weather."""

_SIGNS: Final = (
    (CONF_GRID_INVERTED, (CONF_GRID, CONF_GRID_L1)),
    (CONF_SOLAR_INVERTED, (CONF_SOLAR,)),
    (CONF_BATTERY_INVERTED, (CONF_BATTERY,)),
)
"""Each sign that may be turned, and the meters that have it."""

OWN_KEYS: Final = frozenset(
    {
        *METER_FIELDS,
        *(key for key, _ in _SIGNS),
        CONF_PHASE_COUNT,
        CONF_FUSE_A,
        CONF_IMPORT_LIMIT_W,
        CONF_PEAK_IMPORT_W,
        CONF_TOP_UP_FROM_W,
        CONF_SOLAR_HOLD_ON_S,
        CONF_SOLAR_HOLD_OFF_S,
        CONF_IMBALANCE_LIMIT_W,
        CONF_REGULATOR,
        CONF_CHARGE_FROM_BATTERY,
        CONF_CHARGE_BATTERY,
    }
)
"""What these pages decide; other options are left as they are."""


class MeterOptionsFlow(OptionsFlow):
    """Three pages: which meters, which way round, and the wiring."""

    def __init__(self) -> None:
        """Start with nothing chosen."""
        self._chosen: dict[str, Any] = {}
        self._shown_signs: dict[str, bool] | None = None

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which entities are the meters of the home."""
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = meter_errors(self.hass, user_input)
            if not errors:
                self._chosen = dict(user_input)
                return await self._after_meters()
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                _meters_schema(),
                self.config_entry.options if user_input is None else user_input,
            ),
            errors=errors,
            last_step=False,
        )

    async def async_step_signs(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show what the meters say now, and ask whether that is true."""
        signs = _signs_of(self._chosen, self.config_entry.options)
        if user_input is not None:
            signs = {key: bool(user_input.get(key, False)) for key in signs}
            if signs == self._shown_signs:
                self._chosen |= signs
                return await self.async_step_wiring()
        # A sign that was turned is shown once more before it is believed.
        self._shown_signs = signs
        return self.async_show_form(
            step_id="signs",
            data_schema=vol.Schema(
                {
                    vol.Required(key, default=is_inverted): selector.BooleanSelector()
                    for key, is_inverted in signs.items()
                }
            ),
            description_placeholders=self._readings(signs),
            last_step=False,
        )

    async def async_step_wiring(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for phases, fuse and limits, and who keeps the meter at zero."""
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = _wiring_errors(user_input, self._chosen)
            if not errors:
                kept = {
                    key: value
                    for key, value in self.config_entry.options.items()
                    if key not in OWN_KEYS
                }
                return self.async_create_entry(data=kept | self._chosen | user_input)
        shown = self.config_entry.options if user_input is None else user_input
        return self.async_show_form(
            step_id="wiring",
            data_schema=self.add_suggested_values_to_schema(
                _wiring_schema(self._chosen), shown
            ),
            errors=errors,
            last_step=True,
        )

    async def _after_meters(self) -> ConfigFlowResult:
        if _signs_of(self._chosen, {}):
            return await self.async_step_signs()
        return await self.async_step_wiring()

    def _readings(self, signs: dict[str, bool]) -> dict[str, str]:
        """Return what each meter says now with these signs, as text."""
        sources = meter_sources(self._chosen | signs)
        shown = dict.fromkeys((SiteMeter.GRID, SiteMeter.SOLAR), "-")
        shown |= {SiteMeter.BATTERY: "-"}
        powers = {s.meter: _power_w(self.hass, s) for s in sources}
        phases = [
            power_w
            for meter, power_w in powers.items()
            if meter in (SiteMeter.GRID_L1, SiteMeter.GRID_L2, SiteMeter.GRID_L3)
        ]
        if SiteMeter.GRID not in powers and phases:
            known = [power_w for power_w in phases if power_w is not None]
            powers[SiteMeter.GRID] = sum(known) if len(known) == len(phases) else None
        for meter in shown:
            if meter in powers:
                shown[meter] = _text(powers[meter])
        return {meter.value: text for meter, text in shown.items()}


def meter_errors(hass: HomeAssistant, chosen: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with the entities of a form, by field.

    An entity that is silent now is let through: it may come back. One that talks in
    a unit that is no power never will be a meter.
    """
    errors: dict[str, str] = {}
    registry = er.async_get(hass)
    named: dict[str, str] = {}
    for key, (meter, _) in METER_FIELDS.items():
        entity_id = chosen.get(key)
        if entity_id is None:
            continue
        known = registry.async_get(entity_id)
        if known is not None and known.platform == DOMAIN:
            errors[key] = "own_entity"
        elif entity_id in named.values():
            errors[key] = "same_entity"
        elif not _may_be(
            hass, MeterSource(meter=meter, entity_id=entity_id, is_inverted=False)
        ):
            errors[key] = (
                "not_a_percentage" if meter is SiteMeter.BATTERY_SOC else "not_a_power"
            )
        named[key] = entity_id
    return errors or _missing(chosen)


def _missing(chosen: Mapping[str, Any]) -> dict[str, str]:
    phases = [key for key in GRID_PHASES if chosen.get(key)]
    if phases and phases not in ([CONF_GRID_L1], list(GRID_PHASES)):
        return {key: "phase_missing" for key in GRID_PHASES if not chosen.get(key)}
    if chosen.get(CONF_BATTERY_SOC) and not chosen.get(CONF_BATTERY):
        return {CONF_BATTERY: "battery_power_missing"}
    has_grid = bool(chosen.get(CONF_GRID) or phases)
    if not has_grid and (chosen.get(CONF_SOLAR) or chosen.get(CONF_BATTERY)):
        return {CONF_GRID: "grid_missing"}
    return {}


def _may_be(hass: HomeAssistant, source: MeterSource) -> bool:
    state = hass.states.get(source.entity_id)
    if state is None or state.state in SILENT:
        return True
    return meter_value(source, state) is not None


def _wiring_errors(
    wiring: Mapping[str, Any], chosen: Mapping[str, Any]
) -> dict[str, str]:
    measured = sum(1 for key in GRID_PHASES if chosen.get(key))
    if measured and measured != int(wiring[CONF_PHASE_COUNT]):
        return {CONF_PHASE_COUNT: "phases_differ"}
    return {}


def _signs_of(chosen: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, bool]:
    """Return the signs that the chosen meters have, as they were set before."""
    return {
        key: bool(options.get(key, False))
        for key, meters in _SIGNS
        if any(chosen.get(meter) for meter in meters)
    }


def _power_w(hass: HomeAssistant, source: MeterSource) -> float | None:
    return meter_value(source, hass.states.get(source.entity_id))


def _text(power_w: float | None) -> str:
    return "?" if power_w is None else f"{power_w:.0f}"


def _meters_schema() -> vol.Schema:
    return vol.Schema(
        {
            vol.Optional(key): _percentage()
            if meter is SiteMeter.BATTERY_SOC
            else _power()
            for key, (meter, _) in METER_FIELDS.items()
        }
    )


def _wiring_schema(chosen: Mapping[str, Any]) -> vol.Schema:
    fields: dict[Any, Any] = {
        vol.Required(
            CONF_PHASE_COUNT, default=str(SiteWiring().phase_count)
        ): selector.SelectSelector(
            selector.SelectSelectorConfig(
                options=["1", "3"], translation_key="phase_count"
            )
        ),
        vol.Optional(CONF_FUSE_A): _number(
            LARGEST_FUSE_A, UnitOfElectricCurrent.AMPERE
        ),
        vol.Optional(CONF_IMPORT_LIMIT_W): _number(LARGEST_LIMIT_W, UnitOfPower.WATT),
        vol.Optional(CONF_PEAK_IMPORT_W): _number(LARGEST_LIMIT_W, UnitOfPower.WATT),
        vol.Optional(CONF_TOP_UP_FROM_W): _number(LARGEST_LIMIT_W, UnitOfPower.WATT),
        vol.Optional(CONF_SOLAR_HOLD_ON_S): _number(LONGEST_HOLD_S, UnitOfTime.SECONDS),
        vol.Optional(CONF_SOLAR_HOLD_OFF_S): _number(
            LONGEST_HOLD_S, UnitOfTime.SECONDS
        ),
        vol.Optional(CONF_IMBALANCE_LIMIT_W): _number(
            LARGEST_LIMIT_W, UnitOfPower.WATT
        ),
    }
    if chosen.get(CONF_BATTERY):
        fields[vol.Required(CONF_REGULATOR, default=SiteWiring().regulator.value)] = (
            selector.SelectSelector(
                selector.SelectSelectorConfig(
                    options=[regulator.value for regulator in MeterRegulator],
                    translation_key="regulator",
                    mode=selector.SelectSelectorMode.LIST,
                )
            )
        )
        for key in (CONF_CHARGE_FROM_BATTERY, CONF_CHARGE_BATTERY):
            fields[vol.Required(key, default=False)] = selector.BooleanSelector()
    return vol.Schema(fields)


def _power() -> selector.EntitySelector:
    return selector.EntitySelector(
        selector.EntitySelectorConfig(
            filter=selector.EntityWithDeviceFilterSelectorConfig(
                domain="sensor", device_class=SensorDeviceClass.POWER
            )
        )
    )


def _percentage() -> selector.EntitySelector:
    return selector.EntitySelector(
        selector.EntitySelectorConfig(
            filter=selector.EntityWithDeviceFilterSelectorConfig(
                domain="sensor", device_class=SensorDeviceClass.BATTERY
            )
        )
    )


def _number(largest: float, unit: str) -> selector.NumberSelector:
    return selector.NumberSelector(
        selector.NumberSelectorConfig(
            min=1,
            max=largest,
            step=1,
            unit_of_measurement=unit,
            mode=selector.NumberSelectorMode.BOX,
        )
    )
