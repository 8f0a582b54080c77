"""What a vehicle does not take, another one may have."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.inputs import (
    EvseDecision,
    EvseInputs,
    SiteInputs,
)
from custom_components.v2g_vpp.domain.dispatch import CommandKind, DispatchOrder
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.site_meters import SiteMeter, SiteMeters
from tests.control.given import (
    KEY,
    NOW,
    READY,
    at,
    order,
    reading,
    with_key,
    with_policy,
)

OTHER_KEY = EvseKey(StationId("CS2"), 1)
TAKES_W = 3_000.0
SITE = SiteInputs(export_limit_w=30_000.0)


def _run(
    ask: DispatchOrder | None,
    mode: Mode = Mode.OFF,
    *,
    seconds: int = 150,
    load_w: float | None = None,
) -> Mapping[EvseKey, EvseDecision]:
    """Step two outlets once a second; the vehicle at the first takes 3 kW at most."""
    coordinator = DischargeCoordinator()
    ready = with_policy(replace(READY, order=ask), mode=mode)
    evses = [ready, with_key(ready, OTHER_KEY)]
    told_w: dict[EvseKey, float] = {}
    decisions: Mapping[EvseKey, EvseDecision] = {}
    for second in range(seconds):
        now_s = NOW + second
        flowing = [_flowing_w(evse, told_w.get(evse.key, 0.0)) for evse in evses]
        evses = [
            at(evse, now_s, power_w, 70.0)
            for evse, power_w in zip(evses, flowing, strict=True)
        ]
        site = SITE
        if load_w is not None:
            grid = reading(load_w + sum(flowing), now_s)
            meters = SiteMeters().kept([SiteMeter.GRID])
            site = replace(SITE, meters=meters.updated_by(SiteMeter.GRID, grid))
        decisions = coordinator.step(evses, site, now_s)
        told_w = {key: one.setpoint.power_w for key, one in decisions.items()}
    return decisions


def _order(power_w: float) -> DispatchOrder:
    return order(power_w, resource=None, ends_mono_s=NOW + 900.0)


def _flowing_w(evse: EvseInputs, told_w: float) -> float:
    if evse.key != KEY:
        return told_w
    return max(-TAKES_W, min(TAKES_W, told_w))


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["charge", "discharge"])
def test_an_order_goes_to_who_takes_it(sign: float) -> None:
    before = _run(_order(sign * 14_000.0), seconds=30)
    assert abs(before[KEY].committed_w) > TAKES_W
    after = _run(_order(sign * 14_000.0))
    assert abs(after[KEY].committed_w) == pytest.approx(TAKES_W, abs=50.0)
    assert abs(after[OTHER_KEY].committed_w) >= 10_900.0
    assert abs(after[KEY].setpoint.power_w) < TAKES_W + 1_000.0


def test_a_cap_of_the_home_is_used_up_by_who_takes_it() -> None:
    cap = order(12_000.0, kind=CommandKind.LIMIT, resource=None)
    decisions = _run(cap, Mode.CHARGE_NOW)
    assert decisions[KEY].setpoint.requested_w == pytest.approx(TAKES_W, abs=50.0)
    assert decisions[OTHER_KEY].setpoint.requested_w == pytest.approx(9_000.0, abs=50.0)


def test_the_sun_goes_to_who_takes_it() -> None:
    decisions = _run(None, Mode.SOLAR, seconds=300, load_w=-12_000.0)
    assert decisions[KEY].setpoint.requested_w == pytest.approx(TAKES_W, abs=50.0)
    assert decisions[OTHER_KEY].setpoint.requested_w > 8_500.0
