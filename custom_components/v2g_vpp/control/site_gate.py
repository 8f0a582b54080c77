"""The last look at the home: limits of the connection, derived from the raw meters.

A part of the output gate. It shares no code with what cuts powers before it, and judges
more coarsely: meters that report one after the other make the load look wrong for some
seconds whenever a charger ramps, so the kindest of the last seconds counts. What is
still too much then is nobody's moment.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..domain.ids import EvseKey
from ..domain.setpoint import Reason
from ..domain.site_meters import PhaseMap, SiteMeters, SiteWiring

KINDEST_OF_S = 5.0
TOLERANCE_W = 100.0
TOLERANCE_SHARE = 0.03


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
    """What flows; an EVSE whose meter is silent is missing."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What the home took at one moment beside what its EVSEs exchange, W."""

    at_mono_s: float
    least_w: tuple[float, ...]
    """For charging: the total first, then each phase. Discharge is not there."""

    most_w: tuple[float, ...]
    """For discharge: the same. Charging is not there."""


class SiteWatch:
    """Remembers the last seconds of the meters of the home."""

    def __init__(self) -> None:
        """Nothing is known: no limit can be judged."""
        self._home: GateHome | None = None
        self._looks: deque[_Look] = deque()
        self._is_silent = False

    def look(self, home: GateHome, now_mono_s: float) -> None:
        """Take in the meters and the decisions of a tick."""
        self._home = home
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
        flowing = home.measured_w
        phases = enumerate(phases_w or (), start=1)
        charging_w = {key: max(0.0, w) for key, w in flowing.items()}
        giving_w = {key: max(0.0, -w) for key, w in flowing.items()}
        wiring = home.wiring or SiteWiring()
        least_w, most_w = [total_w], [total_w]
        least_w[0] += sum(giving_w.values()) - sum(charging_w.values())
        most_w[0] = least_w[0]
        for phase, power_w in phases:
            least_w.append(power_w - _on_phase(charging_w, wiring, phase))
            most_w.append(power_w + _on_phase(giving_w, wiring, phase))
        self._looks.append(_Look(now_mono_s, tuple(least_w), tuple(most_w)))
        while not 0 <= now_mono_s - self._looks[0].at_mono_s <= KINDEST_OF_S:
            self._looks.popleft()

    def doubts(self, key: EvseKey, power_w: float) -> Iterator[Reason]:
        """Yield why a power of an EVSE may not go to the wire."""
        home = self._home
        if home is None:
            return
        wiring = home.wiring or SiteWiring()
        if power_w < 0:
            yield from self._doubts_about_discharge(home, wiring)
        elif power_w > 0:
            yield from self._doubts_about_charge(home, wiring, key)

    def is_charge_unwatched(self) -> bool:
        """Return True when limits of the connection rely on a meter that is silent."""
        home = self._home
        if home is None or not self._is_silent or home.wiring is None:
            return False
        wiring = home.wiring
        return wiring.fuse_w is not None or wiring.import_limit_w is not None

    def _doubts_about_discharge(
        self, home: GateHome, wiring: SiteWiring
    ) -> Iterator[Reason]:
        if self._is_silent:
            yield Reason.SITE_METER_STALE
        asked_w = {key: max(0.0, -w) for key, w in home.asked_w.items()}
        limits_w = (home.export_limit_w, wiring.export_limit_w)
        for limit_w in limits_w:
            load_w = max((look.most_w[0] for look in self._looks), default=0.0)
            if limit_w is not None and _is_over(
                sum(asked_w.values()) - load_w, limit_w
            ):
                yield Reason.EXPORT_LIMIT
        for phase in wiring.phases if wiring.fuse_w is not None else ():
            load_w = max(
                (w for w in self._of_phase(phase, is_charge=False)), default=0.0
            )
            on_phase_w = _on_phase(asked_w, wiring, phase)
            if _is_over(on_phase_w - load_w, wiring.fuse_w or 0.0):
                yield Reason.FUSE

    def _doubts_about_charge(
        self, home: GateHome, wiring: SiteWiring, key: EvseKey
    ) -> Iterator[Reason]:
        asked_w = {one: max(0.0, w) for one, w in home.asked_w.items()}
        limit_w = wiring.import_limit_w
        load_w = min((look.least_w[0] for look in self._looks), default=0.0)
        if limit_w is not None and _is_over(sum(asked_w.values()) + load_w, limit_w):
            yield Reason.IMPORT_LIMIT
        for phase in wiring.phases if wiring.fuse_w is not None else ():
            if _least_part(wiring.phase_map(key), phase, wiring.phase_count) == 0:
                continue
            load_w = min(
                (w for w in self._of_phase(phase, is_charge=True)), default=0.0
            )
            on_phase_w = _least_on_phase(asked_w, wiring, phase)
            if _is_over(on_phase_w + load_w, wiring.fuse_w or 0.0):
                yield Reason.FUSE

    def _of_phase(self, phase: int, *, is_charge: bool) -> Iterator[float]:
        for look in self._looks:
            powers_w = look.least_w if is_charge else look.most_w
            if phase < len(powers_w):
                yield powers_w[phase]


def _is_over(power_w: float, limit_w: float) -> bool:
    return power_w > limit_w * (1.0 + TOLERANCE_SHARE) + TOLERANCE_W


def _on_phase(
    powers_w: Mapping[EvseKey, float], wiring: SiteWiring, phase: int
) -> float:
    """Return what EVSEs may have on a phase at most; unknown phases have all."""
    total_w = 0.0
    for key, power_w in powers_w.items():
        phases = wiring.phase_map(key).phases
        if not phases or wiring.phase_count == 1:
            total_w += power_w
        else:
            total_w += power_w * phases.count(phase) / len(phases)
    return total_w


def _least_on_phase(
    powers_w: Mapping[EvseKey, float], wiring: SiteWiring, phase: int
) -> float:
    """Return what EVSEs have on a phase at least; unknown phases share."""
    return sum(
        power_w * _least_part(wiring.phase_map(key), phase, wiring.phase_count)
        for key, power_w in powers_w.items()
    )


def _least_part(phase_map: PhaseMap, phase: int, phase_count: int) -> float:
    if phase_count == 1:
        return 1.0
    if not phase_map.phases:
        return 1.0 / phase_count
    return phase_map.phases.count(phase) / len(phase_map.phases)
