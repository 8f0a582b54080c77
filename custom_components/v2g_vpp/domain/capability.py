"""What a station and a vehicle can do, and how a discharge is told to them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from .guarantee import GuaranteeClass
from .wiring import WiringEvidence


class DischargeDialect(StrEnum):
    """The ways to tell a charging station a negative power (OCPP brief, 2.1)."""

    V21_DYNAMIC = "v21_dynamic"
    V21_SCHEDULE = "v21_schedule"
    V201_PLUS21 = "v201_plus21"
    NEG_LIMIT_W = "neg_limit_w"
    """A negative limit in watts. Off-standard, so only by choice and after a proof."""

    NEG_LIMIT_A = "neg_limit_a"
    """The same in amperes per phase."""

    DATA_TRANSFER = "data_transfer"
    """The message of one maker, which the owner gives. Its dead-man is the maker's."""

    ENTITY = "entity"
    """A charger that is known through entities alone. Its dead-man is its own, and it
    may have none."""

    NONE = "none"


LIMIT_DIALECTS = frozenset(
    {DischargeDialect.NONE, DischargeDialect.NEG_LIMIT_W, DischargeDialect.NEG_LIMIT_A}
)
"""They say a power as a limit, so they need no word that only OCPP 2.1 has."""

UNTOLD_DIALECTS = frozenset(
    {
        DischargeDialect.NEG_LIMIT_W,
        DischargeDialect.NEG_LIMIT_A,
        DischargeDialect.DATA_TRANSFER,
        DischargeDialect.ENTITY,
    }
)
"""With them a station never tells what the vehicle can do: the owner says so, and the
self-test proves it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialectTiming:
    """Dead-man and write budget of one dialect (control brief, table)."""

    validity_s: float
    """The station ends the power by itself this long after the last write."""

    refresh_s: float
    """A running setpoint is written again this often."""

    write_interval_s: float
    """One regulation write per this time on average (token bucket)."""

    burst_writes: int
    """Depth of that bucket."""


DIALECT_TIMING: Mapping[DischargeDialect, DialectTiming] = {
    DischargeDialect.V21_DYNAMIC: DialectTiming(
        validity_s=20, refresh_s=5, write_interval_s=1, burst_writes=3
    ),
    DischargeDialect.V21_SCHEDULE: DialectTiming(
        validity_s=60, refresh_s=20, write_interval_s=10, burst_writes=3
    ),
    DischargeDialect.V201_PLUS21: DialectTiming(
        validity_s=60, refresh_s=20, write_interval_s=10, burst_writes=3
    ),
    DischargeDialect.NEG_LIMIT_W: DialectTiming(
        validity_s=60, refresh_s=20, write_interval_s=10, burst_writes=3
    ),
    DischargeDialect.NEG_LIMIT_A: DialectTiming(
        validity_s=60, refresh_s=20, write_interval_s=10, burst_writes=3
    ),
    # What the message asks for; that the charger keeps to it is for the self-test.
    DischargeDialect.DATA_TRANSFER: DialectTiming(
        validity_s=60, refresh_s=20, write_interval_s=15, burst_writes=3
    ),
    # As long as nobody said how long it waits; the self-test finds it.
    DischargeDialect.ENTITY: DialectTiming(
        validity_s=60, refresh_s=20, write_interval_s=10, burst_writes=3
    ),
    # Charge-only control: nothing that this product sends may discharge.
    DischargeDialect.NONE: DialectTiming(
        validity_s=60, refresh_s=20, write_interval_s=10, burst_writes=3
    ),
}

WRITE_INTERVAL_1_6_S = 15.0
"""1.6 stations keep every profile and take the longest (control brief)."""

_OCPP_1_6 = "ocpp1.6"

REFRESH_SHARE = 1 / 3
"""A running power is written again this part of the dead-man after the last write, so
that one write may get lost (control brief)."""


def runs_on_station_clock(dialect: DischargeDialect) -> bool:
    """Return True when the end of a discharge is a moment of the station's clock."""
    return dialect not in (
        DischargeDialect.V21_DYNAMIC,
        DischargeDialect.DATA_TRANSFER,
        DischargeDialect.ENTITY,
        DischargeDialect.NONE,
    )


def is_persistent(dialect: DischargeDialect) -> bool:
    """Return True when the station keeps what is written across a reboot.

    2.1 asks for that no more of a transaction's own dynamic profile, and a charger that
    is known through entities is given no profile.
    """
    return dialect not in (DischargeDialect.V21_DYNAMIC, DischargeDialect.ENTITY)


