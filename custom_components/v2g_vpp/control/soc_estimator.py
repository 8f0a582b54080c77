"""The state of charge between two reports, on the safe side of both directions.

A vehicle reports whole percents every few minutes, sometimes a wrong one, sometimes the
same one for hours. So the energy that the meter shows is counted beside it, between two
bounds: ``lower`` with what a charger loses on the way, ``upper`` without. Discharge
believes the lowest of report and count, charging ends by the highest (control brief,
floors and budgets).

The bounds move to a report only when the gauge proved to be alive: it moved by some
points as the count says. One that stands still while energy flows proves nothing. A
report that leaps down counts for discharge at once; one that leaps up counts only after
the vehicle was charged from there and its gauge followed.
"""

from dataclasses import dataclass

from ..domain.capability import LONGEST_PROMISE_S
from ..domain.measurement import (
    LONGEST_STALE_AFTER_S,
    SOC_STALE_AFTER_S,
    Reading,
    is_fresh,
)
from ..domain.state import flow_threshold_w
from ..domain.units import clamp, energy_wh, percent_of
from .conversion import battery_power_w

RESOLUTION_PERCENT = 0.5
"""Vehicles report whole percents."""

LARGEST_UNCERTAINTY_PERCENT = 10.0
"""Above it the state of charge counts as unknown (control brief)."""

SMALLEST_CAPACITY_WH = 5_000.0
LARGEST_CAPACITY_WH = 250_000.0
"""Outside these a capacity is a mistake of set-up (control brief)."""

AGREEMENT_PERCENT = 1.0
"""Two rounded reports of the same charge differ by no more."""

AGREEMENT_SHARE = 0.1
"""Part of the energy counted that meter, capacity and efficiency may be wrong by."""

PROVEN_BY_PERCENT = 3.0
"""A gauge that moved this far as the count says is alive (house rule: three steps of a
whole percent cannot be rounding)."""

SETTLED_AFTER_S = 900.0
"""A glitch is over by then; a charge that is still lower is the truth."""

NOT_KEPT_FOR_S = 60.0
"""What is kept of a session may be this old when the process dies."""

REPORT_AGE_S = 60.0
"""A report that took longer to reach us is a replay: nothing is learnt from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SocMemory:
    """What is known of the charge of a plugged vehicle, kept across a restart."""

    lower_percent: float | None = None
    upper_percent: float | None = None
    """Bounds from reports and counted energy; None before the first report."""

    charged_wh: float = 0.0
    """Into the vehicle since the plug, at the meter."""

    may_discharge: bool = False
    """True: a discharge flows or was asked for, so that it may go on unseen."""


# Not frozen: made for one call, of each EVSE in each step, where freezing costs time.
@dataclass(slots=True, kw_only=True)
class SocEvidence:
    """What is known of the charge of a vehicle now."""

    report: Reading | None
    """Percent of the usable capacity, as the vehicle says."""

    power_w: float | None
    """At the meter, positive into the vehicle; None while it is stale."""

    other_power_w: float | None = None
    """The same as the other of meter and calibration has it; None: they agree. The
    floors count the larger discharge of the two, the ceiling the larger charge."""

    commanded_w: float
    """What the station was told last."""

    capacity_wh: float
    rating_w: float
    """Of the charger: what it loses depends on it."""

    max_discharge_w: float
    """Most that can flow out unseen, positive magnitude."""

    offset_zero_w: float = 0.0
    """What the charger itself takes while it is told 0 W."""

    is_resting: bool = False
    """True: no transaction runs, so nothing can flow and no report grows old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SocEstimate:
    """The state of charge on the safe side, percent of usable capacity."""

    lowest_percent: float | None = None
    """What the vehicle has at least; None when that is not known well enough to
    discharge it."""

    likely_percent: float | None = None
    """The report as far as the count does not contradict it; None before any."""

    highest_percent: float | None = None
    """What it may have at most; None before any report."""

    is_report_doubted: bool = False
    """True: the vehicle says something else than the energy counted leads to."""

    charged_wh: float = 0.0
    """Into the vehicle since the plug, at the meter."""

    discharged_wh: float = 0.0
    """Out of the battery since the last step, at most."""

    @property
    def uncertainty_percent(self) -> float | None:
        """How far below the likely charge the vehicle may be."""
        if self.lowest_percent is None or self.likely_percent is None:
            return None
        return max(0.0, self.likely_percent - self.lowest_percent)


NOTHING_KNOWN = SocEstimate()


