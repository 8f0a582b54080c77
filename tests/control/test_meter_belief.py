"""Limits of the home while nobody knows whether a meter or its calibration is right."""

from collections.abc import Mapping

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.fuse import (
    Direction,
    FuseGuard,
    FuseInputs,
    Rooms,
)
from custom_components.v2g_vpp.control.house_load import HomePowers
from custom_components.v2g_vpp.domain.calibration import Calibration
from custom_components.v2g_vpp.domain.ids import EvseKey
from custom_components.v2g_vpp.domain.site_meters import (
    Circuit,
    PhaseMap,
    SiteWiring,
)
from tests.control.given import KEY, NOW
from tests.control.test_fuse import ON_L2, OTHER, powers, room


def line(gain: float, offset_w: float = 0.0) -> Mapping[EvseKey, Calibration]:
    made = Calibration(
        gain=gain, offset_w=offset_w, residual_w=0.0, samples=20, made_at=""
    )
    return {KEY: made}


def calibrated_room_w(
    gain: float,
    seen: HomePowers | None,
    direction: Direction = Direction.CHARGE,
    offset_w: float = 0.0,
    wiring: SiteWiring = SiteWiring(import_limit_w=8_000.0, export_limit_w=8_000.0),
) -> float:
    bound = room(wiring, seen, direction=direction, calibrations=line(gain, offset_w))
    assert bound is not None
    return bound.power_w


def test_a_meter_that_shows_too_little_is_told_less_from_the_beginning() -> None:
    """What it is told may be 1.08 times as much on the wire."""
    rest = powers(grid_w=500.0, evses_w={KEY: 0.0})
    assert calibrated_room_w(1.08, rest) == pytest.approx(7_500.0 / 1.08)
    giving = powers(grid_w=-500.0, evses_w={KEY: 0.0})
    out_w = calibrated_room_w(1.08, giving, Direction.DISCHARGE)
    assert out_w == pytest.approx(7_500.0 / 1.08)


def test_a_calibration_is_not_believed_that_would_allow_more() -> None:
    rest = powers(grid_w=500.0, evses_w={KEY: 0.0})
    assert calibrated_room_w(0.92, rest) == pytest.approx(7_500.0)
    # Too much flows: by the calibration less is gone than what it is told less.
    over = powers(grid_w=9_000.0, evses_w={KEY: 8_500.0})
    assert calibrated_room_w(0.92, over) == pytest.approx(8_500.0 - 1_000.0 / 0.92)
    assert calibrated_room_w(1.08, over) == pytest.approx(8_500.0 - 1_000.0)


@pytest.mark.parametrize("gain", [0.92, 1.08])
@pytest.mark.parametrize("truth", ["meter", "calibration"])
def test_at_the_limit_both_ways_to_read_the_meter_agree(
    gain: float, truth: str
) -> None:
    """The meter of the grid says what flows: nothing of the limit is given away."""
    flows_w = 7_500.0 / (gain if truth == "calibration" else 1.0)
    seen = powers(grid_w=8_000.0, evses_w={KEY: flows_w})
    assert calibrated_room_w(gain, seen) == pytest.approx(flows_w)


def test_where_nothing_else_is_measured_the_larger_power_counts() -> None:
    circuit = Circuit(circuit_id="garage", limit_a=16.0, evses=frozenset({KEY}))
    wired = SiteWiring(circuits=(circuit,), phase_maps={KEY: PhaseMap(phases=(1,))})
    unbalanced = SiteWiring(
        imbalance_limit_w=3_680.0, phase_maps={KEY: PhaseMap(phases=(1,))}
    )
    fused = SiteWiring(phase_count=1, import_limit_w=3_680.0)
    for wiring in (wired, unbalanced, fused):
        told_w = calibrated_room_w(1.08, None, offset_w=100.0, wiring=wiring)
        assert told_w == pytest.approx((3_680.0 - 100.0) / 1.08), wiring
        told_w = calibrated_room_w(0.92, None, offset_w=-100.0, wiring=wiring)
        assert told_w == pytest.approx(3_680.0), wiring
    told_w = calibrated_room_w(
        1.0, None, Direction.DISCHARGE, offset_w=-100.0, wiring=wired
    )
    assert told_w == pytest.approx(3_580.0)


def test_a_discharge_that_may_be_larger_leaves_less_when_it_ends() -> None:
    wiring = SiteWiring(import_limit_w=8_000.0)
    seen = powers(grid_w=1_000.0, evses_w={KEY: -5_000.0})
    for gain in (0.92, 1.08):
        bound = room(wiring, seen, OTHER, calibrations=line(gain))
        assert bound is not None
        assert bound.power_w == pytest.approx(7_000.0 - 5_000.0 * max(1.0, gain))


@given(
    rest_w=st.floats(-5_000, 5_000),
    flows_w=st.floats(-8_000, 8_000),
    other_w=st.floats(-8_000, 8_000),
    gain=st.floats(0.9, 1.1),
    is_meter_right=st.booleans(),
    parts=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    phases=st.sampled_from([(1,), (2,), (1, 2, 3), ()]),
)
def test_whichever_is_right_no_limit_is_exceeded(
    rest_w: float,
    flows_w: float,
    other_w: float,
    gain: float,
    is_meter_right: bool,
    parts: tuple[float, float],
    phases: tuple[int, ...],
) -> None:
    """Law: within the rooms the home stays inside, also when a discharge ends."""
    truth = 1.0 if is_meter_right else gain
    wiring = SiteWiring(
        import_limit_w=9_000.0,
        fuse_a=25.0,
        phase_maps={KEY: PhaseMap(phases=phases), OTHER: ON_L2},
    )
    seen = powers(
        grid_w=rest_w + truth * flows_w + other_w,
        evses_w={KEY: flows_w, OTHER: other_w},
    )
    inputs = FuseInputs(
        keys=(KEY, OTHER), wiring=wiring, powers=seen, calibrations=line(gain)
    )
    rooms = Rooms(FuseGuard().step(inputs, NOW))
    told_w = {}
    for key, part in zip((KEY, OTHER), parts, strict=True):
        bound = rooms.bound(key, Direction.CHARGE)
        assert bound is not None
        told_w[key] = part * bound.power_w
        rooms.take(key, Direction.CHARGE, told_w[key])
    if sum(told_w.values()) > 1e-6:
        total_w = rest_w + truth * told_w[KEY] + told_w[OTHER]
        assert total_w <= 9_000.0 + 1e-6