CLOCK_ERROR_S = 2.0
"""Share of the promise for the station's clock and rounding to whole seconds."""

LONGEST_PROMISE_S = 90.0
"""Above it no automatic discharge (control brief)."""


def promised_end_s(
    timing: DialectTiming, dead_time_s: float, power_w: float, ramp_w_per_s: float
) -> float:
    """Return within what time a discharge ends once nobody refreshes it, s.

    Args:
        timing: of the station's dialect.
        dead_time_s: of the charger.
        power_w: the power that runs, either sign.
        ramp_w_per_s: how fast the charger itself changes power, > 0.
    """
    return timing.validity_s + CLOCK_ERROR_S + dead_time_s + abs(power_w) / ramp_w_per_s


@dataclass(frozen=True, slots=True, kw_only=True)
class StationCapability:
    """What the device model of a charging station says."""

    protocol: str
    """OCPP sub-protocol, for example ``ocpp2.1``."""

    evse_ids: tuple[int, ...]
    """Ascending; empty until the station reported any."""

    dialect: DischargeDialect
    """What the station can be told; NONE when V2X is absent or disabled."""

    wording: str = ""
    """Which words of that dialect it takes, where there is more than one kind."""

    operation_modes: frozenset[str] = frozenset()
    supports_dynamic_profiles: bool = False
    supports_max_offline_duration: bool = False
    max_charge_power_w: float | None = None
    max_discharge_power_w: float | None = None
    """Positive magnitude."""

    reports_export: bool = False
    """True when an export power measurand was configured and read back."""

    own_timing: DialectTiming | None = None
    """Of a station that goes by a time of its own; None: that of its dialect."""

    own_watchdog_s: float | None = None
    """How long it was told to wait for the next write before it ends a power by itself;
    None: nobody said. What it really does the self-test finds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvCapability:
    """What the vehicle said of itself (NotifyEVChargingNeeds), magnitudes in W."""

    is_bidirectional: bool
    """True when the running service is bidirectional: only then discharge can flow."""

    can_be_bidirectional: bool = False
    """True when the vehicle offers such a service, chosen or not."""

    is_direction_told: bool = True
    """False: it spoke in words that have none for giving power (OCPP 2.0.1)."""

    max_charge_power_w: float | None = None
    max_discharge_power_w: float | None = None
    min_charge_power_w: float | None = None
    min_discharge_power_w: float | None = None
    is_below_v2x_window: bool = False
    """True when the vehicle itself says that it must not discharge now."""

    v2x_floor_wh: float | None = None
    """Energy from what the vehicle held when it said this to its own floor, negative
    while it is above; None when it named none."""

    departure_at: datetime | None = None
    """When the driver wants to leave, UTC; None when the vehicle does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPower:
    """One period of the plan of a vehicle."""

    start_s: int
    """From the begin of the plan."""

    power_w: float
    """Signed; positive flows into the vehicle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """The measured behaviour of one charger; the defaults are before any proof.

    Whatever must end in time counts with ``dead_time_s`` and ``ramp_w_per_s``, which
    are cautious; whoever predicts uses what is ``expected``.
    """

    dead_time_s: float = 15.0
    """Command to first watt, 95 of 100 times at most. 15 s until learnt (control
    brief)."""

    ramp_w_per_s: float = 1000.0
    """The slowest believable, either way. Until learnt a slow charger is assumed."""

    offset_discharge_w: float = 0.0
    """Measured minus commanded power in steady discharge."""

    offset_charge_w: float = 0.0
    offset_zero_w: float = 0.0
    minimum_power_w: float = 1380.0
    """6 A at 230 V: between 0 and this nothing flows."""

    is_learnt: bool = False
    typical_dead_time_s: float | None = None
    """What is most likely; None until learnt."""

    ramp_up_w_per_s: float | None = None
    """Most likely, away from 0; None until learnt."""

    ramp_down_w_per_s: float | None = None
    """Most likely, towards 0; None until learnt."""

    step_w: float = 0.0
    """In which power is set; 0: finer than the meter shows, or not known."""

    @property
    def expected_dead_time_s(self) -> float:
        """The dead time that a prediction counts with."""
        known_s = self.typical_dead_time_s
        return self.dead_time_s if known_s is None else known_s

    def with_minimum_w(self, minimum_w: float) -> Fingerprint:
        """Return this with a least power that is known otherwise, if it is larger."""
        if minimum_w <= self.minimum_power_w:
            return self
        return replace(self, minimum_power_w=minimum_w)

    def expected_ramp_w_per_s(self, from_w: float, to_w: float) -> float:
        """Return the ramp that a prediction counts with on the way between powers."""
        is_growing = abs(to_w) > abs(from_w) and from_w * to_w >= 0
        known = self.ramp_up_w_per_s if is_growing else self.ramp_down_w_per_s
        return self.ramp_w_per_s if known is None else known


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """How much is behind each number of a fingerprint, 0 (assumed) to 1."""

    dead_time: float = 0.0
    ramp_up: float = 0.0
    ramp_down: float = 0.0
    offset_discharge: float = 0.0
    offset_charge: float = 0.0
    offset_zero: float = 0.0
    minimum_power: float = 0.0
    step: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The outcome of a passed self-test, valid for one firmware and dialect."""

    dialect: DischargeDialect
    firmware: str
    dead_man_s: float
    """Measured: discharge ended this long after the last write. Of class B it did not:
    then for how long that was seen."""

    passed_at: str
    """RFC 3339 UTC."""

    proven_power_w: float
    """Largest discharge magnitude that the test saw flow."""

    wording: str = ""
    """Of the capability that was proven."""

    wiring: WiringEvidence = WiringEvidence.NOT_CHECKED
    """What the steps of the test showed at the meter of the home."""

    wiring_share: float | None = None
    """How much of the outlet's change the home's meter showed; None: not compared."""

    wiring_phases: str = ""
    """Phases of the home that moved with it, as digits; empty: not measured."""

    guarantee: GuaranteeClass = GuaranteeClass.A
    """Whether it ended by itself. OCPP has an end in every write, so there is no proof
    without one."""

    validity_s: float | None = None
    """How long the charger that was proven waits for the next write, where that is its
    own time; None: that of its dialect."""

    @property
    def ends_by_itself(self) -> bool:
        """True when the charger that was proven ends a discharge without us."""
        return self.guarantee is GuaranteeClass.A


