"""The day on one page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from custom_components.v2g_vpp.domain.units import WATTS_PER_KILOWATT
from script.benches.closed_loop.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    QUIET,
    RED,
    SAND,
    SHADE,
    VIOLET,
    page,
    save,
)

from .ledger import Minute
from .plan import DISPATCHES, FAULT_MIN, VEHICLES

NAMES = tuple(spec.name for spec in VEHICLES)
OUTLET_COLORS = (BLUE, GREEN)
SUN = "#e7b73c"
REASON_COLORS = (BLUE, GREEN, ORANGE, VIOLET, RED, SUN, "#4aa8b8", "#b0637f", QUIET)
ABOVE: Mapping[str, Any] = {
    "ncols": 4,
    "loc": "lower right",
    "bbox_to_anchor": (1.0, 0.99),
}
"""Where a legend hides nothing."""

NOTHING = frozenset({"not_plugged", "no_transaction", "mode_off"})


def draw_day(
    minutes: Sequence[Minute],
    texts: Mapping[str, str],
    lines: Sequence[tuple[str, str]],
    path: Path,
) -> None:
    """Draw power, charge, the grid and the reasons of a day.

    Args:
        minutes: of the day, in order.
        texts: of the reasons, as a person reads them.
        lines: name and value of the sums, for the foot of the page.
        path: of the picture.
    """
    figure, rows = page(5, 12.0, 15.0, heights=(2.0, 2.0, 2.2, 2.0, 1.6))
    hours = [line.minute / 60.0 for line in minutes]
    _home(rows[0], hours, minutes)
    _vehicles(rows[1], hours, minutes)
    _charge(rows[2], hours, minutes)
    _grid(rows[3], hours, minutes)
    _reasons(rows[4], minutes, texts)
    for axes in rows:
        _mark(axes)
        axes.set_xlim(hours[0], hours[-1] + 1.0 / 60.0)
    rows[-1].set_xlabel("hour of the day")
    if hours[-1] - hours[0] > 12.0:
        rows[-1].set_xticks(range(0, 25, 2))
    figure.suptitle(
        "A day in the life of a home with two bidirectional chargers",
        x=0.01,
        ha="left",
        fontsize=15,
        fontweight="bold",
        color=INK,
    )
    figure.supxlabel(_foot(lines), x=0.01, ha="left", fontsize=9.5, family="monospace")
    save(figure, path)


def _foot(lines: Sequence[tuple[str, str]]) -> str:
    """Return the sums in three columns."""
    cells = [f"{name:<31}{value:>13}" for name, value in lines]
    height = -(-len(cells) // 3)
    columns = [cells[begin : begin + height] for begin in range(0, len(cells), height)]
    return "\n".join(
        "    ".join(column[row] for column in columns if row < len(column))
        for row in range(height)
    )


def _kw(values: Sequence[float]) -> list[float]:
    return [value / WATTS_PER_KILOWATT for value in values]


def _home(axes: Axes, hours: Sequence[float], minutes: Sequence[Minute]) -> None:
    axes.fill_between(
        hours, _kw([m.sun_w for m in minutes]), color=SUN, alpha=0.45, label="sun"
    )
    load_kw = _kw([m.load_w for m in minutes])
    axes.plot(hours, load_kw, color=INK, linewidth=1.0, label="household")
    axes.set_title("What the home uses and makes")
    axes.set_ylabel("kW")
    prices = axes.twinx()
    prices.plot(
        hours,
        [100.0 * m.price for m in minutes],
        color=VIOLET,
        linewidth=1.2,
        drawstyle="steps-post",
        label="price (right)",
    )
    prices.set_ylabel("ct per kWh")
    prices.set_ylim(0.0, 60.0)
    prices.grid(visible=False)
    handles = axes.get_legend_handles_labels()
    more = prices.get_legend_handles_labels()
    axes.legend(handles[0] + more[0], handles[1] + more[1], **ABOVE)


def _vehicles(axes: Axes, hours: Sequence[float], minutes: Sequence[Minute]) -> None:
    for outlet, color in enumerate(OUTLET_COLORS):
        power_kw = _kw([m.outlets[outlet].power_w for m in minutes])
        label = f"outlet {outlet + 1} ({NAMES[outlet]})"
        axes.plot(hours, power_kw, color=color, linewidth=1.3, label=label)
        axes.fill_between(hours, power_kw, color=color, alpha=0.18, linewidth=0)
    axes.axhline(0.0, color=INK, linewidth=0.7)
    axes.set_title("Power at the outlets: above 0 into the vehicle, below 0 out of it")
    axes.set_ylabel("kW")
    axes.legend(**ABOVE)


def _charge(axes: Axes, hours: Sequence[float], minutes: Sequence[Minute]) -> None:
    for outlet, color in enumerate(OUTLET_COLORS):
        socs = [_or_gap(m.outlets[outlet].soc_percent) for m in minutes]
        floors = [_or_gap(m.outlets[outlet].floor_percent) for m in minutes]
        is_guest = [
            m.outlets[outlet].soc_percent is not None
            and m.outlets[outlet].floor_percent is None
            for m in minutes
        ]
        axes.plot(hours, socs, color=color, linewidth=1.8, label=NAMES[outlet])
        axes.plot(hours, floors, color=color, linewidth=1.0, linestyle=(0, (4, 2)))
        if any(is_guest):
            guest = [
                s if g else float("nan") for s, g in zip(socs, is_guest, strict=True)
            ]
            axes.plot(hours, guest, color=ORANGE, linewidth=1.8, label="guest")
    axes.plot([], [], color=QUIET, linestyle=(0, (4, 2)), label="floor of a discharge")
    axes.set_ylim(20.0, 90.0)
    axes.set_title("State of charge and the floor that counts")
    axes.set_ylabel("%")
    axes.legend(**ABOVE)


def _or_gap(value: float | None) -> float:
    return float("nan") if value is None else value


def _grid(axes: Axes, hours: Sequence[float], minutes: Sequence[Minute]) -> None:
    grid_kw = _kw([m.grid_w for m in minutes])
    bought = [max(0.0, value) for value in grid_kw]
    sold = [min(0.0, value) for value in grid_kw]
    axes.fill_between(hours, bought, color=RED, alpha=0.55, linewidth=0, label="bought")
    axes.fill_between(hours, sold, color=GREEN, alpha=0.55, linewidth=0, label="fed in")
    axes.axhline(0.0, color=INK, linewidth=0.7)
    axes.set_title("Exchange with the grid")
    axes.set_ylabel("kW")
    axes.legend(**ABOVE)


def _reasons(axes: Axes, minutes: Sequence[Minute], texts: Mapping[str, str]) -> None:
    """Draw one bar per outlet, colored by the reason of each minute."""
    seen: dict[str, int] = {}
    for line in minutes:
        for outlet in line.outlets:
            seen[outlet.reason] = seen.get(outlet.reason, 0) + 1
    busy = sorted((r for r in seen if r not in NOTHING), key=lambda r: -seen[r])
    colors = dict(zip(busy, REASON_COLORS, strict=False))
    for place, _ in enumerate(OUTLET_COLORS):
        spans: dict[str, list[tuple[float, float]]] = {}
        for line in minutes:
            span = (line.minute / 60.0, 1.0 / 60.0)
            spans.setdefault(line.outlets[place].reason, []).append(span)
        for reason, bars in spans.items():
            color = colors.get(reason, SHADE if reason in NOTHING else QUIET)
            axes.broken_barh(bars, (0.6 - place, 0.8), facecolors=color, linewidth=0)
    axes.set_yticks([1.0, 0.0], ["outlet 1", "outlet 2"])
    axes.set_ylim(-0.5, 1.5)
    axes.grid(visible=False)
    axes.set_title("Why each minute was as it was")
    handles = [Patch(color=colors[r], label=texts.get(r, r)) for r in colors]
    handles.append(Patch(color=SHADE, label="nobody there, or off"))
    axes.legend(handles=handles, ncols=5, loc="upper left", bbox_to_anchor=(0, -0.18))


def _mark(axes: Axes) -> None:
    """Shade the dispatches and the fault."""
    low, high = axes.get_xlim()
    for dispatch in DISPATCHES:
        begin = dispatch.from_min / 60.0
        axes.axvspan(
            begin,
            begin + dispatch.duration_min / 60.0,
            color=SAND,
            alpha=0.8,
            zorder=0,
            linewidth=0,
        )
    axes.axvspan(
        FAULT_MIN[0] / 60.0, FAULT_MIN[1] / 60.0, color=RED, alpha=0.18, zorder=0
    )
    axes.set_xlim(low, high)
