"""What flows once a charger has come to rest: offsets, dead zone and steps."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.virtual.plant import MEASURED_2019, PowerEnvelope
from tests.control.traffic import DAY, ScriptedCharger


@pytest.mark.parametrize("highest_w", [4_600.0, 3_300.0])
def test_a_vehicle_that_limits_itself_is_no_offset(highest_w: float) -> None:
    """Trim would ask for more and more, which makes levels that look like offsets."""
    charger = ScriptedCharger(
        replace(MEASURED_2019, offset_charge_w=0.0, offset_discharge_w=0.0),
        envelope=PowerEnvelope(highest_w=highest_w, lowest_w=-highest_w),
    )
    rising = [(sign * w, 40.0) for sign in (1, -1) for w in range(5_000, 6_100, 100)]
    charger.follow([(0.0, 60.0), *rising, (0.0, 60.0)])
    known = charger.learner.fingerprint
    assert known.offset_charge_w == known.offset_discharge_w == 0.0
    # One that was learnt while the vehicle took all survives.
    charger.envelope = PowerEnvelope(highest_w=11_000.0, lowest_w=-11_000.0)
    charger.parameters = MEASURED_2019
    charger.plant.parameters = MEASURED_2019
    charger.follow(DAY, 4)
    before = charger.learner.fingerprint
    charger.envelope = PowerEnvelope(highest_w=highest_w, lowest_w=-highest_w)
    charger.follow([(0.0, 60.0), *rising, (0.0, 60.0)])
    after = charger.learner.fingerprint
    assert after.offset_charge_w == pytest.approx(before.offset_charge_w, abs=60.0)
    assert after.offset_discharge_w == pytest.approx(
        before.offset_discharge_w, abs=60.0
    )


def test_a_power_at_which_nothing_flows_raises_the_minimum() -> None:
    charger = ScriptedCharger(replace(MEASURED_2019, minimum_power_w=2_000.0))
    charger.follow([(3_000.0, 60.0), (1_500.0, 60.0), (3_000.0, 60.0), (0.0, 30.0)])
    assert charger.learner.fingerprint.minimum_power_w == pytest.approx(1_650.0)
    charger.follow(
        [(1_650.0, 60.0), (3_000.0, 60.0), (1_900.0, 60.0), (3_000.0, 60.0)], 2
    )
    minimum_w = charger.learner.fingerprint.minimum_power_w
    assert 2_000.0 <= minimum_w <= 2_200.0
    assert charger.learner.confidence.minimum_power == 1.0
    charger.follow([(3_000.0, 60.0), (2_050.0, 60.0), (3_000.0, 60.0), (0.0, 30.0)])
    assert charger.learner.fingerprint.minimum_power_w == pytest.approx(2_050.0)


def test_a_vehicle_that_sleeps_does_not_raise_the_minimum() -> None:
    charger = ScriptedCharger(
        MEASURED_2019, envelope=PowerEnvelope(highest_w=0.0, lowest_w=0.0)
    )
    charger.follow([(1_500.0, 60.0), (2_500.0, 60.0)])
    charger.envelope = PowerEnvelope(highest_w=11_000.0, lowest_w=-11_000.0)
    charger.follow([(3_000.0, 60.0)])
    assert charger.learner.fingerprint.minimum_power_w == 1_380.0


@pytest.mark.parametrize("step_w", [0.0, 230.0, 690.0])
def test_whole_amperes_are_seen(step_w: float) -> None:
    charger = ScriptedCharger(MEASURED_2019, step_w=step_w)
    levels = [3_000, 3_170, 3_490, 4_240, 4_100, 4_550, 4_000, 3_620, 4_480, 5_130]
    for shift_w in (0, 330, 610):
        charger.follow([(float(level + shift_w), 30.0) for level in levels])
    known_w = charger.learner.fingerprint.step_w
    assert known_w == pytest.approx(step_w, rel=0.35)
    assert charger.learner.confidence.step == 1.0
