"""The state of charge between two reports, against a battery that knows the truth."""

from dataclasses import dataclass, field, replace

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.soc_estimator import (
    NOTHING_KNOWN,
    SETTLED_AFTER_S,
    SocEstimate,
    SocEstimator,
    SocEvidence,
)
from custom_components.v2g_vpp.domain.measurement import Reading
from tests.control.given import NOW, reading

CAPACITY_WH = 60_000.0
EFFICIENCY = 0.95
FRESH = SocEvidence(
    report=None,
    power_w=0.0,
    commanded_w=0.0,
    capacity_wh=CAPACITY_WH,
    rating_w=11_000.0,
    max_discharge_w=11_000.0,
)


def _known(soc: float | None, age_s: float = 0.0, **changes: object) -> SocEstimate:
    report = None if soc is None else reading(soc, NOW - age_s)
    evidence = replace(FRESH, report=report, **changes)  # type: ignore[arg-type]  # any field
    return SocEstimator().step(evidence, NOW)


@dataclass(slots=True)
class Drive:
    """A vehicle whose gauge may lie, and the estimator that watches it."""

    soc_percent: float = 60.0
    estimator: SocEstimator = field(default_factory=SocEstimator)
    now_s: float = NOW
    shown: float | None = None
    """What the gauge shows whatever the truth; None: the truth in whole percents."""

    is_heard: bool = True
    report: Reading | None = None
    last: SocEstimate = NOTHING_KNOWN
    discharged_wh: float = 0.0

    def run(
        self,
        power_w: float,
        duration_s: float,
        *,
        step_s: float = 10.0,
        commanded_w: float | None = None,
    ) -> SocEstimate:
        """Let a constant power flow, with a report at each step."""
        for _ in range(round(duration_s / step_s)):
            self.look(power_w, commanded_w)
            wh = power_w * step_s / 3_600.0
            self.soc_percent += (
                100.0 * (wh * EFFICIENCY if wh > 0 else wh / EFFICIENCY) / CAPACITY_WH
            )
            self.now_s += step_s
        return self.look(power_w, commanded_w)

    def look(self, power_w: float, commanded_w: float | None = None) -> SocEstimate:
        shown = self.shown if self.shown is not None else float(round(self.soc_percent))
        self.report = reading(shown, self.now_s)
        self.last = self.estimator.step(
            replace(
                FRESH,
                report=self.report,
                power_w=power_w if self.is_heard else None,
                commanded_w=power_w if commanded_w is None else commanded_w,
            ),
            self.now_s,
        )
        self.discharged_wh += self.last.discharged_wh
        return self.last

    @property
    def lowest(self) -> float:
        assert self.last.lowest_percent is not None
        return self.last.lowest_percent


@pytest.mark.parametrize(
    ("soc_percent", "age_s", "capacity_wh"),
    [
        pytest.param(None, 0.0, 60_000.0, id="never read"),
        pytest.param(70.0, 901.0, 60_000.0, id="too old"),
        pytest.param(70.0, -1.0, 60_000.0, id="from the future"),
        pytest.param(70.0, 0.0, 0.0, id="no capacity"),
        pytest.param(70.0, 0.0, float("nan"), id="capacity is no number"),
        pytest.param(70.0, 0.0, 4_999.0, id="capacity of a scooter"),
        pytest.param(70.0, 0.0, 250_001.0, id="capacity of a truck"),
        pytest.param(70.0, 200.0, 6_000.0, id="more than ten points may be gone"),
        pytest.param(float("nan"), 0.0, 60_000.0, id="no number"),
        pytest.param(101.0, 0.0, 60_000.0, id="more than full"),
    ],
)
def test_an_uncertain_state_of_charge_is_unknown(
    soc_percent: float | None, age_s: float, capacity_wh: float
) -> None:
    known = _known(soc_percent, age_s, capacity_wh=capacity_wh)
    assert known.lowest_percent is None
    assert known.uncertainty_percent is None


