"""What a fault is: how it begins, how it ends, and what was promised about it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from script.benches.faulty.world import FaultyWorld

type Step = Callable[[FaultyWorld], Awaitable[object]]
type Shown = tuple[str, ...]
"""``("issue", key, ...)``, one of them, or ``("state", domain, unique id, state)``."""

LOST_S: Final = 36.0
"""Longer than the promises of the fail-safe (30 s) and of the dead-man (35 s)."""

SHORT_S: Final = 24.0
"""Room for what is wrong to do harm, and for a stop while it lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong."""

    name: str
    text: str
    """What a person reads in the table."""

    begin: Step
    end: Step
    lasts_s: float = SHORT_S
    cuts_heartbeats: bool = False
    """From its beginning to its end no heartbeat reaches the home that it may trust."""

    stops: bool = False
    """True: the discharge has to end by it, so nobody else ends it."""

    stills: bool = False
    """True: the plant stands still with it, so its time does not count."""

    blinds: bool = False
    """True: Home Assistant shows nothing while it lasts."""

    late_s: float = 0.0
    """What it adds to the way of a stop, by its nature."""

    shown: tuple[Shown, ...] = ()
    """Each of these has to be shown, where Home Assistant can show anything."""

    stands_between: bool = False
    """True: the bench answers in the place of the broker, with its good certificate."""

    needs_flow: bool = False
    """True: it shows by what flows, so not beside a fault that ends the discharge."""

    needs_person: str = ""
    """What only a person can do afterwards, and why; empty: nothing."""

    person: Step | None = None
    """That person."""

    waits_s: float = 0.0
    """How long the way back takes longer, by a rule that the fault sets off."""

    needs_clock: bool = False
    """True: only where the clock of a process can be shifted."""
