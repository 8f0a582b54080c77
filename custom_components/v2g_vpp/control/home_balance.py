"""The home as one: what its meters say, what it leaves, what its modes ask for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from ..domain.dispatch import CommandKind
from ..domain.ids import EvseKey
from ..domain.policy import METER_MODES, Mode
from ..domain.setpoint import ControlOwner, Reason
from ..domain.site_meters import MeterRegulator, SiteMeters, SiteWiring
from .demand import DemandInputs, MeterFollower
from .evse_case import Case, promise_for
from .fuse import (
    MORE_ROOM_AFTER_S,
    Direction,
    FuseGuard,
    FuseInputs,
    SiteLimit,
    shared_limits,
    total_room_w,
)
from .home_battery import (
    BatteryBand,
    BatteryInputs,
    LeftOver,
    beside_passive_battery,
    without_battery,
)
from .house_load import HomePowers, HouseLoad, Window, home_readings
from .inputs import EvseInputs, SiteInputs
from .lease import Lease
from .limits import least_flow_w, minimum_power_w
from .sharing import Taker, share_power, taken_most_w
from .told_power import ToldPowers

FOLLOWING_ORDER = (Mode.SELF_CONSUMPTION, Mode.PEAK_SHAVING, Mode.SOLAR)
"""Who serves the home comes before who takes what is left over."""


_REASONS_OF_MONEY = frozenset(
    {Reason.AS_REQUESTED, Reason.NOTHING_TO_BALANCE, Reason.NO_SURPLUS}
)
"""Where the meter is silent or missing, nothing is held for the sake of a contactor."""

FULL_PERCENT = 99.5
"""From here on a home battery takes nothing worth mentioning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeView:
    """What one step knows of the home."""

    powers: HomePowers | None
    """None: no meter of the grid, or a silent one."""

    limits: tuple[SiteLimit, ...]
    left: LeftOver | None
    """What the home battery leaves; None: not known."""


