"""What each dialect says, and what counts as the floor."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.csms.charging_profile import (
    ASSUMED_PHASES,
    NOMINAL_VOLTAGE_V,
    floor_problem,
    floor_request,
    is_floor_in_composite,
    profile_id,
    set_profile_request,
    update_request,
    wire_power_w,
)
from custom_components.v2g_vpp.csms.device_model import ModelSummary
from custom_components.v2g_vpp.csms.schemas import load_schemas
from custom_components.v2g_vpp.csms.wording import wording_of
from custom_components.v2g_vpp.domain.capability import (
    DIALECT_TIMING,
    LIMIT_DIALECTS,
    DischargeDialect,
)
from custom_components.v2g_vpp.domain.ids import TransactionId

AT = datetime(2026, 11, 22, 18, tzinfo=UTC)
BOOKS = load_schemas()
PLAIN = ModelSummary()
PROTOCOLS = {
    DischargeDialect.V21_DYNAMIC: ("ocpp2.1",),
    DischargeDialect.V21_SCHEDULE: ("ocpp2.1",),
    # Words of 2.1 on a link of 2.0.1: judged by the schemas of 2.1.
    DischargeDialect.V201_PLUS21: ("ocpp2.1",),
    DischargeDialect.NEG_LIMIT_W: ("ocpp2.0.1", "ocpp1.6"),
    DischargeDialect.NEG_LIMIT_A: ("ocpp2.0.1", "ocpp1.6"),
    DischargeDialect.NONE: ("ocpp2.1", "ocpp2.0.1", "ocpp1.6"),
}

summaries = st.builds(
    ModelSummary,
    supply_phases=st.sampled_from([None, 0, 1, 3]),
    rate_units=st.sampled_from([(), ("A",), ("W",), ("A", "W")]),
    supports_max_offline_duration=st.booleans(),
    profile_stack_level=st.none() | st.integers(0, 30),
    max_external_constraints_id=st.none() | st.integers(0, 5000),
)
dialects = st.sampled_from(sorted(PROTOCOLS))
"""One maker's message is no profile."""


def request(
    power_w: float, dialect: DischargeDialect, summary: ModelSummary = PLAIN
) -> dict[str, Any]:
    return set_profile_request(
        evse_id=1,
        transaction_id=TransactionId("17"),
        power_w=power_w,
        dialect=dialect,
        summary=summary,
        station_time=AT,
    )


def period_of(told: dict[str, Any]) -> dict[str, Any]:
    (schedule,) = told["chargingProfile"]["chargingSchedule"]
    (period,) = schedule["chargingSchedulePeriod"]
    assert isinstance(period, dict)
    return period


@given(power_w=st.floats(-22_000, 22_000), dialect=dialects, summary=summaries)
def test_every_profile_is_legal_ends_by_itself_and_says_no_more_than_asked(
    power_w: float, dialect: DischargeDialect, summary: ModelSummary
) -> None:
    told = request(power_w, dialect, summary)
    for protocol in PROTOCOLS[dialect]:
        wire = wording_of(protocol).set_profile(told)
        assert BOOKS[protocol].fault_in_own_request(*wire) is None
    profile = told["chargingProfile"]
    assert profile["chargingProfilePurpose"] == "TxProfile"
    assert profile["transactionId"] == "17"
    assert profile["stackLevel"] <= (summary.profile_stack_level or 1) or (
        summary.profile_stack_level == 0 and profile["stackLevel"] == 0
    )
    (schedule,) = profile["chargingSchedule"]
    assert 0 < schedule["duration"] <= DIALECT_TIMING[dialect].validity_s + 5
    period = period_of(told)
    said = period["setpoint" if "setpoint" in period else "limit"]
    if schedule["chargingRateUnit"] == "A":
        phases = summary.supply_phases or ASSUMED_PHASES
        said *= NOMINAL_VOLTAGE_V * phases
        power_w += 0.001 * (1 if power_w > 0 else -1)
    assert abs(said) <= abs(power_w)
    assert said * power_w >= 0
    if dialect is DischargeDialect.NONE:
        assert said >= 0
        assert "setpoint" not in period
    elif dialect in LIMIT_DIALECTS:
        assert "setpoint" not in period
        assert "operationMode" not in period
        assert abs(said - power_w) < 0.1 * NOMINAL_VOLTAGE_V * ASSUMED_PHASES
    else:
        assert not {"limit", "dischargeLimit"} & period.keys()
        assert abs(said - power_w) < 0.1
    assert not [key for key in period if key.endswith(("_L2", "_L3"))]


def test_absolute_schedules_start_before_now_and_end_with_their_validity() -> None:
    profile = request(-3000.0, DischargeDialect.V21_SCHEDULE)["chargingProfile"]
    (schedule,) = profile["chargingSchedule"]
    assert profile["chargingProfileKind"] == "Absolute"
    assert schedule["startSchedule"] == "2026-11-22T17:59:55Z"
    assert schedule["duration"] == 65
    assert profile["validTo"] == "2026-11-22T18:01:00Z"


def test_a_dynamic_profile_has_no_clock_in_it() -> None:
    profile = request(-3000.0, DischargeDialect.V21_DYNAMIC)["chargingProfile"]
    (schedule,) = profile["chargingSchedule"]
    assert profile["chargingProfileKind"] == "Dynamic"
    assert schedule["duration"] == 20
    assert "startSchedule" not in schedule
    assert "validTo" not in profile
    assert "maxOfflineDuration" not in profile, "the station does not know it"


def test_a_single_phase_station_is_told_so() -> None:
    single = ModelSummary(supply_phases=1)
    told = request(-3000.0, DischargeDialect.V21_DYNAMIC, single)
    assert period_of(told)["numberPhases"] == 1
    assert period_of(floor_request(0.0, single))["numberPhases"] == 1


