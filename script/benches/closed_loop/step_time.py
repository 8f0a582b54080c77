"""How long one step of the discharge coordinator takes."""

from dataclasses import replace
from statistics import median
from time import process_time

from custom_components.v2g_vpp.control.discharge import DischargeCoordinator
from custom_components.v2g_vpp.control.inputs import EvseInputs, SiteInputs
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.units import MILLISECONDS_PER_SECOND
from tests.control.given import NOW, READY, at, order, with_key

POWER_W = -5_000.0


def step_ms(count: int, steps: int) -> float:
    """Return the median CPU time of a step in which every EVSE serves a home order.

    CPU time, because what else runs on the machine is not what is measured.
    """
    home = order(POWER_W * count, resource=None)
    evses = [
        with_key(replace(READY, order=home), EvseKey(StationId(f"CS{number:04}"), 1))
        for number in range(count)
    ]
    coordinator, site = DischargeCoordinator(), SiteInputs(export_limit_w=1e9)
    times_s: list[float] = []
    for second in range(steps):
        now_s = NOW + second
        fresh: list[EvseInputs] = [at(evse, now_s, POWER_W, 70.0) for evse in evses]
        begun_s = process_time()
        coordinator.step(fresh, site, now_s)
        times_s.append(process_time() - begun_s)
    return MILLISECONDS_PER_SECOND * median(times_s)
