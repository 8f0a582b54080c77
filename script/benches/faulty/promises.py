"""What was promised, and what of it a case kept: judged at the plant."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf, isnan, nan
from typing import Final

from script.benches.faulty.watch import Seen
from script.rig.dispatching import DISPATCH_W, TOLERANCE_W
from script.rig.measured import Call, Measured, Sample
from script.rig.scenario_deadman import PROMISED_S
from script.rig.scenario_stops import FAILSAFE_S
from script.rig.world import PLANT, ZERO_W

METER_S: Final = 30.0
"""A meter of the home that says nothing for so long is none."""

DEADMAN_S: Final = PROMISED_S["v21_dynamic"]

TICK_S: Final = 1.0
STOP_S: Final = PLANT.dead_time_s + abs(DISPATCH_W) / PLANT.ramp_w_per_s + 2 * TICK_S
"""From the owner's word to 0 W: a tick, the charger's own time, and a second."""

FLOOR_WH: Final = 10.0
"""What flows in that time with the charger of this bench, at 5 kW."""

ENERGY_WH: Final = 10.0
"""A reading is on its way for up to a second or two on a busy machine, 1.4 Wh each at
5 kW, and entities show whole watt-hours."""

RECOVERY_S: Final = 120.0
"""A home whose broker was away waits up to 4 s between tries here; then come three
heartbeats, a command, the start of a transaction and the charger's own time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A span of time."""

    begin_mono_s: float
    end_mono_s: float


@dataclass(slots=True, kw_only=True)
class Facts:
    """All that a case has shown, as the judge gets it."""

    measured: Measured
    seen: Seen
    began_mono_s: float
    """When the first fault began."""

    ended_mono_s: float
    meter_mono_s: Sequence[float] = ()
    """When the meter of the home was heard; the list goes on while a case does."""

    left_w: float | None = None
    """What flowed out at the end of what has to end it; None: nothing had to."""

    windows: list[Window] = field(default_factory=list)
    """When no heartbeat reached the home that it may trust."""

    frozen: list[Window] = field(default_factory=list)
    """When the plant itself stood still with its charger's processor."""

    late_s: float = 0.0
    waits_s: float = 0.0
    floor_mono_s: float | None = None
    """When the owner raised the floor above the charge."""

    floor_end_mono_s: float = nan
    floor_percent: float = nan
    """Before it was raised."""

    recovery_s: float = nan
    missing: tuple[str, ...] = ()
    """What had to be shown and was not."""


def judge(facts: Facts) -> dict[str, float]:
    """Return what was measured, by the name of the promise."""
    samples = facts.measured.samples_since(facts.began_mono_s)
    exporting = [s.mono_s for s in samples if s.export_w > ZERO_W]
    discharges = [
        call
        for call in facts.measured.setpoints_since(facts.began_mono_s - DEADMAN_S)
        if (call.setpoint_w or 0.0) < 0
    ]
    figures = {
        "after_setpoint_s": _longest(
            exporting, [c.mono_s for c in discharges], facts.frozen
        ),
        "after_heartbeat_s": _longest(
            _dispatched(exporting, samples, facts), _trusted(facts), facts.frozen
        ),
        "after_meter_s": _longest(exporting, facts.meter_mono_s, facts.frozen),
        "beyond_asked_w": _beyond(samples, discharges),
        "below_floor_wh": _below_floor_wh(facts),
        "recovery_s": facts.recovery_s,
    }
    if facts.left_w is not None:
        figures["left_w"] = facts.left_w
    if facts.floor_mono_s is not None:
        zero = _first_zero(facts, facts.floor_mono_s)
        figures["stop_s"] = zero - facts.floor_mono_s
    return {name: round(value, 2) for name, value in figures.items()}


def broken(facts: Facts, figures: Mapping[str, float]) -> tuple[str, ...]:
    """Return which promises were not kept, in words."""
    found = [
        f"{name} {figures[name]:.1f} > {bound:.1f}"
        for name, bound in bounds(facts.late_s, facts.waits_s).items()
        # What is not a number was not seen to be kept.
        if name in figures and not figures[name] <= bound
    ]
    return (*found, *(f"not shown: {each}" for each in facts.missing))


