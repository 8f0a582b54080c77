"""Watch the grid of one EVSE: ride through, cease to energize, enter service again."""

from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite

from ..domain.grid_profile import (
    VOLTAGE_PRESENT_SHARE,
    GridProfile,
    TripPoint,
    is_plausible_hz,
)

LONGEST_STEP_S = 10.0
"""More than this is not credited to a wait at once: nobody watched meanwhile."""


class GridState(StrEnum):
    """Where a generator is between the grid and its own service."""

    IN_SERVICE = "in_service"
    DISTURBED = "disturbed"
    """Rides through: what flows goes on, nothing new begins."""

    CEASED = "ceased"
    """Nothing may flow; the cause is still there, or was a moment ago."""

    WAITING = "waiting"
    """The grid is back; the delay of entering service runs."""

    ENTERING = "entering"
    """Power rises over the ramp of entering service."""


class GridCause(StrEnum):
    """Why a generator ceased to energize."""

    UNDER_FREQUENCY = "under_frequency"
    OVER_FREQUENCY = "over_frequency"
    IMPLAUSIBLE = "implausible"
    """No grid has this frequency: a broken sensor or a broken grid."""

    MAINS_LOST = "mains_lost"
    """No voltage, or the station makes a grid of its own."""

    POWER_LOST = "power_lost"
    """The station was without power; that it tells so means that it has some again."""


FREE_FOR_LOADS = frozenset({GridCause.OVER_FREQUENCY, GridCause.POWER_LOST})
"""What keeps a generator out of service and no load: no rule of a grid lets a charger
wait that was switched off and on."""

LOST = frozenset({GridCause.MAINS_LOST, GridCause.POWER_LOST})


