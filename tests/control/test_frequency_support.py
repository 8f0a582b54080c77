"""Orders that follow the frequency, through the coordinator."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.droop import OUTPUT_BAND_W, support_power_w
from custom_components.v2g_vpp.control.grid import GridState, GridVerdict
from custom_components.v2g_vpp.control.inputs import EvseInputs, SiteInputs
from custom_components.v2g_vpp.domain.dispatch import CommandKind, DispatchOrder
from custom_components.v2g_vpp.domain.frequency_response import (
    FrequencyResponse,
    SupportRefusal,
)
from custom_components.v2g_vpp.domain.grid_profile import EN50549_50HZ
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason, Setpoint
from tests.control.given import (
    KEY,
    NOW,
    READY,
    VEHICLE_POLICY,
    at,
    order,
    override,
    reading,
    with_key,
)
from tests.control.responses import CURVE, DROOP, droop_of

SITE = SiteInputs(grid_profile=EN50549_50HZ)
BUDGET = replace(VEHICLE_POLICY, cycle_budget_percent=100.0)


def following(
    response: FrequencyResponse = DROOP, resource: EvseKey | None = KEY
) -> DispatchOrder:
    """Return an order that follows the frequency for an hour."""
    return replace(
        order(0.0, kind=CommandKind.DROOP, resource=resource), response=response
    )


def heard(evse: EvseInputs, frequency_hz: float, now_s: float) -> EvseInputs:
    """Return the EVSE with fresh readings."""
    fresh = at(evse, now_s, 0.0, 70.0)
    return replace(fresh, frequency_hz=reading(frequency_hz, now_s))


ABLE = replace(READY, order=following(), support_refusal=None, vehicle_policy=BUDGET)


class Run:
    """A coordinator, second by second."""

    def __init__(self, *evses: EvseInputs, site: SiteInputs = SITE) -> None:
        self.coordinator = DischargeCoordinator()
        self.evses, self.site, self.now_s = evses, site, NOW

    def seconds(self, count: int, frequency_hz: float) -> list[Setpoint]:
        """Go on at a frequency; return the last setpoints."""
        setpoints: list[Setpoint] = []
        for _ in range(count):
            evses = [heard(evse, frequency_hz, self.now_s) for evse in self.evses]
            setpoints = self.step(evses)
        return setpoints

    def step(self, evses: list[EvseInputs]) -> list[Setpoint]:
        """Take one step with these inputs."""
        decisions = self.coordinator.step(evses, self.site, self.now_s)
        self.now_s += 1.0
        return [decision.setpoint for decision in decisions.values()]


def test_a_low_frequency_discharges_and_a_high_one_charges() -> None:
    run = Run(ABLE)
    (low,) = run.seconds(20, 49.9)
    assert low.requested_w == pytest.approx(
        support_power_w(DROOP, 49.9), abs=OUTPUT_BAND_W
    )
    assert low.owner is ControlOwner.VPP
    assert low.power_w < -4_000.0
    (high,) = run.seconds(20, 50.1)
    assert high.power_w > 4_000.0
    (idle,) = run.seconds(1, 50.0)
    assert (idle.power_w, idle.reason) == (0.0, Reason.AS_REQUESTED)


def test_a_curve_is_followed_within_the_limits_of_the_charger() -> None:
    steep = replace(DROOP, power_w_per_hz=1e6)
    (setpoint,) = Run(replace(ABLE, order=following(steep))).seconds(30, 49.5)
    assert setpoint.power_w == pytest.approx(-11_000.0)
    (setpoint,) = Run(replace(ABLE, order=following(CURVE))).seconds(30, 49.9)
    assert setpoint.requested_w == pytest.approx(-4_736.8, abs=OUTPUT_BAND_W)


def test_what_is_asked_for_no_more_is_gone_without_a_ramp() -> None:
    slow = replace(ABLE, policy=replace(ABLE.policy, ramp_w_per_s=200.0))
    run = Run(slow)
    run.seconds(90, 49.8)
    (before,) = run.seconds(1, 49.8)
    assert before.power_w == pytest.approx(-10_000.0, abs=1_200.0)
    (after,) = run.seconds(1, 49.95)
    wanted_w = support_power_w(DROOP, 49.95)
    assert wanted_w - OUTPUT_BAND_W - 1_000.0 <= after.power_w < 0


def test_a_silent_frequency_is_0_w_with_its_reason_and_comes_back() -> None:
    run = Run(ABLE)
    run.seconds(20, 49.8)
    last = reading(49.8, run.now_s - 1.0)
    setpoints = [
        run.step([replace(at(ABLE, run.now_s, 0.0, 70.0), frequency_hz=last)])[0]
        for _ in range(8)
    ]
    assert setpoints[0].power_w < 0
    assert (setpoints[-1].power_w, setpoints[-1].reason) == (
        0.0,
        Reason.FREQUENCY_STALE,
    )
    (back,) = run.seconds(10, 49.8)
    assert back.power_w < -5_000.0


def test_what_cannot_follow_is_asked_for_nothing() -> None:
    slow = replace(ABLE, support_refusal=SupportRefusal.TOO_SLOW)
    (setpoint,) = Run(slow).seconds(10, 49.8)
    assert (setpoint.power_w, setpoint.reason) == (0.0, Reason.FREQUENCY_UNFIT)


@pytest.mark.parametrize("frequency_hz", [46.9, 63.1, float("nan")])
def test_an_implausible_frequency_asks_for_nothing(frequency_hz: float) -> None:
    (setpoint,) = Run(ABLE).seconds(10, frequency_hz)
    assert (setpoint.power_w, setpoint.reason) == (0.0, Reason.FREQUENCY_STALE)


def test_several_share_one_power_and_leave_out_who_cannot_follow() -> None:
    for_home = replace(ABLE, order=following(resource=None))
    keys = [EvseKey(StationId("CS1"), number) for number in (1, 2, 3)]
    slow, one, two = (with_key(for_home, key) for key in keys)
    slow = replace(slow, support_refusal=SupportRefusal.TOO_SLOW)
    setpoints = Run(slow, one, two).seconds(30, 49.75)
    powers_w = [setpoint.power_w for setpoint in setpoints]
    assert powers_w[0] == 0.0
    assert setpoints[0].reason is Reason.FREQUENCY_UNFIT
    asked_w = sum(setpoint.requested_w for setpoint in setpoints)
    assert asked_w == pytest.approx(support_power_w(DROOP, 49.75), abs=OUTPUT_BAND_W)
    assert all(power_w < 0 for power_w in powers_w[1:])


def test_energy_must_last_a_quarter_of_an_hour_not_the_whole_order() -> None:
    for_home = replace(ABLE, order=following(resource=None))
    pair = [with_key(for_home, EvseKey(StationId("CS1"), n)) for n in (1, 2)]
    # 70 % less the floor of 50 % of 60 kWh: 12 kWh, which is 3 kW for four hours.
    setpoints = Run(*pair).seconds(30, 49.8)
    assert min(setpoint.power_w for setpoint in setpoints) < -9_000.0


@pytest.mark.parametrize(
    ("site", "changes", "reason"),
    [
        (replace(SITE, is_failsafe=True), {}, Reason.FAILSAFE),
        (
            replace(SITE, export_limit_w=0.0),
            {},
            Reason.EXPORT_LIMIT,
        ),
        (SITE, {"cycled_wh": 60_000.0}, Reason.CYCLE_BUDGET),
    ],
)
def test_what_binds_a_setpoint_binds_what_follows_the_frequency(
    site: SiteInputs, changes: dict[str, float], reason: Reason
) -> None:
    evse = replace(ABLE, **changes)  # type: ignore[arg-type]  # any field
    (setpoint,) = Run(evse, site=site).seconds(20, 49.8)
    assert (setpoint.power_w, setpoint.reason) == (0.0, reason)


def test_the_user_goes_first_and_the_frequency_is_followed_again_after() -> None:
    run = Run(ABLE)
    run.seconds(20, 49.8)
    held = [replace(heard(ABLE, 49.8, run.now_s), override=override(0.0))]
    (setpoint,) = run.step(held)
    assert (setpoint.owner, setpoint.power_w) == (ControlOwner.USER, 0.0)
    (after,) = run.seconds(10, 49.8)
    assert after.power_w < 0


def test_a_rehearsal_leaves_no_trace() -> None:
    run, twin = Run(ABLE), Run(ABLE)
    run.seconds(3, 49.8)
    twin.seconds(3, 49.8)
    for _ in range(5):
        run.coordinator.rehearse([heard(ABLE, 50.2, run.now_s)], SITE, run.now_s)
    assert run.seconds(1, 49.8) == twin.seconds(1, 49.8)


RESTING = replace(
    ABLE,
    order=None,
    is_supporting=True,
    policy=replace(ABLE.policy, mode=Mode.OFF),
)


def test_what_rests_follows_the_droop_of_the_region_where_it_is_wanted() -> None:
    run = Run(RESTING)
    (low,) = run.seconds(20, 49.2)
    wanted_w = support_power_w(droop_of(EN50549_50HZ, 11_000.0), 49.2)
    assert low.owner is ControlOwner.GRID
    assert low.requested_w == pytest.approx(wanted_w, abs=OUTPUT_BAND_W)
    assert low.power_w < -2_000.0
    (high,) = run.seconds(20, 50.8)
    assert high.power_w > 2_000.0
    (idle,) = run.seconds(1, 50.0)
    assert (idle.power_w, idle.owner) == (0.0, ControlOwner.GRID)


@pytest.mark.parametrize(
    ("evse", "site"),
    [
        (replace(RESTING, is_supporting=False), SITE),
        (replace(RESTING, support_refusal=SupportRefusal.TOO_SLOW), SITE),
        (RESTING, SiteInputs()),
    ],
    ids=["not wanted", "refused", "no region"],
)
def test_else_it_rests(evse: EvseInputs, site: SiteInputs) -> None:
    (setpoint,) = Run(evse, site=site).seconds(20, 49.2)
    assert (setpoint.power_w, setpoint.reason) == (0.0, Reason.MODE_OFF)


@pytest.mark.parametrize(
    ("evse", "reason"),
    [
        (RESTING, None),
        (ABLE, None),
        (replace(ABLE, order=order(-3_000.0)), Reason.GRID_FREQUENCY),
    ],
    ids=["at rest", "a droop", "a setpoint"],
)
def test_only_an_answer_to_the_frequency_begins_on_a_disturbed_grid(
    evse: EvseInputs, reason: Reason | None
) -> None:
    disturbed = replace(evse, grid=GridVerdict(state=GridState.DISTURBED))
    (setpoint,) = Run(disturbed).seconds(20, 49.2)
    assert (setpoint.power_w < 0) is (reason is None)
    assert reason in (None, setpoint.reason)
    ceased = GridVerdict(state=GridState.CEASED, discharge_share=0.0)
    (setpoint,) = Run(replace(evse, grid=ceased)).seconds(20, 49.2)
    assert setpoint.power_w == 0.0


def test_every_other_owner_goes_before_the_support_of_the_grid() -> None:
    charging = replace(RESTING, policy=replace(RESTING.policy, mode=Mode.CHARGE_NOW))
    (by_mode,) = Run(charging).seconds(20, 49.2)
    assert by_mode.owner is ControlOwner.MODE
    (by_order,) = Run(replace(RESTING, order=order(3_000.0))).seconds(20, 49.2)
    assert (by_order.owner, by_order.requested_w) == (ControlOwner.VPP, 3_000.0)
    (by_user,) = Run(replace(RESTING, override=override(0.0))).seconds(20, 49.2)
    assert (by_user.owner, by_user.power_w) == (ControlOwner.USER, 0.0)


def test_what_rests_stops_with_a_silent_frequency() -> None:
    run = Run(RESTING)
    run.seconds(20, 49.2)
    last = reading(49.2, run.now_s - 1.0)
    setpoints = [
        run.step([replace(at(RESTING, run.now_s, 0.0, 70.0), frequency_hz=last)])[0]
        for _ in range(8)
    ]
    quiet = setpoints[-1]
    assert (quiet.power_w, quiet.reason) == (0.0, Reason.MODE_OFF)
    run.coordinator.forget(KEY)
    (anew,) = run.seconds(1, 49.2)
    assert anew.power_w == 0.0
