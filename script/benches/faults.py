"""Break everything around a running discharge, one thing at a time and two at once.

A real Home Assistant, a virtual charger, mosquitto and the reference aggregator run as
processes of their own, three homes at a time. What is judged is what flows at the plant:
0 W in the promised time, no energy below a floor, nothing missing in counts and ledger,
the right repair, and the way back without a person. docs/faults.md explains each fault.
"""

import argparse
import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
import sys
from tempfile import TemporaryDirectory
import time
from typing import Final

from script.benches.faulty.case import Case, NoDischargeError, Result, Say, run_case
from script.benches.faulty.disk import take_own_mounts
from script.benches.faulty.ledger import LedgerWatch
from script.benches.faulty.plan import PAIRS, pairs, quick, singles
from script.benches.faulty.promises import bounds
from script.benches.faulty.results import Results, table
from script.benches.faulty.world import FaultyWorld, faulty_world
from script.benches.result import Bench, Figure, Target, at_least, at_most

HOMES: Final = 3
"""They wait most of the time: two cores are busy for less than half of it."""

PROMISES: Final = (
    "after_heartbeat_s",
    "after_setpoint_s",
    "after_meter_s",
    "left_w",
    "beyond_asked_w",
    "recovery_s",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the command line asks for beyond what all benchmarks have."""

    results: Path | None
    table: Path | None
    only: tuple[str, ...]
    pair_count: int
    homes: int


def main(argv: list[str]) -> int:
    """Run the benchmark; return the exit code."""
    choice, rest = _parse(argv)
    bench = Bench.from_arguments("faults", rest, __doc__)
    may_mount = take_own_mounts()
    with TemporaryDirectory(prefix="v2g_vpp-faults-") as name:
        results = Results(choice.results or Path(name) / "results.jsonl")
        results.load()
        cases = _cases(bench, choice)
        left = deque(case for case in cases if case.name not in results.done)
        bench.say(
            "%d cases, %d of them done before", len(cases), len(cases) - len(left)
        )
        home = Path(name)
        asyncio.run(_run(left, results, home, bench, choice.homes, may_mount=may_mount))
    names = [case.name for case in cases]
    if choice.table is not None:
        found = [results.done[each] for each in names if each in results.done]
        choice.table.write_text(f"{table(found)}\n")
    return bench.finish(*_figures(results, len(cases)))


def _cases(bench: Bench, choice: Choice) -> tuple[Case, ...]:
    every = (*singles(), *pairs(choice.pair_count))
    if choice.only:
        return tuple(case for case in every if case.name in choice.only)
    return quick() if bench.is_quick else every


async def _run(
    left: deque[Case],
    results: Results,
    directory: Path,
    bench: Bench,
    homes: int,
    *,
    may_mount: bool,
) -> None:
    homes = min(homes, len(left))
    await asyncio.gather(
        *(
            _live(left, results, directory / f"{number}", bench, may_mount=may_mount)
            for number in range(homes)
        )
    )


async def _live(
    left: deque[Case],
    results: Results,
    directory: Path,
    bench: Bench,
    *,
    may_mount: bool,
) -> None:
    """Take cases until none is left; a home that did not come back is given up."""
    number = 0
    tried: set[str] = set()
    await asyncio.to_thread(directory.mkdir)
    while left:
        number += 1

        def say(text: str) -> None:
            bench.say(
                "%s", f"{time.strftime('%H:%M:%S')} home {directory.name}: {text}"
            )

        async with faulty_world(
            directory / f"{number}", say, may_mount=may_mount
        ) as world:
            ledger = LedgerWatch(world)
            while left and await _next(world, left, results, ledger, tried, say):
                pass
            for case, energy_wh in await world.energy.settle():
                results.note_energy(case, energy_wh)
            for command, case in (await ledger.settle()).items():
                say(f"MISS {case}: no entry of {command}")
                results.amend(case, f"ledger: no entry of {command}")


async def _next(
    world: FaultyWorld,
    left: deque[Case],
    results: Results,
    ledger: LedgerWatch,
    tried: set[str],
    say: Say,
) -> bool:
    """Run the next case; return False when this home is of no use any more."""
    case = left.popleft()
    if any(fault.needs_clock for fault in case.faults) and not world.clock.is_available:
        say(f"not run, no C compiler: {case.name}")
        return True
    world.energy.begin()
    try:
        result = await run_case(world, case, say)
    except NoDischargeError as err:
        say(f"no discharge before {case.name}: {err}")
        if case.name not in tried:
            tried.add(case.name)
            left.appendleft(case)
        else:
            results.add(_failed(case, f"no discharge to begin with: {err}"))
        return False
    ledger.owe(case.name, result.commands)
    wrong = await ledger.look()
    result.broken = (*result.broken, *wrong)
    for each in wrong:
        say(f"     {each}")
    results.add(result)
    world.energy.mark(case.name)
    for name, energy_wh in world.energy.look():
        say(f"     {name}: {energy_wh:.1f} Wh not counted")
        results.note_energy(name, energy_wh)
    return not any(
        text.startswith(("not recovered", "could not")) for text in result.broken
    )


def _failed(case: Case, why: str) -> Result:
    return Result(name=case.name, figures={}, broken=(why,), shown=(), needs_person="")


def _figures(
    results: Results, planned: int
) -> tuple[dict[str, Figure], dict[str, Target]]:
    done = results.done.values()
    figures: dict[str, Figure] = {
        "cases": float(len(done)),
        "cases_kept": float(sum(not each["broken"] for each in done)),
        "ledger_lost": float(
            sum(text.startswith("ledger") for each in done for text in each["broken"])
        ),
        **{f"worst_{name}": results.worst(name) for name in bounds()},
    }
    for each in done:
        for name in ("after_heartbeat_s", "after_setpoint_s", "stop_s"):
            if name in each["figures"]:
                figures[f"{each['name']}_{name}"] = each["figures"][name]
    targets: dict[str, Target] = {
        "cases": at_least(float(planned)),
        "cases_kept": at_least(float(planned)),
        "ledger_lost": at_most(0.0),
        **{f"worst_{name}": at_most(bounds()[name]) for name in PROMISES},
    }
    return figures, targets


def _parse(argv: Sequence[str]) -> tuple[Choice, list[str]]:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--resume", type=Path, metavar="FILE")
    parser.add_argument("--table", type=Path, metavar="FILE")
    parser.add_argument("--only", action="append", default=[], metavar="CASE")
    parser.add_argument("--pairs", type=int, default=PAIRS, metavar="N")
    parser.add_argument("--homes", type=int, choices=range(1, HOMES + 1), default=HOMES)
    found, rest = parser.parse_known_args(argv)
    return Choice(
        results=found.resume,
        table=found.table,
        only=tuple(found.only),
        pair_count=found.pairs,
        homes=found.homes,
    ), rest


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
