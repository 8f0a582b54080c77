"""What is read out of a station's measured."""

from hypothesis import given, strategies as st
import pytest

from script.rig.measured import Call, Measured, Sample, zero_export_w


def measured_of(*powers_w: float) -> Measured:
    return Measured(samples=[Sample(float(n), p) for n, p in enumerate(powers_w)])


def test_zero_counts_from_the_last_time_the_export_ended() -> None:
    measured = measured_of(-5000, -50, -5000, -90, 0, 300)
    assert measured.zero_since(0, 100) == 3
    assert measured.zero_since(4, 100) == 4


def test_power_that_still_flows_is_not_zero() -> None:
    assert measured_of(0, 0, -101).zero_since(0, 100) is None
    assert measured_of().zero_since(0, 100) is None


def test_setpoint_is_reached_within_its_tolerance_only() -> None:
    measured = measured_of(0, -2000, -4800, -5000)
    assert measured.reached(0, -5000, 250) == 2
    assert measured.reached(0, -6000, 250) is None


def test_energy_is_the_area_under_the_export() -> None:
    assert measured_of(-3600, -3600, -3600).export_wh(0) == pytest.approx(2.0)
    assert measured_of(-3600, -3600, 0).export_wh(1) == pytest.approx(0.5)
    assert measured_of(3600, 3600).export_wh(0) == 0


@given(st.lists(st.floats(-11_000, 11_000), max_size=30), st.floats(0, 30))
def test_after_zero_nothing_above_the_threshold_flows(
    powers_w: list[float], since: float
) -> None:
    measured = measured_of(*powers_w)
    zero = measured.zero_since(since, 100)
    if zero is None:
        assert not measured.samples_since(since) or measured.samples[-1].export_w > 100
    else:
        assert zero >= since
        assert all(s.export_w <= 100 for s in measured.samples_since(zero))


def test_calls_are_told_apart_by_action_and_time() -> None:
    measured = Measured(
        calls=[
            Call(1, "SetChargingProfile", {}),
            Call(2, "GetVariables", {}),
            Call(3, "UpdateDynamicSchedule", {}),
        ]
    )
    assert [call.mono_s for call in measured.calls_since(0)] == [1, 3]
    assert [call.mono_s for call in measured.calls_since(2)] == [3]
    assert [call.mono_s for call in measured.calls_since(0, {"GetVariables"})] == [2]


@pytest.mark.parametrize(("rating_w", "expected_w"), [(3_000, 100), (11_000, 220)])
def test_zero_is_relative_to_the_rating(rating_w: float, expected_w: float) -> None:
    assert zero_export_w(rating_w) == expected_w


def profile(purpose: str, period: dict[str, object]) -> Call:
    schedule = {"chargingSchedulePeriod": [period]}
    content = {"chargingProfilePurpose": purpose, "chargingSchedule": [schedule]}
    return Call(0, "SetChargingProfile", {"chargingProfile": content})


@pytest.mark.parametrize(
    ("call", "expected_w"),
    [
        (profile("TxProfile", {"setpoint": -5000}), -5000),
        (profile("TxProfile", {"limit": 0}), None),
        (profile("TxDefaultProfile", {"setpoint": 0}), None),
        (Call(0, "UpdateDynamicSchedule", {"scheduleUpdate": {"setpoint": 0}}), 0),
        (Call(0, "UpdateDynamicSchedule", {"scheduleUpdate": {}}), None),
        (Call(0, "GetVariables", {}), None),
    ],
)
def test_setpoint_is_read_from_the_call_that_carries_it(
    call: Call, expected_w: float | None
) -> None:
    assert call.setpoint_w == expected_w
    assert Measured(calls=[call]).setpoints_since(0) == (
        [] if expected_w is None else [call]
    )


def setpoint(mono_s: float, power_w: float) -> Call:
    return Call(
        mono_s, "UpdateDynamicSchedule", {"scheduleUpdate": {"setpoint": power_w}}
    )


def test_first_setpoint_towards_a_power_is_the_one_that_comes_nearer() -> None:
    rising = [
        setpoint(1, 1380),
        setpoint(2, 6400),
        setpoint(3, 6300),
        setpoint(4, -5000),
    ]
    measured = Measured(calls=rising)
    assert measured.first_towards(1.5, -5000, 1) == 3
    assert measured.first_towards(1.5, -5000, 1_000) == 4
    assert measured.first_towards(4.5, -5000, 1) is None


def test_repeated_setpoint_is_not_a_first_one() -> None:
    measured = Measured(calls=[setpoint(1, -5000), setpoint(6, -5000)])
    assert measured.first_towards(2, -5000, 1) is None
