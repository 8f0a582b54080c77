"""Compares every step of an outlet's power with what the meter of the home saw.

The house goes on living meanwhile, and meters report late. So a step is a change between
two times of rest of the outlet, and each side of it is judged by the median over a time
in which nothing else moved either. A step with a restless side says nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from ..domain.ids import EvseKey
from ..domain.site_meters import SiteMeters, SiteWiring
from ..domain.wiring import WiringStep
from .house_load import HomeReadings
from .meter_trace import MeterTrace
from .wiring_step import Change, explain_change

RUNNING_WINDOW_S = 10.0
"""Loads that come and go more often than this leave no such time of rest."""

TEST_WINDOW_S = 5.0
"""During a self-test, which steps at moments of its own and several times."""

WINDOW_PERIODS = 2.2
"""At least two reports of a slow meter."""

LAG_S = 3.0
LAG_PERIODS = 1.5
"""A meter of the home may show a change this much later than the outlet's."""

GUARD_S = 2.0
"""The outlet's meter may show it this much later than the one of the home."""

LONGEST_CHANGE_S = 30.0
"""From rest to rest; what takes longer is no step."""

SHARP_PERIODS = 1.5
"""The home's meter changes within the time of the outlet's and so many reports; what
takes longer was the outlet and something else, one after the other."""

STEADY_W = 200.0
"""An outlet at rest stays this close to its mean."""

QUIET_SHARE = 0.25
"""Of a step: as much as this the rest of the home may move in a time of rest. Of what
one phase carries of the step where phases are compared."""

RUNNING_STEP_W = 1_000.0
"""Only larger steps count (control brief, the site)."""

TEST_STEP_W = 500.0
"""The self-test accepts two fifths of its 1,800 W (control brief)."""

GRID, BATTERY, SOLAR = "grid", "battery", "solar"


@dataclass(frozen=True, slots=True, kw_only=True)
class WiringLook:
    """What one look at an outlet found."""

    step: WiringStep | None = None
    """A step that could be judged just now."""

    is_ready: bool = False
    """True: at rest for long enough that the next step can be judged, and the last one
    is."""


@dataclass(slots=True, kw_only=True)
class _Rest:
    """A time in which the power of an outlet did not change."""

    begin_s: float
    last_s: float
    mean_w: float
    count: int = 1
    is_judged: bool = False

    def takes(self, power_w: float, at_s: float) -> bool:
        """Take a reading when it belongs to this rest."""
        if abs(power_w - self.mean_w) > STEADY_W:
            return False
        self.mean_w += (power_w - self.mean_w) / (self.count + 1)
        self.count += 1
        self.last_s = at_s
        return True

    @property
    def lasts_s(self) -> float:
        return self.last_s - self.begin_s