@dataclass(frozen=True, slots=True, kw_only=True)
class GridObserved:
    """What is known of the grid at an EVSE now; None is not known."""

    frequency_hz: float | None = None
    voltage_v: float | None = None
    is_islanded: bool = False
    """The station makes a grid of its own, as a backup of the home."""

    has_lost_power: bool = False
    """The station told since the last look that its power was gone."""

    is_power_wanted: bool = False
    """True: a closed contactor is to be expected, so a voltage can be seen."""

    is_silent: bool = False
    """True: nothing is told that should be, so that no time counts as fine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GridVerdict:
    """What the grid leaves of an EVSE."""

    state: GridState = GridState.IN_SERVICE
    cause: GridCause | None = None
    """Why it is out of service; None in service."""

    discharge_share: float = 1.0
    """Of the rating, 0..1."""

    charge_share: float = 1.0
    is_islanded: bool = False
    wait_s: float = 0.0
    """Left until power may flow again, from a grid that stays as it should be, s."""

    @property
    def is_mains_lost(self) -> bool:
        """True while there is no grid to work with."""
        return self.state is GridState.CEASED and self.cause in LOST

    @property
    def is_out_of_service(self) -> bool:
        """True from the trip to the begin of the ramp."""
        return self.state in (GridState.CEASED, GridState.WAITING)

    @property
    def may_begin(self) -> bool:
        """False: no new discharge begins and no new dispatch is taken."""
        return self.state in (GridState.IN_SERVICE, GridState.ENTERING)


@dataclass(frozen=True, slots=True, kw_only=True)
class GridMemory:
    """What a restart must not forget of an EVSE that is out of service.

    Raises:
        ValueError: for what no watch has dumped.
    """

    cause: GridCause
    steady_s: float
    """Of the delay."""

    ramped_s: float
    """Of the ramp."""

    nominal_v: float | None
    """Of the grid; None while not learnt."""

    def __post_init__(self) -> None:
        """Refuse a torn record."""
        nominals_v = () if self.nominal_v is None else (self.nominal_v,)
        numbers = (self.steady_s, self.ramped_s, *nominals_v)
        if not all(isfinite(number) and number >= 0 for number in numbers):
            raise ValueError("a time or voltage of entering service is no number >= 0")


@dataclass(slots=True)
class GridWatch:
    """The memory of one EVSE; ``dump`` and ``restore`` carry it over a restart."""

    _cause: GridCause | None = None
    _steady_s: float = 0.0
    _ramped_s: float = 0.0
    _step_mono_s: float | None = None
    _nominal_v: float | None = None
    _has_had_voltage: bool = False
    _beyond_since_mono_s: dict[TripPoint, float] = field(default_factory=dict)

    def step(
        self, observed: GridObserved, profile: GridProfile, now_mono_s: float
    ) -> GridVerdict:
        """Return what the grid leaves now.

        Args:
            observed: what is known now; what is not told changes nothing.
            profile: of the region.
            now_mono_s: the present; time only counts forward.
        """
        elapsed_s = self._elapsed_s(now_mono_s)
        voltage_pu = self._voltage_pu(observed, profile)
        present = self._cause_now(observed, profile, voltage_pu, now_mono_s)
        is_in_window = profile.is_in_window(observed.frequency_hz, voltage_pu)
        if present is not None:
            is_milder = present in FREE_FOR_LOADS and self._cause is not None
            self._cause = self._cause if is_milder else present
            self._steady_s = self._ramped_s = 0.0
        elif self._cause is not None:
            self._count(profile, elapsed_s, observed, is_in_window=is_in_window)
        return self._verdict(observed, profile, present, is_in_window=is_in_window)

    def dump(self) -> GridMemory | None:
        """Return what a restart must not forget, None in service."""
        if self._cause is None:
            return None
        return GridMemory(
            cause=self._cause,
            steady_s=self._steady_s,
            ramped_s=self._ramped_s,
            nominal_v=self._nominal_v,
        )

    def restore(self, memory: GridMemory) -> None:
        """Go on where the time before a restart ended; the time between counts not."""
        self._cause = memory.cause
        self._steady_s, self._ramped_s = memory.steady_s, memory.ramped_s
        self._nominal_v = memory.nominal_v or None

    def _elapsed_s(self, now_mono_s: float) -> float:
        before, self._step_mono_s = self._step_mono_s, now_mono_s
        if before is None:
            return 0.0
        return min(LONGEST_STEP_S, max(0.0, now_mono_s - before))

    def _voltage_pu(self, observed: GridObserved, profile: GridProfile) -> float | None:
        """Return the voltage as a share of the nominal one, None when it tells nothing.

        Which nominal voltage it is, is learnt in service and kept: a deep sag must not
        look like a grid of a lower one.
        """
        voltage_v = observed.voltage_v
        if voltage_v is None:
            return None
        nominal_v = self._nominal_v or min(
            profile.nominal_voltages_v, key=lambda nominal: abs(voltage_v - nominal)
        )
        share = voltage_v / nominal_v
        is_sound = profile.enter_low_pu <= share <= profile.enter_high_pu
        if self._cause is None and is_sound:
            self._nominal_v = nominal_v
        # Behind an open contactor many meters read nothing.
        is_told = share >= VOLTAGE_PRESENT_SHARE or observed.is_power_wanted
        return share if is_told else None

    def _cause_now(
        self,
        observed: GridObserved,
        profile: GridProfile,
        voltage_pu: float | None,
        now_mono_s: float,
    ) -> GridCause | None:
        """Return why power must not flow at this moment."""
        tripped = self._tripped(observed, profile, now_mono_s)
        if observed.is_islanded or self._is_voltage_lost(observed, voltage_pu):
            return GridCause.MAINS_LOST
        frequency_hz = observed.frequency_hz
        if frequency_hz is not None and not is_plausible_hz(frequency_hz):
            return GridCause.IMPLAUSIBLE
        # What lets a load go on must not hide what ends it, too.
        is_free = tripped is None or tripped in FREE_FOR_LOADS
        return GridCause.POWER_LOST if observed.has_lost_power and is_free else tripped

    def _is_voltage_lost(
        self, observed: GridObserved, voltage_pu: float | None
    ) -> bool:
        """Return True when a voltage that was there is gone under a closed contactor."""
        if not observed.is_power_wanted:
            self._has_had_voltage = False
            return False
        if voltage_pu is None:
            return False
        is_present = voltage_pu >= VOLTAGE_PRESENT_SHARE
        self._has_had_voltage |= is_present
        return self._has_had_voltage and not is_present

    def _tripped(
        self, observed: GridObserved, profile: GridProfile, now_mono_s: float
    ) -> GridCause | None:
        """Return the cause of a must-trip whose time is over.

        A frequency that is silent is taken to be as it was: silence ends no
        disturbance. One that nobody measures while nothing runs is not known.
        """
        frequency_hz = observed.frequency_hz
        if frequency_hz is None and not observed.is_silent:
            self._beyond_since_mono_s = {}
        elif frequency_hz is not None:
            beyond = [
                *(p for p in profile.under if frequency_hz < p.frequency_hz),
                *(p for p in profile.over if frequency_hz > p.frequency_hz),
            ]
            self._beyond_since_mono_s = {
                point: self._beyond_since_mono_s.get(point, now_mono_s)
                for point in beyond
            }
        for point, since_mono_s in self._beyond_since_mono_s.items():
            if now_mono_s - since_mono_s >= point.after_s:
                is_under = point in profile.under
                return (
                    GridCause.UNDER_FREQUENCY if is_under else GridCause.OVER_FREQUENCY
                )
        return None

    def _count(
        self,
        profile: GridProfile,
        elapsed_s: float,
        observed: GridObserved,
        *,
        is_in_window: bool,
    ) -> None:
        """Let the delay run, then the ramp, while the grid is as it should be."""
        if not is_in_window and self._ramped_s == 0:
            # The delay asks for a grid that stays inside all the time.
            self._steady_s = 0.0
            return
        if not is_in_window or observed.is_silent:
            return
        waited_s = min(elapsed_s, max(0.0, profile.enter_delay_s - self._steady_s))
        self._steady_s += waited_s
        self._ramped_s += elapsed_s - waited_s
        is_over = self._steady_s >= profile.enter_delay_s
        if is_over and self._ramped_s >= profile.enter_ramp_s:
            self._cause, self._steady_s, self._ramped_s = None, 0.0, 0.0

    def _verdict(
        self,
        observed: GridObserved,
        profile: GridProfile,
        present: GridCause | None,
        *,
        is_in_window: bool,
    ) -> GridVerdict:
        frequency_hz = observed.frequency_hz
        is_low = frequency_hz is not None and frequency_hz < profile.charge_cut_hz
        if self._cause is None:
            is_sound = is_in_window and not self._beyond_since_mono_s
            return GridVerdict(
                state=GridState.IN_SERVICE if is_sound else GridState.DISTURBED,
                charge_share=0.0 if is_low else 1.0,
            )
        state, share = self._way_back(profile, present)
        charge_share = 1.0 if self._cause in FREE_FOR_LOADS else share
        return GridVerdict(
            state=state,
            cause=self._cause,
            discharge_share=share,
            charge_share=0.0 if is_low else charge_share,
            is_islanded=observed.is_islanded,
            wait_s=max(0.0, profile.enter_delay_s - self._steady_s),
        )

    def _way_back(
        self, profile: GridProfile, present: GridCause | None
    ) -> tuple[GridState, float]:
        """Return where the way back into service is, and its share of the rating."""
        if present is not None:
            return GridState.CEASED, 0.0
        if self._steady_s < profile.enter_delay_s or profile.enter_ramp_s <= 0:
            return GridState.WAITING, 0.0
        share = min(1.0, self._ramped_s / profile.enter_ramp_s)
        return (GridState.ENTERING if share > 0 else GridState.WAITING), share