def bounds(late_s: float = 0.0, waits_s: float = 0.0) -> dict[str, float]:
    """Return the bound of each promise.

    Args:
        late_s: what the faults add to the way of a stop.
        waits_s: what they add to the way back.
    """
    late_wh = late_s * abs(DISPATCH_W) / 3_600.0
    return {
        "after_setpoint_s": DEADMAN_S,
        "after_heartbeat_s": FAILSAFE_S,
        "after_meter_s": METER_S + STOP_S,
        "left_w": ZERO_W,
        "beyond_asked_w": 0.0,
        "below_floor_wh": FLOOR_WH + late_wh,
        "stop_s": STOP_S + late_s,
        "recovery_s": RECOVERY_S + waits_s,
        "energy_wh": ENERGY_WH,
    }


def _dispatched(
    exporting: Sequence[float], samples: Sequence[Sample], facts: Facts
) -> list[float]:
    """Return when a dispatch may have been what flowed out.

    A charge that began at rest is none, though a fault turns it round: from its first
    word until a stop after its last one.
    """
    charges: list[Window] = []
    for call in facts.measured.setpoints_since(facts.began_mono_s):
        is_charge = (call.setpoint_w or 0.0) > 0
        if charges and charges[-1].end_mono_s == inf:
            if not is_charge:
                begin = charges.pop().begin_mono_s
                end = call.mono_s + STOP_S
                charges.append(Window(begin_mono_s=begin, end_mono_s=end))
        elif is_charge and _is_at_rest(samples, call.mono_s):
            charges.append(Window(begin_mono_s=call.mono_s, end_mono_s=inf))
    return [
        moment
        for moment in exporting
        if not any(w.begin_mono_s <= moment <= w.end_mono_s for w in charges)
    ]


def _is_at_rest(samples: Sequence[Sample], mono_s: float) -> bool:
    before = [sample for sample in samples if sample.mono_s <= mono_s]
    return bool(before) and before[-1].export_w <= ZERO_W


def _trusted(facts: Facts) -> list[float]:
    return [
        beat
        for beat in facts.seen.heartbeats
        if not any(w.begin_mono_s <= beat <= w.end_mono_s for w in facts.windows)
    ]


def _longest(
    moments: Iterable[float], marks: Sequence[float], frozen: Sequence[Window]
) -> float:
    """Return the longest time from the newest mark to a moment; 0 without moments.

    Time in which the plant stood still is not counted.
    """
    longest, newest, count = 0.0, nan, 0
    for moment in moments:
        while count < len(marks) and marks[count] <= moment:
            newest, count = marks[count], count + 1
        if isnan(newest):
            return nan
        still_s = sum(
            max(0.0, min(moment, w.end_mono_s) - max(newest, w.begin_mono_s))
            for w in frozen
        )
        longest = max(longest, moment - newest - still_s)
    return longest


def _beyond(samples: Sequence[Sample], discharges: Sequence[Call]) -> float:
    """Return how far the export went beyond the largest discharge asked for, W."""
    asked_w = max((-(c.setpoint_w or 0.0) for c in discharges), default=0.0)
    largest_w = max((s.export_w for s in samples), default=0.0)
    return max(0.0, largest_w - max(asked_w, abs(DISPATCH_W)) - TOLERANCE_W)


def _below_floor_wh(facts: Facts) -> float:
    """Return what flowed out below the floor, Wh."""
    energy_wh = 0.0
    if facts.floor_mono_s is not None:
        samples = facts.measured.samples_since(facts.floor_mono_s)
        for before, after in pairwise(samples):
            if after.mono_s > facts.floor_end_mono_s:
                break
            if before.export_w > ZERO_W:
                energy_wh += before.export_w * (after.mono_s - before.mono_s) / 3_600.0
    below = [t for t, soc in facts.seen.soc if soc < facts.floor_percent]
    if below:
        energy_wh += facts.measured.export_wh(below[0], ZERO_W)
    return energy_wh


def _first_zero(facts: Facts, since_mono_s: float) -> float:
    for sample in facts.measured.samples_since(since_mono_s):
        if sample.export_w <= ZERO_W:
            return sample.mono_s
    return facts.ended_mono_s
