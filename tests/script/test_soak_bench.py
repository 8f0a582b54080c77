"""What the soak makes of its samples: slopes, sums of energy, the plan of a day."""

import json
from pathlib import Path

from hypothesis import given, strategies as st
import pytest

from script.benches.soak import hours_of
from script.benches.soaking import balance, probe, watch
from script.benches.soaking.figures import difference_percent, quantile, slope_per_h
from script.benches.soaking.home import DISPATCHED, PLAIN, PROTOCOLS

HOUR_S = 3600.0


@given(
    slope=st.floats(-1e4, 1e4),
    offset=st.floats(-1e6, 1e6),
    count=st.integers(10, 400),
)
def test_slope_of_a_line_is_found(slope: float, offset: float, count: int) -> None:
    points = [(10.0 * n, offset + slope * 10.0 * n / HOUR_S) for n in range(count)]
    assert slope_per_h(points) == pytest.approx(slope, abs=1e-3, rel=1e-6)


def test_slope_is_not_moved_by_a_wave_that_comes_once() -> None:
    points = [(10.0 * n, 900.0 if 40 < n < 60 else 0.0) for n in range(360)]
    assert slope_per_h(points) == 0.0


def test_slope_of_a_leak_in_small_steps_is_found() -> None:
    points = [(10.0 * n, 64.0 * (n // 20)) for n in range(360)]
    assert slope_per_h(points) == pytest.approx(64.0 * 18, rel=0.1)


def test_quantile_is_the_value_that_the_share_does_not_exceed() -> None:
    assert quantile(list(range(1000)), 0.999) == 999
    assert quantile([3.0], 0.5) == 3.0


def test_difference_is_a_share_of_the_truth() -> None:
    assert difference_percent(999.0, 1000.0) == pytest.approx(0.1)
    assert difference_percent(1.0, 0.0) == 100.0


def test_ledger_adds_up_the_registers_of_all_reports(tmp_path: Path) -> None:
    def report(end: int | None) -> str:
        registers = {
            "resource": "A/1",
            "charged_wh_start": 100,
            "charged_wh_end": end,
            "discharged_wh_start": 7,
            "discharged_wh_end": 9,
        }
        return json.dumps({"kind": "event_report", "body": {"registers": [registers]}})

    path = tmp_path / "ledger.jsonl"
    lines = [json.dumps({"kind": "genesis"}), report(150), report(120), report(None)]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    told = balance.told(path)
    assert told.energy == {"A/1": balance.Energy(charged_wh=70, discharged_wh=4)}
    assert (told.reports, told.broken) == (3, 1)


def test_worst_station_counts() -> None:
    truth = {
        "A": balance.Energy(charged_wh=1_000.0, discharged_wh=1_000.0),
        "B": balance.Energy(charged_wh=500.0, discharged_wh=0.0),
    }
    shown = truth | {"B": balance.Energy(charged_wh=495.0, discharged_wh=0.0)}
    assert balance.worst_percent(shown, truth) == pytest.approx(1.0)


def test_half_written_line_of_the_probe_is_left_out(tmp_path: Path) -> None:
    line = {"at_mono_s": 5.0, "tasks": 3, "threads": 2, "blocks": 9, "late_ms": [1.0]}
    text = f"{json.dumps(line)}\n{json.dumps(line)[:20]}"
    (tmp_path / probe.FILE).write_text(text, encoding="ascii")
    home = watch.Watched(pid=1, folder=tmp_path, points={"rss_kib": [(0.0, 1.0)]})
    assert home.read_probe().span("tasks") == (3, 3)


def test_twenty_stations_speak_all_three_versions() -> None:
    assert len(PROTOCOLS) == 20
    assert set(DISPATCHED.values()) == {"ocpp2.1"}
    assert set(PLAIN.values()) == {"ocpp2.0.1", "ocpp1.6"}


def test_hours_and_folder_are_taken_from_the_options() -> None:
    assert hours_of(["--hours", "24", "--json"]) == (24.0, None, ["--json"])
    assert hours_of(["--quick"]) == (None, None, ["--quick"])
