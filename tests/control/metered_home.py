"""A home with meters whose chargers do at once what they are told."""

from collections.abc import Mapping
from typing import Any

import pytest

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.inputs import (
    EvseDecision,
    EvseInputs,
    SiteInputs,
)
from custom_components.v2g_vpp.domain.ids import EvseKey
from custom_components.v2g_vpp.domain.site_meters import (
    SiteMeter,
    SiteMeters,
    SiteWiring,
)
from tests.control.given import KEY, NOW, at, reading

LONG_S = 65


class Home:
    """A coordinator at work: chargers do at once what they are told."""

    def __init__(
        self,
        *evses: EvseInputs,
        wiring: SiteWiring | None = None,
        **site: Any,
    ) -> None:
        self.evses = {evse.key: evse for evse in evses}
        self.wiring, self.site = wiring, site
        self.coordinator = DischargeCoordinator()
        self.powers_w = dict.fromkeys(self.evses, 0.0)
        self.now_s = NOW

    def run(
        self, seconds: float = LONG_S, **meters_w: float | None
    ) -> Mapping[EvseKey, EvseDecision]:
        """Let seconds pass; ``grid`` is the load beside the EVSEs."""
        decisions: Mapping[EvseKey, EvseDecision] = {}
        for _ in range(round(seconds)):
            self.now_s += 1.0
            inputs = [
                at(evse, self.now_s, self.powers_w[key], 70.0)
                for key, evse in self.evses.items()
            ]
            site = SiteInputs(
                meters=self._meters(meters_w), wiring=self.wiring, **self.site
            )
            decisions = self.coordinator.step(inputs, site, self.now_s)
            self.powers_w = {k: d.setpoint.power_w for k, d in decisions.items()}
        return decisions

    def _meters(self, meters_w: Mapping[str, float | None]) -> SiteMeters | None:
        if not meters_w:
            return None
        meters = SiteMeters().kept(SiteMeter(name) for name in meters_w)
        for name, told_w in meters_w.items():
            power_w = told_w
            if power_w is not None and name == SiteMeter.GRID:
                power_w += sum(self.powers_w.values())
            if power_w is not None and name.startswith("grid_l"):
                power_w += sum(self.powers_w.values()) / 3.0
            told = None if power_w is None else reading(power_w, self.now_s)
            meters = meters.updated_by(SiteMeter(name), told)
        return meters


def about(power_w: float) -> Any:
    """Return a power that the trim may correct by some watts."""
    return pytest.approx(power_w, abs=80.0)


def one(decisions: Mapping[EvseKey, EvseDecision]) -> EvseDecision:
    return decisions[KEY]
