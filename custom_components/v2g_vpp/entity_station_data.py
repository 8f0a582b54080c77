"""The set-up of a charger that is known through entities, and what it means.

The data of a subentry ``entity_station``, which other modules and tests rely on. An
entity is kept by the id of its registry entry where it has one, so that a rename is
followed, and by its entity id otherwise; both are understood everywhere.

========================== ====================================================
``identity``               id of the station, in devices and unique ids
``name``                   as the owner calls it
``profile``                id of the profile that it was made from
``profile_version``        of that profile
``vendor``, ``model``      shown with the device; empty when not known
``power_entity``           power, W or kW; required
``power_inverted``         True: it is positive while the vehicle gives
``state_entity``           plugged or not; required
``plugged_states``         words of it: a vehicle is plugged (lists of words)
``free_states``            nothing is plugged
``fault_states``           it is faulty
``out_of_service_states``  it is out of service; so is every word in no list
``soc_entity``             state of charge, %
``energy_charged_entity``  register of energy into the vehicle, Wh, kWh or MWh
``energy_discharged_entity`` the same out of the vehicle
``handle_temperature_entity`` of the plug, °C or °F
``fault_entity``           any fault
``healthy_states``         words of it without a fault
``write_way``              ``signed_number``, ``two_numbers`` or ``script``
``write_unit``             ``W``, ``kW`` or ``A`` (per phase)
``write_inverted``         True: its numbers are positive for a discharge
``phases``                 ``1`` or ``3``, for amperes
``setpoint_entity``        the signed number
``charge_entity``          two numbers: the one to charge
``discharge_entity``       the one to discharge
``direction_entity``       what chooses between them, with ``charge_option``,
                           ``discharge_option`` and perhaps ``rest_option``
``script_entity``          called with ``power_w`` and ``duration_s``
``stop_way``               ``zero``, ``minimum_power``, ``switch``, ``button``, ``script``
``stop_entity``            of the last three
``start_button_entity``    a button that has to be pressed before power flows
``max_charge_power_w``     and ``max_discharge_power_w`` (0: it only charges),
                           ``unattended_charge_w``, ``phase_map``, ``circuit``,
                           ``circuit_limit_a`` as of any charging station
``min_charge_w`` ...       the quirks, by the names of ``Quirks``; ``watchdog_s`` is
                           absent where there is none
========================== ====================================================
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from . import const
from .domain.entity_command import WriteTarget
from .domain.entity_station import (
    EntitySpecification,
    PlugState,
    Quirks,
    StopWay,
    Writes,
    WriteUnit,
    WriteWay,
    problem_of,
)
from .domain.ids import StationId
from .domain.policy import StationLimits

READ_FIELDS: Final[Mapping[str, str]] = {
    "power": const.CONF_POWER_ENTITY,
    "state": const.CONF_STATE_ENTITY,
    "soc": const.CONF_SOC_ENTITY,
    "energy_charged": const.CONF_ENERGY_CHARGED_ENTITY,
    "energy_discharged": const.CONF_ENERGY_DISCHARGED_ENTITY,
    "temperature": const.CONF_HANDLE_TEMPERATURE_ENTITY,
    "fault": const.CONF_FAULT_ENTITY,
}
"""By the name of a reading the field that names its entity."""

REQUIRED_READS: Final = ("power", "state")

WRITE_FIELDS: Final[Mapping[WriteTarget, str]] = {
    WriteTarget.SETPOINT: const.CONF_SETPOINT_ENTITY,
    WriteTarget.CHARGE: const.CONF_CHARGE_ENTITY,
    WriteTarget.DISCHARGE: const.CONF_DISCHARGE_ENTITY,
    WriteTarget.DIRECTION: const.CONF_DIRECTION_ENTITY,
    WriteTarget.SCRIPT: const.CONF_SCRIPT_ENTITY,
    WriteTarget.STOP: const.CONF_STOP_ENTITY,
    WriteTarget.START: const.CONF_START_BUTTON,
}
"""By what is written to the field that names its entity."""

WAY_TARGETS: Final[Mapping[WriteWay, tuple[WriteTarget, ...]]] = {
    WriteWay.SIGNED_NUMBER: (WriteTarget.SETPOINT,),
    WriteWay.TWO_NUMBERS: (
        WriteTarget.CHARGE,
        WriteTarget.DISCHARGE,
        WriteTarget.DIRECTION,
    ),
    WriteWay.SCRIPT: (WriteTarget.SCRIPT,),
}
STOPS_BY_ENTITY: Final = frozenset({StopWay.SWITCH, StopWay.BUTTON, StopWay.SCRIPT})

STATE_FIELDS: Final[Mapping[PlugState, str]] = {
    PlugState.PLUGGED: const.CONF_PLUGGED_STATES,
    PlugState.FREE: const.CONF_FREE_STATES,
    PlugState.FAULTED: const.CONF_FAULT_STATES,
    PlugState.OUT_OF_SERVICE: const.CONF_OUT_OF_SERVICE_STATES,
}
"""The fields that explain the words of the state entity."""

_QUIRKS: Final = tuple(one.name for one in fields(Quirks))

CHARGER_SETTINGS: Final = (
    const.CONF_PROFILE,
    const.CONF_PROFILE_VERSION,
    const.CONF_POWER_INVERTED,
    *STATE_FIELDS.values(),
    const.CONF_WRITE_WAY,
    const.CONF_WRITE_UNIT,
    const.CONF_WRITE_INVERTED,
    const.CONF_STOP_WAY,
    *_QUIRKS,
)
"""What helps to understand a charger, and names nothing of its owner's."""


