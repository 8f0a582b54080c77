"""Chargers that are known through entities: read seldom, and ending by themselves or not.

Class A has a watchdog, class B has none, and the last is a cloud that is asked each
90 s. They are the typical charger behind another link.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Final

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.guarantee import GuaranteeClass
from custom_components.v2g_vpp.domain.units import energy_wh

from .energy import deliver, floor_overrun
from .following import OURS, follow_regulation
from .house import follow_house
from .household import evening
from .loop import Link, commissioned, connected
from .peers import seeded
from .plants import HOUSE_PLANTS, PLANTS

CHARGER: Final = "typical"
CLASS_A: Final = Link(
    dialect=DischargeDialect.ENTITY,
    watchdog_s=60.0,
    meter_period_s=3.0,
    write_interval_s=1.0,
)
"""A charger on Modbus: read each 3 s, written to at most each second, and at 0 W a
minute after the last write."""

SELDOM_READ: Final = replace(CLASS_A, meter_period_s=5.0)

CLASS_B: Final = Link(
    dialect=DischargeDialect.ENTITY,
    ends_by_itself=False,
    meter_period_s=3.0,
    write_interval_s=1.0,
)
"""The same without a watchdog."""

CLOUD: Final = Link(
    dialect=DischargeDialect.ENTITY,
    ends_by_itself=False,
    meter_period_s=90.0,
    write_interval_s=20.0,
)
CHARGE_W: Final = 5_000.0
CHARGE_S: Final = 1_800


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """What a charger of class A does."""

    is_class_a: bool
    score_over_calibrated: float
    score_least_over_open_loop: float
    tracking_over_oracle: float
    energy_miss: float
    committed_share: float
    writes_over_budget: int
    below_floor_over_bound: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evenings:
    """Mean of the evenings at home."""

    import_kwh: float
    export_kwh: float
    setpoints: float


def guarded(seeds: Sequence[int]) -> Guarded:
    """Return how a charger of class A follows, delivers and stops."""
    plant = PLANTS[CHARGER]
    followed, _ = follow_regulation(plant, seeds, CLASS_A)
    ours, plain = followed[OURS], followed["open_loop"].scores
    results = [deliver(plant, seed, CLASS_A) for seed in seeds]
    return Guarded(
        is_class_a=guarantee_of(CLASS_A) is GuaranteeClass.A,
        score_over_calibrated=ours.score - followed["calibrated"].score,
        score_least_over_open_loop=min(
            a - b for a, b in zip(ours.scores, plain, strict=True)
        ),
        tracking_over_oracle=ours.tracking / followed["oracle"].tracking,
        energy_miss=max(abs(1.0 - one.worst_share) for one in results),
        committed_share=min(one.committed_share for one in results),
        writes_over_budget=sum(one.writes_over_budget for one in results),
        below_floor_over_bound=max(
            floor_overrun(plant, seed, CLASS_A) for seed in seeds
        ),
    )


def dispatched_share(link: Link, seed: int) -> float:
    """Return the least share of a power plant's order that a charger takes on."""
    return abs(deliver(PLANTS[CHARGER], seed, link).committed_share)


def evenings(link: Link, seeds: Sequence[int], part: slice) -> Evenings:
    """Return how a charger serves the household of some evenings.

    Args:
        link: how it is reached.
        seeds: of the evenings.
        part: of each one, in seconds.
    """
    results = [
        follow_house(
            seeded(HOUSE_PLANTS[CHARGER], seed), evening(seed)[part], link=link
        )
        for seed in seeds
    ]
    return Evenings(
        import_kwh=fmean(one.import_kwh for one in results),
        export_kwh=fmean(one.export_kwh for one in results),
        setpoints=fmean(one.setpoints for one in results),
    )


def guarantee_of(link: Link) -> GuaranteeClass | None:
    """Return what the self-test finds; None: it does not pass."""
    try:
        proof = commissioned(PLANTS[CHARGER], link).evse.proof
    except RuntimeError:
        return None
    return None if proof is None else proof.guarantee


def charged_share(link: Link, *, unattended_charge_w: float = 0.0) -> float:
    """Return the share of a charge of half an hour that a charger gets, not proven.

    Args:
        link: how it is reached.
        unattended_charge_w: what it may charge while its meter is silent, W.
    """
    loop = connected(PLANTS[CHARGER], link)
    limits = replace(loop.evse.limits, unattended_charge_w=unattended_charge_w)
    loop.evse = replace(loop.evse, limits=limits)
    loop.run(60)
    before_w = len(loop.powers_w)
    loop.ask(CHARGE_W, CHARGE_S)
    flowed_w = [power_w for _, power_w in loop.powers_w[before_w:]]
    got_wh = energy_wh(fmean(flowed_w), CHARGE_S)
    return got_wh / energy_wh(CHARGE_W, CHARGE_S)


GUARANTEES: Final[Mapping[GuaranteeClass | None, float]] = {
    GuaranteeClass.A: 1.0,
    GuaranteeClass.B: 0.0,
    None: -1.0,
}
"""As a figure."""