def test_the_margin_is_what_can_have_been_discharged_since_the_reading() -> None:
    # 11 kW for 360 s is 1,100 Wh of 55,000 Wh, two points; half a point of resolution.
    known = _known(60.0, 360.0, capacity_wh=55_000.0)
    assert known.lowest_percent == pytest.approx(57.5)
    assert known.uncertainty_percent == pytest.approx(2.5)


def test_a_vehicle_at_rest_loses_nothing_by_age() -> None:
    assert _known(60.0, 5_000.0, is_resting=True).lowest_percent == 59.5


@given(st.floats(0, 100), st.floats(0, 900), st.floats(5_000, 250_000))
def test_the_margin_only_lowers(soc: float, age_s: float, capacity_wh: float) -> None:
    lowest = _known(soc, age_s, capacity_wh=capacity_wh).lowest_percent
    assert lowest is None or lowest < soc


@pytest.mark.parametrize("power_w", [-10_000.0, -5_000.0, -1_500.0])
def test_a_gauge_that_stands_still_is_not_believed(power_w: float) -> None:
    drive = Drive(shown=60.0)
    duration_s = 6_000.0 / -power_w * 3_600.0
    drive.run(power_w, duration_s)
    # 6 kWh at the meter are more than ten points of 60 kWh, which the vehicle denies.
    assert drive.soc_percent < 50.0
    assert drive.lowest < drive.soc_percent
    assert drive.lowest > drive.soc_percent - 3.0


def test_a_frozen_gauge_is_not_believed_after_any_pause() -> None:
    drive = Drive(shown=60.0)
    for _ in range(8):
        drive.run(-5_000.0, 900.0)
        drive.run(0.0, 3_600.0, step_s=60.0)
        assert drive.lowest < drive.soc_percent


def test_a_gauge_that_is_alive_is_believed_all_the_way() -> None:
    drive = Drive(soc_percent=80.0)
    drive.run(-5_000.0, 4 * 3_600.0)
    drive.run(5_000.0, 4 * 3_600.0)
    drive.run(-5_000.0, 4 * 3_600.0)
    # The count alone would have lost some points by now.
    assert drive.last.likely_percent == pytest.approx(drive.soc_percent, abs=2.0)
    assert drive.lowest == pytest.approx(drive.soc_percent, abs=2.5)


def test_a_glitch_is_bridged() -> None:
    drive = Drive(soc_percent=60.0)
    drive.run(-5_000.0, 600.0)
    before = drive.lowest
    drive.shown = 0.0
    assert drive.look(0.0).lowest_percent == -0.5, "downwards it counts at once"
    drive.now_s += 10.0
    drive.shown = None
    drive.look(0.0)
    assert drive.lowest == pytest.approx(before, abs=0.6)


def test_a_leap_upwards_counts_only_once_charging_proved_it() -> None:
    drive = Drive(soc_percent=50.0)
    drive.run(0.0, 60.0)
    drive.soc_percent = 80.0
    drive.run(0.0, 4 * 3_600.0, step_s=60.0)
    assert drive.lowest == pytest.approx(49.5)
    # A discharge proves nothing: a gauge that leaps and falls would never end.
    drive.run(-5_000.0, 3_600.0)
    assert drive.lowest < 45.0
    # More than three points into the battery, and the gauge went along.
    drive.run(5_000.0, 3_600.0)
    assert drive.lowest == pytest.approx(drive.soc_percent, abs=1.5)


def test_a_lower_charge_becomes_the_truth_after_a_while() -> None:
    drive = Drive(soc_percent=60.0)
    drive.run(0.0, 60.0)
    drive.soc_percent = 50.0  # the heater of the vehicle, on its own battery
    drive.run(0.0, SETTLED_AFTER_S + 20.0)
    drive.soc_percent = 60.0
    assert drive.look(0.0).lowest_percent == pytest.approx(49.5)


def test_a_gauge_that_flaps_buys_nothing() -> None:
    drive = Drive(soc_percent=60.0, shown=60.0)
    for _ in range(6):
        drive.shown = 60.0
        drive.run(-5_000.0, 1_080.0)
        drive.shown = 57.0
        drive.look(-5_000.0)
        drive.now_s += 1.0
    assert drive.lowest < drive.soc_percent


