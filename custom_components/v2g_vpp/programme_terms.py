"""What a person is shown before a program is joined."""

from typing import Any

from homeassistant.config_entries import ConfigEntry

from .coordinator import V2gRuntimeData

_UNKNOWN = "?"


def minutes(seconds: int | None) -> str:
    """Return a time for people; what an invitation does not say is a question mark."""
    return _UNKNOWN if seconds is None else f"{seconds / 60:.0f} min"


def own_terms(entry: ConfigEntry[Any]) -> dict[str, str]:
    """Return what the home grants by itself: reserves and battery budgets."""
    runtime: V2gRuntimeData | None = getattr(entry, "runtime_data", None)
    vehicles = runtime.site.snapshot.vehicles if runtime is not None else ()
    reserves = [
        f"{v.spec.name} {max(v.policy.reserve_percent, v.policy.vpp_reserve_percent):.0f} %"
        for v in vehicles
    ]
    budgets = [f"{v.spec.name} {v.policy.cycle_budget_percent:.0f} %" for v in vehicles]
    return {
        "reserves": ", ".join(reserves) or _UNKNOWN,
        "budgets": ", ".join(budgets) or _UNKNOWN,
    }
