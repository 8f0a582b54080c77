"""The last look at the home: limits of the connection, derived from the raw meters.

A part of the output gate. It shares no code with what cuts powers before it, and judges
more coarsely: meters that report one after the other make the load look wrong for some
seconds whenever a charger ramps, so the kindest of the last seconds counts. What is
still too much then is nobody's moment.

A charger may give a little less than it is told, for good. What was asked of it all the
time is no more than what flows, as far as that is not much.

A meter that has a calibration is doubted: of what it shows and what the calibration
makes of it the worse counts, for each EVSE by itself.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..domain.calibration import Calibration
from ..domain.ids import EvseKey
from ..domain.loop_lag import LoopLook
from ..domain.setpoint import Reason
from ..domain.site_meters import PhaseMap, SiteMeters, SiteWiring

KINDEST_OF_S = 5.0
TOLERANCE_W = 100.0
TOLERANCE_SHARE = 0.03

HELD_FOR_S = 30.0
"""What was asked for so long has flowed: slower chargers are not offered for this."""

MOST_LACKING_W = 500.0
"""More is no offset of a charger (control brief, the plant: 440 W while charging)."""

TOTAL = 0
"""Place of the sum of all phases; the phases follow from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateHome:
    """What is known of the home at one tick."""

    meters: SiteMeters | None
    wiring: SiteWiring | None
    export_limit_w: float | None
    """Beside the one of the wiring."""

    asked_w: Mapping[EvseKey, float]
    """What the coordinator decided for every EVSE in this tick."""

    measured_w: Mapping[EvseKey, float]
    """What their meters show; an EVSE whose meter is silent is missing."""

    calibrations: Mapping[EvseKey, Calibration] = field(default_factory=dict)
    """Of the meters that have one."""

    look: LoopLook | None = None
    """The newest one at the clock; None while nobody looks."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What the home took at one moment beside what its EVSEs exchange, W.

    EVSEs whose meter is doubted are in it: they are judged with what they are asked.
    """

    at_mono_s: float
    least_w: tuple[float, ...]
    """For charging: the total first, then each phase. Discharge is not there."""

    most_w: tuple[float, ...]
    """For discharge: the same. Charging is not there."""

    doubted_w: Mapping[EvseKey, float]
    """What doubted meters showed."""


@dataclass(frozen=True, slots=True)
class _Excess:
    """A limit that is exceeded, and by whom."""

    reason: Reason
    evses: frozenset[EvseKey] | None = None
    """None: all."""


