"""What each sensor shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    EntityCategory,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfFrequency,
    UnitOfPower,
    UnitOfTime,
)

from .const import ATTR_HOLDER, ATTR_UNTIL, CONF_CERTIFICATE_EXPIRES_AT
from .display import (
    ENERGY,
    FREQUENCY,
    POWER,
    VOLTAGE,
    WEAR,
    DisplayRate,
    lasting,
)
from .domain.capability import promised_end_s, proven_timing
from .domain.faults import FaultCode
from .domain.measurement import Reading
from .domain.self_test import SelfTestPhase
from .domain.setpoint import ControlOwner, Reason
from .domain.snapshot import (
    EvseSnapshot,
    ProgrammeSnapshot,
    SiteSnapshot,
    VehicleSnapshot,
)
from .domain.state import EvseState
from .domain.wiring import WiringEvidence

CERTIFICATE_REFRESH: Final = timedelta(hours=1)
"""Days left change by themselves; an hour is fine enough for whole days."""

NOTHING: Final = "nothing"
NOT_PROVEN: Final = "not_proven"
CONTRADICTED: Final = "contradicted"
NOT_AVAILABLE: Final = "not_available"
"""Home Assistant keeps the word "unavailable" for entities that cannot be read."""

DISPLAY_STATES: Final[Mapping[EvseState, str]] = {
    state: NOT_AVAILABLE if state is EvseState.UNAVAILABLE else state.value
    for state in EvseState
}


def _no_context(_part: Any) -> object:
    return None


def _evse_context(evse: EvseSnapshot) -> object:
    return evse.state, evse.setpoint.owner, lasting(evse.setpoint.reason)


@dataclass(frozen=True, kw_only=True)
class V2gSensorDescription[PartT](SensorEntityDescription):
    """A sensor and where its number comes from."""

    value_fn: Callable[[PartT], float | str | datetime | None]
    context_fn: Callable[[PartT], object] = _no_context
    """What the number belongs to: a change of it shows the number at once."""

    rate: DisplayRate | None = None
    """None: every change is shown."""


@dataclass(frozen=True, kw_only=True)
class EvseSensorDescription(V2gSensorDescription[EvseSnapshot]):
    """A sensor of one EVSE."""

    context_fn: Callable[[EvseSnapshot], object] = _evse_context
    needs_link: bool = False
    """True: unavailable while the station is offline."""

    attributes_fn: Callable[[EvseSnapshot], Mapping[str, Any]] | None = None
    """What is shown beside it; nothing that flows, because each change is a state."""


def _minute(at: datetime | None) -> str | None:
    """Return a moment by the minute: one that is renewed each second is not news."""
    return None if at is None else at.replace(second=0, microsecond=0).isoformat()


def _values(choices: type[StrEnum]) -> list[str]:
    return [choice.value for choice in choices]


def site_context(site: SiteSnapshot) -> object:
    """Return what a number of the home belongs to: a change of it shows it at once."""
    return tuple(evse.state for evse in site.evses)


def _value(reading: Reading | None) -> float | None:
    return reading.value if reading is not None else None


def fresh_value(evse: EvseSnapshot, reading: Reading | None) -> float | None:
    """Return a reading while it is fresh; an old one looks like power that flows."""
    return _value(reading) if evse.is_meter_fresh else None


def _stops_within_s(evse: EvseSnapshot) -> float | None:
    """Return when a running discharge ends without this product, proven values only."""
    if evse.proof is None or not evse.proof.ends_by_itself:
        return None
    return promised_end_s(
        proven_timing(evse.proof),
        evse.fingerprint.dead_time_s,
        evse.policy.max_discharge_power_w,
        evse.fingerprint.ramp_w_per_s,
    )


def _wiring(evse: EvseSnapshot) -> str:
    """Return what is known of the home's meter and this outlet's."""
    is_wrong = evse.wiring_finding is not None or evse.self_test.wiring is not None
    if is_wrong or FaultCode.METERS_CONTRADICT in evse.faults:
        return CONTRADICTED
    return NOT_PROVEN if evse.proof is None else evse.proof.wiring


def certificate_days_left(data: Mapping[str, Any], now: datetime) -> int | None:
    """Return whole days until a programme's certificate expires, negative after."""
    expires_at = data.get(CONF_CERTIFICATE_EXPIRES_AT)
    if expires_at is None:
        return None
    return (datetime.fromisoformat(expires_at) - now) // timedelta(days=1)


