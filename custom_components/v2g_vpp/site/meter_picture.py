"""Draw what the meters of the home show."""

from ..domain.measurement import fresh_value
from ..domain.meters_snapshot import MetersSnapshot
from ..domain.site_meters import SiteMeters, SiteWiring
from .registry import Registry


def draw_meters(registry: Registry, now_mono_s: float) -> MetersSnapshot | None:
    """Return what the meters show, None for a home without any."""
    meters = registry.meters
    if meters is None:
        return None
    grid_w = meters.grid_w(now_mono_s)
    return MetersSnapshot(
        grid_w=grid_w,
        load_w=_load_w(registry, meters, grid_w, now_mono_s),
        fuse_margins_a=_fuse_margins_a(meters, registry.wiring, now_mono_s),
    )


def _load_w(
    registry: Registry, meters: SiteMeters, grid_w: float | None, now_mono_s: float
) -> float | None:
    """Return what the rest of the home uses, W; None when one term is not known."""
    solar_w = 0.0 if meters.solar is None else meters.solar.value(now_mono_s)
    battery_w = 0.0 if meters.battery is None else meters.battery.value(now_mono_s)
    if grid_w is None or solar_w is None or battery_w is None:
        return None
    evses_w = 0.0
    for record in registry.evses.values():
        if record.session.transaction_id is None:
            # Without a transaction nothing flows, and its meter is not read.
            continue
        power_w = fresh_value(
            record.tracked_session.measurement.power_w,
            now_mono_s,
            record.meter_period.max_age_s,
        )
        if power_w is None:
            return None
        evses_w += power_w
    return grid_w + solar_w - battery_w - evses_w


def _fuse_margins_a(
    meters: SiteMeters, wiring: SiteWiring | None, now_mono_s: float
) -> tuple[float | None, ...]:
    if wiring is None or wiring.fuse_a is None:
        return ()
    powers_w = [meter.value(now_mono_s) for meter in meters.phases]
    if not powers_w and wiring.phase_count == 1:
        # Of the one phase the meter of the whole connection is the meter.
        powers_w = [meters.grid_w(now_mono_s)]
    return tuple(
        None
        if power_w is None
        else wiring.fuse_a - abs(power_w) / wiring.nominal_voltage_v
        for power_w in powers_w
    )
