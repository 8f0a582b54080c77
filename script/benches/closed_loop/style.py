"""How the pictures of the benchmarks look."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, QUIET, PAPER = "#1d2433", "#8b93a7", "#fbfbf9"
BLUE, ORANGE, GREEN, RED, VIOLET = "#2f6fde", "#e8833a", "#2f9e6e", "#d0454c", "#7a5fc7"
SAND, SHADE = "#e9e4d8", "#d5d9e3"
DPI = 150

_STYLE: Mapping[Any, Any] = {
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": SAND,
    "grid.linewidth": 0.8,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "font.size": 9,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.solid_capstyle": "round",
}


def page(
    rows: int, width_in: float, height_in: float, heights: Sequence[float] | None = None
) -> tuple[Figure, list[Axes]]:
    """Return a figure of rows that share their time."""
    mpl.rcParams.update(_STYLE)
    figure, axes = plt.subplots(
        rows,
        1,
        figsize=(width_in, height_in),
        sharex=True,
        squeeze=False,
        height_ratios=heights,
        layout="constrained",
    )
    return figure, list(axes[:, 0])


def save(figure: Figure, path: Path) -> None:
    """Write a figure and let go of it."""
    figure.savefig(path, dpi=DPI)
    plt.close(figure)
