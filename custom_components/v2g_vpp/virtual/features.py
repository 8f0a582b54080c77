"""A part of the station that others compose: what it answers, sends and looks at."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from .jobs import Job
from .peer import Peer


def nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """What one part adds to the wire of OCPP 2.x."""

    handlers: tuple[object, ...] = ()
    """Objects whose marked methods answer the CSMS."""

    loops: tuple[Callable[[Peer], Coroutine[Any, Any, None]], ...] = ()
    """Run on every link after the CSMS accepted the station."""

    look: Callable[[], None] = nothing
    """Called at every tick, link or not."""

    rebooted: Callable[[], None] = nothing
    """Called when the station begins anew."""

    triggers: Mapping[str, Job] = field(default_factory=dict)
    """What TriggerMessage may ask for, by its name there."""
