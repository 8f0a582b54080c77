"""What the home could hold in the windows of its events, and what it keeps for them.

Only what the vehicles hold now counts: nobody knows whether they will be charged, or
where they are after their next departure. What one window gets no other one is promised
(rule 14 of the contract).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..domain.dispatch import BindingClass
from ..domain.energy import NOTHING_KEPT, KeptEnergy
from ..domain.ids import EvseKey
from ..domain.policy import Departure
from ..domain.units import SECONDS_PER_HOUR, clamp, energy_wh, percent_of, share_of
from .ready_by import EARLY_S, ChargePath
from .share_cost import ONE_WAY_EFFICIENCY, lasting_power_w

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """One EVSE with its vehicle, as far as events are concerned."""

    key: EvseKey
    discharge_w: float = 0.0
    """Most it may discharge for a dispatch as it is set up, >= 0."""

    charge_w: float = 0.0
    minimum_w: float = 0.0
    """Below it nothing flows."""

    blocked_by: BindingClass | None = None
    """What forbids any discharge for longer than a moment; None: nothing does."""

    held_percent: float | None = None
    """What the vehicle has at least; None: nobody knows."""

    likely_percent: float | None = None
    capacity_wh: float = 0.0
    max_soc_percent: float = 100.0
    floor_percent: float = 0.0
    """The highest floor of a dispatch, without that of a trip."""

    budget_wh: float = 0.0
    cycled_wh: float = 0.0
    """Of the budget, in the last 24 h."""

    departures: tuple[Departure, ...] = ()
    path: ChargePath | None = None
    """How the battery fills; None: not known, so a trip needs all of it at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedWindow:
    """One window that the home means to serve, from now on."""

    programme_id: str
    event_id: str
    number: int
    """Place among the windows of its event."""

    start_mono_s: float
    """Not before the present."""

    end_mono_s: float
    power_w: float | None = None
    limit_w: float | None = None
    granted_percent: float = 0.0
    """Floor that the owner grants to its programme."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the home expects to hold in one window."""

    power_w: float
    why: frozenset[BindingClass] = frozenset()


