"""The last line of a benchmark, and the program that starts one by name."""

import importlib
import json
import math
import subprocess

import pytest

from script.benches.result import Bench, Target, at_least, at_most
from tests.repository import ROOT

BENCH = Bench(name="sample", is_quick=False, is_json=False)


@pytest.mark.parametrize(
    ("target", "figure", "expected"),
    [
        (at_most(2.0), 2.0, True),
        (at_most(2.0), 2.1, False),
        (at_least(2.0), 2, True),
        (at_least(2.0), 1.9, False),
        (at_least(2.0), None, False),
        (at_most(2.0), math.nan, False),
        (at_least(2.0), math.inf, False),
        (at_most(2.0), "1.0", False),
    ],
)
def test_target_is_met_only_by_a_finite_number_within_the_bound(
    target: Target, figure: float | str | None, expected: bool
) -> None:
    assert target.is_met_by(figure) is expected


@pytest.mark.parametrize(("p99_ms", "code"), [(0.8, 0), (1.2, 1)])
def test_last_line_says_what_the_exit_code_says(
    capsys: pytest.CaptureFixture[str], p99_ms: float, code: int
) -> None:
    BENCH.say("%d steps", 3)
    assert BENCH.finish({"p99_ms": p99_ms}, {"p99_ms": at_most(1.0)}) == code
    first, last = capsys.readouterr().out.splitlines()
    assert first == "3 steps"
    assert json.loads(last) == {
        "name": "sample",
        "figures": {"p99_ms": p99_ms},
        "targets": {"p99_ms": {"max": 1.0}},
        "ok": code == 0,
    }


def test_figure_that_is_no_number_is_null_in_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert BENCH.finish({"p99_ms": math.nan}, {"p99_ms": at_most(1.0)}) == 1
    assert json.loads(capsys.readouterr().out)["figures"] == {"p99_ms": None}


def test_json_option_silences_all_but_the_last_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench = Bench.from_arguments("sample", ["--json", "--quick"], None)
    assert bench.is_quick
    bench.say("not shown")
    assert capsys.readouterr().out == ""


def test_only_what_can_be_run_is_listed() -> None:
    listed = subprocess.run(
        [ROOT / "script" / "bench", "--list"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    ).stdout.split()
    assert {"control", "csms", "fuzz", "vpp"} <= set(listed)
    for name in listed:
        module = importlib.import_module(f"script.benches.{name}")
        assert callable(getattr(module, "main", None)), name


def test_unknown_name_is_one_line_that_lists_the_names() -> None:
    result = subprocess.run(
        [ROOT / "script" / "bench", "no-such-bench"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: no benchmark 'no-such-bench'; there are: ")
    assert result.stderr.count("\n") == 1