def station_id_of(data: Mapping[str, Any]) -> StationId:
    """Return the id of the station."""
    return StationId(data[const.CONF_IDENTITY])


def entity_limits(data: Mapping[str, Any]) -> StationLimits:
    """Return what the installation of the charger allows."""
    default = StationLimits()
    return StationLimits(
        max_charge_power_w=data.get(
            const.CONF_MAX_CHARGE_POWER_W, default.max_charge_power_w
        ),
        max_discharge_power_w=data.get(const.CONF_MAX_DISCHARGE_POWER_W, 0.0),
        unattended_charge_w=data.get(const.CONF_UNATTENDED_CHARGE_W, 0.0),
    )


def specification(data: Mapping[str, Any]) -> EntitySpecification:
    """Return which words, units and signs the charger has."""
    return EntitySpecification(
        writes=_writes(data),
        profile_id=data.get(const.CONF_PROFILE, "generic"),
        profile_version=int(data.get(const.CONF_PROFILE_VERSION, 1)),
        vendor=data.get(const.CONF_VENDOR, ""),
        model=data.get(const.CONF_MODEL, ""),
        is_power_inverted=bool(data.get(const.CONF_POWER_INVERTED, False)),
        can_discharge=data.get(const.CONF_MAX_DISCHARGE_POWER_W, 0) > 0,
        state_map={
            word.casefold(): state
            for state, key in STATE_FIELDS.items()
            for word in data.get(key, ())
        },
        healthy_words=frozenset(
            word.casefold() for word in data.get(const.CONF_HEALTHY_STATES, ())
        ),
        quirks=quirks(data),
        places=tuple(
            f"{key} {data[key]}"
            for key in (
                *(WRITE_FIELDS[target] for target in used_targets(data)),
                const.CONF_POWER_ENTITY,
            )
            if data.get(key)
        ),
    )


def check_entity_station(data: Mapping[str, Any]) -> None:
    """Let a set-up through that a charger can be controlled by.

    Raises:
        KeyError, ValueError: naming what is missing, or what cannot be.
    """
    station_id_of(data)
    spec = specification(data)
    problem = problem_of(spec)
    if problem is not None:
        raise ValueError(problem)
    needed = [READ_FIELDS[name] for name in REQUIRED_READS]
    needed += [WRITE_FIELDS[target] for target in needed_targets(spec)]
    missing = [key for key in needed if not data.get(key)]
    if missing:
        raise KeyError(*missing)


def needed_targets(spec: EntitySpecification) -> tuple[WriteTarget, ...]:
    """Return what has to be there to be written to."""
    writes = spec.writes
    targets: list[WriteTarget] = []
    match writes.way:
        case WriteWay.SIGNED_NUMBER:
            targets.append(WriteTarget.SETPOINT)
        case WriteWay.SCRIPT:
            targets.append(WriteTarget.SCRIPT)
        case WriteWay.TWO_NUMBERS:
            targets.append(WriteTarget.CHARGE)
            if spec.can_discharge:
                targets.append(WriteTarget.DISCHARGE)
            if writes.charge_option is not None:
                targets.append(WriteTarget.DIRECTION)
    if writes.stop in STOPS_BY_ENTITY:
        targets.append(WriteTarget.STOP)
    return tuple(targets)


def quirks(data: Mapping[str, Any]) -> Quirks:
    """Return what is special about the charger."""
    return Quirks(
        **{name: data[name] for name in _QUIRKS if data.get(name) is not None}
    )


def used_targets(data: Mapping[str, Any]) -> tuple[WriteTarget, ...]:
    """Return what is written to, of what an entity is named for."""
    way = WriteWay(data[const.CONF_WRITE_WAY])
    targets = (*WAY_TARGETS[way], WriteTarget.START)
    if StopWay(data.get(const.CONF_STOP_WAY, StopWay.ZERO)) in STOPS_BY_ENTITY:
        targets = (*targets, WriteTarget.STOP)
    return tuple(target for target in targets if data.get(WRITE_FIELDS[target]))


def _writes(data: Mapping[str, Any]) -> Writes:
    phases = data.get(const.CONF_PHASES, const.PHASES_ONE)
    return Writes(
        way=WriteWay(data[const.CONF_WRITE_WAY]),
        unit=WriteUnit(data.get(const.CONF_WRITE_UNIT, WriteUnit.WATT)),
        is_inverted=bool(data.get(const.CONF_WRITE_INVERTED, False)),
        phases=3 if phases == const.PHASES_THREE else 1,
        charge_option=data.get(const.CONF_CHARGE_OPTION) or None,
        discharge_option=data.get(const.CONF_DISCHARGE_OPTION) or None,
        rest_option=data.get(const.CONF_REST_OPTION) or None,
        stop=StopWay(data.get(const.CONF_STOP_WAY, StopWay.ZERO)),
        has_start=bool(data.get(const.CONF_START_BUTTON)),
    )
