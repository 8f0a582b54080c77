"""Measure the discharge coordinator in closed loops, beside simpler ways and an oracle.

Chargers with the offsets, the dead zone and the noise of a measured one, at dead times
of 0.5, 4, 7 and 15 s, driven by the real coordinator, output gate and delivery after a
self-test and with the fingerprint that it learns. Every signal has a fixed seed.
"""

from argparse import ArgumentParser
from pathlib import Path
import sys

from script.benches.closed_loop.energy import deliver, floor_overrun
from script.benches.closed_loop.following import OURS, Trace, follow_regulation
from script.benches.closed_loop.plants import PLANTS
from script.benches.closed_loop.step_time import step_ms
from script.benches.result import Bench, Target, at_least, at_most

SEEDS, FEW_SEEDS = range(1, 6), range(1, 2)
HELD = ("fast", "typical", "slow")
"""A charger with 15 s is measured too; what is promised of it is less."""

TRACKED = ("fast", "typical")
LARGEST_TRACKING_RATIO = 1.15
ENERGY_MISS = 0.02
COMMITTED_SHARE = 0.95
SMALL_HOME, LARGE_SITE = 10, 1_000


class Kpis:
    """Figures and targets as they come."""

    def __init__(self, bench: Bench) -> None:
        """Start with none."""
        self.bench = bench
        self.figures: dict[str, float] = {}
        self.targets: dict[str, Target] = {}
        self.traces: dict[str, Trace] = {}
        self.seeds = FEW_SEEDS if bench.is_quick else SEEDS

    def hold(self, name: str, figure: float, target: Target | None = None) -> None:
        """Take a figure, and what it is held to."""
        self.figures[name] = figure
        if target is not None:
            self.targets[name] = target


def main(argv: list[str]) -> int:
    """Run the benchmark; return the exit code."""
    folder, rest = plot_folder(argv)
    kpis = Kpis(Bench.from_arguments("control", rest, __doc__))
    _steps(kpis)
    for name in PLANTS:
        _regulation(kpis, name)
        _energy(kpis, name)
    if folder is not None:
        # Only who wants pictures pays for the library that draws them.
        from script.benches.closed_loop.plots import draw_regulation  # noqa: PLC0415

        draw_regulation(kpis.traces, folder)
        kpis.bench.say("pictures: %s", folder)
    return kpis.bench.finish(kpis.figures, kpis.targets)


def plot_folder(argv: list[str]) -> tuple[Path | None, list[str]]:
    """Return the folder of `--plot DIR`, made when missing, and the other options."""
    parser = ArgumentParser(add_help=False)
    parser.add_argument("--plot", type=Path)
    options, rest = parser.parse_known_args(argv)
    folder: Path | None = options.plot
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return folder, rest


def _steps(kpis: Kpis) -> None:
    for count, rounds, bound_ms in ((SMALL_HOME, 1_000, 1.0), (LARGE_SITE, 40, 30.0)):
        figure = step_ms(count, rounds // 10 if kpis.bench.is_quick else rounds)
        kpis.hold(f"step_{count}_median_ms", figure, at_most(bound_ms))
        kpis.bench.say("step with %d EVSEs: %.3f ms", count, figure)


def _regulation(kpis: Kpis, name: str) -> None:
    followed, kpis.traces[name] = follow_regulation(PLANTS[name], kpis.seeds)
    ours, is_held = followed[OURS], name in HELD
    for way, result in followed.items():
        kpis.hold(f"{name}_score_{way}", result.score)
        kpis.hold(f"{name}_tracking_{way}", result.tracking)
    plain = followed["open_loop"].scores
    margin = min(a - b for a, b in zip(ours.scores, plain, strict=True))
    others = [r.score for way, r in followed.items() if way not in (OURS, "oracle")]
    ratio = ours.tracking / followed["oracle"].tracking
    for key, figure, target in (
        ("score_over_calibrated", ours.score - followed["calibrated"].score, True),
        ("score_over_predictor", ours.score - followed["predictor"].score, True),
        ("score_least_over_open_loop", margin, is_held),
        ("score_over_best_peer", ours.score - max(others), is_held),
    ):
        kpis.hold(f"{name}_{key}", figure, at_least(0.0) if target else None)
    kpis.hold(
        f"{name}_tracking_over_oracle",
        ratio,
        at_most(LARGEST_TRACKING_RATIO) if name in TRACKED else None,
    )
    kpis.bench.say(
        "%s: score %.3f (open loop %.3f, calibrated %.3f, predictor %.3f, oracle %.3f,"
        " 30 s loop %.3f, naive %.3f), tracking %.3f x oracle",
        name,
        *(
            followed[way].score
            for way in (
                OURS,
                "open_loop",
                "calibrated",
                "predictor",
                "oracle",
                "loop_30_s",
                "naive_1_s",
            )
        ),
        ratio,
    )


def _energy(kpis: Kpis, name: str) -> None:
    results = [deliver(PLANTS[name], seed) for seed in kpis.seeds]
    miss = max(abs(1.0 - result.worst_share) for result in results)
    peer = min(abs(1.0 - result.peer_worst_share) for result in results)
    is_held = name in HELD
    committed = min(result.committed_share for result in results)
    over = sum(result.writes_over_budget for result in results)
    below = max(floor_overrun(PLANTS[name], seed) for seed in kpis.seeds)
    kpis.hold(f"{name}_energy_miss", miss, at_most(ENERGY_MISS) if is_held else None)
    kpis.hold(f"{name}_energy_miss_open_loop", peer)
    kpis.hold(
        f"{name}_committed_share",
        committed,
        at_least(COMMITTED_SHARE) if is_held else None,
    )
    kpis.hold(f"{name}_writes_over_budget", over, at_most(0.0))
    kpis.hold(f"{name}_below_floor_over_bound", below, at_most(1.0))
    kpis.bench.say(
        "%s: energy missed by %.2f %% at most (open loop %.1f %%), %.0f %% committed,"
        " %d writes over budget, below the floor %.2f x the bound",
        name,
        100.0 * miss,
        100.0 * peer,
        100.0 * committed,
        over,
        below,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
