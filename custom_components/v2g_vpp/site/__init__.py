"""Layer 4: the one running thing. It owns all records and runs the control tick."""

from .site import Site

__all__ = ["Site"]
