"""Vehicles and the home battery stay out of each other, unless the owner says so."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from custom_components.v2g_vpp.control.inputs import EvseDecision, EvseInputs
from custom_components.v2g_vpp.domain.ids import EvseKey
from custom_components.v2g_vpp.domain.policy import Claim, Departure, Mode
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.domain.site_meters import SiteWiring
from tests.control.given import KEY, NOW, READY, order, override, with_policy
from tests.control.metered_home import LONG_S, Home, about, one

DISCHARGING = [
    pytest.param(replace(READY, override=override(-5_000.0)), id="user"),
    pytest.param(replace(READY, order=order(-5_000.0)), id="dispatch"),
    pytest.param(with_policy(READY, mode=Mode.DISCHARGE_NOW), id="mode"),
]


@pytest.mark.parametrize("evse", DISCHARGING)
def test_only_its_owner_fills_the_home_battery_from_the_vehicle(
    evse: EvseInputs,
) -> None:
    evse = replace(evse, override=evse.override and override(-5_000.0, ends_mono_s=9e9))
    is_by_owner = evse.override is not None
    # The house needs 2 kW; whatever else there is, the battery takes.
    decision = one(_beside_battery(evse, SiteWiring()))
    if is_by_owner:
        assert decision.setpoint.power_w == about(-5_000.0)
    else:
        assert decision.setpoint.power_w == about(-2_000.0)
        assert decision.setpoint.reason is Reason.HOME_BATTERY
        assert decision.available_discharge_w == about(2_000.0)
    for free in (
        _beside_battery(evse, SiteWiring(may_charge_battery=True)),
        _beside_battery(evse, SiteWiring(), battery_soc=100.0),
    ):
        assert one(free).setpoint.power_w < -4_000.0


CHARGING = with_policy(READY, mode=Mode.PLAN)


@pytest.mark.parametrize(
    ("evse", "is_by_owner"),
    [
        pytest.param(replace(CHARGING, plan_w=5_000.0), False, id="a plan"),
        pytest.param(
            replace(CHARGING, order=order(5_000.0, ends_mono_s=9e9)),
            False,
            id="dispatch",
        ),
        pytest.param(
            with_policy(
                replace(READY, order=order(5_000.0, ends_mono_s=9e9)),
                mode=Mode.CHARGE_NOW,
            ),
            False,
            id="a dispatch over charge now",
        ),
        pytest.param(
            replace(
                CHARGING,
                claim=Claim(key=KEY, holder="tariff", power_w=5_000.0, ends_mono_s=9e9),
            ),
            False,
            id="an automation",
        ),
        pytest.param(
            replace(CHARGING, override=override(5_000.0, ends_mono_s=9e9)),
            True,
            id="a power by hand",
        ),
        pytest.param(with_policy(READY, mode=Mode.CHARGE_NOW), True, id="charge now"),
        pytest.param(
            replace(
                CHARGING,
                departures=(Departure(target_percent=90.0, due_mono_s=NOW + 3_600.0),),
            ),
            True,
            id="a trip that is due",
        ),
    ],
)
def test_only_its_owner_charges_out_of_the_home_battery(
    evse: EvseInputs, is_by_owner: bool
) -> None:
    # The battery serves 2 kW of load and whatever else there is.
    decision = one(_beside_battery(evse, SiteWiring()))
    if is_by_owner:
        assert decision.setpoint.power_w > 4_900.0
        return
    assert decision.setpoint.power_w == 0.0
    assert decision.setpoint.reason is Reason.FROM_HOME_BATTERY
    assert decision.available_charge_w == 0.0
    allowed = SiteWiring(may_charge_from_battery=True)
    assert one(_beside_battery(evse, allowed)).setpoint.power_w > 4_900.0
    # It is empty: what the home takes comes from the grid.
    empty = Home(evse).run(grid=2_000.0, battery=0.0)
    assert one(empty).setpoint.power_w > 4_900.0
    # The sun gives 6 kW, of which the battery takes what the car leaves.
    home, decisions = Home(evse), {}
    for _ in range(LONG_S):
        taken_w = 6_000.0 - home.powers_w[KEY]
        decisions = dict(home.run(1, grid=taken_w - 6_000.0, battery=taken_w))
    assert one(decisions).setpoint.power_w > 4_900.0


def _beside_battery(
    evse: EvseInputs, wiring: SiteWiring, **more_w: float
) -> Mapping[EvseKey, EvseDecision]:
    """Return what is decided beside 2 kW of load and a battery that holds the meter."""
    home, decisions = Home(evse, wiring=wiring), {}
    for _ in range(LONG_S):
        battery_w = -2_000.0 - home.powers_w[KEY]
        if "battery_soc" in more_w:
            # It is full.
            battery_w = min(0.0, battery_w)
        # The load beside the EVSE is the house and what the battery does.
        decisions = dict(
            home.run(1, grid=2_000.0 + battery_w, battery=battery_w, **more_w)
        )
    return decisions


def test_no_contactor_is_spared_out_of_the_home_battery() -> None:
    evse = replace(with_policy(READY, mode=Mode.SELF_CONSUMPTION), opens_at_zero=True)
    home, decisions = Home(evse, wiring=SiteWiring()), {}
    # The sun gives 8 kW, of which the battery takes 2 kW at most.
    for _ in range(2 * LONG_S):
        decisions = dict(home.run(1, grid=-6_000.0, battery=2_000.0))
    assert one(decisions).setpoint.power_w > 4_000.0
    # A cloud: the battery serves the house and whatever else there is.
    told_w = []
    for _ in range(40):
        battery_w = -1_000.0 - home.powers_w[KEY]
        decisions = dict(home.run(1, grid=1_000.0 + battery_w, battery=battery_w))
        told_w.append(one(decisions).setpoint.power_w)
    assert told_w[15:] == [0.0] * 25, told_w


def test_no_contactor_is_spared_into_the_home_battery() -> None:
    evse = replace(with_policy(READY, mode=Mode.SELF_CONSUMPTION), opens_at_zero=True)
    home, decisions = Home(evse, wiring=SiteWiring()), {}
    # The house needs 6 kW, of which the battery gives 2 kW at most.
    for _ in range(2 * LONG_S):
        decisions = dict(home.run(1, grid=4_000.0, battery=-2_000.0))
    assert one(decisions).setpoint.power_w < -3_000.0
    told_w = []
    for _ in range(40):
        # The load is gone: what the vehicle gives goes into the battery.
        battery_w = -500.0 - home.powers_w[KEY]
        decisions = dict(home.run(1, grid=500.0 + battery_w, battery=battery_w))
        told_w.append(one(decisions).setpoint.power_w)
    assert told_w[15:] == [0.0] * 25, told_w
