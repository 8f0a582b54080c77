"""Pictures of how a charger followed what was asked."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from custom_components.v2g_vpp.domain.site_meters import NOMINAL_VOLTAGE_V
from custom_components.v2g_vpp.domain.units import WATTS_PER_KILOWATT

from .following import Trace
from .fuse import FUSE_A, PHASES, Fused
from .house import Evening
from .plants import PLANTS
from .style import BLUE, INK, ORANGE, RED, SHADE, page, save

SHOWN_S = 600
BEGIN_S = 600


def draw_regulation(traces: Mapping[str, Trace], folder: Path) -> None:
    """Draw ten minutes of the regulation signal on each charger."""
    figure, rows = page(len(traces), 11.0, 2.3 * len(traces) + 0.6)
    span = slice(BEGIN_S, BEGIN_S + SHOWN_S)
    minutes = [second / 60.0 for second in range(SHOWN_S)]
    for axes, (name, trace) in zip(rows, traces.items(), strict=True):
        asked_kw = _kilowatts(trace.asked_w[span])
        axes.fill_between(
            minutes, asked_kw, color=SHADE, step="post", label="asked", linewidth=0
        )
        for powers_w, color, width, label in (
            (trace.open_loop_w, ORANGE, 1.0, "open loop"),
            (trace.flowed_w, BLUE, 1.7, "this product"),
        ):
            axes.plot(
                minutes,
                _kilowatts(powers_w[span]),
                color=color,
                linewidth=width,
                label=label,
            )
        axes.axhline(0.0, color=INK, linewidth=0.7)
        axes.set_title(
            f"{name.replace('_', ' ')}: dead time {PLANTS[name].dead_time_s:g} s"
        )
        axes.set_ylabel("kW into the vehicle")
        axes.margins(x=0.005)
    rows[0].legend(ncols=3, loc="lower right", bbox_to_anchor=(1.0, 1.0))
    rows[-1].set_xlabel("minutes")
    save(figure, folder / "regulation.png")


def draw_evenings(
    evenings: Mapping[str, tuple[Sequence[float], Evening]], folder: Path
) -> None:
    """Draw the load of an evening, the vehicle that serves it, and what is left."""
    figure, rows = page(len(evenings), 11.0, 2.5 * len(evenings) + 0.6)
    for axes, (name, (load_w, result)) in zip(rows, evenings.items(), strict=True):
        minutes = [second / 60.0 for second in range(len(load_w))]
        grid_kw = _kilowatts(result.grid_w[: len(load_w)])
        served_kw = [-value for value in _kilowatts(result.vehicle_w[: len(load_w)])]
        axes.fill_between(
            minutes, _kilowatts(load_w), color=SHADE, label="household", linewidth=0
        )
        axes.plot(minutes, served_kw, color=BLUE, linewidth=1.0, label="vehicle")
        axes.plot(minutes, grid_kw, color=ORANGE, linewidth=0.7, label="grid")
        axes.axhline(0.0, color=INK, linewidth=0.7)
        axes.set_title(
            f"{name}: bought {result.import_kwh:.2f} kWh,"
            f" fed in {result.export_kwh:.2f} kWh"
        )
        axes.set_ylabel("kW")
        axes.margins(x=0.005)
    rows[0].legend(ncols=3, loc="lower right", bbox_to_anchor=(1.0, 1.0))
    rows[-1].set_xlabel("minutes")
    save(figure, folder / "evening.png")


def draw_fuse(fused: Mapping[str, Fused], folder: Path) -> None:
    """Draw the most loaded phase against the fuse, and the charging under it."""
    figure, rows = page(len(fused), 11.0, 2.5 * len(fused) + 0.6)
    fuse_kw = FUSE_A * NOMINAL_VOLTAGE_V / WATTS_PER_KILOWATT
    for axes, (name, result) in zip(rows, fused.items(), strict=True):
        minutes = [second / 60.0 for second in range(len(result.phase_w))]
        axes.fill_between(
            minutes,
            [power_kw / PHASES for power_kw in _kilowatts(result.vehicle_w)],
            color=SHADE,
            label="vehicle, per phase",
            linewidth=0,
        )
        phase_kw = _kilowatts(result.phase_w)
        axes.plot(minutes, phase_kw, color=BLUE, linewidth=0.8, label="fullest phase")
        axes.axhline(fuse_kw, color=RED, linewidth=1.2, label="fuse")
        axes.set_title(
            f"{name}: {result.late_s} s too long above the fuse,"
            f" {100.0 * result.energy_share:.1f} % of an oracle's energy"
        )
        axes.set_ylabel("kW")
        axes.margins(x=0.005)
    rows[0].legend(ncols=3, loc="lower right", bbox_to_anchor=(1.0, 1.0))
    rows[-1].set_xlabel("minutes")
    save(figure, folder / "fuse.png")


def _kilowatts(powers_w: Sequence[float]) -> list[float]:
    return [power_w / WATTS_PER_KILOWATT for power_w in powers_w]