def test_charging_ends_by_the_count_where_the_gauge_stands_still() -> None:
    drive = Drive(soc_percent=60.0, shown=60.0)
    for _ in range(4):
        drive.run(5_000.0, 3_600.0)
        drive.run(0.0, 2_000.0)
    assert drive.soc_percent > 90.0
    assert drive.last.highest_percent is not None
    assert drive.last.highest_percent > drive.soc_percent


def test_the_first_report_of_zero_is_of_a_charger_that_knows_nothing_yet() -> None:
    drive = Drive(soc_percent=62.0, shown=0.0)
    assert drive.look(0.0).lowest_percent == -0.5
    drive.now_s += 10.0
    drive.shown = None
    assert drive.look(0.0).lowest_percent == pytest.approx(61.5)


def test_what_is_charged_before_any_report_is_counted() -> None:
    estimator, estimate = SocEstimator(), NOTHING_KNOWN
    for second in range(0, 3_601, 10):
        estimate = estimator.step(replace(FRESH, power_w=6_000.0), NOW + second)
    assert estimate.charged_wh == pytest.approx(6_000.0)
    assert estimate.highest_percent is None


def test_a_silent_meter_costs_what_may_have_flowed_until_it_ended_by_itself() -> None:
    drive = Drive(shown=60.0)
    drive.run(-5_000.0, 60.0)
    before, before_wh = drive.lowest, drive.discharged_wh
    drive.is_heard = False
    drive.run(-5_000.0, 600.0, commanded_w=0.0)
    # 90 s of 11 kW, of which the first step is still metered, and what is lost.
    assert before - drive.lowest == pytest.approx(0.48, abs=0.1)
    assert drive.discharged_wh - before_wh == pytest.approx(290.0, abs=30.0)


def test_a_silent_meter_at_rest_costs_nothing() -> None:
    drive = Drive(shown=60.0)
    drive.run(0.0, 60.0)
    drive.is_heard = False
    drive.run(0.0, 3_600.0)
    assert drive.lowest == pytest.approx(59.5)
    assert drive.discharged_wh == 0.0


@pytest.mark.parametrize("offset_w", [-200.0, 0.0, 420.0])
def test_what_a_charger_shows_at_zero_is_no_energy(offset_w: float) -> None:
    estimator, at_zero = SocEstimator(), replace(FRESH, offset_zero_w=offset_w)
    estimate = NOTHING_KNOWN
    for second in range(0, 36_000, 30):
        now_s = NOW + second
        estimate = estimator.step(
            replace(at_zero, power_w=offset_w, report=reading(60.0, now_s)), now_s
        )
    assert estimate.lowest_percent == 59.5
    assert estimate.highest_percent == 60.0


def test_a_restart_forgets_nothing_that_was_counted() -> None:
    drive = Drive(shown=60.0)
    drive.run(-5_000.0, 3_600.0)
    lower = drive.lowest
    drive.estimator = SocEstimator(drive.estimator.memory)
    after = drive.look(0.0)
    assert after.lowest_percent is not None
    # What may have flowed since it was kept: 150 s of 11 kW and its losses.
    assert lower - after.lowest_percent == pytest.approx(0.8, abs=0.05)
    assert after.discharged_wh == pytest.approx(480.0, abs=20.0)
    # A second one in a row adds nothing: nothing flows any more.
    again = SocEstimator(drive.estimator.memory)
    drive.estimator = again
    assert drive.look(0.0).lowest_percent == pytest.approx(after.lowest_percent)


def test_nothing_is_learnt_from_a_replay() -> None:
    drive = Drive(shown=60.0)
    drive.run(-5_000.0, 3_600.0)
    lower = drive.estimator.memory.lower_percent
    old = reading(90.0, drive.now_s - 120.0)
    for evidence in (replace(FRESH, report=old), FRESH):
        drive.estimator.step(replace(evidence, power_w=0.0), drive.now_s)
    assert drive.estimator.memory.lower_percent == lower