def own_timing(watchdog_s: float | None, write_interval_s: float) -> DialectTiming:
    """Return dead-man and write budget of a charger with times of its own.

    Args:
        watchdog_s: after which it ends a power by itself, > 0; None: nobody knows.
        write_interval_s: shortest time between two writes that it likes, > 0.

    Raises:
        ValueError: when no two writes fit into the watchdog, so that no power lasts.
    """
    known = DIALECT_TIMING[DischargeDialect.ENTITY]
    validity_s = known.validity_s if watchdog_s is None else watchdog_s
    if not 0 < 2.0 * write_interval_s < validity_s:
        raise ValueError(f"{write_interval_s} s between writes, ends in {validity_s} s")
    return DialectTiming(
        validity_s=validity_s,
        refresh_s=max(validity_s * REFRESH_SHARE, write_interval_s),
        write_interval_s=write_interval_s,
        burst_writes=known.burst_writes,
    )


def timing_of(
    capability: StationCapability | None,
    protocol: str | None = None,
    proof: Proof | None = None,
) -> DialectTiming:
    """Return dead-man and write budget of a station: the only way to ask for them.

    Args:
        capability: of the station, None while it is not known.
        protocol: its sub-protocol, None when it never connected.
        proof: that holds now, None without one. It tells how long a charger waits that
            nobody knew that of.
    """
    if capability is None:
        return DIALECT_TIMING[DischargeDialect.NONE]
    timing = capability.own_timing or DIALECT_TIMING[capability.dialect]
    is_found = capability.own_watchdog_s is None and proof is not None
    if is_found and proof is not None and proof.validity_s is not None:
        refresh_s = min(timing.refresh_s, proof.validity_s * REFRESH_SHARE)
        timing = replace(timing, validity_s=proof.validity_s, refresh_s=refresh_s)
    if protocol != _OCPP_1_6:
        return timing
    return replace(
        timing, write_interval_s=max(timing.write_interval_s, WRITE_INTERVAL_1_6_S)
    )


def proven_timing(proof: Proof) -> DialectTiming:
    """Return the dead-man that a proof was made of, whatever the station is now."""
    timing = DIALECT_TIMING[proof.dialect]
    if proof.validity_s is None:
        return timing
    return replace(timing, validity_s=proof.validity_s)
