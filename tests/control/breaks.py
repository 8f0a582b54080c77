"""What forbids power or discharge, one broken precondition at a time."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from custom_components.v2g_vpp.control.grid import GridCause, GridState, GridVerdict
from custom_components.v2g_vpp.control.inputs import (
    EvseInputs,
)
from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.energy import KeptEnergy
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.policy import Departure
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.domain.state import ConnectorStatus
from tests.control.given import (
    CAPABILITY,
    NEEDS,
    NOW,
    VEHICLE_POLICY,
    at,
    measured,
    with_policy,
    with_session,
    with_station,
)

type Break = Callable[[EvseInputs], EvseInputs]


def with_faults(*faults: FaultCode) -> Break:
    return lambda evse: with_session(evse, faults=frozenset(faults))


def with_soc(soc_percent: float) -> Break:
    return lambda evse: at(evse, NOW, 0.0, soc_percent)


def with_grid(**changes: object) -> Break:
    nothing = {"discharge_share": 0.0, "charge_share": 0.0}
    grid = GridVerdict(**(nothing | changes))  # type: ignore[arg-type]  # any field
    return lambda evse: replace(evse, grid=grid)


STOPPED: list[tuple[str, Break, Reason]] = [
    (
        "emergency stop",
        lambda e: with_session(e, is_emergency_stopped=True),
        Reason.EMERGENCY_STOP,
    ),
    ("ground fault", with_faults(FaultCode.GROUND_FAULT), Reason.FAULT),
    (
        "no grid",
        with_grid(state=GridState.CEASED, cause=GridCause.MAINS_LOST),
        Reason.GRID_LOST,
    ),
    (
        "station offline",
        lambda e: with_station(e, is_connected=False),
        Reason.STATION_OFFLINE,
    ),
    (
        "station not ready",
        lambda e: with_station(e, is_ready=False),
        Reason.STATION_NOT_READY,
    ),
    (
        "device model unknown",
        lambda e: with_station(e, capability=None),
        Reason.STATION_NOT_READY,
    ),
    (
        "out of operation",
        lambda e: with_session(e, status=ConnectorStatus.UNAVAILABLE),
        Reason.OUT_OF_OPERATION,
    ),
    ("not plugged", lambda e: with_session(e, is_plugged=False), Reason.NOT_PLUGGED),
    (
        "no transaction",
        lambda e: with_session(e, transaction_id=None),
        Reason.NO_TRANSACTION,
    ),
    (
        "first write after a start",
        lambda e: replace(e, is_first_write_pending=True),
        Reason.AFTER_START,
    ),
]
"""What forbids power in both directions."""

BLOCKED: list[tuple[str, Break, Reason]] = [
    ("meter failure", with_faults(FaultCode.METER_FAILURE), Reason.FAULT),
    (
        "grid frequency told by the station",
        with_faults(FaultCode.GRID_FREQ_OUT_OF_RANGE),
        Reason.GRID_FREQUENCY,
    ),
    (
        "grid rides through and nothing new may begin",
        with_grid(state=GridState.DISTURBED, charge_share=1.0, discharge_share=1.0),
        Reason.GRID_FREQUENCY,
    ),
    (
        "frequency too high for too long",
        with_grid(
            state=GridState.CEASED, cause=GridCause.OVER_FREQUENCY, charge_share=1.0
        ),
        Reason.GRID_FREQUENCY,
    ),
    (
        "grid back a moment ago",
        with_grid(
            state=GridState.WAITING, cause=GridCause.OVER_FREQUENCY, charge_share=1.0
        ),
        Reason.ENTER_SERVICE,
    ),
    (
        "no dialect",
        lambda e: with_station(
            e, capability=replace(CAPABILITY, dialect=DischargeDialect.NONE)
        ),
        Reason.NO_DIALECT,
    ),
    (
        "floor profile unconfirmed",
        lambda e: with_station(e, has_floor_profile=False),
        Reason.NO_FLOOR_PROFILE,
    ),
    ("guest", lambda e: replace(e, vehicle=None), Reason.VEHICLE_UNKNOWN),
    (
        "guest without floors",
        lambda e: replace(e, vehicle_policy=None),
        Reason.VEHICLE_UNKNOWN,
    ),
    (
        "vehicle not allowed",
        lambda e: replace(
            e, vehicle_policy=replace(VEHICLE_POLICY, is_discharge_allowed=False)
        ),
        Reason.VEHICLE_NOT_ALLOWED,
    ),
    (
        "switch off",
        lambda e: with_policy(e, is_discharge_allowed=False),
        Reason.DISCHARGE_NOT_ALLOWED,
    ),
    ("not proven", lambda e: replace(e, proof=None), Reason.NOT_PROVEN),
    (
        "needs unknown",
        lambda e: with_session(e, needs=None),
        Reason.VEHICLE_NOT_BIDIRECTIONAL,
    ),
    (
        "direction not told",
        lambda e: with_session(e, needs=replace(NEEDS, is_direction_told=False)),
        Reason.VEHICLE_NOT_BIDIRECTIONAL,
    ),
    (
        "vehicle one way",
        lambda e: with_session(e, needs=replace(NEEDS, is_bidirectional=False)),
        Reason.VEHICLE_NOT_BIDIRECTIONAL,
    ),
    (
        "meter stale",
        lambda e: with_session(
            e,
            measurement=replace(
                measured(), power_w=measured(mono_s=NOW - 10.1).power_w
            ),
        ),
        Reason.METER_STALE,
    ),
    (
        "memory of the station written to too often",
        lambda e: replace(e, is_write_budget_spent=True),
        Reason.WRITE_BUDGET,
    ),
    (
        "vehicle ignored three wakes",
        lambda e: replace(e, has_ignored_wakes=True),
        Reason.NOTHING_FLOWS,
    ),
    (
        "state of charge unknown",
        lambda e: with_session(e, measurement=replace(measured(), soc_percent=None)),
        Reason.SOC_UNKNOWN,
    ),
    (
        "vehicle below its own window",
        lambda e: with_session(e, needs=replace(NEEDS, is_below_v2x_window=True)),
        Reason.VEHICLE_LIMIT,
    ),
    ("at the reserve", with_soc(30.0), Reason.RESERVE_FLOOR),
    (
        "needed for the next trip",
        # It has the 69.8 % that it shall have now, half a point of doubt less.
        lambda e: replace(
            e, departures=(Departure(target_percent=69.8, due_mono_s=NOW + 60.0),)
        ),
        Reason.TRIP_FLOOR,
    ),
    (
        "battery budget spent",
        lambda e: replace(e, cycled_wh=6_000.0),
        Reason.CYCLE_BUDGET,
    ),
    ("at the floor of a dispatch", with_soc(50.0), Reason.VPP_FLOOR),
    (
        "kept for an event",
        lambda e: replace(e, kept=KeptEnergy(percent=99.0, wh=1.0)),
        Reason.EVENT_RESERVE,
    ),
]
"""What forbids discharge alone."""


def cases(table: list[tuple[str, Break, Reason]]) -> list[object]:
    return [pytest.param(change, reason, id=name) for name, change, reason in table]
