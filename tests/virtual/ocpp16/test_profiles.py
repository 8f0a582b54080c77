"""Profiles of 1.6, those of two connectors among them."""

from typing import Any

import pytest

from custom_components.v2g_vpp.virtual.conditions import Condition
from custom_components.v2g_vpp.virtual.config import EvseConfig, Fault, Protocol
from custom_components.v2g_vpp.virtual.plant import IDEAL
from tests.virtual.fake_clock import until

from .rig import NUMBER, Rig16, default, profile

# Profiles


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, "Accepted"),
        ({"transactionId": 7}, "Rejected"),
        ({"connector_id": 0}, "Rejected"),
        ({"connector_id": 2}, "Rejected"),
        ({"stackLevel": 99}, "Rejected"),
    ],
)
async def test_which_profiles_it_takes(
    rig: Rig16, change: dict[str, Any], status: str
) -> None:
    await rig.begin()
    await rig.plug_16()
    answer = await rig.csms.call("SetChargingProfile", profile(2_000.0, **change))
    assert answer == {"status": status}
    await rig.clock.advance(5)
    assert rig.true_w == (2_000.0 if status == "Accepted" else 11_000.0)


async def test_amperes_are_per_phase(rig: Rig16) -> None:
    await rig.begin()
    await rig.plug_16()
    await rig.csms.call("SetChargingProfile", profile(-10.0, unit="A"))
    await rig.clock.advance(5)
    assert rig.true_w == pytest.approx(-6_900.0)


async def test_a_plain_station_refuses_a_limit_below_0(rig: Rig16) -> None:
    await rig.start(protocols=(Protocol.OCPP_1_6,))
    await rig.plug_16()
    answer = await rig.csms.call("SetChargingProfile", profile(-5_000.0))
    assert answer == {"status": "Rejected"}


async def test_the_default_is_left_when_a_profile_is_cleared(rig: Rig16) -> None:
    await rig.begin()
    await rig.csms.call("SetChargingProfile", default(0.0))
    await rig.plug_16()
    await rig.csms.call("SetChargingProfile", profile(-5_000.0))
    # The same purpose and stack level: it comes in place of the first.
    await rig.csms.call("SetChargingProfile", profile(-2_000.0, chargingProfileId=6))
    await rig.clock.advance(5)
    assert rig.true_w == -2_000.0
    composite = await rig.csms.call(
        "GetCompositeSchedule",
        {"connectorId": 1, "duration": 60, "chargingRateUnit": "W"},
    )
    (period,) = composite["chargingSchedule"]["chargingSchedulePeriod"]
    assert period["limit"] == -2_000.0
    answer = await rig.csms.call("ClearChargingProfile", {"id": 5})
    assert answer == {"status": "Unknown"}
    answer = await rig.csms.call("ClearChargingProfile", {"id": 6})
    assert answer == {"status": "Accepted"}
    await rig.clock.advance(5)
    assert rig.true_w == 0.0
    answer = await rig.csms.call("ClearChargingProfile", {})
    assert answer == {"status": "Accepted"}
    await rig.clock.advance(5)
    assert rig.true_w == 11_000.0


@pytest.mark.parametrize(
    ("fault", "limit", "status"),
    [
        (Fault.REFUSE_ZERO, 0.0, "Rejected"),
        (Fault.REFUSE_ZERO, -1_500.0, "Accepted"),
        (Fault.REFUSE_SMALL, -1_000.0, "Rejected"),
        (Fault.REFUSE_SMALL, -1_400.0, "Accepted"),
        (Fault.REFUSE_SMALL, 0.0, "Accepted"),
    ],
)
async def test_quirks_refuse_a_power_but_never_the_default(
    rig: Rig16, fault: Fault, limit: float, status: str
) -> None:
    await rig.begin()
    rig.station.set_fault(fault, is_on=True)
    answer = await rig.csms.call("SetChargingProfile", default(0.0))
    assert answer == {"status": "Accepted"}
    await rig.plug_16()
    answer = await rig.csms.call("SetChargingProfile", profile(limit))
    assert answer == {"status": status}


