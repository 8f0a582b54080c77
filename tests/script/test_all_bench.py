"""The run of all benchmarks, and what is made of their last lines."""

import json
from threading import Event

import pytest

from script.benches import all as all_bench
from script.benches.all import Ran, figures_of, last_line, missed, names

LINE = json.dumps(
    {
        "name": "sample",
        "figures": {"p99_ms": 3.0, "share": None},
        "targets": {"p99_ms": {"max": 2.0}, "share": {"min": 0.5}},
        "ok": False,
    }
)


def test_all_benchmarks_but_itself_are_run() -> None:
    found = names()
    assert {"control", "csms", "day", "fuzz", "ratios", "soak", "vpp"} <= set(found)
    assert all_bench.NAME not in found


def test_a_quick_run_waits_for_one_and_runs_others_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    last_one_ran = Event()
    ran: list[str] = []

    def run(name: str, *, is_quick: bool) -> Ran:
        if is_quick and name == all_bench.PATIENT:
            assert last_one_ran.wait(10.0)
        ran.append(name)
        if name == "control":
            last_one_ran.set()
        return Ran(name=name, seconds=1.0, result=last_line(LINE))

    monkeypatch.setattr(all_bench, "run", run)
    every = ["control", "faults", "soak", "vpp"]
    monkeypatch.setattr(all_bench, "names", lambda: every)
    assert all_bench.main(["--quick", "--json"]) == 1
    assert ran == ["vpp", "soak", "control", "faults"]
    ran.clear()
    assert all_bench.main(["--json"]) == 1
    assert ran == every
    ran.clear()
    without = ["control", "vpp"]
    monkeypatch.setattr(all_bench, "names", lambda: without)
    assert all_bench.main(["--quick", "--json"]) == 1
    assert ran == without


def test_figures_carry_the_name_of_their_benchmark() -> None:
    ran = Ran(name="sample", seconds=4.0, result=last_line(f"said\n{LINE}\n"))
    figures, targets = figures_of(ran)
    assert figures["sample.p99_ms"] == 3.0
    assert figures["sample.seconds"] == 4.0
    assert missed(figures, targets) == ["sample.p99_ms", "sample.share"]


@pytest.mark.parametrize("text", ["", "Traceback", "{}", "[1]", '{"figures": '])
def test_benchmark_without_a_last_line_is_a_missed_target(text: str) -> None:
    ran = Ran(name="sample", seconds=4.0, result=last_line(text))
    assert missed(*figures_of(ran)) == ["sample.has_result"]
