"""The signal and the figures of the fleet bench, without a fleet."""

import pytest

from script.benches.vpp_fleet import Run, figures, signal

HOMES = 10


def run_of(late_w: int) -> Run:
    series = signal(HOMES, 600)
    truth = [
        {
            "t_mono": 100.0 + second,
            "power_w": (series.power_w(second) or 0) + late_w,
            "late_s": 0.01,
        }
        for second in range(600)
    ]
    homes = [
        {"manner": "obeys", "most_w": 10_000, "discharged_wh": wh}
        for wh in (1_000, 1_000, 500)
    ]
    names = ("commands", "renewals", "cancels")
    metrics = {f"v2g_vpp_follower_{name}_total": 20.0 for name in names}
    return Run(
        homes=HOMES,
        series=series,
        begun_mono_s=100.0,
        connect_s=1.0,
        truth=truth,
        summary={"applied_twice": 0, "homes": homes},
        metrics={
            **metrics,
            "v2g_vpp_resends_total": 0.0,
            "v2g_vpp_unanswered_total": 0.0,
        },
        cpu_s={"leader": 6.0},
    )


def test_the_signal_comes_from_nothing_stays_within_the_fleet_and_goes() -> None:
    series = signal(HOMES, 600)
    assert series.end_s == 600
    assert series.power_w(0) == 0
    middle = [series.power_w(second) or 0 for second in range(60, 540)]
    assert -0.75 * HOMES * 10_000 < min(middle) < max(middle) < -0.35 * HOMES * 10_000
    assert abs(series.power_w(599) or 0) < 0.1 * HOMES * 10_000


def test_an_error_is_told_as_a_share_of_the_demand() -> None:
    good, bad = figures(run_of(0)), figures(run_of(1_000))
    assert good["fleet_error_percent"] == 0
    assert bad["fleet_error_percent"] == pytest.approx(1.9, abs=0.3)
    assert bad["fleet_energy_error_percent"] == pytest.approx(-1.9, abs=0.3)
    assert good["fleet_jain"] == pytest.approx(0.926, abs=0.001)
    assert good["fleet_commands_per_s"] == 0.1
    assert good["fleet_leader_cpu_percent"] == 1.0
