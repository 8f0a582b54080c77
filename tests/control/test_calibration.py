"""The meter of an EVSE against a reference."""

from datetime import UTC, datetime
from random import Random

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.calibration import CalibrationRun
from custom_components.v2g_vpp.domain.calibration import (
    REFUSALS,
    Calibration,
    CalibrationProgress,
    CalibrationStep,
    believable_w,
)
from custom_components.v2g_vpp.domain.measurement import Reading

AT = "2026-01-15T12:00:00+00:00"


def _compare(
    run: CalibrationRun,
    reference_w: float,
    *,
    gain: float = 1.0,
    offset_w: float = 0.0,
    noise_w: float = 0.0,
    samples: int = 10,
) -> CalibrationProgress:
    """Show a power to a meter that is off, as often as a level needs."""
    random, progress = Random(1), None
    for _ in range(samples):
        raw_w = (reference_w - offset_w) / gain + random.gauss(0.0, noise_w)
        progress = run.add(raw_w, reference_w, AT)
    assert progress is not None
    return progress


@given(
    gain=st.floats(0.91, 1.09),
    offset_w=st.floats(-250.0, 250.0),
    first_w=st.floats(-11_000.0, -2_000.0),
    second_w=st.floats(2_000.0, 11_000.0),
)
def test_a_meter_that_is_off_is_put_right(
    gain: float, offset_w: float, first_w: float, second_w: float
) -> None:
    run = CalibrationRun()
    held = _compare(run, first_w, gain=gain, offset_w=offset_w)
    assert held.step is CalibrationStep.CHANGE_POWER
    done = _compare(run, second_w, gain=gain, offset_w=offset_w)
    assert done.step is CalibrationStep.DONE
    assert done.calibration is not None
    assert done.calibration.gain == pytest.approx(gain, abs=1e-6)
    assert done.calibration.offset_w == pytest.approx(offset_w, abs=1e-3)
    assert done.calibration.residual_w == pytest.approx(0.0, abs=1e-3)
    assert done.calibration.samples == 20
    raw_w = (5_000.0 - offset_w) / gain
    assert done.calibration.power_w(raw_w) == pytest.approx(5_000.0, abs=0.01)


def test_noise_of_the_meter_is_averaged() -> None:
    run = CalibrationRun()
    _compare(run, 2_000.0, gain=1.05, offset_w=-80.0, noise_w=50.0)
    done = _compare(run, 9_000.0, gain=1.05, offset_w=-80.0, noise_w=50.0)
    assert done.calibration is not None
    assert done.calibration.power_w((6_000.0 + 80.0) / 1.05) == pytest.approx(
        6_000.0, abs=40.0
    )


def test_it_says_what_is_needed_next() -> None:
    run = CalibrationRun()
    assert _compare(run, 3_000.0, samples=9).step is CalibrationStep.HOLD_POWER
    assert _compare(run, 3_000.0, samples=1).step is CalibrationStep.CHANGE_POWER
    # More of the same changes nothing, and a power nearby is not another one.
    assert _compare(run, 3_000.0, samples=50).levels == ((3_000.0, 3_000.0, 10),)
    assert _compare(run, 4_000.0).step is CalibrationStep.CHANGE_POWER
    done = _compare(run, 6_000.0)
    assert done.step is CalibrationStep.DONE
    assert len(done.levels) == 3
    # The next sample begins anew.
    assert _compare(run, 3_000.0, samples=1).levels == ((3_000.0, 3_000.0, 1),)


@pytest.mark.parametrize(
    ("gain", "offset_w", "step"),
    [
        pytest.param(1.15, 0.0, CalibrationStep.GAIN_OUT_OF_RANGE, id="high gain"),
        pytest.param(0.85, 0.0, CalibrationStep.GAIN_OUT_OF_RANGE, id="low gain"),
        pytest.param(-1.0, 0.0, CalibrationStep.GAIN_OUT_OF_RANGE, id="wrong sign"),
        pytest.param(1.0, 350.0, CalibrationStep.OFFSET_OUT_OF_RANGE, id="offset"),
    ],
)
def test_what_is_too_far_off_is_refused_with_its_figures(
    gain: float, offset_w: float, step: CalibrationStep
) -> None:
    run = CalibrationRun()
    _compare(run, 2_000.0, gain=gain, offset_w=offset_w)
    refused = _compare(run, 8_000.0, gain=gain, offset_w=offset_w)
    assert refused.step is step
    assert step in REFUSALS
    assert refused.calibration is None
    assert refused.gain == pytest.approx(gain)
    assert refused.offset_w == pytest.approx(offset_w, abs=1e-3)
    assert len(refused.levels) == 2


def test_what_is_no_line_is_refused() -> None:
    run = CalibrationRun()
    _compare(run, 2_000.0)
    _compare(run, 2_900.0, offset_w=280.0)
    refused = _compare(run, 4_500.0)
    assert refused.step is CalibrationStep.NOT_STRAIGHT
    assert refused.residual_w is not None
    assert refused.residual_w > 100.0


def test_meters_that_do_not_move_together_are_refused() -> None:
    run = CalibrationRun()
    run.add(3_000.0, 3_000.0, AT)
    assert run.add(3_000.0, 3_500.0, AT).step is CalibrationStep.NOT_STEADY


def test_a_power_that_never_rests_is_refused() -> None:
    run = CalibrationRun()
    steps = [run.add(500.0 * n, 500.0 * n, AT).step for n in range(1, 8)]
    assert steps[-1] is CalibrationStep.TOO_MANY_POWERS


@given(
    raw_w=st.floats(-12_000.0, 12_000.0),
    gain=st.floats(0.9, 1.1),
    offset_w=st.floats(-300.0, 300.0),
)
def test_what_protects_takes_the_worse_of_both(
    raw_w: float, gain: float, offset_w: float
) -> None:
    line = Calibration(
        gain=gain, offset_w=offset_w, residual_w=0.0, samples=20, made_at=AT
    )
    lowest_w, highest_w = believable_w(raw_w, line)
    assert lowest_w <= raw_w <= highest_w
    assert lowest_w <= line.power_w(raw_w) <= highest_w
    assert believable_w(raw_w, None) == (raw_w, raw_w)


def test_only_the_value_of_a_reading_changes() -> None:
    line = Calibration(gain=1.1, offset_w=10.0, residual_w=0.0, samples=2, made_at=AT)
    at = datetime(2026, 1, 15, tzinfo=UTC)
    reading = Reading(value=1_000.0, received_mono_s=5.0, taken_at=at)
    calibrated = line.calibrated(reading)
    assert calibrated is not None
    assert calibrated.value == pytest.approx(1_110.0)
    assert calibrated.order == reading.order
    assert line.calibrated(None) is None