@dataclass(slots=True)
class _Run:
    """Reports that the count explains, from the first of them on."""

    begun_mono_s: float
    least_percent: float
    most_percent: float
    """The extremes that were told."""

    lower_percent: float
    upper_percent: float
    counted_percent: float = 0.0

    @property
    def slack_percent(self) -> float:
        """How far a report may be from the count."""
        return AGREEMENT_PERCENT + AGREEMENT_SHARE * self.counted_percent

    def explains(self, value: float) -> bool:
        """Return True for a report that the count leads to."""
        slack = self.slack_percent
        return self.lower_percent - slack <= value <= self.upper_percent + slack


class SocEstimator:
    """Follow the charge of one vehicle from its plug to its unplugging."""

    def __init__(self, memory: SocMemory | None = None) -> None:
        """Begin, with what was kept of the same plug where a restart came between."""
        memory = memory or SocMemory()
        self._lower, self._upper = memory.lower_percent, memory.upper_percent
        self._charged_wh = memory.charged_wh
        self._may_discharge = memory.may_discharge
        self._run: _Run | None = None
        self._heard_mono_s = float("-inf")
        self._step_mono_s: float | None = None
        self._lowest_w: float | None = None
        self._highest_w: float | None = None
        self._unseen_s = 0.0

    @property
    def memory(self) -> SocMemory:
        """What must survive a restart."""
        return SocMemory(
            lower_percent=self._lower,
            upper_percent=self._upper,
            charged_wh=self._charged_wh,
            may_discharge=self._may_discharge,
        )

    def step(self, evidence: SocEvidence, now_mono_s: float) -> SocEstimate:
        """Return the charge now; a step back in time counts nothing."""
        if not is_capacity_plausible(evidence.capacity_wh):
            return NOTHING_KNOWN
        discharged_wh = self._count(evidence, now_mono_s)
        report = evidence.report
        if report is not None and not 0.0 <= report.value <= _FULL_PERCENT:
            report = None  # also when it is no number
        if report is not None and self._is_news(report, now_mono_s):
            self._heard_mono_s = report.received_mono_s
            self._hear(report.value, now_mono_s)
        told = None if report is None else report.value
        margin = (
            None if report is None else _margin_percent(report, evidence, now_mono_s)
        )
        return self._estimate(told, margin, discharged_wh)

    # --- counting ---

    def _count(self, evidence: SocEvidence, now_mono_s: float) -> float:
        """Count what flowed since the last step; return Wh out of the battery."""
        before_s = self._step_mono_s
        if before_s is None:
            elapsed_s, unseen_s = 0.0, self._unseen_since_kept_s()
        else:
            elapsed_s = max(0.0, now_mono_s - before_s)
            unseen_s = self._unseen_since_step_s(elapsed_s)
        self._step_mono_s = (
            now_mono_s if before_s is None else max(before_s, now_mono_s)
        )
        metered_wh = arrived_wh = unseen_wh = 0.0
        if self._lowest_w is not None and self._highest_w is not None:
            seen_s = min(elapsed_s, LONGEST_STALE_AFTER_S)
            metered_wh = energy_wh(self._highest_w, seen_s)
            battery_w = battery_power_w(self._lowest_w, evidence.rating_w)
            arrived_wh = energy_wh(battery_w, seen_s)
        if unseen_s > 0 and self._may_discharge and not evidence.is_resting:
            battery_w = battery_power_w(-evidence.max_discharge_w, evidence.rating_w)
            unseen_wh = -energy_wh(battery_w, unseen_s)
        if metered_wh or arrived_wh or unseen_wh:
            self._move(arrived_wh - unseen_wh, metered_wh, evidence.capacity_wh)
        self._note_power(evidence)
        return max(0.0, -arrived_wh) + unseen_wh

    def _unseen_since_kept_s(self) -> float:
        """Return how long a discharge may have run that nobody counted before a start.

        Where it ran when this was kept, it ran on at most until the process died and
        then until the charger ended it by itself.
        """
        self._unseen_s = LONGEST_PROMISE_S
        return NOT_KEPT_FOR_S + LONGEST_PROMISE_S

    def _unseen_since_step_s(self, elapsed_s: float) -> float:
        """Return how long a discharge may have run while the meter was not heard.

        Nobody renews one whose meter is silent, so that it ends by itself.
        """
        gap_s = elapsed_s
        if self._lowest_w is not None:
            gap_s, self._unseen_s = max(0.0, elapsed_s - LONGEST_STALE_AFTER_S), 0.0
        unseen_s = min(gap_s, LONGEST_PROMISE_S - self._unseen_s)
        self._unseen_s += unseen_s
        return unseen_s

    def _move(self, lower_wh: float, upper_wh: float, capacity_wh: float) -> None:
        lower = percent_of(lower_wh, capacity_wh)
        upper = percent_of(upper_wh, capacity_wh)
        self._charged_wh += max(0.0, upper_wh)
        if self._lower is not None and self._upper is not None:
            self._lower = max(0.0, self._lower + lower)
            self._upper = min(_FULL_PERCENT, self._upper + upper)
        run = self._run
        if run is not None:
            run.lower_percent += lower
            run.upper_percent += upper
            run.counted_percent += max(abs(lower), abs(upper))

    def _note_power(self, evidence: SocEvidence) -> None:
        """Remember what flows until the next step."""
        lowest_w: float | None = None
        highest_w: float | None = None
        if evidence.is_resting:
            lowest_w = highest_w = 0.0
        elif evidence.power_w is not None:
            lowest_w = highest_w = _flow_w(evidence, evidence.power_w)
            if evidence.other_power_w is not None:
                other_w = _flow_w(evidence, evidence.other_power_w)
                lowest_w, highest_w = min(lowest_w, other_w), max(lowest_w, other_w)
        self._lowest_w, self._highest_w = lowest_w, highest_w
        is_flowing = self._may_discharge if lowest_w is None else lowest_w < 0
        self._may_discharge = evidence.commanded_w < 0 or is_flowing

    # --- reports ---

    def _is_news(self, report: Reading, now_mono_s: float) -> bool:
        is_newer = report.received_mono_s > self._heard_mono_s
        return is_newer and is_fresh(report, now_mono_s, REPORT_AGE_S)

    def _hear(self, value: float, now_mono_s: float) -> None:
        run = self._run
        if run is None or not run.explains(value):
            run = self._run = _new_run(value, now_mono_s)
        if self._lower is None or self._upper is None:
            # Chargers tell 0 before the vehicle told them anything.
            if value > 0:
                self._lower = self._upper = value
            return
        run.least_percent = min(run.least_percent, value)
        run.most_percent = max(run.most_percent, value)
        has_risen = value - run.least_percent >= PROVEN_BY_PERCENT
        has_fallen = run.most_percent - value >= PROVEN_BY_PERCENT
        is_lift = value > self._lower + run.slack_percent
        # Upwards only charging proves a gauge: one that leaps up and falls with each
        # discharge would never reach a floor.
        if has_risen or (has_fallen and not is_lift):
            self._lower = self._upper = value
            self._run = _new_run(value, now_mono_s)
        elif (
            value < self._lower - AGREEMENT_PERCENT
            and now_mono_s - run.begun_mono_s >= SETTLED_AFTER_S
        ):
            # For discharge only: a gauge that stands still must not let more in.
            self._lower = value

    # --- what follows ---

    def _estimate(
        self, told: float | None, margin: float | None, discharged_wh: float
    ) -> SocEstimate:
        lower, upper = self._lower, self._upper
        lowest, likely, highest = told, told, told
        if lower is not None and upper is not None:
            lowest = lower if told is None else min(told, lower)
            highest = upper if told is None else max(told, upper)
            likely = lower if told is None else clamp(told, lower, max(lower, upper))
        return SocEstimate(
            lowest_percent=None
            if lowest is None or margin is None
            else lowest - margin,
            likely_percent=likely,
            highest_percent=highest,
            is_report_doubted=(
                told is not None
                and likely is not None
                and abs(told - likely) > AGREEMENT_PERCENT
            ),
            charged_wh=self._charged_wh,
            discharged_wh=discharged_wh,
        )


