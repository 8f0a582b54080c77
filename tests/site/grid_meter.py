"""A meter of the grid that follows the outlets of a home, wired as a test says."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from custom_components.v2g_vpp.domain.clock import Clock
from custom_components.v2g_vpp.domain.measurement import Reading
from custom_components.v2g_vpp.domain.site_meters import SiteMeter
from custom_components.v2g_vpp.site import Site

PHASES = (SiteMeter.GRID_L1, SiteMeter.GRID_L2, SiteMeter.GRID_L3)


@dataclass(slots=True, kw_only=True)
class GridMeter:
    """Reads the true power of an outlet, adds the house, and reports to the site."""

    site: Site
    clock: Clock
    power: Callable[[], float]
    """True power of the outlet, W, positive into the vehicle."""

    on: tuple[int, ...] = (1, 2, 3)
    """The phases that the outlet really is on."""

    sign: float = 1.0
    """-1: it counts the other way."""

    house_w: tuple[float, float, float] = (400.0, 300.0, 200.0)
    period_s: float = 1.0
    reports: int = field(default=0, init=False)

    async def live(self) -> None:
        """Report until cancelled."""
        self.site.use_meters(PHASES)
        while True:
            phases_w = list(self.house_w)
            for phase in self.on:
                phases_w[phase - 1] += self.power() / len(self.on)
            for meter, power_w in zip(PHASES, phases_w, strict=True):
                self.site.post_meter(
                    meter,
                    Reading(
                        value=self.sign * power_w,
                        received_mono_s=self.clock.monotonic(),
                        taken_at=self.clock.utcnow(),
                    ),
                )
            self.reports += 1
            await asyncio.sleep(self.period_s)
