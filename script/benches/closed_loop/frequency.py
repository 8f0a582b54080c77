"""How quickly a charger answers the frequency, and what a steady one costs in writes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf
from random import Random

from custom_components.v2g_vpp.control.droop import support_power_w
from custom_components.v2g_vpp.control.frequency_meter import (
    FollowingCharger,
    FrequencyQuality,
    step_response_s,
    support_refusal,
)
from custom_components.v2g_vpp.domain.capability import timing_of
from custom_components.v2g_vpp.domain.dispatch import CommandKind
from custom_components.v2g_vpp.domain.frequency_response import SupportRefusal
from custom_components.v2g_vpp.domain.grid_profile import EN50549_50HZ
from custom_components.v2g_vpp.virtual.plant import PlantParameters
from tests.control.given import order, reading
from tests.control.responses import DROOP
from tests.control.rig import Rig

from .loop import ClosedLoop, commissioned

RATED_W = 11_000.0
GOOD_METER = FrequencyQuality(resolution_hz=0.001, period_s=1.0)
NOMINAL_HZ, LOW_HZ = 50.0, 49.85
ANSWERED_SHARE = 0.9
LONGEST_S = 60
STEADY_S = 300
NOISE_HZ = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a charger made of a step of the frequency from 50 Hz to 49.85 Hz."""

    refusal: SupportRefusal | None
    """Of the home, by the fingerprint that was learnt."""

    expected_s: float
    """Of the charger alone, by its fingerprint: to 90 % of a step of its rating."""

    rise_s: float
    """From the step to 90 % of what it asks for, with the response of the profile."""

    fall_s: float
    """From the step back until less than a tenth flows."""

    steady_writes: int
    """In five minutes of a low frequency with 1 mHz of noise, refreshes left out."""


def answer(parameters: PlantParameters) -> Answer:
    """Return how a charger answers, refused or not."""
    loop = commissioned(parameters)
    fingerprint, timing = loop.evse.fingerprint, timing_of(loop.evse.station.capability)
    charger = FollowingCharger(
        fingerprint=fingerprint,
        rated_w=RATED_W,
        write_interval_s=timing.write_interval_s,
    )
    grid = _follow_grid(loop)
    loop.run(60)
    wanted_w = support_power_w(DROOP, LOW_HZ)
    grid.frequency_hz = LOW_HZ
    rise_s = _until(loop, lambda power_w: power_w <= ANSWERED_SHARE * wanted_w)
    loop.run(60)
    before = len(loop.writes)
    loop.run(STEADY_S)
    told_s = [write.decided_mono_s for write in loop.writes[before:]]
    between_s = (after - sooner for sooner, after in pairwise(told_s))
    grid.frequency_hz = NOMINAL_HZ
    left_w = (1.0 - ANSWERED_SHARE) * wanted_w
    fall_s = _until(loop, lambda power_w: power_w >= left_w)
    return Answer(
        refusal=support_refusal(EN50549_50HZ, GOOD_METER, charger),
        expected_s=step_response_s(fingerprint, RATED_W),
        rise_s=rise_s,
        fall_s=fall_s,
        steady_writes=sum(gap_s < timing.refresh_s - 0.5 for gap_s in between_s),
    )


@dataclass(slots=True)
class _Grid:
    frequency_hz: float = NOMINAL_HZ


def _follow_grid(loop: ClosedLoop) -> _Grid:
    """Let a loop follow the frequency of a grid that the caller moves."""
    grid, noise = _Grid(), Random(1)  # noqa: S311 - a meter, not a secret

    def tick(rig: Rig) -> None:
        told_hz = grid.frequency_hz + noise.choice((-NOISE_HZ, 0.0, NOISE_HZ))
        rig.evse = replace(rig.evse, frequency_hz=reading(told_hz, rig.now_s))

    droop = replace(
        order(0.0, kind=CommandKind.DROOP, order_id="droop", ends_mono_s=float("inf")),
        start_mono_s=loop.now_s,
        response=DROOP,
    )
    loop.evse = replace(loop.evse, order=droop, support_refusal=None)
    loop.site = replace(loop.site, grid_profile=EN50549_50HZ)
    loop.on_tick = tick
    return grid


def _until(loop: ClosedLoop, is_there: Callable[[float], bool]) -> float:
    """Return after how long the true power was there, s; infinite when never."""
    begun_s = loop.now_s
    loop.run(LONGEST_S)
    return next(
        (
            at_s - begun_s
            for at_s, power_w in loop.powers_w
            if at_s > begun_s and is_there(power_w)
        ),
        inf,
    )
