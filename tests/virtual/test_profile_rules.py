"""What a station refuses, and with which reason."""

from typing import Any

import pytest

from custom_components.v2g_vpp.virtual.schedule import format_time, parse_profile
from custom_components.v2g_vpp.virtual.stored_profile import ProfileFilter

from .profile_wires import (
    MAX_W,
    START,
    central,
    dynamic,
    install,
    make_store,
    period,
    power_w,
    profile,
    station_max,
    update,
)

# What is refused


def absolute(**schedule: Any) -> dict[str, Any]:
    return profile(central(0.0), schedule=schedule, chargingProfileKind="Absolute")


@pytest.mark.parametrize(
    ("wire", "context", "reason"),
    [
        (dynamic(transactionId="t9"), {}, "TxNotFound"),
        (dynamic(), {"transaction_id": None}, "TxNotFound"),
        (dynamic(), {"evse_id": 0}, "InvalidProfile"),
        (dynamic(), {"evse_id": 2}, "UnknownEvse"),
        (dynamic(), {"are_needs_known": False}, "InvalidMessageSeq"),
        (dynamic(stackLevel=21), {}, "InvalidStackLevel"),
        (dynamic(id=-1), {}, "InvalidProfileId"),
        (dynamic(), {"is_v2x_enabled": False}, "InvalidOperationMode"),
        (
            dynamic(chargingProfilePurpose="ChargingStationExternalConstraints"),
            {},
            "UnsupportedPurpose",
        ),
        (dynamic(chargingProfilePurpose="LocalGeneration"), {}, "UnsupportedPurpose"),
        (profile(central(0.0) | {"limit": 5}), {}, "InvalidSchedule"),
        (profile(central(0.0) | {"dischargeLimit": -5}), {}, "InvalidSchedule"),
        (profile(period(operationMode="CentralSetpoint")), {}, "InvalidSchedule"),
        (
            profile(period(operationMode="Idle", setpoint=0)),
            {},
            "InvalidSchedule",
        ),
        (profile(period(limit=-5000)), {}, "InvalidSchedule"),
        (profile(period()), {}, "InvalidSchedule"),
        (
            profile(period(operationMode="LocalLoadBalancing")),
            {},
            "InvalidOperationMode",
        ),
        (profile(central(0.0) | {"setpoint_L2": 0}), {}, "UnsupportedParam"),
        (
            profile(central(0.0), central(0.0) | {"startPeriod": 5}),
            {},
            "InvalidSchedule",
        ),
        (profile(central(0.0) | {"startPeriod": 5}), {}, "InvalidSchedule"),
        (absolute(), {}, "InvalidSchedule"),
        (
            profile(
                period(operationMode="CentralFrequency", setpoint=0),
                chargingProfileKind="Relative",
            ),
            {},
            "InvalidSchedule",
        ),
        (station_max(limit=0), {"evse_id": 1}, "InvalidProfile"),
    ],
    ids=[
        "unknown transaction",
        "no transaction",
        "transaction profile for the station",
        "unknown EVSE",
        "before the charging needs",
        "stack level too high",
        "id of the station",
        "bidirectional charging switched off",
        "purpose of an external system",
        "purpose that is not supported",
        "limit beside a setpoint",
        "discharge limit beside a setpoint",
        "setpoint missing",
        "idle with power",
        "negative limit",
        "limit missing",
        "mode that is not supported",
        "values per phase",
        "dynamic with two periods",
        "first period later",
        "absolute without start",
        "central frequency that is not dynamic",
        "station maximum on an EVSE",
    ],
)
def test_profiles_that_are_refused(
    wire: dict[str, Any], context: dict[str, Any], reason: str
) -> None:
    store = make_store()
    rejection = install(store, wire, **context)
    assert rejection is not None
    assert rejection.reason_code == reason
    assert len(rejection.reason_code) <= 20
    assert store.select(ProfileFilter()) == ()
    assert install(store, dynamic()) is None


def test_missing_transaction_id_is_named() -> None:
    wire = dynamic()
    del wire["transactionId"]
    rejection = install(make_store(), wire)
    assert rejection is not None
    assert rejection.reason_code == "MissingParam"


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_never_get_in(number: float) -> None:
    with pytest.raises(ValueError, match="setpoint"):
        parse_profile(dynamic(number))
    store = make_store()
    install(store, dynamic())
    with pytest.raises(ValueError, match="setpoint"):
        update(store, 1, setpoint=number)
    assert power_w(store, 1) == -5000


@pytest.mark.parametrize(
    "values",
    [{"limit": 5.0}, {}, {"setpoint": 1.0, "limit": 1.0}, {"setpoint_L2": 1.0}],
    ids=["limit", "nothing", "limit beside setpoint", "value of one phase"],
)
def test_updates_that_do_not_fit_the_mode_are_refused(
    values: dict[str, float],
) -> None:
    store = make_store()
    install(store, dynamic())
    assert update(store, 5, **values) is not None
    assert power_w(store, 19.9) == -5000
    assert power_w(store, 20) == MAX_W


def test_update_of_a_profile_that_is_not_dynamic_is_refused() -> None:
    store = make_store()
    install(store, absolute(startSchedule=format_time(START)))
    rejection = update(store, 1, setpoint=-5.0)
    assert rejection is not None
    assert rejection.reason_code == "InvalidProfile"