class HomeBalance:
    """Remembers what the meters of the home said and what its modes asked for."""

    def __init__(self) -> None:
        """Start without a memory."""
        self._load = HouseLoad()
        self._fuse = FuseGuard()
        self._told = ToldPowers()
        self._band = BatteryBand()
        self._discharges = Window(MORE_ROOM_AFTER_S)
        self._charges = Window(MORE_ROOM_AFTER_S)
        self._followers = {mode: MeterFollower() for mode in FOLLOWING_ORDER}

    def look(
        self,
        evses: Sequence[EvseInputs],
        site: SiteInputs,
        now_mono_s: float,
        told_w: Mapping[EvseKey, float],
        hurried: Collection[EvseKey],
    ) -> HomeView:
        """Take in the meters and return what the home leaves for its EVSEs.

        Args:
            evses: of the home.
            site: what holds for all of it.
            now_mono_s: the present.
            told_w: the last setpoint of each EVSE.
            hurried: EVSEs whose vehicle must charge now for its trip.
        """
        wiring = _wiring(site)
        powers = None
        if site.meters is not None:
            told = {evse.key: evse.fresh_told_power(now_mono_s) for evse in evses}
            readings = home_readings(site.meters, told, now_mono_s)
            powers = self._load.step(readings)
        left = self._left_over(site, powers, now_mono_s)
        limits = self._battery_limits(evses, left, hurried, now_mono_s)
        if wiring is not None:
            keys = tuple(evse.key for evse in evses)
            as_told = None
            if powers is not None:
                as_told = self._told.step(powers, evses, told_w, now_mono_s)
            inputs = FuseInputs(
                keys=keys,
                wiring=wiring,
                powers=as_told,
                calibrations={
                    evse.key: evse.calibration
                    for evse in evses
                    if evse.calibration is not None
                },
            )
            limits = (*self._fuse.step(inputs, now_mono_s), *limits)
        return HomeView(powers=powers, limits=limits, left=left)

    def ask(
        self,
        cases: Sequence[Case],
        site: SiteInputs,
        view: HomeView,
        now_mono_s: float,
    ) -> None:
        """Tell each EVSE of a mode that follows the meter what it wants now."""
        load = view.left
        groups: dict[Mode, list[Case]] = {mode: [] for mode in FOLLOWING_ORDER}
        for case in cases:
            mode = case.evse.policy.mode
            is_by_meter = mode in METER_MODES and not case.evse.is_meter_contradicted
            is_ours = not case.evse.is_external
            if is_ours and is_by_meter and case.local.owner is ControlOwner.MODE:
                groups[mode].append(case)
        followed = {case.evse.key for group in groups.values() for case in group}
        if load is not None and view.powers is not None:
            # Whoever does not follow is a load like any other.
            others_w = sum(
                power_w
                for key, power_w in view.powers.evses_w.items()
                if key not in followed
            )
            load = load.beside(others_w)
        for mode, group in groups.items():
            if not group:
                self._followers[mode].reset()
                continue
            asked_w = self._ask_group(mode, group, load, site, view, now_mono_s)
            load = None if load is None else load.beside(asked_w)

    def _ask_group(
        self,
        mode: Mode,
        group: Sequence[Case],
        load: LeftOver | None,
        site: SiteInputs,
        view: HomeView,
        now_mono_s: float,
    ) -> float:
        spans = {case.evse.key: _span(case, site) for case in group}
        is_measured = site.meters is not None and site.meters.has_grid
        wiring = site.wiring or SiteWiring()
        demand = self._followers[mode].step(
            DemandInputs(
                mode=mode,
                is_measured=is_measured,
                load=load,
                minimum_charge_w=min(s.minimum_charge_w for s in spans.values()),
                minimum_discharge_w=min(s.minimum_discharge_w for s in spans.values()),
                maximum_charge_w=min(
                    sum(s.charge_w for s in spans.values()),
                    total_room_w(view.limits, Direction.CHARGE),
                ),
                maximum_discharge_w=min(
                    sum(s.discharge_w for s in spans.values()),
                    total_room_w(view.limits, Direction.DISCHARGE),
                ),
                running_w=sum(case.track.power_w for case in group),
                solar=site.solar,
                peak_import_w=(
                    wiring.import_limit_w
                    if wiring.peak_import_w is None
                    else wiring.peak_import_w
                ),
            ),
            now_mono_s,
        )
        shares = _shares(demand.power_w, group, spans, view, now_mono_s)
        is_holdable = _is_beside_battery(group, view.left)
        for case in group:
            case.local = Lease(
                owner=ControlOwner.MODE,
                requested_w=shares[case.evse.key],
                reason=demand.reason,
                is_by_meter=True,
                is_economic=(
                    case.evse.opens_at_zero
                    and demand.reason in _REASONS_OF_MONEY
                    and is_holdable
                ),
                useful_w=demand.needed_w if len(group) == 1 else 0.0,
            )
        return sum(shares.values())

    def _battery_limits(
        self,
        evses: Sequence[EvseInputs],
        left: LeftOver | None,
        hurried: Collection[EvseKey],
        now_mono_s: float,
    ) -> tuple[SiteLimit, ...]:
        """Return what keeps vehicles and home battery out of each other."""
        if left is None:
            self._discharges.clear()
            self._charges.clear()
            return ()
        self._discharges.take(left.load_to_discharge_w, now_mono_s)
        self._charges.take(left.power_to_charge_w, now_mono_s)
        filling = [evse.key for evse in evses if not _may_fill_battery(evse)]
        emptying = [
            evse.key
            for evse in evses
            if evse.key not in hurried and not _may_empty_battery(evse)
        ]
        limits = (
            SiteLimit(
                reason=Reason.HOME_BATTERY,
                direction=Direction.DISCHARGE,
                room_w=self._discharges.lowest,
                shares=dict.fromkeys(filling, 1.0),
            ),
            SiteLimit(
                reason=Reason.FROM_HOME_BATTERY,
                direction=Direction.CHARGE,
                room_w=self._charges.lowest,
                shares=dict.fromkeys(emptying, 1.0),
            ),
        )
        return tuple(limit for limit in limits if limit.room_w < inf)

    def _left_over(
        self, site: SiteInputs, powers: HomePowers | None, now_mono_s: float
    ) -> LeftOver | None:
        """Return what the home battery leaves; None when that is not known."""
        battery = site.meters.battery if site.meters is not None else None
        wiring = site.wiring or SiteWiring()
        if powers is None or (battery is not None and powers.battery_w is None):
            self._band.reset()
            return None
        plain = without_battery(powers.rest_w)
        if powers.battery_w is None:
            return plain
        if wiring.regulator is MeterRegulator.BATTERY:
            left = self._band.step(
                BatteryInputs(
                    rest_w=powers.rest_w,
                    grid_w=powers.grid_w,
                    battery_w=powers.battery_w,
                    is_full=_is_full(site.meters, now_mono_s),
                ),
                now_mono_s,
            )
            plain = without_battery(powers.rest_w - powers.battery_w)
        else:
            left = beside_passive_battery(powers.rest_w, powers.battery_w)
        if wiring.may_charge_from_battery:
            left = replace(
                left,
                load_to_charge_w=plain.load_to_charge_w,
                load_to_import_w=powers.rest_w,
                power_to_charge_w=inf,
            )
        if wiring.may_charge_battery:
            left = replace(
                left, load_to_serve_w=plain.load_to_serve_w, load_to_discharge_w=inf
            )
        return left


