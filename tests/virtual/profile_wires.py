"""Charging profiles in wire form, and a store to put them in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from custom_components.v2g_vpp.virtual.profile_rules import Rejection, RuleContext
from custom_components.v2g_vpp.virtual.profiles import ProfileStore
from custom_components.v2g_vpp.virtual.schedule import (
    Moment,
    format_time,
    parse_profile,
)

START = datetime(2026, 11, 22, 18, tzinfo=UTC)
CONTEXT = RuleContext(
    evse_id=1,
    evse_ids=(1,),
    transaction_id="t1",
    are_needs_known=True,
    is_bidirectional=True,
)
MAX_W = 11_000.0


def at(mono_s: float) -> Moment:
    return Moment(mono_s=mono_s, at=START + timedelta(seconds=mono_s))


def period(**values: Any) -> dict[str, Any]:
    return {"startPeriod": 0, **values}


def central(setpoint_w: float) -> dict[str, Any]:
    return period(operationMode="CentralSetpoint", setpoint=setpoint_w)


def profile(
    *periods: dict[str, Any], schedule: dict[str, Any] | None = None, **values: Any
) -> dict[str, Any]:
    return {
        "id": 1001,
        "stackLevel": 10,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Dynamic",
        "transactionId": "t1",
        "chargingSchedule": [
            {
                "id": 1,
                "chargingRateUnit": "W",
                "chargingSchedulePeriod": list(periods),
                **(schedule or {}),
            }
        ],
        **values,
    }


def dynamic(setpoint_w: float = -5000.0, **values: Any) -> dict[str, Any]:
    return profile(central(setpoint_w), schedule={"duration": 20}, **values)


def floor(limit_w: float, **values: Any) -> dict[str, Any]:
    wire = profile(
        period(limit=limit_w),
        **{
            "id": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            **values,
        },
    )
    del wire["transactionId"]
    return wire


def station_max(**values: Any) -> dict[str, Any]:
    wire = profile(
        period(**values),
        schedule={"startSchedule": format_time(START - timedelta(days=1))},
        id=2,
        chargingProfilePurpose="ChargingStationMaxProfile",
        chargingProfileKind="Absolute",
    )
    del wire["transactionId"]
    return wire


def make_store() -> ProfileStore:
    store = ProfileStore()
    store.transaction_started(1, "t1", at(0))
    return store


def install(
    store: ProfileStore,
    wire: dict[str, Any],
    now: Moment | None = None,
    **context: Any,
) -> Rejection | None:
    return store.install(parse_profile(wire), replace(CONTEXT, **context), now or at(0))


def update(store: ProfileStore, mono_s: float, **values: float) -> Rejection | None:
    return store.update(1001, values, at(mono_s), is_bidirectional=True)


def power_w(
    store: ProfileStore,
    mono_s: float,
    *,
    is_bidirectional: bool = True,
    phases: int = 3,
    evse_id: int = 1,
) -> float:
    point = store.operating_point(evse_id, phases, at(mono_s))
    return point.command_w(MAX_W, MAX_W, is_bidirectional=is_bidirectional)