def test_time_that_steps_back_counts_nothing() -> None:
    drive = Drive(shown=60.0)
    drive.run(-5_000.0, 600.0)
    before = drive.estimator.memory
    evidence = replace(FRESH, power_w=-5_000.0, commanded_w=-5_000.0)
    for step_s in (-500.0, -300.0, 0.0):
        drive.estimator.step(evidence, drive.now_s + step_s)
    assert drive.estimator.memory == before


@st.composite
def drives(draw: st.DrawFn) -> list[tuple[float, float, str]]:
    return draw(
        st.lists(
            st.tuples(
                st.sampled_from(
                    [-11_000.0, -5_000.0, -1_500.0, 0.0, 3_000.0, 11_000.0]
                ),
                st.sampled_from([10.0, 60.0, 600.0, 1_800.0]),
                st.sampled_from(
                    ["true", "true", "frozen", "zero", "restart", "silent"]
                ),
            ),
            min_size=1,
            max_size=12,
        )
    )


@given(drives(), st.integers(20, 90))
def test_the_lowest_is_never_above_the_truth(
    parts: list[tuple[float, float, str]], start: int
) -> None:
    """Whatever the gauge shows that is not more than the truth at some time before."""
    drive = Drive(soc_percent=float(start))
    drive.look(0.0)
    for power_w, duration_s, how in parts:
        if how == "restart":
            drive.estimator = SocEstimator(drive.estimator.memory)
        drive.shown = {"frozen": drive.shown or float(round(drive.soc_percent))}.get(
            how
        )
        if how == "zero":
            drive.shown = 0.0
        drive.is_heard = how != "silent"
        if 10.0 < drive.soc_percent + power_w * duration_s / 3_600 / 600 < 95.0:
            # A silent meter ends a discharge: the charger gets no refresh.
            flowing_s = min(duration_s, 80.0) if how == "silent" else duration_s
            drive.run(power_w, flowing_s)
        drive.run(0.0, 20.0)
        known = drive.last
        assert known.lowest_percent is None or (
            known.lowest_percent <= drive.soc_percent + 0.6
        )
        assert known.highest_percent is not None
        assert known.likely_percent is not None
        assert known.likely_percent <= known.highest_percent


@pytest.mark.parametrize("meter_w", [-10_000.0, -9_200.0])
def test_floors_count_the_larger_discharge_of_meter_and_calibration(
    meter_w: float,
) -> None:
    def left(power_w: float, other_w: float | None) -> SocEstimate:
        estimator = SocEstimator()
        evidence = replace(
            FRESH,
            report=reading(60.0, NOW),
            power_w=power_w,
            other_power_w=other_w,
            commanded_w=-10_000.0,
        )
        estimator.step(evidence, NOW)
        return estimator.step(replace(evidence, report=None), NOW + 30.0)

    calibrated_w = -19_200.0 - meter_w
    doubtful, worst = left(calibrated_w, meter_w), left(-10_000.0, None)
    assert doubtful.discharged_wh == worst.discharged_wh
    assert left(-9_200.0, None).discharged_wh < worst.discharged_wh


@pytest.mark.parametrize("meter_w", [10_000.0, 9_200.0])
def test_the_ceiling_counts_the_larger_charge_of_meter_and_calibration(
    meter_w: float,
) -> None:
    estimator = SocEstimator()
    evidence = replace(
        FRESH,
        report=reading(60.0, NOW),
        power_w=19_200.0 - meter_w,
        other_power_w=meter_w,
        commanded_w=10_000.0,
    )
    estimator.step(evidence, NOW)
    found = estimator.step(evidence, NOW + 30.0)
    assert found.charged_wh == pytest.approx(10_000.0 / 120.0)
    lower = estimator.memory.lower_percent
    assert lower is not None
    arrived_wh = (lower - 60.0) / 100.0 * CAPACITY_WH
    assert arrived_wh < 9_200.0 / 120.0
