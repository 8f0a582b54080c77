"""The line of this integration on the system health page."""

from typing import Any

from homeassistant.components.system_health import SystemHealthRegistration
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback

from . import host_facts
from .const import CONF_OCPP_HOST, CONF_OCPP_PORT, DOMAIN
from .coordinator import V2gConfigEntry
from .domain.dispatch import LinkState
from .domain.units import seconds_to_milliseconds
from .host_facts import UNKNOWN


@callback
def async_register(hass: HomeAssistant, register: SystemHealthRegistration) -> None:
    """Register what is shown."""
    register.async_register_info(system_health_info)


async def system_health_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return counts and the host: no charger, vehicle or operator is named."""
    entries: list[V2gConfigEntry] = hass.config_entries.async_entries(DOMAIN)
    entry = next((e for e in entries if e.state is ConfigEntryState.LOADED), None)
    if entry is None:
        return {}
    figures = entry.runtime_data.site.lag_figures()
    host = await hass.async_add_executor_job(host_facts.read)
    site = entry.runtime_data.site.snapshot
    connected = sum(station.is_connected for station in site.stations)
    linked = sum(p.link is LinkState.HEALTHY for p in site.programmes)
    return {
        "listener": f"{entry.data[CONF_OCPP_HOST]}:{entry.data[CONF_OCPP_PORT]}",
        "stations": f"{connected}/{len(site.stations)}",
        "vehicles": len(site.vehicles),
        "programmes": f"{linked}/{len(site.programmes)}",
        "store": site.is_store_readable,
        "loop_lag_p99": UNKNOWN if figures is None else _shown(figures.p99_s),
        "loop_lag_worst": UNKNOWN if figures is None else _shown(figures.worst_s),
        "kernel": host.kernel,
        "preemption": host.preemption,
    }


def _shown(late_s: float) -> str:
    return f"{seconds_to_milliseconds(late_s):.0f} ms"
