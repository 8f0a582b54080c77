"""What a scenario can expect of a station, as it is written."""

from collections.abc import Callable
from dataclasses import dataclass
import re
from typing import Final

from ..config import VirtualStatus
from .deeds import NUMBER
from .messages import MessageCount

AT_REST_W: Final = 60.0
"""What a charger at rest may still show: its offset and its noise."""

NEAR_W: Final = 250.0
"""How near a power is meant that is written as one number."""

type Look = Callable[[VirtualStatus, MessageCount], bool]
"""Return True when it is so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    pattern: str
    example: str
    build: Callable[[tuple[str, ...]], Look]


def read_look(text: str) -> Look:
    """Return what an expectation means.

    Raises:
        ValueError: naming what can be written.
    """
    for word in _WORDS:
        found = re.fullmatch(word.pattern, text)
        if found is not None:
            return word.build(found.groups(default=""))
    examples = ", ".join(f"'{word.example}'" for word in _WORDS)
    raise ValueError(f"'{text}' is no expectation; allowed are such as {examples}")


def _below(words: tuple[str, ...]) -> Look:
    bound_w = float(words[0])
    return lambda status, _: status.true_power_w < bound_w


def _above(words: tuple[str, ...]) -> Look:
    bound_w = float(words[0])
    return lambda status, _: status.true_power_w > bound_w


def _near(words: tuple[str, ...]) -> Look:
    power_w = float(words[0])
    return lambda status, _: abs(status.true_power_w - power_w) <= NEAR_W


def _plain(look: Callable[[VirtualStatus], bool]) -> Callable[[tuple[str, ...]], Look]:
    return lambda _: lambda status, _count: look(status)


def _clock(words: tuple[str, ...]) -> Look:
    bound_s = float(words[0])
    return lambda status, _: abs(status.clock_offset_s) <= bound_s


def _boots(words: tuple[str, ...]) -> Look:
    number = int(words[0])
    return lambda status, _: status.boot_count == number


def _connector(words: tuple[str, ...]) -> Look:
    return lambda status, _: status.connector_status == words[0]


def _message(words: tuple[str, ...]) -> Look:
    way, action, number = words
    least = int(number) if number else 1
    return lambda _, count: count.of(way, action) >= least


_WORDS: Final = (
    _Word(
        pattern=rf"power below {NUMBER} W", example="power below -4000 W", build=_below
    ),
    _Word(pattern=rf"power above {NUMBER} W", example="power above 0 W", build=_above),
    _Word(pattern=rf"power {NUMBER} W", example="power -4500 W", build=_near),
    _Word(
        pattern="power at rest",
        example="power at rest",
        build=_plain(lambda status: abs(status.true_power_w) <= AT_REST_W),
    ),
    _Word(
        pattern="transaction",
        example="transaction",
        build=_plain(lambda status: status.transaction_id is not None),
    ),
    _Word(
        pattern="no transaction",
        example="no transaction",
        build=_plain(lambda status: status.transaction_id is None),
    ),
    _Word(
        pattern="connected",
        example="connected",
        build=_plain(lambda status: status.is_connected and status.is_registered),
    ),
    _Word(
        pattern="not connected",
        example="not connected",
        build=_plain(lambda status: not status.is_connected),
    ),
    _Word(
        pattern="messages wait",
        example="messages wait",
        build=_plain(lambda status: status.queued_events > 0),
    ),
    _Word(
        pattern="no messages wait",
        example="no messages wait",
        build=_plain(lambda status: status.queued_events == 0),
    ),
    _Word(pattern=r"booted (\d+) times", example="booted 2 times", build=_boots),
    _Word(
        pattern=r"connector (Available|Occupied|Reserved|Unavailable|Faulted)",
        example="connector Faulted",
        build=_connector,
    ),
    _Word(
        pattern=rf"clock within {NUMBER} s", example="clock within 2 s", build=_clock
    ),
    _Word(
        pattern=r"(sent|received) ([A-Z][A-Za-z0-9]+)(?: (\d+) times)?",
        example="received SetChargingProfile 2 times",
        build=_message,
    ),
)
