"""What every benchmark of this folder shares: its options and its last line.

A benchmark is a module with `main(argv) -> int`:

    def main(argv: list[str]) -> int:
        bench = Bench.from_arguments("control", argv, __doc__)
        steps = 1_000 if bench.is_quick else 100_000
        ...
        bench.say("%d steps", steps)
        return bench.finish({"step_p99_ms": p99_ms}, {"step_p99_ms": at_most(1.0)})
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import json
import math
from typing import Literal, Self

type Figure = float | str | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The bound that one figure is held to."""

    kind: Literal["max", "min"]
    bound: float
    """In the unit that the figure's name ends in."""

    def is_met_by(self, figure: Figure | None) -> bool:
        """Tell whether the figure is a finite number within the bound."""
        if not isinstance(figure, int | float) or not math.isfinite(figure):
            return False
        return figure <= self.bound if self.kind == "max" else figure >= self.bound


def at_most(bound: float) -> Target:
    """Make a target that a figure meets by not exceeding the bound."""
    return Target(kind="max", bound=bound)


def at_least(bound: float) -> Target:
    """Make a target that a figure meets by reaching the bound."""
    return Target(kind="min", bound=bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One run of one benchmark."""

    name: str
    is_quick: bool
    is_json: bool

    @classmethod
    def from_arguments(
        cls, name: str, argv: Sequence[str], description: str | None
    ) -> Self:
        """Parse the options that all benchmarks have.

        Raises:
            SystemExit: An option is unknown, or `--help` was asked for.
        """
        parser = argparse.ArgumentParser(
            prog=f"script/bench {name}", description=description
        )
        parser.add_argument("--quick", action="store_true", help="a shorter run")
        parser.add_argument(
            "--json", action="store_true", help="print nothing but the last line"
        )
        options = parser.parse_args(argv)
        return cls(name=name, is_quick=options.quick, is_json=options.json)

    def say(self, text: str, *arguments: object) -> None:
        """Print a line for a person, `%`-style, unless only JSON is wanted."""
        if not self.is_json:
            print(text % arguments if arguments else text, flush=True)

    def finish(
        self, figures: Mapping[str, Figure], targets: Mapping[str, Target]
    ) -> int:
        """Print the result as the last line.

        Args:
            figures: What was measured; a quantity's name ends in its unit.
            targets: Bounds by the name of the figure that each holds. A target
                whose figure was not measured counts as missed.

        Returns:
            The exit code: 0 if every target is met, else 1.
        """
        ok = all(target.is_met_by(figures.get(key)) for key, target in targets.items())
        result = {
            "name": self.name,
            "figures": {key: _as_json(figure) for key, figure in figures.items()},
            "targets": {key: {t.kind: t.bound} for key, t in targets.items()},
            "ok": ok,
        }
        print(json.dumps(result), flush=True)
        return 0 if ok else 1


def _as_json(figure: Figure) -> Figure | None:
    # JSON knows no NaN and no infinity; `json` would write them all the same.
    if isinstance(figure, float) and not math.isfinite(figure):
        return None
    return figure
