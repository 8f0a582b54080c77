"""What the entities of a charger show, as the events that a charging station posts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from math import isfinite
from typing import Final

from .capability import EvCapability
from .entity_station import EntitySpecification, PlugState
from .events import (
    ChargingNeedsReported,
    ConnectorReported,
    FaultReported,
    MeasurementReported,
    StationEvent,
    TransactionPhase,
    TransactionReported,
)
from .faults import FaultCode
from .ids import EvseKey, TransactionId
from .measurement import Measurement, Reading
from .state import ConnectorStatus
from .units import (
    fahrenheit_to_celsius,
    kilowatt_hours_to_watt_hours,
    kilowatts_to_watts,
)

LARGEST_POWER_W: Final = 1_000_000.0
"""Above any charger of a home: a meter that says so is broken, or its unit is wrong."""

SAME_PLUG_WITHIN_S: Final = 60.0
"""House rule: nobody drives one vehicle away and plugs another one in within it, so a
charger that was silent for less has the same vehicle as before."""

SILENT_WORDS: Final = frozenset({"unavailable", "unknown", ""})
_POWER_UNITS: Final[Mapping[str, float]] = {
    "W": 1.0,
    "kW": kilowatts_to_watts(1.0),
    "MW": kilowatts_to_watts(kilowatts_to_watts(1.0)),
}
_ENERGY_UNITS: Final[Mapping[str, float]] = {
    "Wh": 1.0,
    "kWh": kilowatt_hours_to_watt_hours(1.0),
    "MWh": kilowatt_hours_to_watt_hours(kilowatt_hours_to_watt_hours(1.0)),
}
"""Beyond them a unit is none that a charger has, and silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityReading:
    """What one entity shows."""

    text: str
    unit: str | None
    received_mono_s: float
    """When it was reported last, told or changed: its age counts from here."""

    taken_at: datetime

    @property
    def is_silent(self) -> bool:
        """True when the entity itself knows nothing."""
        return self.text.casefold() in SILENT_WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityReadings:
    """What the entities of a charger show; None: there is no such entity."""

    power: EntityReading | None = None
    state: EntityReading | None = None
    soc: EntityReading | None = None
    energy_charged: EntityReading | None = None
    energy_discharged: EntityReading | None = None
    temperature: EntityReading | None = None
    fault: EntityReading | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was reported of a charger so far."""

    status: ConnectorStatus | None = None
    transaction_id: TransactionId | None = None
    is_plugged: bool = False
    is_faulty: bool = False
    measurement: Measurement = field(default_factory=Measurement)


def observe(
    specification: EntitySpecification,
    key: EvseKey,
    before: Observed,
    readings: EntityReadings,
    new_transaction_id: TransactionId,
    *,
    is_recalled: bool = False,
) -> tuple[Observed, tuple[StationEvent, ...]]:
    """Return what is known now, and the events that say what is new.

    A transaction begins when a vehicle is plugged and ends when it is gone: a charger
    that is known through entities tells of none by itself.

    Args:
        specification: of the charger.
        key: its outlet.
        before: what was reported of it so far.
        readings: of now; one that is silent or no number says nothing.
        new_transaction_id: for a transaction that begins now.
        is_recalled: nobody watched the plug until now, so this may be any vehicle; only
            with a state that tells whether one is plugged (``tells_plug``).
    """
    status = status_of(specification, readings.state)
    events: list[StationEvent] = []
    if status is not None and status is not before.status:
        events.append(ConnectorReported(key=key, connector_id=1, status=status))
    is_plugged = _is_plugged(status, before)
    transaction_id = before.transaction_id
    if is_recalled or (is_plugged and not before.is_plugged):
        # Also while nothing is plugged: one of before a restart may be on record.
        transaction_id = new_transaction_id
        events.append(started(key, transaction_id, is_recalled=is_recalled))
        if is_plugged:
            events += _least_powers(specification, key)
    if not is_plugged and transaction_id is not None:
        events.append(ended(key, transaction_id, is_plugged=False))
        transaction_id = None
    is_faulty = _is_faulty(specification, readings, before)
    if is_faulty is not before.is_faulty:
        words = (readings.fault, readings.state)
        detail = next((one.text for one in words if one is not None), "")
        events.append(
            FaultReported(
                key=key,
                code=FaultCode.STATION_FAULTED,
                is_active=is_faulty,
                detail=detail if is_faulty else "",
            )
        )
    measurement = measurement_of(specification, readings)
    news = _news(before.measurement, measurement)
    if news is not None:
        events.append(MeasurementReported(key=key, measurement=news))
    return (
        Observed(
            status=status or before.status,
            transaction_id=transaction_id,
            is_plugged=is_plugged,
            is_faulty=is_faulty,
            measurement=measurement,
        ),
        tuple(events),
    )


def started(
    key: EvseKey, transaction_id: TransactionId, *, is_recalled: bool = False
) -> TransactionReported:
    """Return the begin of a transaction; a recalled one may be of any vehicle."""
    return TransactionReported(
        key=key,
        transaction_id=transaction_id,
        phase=TransactionPhase.UPDATED if is_recalled else TransactionPhase.STARTED,
        is_recalled=is_recalled,
    )


def _least_powers(
    specification: EntitySpecification, key: EvseKey
) -> tuple[StationEvent, ...]:
    """Return what is known of a vehicle at this charger: below what nothing flows.

    Whether it can give power no entity tells: the owner and the self-test do.
    """
    quirks = specification.quirks
    if quirks.min_charge_w <= 0 and quirks.min_discharge_w <= 0:
        return ()
    needs = EvCapability(
        is_bidirectional=False,
        is_direction_told=False,
        min_charge_power_w=quirks.min_charge_w or None,
        min_discharge_power_w=quirks.min_discharge_w or None,
    )
    return (ChargingNeedsReported(key=key, needs=needs),)


def goes_on(key: EvseKey, transaction_id: TransactionId) -> TransactionReported:
    """Return that a transaction is still there, with its vehicle."""
    return TransactionReported(
        key=key, transaction_id=transaction_id, phase=TransactionPhase.UPDATED
    )


def ended(
    key: EvseKey, transaction_id: TransactionId, *, is_plugged: bool
) -> TransactionReported:
    """Return the end of a transaction."""
    return TransactionReported(
        key=key,
        transaction_id=transaction_id,
        phase=TransactionPhase.ENDED,
        is_plugged=is_plugged,
    )


def status_of(
    specification: EntitySpecification, reading: EntityReading | None
) -> ConnectorStatus | None:
    """Return the status of the outlet; None: its entity says nothing.

    A word that nobody explained is doubt: then the outlet counts as out of operation.
    """
    if reading is None or reading.is_silent:
        return None
    match specification.state_map.get(reading.text.casefold()):
        case PlugState.FREE:
            return ConnectorStatus.AVAILABLE
        case PlugState.PLUGGED:
            return ConnectorStatus.OCCUPIED
        case PlugState.FAULTED:
            return ConnectorStatus.FAULTED
        case _:
            return ConnectorStatus.UNAVAILABLE


def is_in_service(
    specification: EntitySpecification, reading: EntityReading | None
) -> bool:
    """Return True while the state says that the charger can be used.

    A word that nobody explained is doubt: then it cannot.
    """
    status = status_of(specification, reading)
    return status is not None and status is not ConnectorStatus.UNAVAILABLE


def unexplained_word(
    specification: EntitySpecification, reading: EntityReading | None
) -> str | None:
    """Return a word of the state that the owner did not explain; None: it is known."""
    if reading is None or reading.is_silent:
        return None
    is_known = reading.text.casefold() in specification.state_map
    return None if is_known else reading.text


def same_plug_within_s(specification: EntitySpecification) -> float:
    """Return how long a charger may be silent and still have the same vehicle."""
    # One that is asked more seldom than that is silent without anything being lost.
    return max(SAME_PLUG_WITHIN_S, 1.5 * specification.quirks.read_period_s)


def tells_plug(
    specification: EntitySpecification, reading: EntityReading | None
) -> bool:
    """Return True when the state entity says whether a vehicle is plugged."""
    status = status_of(specification, reading)
    return status in (ConnectorStatus.AVAILABLE, ConnectorStatus.OCCUPIED)


def power_of(
    specification: EntitySpecification, reading: EntityReading | None
) -> float | None:
    """Return the power that an entity shows, W, positive into the vehicle.

    None for what is no finite number of watts or kilowatts: doubt is silence.
    """
    power_w = _quantity(reading, _POWER_UNITS)
    if power_w is None or abs(power_w) > LARGEST_POWER_W:
        return None
    return -power_w if specification.is_power_inverted else power_w


def measurement_of(
    specification: EntitySpecification, readings: EntityReadings
) -> Measurement:
    """Return the readings in the units and signs of the product."""
    return Measurement(
        power_w=_reading(readings.power, power_of(specification, readings.power)),
        soc_percent=_reading(
            readings.soc,
            _within(readings.soc, "%", specification.quirks.lowest_soc_percent, 100.0),
        ),
        energy_charged_wh=_reading(
            readings.energy_charged, _energy(readings.energy_charged)
        ),
        energy_discharged_wh=_reading(
            readings.energy_discharged, _energy(readings.energy_discharged)
        ),
        handle_temperature_c=_reading(
            readings.temperature, _temperature(readings.temperature)
        ),
    )


def lost_reads(
    specification: EntitySpecification, readings: EntityReadings
) -> Iterator[str]:
    """Yield the names of what must be known to control, and is not."""
    if power_of(specification, readings.power) is None:
        yield "power"
    if status_of(specification, readings.state) is None:
        yield "state"


def _news(before: Measurement, now: Measurement) -> Measurement | None:
    """Return what was not reported yet; None: nothing.

    What was told once is not told again: a state of charge that an entity keeps on
    showing is not that of the next vehicle.
    """
    changed = {
        one.name: reading
        for one in fields(Measurement)
        if (reading := getattr(now, one.name)) is not None
        and reading != getattr(before, one.name)
    }
    return Measurement(**changed) if changed else None


def _is_plugged(status: ConnectorStatus | None, before: Observed) -> bool:
    match status:
        case ConnectorStatus.AVAILABLE:
            return False
        case ConnectorStatus.OCCUPIED:
            return True
        case _:
            # A fault, or nothing known, unplugs no vehicle.
            return before.is_plugged


def _is_faulty(
    specification: EntitySpecification, readings: EntityReadings, before: Observed
) -> bool:
    """Return True for a fault that either entity tells; silence ends none."""
    fault, state = readings.fault, readings.state
    is_silent = any(one is not None and one.is_silent for one in (fault, state))
    is_told = fault is not None and not fault.is_silent
    is_at_fault = status_of(specification, state) is ConnectorStatus.FAULTED
    if is_told and fault is not None:
        is_at_fault |= fault.text.casefold() not in specification.healthy_words
    return is_at_fault or (is_silent and before.is_faulty)


def _number(reading: EntityReading | None) -> float | None:
    if reading is None or reading.is_silent:
        return None
    try:
        value = float(reading.text)
    except ValueError:
        return None
    return value if isfinite(value) else None


def _quantity(
    reading: EntityReading | None, units: Mapping[str, float]
) -> float | None:
    value = _number(reading)
    factor = units.get(reading.unit or "") if reading is not None else None
    return None if value is None or factor is None else value * factor


def _energy(reading: EntityReading | None) -> float | None:
    energy_wh = _quantity(reading, _ENERGY_UNITS)
    return energy_wh if energy_wh is not None and energy_wh >= 0 else None


def _within(
    reading: EntityReading | None, unit: str, lowest: float, highest: float
) -> float | None:
    value = _number(reading)
    if value is None or reading is None or reading.unit != unit:
        return None
    return value if lowest <= value <= highest else None


def _temperature(reading: EntityReading | None) -> float | None:
    if reading is not None and reading.unit == "°F":
        value = _number(reading)
        value_c = None if value is None else fahrenheit_to_celsius(value)
        return value_c if value_c is None or -60.0 <= value_c <= 200.0 else None
    return _within(reading, "°C", -60.0, 200.0)


def _reading(source: EntityReading | None, value: float | None) -> Reading | None:
    if source is None or value is None:
        return None
    return Reading(
        value=value,
        received_mono_s=source.received_mono_s,
        taken_at=source.taken_at,
    )
