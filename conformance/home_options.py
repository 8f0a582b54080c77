"""What the tester of a home says, and what is known of it beforehand."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from .session import Access
from .wire import SigningKey, Topics

type Hook = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeOptions:
    """What the tester says."""

    access: Access
    topics: Topics
    programme_id: str
    key: SigningKey
    epoch: int
    power_w: int = 3000
    """Greatest magnitude of what a command asks for."""

    groups: tuple[str, ...] = ()
    patience_s: float = 60.0
    """How long the kit waits for the home to say hello."""

    hooks: Mapping[str, Hook] = field(default_factory=dict)
    """``restart``: starts the home anew."""

    @property
    def access_beside(self) -> Access:
        """Return what a second connection of the kit uses."""
        name = f"{self.access.common_name}-beside"
        return replace(self.access, common_name=name)


@dataclass(slots=True)
class Loss:
    """What the case of the lost heartbeats leaves for the ones after it."""

    command_id: str = ""
    is_at_rest: bool = False


GATE_CODES = frozenset(
    {
        *("STALE_SEQ", "OLD_EPOCH", "EXPIRED", "NOT_YET", "OVERLAP", "CLOCK_SKEW"),
        *("SCHEMA", "VERSION", "RATE_LIMIT", "FAILSAFE"),
    }
)
"""Refusals that do not depend on the home's own state."""
