"""Pictures of how a charger followed what was asked."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from custom_components.v2g_vpp.domain.units import WATTS_PER_KILOWATT

from .following import Trace
from .plants import PLANTS
from .style import BLUE, INK, ORANGE, SHADE, page, save

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


def _kilowatts(powers_w: Sequence[float]) -> list[float]:
    return [power_w / WATTS_PER_KILOWATT for power_w in powers_w]