def _power(
    key: str,
    value_fn: Callable[[EvseSnapshot], float | None],
    *,
    translation_key: str | None = None,
    needs_link: bool = False,
) -> EvseSensorDescription:
    return EvseSensorDescription(
        key=key,
        translation_key=translation_key,
        device_class=SensorDeviceClass.POWER,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_display_precision=0,
        value_fn=value_fn,
        rate=POWER,
        needs_link=needs_link,
    )


def _energy(
    key: str, value_fn: Callable[[EvseSnapshot], float | None]
) -> EvseSensorDescription:
    return EvseSensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.ENERGY,
        # Begins with the register of the meter and never falls.
        state_class=SensorStateClass.TOTAL,
        native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
        suggested_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=2,
        value_fn=value_fn,
        # What a visit brought shows when it ends, not with the next one.
        context_fn=lambda evse: (evse.is_plugged, evse.has_transaction),
        rate=ENERGY,
    )


def _choice(
    key: str,
    options: list[str],
    value_fn: Callable[[EvseSnapshot], str],
    category: EntityCategory | None = None,
) -> EvseSensorDescription:
    return EvseSensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.ENUM,
        entity_category=category,
        options=options,
        value_fn=value_fn,
    )


REASON: Final = _choice("reason", _values(Reason), lambda evse: evse.setpoint.reason)
SETPOINT: Final = _power(
    "setpoint", lambda evse: evse.setpoint.power_w, translation_key="setpoint"
)

EVSE_SENSORS: Final[tuple[EvseSensorDescription, ...]] = (
    _choice(
        "state", list(DISPLAY_STATES.values()), lambda evse: DISPLAY_STATES[evse.state]
    ),
    replace(
        _choice(
            "control_owner", _values(ControlOwner), lambda evse: evse.setpoint.owner
        ),
        attributes_fn=lambda evse: {
            ATTR_HOLDER: evse.lease.holder,
            ATTR_UNTIL: _minute(evse.lease.ends_at),
        },
    ),
    _choice(
        "discharge_blocked_by",
        [NOTHING, *_values(Reason)],
        lambda evse: evse.discharge_blocked_by or NOTHING,
    ),
    _choice(
        "self_test",
        _values(SelfTestPhase),
        lambda evse: evse.self_test.phase,
        EntityCategory.DIAGNOSTIC,
    ),
    _choice(
        "wiring",
        [NOT_PROVEN, *_values(WiringEvidence), CONTRADICTED],
        _wiring,
        EntityCategory.DIAGNOSTIC,
    ),
    _power(
        "power",
        lambda evse: fresh_value(evse, evse.measurement.power_w),
        needs_link=True,
    ),
    _power(
        "available_charge_power",
        lambda evse: evse.available_charge_w,
        translation_key="available_charge_power",
    ),
    _power(
        "available_discharge_power",
        lambda evse: evse.available_discharge_w,
        translation_key="available_discharge_power",
    ),
    _energy("energy_charged", lambda evse: evse.charged_wh),
    _energy(
        "energy_discharged",
        lambda evse: evse.discharged_wh,
    ),
    EvseSensorDescription(
        key="frequency",
        device_class=SensorDeviceClass.FREQUENCY,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=UnitOfFrequency.HERTZ,
        suggested_display_precision=2,
        value_fn=lambda evse: fresh_value(evse, evse.measurement.frequency_hz),
        context_fn=_no_context,
        rate=FREQUENCY,
        needs_link=True,
    ),
    EvseSensorDescription(
        key="voltage",
        device_class=SensorDeviceClass.VOLTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=UnitOfElectricPotential.VOLT,
        suggested_display_precision=0,
        value_fn=lambda evse: fresh_value(evse, evse.measurement.voltage_v),
        context_fn=_no_context,
        rate=VOLTAGE,
        needs_link=True,
    ),
    EvseSensorDescription(
        key="dead_time",
        translation_key="dead_time",
        device_class=SensorDeviceClass.DURATION,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_display_precision=1,
        value_fn=lambda evse: (
            evse.fingerprint.dead_time_s if evse.fingerprint.is_learnt else None
        ),
    ),
    EvseSensorDescription(
        key="stops_by_itself_within",
        translation_key="stops_by_itself_within",
        device_class=SensorDeviceClass.DURATION,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_display_precision=0,
        value_fn=_stops_within_s,
    ),
    EvseSensorDescription(
        key="profile_writes_today",
        translation_key="profile_writes_today",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        suggested_display_precision=0,
        value_fn=lambda evse: evse.profile_writes_today,
        context_fn=_no_context,
    ),
)