class SiteWatch:
    """Remembers the last seconds of the meters of the home."""

    def __init__(self) -> None:
        """Nothing is known: no limit can be judged."""
        self._home: GateHome | None = None
        self._looks: deque[_Look] = deque()
        self._is_silent = False
        self._asked: dict[EvseKey, deque[tuple[float, float]]] = {}
        self._excesses: dict[bool, tuple[_Excess, ...]] = {}

    def look(self, home: GateHome, now_mono_s: float) -> None:
        """Take in the meters and the decisions of a tick."""
        self._home = home
        # What is asked now is judged by what was asked before it.
        self._keep(home, now_mono_s)
        self._note_asked(home, now_mono_s)
        self._excesses = {
            is_charge: tuple(_Judgement(home, self._looks, is_charge).excesses())
            for is_charge in (True, False)
        }

    def doubts(self, key: EvseKey, power_w: float) -> Iterator[Reason]:
        """Yield why a power of an EVSE may not go to the wire."""
        if self._home is None or power_w == 0:
            return
        if power_w < 0 and self._is_silent:
            yield Reason.SITE_METER_STALE
        for excess in self._excesses[power_w > 0]:
            if excess.evses is None or key in excess.evses:
                yield excess.reason

    def is_charge_unwatched(self) -> bool:
        """Return True when limits of the connection rely on a meter that is silent."""
        return self._is_silent and self.has_charge_limit()

    def has_charge_limit(self) -> bool:
        """Return True when a limit of the connection needs the meter of the home."""
        wiring = None if self._home is None else self._home.wiring
        if wiring is None:
            return False
        return wiring.fuse_w is not None or wiring.import_limit_w is not None

    def _note_asked(self, home: GateHome, now_mono_s: float) -> None:
        self._asked = {key: self._asked.get(key) or deque() for key in home.asked_w}
        for key, asked_w in home.asked_w.items():
            asked = self._asked[key]
            if asked and now_mono_s < asked[-1][0]:
                asked.clear()
            if not asked or asked[-1][1] != asked_w:
                asked.append((now_mono_s, asked_w))

    def _taken_w(self, key: EvseKey, measured_w: float, now_mono_s: float) -> float:
        """Return what an EVSE was asked to take of what is measured, W."""
        asked, begin_s = self._asked.get(key), now_mono_s - HELD_FOR_S
        if measured_w <= 0 or not asked or now_mono_s < asked[-1][0]:
            return measured_w
        while len(asked) > 1 and asked[1][0] <= begin_s:
            asked.popleft()
        if asked[0][0] > begin_s:
            return measured_w
        held_w = min(w for _, w in asked)
        return max(measured_w, min(held_w, measured_w + MOST_LACKING_W))

    def _keep(self, home: GateHome, now_mono_s: float) -> None:
        meters = home.meters
        if meters is None or not meters.has_grid:
            self._is_silent = False
            self._looks.clear()
            return
        total_w = meters.grid_w(now_mono_s)
        phases_w = meters.phase_powers_w(now_mono_s)
        self._is_silent = total_w is None or (bool(meters.phases) and phases_w is None)
        if total_w is None or self._is_silent:
            self._looks.clear()
            return
        flows = {
            key: self._taken_w(key, w, now_mono_s) for key, w in home.measured_w.items()
        }
        seen = {k: w for k, w in flows.items() if k not in home.calibrations}
        doubted = {k: w for k, w in flows.items() if k in home.calibrations}
        charging_w = {key: max(0.0, w) for key, w in seen.items()}
        giving_w = {key: max(0.0, -w) for key, w in seen.items()}
        wiring = home.wiring or SiteWiring()
        rest_w = total_w - sum(seen.values())
        least_w, most_w = [rest_w], [rest_w]
        for phase, power_w in enumerate(phases_w or (), start=1):
            least_w.append(power_w - _on_phase(charging_w, wiring, phase))
            most_w.append(power_w + _on_phase(giving_w, wiring, phase))
        look = _Look(now_mono_s, tuple(least_w), tuple(most_w), doubted)
        self._looks.append(look)
        while not 0 <= now_mono_s - self._looks[0].at_mono_s <= KINDEST_OF_S:
            self._looks.popleft()


