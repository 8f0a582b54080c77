"""Who watches a station from inside."""

from typing import Protocol

from .link import FrameObserver


class StationObserver(FrameObserver, Protocol):
    """Told what happens, as it happens."""

    def link_changed(self, *, is_up: bool) -> None:
        """Note that the link opened or closed."""
        ...

    def power_sampled(self, true_power_w: float, commanded_w: float) -> None:
        """Note the true power of all EVSEs together; called at every tick."""
        ...


class Unobserved:
    """Nobody watches."""

    def frame_received(self, text: str) -> None:
        """Ignore it."""

    def frame_sent(self, text: str) -> None:
        """Ignore it."""

    def link_changed(self, *, is_up: bool) -> None:
        """Ignore it."""

    def power_sampled(self, true_power_w: float, commanded_w: float) -> None:
        """Ignore it."""
