"""Profiles that are in the way are named, with their stack level or purpose."""

from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.csms.charging_profile import (
    FIRST_PROFILE_ID,
    floor_request,
)
from custom_components.v2g_vpp.csms.device_model import ModelSummary
from custom_components.v2g_vpp.csms.profile_check import Finding, find_problems
from custom_components.v2g_vpp.domain.requests import CheckProfiles
from custom_components.v2g_vpp.domain.setpoint import WriteStatus
from tests.csms.charge_point import ChargePoint
from tests.csms.charger import Charger
from tests.csms.peer import STATION, Dialler, Payload, Rig

SUMMARY = ModelSummary(evse_ids=(1, 2), profile_stack_level=20, supply_phases=3)
FLOOR = floor_request(0.0, SUMMARY)
HELD_FLOOR = {**FLOOR["chargingProfile"], "evseId": 0}
RATING_W = 11_000.0


def profile(
    number: int = 7,
    *,
    purpose: str = "TxProfile",
    level: int = 1,
    unit: str = "W",
    **period: Any,
) -> Payload:
    return {
        "id": number,
        "evseId": 1,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [
            {
                "id": 1,
                "chargingRateUnit": unit,
                "chargingSchedulePeriod": [{"startPeriod": 0, **period}],
            }
        ],
    }


def found(*profiles: Payload, floor: bool = True) -> list[tuple[Finding, int | None]]:
    held = (HELD_FLOOR, *profiles) if floor else profiles
    return [
        (problem.finding, problem.profile_id)
        for problem in find_problems(held, SUMMARY, FLOOR, RATING_W)
    ]


@pytest.mark.parametrize(
    ("held", "findings"),
    [
        (profile(limit=6000), []),
        (profile(level=9, limit=6000), []),
        (profile(level=10, limit=6000), [(Finding.STACK_LEVEL, 7)]),
        (profile(level=21, limit=6000), 2 * [(Finding.STACK_LEVEL, 7)]),
        (profile(limit=-1000), [(Finding.FOREIGN_DISCHARGE, 7)]),
        (profile(setpoint=-1000), [(Finding.FOREIGN_DISCHARGE, 7)]),
        (profile(purpose="ChargingStationMaxProfile", limit=11000), []),
        (profile(purpose="ChargingStationMaxProfile", limit=0), [(Finding.CAP, 7)]),
        (
            profile(purpose="ChargingStationExternalConstraints", unit="A", limit=10),
            [(Finding.CAP, 7)],
        ),
        (
            profile(purpose="ChargingStationExternalConstraints", unit="A", limit=16),
            [],
        ),
        (profile(FIRST_PROFILE_ID + 1, level=10, setpoint=-3000), []),
        (
            profile(FIRST_PROFILE_ID + 1, purpose="TxDefaultProfile", limit=0, level=0),
            [(Finding.PURPOSE, FIRST_PROFILE_ID + 1)],
        ),
        (
            profile(purpose="TxDefaultProfile", level=3, limit=9000),
            [(Finding.FLOOR, FIRST_PROFILE_ID)],
        ),
    ],
)
def test_what_is_in_the_way_is_named(
    held: Payload, findings: list[tuple[Finding, int | None]]
) -> None:
    assert found(held) == findings


def test_a_missing_floor_is_named() -> None:
    assert found(floor=False) == [(Finding.FLOOR, FIRST_PROFILE_ID)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
    ),
    max_leaves=8,
)
BROKEN = st.dictionaries(
    st.sampled_from(["id", "chargingSchedule", "chargingProfilePurpose", "evseId"]),
    JSON,
)


@given(st.lists(BROKEN, max_size=4))
def test_a_broken_profile_breaks_nothing(profiles: list[Payload]) -> None:
    find_problems(profiles, SUMMARY, FLOOR, RATING_W)


async def test_the_profiles_of_a_station_are_read_and_judged(
    rig: Rig, dialler: Dialler
) -> None:
    charger = Charger(await dialler.dial())
    await charger.boot()
    await charger.ready(rig.sink)
    charger.profiles[7] = profile(level=12, limit=4000)
    charger.profiles[7].pop("evseId")
    answer = await rig.server.ask(STATION, CheckProfiles())
    assert answer.result.is_accepted
    told = {item["id"]: item for item in answer.data["profiles"]}
    assert told[FIRST_PROFILE_ID]["is_ours"]
    assert not told[7]["is_ours"]
    assert told[7]["evse"] == 0
    assert answer.data["findings"] == [
        {
            "finding": "stack_level",
            "profile_id": 7,
            "detail": "level 12, ours stands at 10",
        }
    ]
    charger.peer.responders["GetChargingProfiles"] = lambda _: "NotSupported"
    refused = await rig.server.ask(STATION, CheckProfiles())
    assert refused.result.status is WriteStatus.REJECTED


async def test_a_charge_point_tells_its_plan_alone(rig: Rig, dialler: Dialler) -> None:
    point = ChargePoint(await dialler.dial(("ocpp1.6",)))
    await point.boot()
    await point.ready(rig.sink)
    answer = await rig.server.ask(STATION, CheckProfiles())
    assert answer.result.is_accepted
    assert answer.data["profiles"] is None
    assert answer.data["schedule_w"] == {"1": 0.0}
