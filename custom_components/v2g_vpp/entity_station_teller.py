"""Who is told what happens to a charger that Home Assistant already knows."""

from collections.abc import Callable
from dataclasses import dataclass

from .domain.events import StationEvent
from .domain.ids import EvseKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Who is told what happens to a charger."""

    post: Callable[[StationEvent], None]
    """Takes the events of a charging station."""

    yield_to_external: Callable[[EvseKey], None]
    """Lets somebody else have a charger that they changed."""

    show_lost: Callable[[tuple[str, ...]], None]
    """Told the fields whose entities are lost, empty for none."""

    show_word: Callable[[str | None], None]
    """Told a word of the state that nobody explained, None for none."""
