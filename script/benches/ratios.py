"""Measure the hot paths, each beside a yardstick in the same process.

Processor time, in turns of milliseconds, the turn in the middle: what else runs on the
machine hardly shows, and neither does how fast the machine is. `script/check --bench` holds these ratios to
`script/benches/baseline.json`.
"""

import argparse
import asyncio
from collections.abc import Mapping
import json
from pathlib import Path
from statistics import median

from script.benches.result import Bench, at_most
from script.benches.side_by_side.paired import compare
from script.benches.side_by_side.pairs import PAIRS

BASELINE = Path(__file__).with_name("baseline.json")
WORSE = 1.2
"""A ratio may be a fifth worse than the baseline."""

TURNS, QUICK_TURNS = 400, 150
ATTEMPTS = 3
"""Whoever is too slow once may have met a bad moment; whoever got slower stays so."""

BASELINE_RUNS = 5
"""The baseline is the run in the middle."""


def main(argv: list[str]) -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--slower", type=float, default=0.0, metavar="PERCENT")
    parser.add_argument("--write-baseline", action="store_true")
    options, rest = parser.parse_known_args(argv)
    bench = Bench.from_arguments("ratios", rest, __doc__)
    if options.write_baseline:
        runs = [asyncio.run(measure(bench, {})) for _ in range(BASELINE_RUNS)]
        middle = {name: median(run[name] for run in runs) for name in PAIRS}
        write_baseline(middle)
        return bench.finish(middle, {})
    bounds = {name: WORSE * ratio for name, ratio in read_baseline().items()}
    figures = asyncio.run(measure(bench, bounds, options.slower))
    missed = [name for name, bound in bounds.items() if figures[name] > bound]
    for name in missed:
        bench.say(
            "%s: %.3f, %.0f %% worse than the baseline",
            name,
            figures[name],
            100 * (WORSE * figures[name] / bounds[name] - 1),
        )
    return bench.finish(figures, {name: at_most(one) for name, one in bounds.items()})


def read_baseline() -> Mapping[str, float]:
    """Return the ratios that are held."""
    ratios: Mapping[str, float] = json.loads(BASELINE.read_text(encoding="ascii"))
    return ratios


def write_baseline(ratios: Mapping[str, float]) -> None:
    """Hold these from now on."""
    rounded = {name: round(ratio, 3) for name, ratio in ratios.items()}
    BASELINE.write_text(json.dumps(rounded, indent=2) + "\n", encoding="ascii")


async def measure(
    bench: Bench, bounds: Mapping[str, float], slower_percent: float = 0.0
) -> dict[str, float]:
    """Return every ratio, the best of up to three attempts where a bound is missed."""
    turns = QUICK_TURNS if bench.is_quick else TURNS
    ratios: dict[str, float] = {}
    for name, make in PAIRS.items():
        seen: list[float] = []
        while len(seen) < ATTEMPTS:
            seen.append(await compare(make(), turns, slower_percent=slower_percent))
            if min(seen) <= bounds.get(name, float("inf")):
                break
        ratios[name] = min(seen)
        bench.say("%-20s %.3f %s", name, ratios[name], [round(r, 3) for r in seen])
    return ratios