def test_a_station_that_only_knows_amperes_gets_amperes_per_phase() -> None:
    only_a = ModelSummary(rate_units=("A",), supply_phases=3)
    told = request(6900.0, DischargeDialect.NONE, only_a)
    assert period_of(told)["limit"] == 10.0
    (schedule,) = told["chargingProfile"]["chargingSchedule"]
    assert schedule["chargingRateUnit"] == "A"
    floor = floor_request(4140.0, only_a)
    assert period_of(floor)["limit"] == 6.0
    assert period_of(floor_request(4140.0, PLAIN))["limit"] == 4140.0


def test_our_ids_stay_clear_of_those_of_another_controller() -> None:
    assert profile_id(0, PLAIN) == 1000
    assert profile_id(2, PLAIN) == 1002
    assert profile_id(0, ModelSummary(max_external_constraints_id=5000)) == 5001


@given(st.floats(-22_000, 22_000))
def test_rounding_never_raises_a_power(power_w: float) -> None:
    assert abs(wire_power_w(power_w)) <= abs(power_w)
    assert abs(wire_power_w(power_w) - power_w) < 0.1


def test_updates_are_nested_and_legal() -> None:
    told = update_request(1, -4200.04, PLAIN)
    assert told == {"chargingProfileId": 1001, "scheduleUpdate": {"setpoint": -4200.0}}
    book = BOOKS["ocpp2.1"]
    assert book.fault_in_own_request("UpdateDynamicSchedule", told) is None


@given(power_w=st.floats(0, 22_000), summary=summaries)
def test_the_floor_is_legal_endless_and_recognised(
    power_w: float, summary: ModelSummary
) -> None:
    told = floor_request(power_w, summary)
    for protocol, book in BOOKS.items():
        wire = wording_of(protocol).set_profile(told)
        assert book.fault_in_own_request(*wire) is None
    assert told["evseId"] == 0
    assert floor_problem([told["chargingProfile"]], told) is None
    assert period_of(told)["limit"] >= 0


def changed(**changes: Any) -> dict[str, Any]:
    return {**floor_request(0.0, PLAIN)["chargingProfile"], **changes}


def schedule(**changes: Any) -> list[Any]:
    (plain,) = floor_request(0.0, PLAIN)["chargingProfile"]["chargingSchedule"]
    return [{**plain, **changes}]


@pytest.mark.parametrize(
    "profiles",
    [
        [],
        [changed(id=7)],
        [changed(stackLevel=1)],
        [changed(chargingProfilePurpose="TxProfile")],
        [changed(validTo="2026-11-22T18:00:00Z")],
        [changed(chargingSchedule="text")],
        [changed(chargingSchedule=[])],
        [changed(chargingSchedule=["text"])],
        [changed(chargingSchedule=schedule(duration=60))],
        [changed(chargingSchedule=schedule(chargingRateUnit="A"))],
        [changed(chargingSchedule=schedule(chargingSchedulePeriod="text"))],
        [changed(chargingSchedule=schedule(chargingSchedulePeriod=["text"]))],
        [
            changed(
                chargingSchedule=schedule(
                    chargingSchedulePeriod=[{"startPeriod": 0, "limit": 11000.0}]
                )
            )
        ],
        # Someone else's default profile above ours is what would be left.
        [changed(), changed(id=3, stackLevel=4)],
        [changed(id=3, stackLevel=4), changed()],
    ],
)
def test_anything_else_is_not_the_floor(profiles: list[dict[str, Any]]) -> None:
    assert floor_problem(profiles, floor_request(0.0, PLAIN))


@pytest.mark.parametrize(
    ("profiles", "problem"),
    [
        ([], "no profile with id 1000"),
        ([changed(stackLevel=1)], "stackLevel is 1 instead of 0"),
        (
            [changed(chargingProfilePurpose="TxProfile")],
            "chargingProfilePurpose is TxProfile instead of TxDefaultProfile",
        ),
        (
            [changed(), changed(id=3, stackLevel=4)],
            "profile 3 is above it, at stack level 4",
        ),
        ([changed(validTo="x")], "another schedule, or an end"),
    ],
)
def test_what_is_wrong_with_the_floor_is_named(
    profiles: list[dict[str, Any]], problem: str
) -> None:
    assert floor_problem(profiles, floor_request(0.0, PLAIN)) == problem


def test_a_foreign_profile_at_the_bottom_does_not_matter() -> None:
    profiles = [changed(id=3), changed()]
    assert floor_problem(profiles, floor_request(0.0, PLAIN)) is None


@pytest.mark.parametrize(
    ("told", "is_floor"),
    [
        ({"chargingRateUnit": "W", "chargingSchedulePeriod": [{"limit": 1400}]}, True),
        ({"chargingRateUnit": "W", "chargingSchedulePeriod": [{"limit": 1500}]}, False),
        ({"chargingRateUnit": "A", "chargingSchedulePeriod": [{"limit": 2}]}, True),
        ({"chargingRateUnit": "A", "chargingSchedulePeriod": [{"limit": 6}]}, False),
        ({"chargingRateUnit": "W", "chargingSchedulePeriod": [{"limit": None}]}, False),
        ({"chargingRateUnit": "W", "chargingSchedulePeriod": []}, False),
        ({"chargingRateUnit": "W", "chargingSchedulePeriod": ["text"]}, False),
        ({"chargingRateUnit": "W"}, False),
        (None, False),
    ],
)
def test_a_composite_schedule_proves_the_floor(told: object, is_floor: bool) -> None:
    assert is_floor_in_composite(told, 1400.0, PLAIN) is is_floor
