"""What the picture of the home shows of its meters."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MetersSnapshot:
    """What the meters of the home show; each None while it is not known."""

    grid_w: float | None = None
    """Positive = import."""

    load_w: float | None = None
    """What the home uses beside its EVSEs and its battery."""

    fuse_margins_a: tuple[float | None, ...] = ()
    """What the main fuse has left on each phase, in either direction, L1 first; empty
    where phases or fuse are not known. Below 0: too much flows."""
