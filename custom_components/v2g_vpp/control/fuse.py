"""What the connection of the home leaves for its EVSEs, signed and per phase.

Charging is cut when the home takes too much, discharge when it gives too much; never
the other way round. What an EVSE discharges is not counted against what the home takes,
and what it charges not against what the home gives: either may end at any moment, and
the home must survive that. So each direction has its own room, which only the EVSEs of
that direction share.

The load beside the EVSEs is the worst of the last seconds: less room counts at once,
more of it only when it stays.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf

from ..domain.calibration import Calibration
from ..domain.ids import EvseKey
from ..domain.setpoint import Reason
from ..domain.site_meters import SiteWiring
from .allocation import SharedLimit
from .house_load import HomePowers, Window
from .limits import Bound
from .meter_belief import Belief, beliefs, unshown_w

MORE_ROOM_AFTER_S = 10.0
"""Room that was free for this long may be used."""

FUSE_SHARE = 0.97
"""Part of a fuse that is used: meters and chargers are a few percent wrong."""


class Direction(StrEnum):
    """Which way the power of an EVSE flows."""

    CHARGE = "charge"
    DISCHARGE = "discharge"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLimit:
    """The sum of share x magnitude over its EVSEs must not exceed the room."""

    reason: Reason
    direction: Direction
    room_w: float
    """>= 0."""

    shares: Mapping[EvseKey, float] | None = None
    """Part of its power with which each EVSE counts, missing = 0; None: 1 for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FuseInputs:
    """What one step is given."""

    keys: Sequence[EvseKey]
    wiring: SiteWiring
    powers: HomePowers | None
    """None: the grid is not measured, or its meter is silent. What flows through the
    EVSEs is what their own meters show, in the measure of what they are told."""

    calibrations: Mapping[EvseKey, Calibration] = field(default_factory=dict)
    """Of the EVSEs whose meter has one."""


class FuseGuard:
    """Remembers the load of the last seconds and says what room it leaves."""

    def __init__(self) -> None:
        """Start without a memory."""
        self._windows: dict[tuple[Direction, int, int], Window] = {}
        self._shares = _Shares()

    def step(self, inputs: FuseInputs, now_mono_s: float) -> tuple[SiteLimit, ...]:
        """Return the limits of this moment, in no particular order.

        Without a reading of the grid the EVSEs alone must stay inside every limit;
        what else a silent meter forbids is said elsewhere.
        """
        if inputs.powers is None:
            self._windows.clear()
        self._shares.learn(inputs.wiring, inputs.keys)
        ways = beliefs(inputs.calibrations)
        limits: list[SiteLimit] = []
        for number, belief in enumerate(ways):
            limits += self._total_limits(inputs, belief, number, now_mono_s)
            limits += self._fuse_limits(inputs, belief, number, now_mono_s)
        limits += _imbalance_limits(inputs, ways[-1])
        limits += _circuit_limits(inputs, ways[-1])
        return tuple(limits)

    def _total_limits(
        self, inputs: FuseInputs, belief: Belief, number: int, now_mono_s: float
    ) -> Iterable[SiteLimit]:
        wiring = inputs.wiring
        totals = (
            (Reason.IMPORT_LIMIT, Direction.CHARGE, wiring.import_limit_w),
            (Reason.EXPORT_LIMIT, Direction.DISCHARGE, wiring.export_limit_w),
        )
        for reason, direction, limit_w in totals:
            if limit_w is None:
                continue
            if inputs.powers is None:
                room_w = _alone_w(inputs, limit_w, None, direction)
            else:
                load_w = _rest_w(inputs.powers, belief, direction)
                name = (direction, 0, number)
                room_w = self._room_w(name, limit_w, load_w, now_mono_s)
            yield SiteLimit(
                reason=reason,
                direction=direction,
                room_w=room_w,
                shares=belief.scaled(None, inputs.keys),
            )

    def _fuse_limits(
        self, inputs: FuseInputs, belief: Belief, number: int, now_mono_s: float
    ) -> Iterable[SiteLimit]:
        wiring = inputs.wiring
        if wiring.fuse_w is None:
            return
        for direction in Direction:
            for phase in wiring.phases:
                shares, limit_w = (
                    self._shares.of_phase[phase],
                    wiring.fuse_w * FUSE_SHARE,
                )
                if inputs.powers is None:
                    room_w = _alone_w(inputs, limit_w, shares, direction)
                else:
                    load_w = _phase_load_w(
                        inputs.powers, wiring, belief, phase, direction
                    )
                    name = (direction, phase, number)
                    room_w = self._room_w(name, limit_w, load_w, now_mono_s)
                yield SiteLimit(
                    reason=Reason.FUSE,
                    direction=direction,
                    room_w=room_w,
                    shares=belief.scaled(shares, inputs.keys),
                )

    def _room_w(
        self,
        name: tuple[Direction, int, int],
        limit_w: float,
        load_w: float,
        now_mono_s: float,
    ) -> float:
        """Return what is left of a limit beside the worst load of the last seconds."""
        window = self._windows.setdefault(name, Window(MORE_ROOM_AFTER_S))
        window.take(load_w, now_mono_s)
        is_charge = name[0] is Direction.CHARGE
        taken_w = window.highest if is_charge else -window.lowest
        return max(0.0, limit_w - taken_w)


