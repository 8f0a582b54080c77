"""What each home of a rehearsal is like; the same number is the same home each time."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from .plant import Plant, PlantFacts

DISCHARGE_W = 10_000
CHARGE_W = 11_000
MINIMUM_W = 1_380
"""6 A at 230 V, the least that a charger may do."""

CAPACITY_WH = 60_000
FLOOR_WH = 18_000
STORED_WH = (30_000, 50_000)
RAMP_W_PER_S = 3_300
NOISE_W = 50
GAIN_SPREAD = 0.01
"""What the control of a home leaves of its charger's error."""

CLAMP_SHARE = 0.6
"""Of its power: what a home that clamps really gives."""

CHARGERS = ((0.5, 1.0), (4.0, 10.0), (4.0, 10.0), (4.0, 10.0), (7.0, 15.0))
"""Dead time s and setpoint interval s: a fifth fast, most typical, a fifth slow."""


class Manner(StrEnum):
    """How a home behaves."""

    OBEYS = "obeys"
    CLAMPS = "clamps"
    """Promises all, gives a part, and says so when asked."""

    AWAY = "away"
    """The vehicle is not there: nothing is offered."""

    DROPS = "drops"
    """Loses its connection now and then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """Shares of homes that do not simply obey, 0 to 1 each."""

    clamps: float = 0.05
    away: float = 0.05
    drops: float = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One home of the rehearsal."""

    manner: Manner
    plant: Plant
    most_w: int
    """What it gives at most, either way."""

    phase: float
    """0 to 1: where in their periods its messages are, so that not all come at once."""


def profile(number: int, mixture: Mixture) -> Profile:
    """Return the home of a number, from 1 on."""
    random = Random(number)  # noqa: S311  a rehearsal, and the same one each time
    draw = random.random()
    manner = Manner.OBEYS
    for kind, part in (
        (Manner.CLAMPS, mixture.clamps),
        (Manner.AWAY, mixture.away),
        (Manner.DROPS, mixture.drops),
    ):
        if draw < part:
            manner = kind
            break
        draw -= part
    dead_time_s, interval_s = random.choice(CHARGERS)
    facts = PlantFacts(
        discharge_w=DISCHARGE_W,
        charge_w=CHARGE_W,
        minimum_w=MINIMUM_W,
        dead_time_s=dead_time_s,
        ramp_w_per_s=RAMP_W_PER_S,
        setpoint_interval_s=interval_s,
        capacity_wh=CAPACITY_WH,
        floor_wh=FLOOR_WH,
        gain=random.gauss(1.0, GAIN_SPREAD),
        noise_w=NOISE_W,
    )
    part = CLAMP_SHARE if manner is Manner.CLAMPS else 1.0
    return Profile(
        manner=manner,
        plant=Plant(facts, random.uniform(*STORED_WH), random),
        most_w=round(part * CHARGE_W),
        phase=random.random(),
    )
