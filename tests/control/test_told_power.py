"""What is told against what flows: no limit is exceeded, nothing is given away."""

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.house_load import HomePowers
from custom_components.v2g_vpp.control.inputs import EvseInputs, SiteInputs
from custom_components.v2g_vpp.control.pid import correction_limit_w
from custom_components.v2g_vpp.control.told_power import (
    NOISE_W,
    PERSISTS_S,
    ToldPowers,
)
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.site_meters import (
    Meter,
    SiteMeters,
    SiteWiring,
)
from custom_components.v2g_vpp.virtual.plant import (
    FAST,
    OPEN_ENVELOPE,
    SLOW,
    TYPICAL,
    PlantParameters,
    PowerEnvelope,
)
from tests.control.given import KEY, LEARNT, NOW, READY, reading, with_policy
from tests.control.rig import Rig

LIMIT_W, HOUSE_W = 8_000.0, 500.0
LACKING = replace(LEARNT, offset_charge_w=-440.0, offset_discharge_w=440.0)
ANSWER_S = LACKING.dead_time_s + 11_000.0 / LACKING.ramp_w_per_s + 3.0


class Seen:
    """One EVSE, second by second."""

    def __init__(self, evse: EvseInputs) -> None:
        self.evse, self.powers, self.now_s = evse, ToldPowers(), NOW

    def run(self, told_w: float, flows_w: float, seconds: int) -> float:
        """Return what the flow counts as in the end."""
        found_w = flows_w
        for _ in range(seconds):
            self.now_s += 1.0
            powers = HomePowers(
                at_mono_s=self.now_s,
                grid_w=0.0,
                phases_w=None,
                battery_w=None,
                solar_w=None,
                evses_w={KEY: flows_w},
            )
            step = self.powers.step(powers, [self.evse], {KEY: told_w}, self.now_s)
            found_w = step.evses_w[KEY]
        return found_w


def seen(fingerprint: object = LACKING) -> Seen:
    return Seen(replace(READY, fingerprint=fingerprint))  # type: ignore[arg-type]  # one


@pytest.mark.parametrize("told_w", [5_000.0, -5_000.0])
def test_more_than_told_counts_as_told_as_soon_as_it_lasts(told_w: float) -> None:
    one, flows_w = seen(), told_w * 1.06
    early = one.run(told_w, flows_w, int(ANSWER_S))
    assert early == flows_w
    late = one.run(told_w, flows_w, int(PERSISTS_S) + 3)
    assert late == pytest.approx(told_w, abs=2.0)
    # It is not forgotten when the charger sets its power in steps.
    assert one.run(told_w, told_w, 60) == pytest.approx(told_w * 0.94, abs=15.0)


def test_less_than_told_counts_as_told_while_charging_as_far_as_it_was_learnt() -> None:
    assert seen().run(5_000.0, 4_600.0, 60) == 5_000.0
    assert seen().run(5_000.0, 4_300.0, 60) == 4_740.0
    assert seen(LEARNT).run(5_000.0, 4_600.0, 60) == 4_600.0
    assert seen().run(-5_000.0, -4_600.0, 60) == -4_600.0


def test_what_is_missing_no_longer_counts_at_once() -> None:
    one = seen()
    assert one.run(5_000.0, 4_600.0, 60) == 5_000.0
    assert one.run(5_000.0, 5_000.0, 1) == 5_000.0
    assert one.run(5_000.0, 4_900.0, 1) == 4_950.0, "and comes back little by little"


def test_a_charger_on_its_way_is_no_charger_that_is_off() -> None:
    one = seen()
    one.run(5_000.0, 4_560.0, 60)
    # It is told less: until it follows, that is no excess.
    assert one.run(3_000.0, 4_560.0, 3) == pytest.approx(4_560.0)
    assert one.run(3_000.0, 3_300.0, 2) == pytest.approx(3_300.0)
    # It is told more: until it follows, that is nothing missing.
    one = seen()
    one.run(3_000.0, 3_000.0, 60)
    assert one.run(6_000.0, 3_000.0, 3) == 3_000.0


def test_without_a_power_of_its_own_nothing_is_said() -> None:
    assert seen().run(0.0, 420.0, 60) == 420.0
    assert seen().run(5_000.0, 0.0, 60) == 0.0
    assert seen().run(2_000.0, 9_000.0, 60) == 9_000.0, "somebody else charges it"


