"""Charging under the main fuse while the household cooks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from custom_components.v2g_vpp.control.fuse import FUSE_SHARE
from custom_components.v2g_vpp.control.inputs import SiteInputs
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.site_meters import (
    Meter,
    PhaseMap,
    SiteMeters,
    SiteWiring,
)
from custom_components.v2g_vpp.domain.units import clamp, energy_wh
from custom_components.v2g_vpp.virtual.plant import PlantParameters
from tests.control.given import reading, with_policy
from tests.control.rig import TICK_S, Rig

from .loop import commissioned

FUSE_A = 25.0
WARM_SHARE, HOT_SHARE = 1.13, 1.45
"""A fuse carries the first for an hour, and may open within one at the second."""

ALLOWED_AFTER_S = 2.0
PHASES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Fused:
    """What came of an evening of charging under a fuse."""

    late_s: int
    """Seconds above 1.13 x the fuse, of spans longer than the charger needs."""

    hot_s: int
    """Seconds above 1.45 x the fuse that the household alone would not make."""

    energy_share: float
    """Of what an oracle charges with the same margin."""

    phase_w: Sequence[float]
    """The most loaded phase, each second."""

    vehicle_w: Sequence[float]


def charge_under_fuse(
    parameters: PlantParameters, loads_w: Sequence[Sequence[float]]
) -> Fused:
    """Return how the real control charged beside a household on three phases."""
    loop = commissioned(parameters)
    loop.ask(0.0, 30.0)
    loop.evse = replace(with_policy(loop.evse, mode=Mode.CHARGE_NOW), order=None)
    wiring = SiteWiring(
        fuse_a=FUSE_A, phase_maps={loop.evse.key: PhaseMap(phases=(1, 2, 3))}
    )
    begin_s, seconds = loop.now_s, len(loads_w[0])
    phases_w: list[tuple[float, ...]] = []
    vehicle_w: list[float] = []

    def tick(rig: Rig) -> None:
        second = min(seconds - 1, round(rig.now_s - begin_s))
        powers_w = tuple(load[second] + rig.power_w() / PHASES for load in loads_w)
        phases_w.append(powers_w)
        vehicle_w.append(rig.power_w())
        one, two, three = (
            Meter(reading=reading(power_w, rig.now_s)) for power_w in powers_w
        )
        rig.site = SiteInputs(
            meters=SiteMeters(grid_l1=one, grid_l2=two, grid_l3=three), wiring=wiring
        )

    loop.on_tick = tick
    loop.run(seconds * TICK_S)
    fuse_w = wiring.fuse_w
    assert fuse_w is not None
    most_w = [max(powers_w) for powers_w in phases_w]
    ramp_s = parameters.max_charge_power_w / parameters.ramp_w_per_s
    allowed_s = parameters.dead_time_s + ramp_s + ALLOWED_AFTER_S
    return Fused(
        late_s=_late_s(
            [power_w > WARM_SHARE * fuse_w for power_w in most_w], allowed_s
        ),
        hot_s=sum(
            most > HOT_SHARE * fuse_w and flows > 0
            for most, flows in zip(most_w, vehicle_w, strict=True)
        ),
        energy_share=energy_wh(sum(vehicle_w), TICK_S)
        / _oracle_wh(parameters, loads_w, FUSE_SHARE * fuse_w),
        phase_w=most_w,
        vehicle_w=vehicle_w,
    )


def _late_s(is_warm: Sequence[bool], allowed_s: float) -> int:
    """Return the seconds of spans beyond what is allowed."""
    late = span = 0
    for warm in is_warm:
        span = span + 1 if warm else 0
        late += span > allowed_s
    return late


def _oracle_wh(
    parameters: PlantParameters, loads_w: Sequence[Sequence[float]], limit_w: float
) -> float:
    """Return what a charger could take that knows every second before it comes."""
    total_w = 0.0
    for powers_w in zip(*loads_w, strict=True):
        room_w = PHASES * (limit_w - max(powers_w))
        power_w = clamp(room_w, 0.0, parameters.max_charge_power_w)
        total_w += power_w if power_w >= parameters.minimum_power_w else 0.0
    return energy_wh(total_w, TICK_S)
