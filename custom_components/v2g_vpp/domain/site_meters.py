"""The meters of the home and how the home is wired.

One sign everywhere: a power is positive when it flows **into** what it is named after.
So the grid is positive while the home imports, the home battery while it charges, an
EVSE while the vehicle charges, and solar is what it produces, never negative. Then

    house load = grid + solar - home battery - EVSEs

which is what the rest of the home uses; 0 or more, but for errors of the meters.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from .ids import EvseKey
from .measurement import Reading, is_fresh, learnt_period_s, stale_after_s

NOMINAL_VOLTAGE_V = 230.0


class SiteMeter(StrEnum):
    """A meter of the home; each value is the field of ``SiteMeters`` that keeps it."""

    GRID = "grid"
    """Power of all phases together, W, positive = import."""

    GRID_L1 = "grid_l1"
    GRID_L2 = "grid_l2"
    GRID_L3 = "grid_l3"
    SOLAR = "solar"
    """What the panels produce, W, >= 0."""

    BATTERY = "battery"
    """Power of the home battery, W, positive = it charges."""

    BATTERY_SOC = "battery_soc"
    """Percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """One meter that the home has; its reading may still be missing."""

    reading: Reading | None = None
    period_s: float = 1.0
    """How often it reports, learnt from its reports; decides when it is stale."""

    def value(self, now_mono_s: float) -> float | None:
        """Return what the meter says, None when it is silent for too long."""
        max_age_s = stale_after_s(self.period_s)
        return (
            self.reading.value
            if is_fresh(self.reading, now_mono_s, max_age_s)
            else None
        )

    def updated_by(self, reading: Reading | None) -> Meter:
        """Return the meter after a report; None: it says that it is unavailable.

        An unavailable meter is stale at once, whatever it said before.
        """
        if reading is None or self.reading is None:
            return replace(self, reading=reading)
        gap_s = reading.received_mono_s - self.reading.received_mono_s
        if gap_s <= 0:
            return self if gap_s < 0 else replace(self, reading=reading)
        return Meter(reading=reading, period_s=learnt_period_s(self.period_s, gap_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteMeters:
    """The meters of the home; None is a meter that it does not have.

    A meter that it has and that is silent is not the same: then nothing is known, and
    nothing may rely on it.
    """

    grid: Meter | None = None
    grid_l1: Meter | None = None
    grid_l2: Meter | None = None
    grid_l3: Meter | None = None
    solar: Meter | None = None
    battery: Meter | None = None
    battery_soc: Meter | None = None

    def kept(self, meters: Iterable[SiteMeter]) -> SiteMeters:
        """Return exactly these meters, with what they reported so far."""
        return SiteMeters(
            **{meter.value: self.meter(meter) or Meter() for meter in meters}
        )

    def meter(self, meter: SiteMeter) -> Meter | None:
        """Return one meter, None when the home has none."""
        found: Meter | None = getattr(self, meter.value)
        return found

    def updated_by(self, meter: SiteMeter, reading: Reading | None) -> SiteMeters:
        """Return the meters after a report of one; one the home lacks is ignored.

        Args:
            meter: that reported.
            reading: in the sign of this module; None: it is unavailable.
        """
        known = self.meter(meter)
        if known is None:
            return self
        return replace(self, **{meter.value: known.updated_by(reading)})

    @property
    def phases(self) -> tuple[Meter, ...]:
        """The meters of single phases, L1 first; empty when none is measured."""
        found = (self.grid_l1, self.grid_l2, self.grid_l3)
        return tuple(meter for meter in found if meter is not None)

    @property
    def has_grid(self) -> bool:
        """True when the power from the grid is measured, in total or by phase."""
        return self.grid is not None or bool(self.phases)

    def grid_w(self, now_mono_s: float) -> float | None:
        """Return the power from the grid, W, positive = import; None: not known now.

        The total where it is measured, else the sum of the phases.
        """
        if self.grid is not None:
            return self.grid.value(now_mono_s)
        powers_w = self.phase_powers_w(now_mono_s)
        return sum(powers_w) if powers_w else None

    def phase_powers_w(self, now_mono_s: float) -> tuple[float, ...] | None:
        """Return the power of each measured phase, W; None when one is not known."""
        powers_w = tuple(meter.value(now_mono_s) for meter in self.phases)
        known = tuple(power_w for power_w in powers_w if power_w is not None)
        return known if known and len(known) == len(powers_w) else None

    def is_fresh(self, now_mono_s: float) -> bool:
        """Return True when every power meter of the home is heard.

        The state of charge of the home battery is not asked: without it the battery
        counts as neither full nor empty.
        """
        powers = (self.grid, *self.phases, self.solar, self.battery)
        return all(
            meter.value(now_mono_s) is not None for meter in powers if meter is not None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseMap:
    """Which phases of the home an EVSE is connected to."""

    phases: tuple[int, ...] = ()
    """1 to 3 each, the conductor L1 of the EVSE first; empty: not known."""

    def share_of(self, phase: int, phase_count: int) -> float:
        """Return which part of the power of the EVSE a phase of the home carries.

        An EVSE whose phases are not known may have all of its power on any of them, so
        it counts on every phase with all of it.

        Args:
            phase: of the home, from 1.
            phase_count: phases of the home, 1 to 3.
        """
        if phase_count == 1 or not self.phases:
            return 1.0
        return self.phases.count(phase) / len(self.phases)

    def least_share_of(self, phase: int, phase_count: int) -> float:
        """Return which part of its power is on a phase at least.

        The same as ``share_of`` where the phases are known. Of unknown ones only an
        equal part is believed: more of a reading must not be taken for its own.
        """
        if phase_count > 1 and not self.phases:
            return 1.0 / phase_count
        return self.share_of(phase, phase_count)


UNKNOWN_PHASES = PhaseMap()


class MeterRegulator(StrEnum):
    """Who holds the power of the grid meter near 0."""

    BATTERY = "battery"
    """The home battery by itself: the EVSEs follow a band outside its own."""

    HOME = "home"
    """We do, with the EVSEs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """A sub-panel or busbar with a limit of its own."""

    circuit_id: str
    limit_a: float
    """Per phase, on the magnitude of the current in both directions."""

    evses: frozenset[EvseKey]
    """The EVSEs that it feeds, and nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorLimit:
    """What the operator of the grid allows the home for now."""

    import_w: float | None = None
    """>= 0; None: no limit of the operator."""

    export_w: float | None = None
    import_until_at: datetime | None = None
    """When it ends; None: it lasts until it is changed."""

    export_until_at: datetime | None = None

    def at(self, now_at: datetime) -> OperatorLimit:
        """Return what holds at a moment: a direction that ended has no limit."""
        limit = self
        if limit.import_until_at is not None and now_at >= limit.import_until_at:
            limit = replace(limit, import_w=None, import_until_at=None)
        if limit.export_until_at is not None and now_at >= limit.export_until_at:
            limit = replace(limit, export_w=None, export_until_at=None)
        return limit


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteWiring:
    """How the home is wired and what it may take and give; None: no such limit."""

    phase_count: int = 3
    """1 to 3."""

    nominal_voltage_v: float = NOMINAL_VOLTAGE_V
    """Phase to neutral."""

    fuse_a: float | None = None
    """Main fuse, per phase."""

    import_limit_w: float | None = None
    """Most that the home may take from the grid, >= 0."""

    export_limit_w: float | None = None
    """Most that the home may feed into the grid, >= 0."""

    peak_import_w: float | None = None
    """Import that the mode peak shaving keeps the home below, >= 0."""

    imbalance_limit_w: float | None = None
    """Largest difference between two phases that the EVSEs may cause; Germany 4,600."""

    regulator: MeterRegulator = MeterRegulator.BATTERY
    """Means nothing in a home without a battery: there we do."""

    may_charge_from_battery: bool = False
    """The vehicle may be charged from the home battery."""

    may_charge_battery: bool = False
    """The home battery may be charged from the vehicle."""

    circuits: tuple[Circuit, ...] = ()
    phase_maps: Mapping[EvseKey, PhaseMap] = field(default_factory=dict)
    """An EVSE that is missing here counts on every phase."""

    unseen: frozenset[EvseKey] = frozenset()
    """EVSEs of virtual stations: their power is not real, so no meter sees it."""

    def phase_map(self, key: EvseKey) -> PhaseMap:
        """Return the phases of an EVSE."""
        return self.phase_maps.get(key, UNKNOWN_PHASES)

    def under(self, limit: OperatorLimit) -> SiteWiring:
        """Return the wiring with the tighter of its own limits and the operator's."""
        return replace(
            self,
            import_limit_w=_tighter(self.import_limit_w, limit.import_w),
            export_limit_w=_tighter(self.export_limit_w, limit.export_w),
        )

    @property
    def fuse_w(self) -> float | None:
        """Most power per phase that the main fuse carries, W; None: not told."""
        return None if self.fuse_a is None else self.fuse_a * self.nominal_voltage_v

    @property
    def phases(self) -> range:
        """The phases of the home, from 1."""
        return range(1, self.phase_count + 1)


def _tighter(one_w: float | None, other_w: float | None) -> float | None:
    known = [limit_w for limit_w in (one_w, other_w) if limit_w is not None]
    return min(known, default=None)