def _alone_w(
    inputs: FuseInputs,
    limit_w: float,
    shares: Mapping[EvseKey, float] | None,
    direction: Direction,
) -> float:
    """Return what is left of a limit beside what meters do not show, W."""
    is_charge = direction is Direction.CHARGE
    unshown = unshown_w(inputs.calibrations, shares, is_charge=is_charge)
    return max(0.0, limit_w - unshown)


def _rest_w(powers: HomePowers, belief: Belief, direction: Direction) -> float:
    """Return what the grid would show without any EVSE, W, as one belief has it."""
    is_charge = direction is Direction.CHARGE
    return powers.grid_w - sum(
        belief.seen_w(key, power_w, is_compared=(power_w > 0) is is_charge)
        for key, power_w in powers.evses_w.items()
    )


def _phase_load_w(
    powers: HomePowers,
    wiring: SiteWiring,
    belief: Belief,
    phase: int,
    direction: Direction,
) -> float:
    """Return the power of a phase without the EVSEs, W, in doubt the worse one."""
    phases_w = powers.phases_w
    if phases_w is None or len(phases_w) != wiring.phase_count:
        rest_w = _rest_w(powers, belief, direction)
        return _unmeasured_phase_load_w(rest_w, powers.solar_w, wiring, direction)
    load_w = phases_w[phase - 1]
    is_charge = direction is Direction.CHARGE
    for key, power_w in powers.evses_w.items():
        phase_map = wiring.phase_map(key)
        # What runs in this direction must not be believed to be more than it surely
        # is here; what runs in the other may be gone, with as much as it may be here.
        is_same = (power_w > 0) is is_charge
        share = phase_map.least_share_of if is_same else phase_map.share_of
        seen_w = belief.seen_w(key, power_w, is_compared=is_same)
        load_w -= seen_w * share(phase, wiring.phase_count)
    return load_w


def _unmeasured_phase_load_w(
    rest_w: float, solar_w: float | None, wiring: SiteWiring, direction: Direction
) -> float:
    """Return what a phase may carry when only the sum of them is known."""
    if wiring.phase_count == 1:
        return rest_w
    if direction is Direction.CHARGE:
        # All loads on this phase, and no solar on it.
        return max(0.0, rest_w + max(0.0, solar_w or 0.0))
    return min(0.0, rest_w)


class _Shares:
    """Shares of all EVSEs by phase, made anew only when home or wiring change."""

    def __init__(self) -> None:
        self._known: tuple[SiteWiring, tuple[EvseKey, ...]] | None = None
        self.of_phase: Mapping[int, Mapping[EvseKey, float]] = {}

    def learn(self, wiring: SiteWiring, keys: Sequence[EvseKey]) -> None:
        """Take over how the home is wired."""
        known = (wiring, tuple(keys))
        if self._known is None or known != self._known:
            self.of_phase = {
                phase: _shares(keys, wiring, phase) for phase in wiring.phases
            }
            self._known = known


def _shares(
    keys: Iterable[EvseKey], wiring: SiteWiring, phase: int
) -> Mapping[EvseKey, float]:
    count = wiring.phase_count
    return {key: wiring.phase_map(key).share_of(phase, count) for key in keys}


def _imbalance_limits(inputs: FuseInputs, belief: Belief) -> Iterable[SiteLimit]:
    """Yield how far one phase may be loaded beyond the others by the EVSEs.

    What an EVSE takes from all phases alike does not count.
    """
    wiring = inputs.wiring
    if wiring.imbalance_limit_w is None or wiring.phase_count == 1:
        return
    for phase in wiring.phases:
        shares = {key: _unbalanced_share(key, wiring, phase) for key in inputs.keys}
        for direction in Direction:
            yield SiteLimit(
                reason=Reason.IMBALANCE,
                direction=direction,
                room_w=_alone_w(inputs, wiring.imbalance_limit_w, shares, direction),
                shares=belief.scaled(shares, inputs.keys),
            )


def _unbalanced_share(key: EvseKey, wiring: SiteWiring, phase: int) -> float:
    phase_map, count = wiring.phase_map(key), wiring.phase_count
    if not phase_map.phases:
        return 1.0
    common = min(phase_map.share_of(one, count) for one in wiring.phases)
    return phase_map.share_of(phase, count) - common


