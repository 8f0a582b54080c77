"""Regulation and tracking: ours beside open loops, naive loops and an oracle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from custom_components.v2g_vpp.domain.regulation import WINDOW_S
from custom_components.v2g_vpp.virtual.plant import PlantParameters

from . import peers, signals
from .loop import OCPP_2_1, Link, commissioned
from .plants import within_envelope_w
from .scores import HOUR_S, regulation_score, tracking_error

SETTLE_S = 60
OURS = "ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """How one way to follow did, mean of the seeds."""

    score: float
    tracking: float
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One run, to be drawn."""

    asked_w: Sequence[float]
    flowed_w: Sequence[float]
    open_loop_w: Sequence[float]


def follow_regulation(
    parameters: PlantParameters, seeds: Sequence[int], link: Link = OCPP_2_1
) -> tuple[Mapping[str, Followed], Trace]:
    """Return how each way followed the signal on a plant, and the last run of ours."""
    runs: dict[str, list[tuple[float, float]]] = {}
    trace = Trace(asked_w=(), flowed_w=(), open_loop_w=())
    for seed in seeds:
        plant = peers.seeded(parameters, seed)
        asked_w = signals.regulation(seed, HOUR_S + WINDOW_S)
        possible_w = [within_envelope_w(plant, power_w) for power_w in asked_w]
        flows = {
            name: peers.follow(peer, plant, asked_w)
            for name, peer in _peers(plant).items()
        }
        flows[OURS] = commissioned(plant, link).follow(asked_w)
        for name, flowed_w in flows.items():
            runs.setdefault(name, []).append(
                (
                    regulation_score(asked_w, flowed_w),
                    tracking_error(possible_w, flowed_w, plant.dead_time_s, SETTLE_S),
                )
            )
        trace = Trace(
            asked_w=asked_w,
            flowed_w=flows[OURS],
            open_loop_w=flows["open_loop"],
        )
    return {name: _mean(pairs) for name, pairs in runs.items()}, trace


def _mean(pairs: Sequence[tuple[float, float]]) -> Followed:
    return Followed(
        score=fmean(score for score, _ in pairs),
        tracking=fmean(error for _, error in pairs),
        scores=tuple(score for score, _ in pairs),
    )


def _peers(plant: PlantParameters) -> Mapping[str, peers.Peer]:
    return {
        "open_loop": peers.open_loop(),
        "calibrated": peers.calibrated(plant),
        "predictor": peers.predicting(plant),
        "oracle": peers.oracle(plant),
        "loop_30_s": peers.slow_loop(),
        "naive_1_s": peers.naive_integral(),
    }
