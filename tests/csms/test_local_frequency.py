"""A curve that may discharge is never sent while anything is in doubt."""

from datetime import timedelta
from math import nan
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.frequency_response import FrequencyPoint
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.setpoint import SetpointWrite, WriteStatus
from tests.csms.charger import INVENTORY
from tests.csms.peer import EVSE1, STATION, Dialler, Rig
from tests.csms.plays_frequency import (
    OFFERED,
    SIGNAL,
    curve,
    curves_sent,
    following,
    with_signals,
)


def points(*told: tuple[float, float]) -> tuple[FrequencyPoint, ...]:
    return tuple(FrequencyPoint(frequency_hz=f, power_w=p) for f, p in told)


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"by_frequency": points((50.0, 0.0))}, "bad_curve"),
        ({"by_frequency": points((50.1, 0.0), (50.0, 1.0))}, "bad_curve"),
        ({"by_frequency": points((40.0, 0.0), (50.0, 1.0))}, "bad_curve"),
        ({"by_frequency": points((nan, 0.0), (50.0, 1.0))}, "bad_curve"),
        ({"baseline_w": nan}, "bad_curve"),
        ({"baseline_w": -1.0}, "beyond_limits"),
        ({"baseline_w": 1500.0}, "beyond_limits"),
        ({"transaction_id": TransactionId("other")}, "no_transaction"),
    ],
)
async def test_a_curve_of_another_kind_is_not_sent(
    rig: Rig, dialler: Dialler, changes: dict[str, Any], detail: str
) -> None:
    charger = await following(rig, dialler)
    answer = await rig.server.follow_frequency(curve(rig, **changes))
    assert (answer.status, answer.detail) == (WriteStatus.REJECTED, detail)
    assert curves_sent(charger) == []


async def test_a_signal_counts_for_the_limits(rig: Rig, dialler: Dialler) -> None:
    charger = await following(rig, dialler)
    answer = await rig.server.follow_frequency(with_signals(rig, -5001.0))
    assert answer.detail == "beyond_limits"
    assert (await rig.server.follow_frequency(with_signals(rig, -5000.0))).is_accepted
    (profile,) = curves_sent(charger)
    (period,) = profile["chargingSchedule"][0]["chargingSchedulePeriod"]
    assert period["v2xSignalWattCurve"] == [{"signal": -1, "power": -5000.0}]


async def test_a_station_without_the_mode_hears_nothing(
    rig: Rig, dialler: Dialler
) -> None:
    charger = await following(rig, dialler, INVENTORY)
    for answer in (
        await rig.server.follow_frequency(curve(rig)),
        await rig.server.send_signal(STATION, SIGNAL),
    ):
        assert answer.detail == "local_frequency_not_offered"
    assert curves_sent(charger) + charger.peer.payloads("AFRRSignal") == []


async def test_without_an_end_on_a_lost_link_there_is_none(
    rig: Rig, dialler: Dialler
) -> None:
    inventory = tuple(
        entry
        for entry in OFFERED
        if entry["variable"]["name"] != "SupportsMaxOfflineDuration"
    )
    charger = await following(rig, dialler, inventory)
    answer = await rig.server.follow_frequency(curve(rig))
    assert answer.detail == "no_offline_limit"
    assert curves_sent(charger) == []


async def test_a_vehicle_that_may_not_discharge_gets_none(
    rig: Rig, dialler: Dialler
) -> None:
    charger = await following(rig, dialler)
    rig.authority.allowed = set()
    answer = await rig.server.follow_frequency(curve(rig))
    assert answer.detail == "vehicle_not_allowed"
    assert curves_sent(charger) == []


async def test_a_clock_that_is_wrong_ends_nothing_in_time(
    rig: Rig, dialler: Dialler
) -> None:
    charger = await following(rig, dialler, clock_offset=timedelta(minutes=-10))
    answer = await rig.server.follow_frequency(curve(rig))
    assert answer.detail == "station_clock"
    assert curves_sent(charger) == []


async def test_an_old_decision_is_not_carried_out(rig: Rig, dialler: Dialler) -> None:
    charger = await following(rig, dialler)
    late = curve(rig, decided_mono_s=rig.clock.monotonic() - 3.0)
    assert (await rig.server.follow_frequency(late)).status is WriteStatus.STALE
    assert curves_sent(charger) == []


@pytest.mark.parametrize("power_w", [0.0, -2000.0])
async def test_a_setpoint_takes_the_place_of_a_curve(
    rig: Rig, dialler: Dialler, power_w: float
) -> None:
    charger = await following(rig, dialler)

    def setpoint() -> SetpointWrite:
        return SetpointWrite(
            key=EVSE1,
            power_w=power_w,
            transaction_id=TransactionId("t1"),
            decided_mono_s=rig.clock.monotonic(),
        )

    assert (await rig.server.write_setpoint(setpoint())).is_accepted
    assert (await rig.server.follow_frequency(curve(rig))).is_accepted
    assert (await rig.server.write_setpoint(setpoint())).is_accepted
    # Not an update of the profile that has the curve.
    assert charger.peer.payloads("UpdateDynamicSchedule") == []
    last = charger.peer.payloads("SetChargingProfile")[-1]["chargingProfile"]
    assert last["chargingProfileKind"] == "Dynamic"


async def test_a_curve_arms_the_link_even_while_it_is_not_answered(
    rig: Rig, dialler: Dialler
) -> None:
    charger = await following(rig, dialler)
    station = rig.server._stations[STATION]
    assert station.writer is not None
    station.writer.forget_transaction(TransactionId("t1"))
    assert station.link is not None
    assert not station.link.engine._is_armed
    charger.peer.responders["SetChargingProfile"] = lambda _: "InternalError"
    assert not (await rig.server.follow_frequency(curve(rig))).is_accepted
    assert station.link.engine._is_armed, "it may have taken it"