# Two connectors


async def test_each_connector_has_its_transaction_profile_and_status(
    rig: Rig16,
) -> None:
    await rig.begin(more_evses=(EvseConfig(plant=IDEAL),))
    await rig.plug_16(1)
    await rig.plug_16(2)
    await until(lambda: len(rig.csms.calls("StartTransaction")) == 2, "two starts")
    starts = [start["connectorId"] for start in rig.csms.calls("StartTransaction")]
    assert starts == [1, 2]
    for connector_id, limit in ((1, -5_000.0), (2, -2_000.0)):
        number = NUMBER - 1 + connector_id
        answer = await rig.csms.call(
            "SetChargingProfile",
            profile(
                limit,
                connector_id=connector_id,
                transactionId=number,
                chargingProfileId=number,
            ),
        )
        assert answer == {"status": "Accepted"}
    # A transaction of the other connector is none here.
    answer = await rig.csms.call(
        "SetChargingProfile", profile(1_000.0, connector_id=2, transactionId=NUMBER)
    )
    assert answer == {"status": "Rejected"}
    await rig.clock.advance(5)
    powers = [rig.station.status(n).true_power_w for n in (1, 2)]
    assert powers == [-5_000.0, -2_000.0]
    rig.station.set_condition(Condition.OVER_CURRENT, is_on=True, evse_id=2)
    await rig.told("Faulted", "OverCurrentFailure", 2)
    await rig.clock.advance(1)
    powers = [rig.station.status(n).true_power_w for n in (1, 2)]
    assert powers == [-5_000.0, 0.0]
    assert all(error == "NoError" for _, error in rig.statuses(1))
    stop = await rig.csms.came("StopTransaction")
    assert stop["transactionId"] == NUMBER + 1
    for connector_id, status in ((1, "Occupied"), (2, "Faulted"), (3, "Rejected")):
        answer = await rig.csms.call(
            "ReserveNow",
            {
                "connectorId": connector_id,
                "expiryDate": "2027-01-01T00:00:00Z",
                "idTag": "A",
                "reservationId": 1,
            },
        )
        assert answer == {"status": status}


async def test_a_cap_of_the_station_is_shared(rig: Rig16) -> None:
    await rig.begin(more_evses=(EvseConfig(plant=IDEAL),))
    cap = profile(
        8_000.0,
        connector_id=0,
        chargingProfilePurpose="ChargePointMaxProfile",
        chargingProfileKind="Absolute",
        transactionId=None,
    )
    cap["csChargingProfiles"]["chargingSchedule"]["startSchedule"] = (
        "2026-11-01T00:00:00Z"
    )
    answer = await rig.csms.call("SetChargingProfile", cap)
    assert answer == {"status": "Accepted"}
    await rig.plug_16(1)
    await rig.clock.advance(5)
    assert rig.station.status(1).true_power_w == 8_000.0
    await rig.plug_16(2)
    await rig.clock.advance(5)
    powers = [rig.station.status(n).true_power_w for n in (1, 2)]
    assert powers == [4_000.0, 4_000.0]


async def test_a_default_of_one_connector_is_none_of_the_other(rig: Rig16) -> None:
    await rig.begin(more_evses=(EvseConfig(plant=IDEAL),))
    wire = default(3_000.0)
    answer = await rig.csms.call("SetChargingProfile", {**wire, "connectorId": 2})
    assert answer == {"status": "Accepted"}
    await rig.plug_16(1)
    await rig.plug_16(2)
    await rig.clock.advance(5)
    powers = [rig.station.status(n).true_power_w for n in (1, 2)]
    assert powers == [11_000.0, 3_000.0]
    # Of the whole station it is for each of them.
    other = default(2_000.0)
    other["csChargingProfiles"] |= {"chargingProfileId": 2, "stackLevel": 1}
    answer = await rig.csms.call("SetChargingProfile", other)
    assert answer == {"status": "Accepted"}
    await rig.clock.advance(5)
    powers = [rig.station.status(n).true_power_w for n in (1, 2)]
    assert powers == [2_000.0, 2_000.0]
