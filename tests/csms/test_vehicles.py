"""Who is plugged in, and what it said it can do."""

import pytest

from custom_components.v2g_vpp.csms.vehicles import (
    VehicleTracker,
    allowed_transfer_modes,
    parse_needs,
)
from custom_components.v2g_vpp.domain.capability import EvCapability


def token(number: str, evcc_id: str | None = None) -> dict[str, object]:
    info = [
        {"type": "Other", "additionalIdToken": "x"},
        {"type": "EVCCID", "additionalIdToken": evcc_id},
    ]
    return {
        "idToken": number,
        "type": "ISO14443",
        "additionalInfo": info if evcc_id else [],
    }


def test_a_token_that_was_authorised_names_the_vehicle_where_it_is_used() -> None:
    vehicles = VehicleTracker()
    assert vehicles.authorised(token("card", "EV1")) == "EV1"
    assert vehicles.seen_at(1, token("card")) == "EV1"
    assert vehicles.seen_at(1, token("card")) is None, "no news"
    assert vehicles.at(1) == "EV1"
    vehicles.unplugged(1)
    assert vehicles.at(1) is None
    assert vehicles.seen_at(1, token("card")) == "EV1"


def test_a_vehicle_that_negotiates_is_the_one_that_was_authorised_last() -> None:
    vehicles = VehicleTracker()
    assert vehicles.negotiating_at(1) is None
    vehicles.authorised(token("card", "EV1"))
    assert vehicles.negotiating_at(1) == "EV1"
    assert vehicles.negotiating_at(1) is None
    assert vehicles.negotiating_at(2) is None, "it cannot be at two places"
    vehicles.authorised(token("card2", "EV2"))
    vehicles.authorised(token("plain"))
    assert vehicles.negotiating_at(2) is None, "the last one named no vehicle"


def test_a_mac_address_is_a_vehicle_id() -> None:
    vehicles = VehicleTracker()
    assert vehicles.authorised({"idToken": "AA:BB", "type": "MacAddress"}) == "AA:BB"
    assert vehicles.authorised({"idToken": "", "type": "MacAddress"}) is None


def test_only_the_last_tokens_are_remembered() -> None:
    vehicles = VehicleTracker()
    for number in range(30):
        vehicles.authorised(token(f"card{number}", f"EV{number}"))
    assert vehicles.seen_at(1, token("card0")) is None
    assert vehicles.seen_at(1, token("card29")) == "EV29"


@pytest.mark.parametrize(
    ("supported", "may_discharge", "modes"),
    [
        (("AC_three_phase", "AC_BPT"), True, ["AC_three_phase", "AC_BPT"]),
        (("AC_three_phase", "AC_BPT"), False, ["AC_three_phase"]),
        (("DC", "DC_BPT", "DC_ACDP_BPT"), False, ["DC"]),
        ((), False, []),
        (
            (),
            True,
            [
                "AC_single_phase",
                "AC_two_phase",
                "AC_three_phase",
                "DC",
                "AC_BPT",
                "DC_BPT",
            ],
        ),
    ],
)
def test_discharge_is_offered_to_allowed_vehicles_only(
    supported: tuple[str, ...], may_discharge: bool, modes: list[str]
) -> None:
    assert allowed_transfer_modes(supported, may_discharge=may_discharge) == modes


def test_needs_of_a_vehicle_that_could_but_does_not_discharge() -> None:
    needs = parse_needs(
        {
            "requestedEnergyTransfer": "AC_three_phase",
            "availableEnergyTransfer": ["AC_three_phase", "AC_BPT"],
        },
        "ocpp2.1",
    )
    assert needs == EvCapability(is_bidirectional=False, can_be_bidirectional=True)


def test_needs_of_a_vehicle_below_its_own_window() -> None:
    needs = parse_needs(
        {
            "requestedEnergyTransfer": "DC_BPT",
            "v2xChargingParameters": {
                "maxChargePower": 11000,
                "maxDischargePower": -1,
                "minDischargePower": 1400,
                "evMinV2XEnergyRequest": 500,
            },
        },
        "ocpp2.1",
    )
    assert needs == EvCapability(
        is_bidirectional=True,
        can_be_bidirectional=True,
        max_charge_power_w=11000.0,
        max_discharge_power_w=None,
        min_discharge_power_w=1400.0,
        is_below_v2x_window=True,
        v2x_floor_wh=500.0,
    )


def test_2_0_1_has_no_word_for_a_vehicle_that_gives_power() -> None:
    plain = {"requestedEnergyTransfer": "AC_three_phase"}
    assert not parse_needs(plain, "ocpp2.0.1").is_direction_told
    assert parse_needs(plain, "ocpp2.1").is_direction_told
    # A station that uses the words of 2.1 there does tell it.
    for told in (
        {"requestedEnergyTransfer": "AC_BPT"},
        {**plain, "availableEnergyTransfer": ["AC_three_phase"]},
    ):
        assert parse_needs(told, "ocpp2.0.1").is_direction_told
