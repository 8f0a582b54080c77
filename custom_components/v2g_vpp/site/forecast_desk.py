"""What the home could do in the next day, for programmes whose owner shares it."""

from datetime import UTC, datetime, timedelta

from ..control.event_plan import Pool, floor_then_percent
from ..control.share_cost import ONE_WAY_EFFICIENCY
from ..domain.clock import Clock
from ..domain.energy import KeptEnergy
from ..domain.forecast import ForecastRoom, ForecastSlot
from ..domain.units import share_of
from .event_pools import pool_of
from .registry import Registry
from .tick_inputs import TickInputs

SLOT = timedelta(minutes=30)
SLOTS = 48
PERIOD_S = 1_800.0


class ForecastDesk:
    """Works out the next day, each half hour."""

    def __init__(self, registry: Registry, inputs: TickInputs, clock: Clock) -> None:
        """Read the records of ``registry``."""
        self._registry, self._inputs, self._clock = registry, inputs, clock
        self._looked_mono_s = float("-inf")

    def look_anew(self) -> None:
        """Work it out with the next step."""
        self._looked_mono_s = float("-inf")

    def advance(self, now_mono_s: float) -> None:
        """Renew the forecasts that are shared and take the others back."""
        programmes = self._registry.programmes.values()
        for programme in programmes:
            if not (programme.book.is_forecast_shared and programme.is_participating):
                programme.book.forecast = ()
        sharing = [
            p for p in programmes if p.book.is_forecast_shared and p.is_participating
        ]
        is_due = not 0 <= now_mono_s - self._looked_mono_s < PERIOD_S
        is_missing = any(not p.book.forecast for p in sharing)
        if not sharing or not (is_due or is_missing):
            return
        self._looked_mono_s = now_mono_s
        for programme in sharing:
            granted = programme.grant.reserve_percent
            programme.book.forecast = self._forecast(now_mono_s, granted)

    def _forecast(
        self, now_mono_s: float, granted_percent: float
    ) -> tuple[ForecastSlot, ...]:
        now = self._clock.utcnow()
        begin = _half_hour(now)
        pools = [
            (
                pool_of(
                    record,
                    self._inputs.evse(record, None, is_link_trusted=True),
                    granted_percent,
                ),
                self._inputs.kept(record.key, None),
            )
            for record in self._registry.evses.values()
        ]
        slots = []
        for number in range(SLOTS):
            start_at = begin + number * SLOT
            end_s = (start_at + SLOT - now).total_seconds()
            slots.append(
                ForecastSlot(
                    start_at=start_at,
                    p10=_sum([_room(*p, now_mono_s + end_s, sure=True) for p in pools]),
                    p50=_sum(
                        [_room(*p, now_mono_s + end_s, sure=False) for p in pools]
                    ),
                )
            )
        return tuple(slots)


def _room(
    pool: Pool, kept: KeptEnergy, end_mono_s: float, *, sure: bool
) -> ForecastRoom:
    """Return what an EVSE could do until a moment, what is booked left aside.

    A vehicle that leaves before may be back by then; nobody knows, so it counts as gone.
    """
    floor = floor_then_percent(pool, end_mono_s)
    if floor is None:
        return ForecastRoom()
    held = pool.held_percent if sure else pool.likely_percent
    out_w = out_wh = into_w = into_wh = 0.0
    if held is not None and pool.held_percent is not None and pool.blocked_by is None:
        above = max(0.0, held - max(floor, kept.percent))
        left_wh = max(0.0, pool.budget_wh - pool.cycled_wh - kept.wh)
        out_wh = ONE_WAY_EFFICIENCY * min(share_of(above, pool.capacity_wh), left_wh)
        out_w = min(pool.discharge_w, 2.0 * out_wh)
    if pool.likely_percent is not None:
        # Fuller than it says by as much as it may be emptier.
        margin = pool.likely_percent - (pool.held_percent or 0.0) if sure else 0.0
        missing = max(0.0, pool.max_soc_percent - pool.likely_percent - margin)
        into_wh = share_of(missing, pool.capacity_wh) / ONE_WAY_EFFICIENCY
        into_w = min(pool.charge_w, 2.0 * into_wh)
    return ForecastRoom(
        deliverable_w=out_w if out_w >= pool.minimum_w else 0.0,
        absorbable_w=into_w if into_w >= pool.minimum_w else 0.0,
        deliverable_wh=out_wh,
        absorbable_wh=into_wh,
    )


def _sum(rooms: list[ForecastRoom]) -> ForecastRoom:
    return ForecastRoom(
        deliverable_w=sum(room.deliverable_w for room in rooms),
        absorbable_w=sum(room.absorbable_w for room in rooms),
        deliverable_wh=sum(room.deliverable_wh for room in rooms),
        absorbable_wh=sum(room.absorbable_wh for room in rooms),
    )


def _half_hour(moment: datetime) -> datetime:
    """Return the begin of the half hour that a moment is in."""
    period = SLOT.total_seconds()
    seconds = moment.timestamp() // period * period
    return datetime.fromtimestamp(seconds, UTC)