def _circuit_limits(inputs: FuseInputs, belief: Belief) -> Iterable[SiteLimit]:
    """Yield the limits of sub-panels, on the magnitude of the current.

    Charging and discharge cancel only as long as both go on, so each has the limit for
    itself.
    """
    wiring = inputs.wiring
    for circuit in wiring.circuits:
        here = [key for key in inputs.keys if key in circuit.evses]
        for phase in wiring.phases:
            shares = _shares(here, wiring, phase)
            limit_w = circuit.limit_a * wiring.nominal_voltage_v
            for direction in Direction:
                yield SiteLimit(
                    reason=Reason.CIRCUIT,
                    direction=direction,
                    room_w=_alone_w(inputs, limit_w, shares, direction),
                    shares=belief.scaled(shares, inputs.keys),
                )


@dataclass(slots=True)
class _Room:
    """What is left of one limit."""

    reason: Reason
    shares: Mapping[EvseKey, float] | None
    left_w: float

    def share_of(self, key: EvseKey) -> float:
        """Return with which part of its power an EVSE counts."""
        return 1.0 if self.shares is None else self.shares.get(key, 0.0)


class Rooms:
    """What is left of the limits while EVSEs take their parts, one after the other."""

    def __init__(self, limits: Iterable[SiteLimit]) -> None:
        """Start with all of it."""
        # Asked several times for each EVSE: only the limits of its direction count.
        self._rooms: dict[Direction, list[_Room]] = {way: [] for way in Direction}
        for limit in limits:
            room = _Room(limit.reason, limit.shares, limit.room_w)
            self._rooms[limit.direction].append(room)
        # Limits that all EVSEs share alike leave each of them the same.
        self._is_alike = {
            way: all(room.shares is None for room in rooms)
            for way, rooms in self._rooms.items()
        }
        self._bound_of_all: dict[Direction, Bound | None] = {}

    @property
    def are_endless(self) -> bool:
        """True when there is no limit at all."""
        return not any(self._rooms.values())

    def bound(self, key: EvseKey, direction: Direction) -> Bound | None:
        """Return what an EVSE may still have in a direction; None: no limit."""
        if not self._is_alike[direction]:
            return self._find_bound(key, direction)
        if direction not in self._bound_of_all:
            self._bound_of_all[direction] = self._find_bound(key, direction)
        return self._bound_of_all[direction]

    def left_w(self, key: EvseKey, direction: Direction) -> float:
        """Return the power that an EVSE may still have; infinite without a limit."""
        return self._tightest(key, direction)[0]

    def bound_below(
        self, key: EvseKey, direction: Direction, power_w: float
    ) -> Bound | None:
        """Return what leaves an EVSE less than a power; None: it may have all of it."""
        is_short = self.left_w(key, direction) < power_w
        return self.bound(key, direction) if is_short else None

    def _find_bound(self, key: EvseKey, direction: Direction) -> Bound | None:
        tightest_w, reason = self._tightest(key, direction)
        return None if reason is None else Bound(power_w=tightest_w, reason=reason)

    def _tightest(
        self, key: EvseKey, direction: Direction
    ) -> tuple[float, Reason | None]:
        tightest_w, reason = inf, None
        for room in self._rooms[direction]:
            share = room.share_of(key)
            if share > 0 and room.left_w < tightest_w * share:
                tightest_w, reason = room.left_w / share, room.reason
        return tightest_w, reason

    def take(self, key: EvseKey, direction: Direction, power_w: float) -> None:
        """Use up the room of a power, a magnitude."""
        if power_w == 0:
            return
        self._bound_of_all.pop(direction, None)
        for room in self._rooms[direction]:
            room.left_w = max(0.0, room.left_w - room.share_of(key) * power_w)


def shared_limits(
    limits: Iterable[SiteLimit], direction: Direction
) -> tuple[SharedLimit, ...]:
    """Return the limits of one direction as an allocation takes them."""
    return tuple(
        SharedLimit(reason=limit.reason, room_w=limit.room_w, shares=limit.shares)
        for limit in limits
        if limit.direction is direction
    )


def total_room_w(limits: Iterable[SiteLimit], direction: Direction) -> float:
    """Return what all EVSEs together may be told; infinite without such a limit."""
    return min(
        (
            # All of it goes to whoever counts least with what it is told.
            limit.room_w / min((limit.shares or {}).values(), default=1.0)
            for limit in limits
            if limit.direction is direction and limit.reason in _OF_THE_WHOLE
        ),
        default=inf,
    )


_OF_THE_WHOLE = (Reason.IMPORT_LIMIT, Reason.EXPORT_LIMIT)
"""Limits in which every EVSE counts with all of its power."""