class _Judgement:
    """Asks for one direction what is too much."""

    def __init__(
        self,
        home: GateHome,
        looks: deque[_Look],
        is_charge: bool,  # noqa: FBT001
    ) -> None:
        self._home, self._looks, self._is_charge = home, looks, is_charge
        self._wiring = home.wiring or SiteWiring()
        self._sign = 1.0 if is_charge else -1.0
        self._asked_w = {
            key: max(0.0, self._sign * w) for key, w in home.asked_w.items()
        }

    def excesses(self) -> Iterator[_Excess]:
        """Yield each limit that what was asked exceeds."""
        if not any(self._asked_w.values()):
            return
        wiring = self._wiring
        if self._is_charge:
            reason, limits_w = Reason.IMPORT_LIMIT, [wiring.import_limit_w]
        else:
            reason = Reason.EXPORT_LIMIT
            limits_w = [self._home.export_limit_w, wiring.export_limit_w]
        for limit_w in limits_w:
            if limit_w is not None and _is_over(self._taken_w(TOTAL), limit_w):
                yield _Excess(reason)
        for phase in wiring.phases if wiring.fuse_w is not None else ():
            if _is_over(self._taken_w(phase), wiring.fuse_w or 0.0):
                yield _Excess(Reason.FUSE, self._evses_on(phase))
        yield from self._inside()

    def _inside(self) -> Iterator[_Excess]:
        """Yield limits inside the home; no meter shows what else flows there."""
        wiring = self._wiring
        for circuit in wiring.circuits:
            here = {k: w for k, w in self._asked_w.items() if k in circuit.evses}
            for phase in wiring.phases:
                limit_w = circuit.limit_a * wiring.nominal_voltage_v
                if _is_over(self._alone_w(here, phase), limit_w):
                    at_fault = self._evses_on(phase) & circuit.evses
                    yield _Excess(Reason.CIRCUIT, at_fault)
        if wiring.imbalance_limit_w is None or wiring.phase_count == 1:
            return
        phases_w = {p: self._alone_w(self._asked_w, p) for p in wiring.phases}
        least_w = min(phases_w.values())
        for phase, power_w in phases_w.items():
            if _is_over(power_w - least_w, wiring.imbalance_limit_w):
                yield _Excess(Reason.IMBALANCE, self._evses_on(phase))

    def _taken_w(self, place: int) -> float:
        """Return what the connection carries in this direction with what was asked."""
        places = (look for look in self._looks if place < len(self._of(look)))
        takens_w = [self._taken_at_w(look, place) for look in places]
        if not takens_w:
            return self._alone_w(self._asked_w, place)
        known_w = sum(
            self._part(key, place) * w
            for key, w in self._asked_w.items()
            if key not in self._home.calibrations
        )
        return min(takens_w) + known_w

    def _taken_at_w(self, look: _Look, place: int) -> float:
        """Return the load of a moment with the doubted EVSEs as they were asked."""
        taken_w = self._sign * self._of(look)[place]
        for key, line in self._home.calibrations.items():
            flows_w = self._sign * look.doubted_w.get(key, 0.0)
            if place != TOTAL:
                share = _most_part(self._wiring.phase_map(key), place, self._count)
                flows_w = max(0.0, flows_w) * share
            asked_w = self._asked_w.get(key, 0.0) * self._part(key, place)
            change_w = asked_w - flows_w
            taken_w += max(change_w, line.gain * change_w)
        return taken_w

    def _alone_w(self, asked_w: Mapping[EvseKey, float], place: int) -> float:
        """Return what was asked, where nobody measures what else flows."""
        return sum(
            self._part(key, place) * self._worst_w(key, w) for key, w in asked_w.items()
        )

    def _worst_w(self, key: EvseKey, asked_w: float) -> float:
        line = self._home.calibrations.get(key)
        if line is None or asked_w == 0:
            return asked_w
        return max(asked_w, self._sign * line.power_w(self._sign * asked_w))

    def _of(self, look: _Look) -> tuple[float, ...]:
        return look.least_w if self._is_charge else look.most_w

    @property
    def _count(self) -> int:
        return self._wiring.phase_count

    def _part(self, key: EvseKey, place: int) -> float:
        """Return with which part of its power an EVSE counts at a place."""
        if place == TOTAL:
            return 1.0
        # Unknown phases share what is charged, which is a load like any other; what is
        # given may all go out through one.
        part = _least_part if self._is_charge else _most_part
        return part(self._wiring.phase_map(key), place, self._count)

    def _evses_on(self, phase: int) -> frozenset[EvseKey]:
        return frozenset(key for key in self._asked_w if self._part(key, phase) > 0)


def _is_over(power_w: float, limit_w: float) -> bool:
    return power_w > limit_w * (1.0 + TOLERANCE_SHARE) + TOLERANCE_W


def _on_phase(
    powers_w: Mapping[EvseKey, float], wiring: SiteWiring, phase: int
) -> float:
    """Return what EVSEs may have on a phase at most; unknown phases have all."""
    return sum(
        power_w * _most_part(wiring.phase_map(key), phase, wiring.phase_count)
        for key, power_w in powers_w.items()
    )


def _most_part(phase_map: PhaseMap, phase: int, phase_count: int) -> float:
    if phase_count == 1 or not phase_map.phases:
        return 1.0
    return phase_map.phases.count(phase) / len(phase_map.phases)


def _least_part(phase_map: PhaseMap, phase: int, phase_count: int) -> float:
    if phase_count == 1:
        return 1.0
    if not phase_map.phases:
        return 1.0 / phase_count
    return phase_map.phases.count(phase) / len(phase_map.phases)