VEHICLE_SENSORS: Final[tuple[V2gSensorDescription[VehicleSnapshot], ...]] = (
    V2gSensorDescription(
        key="energy_above_floor",
        translation_key="energy_above_floor",
        device_class=SensorDeviceClass.ENERGY_STORAGE,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
        suggested_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=1,
        value_fn=VehicleSnapshot.energy_above_floor_wh,
        context_fn=lambda vehicle: (vehicle.evse, vehicle.policy),
        rate=ENERGY,
    ),
    V2gSensorDescription(
        key="equivalent_cycles",
        translation_key="equivalent_cycles",
        state_class=SensorStateClass.TOTAL,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        suggested_display_precision=1,
        value_fn=lambda vehicle: vehicle.equivalent_cycles,
        context_fn=lambda vehicle: vehicle.evse,
        rate=WEAR,
    ),
)

WEAR_COST: Final = V2gSensorDescription[VehicleSnapshot](
    key="wear_cost",
    translation_key="wear_cost",
    device_class=SensorDeviceClass.MONETARY,
    # Begins with the first discharge; the owner may correct the price of the battery.
    state_class=SensorStateClass.TOTAL,
    entity_category=EntityCategory.DIAGNOSTIC,
    entity_registry_enabled_default=False,
    suggested_display_precision=2,
    value_fn=lambda vehicle: vehicle.wear_cost,
    context_fn=lambda vehicle: (vehicle.evse, vehicle.spec),
    rate=WEAR,
)
"""Its unit is the currency of the home."""

PROGRAMME_SENSORS: Final[tuple[V2gSensorDescription[ProgrammeSnapshot], ...]] = (
    V2gSensorDescription(
        key="delivered_energy",
        translation_key="delivered_energy",
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
        suggested_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=2,
        value_fn=lambda programme: programme.delivered_discharge_wh,
        context_fn=lambda programme: programme.order,
        rate=ENERGY,
    ),
)

CERTIFICATE: Final = SensorEntityDescription(
    key="certificate_days_left",
    translation_key="certificate_days_left",
    device_class=SensorDeviceClass.DURATION,
    entity_category=EntityCategory.DIAGNOSTIC,
    native_unit_of_measurement=UnitOfTime.DAYS,
    suggested_display_precision=0,
)

SITE_SENSORS: Final[tuple[V2gSensorDescription[SiteSnapshot], ...]] = (
    V2gSensorDescription(
        key="available_up",
        translation_key="available_up",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_display_precision=0,
        value_fn=lambda site: sum(evse.available_discharge_w for evse in site.evses),
        context_fn=site_context,
        rate=POWER,
    ),
    V2gSensorDescription(
        key="available_down",
        translation_key="available_down",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_display_precision=0,
        value_fn=lambda site: sum(evse.available_charge_w for evse in site.evses),
        context_fn=site_context,
        rate=POWER,
    ),
)
