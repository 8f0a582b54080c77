"""Run every benchmark and put all figures into one line.

They run one after the other. In a quick run the one that waits for something most of its
time comes last, and beside it those that hardly feel that.

The name of a figure begins with that of its benchmark. A benchmark that did not come to
its last line counts as a missed target. Of some figures it is known that they miss theirs
(see `docs/benchmarks.md`), so this tells what is; `script/check --bench` tells what got
worse.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
import contextlib
from dataclasses import dataclass
from functools import partial
import json
import os
import signal
import subprocess
from time import monotonic
from typing import Any

from script.benches.result import Bench, Figure, Target, at_least, at_most
from script.rig.processes import ROOT

NAME = "all"
BENCH = ROOT / "script" / "bench"
LONGEST_QUICK_S = 600.0
"""All of them together."""

PATIENCE_S = {True: 600.0, False: 6 * 3600.0}
"""For one, quick or not."""

PATIENT = "faults"
"""Its programs do next to nothing between two events, and a quick run of it holds no time
of a processor."""

BESIDE = ("soak", "control", "day", "ratios")
"""A quick soak holds no time of a processor either, and does next to nothing between two
readings; the others measure the time of their own processor alone. One after the other:
two that share a cache slow each other."""

PARTS_END_S = 60.0
"""A benchmark that is told to end ends its own programs first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One benchmark that was run."""

    name: str
    seconds: float
    result: Mapping[str, Any] | None
    """Its last line, None where there was none."""


def main(argv: list[str]) -> int:
    """Run the benchmark; return the exit code."""
    bench = Bench.from_arguments(NAME, argv, __doc__)
    figures: dict[str, Figure] = {}
    targets: dict[str, Target] = {}
    begin_s = monotonic()
    for ran in _runs(names(), is_quick=bench.is_quick):
        ran_figures, ran_targets = figures_of(ran)
        figures |= ran_figures
        targets |= ran_targets
        bench.say(
            "%-10s %5.0f s  missed: %s",
            ran.name,
            ran.seconds,
            ", ".join(missed(ran_figures, ran_targets)) or "nothing",
        )
    figures["seconds"] = monotonic() - begin_s
    if bench.is_quick:
        targets["seconds"] = at_most(LONGEST_QUICK_S)
    return bench.finish(figures, targets)


def _runs(every: Sequence[str], *, is_quick: bool) -> Iterator[Ran]:
    """Yield each benchmark that was run."""
    run_one = partial(run, is_quick=is_quick)
    if not is_quick or PATIENT not in every:
        yield from map(run_one, every)
        return
    yield from map(run_one, (n for n in every if n not in (PATIENT, *BESIDE)))
    with ThreadPoolExecutor(1) as pool:
        patient = pool.submit(run_one, PATIENT)
        yield from map(run_one, (name for name in BESIDE if name in every))
        yield patient.result()


def names() -> Sequence[str]:
    """Return the names of all benchmarks but this one."""
    listed = subprocess.run(
        [BENCH, "--list"], capture_output=True, text=True, check=True
    ).stdout.split()
    return [name for name in listed if name != NAME]


def run(name: str, *, is_quick: bool) -> Ran:
    """Run one benchmark and return what it said."""
    begin_s = monotonic()
    with subprocess.Popen(
        [BENCH, name, "--json", *(["--quick"] if is_quick else [])],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            text, _ = process.communicate(timeout=PATIENCE_S[is_quick])
        except subprocess.TimeoutExpired:
            text = ""
            _end(process)
    return Ran(name=name, seconds=monotonic() - begin_s, result=last_line(text))


def last_line(text: str) -> Mapping[str, Any] | None:
    """Return the result that a benchmark printed last, None when it is none."""
    lines = text.strip().splitlines()
    try:
        result: Any = json.loads(lines[-1])
    except IndexError, ValueError:
        return None
    return result if isinstance(result, dict) and "figures" in result else None


def figures_of(ran: Ran) -> tuple[dict[str, Figure], dict[str, Target]]:
    """Return the figures and targets of a benchmark, with its name before theirs."""
    figures: dict[str, Figure] = {
        f"{ran.name}.has_result": ran.result is not None,
        f"{ran.name}.seconds": ran.seconds,
    }
    targets = {f"{ran.name}.has_result": at_least(1.0)}
    if ran.result is not None:
        for key, figure in ran.result["figures"].items():
            figures[f"{ran.name}.{key}"] = float("nan") if figure is None else figure
        for key, target in ran.result["targets"].items():
            ((kind, bound),) = target.items()
            targets[f"{ran.name}.{key}"] = Target(kind=kind, bound=bound)
    return figures, targets


def missed(
    figures: Mapping[str, Figure], targets: Mapping[str, Target]
) -> Sequence[str]:
    """Return the names of the figures that do not meet their target."""
    return [
        key for key, target in targets.items() if not target.is_met_by(figures.get(key))
    ]


def _end(process: subprocess.Popen[str]) -> None:
    """End a benchmark that takes too long, and whatever of it does not end."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(PARTS_END_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
