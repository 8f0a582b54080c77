"""One EVSE stepped through some seconds with a perfect meter."""

from dataclasses import replace

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.inputs import (
    EvseDecision,
    EvseInputs,
    SiteInputs,
)
from tests.control.given import (
    KEY,
    NOW,
    READY,
    at,
    order,
)

SITE = SiteInputs()
TRIM_W = 25.0
"""What the trim may add on the perfect meter of these tests; ``test_pid`` is about it."""

DISPATCHED = replace(READY, order=order(-5_000.0))


def first_step(evse: EvseInputs, site: SiteInputs = SITE) -> EvseDecision:
    return DischargeCoordinator().step([evse], site, NOW)[KEY]


def settled(
    evse: EvseInputs, site: SiteInputs = SITE, *, seconds: int = 10
) -> EvseDecision:
    """Return the decision once the owner's ramp is over."""
    return run(DischargeCoordinator(), evse, site, seconds=seconds)


def run(
    coordinator: DischargeCoordinator,
    evse: EvseInputs,
    site: SiteInputs = SITE,
    *,
    start_s: float = NOW,
    seconds: int = 10,
) -> EvseDecision:
    decision = None
    for second in range(seconds):
        now_s = start_s + second
        power_w = decision.setpoint.power_w if decision else 0.0
        decision = coordinator.step([at(evse, now_s, power_w, 70.0)], site, now_s)[KEY]
    assert decision is not None
    return decision
