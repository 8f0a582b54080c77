"""A charger that Home Assistant already knows: which words, units and signs it has.

What its entities show becomes events of a charging station in ``entity_observation``;
what it is told is in ``entity_command``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from hashlib import sha256
import json
from typing import Final

from .capability import DialectTiming, own_timing
from .units import kilowatts_to_watts
from .vendor_setpoint import NOMINAL_VOLTAGE_V

PROTOCOL: Final = "entity"
"""In the place of an OCPP sub-protocol."""

ONLY_EVSE: Final = 1
"""Entities describe one outlet; a charger with two is set up twice."""

SHORTEST_INTERVAL_S: Final = 1.0
"""Control decides once in it, so nothing is written more often."""


class PlugState(StrEnum):
    """What a word of a charger says of its outlet."""

    FREE = "free"
    PLUGGED = "plugged"
    FAULTED = "faulted"
    OUT_OF_SERVICE = "out_of_service"


class WriteWay(StrEnum):
    """How a charger is told a power."""

    SIGNED_NUMBER = "signed_number"
    TWO_NUMBERS = "two_numbers"
    """One to charge and one to discharge, and what chooses between them."""

    SCRIPT = "script"
    """Called with ``power_w`` and ``duration_s``."""


class WriteUnit(StrEnum):
    """What the numbers of a charger count."""

    WATT = "W"
    KILOWATT = "kW"
    AMPERE = "A"
    """Per phase."""


class StopWay(StrEnum):
    """How a power ends."""

    ZERO = "zero"
    MINIMUM_POWER = "minimum_power"
    """It charges with the least that it can: it knows no rest."""

    SWITCH = "switch"
    BUTTON = "button"
    SCRIPT = "script"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """What is special about a charger; the defaults are of one without any."""

    min_charge_w: float = 0.0
    """Least power that it charges with; below it nothing is told but 0 W."""

    min_discharge_w: float = 0.0
    """The same magnitude for giving power."""

    zero_forbidden: bool = False
    """True: a setpoint of 0 is never written."""

    min_write_interval_s: float = 1.0
    settle_s: float = 10.0
    """After a write its entities may show the old value, or a rounded one, so long."""

    read_period_s: float = 5.0
    """How often its power is reported."""

    reversal_rest_s: float = 0.0
    """Rest at 0 W on the way from one direction to the other."""

    watchdog_s: float | None = None
    """It ends every power by itself this long after the last write; None: it does not,
    or nobody knows."""

    lowest_soc_percent: float = 0.0
    """A lower state of charge is none: some chargers show 0 while they know nothing."""

    reverts: bool = False
    """True: it returns to a setpoint of its own without being told by anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writes:
    """How a charger is told a power."""

    way: WriteWay
    unit: WriteUnit = WriteUnit.WATT
    is_inverted: bool = False
    """True: its numbers are positive for a discharge."""

    phases: int = 1
    """Of a setpoint in amperes."""

    voltage_v: float = NOMINAL_VOLTAGE_V
    charge_option: str | None = None
    """What the choice of the direction is set to; None: it has no such choice."""

    discharge_option: str | None = None
    rest_option: str | None = None
    stop: StopWay = StopWay.ZERO
    has_start: bool = False
    """Something has to be pressed before a power can flow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntitySpecification:
    """One kind of charger that is known through entities."""

    writes: Writes
    profile_id: str = "generic"
    profile_version: int = 1
    vendor: str = ""
    model: str = ""
    is_power_inverted: bool = False
    """True: its power is positive while the vehicle gives."""

    can_discharge: bool = True
    state_map: Mapping[str, PlugState] = field(default_factory=dict)
    """By word, without case; a word that is not in it is doubt."""

    healthy_words: frozenset[str] = frozenset()
    """What its fault entity says while there is none, without case."""

    quirks: Quirks = field(default_factory=Quirks)
    places: tuple[str, ...] = ()
    """What is written to, and what shows its power: another one is another charger."""

    @property
    def fingerprint(self) -> str:
        """What tells one way of being told from another: a proof holds for one."""
        parts = [str(getattr(self.writes, one.name)) for one in fields(Writes)]
        parts += [str(self.is_power_inverted), str(self.quirks), *self.places]
        return sha256(json.dumps(parts).encode()).hexdigest()[:16]


def problem_of(specification: EntitySpecification) -> str | None:
    """Return what makes a specification unusable, None when it can be used.

    Returns:
        ``zero_forbidden``: nothing is left that ends a power;
        ``minimum_needed``: stopping by the minimum power needs one;
        ``direction_missing``: two numbers need a choice to give power;
        ``watchdog_too_short``: a power could not be kept alive, because it may be
            written too seldom.
    """
    writes, quirks = specification.writes, specification.quirks
    if quirks.zero_forbidden and writes.stop is StopWay.ZERO:
        return "zero_forbidden"
    if writes.stop is StopWay.MINIMUM_POWER and quirks.min_charge_w <= 0:
        return "minimum_needed"
    is_paired = writes.way is WriteWay.TWO_NUMBERS
    options = (writes.charge_option, writes.discharge_option)
    if is_paired and (options[0] is None) is not (options[1] is None):
        return "direction_missing"
    if is_paired and quirks.zero_forbidden and options[0] is None:
        # Without a choice the number of the other direction is set to 0.
        return "direction_missing"
    try:
        timing_of_entity(quirks)
    except ValueError:
        return "watchdog_too_short"
    return None


def timing_of_entity(quirks: Quirks) -> DialectTiming:
    """Return dead-man and write budget of a charger that is known through entities.

    Raises:
        ValueError: when no two writes fit into its watchdog.
    """
    interval_s = max(quirks.min_write_interval_s, SHORTEST_INTERVAL_S)
    return own_timing(quirks.watchdog_s, interval_s)


def rests_at_w(specification: EntitySpecification) -> float:
    """Return what a charger takes after a stop, W, >= 0: not every one has a rest."""
    is_at_minimum = specification.writes.stop is StopWay.MINIMUM_POWER
    return specification.quirks.min_charge_w if is_at_minimum else 0.0


def contradicts(writes: Writes, unit: str | None) -> bool:
    """Return True for a number that counts something else now than it is told."""
    return unit in set(WriteUnit) and unit != writes.unit


def unit_watts(writes: Writes) -> float:
    """Return the power that one of the unit stands for, W."""
    match writes.unit:
        case WriteUnit.WATT:
            return 1.0
        case WriteUnit.KILOWATT:
            return kilowatts_to_watts(1.0)
        case WriteUnit.AMPERE:
            return writes.voltage_v * writes.phases
