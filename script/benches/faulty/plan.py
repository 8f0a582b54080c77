"""Which cases there are: each fault alone, and pairs of them by a fixed seed."""

from itertools import combinations
from random import Random
from typing import Final

from script.benches.faulty.case import Case
from script.benches.faulty.fault import Fault
from script.benches.faulty.misfits import MISFITS
from script.benches.faulty.net import LINES
from script.benches.faulty.processes import PROCESSES
from script.benches.faulty.trust import CERTIFICATES

FAULTS: Final[tuple[Fault, ...]] = (*PROCESSES, *LINES, *MISFITS, *CERTIFICATES)

PAIRS: Final = 40
SEED: Final = 8
LONGEST_GAP_S: Final = 8.0
SLOW_PAIRS: Final = 2
"""Of those after which everything waits for minutes: 40 pairs are an hour as it is."""

QUICK: Final = (
    "home_killed",
    "mqtt_half_open",
    "station_killed",
    "ocpp_delay",
    "disk_full",
)
"""The worst of each kind: nobody commands, nobody tells, nobody obeys, all is late, and
nothing can be kept."""

_ONE_OF: Final = (
    # Both do something to the same program that the other one would undo.
    ("home_killed", "home_frozen", "store_torn", "ledger_torn", "disk_full"),
    (
        "broker_killed",
        "broker_frozen",
        "broker_expired",
        "broker_wrong",
        "home_revoked",
    ),
    ("aggregator_killed", "aggregator_frozen", "storm", "home_meter_turned"),
    (
        "station_killed",
        "station_frozen",
        "station_reboot",
        "station_expired",
        "station_revoked",
        "station_wrong",
    ),
    (
        "home_clock_ahead",
        "home_clock_behind",
        "home_clock_slews",
        # Where both jump alike, nobody sees a difference.
        "aggregator_clock_ahead",
        "aggregator_clock_behind",
    ),
    ("station_clock_ahead", "station_clock_behind", "station_clock_slews"),
    (
        "meter_mute",
        "meter_frozen",
        "meter_contradicts",
        "home_meter_mute",
        "home_meter_turned",
    ),
    tuple(fault.name for fault in LINES if fault.name.startswith("ocpp")),
    tuple(fault.name for fault in LINES if fault.name.startswith("mqtt")),
)

_STATION_GONE: Final = (
    "station_killed",
    "station_frozen",
    "station_expired",
    "station_revoked",
    "station_wrong",
)

_HOME_DOWN: Final = ("home_killed", "home_frozen", "store_torn", "ledger_torn")

_NEEDS_STATION: Final = ("station_clock", "meter_", "station_reboot")
"""What is asked of a program that must be there to be asked."""


def singles() -> tuple[Case, ...]:
    """Return each fault alone."""
    return tuple(Case(faults=(fault,)) for fault in FAULTS)


def pairs(count: int = PAIRS) -> tuple[Case, ...]:
    """Return pairs, the same ones each time."""
    draw = Random(SEED)  # noqa: S311 - a plan, not a secret
    every = [pair for pair in combinations(FAULTS, 2) if _go_together(*pair)]
    slow = [pair for pair in every if any(fault.waits_s for fault in pair)]
    fast = [pair for pair in every if pair not in slow]
    slow_count = min(SLOW_PAIRS, count)
    chosen = (*draw.sample(slow, slow_count), *draw.sample(fast, count - slow_count))
    cases = [_case(pair, draw) for pair in chosen]
    for number in range(len(cases)):
        while not _can_begin(cases[number]) or cases[number] in cases[:number]:
            cases[number] = _case(draw.choice(fast), draw)
    return tuple(cases)


def _case(pair: tuple[Fault, ...], draw: Random) -> Case:
    return Case(faults=pair, gap_s=round(draw.uniform(0.0, LONGEST_GAP_S), 1))


def _can_begin(case: Case) -> bool:
    """Return False where the second fault has to be asked of a home that is down."""
    names = {fault.name for fault in case.faults}
    return not ("station_revoked" in names and names & set(_HOME_DOWN))


def quick() -> tuple[Case, ...]:
    """Return the five worst."""
    return tuple(case for case in singles() if case.name in QUICK)


def _go_together(one: Fault, other: Fault) -> bool:
    names = {one.name, other.name}
    if any(len(names.intersection(group)) > 1 for group in _ONE_OF):
        return False
    is_station_gone = bool(names & set(_STATION_GONE))
    is_asked = any(name.startswith(_NEEDS_STATION) for name in names)
    return not (is_station_gone and is_asked)