def _flow_w(evidence: SocEvidence, power_w: float) -> float:
    """Return a power, or 0 where it is no more than what an idle charger takes."""
    idle_w = evidence.offset_zero_w if evidence.commanded_w == 0 else 0.0
    is_idle = abs(power_w - idle_w) < flow_threshold_w(evidence.rating_w)
    return 0.0 if is_idle else power_w


def is_capacity_plausible(capacity_wh: float) -> bool:
    """Return True for a battery that a car can have; not for NaN."""
    return SMALLEST_CAPACITY_WH <= capacity_wh <= LARGEST_CAPACITY_WH


def _margin_percent(
    report: Reading, evidence: SocEvidence, now_mono_s: float
) -> float | None:
    """Return how wrong a report can be, points; None: too much to discharge."""
    age_s = 0.0 if evidence.is_resting else report.age_s(now_mono_s)
    if not 0.0 <= age_s <= SOC_STALE_AFTER_S:
        return None
    spent_wh = energy_wh(evidence.max_discharge_w, age_s)
    margin = RESOLUTION_PERCENT + percent_of(spent_wh, evidence.capacity_wh)
    return None if margin > LARGEST_UNCERTAINTY_PERCENT else margin


def _new_run(value: float, now_mono_s: float) -> _Run:
    return _Run(
        begun_mono_s=now_mono_s,
        least_percent=value,
        most_percent=value,
        lower_percent=value,
        upper_percent=value,
    )


_FULL_PERCENT = 100.0
