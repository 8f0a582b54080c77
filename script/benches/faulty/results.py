"""What was measured, kept case by case, and as a table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
import json
from math import inf, isnan
from pathlib import Path
from typing import Any, Final

from script.benches.faulty.case import Result
from script.benches.faulty.plan import FAULTS
from script.benches.faulty.promises import ENERGY_WH

COLUMNS: Final = (
    ("after_heartbeat_s", "last heartbeat to 0 W, s"),
    ("after_setpoint_s", "last setpoint to 0 W, s"),
    ("after_meter_s", "home's last meter reading to 0 W, s"),
    ("stop_s", "stop while it lasts, s"),
    ("below_floor_wh", "below a floor, Wh"),
    ("energy_wh", "energy not counted, Wh"),
    ("recovery_s", "delivers again after, s"),
)
NOT_RUN: Final = "not run"


@dataclass(slots=True)
class Results:
    """Finished cases in a file, one a line, so that a run can be taken up again."""

    path: Path
    done: dict[str, dict[str, Any]] = field(default_factory=dict)

    def load(self) -> None:
        """Take up what an earlier run has finished."""
        if self.path.exists():
            for line in self.path.read_text().splitlines():
                found = json.loads(line)
                self.done[found["name"]] = found

    def add(self, result: Result) -> None:
        """Keep a finished case."""
        self.done[result.name] = json.loads(json.dumps(asdict(result)))
        self._write()

    def amend(self, name: str, trouble: str) -> None:
        """Keep what went wrong with a case and came out afterwards."""
        if name in self.done:
            self.done[name]["broken"].append(trouble)
            self._write()

    def note_energy(self, name: str, energy_wh: float) -> None:
        """Keep what was not counted in one direction, which a later reading tells."""
        if name not in self.done:
            return
        figures = self.done[name]["figures"]
        figures["energy_wh"] = round(max(energy_wh, figures.get("energy_wh", 0.0)), 2)
        if not energy_wh <= ENERGY_WH:
            self.amend(name, f"energy_wh {energy_wh:.1f} > {ENERGY_WH:.1f}")
        self._write()

    def _write(self) -> None:
        text = "".join(f"{json.dumps(each)}\n" for each in self.done.values())
        self.path.write_text(text)

    def worst(self, figure: str) -> float:
        """Return the largest of a figure; infinite when it was not to be had."""
        found = [
            value
            for each in self.done.values()
            if (value := each["figures"].get(figure)) is not None
        ]
        return max((inf if isnan(value) else value for value in found), default=0.0)


def table(done: Iterable[Mapping[str, Any]]) -> str:
    """Return fault by promise in Markdown."""
    heads = ["What goes wrong", *(text for _, text in COLUMNS), "Shown", "Kept"]
    lines = [_row(heads), _row(["---"] * len(heads))]
    texts = {fault.name: fault.text for fault in FAULTS}
    for each in done:
        figures = each["figures"]
        name = "; ".join(texts.get(part, part) for part in each["name"].split("+"))
        kept = "yes" if not each["broken"] else "; ".join(each["broken"])
        if each["needs_person"]:
            kept += ", with a person"
        cells = [_cell(figures.get(key)) for key, _ in COLUMNS]
        shown = ", ".join(f"`{key}`" for key in each["shown"])
        lines.append(_row([name, *cells, shown, kept]))
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