def _may_fill_battery(evse: EvseInputs) -> bool:
    """Return True where nothing keeps a discharge out of the home battery.

    The owner's own power and the self-test, which the owner watches, go ahead; what
    follows the meter asks for no more than the load anyway.
    """
    is_by_hand = evse.override is not None or evse.self_test_w is not None
    is_free = evse.order is None and evse.claim is None
    return is_by_hand or (is_free and evse.policy.mode in METER_MODES)


def _may_empty_battery(evse: EvseInputs) -> bool:
    """Return True where nothing keeps a charge from coming out of the home battery.

    A person there goes ahead: a power by hand, the button at the charger, the mode that
    charges now. A dispatch, a plan and another automation wait for the sun, or until
    the battery has no more to give.
    """
    is_by_hand = evse.override is not None or evse.session.is_priority_charging
    order = evse.order
    is_ordered = order is not None and order.kind is CommandKind.SETPOINT
    is_own = evse.policy.mode in METER_MODES or evse.policy.mode is Mode.CHARGE_NOW
    is_free = not is_ordered and evse.claim is None
    return is_by_hand or evse.self_test_w is not None or (is_free and is_own)


def _is_full(meters: SiteMeters | None, now_mono_s: float) -> bool:
    soc = meters.battery_soc if meters is not None else None
    held_percent = soc.value(now_mono_s) if soc is not None else None
    return held_percent is not None and held_percent >= FULL_PERCENT


def _is_beside_battery(group: Sequence[Case], left: LeftOver | None) -> bool:
    """Return True where what is held for a contactor stays out of the home battery."""
    if left is None:
        return True
    held_w = {Direction.CHARGE: 0.0, Direction.DISCHARGE: 0.0}
    for case in group:
        power_w = case.track.power_w
        if power_w != 0:
            direction = Direction.CHARGE if power_w > 0 else Direction.DISCHARGE
            held_w[direction] += minimum_power_w(case.evse, power_w)
    return (
        held_w[Direction.CHARGE] <= left.power_to_charge_w
        and held_w[Direction.DISCHARGE] <= left.load_to_discharge_w
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Able:
    """What one EVSE could do for its mode now, magnitudes."""

    charge_w: float
    discharge_w: float
    minimum_charge_w: float
    minimum_discharge_w: float


def _span(case: Case, site: SiteInputs) -> _Able:
    envelope = promise_for(case, site, ControlOwner.MODE)
    return _Able(
        charge_w=min(envelope.highest_w, taken_most_w(case, 1.0)),
        discharge_w=min(-envelope.lowest_w, taken_most_w(case, -1.0)),
        minimum_charge_w=least_flow_w(case.evse, 1.0),
        minimum_discharge_w=least_flow_w(case.evse, -1.0),
    )


def _shares(
    power_w: float,
    group: Sequence[Case],
    spans: Mapping[EvseKey, _Able],
    view: HomeView,
    now_mono_s: float,
) -> Mapping[EvseKey, float]:
    if len(group) == 1:
        return {group[0].evse.key: power_w}
    is_charge = power_w > 0
    direction = Direction.CHARGE if is_charge else Direction.DISCHARGE
    takers = [
        Taker(
            case=case,
            maximum_w=(
                spans[case.evse.key].charge_w
                if is_charge
                else spans[case.evse.key].discharge_w
            ),
        )
        for case in group
    ]
    shared = shared_limits(view.limits, direction)
    allocation = share_power(power_w, takers, shared, now_mono_s)
    return allocation.shares


def _wiring(site: SiteInputs) -> SiteWiring | None:
    """Return the wiring with the tightest export limit; None without any limit."""
    limits_w = [
        limit_w
        for limit_w in (
            site.export_limit_w,
            site.wiring.export_limit_w if site.wiring is not None else None,
        )
        if limit_w is not None
    ]
    if not limits_w:
        return site.wiring
    return replace(site.wiring or SiteWiring(), export_limit_w=min(limits_w))