@dataclass(slots=True)
class _Outlet:
    """What is remembered of one outlet."""

    rest: _Rest | None = None
    before: _Rest | None = None
    """The last rest that was long enough to be compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    begin_s: float
    end_s: float


class WiringWatch:
    """Remembers the last minutes of all meters of the home."""

    def __init__(self) -> None:
        """Nothing was seen."""
        self._home: dict[str, MeterTrace] = {}
        self._evses: dict[EvseKey, MeterTrace] = {}
        self._outlets: dict[EvseKey, _Outlet] = {}
        self._blind_s = float("-inf")

    def step(
        self,
        readings: HomeReadings,
        wiring: SiteWiring,
        now_mono_s: float,
        *,
        tested: Iterable[EvseKey] = (),
        is_blind: bool = False,
    ) -> Mapping[EvseKey, WiringLook]:
        """Take in what the meters say now and return what each outlet's step proved.

        Args:
            readings: that are fresh.
            wiring: which phases the outlets are said to be on.
            now_mono_s: the present.
            tested: outlets whose self-test runs: smaller steps count, sooner.
            is_blind: power may flow that no meter of an outlet shows.

        Returns:
            A look for every outlet that is read, none without a meter of the grid.
        """
        if is_blind:
            self._blind_s = now_mono_s
        self._note(readings)
        if readings.grid is None:
            return {}
        tests = frozenset(tested)
        return {
            key: self._look(key, readings, wiring, is_test=key in tests)
            for key in readings.evses
        }

    def forget(self, key: EvseKey) -> None:
        """Drop what is remembered of an outlet."""
        self._outlets.pop(key, None)
        self._evses.pop(key, None)

    def _note(self, readings: HomeReadings) -> None:
        home = {GRID: readings.grid, BATTERY: readings.battery, SOLAR: readings.solar}
        phases = readings.phases or ()
        home |= {f"l{number}": one for number, one in enumerate(phases, start=1)}
        named = {name: one for name, one in home.items() if one is not None}
        for name in self._home.keys() - named.keys():
            # When it is heard again it may be another meter, or the other way round.
            del self._home[name]
        for name, reading in named.items():
            self._home.setdefault(name, MeterTrace()).take(reading)
        for key, reading in readings.evses.items():
            if self._evses.setdefault(key, MeterTrace()).take(reading):
                self._follow(key, reading.value, reading.received_mono_s)
        for key in self._outlets.keys() - readings.evses.keys():
            # A meter that fell silent: what happens meanwhile is not seen.
            self._outlets[key] = _Outlet()

    def _follow(self, key: EvseKey, power_w: float, at_s: float) -> None:
        outlet = self._outlets.setdefault(key, _Outlet())
        rest = outlet.rest
        if rest is not None and rest.takes(power_w, at_s):
            return
        if rest is not None and rest.lasts_s >= self._hold_s(is_test=True):
            outlet.before = rest
        outlet.rest = _Rest(begin_s=at_s, last_s=at_s, mean_w=power_w)

    def _look(
        self, key: EvseKey, readings: HomeReadings, wiring: SiteWiring, *, is_test: bool
    ) -> WiringLook:
        outlet = self._outlets.get(key)
        if outlet is None or outlet.rest is None:
            return WiringLook()
        rest, before = outlet.rest, outlet.before
        is_long = rest.lasts_s >= self._hold_s(is_test=is_test)
        smallest_w = TEST_STEP_W if is_test else RUNNING_STEP_W
        is_step = (
            before is not None
            and not rest.is_judged
            and rest.begin_s - before.last_s <= LONGEST_CHANGE_S
            and abs(rest.mean_w - before.mean_w) >= smallest_w
        )
        if before is None or not is_step:
            return WiringLook(is_ready=is_long)
        window_s, lag_s = self._window_s(is_test=is_test), self._lag_s()
        if rest.lasts_s < lag_s + window_s:
            return WiringLook()
        rest.is_judged = True
        was_end_s, now_begin_s = before.last_s - GUARD_S, rest.begin_s + lag_s
        was = _Span(begin_s=was_end_s - window_s, end_s=was_end_s)
        now = _Span(begin_s=now_begin_s, end_s=now_begin_s + window_s)
        is_seen = was.begin_s >= before.begin_s + lag_s and was.begin_s > self._blind_s
        change = self._change(key, readings, wiring, was, now) if is_seen else None
        if change is None:
            return WiringLook(is_ready=is_long)
        step = explain_change(
            change, wiring.phase_map(key), has_phases=_has_phases(readings, wiring)
        )
        return WiringLook(step=step, is_ready=is_long)

    def _change(
        self,
        key: EvseKey,
        readings: HomeReadings,
        wiring: SiteWiring,
        was: _Span,
        now: _Span,
    ) -> Change | None:
        """Return what a step changed, None when something else moved as well."""
        before, after = self._outlets[key].before, self._outlets[key].rest
        if before is None or after is None:
            return None
        outlet_w = after.mean_w - before.mean_w
        largest_w = QUIET_SHARE * abs(outlet_w)
        for other, trace in self._evses.items():
            values = trace.between(was.begin_s, now.end_s) if other != key else []
            if values and max(values) - min(values) > largest_w:
                # Several at once could answer for one another.
                return None
        moved_w: dict[str, float] = {}
        for name in (GRID, BATTERY, SOLAR):
            if name not in self._home:
                continue
            moved = self._moved_w(name, was, now, largest_w)
            if moved is None:
                return None
            moved_w[name] = moved
        # Which phases the home battery is on is not known.
        beside_w = moved_w.get(SOLAR, 0.0) - moved_w.get(BATTERY, 0.0)
        is_alone = abs(beside_w) <= largest_w
        if is_alone and not self._is_sharp(
            was, now, largest_w, after.begin_s - before.last_s
        ):
            return None
        has_phases = _has_phases(readings, wiring) and is_alone
        return Change(
            outlet_w=outlet_w,
            total_w=moved_w[GRID] + beside_w,
            is_start=abs(after.mean_w) > abs(before.mean_w),
            phases_w=(
                self._phases_w(key, wiring, was, now, largest_w) if has_phases else None
            ),
        )

    def _is_sharp(
        self, was: _Span, now: _Span, quiet_w: float, change_s: float
    ) -> bool:
        """Return True when the grid went from one level to the other in one go.

        Args:
            was: time of rest before.
            now: time of rest after.
            quiet_w: how close to its level the meter is in them.
            change_s: how long the outlet took, s.
        """
        trace = self._home[GRID]
        before_w = median(trace.between(was.begin_s, was.end_s))
        after_w = median(trace.between(now.begin_s, now.end_s))
        path = trace.readings(was.begin_s, now.end_s)
        left_s = next(
            (
                earlier_s
                for (earlier_s, _), (_, power_w) in pairwise(path)
                if abs(power_w - before_w) > quiet_w
            ),
            now.begin_s,
        )
        arrived_s = next(
            (
                later_s
                for (later_s, _), (_, power_w) in pairwise(reversed(path))
                if abs(power_w - after_w) > quiet_w
            ),
            was.end_s,
        )
        return arrived_s - left_s <= change_s + SHARP_PERIODS * trace.period_s

    def _phases_w(
        self,
        key: EvseKey,
        wiring: SiteWiring,
        was: _Span,
        now: _Span,
        largest_w: float,
    ) -> tuple[float, ...] | None:
        """Return how far each phase moved, None while one of them is restless."""
        quiet_w = largest_w / max(1, len(wiring.phase_map(key).phases))
        moved = [
            self._moved_w(f"l{phase}", was, now, quiet_w) for phase in wiring.phases
        ]
        known = tuple(moved_w for moved_w in moved if moved_w is not None)
        return known if len(known) == len(moved) else None

    def _moved_w(
        self, name: str, was: _Span, now: _Span, quiet_w: float
    ) -> float | None:
        """Return how far a meter moved between two spans in which it was quiet."""
        medians_w: list[float] = []
        for span in (was, now):
            values = self._home[name].between(span.begin_s, span.end_s)
            if len(values) < 2 or max(values) - min(values) > quiet_w:
                return None
            medians_w.append(median(values))
        return medians_w[1] - medians_w[0]

    def _period_s(self) -> float:
        """Return how often the slowest meter of the home reports, s."""
        return max((trace.period_s for trace in self._home.values()), default=0.0)

    def _lag_s(self) -> float:
        return LAG_S + LAG_PERIODS * self._period_s()

    def _window_s(self, *, is_test: bool) -> float:
        least_s = TEST_WINDOW_S if is_test else RUNNING_WINDOW_S
        return max(least_s, WINDOW_PERIODS * self._period_s())

    def _hold_s(self, *, is_test: bool) -> float:
        """Return how long an outlet rests until a step from there can be judged, s."""
        return self._lag_s() + self._window_s(is_test=is_test) + GUARD_S


def has_reference(meters: SiteMeters | None, wiring: SiteWiring) -> bool:
    """Return True when the home measures all that it takes from the grid."""
    if meters is None:
        return False
    return meters.grid is not None or len(meters.phases) == wiring.phase_count


def _has_phases(readings: HomeReadings, wiring: SiteWiring) -> bool:
    phases = readings.phases
    return phases is not None and len(phases) == wiring.phase_count > 1
