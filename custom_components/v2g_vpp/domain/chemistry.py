"""What a traction battery is made of, and what that means for its wear.

Loss of capacity per equivalent full cycle, from NREL's BLAST-Lite models (cells
NMC111 Kokam 75 Ah, NCA Panasonic 3 Ah, LFP 250 Ah prismatic) at 20 °C over ten years:
a daily swing of 10, 20, 40 and 60 points around 60 %, less the same cell at rest at
60 %. NMC is set to the larger loss of two such runs (0.981 at rest, 0.958 at 40 points).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Chemistry(StrEnum):
    """The cathode, which decides how cycles wear a battery."""

    NMC = "nmc"
    NCA = "nca"
    LFP = "lfp"


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleWear:
    """Loss per equivalent full cycle, as a share of capacity: a line over its depth."""

    shallow: float
    """Of the smallest cycles."""

    per_depth: float
    """More for a cycle of the whole capacity than for the smallest."""


CYCLE_WEAR: Mapping[Chemistry, CycleWear] = {
    Chemistry.NMC: CycleWear(shallow=1.20e-5, per_depth=0.94e-5),
    Chemistry.NCA: CycleWear(shallow=0.40e-5, per_depth=2.93e-5),
    Chemistry.LFP: CycleWear(shallow=2.81e-5, per_depth=0.0),
}

SPENT_SHARE = 0.2
"""Share of its capacity that a battery has lost when it counts as spent (80 % left)."""

BATTERY_PRICE_PER_KWH = 120.0
"""Of a new pack, in the home's currency, until the owner says otherwise (BloombergNEF,
2024: 115 US dollars)."""
