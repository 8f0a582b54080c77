"""What is read out of a station's trace."""

from hypothesis import given, strategies as st
import pytest

from script.rig.trace import Call, Sample, Trace, zero_export_w


def trace_of(*powers_w: float) -> Trace:
    return Trace(samples=[Sample(float(n), p) for n, p in enumerate(powers_w)])


def test_zero_counts_from_the_last_time_the_export_ended() -> None:
    trace = trace_of(-5000, -50, -5000, -90, 0, 300)
    assert trace.zero_since(0, 100) == 3
    assert trace.zero_since(4, 100) == 4


def test_power_that_still_flows_is_not_zero() -> None:
    assert trace_of(0, 0, -101).zero_since(0, 100) is None
    assert trace_of().zero_since(0, 100) is None


def test_setpoint_is_reached_within_its_tolerance_only() -> None:
    trace = trace_of(0, -2000, -4800, -5000)
    assert trace.reached(0, -5000, 250) == 2
    assert trace.reached(0, -6000, 250) is None


def test_energy_is_the_area_under_the_export() -> None:
    assert trace_of(-3600, -3600, -3600).export_wh(0) == pytest.approx(2.0)
    assert trace_of(-3600, -3600, 0).export_wh(1) == pytest.approx(0.5)
    assert trace_of(3600, 3600).export_wh(0) == 0


@given(st.lists(st.floats(-11_000, 11_000), max_size=30), st.floats(0, 30))
def test_after_zero_nothing_above_the_threshold_flows(
    powers_w: list[float], since: float
) -> None:
    trace = trace_of(*powers_w)
    zero = trace.zero_since(since, 100)
    if zero is None:
        assert not trace.samples_since(since) or trace.samples[-1].export_w > 100
    else:
        assert zero >= since
        assert all(s.export_w <= 100 for s in trace.samples_since(zero))


def test_calls_are_told_apart_by_action_and_time() -> None:
    trace = Trace(
        calls=[
            Call(1, "SetChargingProfile", {}),
            Call(2, "GetVariables", {}),
            Call(3, "UpdateDynamicSchedule", {}),
        ]
    )
    assert [call.mono_s for call in trace.calls_since(0)] == [1, 3]
    assert [call.mono_s for call in trace.calls_since(2)] == [3]
    assert [call.mono_s for call in trace.calls_since(0, {"GetVariables"})] == [2]


@pytest.mark.parametrize(("rating_w", "expected_w"), [(3_000, 100), (11_000, 220)])
def test_zero_is_relative_to_the_rating(rating_w: float, expected_w: float) -> None:
    assert zero_export_w(rating_w) == expected_w