def test_a_silent_meter_begins_anew() -> None:
    one = seen()
    one.run(5_000.0, 4_600.0, 60)
    silent = HomePowers(
        at_mono_s=one.now_s,
        grid_w=0.0,
        phases_w=None,
        battery_w=None,
        solar_w=None,
        evses_w={},
    )
    step = one.powers.step(silent, [one.evse], {KEY: 5_000.0}, one.now_s)
    assert step.evses_w == {}
    assert one.run(5_000.0, 4_600.0, 1) == 4_600.0


def test_a_gap_begins_anew() -> None:
    one = seen()
    one.run(5_000.0, 4_600.0, 60)
    one.now_s += 60.0
    assert one.run(5_000.0, 4_600.0, 1) == 4_600.0


@given(
    steps=st.lists(
        st.tuples(st.floats(-11_000, 11_000), st.floats(-11_000, 11_000)),
        min_size=1,
        max_size=60,
    )
)
def test_never_more_than_a_learnt_offset_is_added_nor_the_sign_turned(
    steps: list[tuple[float, float]],
) -> None:
    one = seen()
    for told_w, flows_w in steps:
        found_w = one.run(told_w, flows_w, 1)
        assert found_w * flows_w >= 0
        assert abs(found_w) <= abs(flows_w) + 440.0
        if flows_w < 0:
            assert abs(found_w) <= abs(flows_w)
        most_w = max(correction_limit_w(told_w) for told_w, _ in steps)
        assert abs(found_w) >= abs(flows_w) - most_w


def under_a_limit(
    parameters: PlantParameters,
    mode: Mode,
    envelope: Callable[[float], PowerEnvelope] = lambda _: OPEN_ENVELOPE,
) -> list[float]:
    """Return what the grid carried each second, in the direction of the limit."""
    sign = 1.0 if mode is Mode.CHARGE_NOW else -1.0
    fingerprint = replace(
        LEARNT,
        dead_time_s=parameters.dead_time_s + 0.5,
        ramp_w_per_s=parameters.ramp_w_per_s,
        offset_charge_w=parameters.offset_charge_w,
        offset_discharge_w=parameters.offset_discharge_w,
    )
    evse = replace(with_policy(READY, mode=mode), fingerprint=fingerprint)
    rig = Rig(evse=evse, parameters=parameters)
    wiring = SiteWiring(import_limit_w=LIMIT_W, export_limit_w=LIMIT_W)
    carried_w: list[float] = []

    def tick(now: Rig) -> None:
        now.charger.envelope = envelope(now.now_s - NOW)
        grid_w = sign * HOUSE_W + now.power_w()
        carried_w.append(sign * grid_w)
        meter = Meter(reading=reading(grid_w, now.now_s))
        now.site = SiteInputs(meters=SiteMeters(grid=meter), wiring=wiring)

    rig.on_tick = tick
    rig.run(240.0)
    assert rig.setpoint is not None
    return carried_w


PLANTS = [
    pytest.param(replace(plant, noise_w=20.0), id=name)
    for name, plant in (("fast", FAST), ("typical", TYPICAL), ("slow", SLOW))
]


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("mode", [Mode.CHARGE_NOW, Mode.DISCHARGE_NOW])
def test_a_charger_that_gives_more_than_it_is_told_keeps_the_limit(
    plant: PlantParameters, mode: Mode
) -> None:
    crooked = replace(plant, offset_charge_w=300.0, offset_discharge_w=-300.0)
    carried_w = under_a_limit(crooked, mode)
    assert max(carried_w[90:]) <= LIMIT_W + NOISE_W
    assert min(carried_w[90:]) >= 0.95 * LIMIT_W


@pytest.mark.parametrize("plant", PLANTS)
def test_a_charger_that_takes_less_than_it_is_told_uses_the_limit(
    plant: PlantParameters,
) -> None:
    carried_w = under_a_limit(replace(plant, offset_charge_w=-440.0), Mode.CHARGE_NOW)
    assert max(carried_w) <= LIMIT_W + NOISE_W
    assert min(carried_w[120:]) >= 0.97 * LIMIT_W


@pytest.mark.parametrize("plant", PLANTS)
def test_a_vehicle_that_limited_itself_and_then_takes_all_keeps_the_limit(
    plant: PlantParameters,
) -> None:
    def envelope(second: float) -> PowerEnvelope:
        is_short = 60.0 <= second < 150.0
        return (
            PowerEnvelope(highest_w=7_000.0, lowest_w=0.0)
            if is_short
            else (OPEN_ENVELOPE)
        )

    carried_w = under_a_limit(
        replace(plant, offset_charge_w=-440.0), Mode.CHARGE_NOW, envelope
    )
    assert max(carried_w) <= LIMIT_W + NOISE_W