type WindowKey = tuple[str, str, int]
"""Programme, event, place of the window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """Every window with what it gets, and what is kept for it."""

    expected: Mapping[WindowKey, Expected] = field(default_factory=dict)
    kept: tuple[tuple[str, str, EvseKey, KeptEnergy], ...] = ()
    """Programme, event, EVSE and what is kept there, in the order of booking."""

    def kept_from(self, key: EvseKey, event: tuple[str, str] | None) -> KeptEnergy:
        """Return what an order must leave in the vehicle at an EVSE.

        Args:
            key: of the EVSE.
            event: programme and event that the order belongs to. What was booked
                before it is kept from it; None, or one that is not booked: all is.
        """
        is_booked = any((p, e) == event for p, e, _, _ in self.kept)
        kept = NOTHING_KEPT
        for programme_id, event_id, at, energy in self.kept:
            if is_booked and (programme_id, event_id) == event:
                break
            if at == key:
                kept = KeptEnergy(
                    percent=max(kept.percent, energy.percent),
                    wh=max(kept.wh, energy.wh),
                )
        return kept


NOTHING_BOOKED = Booking()


@dataclass(slots=True)
class _Taken:
    """What was booked of one pool so far."""

    spans: list[tuple[float, float]] = field(default_factory=list)
    """Start of each window and Wh in the battery."""

    @property
    def total_wh(self) -> float:
        return sum(wh for _, wh in self.spans)

    def within_day_wh(self, start_mono_s: float) -> float:
        return sum(wh for at, wh in self.spans if abs(at - start_mono_s) < DAY_S)


def book(
    pools: Sequence[Pool],
    windows: Iterable[WantedWindow],
    *,
    now_mono_s: float,
    export_limit_w: float | None = None,
) -> Booking:
    """Give each window what the vehicles hold for it, the first one first.

    Args:
        pools: every EVSE of the home.
        windows: in the order in which their events were announced.
        now_mono_s: the present.
        export_limit_w: most that all EVSEs together may discharge; None: no limit.
    """
    expected: dict[WindowKey, Expected] = {}
    kept: list[tuple[str, str, EvseKey, KeptEnergy]] = []
    taken = {pool.key: _Taken() for pool in pools}
    busy: list[WantedWindow] = []
    for window in windows:
        key = (window.programme_id, window.event_id, window.number)
        if any(_overlap(window, other) for other in busy):
            expected[key] = Expected(power_w=0.0, why=frozenset({BindingClass.LIMIT}))
            continue
        asked_w = window.power_w
        if asked_w is None or asked_w >= 0:
            expected[key] = _charging(pools, window, now_mono_s)
        else:
            most_w = (
                -asked_w if export_limit_w is None else min(-asked_w, export_limit_w)
            )
            given, why = _discharging(pools, window, taken, most_w, now_mono_s)
            if most_w < -asked_w:
                why |= {BindingClass.LIMIT}
            power_w = sum(given.values())
            expected[key] = Expected(power_w=0.0 - power_w, why=why)
            for pool in pools:
                if pool.key not in given:
                    continue
                energy = _kept(pool, window, taken[pool.key], now_mono_s)
                kept.append((window.programme_id, window.event_id, pool.key, energy))
        if expected[key].power_w != 0 or window.limit_w is not None:
            busy.append(window)
    return Booking(expected=expected, kept=tuple(kept))


def floor_then_percent(
    pool: Pool, at_mono_s: float, granted_percent: float = 0.0
) -> float | None:
    """Return the floor of a dispatch that ends at a moment; None: the vehicle left.

    What is left at its end must still be enough for the trip that follows.
    """
    floor = max(pool.floor_percent, granted_percent)
    for departure in pool.departures:
        left_s = departure.due_mono_s - at_mono_s
        if left_s <= 0:
            return None
        wanted = min(departure.target_percent, pool.max_soc_percent)
        if pool.path is not None:
            wanted = pool.path.start_percent(wanted, left_s - EARLY_S)
        floor = max(floor, wanted)
    return floor


def _charging(
    pools: Sequence[Pool], window: WantedWindow, now_mono_s: float
) -> Expected:
    """Return what charging, or a limit, would get."""
    hours = (window.end_mono_s - window.start_mono_s) / SECONDS_PER_HOUR
    if window.limit_w is not None:
        # A limit is held by whoever can do less.
        lowest_w = -sum(pool.discharge_w for pool in pools)
        highest_w = sum(pool.charge_w for pool in pools)
        return Expected(power_w=clamp(window.limit_w, lowest_w, highest_w))
    asked_w = window.power_w or 0.0
    able_w, why = 0.0, frozenset[BindingClass]()
    for pool in pools:
        if _is_away(pool, window):
            why |= {BindingClass.USER}
            continue
        likely = pool.likely_percent
        room = 0.0 if likely is None else max(0.0, pool.max_soc_percent - likely)
        room_w = (
            share_of(room, pool.capacity_wh) / ONE_WAY_EFFICIENCY / max(hours, 1e-6)
        )
        power_w = min(pool.charge_w, room_w)
        able_w += power_w if power_w >= pool.minimum_w else 0.0
        if room_w < pool.charge_w:
            why |= {BindingClass.VEHICLE if likely is None else BindingClass.USER}
    if able_w >= asked_w:
        return Expected(power_w=asked_w)
    return Expected(power_w=able_w, why=why or frozenset({BindingClass.LIMIT}))


def _discharging(
    pools: Sequence[Pool],
    window: WantedWindow,
    taken: Mapping[EvseKey, _Taken],
    most_w: float,
    now_mono_s: float,
) -> tuple[dict[EvseKey, float], frozenset[BindingClass]]:
    """Return the power of each EVSE that gives some, and what holds the sum down."""
    duration_s = window.end_mono_s - window.start_mono_s
    given: dict[EvseKey, float] = {}
    why = frozenset[BindingClass]()
    left_w = most_w
    fullest_first = sorted(
        pools,
        key=lambda p: (-_left_wh(p, window, taken[p.key], now_mono_s), p.key),
    )
    for pool in fullest_first:
        if pool.blocked_by is not None:
            why |= {pool.blocked_by}
            continue
        energy_wh_left = _left_wh(pool, window, taken[pool.key], now_mono_s)
        lasting_w = lasting_power_w(energy_wh_left, duration_s)
        power_w = min(pool.discharge_w, lasting_w, left_w)
        if power_w < pool.minimum_w or power_w <= 0:
            power_w = 0.0
        if power_w < min(left_w, pool.discharge_w):
            is_known = pool.held_percent is not None
            why |= {BindingClass.USER if is_known else BindingClass.VEHICLE}
        if power_w > 0:
            given[pool.key] = power_w
            left_w -= power_w
            taken_wh = energy_wh(power_w, duration_s) / ONE_WAY_EFFICIENCY
            taken[pool.key].spans.append((window.start_mono_s, taken_wh))
    if left_w <= 0:
        return given, frozenset()
    return given, why or frozenset({BindingClass.LIMIT})


def _left_wh(
    pool: Pool, window: WantedWindow, taken: _Taken, now_mono_s: float
) -> float:
    """Return what is left for a window, Wh in the battery."""
    floor = floor_then_percent(pool, window.end_mono_s, window.granted_percent)
    if pool.held_percent is None or floor is None or pool.blocked_by is not None:
        return 0.0
    above_wh = share_of(max(0.0, pool.held_percent - floor), pool.capacity_wh)
    is_today = window.start_mono_s - now_mono_s < DAY_S
    spent_wh = pool.cycled_wh if is_today else 0.0
    budget_wh = pool.budget_wh - spent_wh - taken.within_day_wh(window.start_mono_s)
    return max(0.0, min(above_wh - taken.total_wh, budget_wh))


def _kept(
    pool: Pool, window: WantedWindow, taken: _Taken, now_mono_s: float
) -> KeptEnergy:
    """Return what nobody else may take once this window is booked."""
    ends_mono_s, granted = window.end_mono_s, window.granted_percent
    floor = floor_then_percent(pool, ends_mono_s, granted) or 0.0
    within_day_wh = sum(wh for at, wh in taken.spans if at - now_mono_s < DAY_S)
    return KeptEnergy(
        percent=floor + percent_of(taken.total_wh, pool.capacity_wh),
        wh=within_day_wh,
    )


def _is_away(pool: Pool, window: WantedWindow) -> bool:
    return any(one.due_mono_s < window.end_mono_s for one in pool.departures)


def _overlap(one: WantedWindow, other: WantedWindow) -> bool:
    return one.start_mono_s < other.end_mono_s and other.start_mono_s < one.end_mono_s
