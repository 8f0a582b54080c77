"""What the owner wants and allows; one writer: ``Site``."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from .chemistry import BATTERY_PRICE_PER_KWH, Chemistry
from .ids import EvseKey, VehicleId


class Mode(StrEnum):
    """What an EVSE does when nobody holds the control lease."""

    OFF = "off"
    SOLAR = "solar"
    """Charge from what the solar panels leave over."""

    SELF_CONSUMPTION = "self_consumption"
    """Take what is left over, and serve the home from the vehicle."""

    PEAK_SHAVING = "peak_shaving"
    """Hold the import of the home below its peak, from both sides."""

    PLAN = "plan"
    """What the slots of the plan say."""

    CHARGE_NOW = "charge_now"
    DISCHARGE_NOW = "discharge_now"


METER_MODES = frozenset({Mode.SOLAR, Mode.SELF_CONSUMPTION, Mode.PEAK_SHAVING})
"""Modes that follow the meter of the grid."""

DISCHARGING_MODES = frozenset(
    {Mode.SELF_CONSUMPTION, Mode.PEAK_SHAVING, Mode.PLAN, Mode.DISCHARGE_NOW}
)
"""Modes that may ask for discharge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SolarPolicy:
    """How patiently the mode solar follows clouds."""

    hold_on_s: float = 60.0
    """Enough surplus for this long before charging begins."""

    hold_off_s: float = 180.0
    """Too little for this long before it ends; the minimum power flows meanwhile."""

    top_up_from_w: float | None = None
    """Surplus from which the grid tops up to the minimum power; None: never."""


PATIENT_SOLAR = SolarPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class StationLimits:
    """What the installation of a charging station allows, per EVSE, from its set-up."""

    max_charge_power_w: float = 11_000.0
    max_discharge_power_w: float = 11_000.0
    """Positive magnitude."""

    unattended_charge_w: float = 0.0
    """Floor profile: charging that may go on when Home Assistant is gone; >= 0."""

    @property
    def rating_w(self) -> float:
        """The larger of the two powers, W."""
        return max(self.max_charge_power_w, self.max_discharge_power_w)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvsePolicy:
    """Daily knobs of one EVSE."""

    mode: Mode = Mode.CHARGE_NOW
    """A charger that nobody configured charges, as a plain one would."""

    is_discharge_allowed: bool = False
    """The switch; it can only be turned on while a proof is valid."""

    max_charge_power_w: float = 11_000.0
    max_discharge_power_w: float = 11_000.0
    """Positive magnitude."""

    ramp_w_per_s: float = 5_000.0
    """How fast the owner lets the setpoint move; a stop ignores it."""

    vehicle_id: VehicleId | None = None
    """The vehicle that the owner says is plugged; ends with the plug."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleSpec:
    """Facts of one vehicle, from its set-up."""

    vehicle_id: VehicleId
    name: str
    capacity_wh: float
    """Usable, 5..250 kWh."""

    evcc_id: str | None = None
    """The id that the vehicle shows to the charger, when the owner knows it."""

    chemistry: Chemistry | None = None
    """Of its battery; None while the owner does not know."""

    battery_price_per_kwh: float = BATTERY_PRICE_PER_KWH
    """Of a new one, in the home's currency; > 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VehiclePolicy:
    """Daily knobs of one vehicle, percent of usable capacity."""

    reserve_percent: float = 30.0
    vpp_reserve_percent: float = 50.0
    """Floor for dispatches only; the higher of the two wins there."""

    max_soc_percent: float = 100.0
    is_discharge_allowed: bool = False
    """"This car may discharge": the V2X authorisation of the owner."""

    cycle_budget_percent: float = 10.0
    """Most that a rolling day may take out of the battery (control brief)."""

    ready_soc_percent: float = 0.0
    """What the vehicle shall hold at ``ready_by`` each day; 0: nothing is asked for."""

    ready_by: str = "07:00:00"
    """Local time on the wall."""

    departure_at: str | None = None
    """One departure that comes before the daily one, RFC 3339 UTC; None: there is
    none."""

    departure_soc_percent: float = 0.0
    """What the vehicle shall hold then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """What the owner wants a vehicle to hold, and when."""

    target_percent: float
    due_mono_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The control lease that another automation took for a while.

    Below the user and a dispatch, above the plan and the mode; at its end they take
    over again by themselves.
    """

    key: EvseKey
    holder: str
    """Name of the automation: only it may change or release what it holds."""

    power_w: float
    ends_mono_s: float
    ends_at: datetime | None = None
    """The same to be shown; the clock of the wall may be set meanwhile."""


LONGEST_POWER_S = 86_400.0
"""A power that was asked for by hand and forgotten ends within a day."""

EXTERNAL_LASTS_S = 3_600.0
"""Whoever changed a charger beside this home has it for so long (house rule: as long as
a person may need it, and not so long that the home never comes back)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """Somebody else changed the charger and has it for a while."""

    ends_mono_s: float
    ends_at: datetime
    """The same to be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSlot:
    """One span of a plan."""

    start_at: datetime
    end_at: datetime
    """Later than the start."""

    power_w: float


type Plan = tuple[PlanSlot, ...]
"""By start, no two of them at the same time; empty is no plan."""


def checked_plan(slots: Iterable[PlanSlot]) -> Plan:
    """Return the slots as a plan, by start.

    Raises:
        ValueError: for a slot that ends before it begins, or two at the same time.
    """
    plan = tuple(sorted(slots, key=lambda slot: slot.start_at))
    if any(slot.end_at <= slot.start_at for slot in plan):
        raise ValueError(SLOT_IS_EMPTY)
    if any(later.start_at < slot.end_at for slot, later in pairwise(plan)):
        raise ValueError(SLOTS_OVERLAP)
    return plan


SLOT_IS_EMPTY = "slot_is_empty"
SLOTS_OVERLAP = "slots_overlap"


def planned_w(plan: Plan, now_at: datetime) -> float | None:
    """Return what a plan asks for at a moment, W; None when it says nothing."""
    return next(
        (slot.power_w for slot in plan if slot.start_at <= now_at < slot.end_at), None
    )


def next_slot(plan: Plan, now_at: datetime) -> PlanSlot | None:
    """Return the first span of a plan that begins later, None without any."""
    after = bisect_right(plan, now_at, key=lambda slot: slot.start_at)
    return plan[after] if after < len(plan) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Power that the user asked for by an action, ahead of every other owner."""

    key: EvseKey
    power_w: float
    ends_mono_s: float
    ends_at: datetime | None = None
    """The same to be shown; None: the owner ends it."""

    until_soc_percent: float | None = None
    """It also ends when the vehicle holds so much, or so little; None: never."""

    def has_reached(self, likely_percent: float | None) -> bool:
        """Return True once the vehicle holds what this power was for.

        Args:
            likely_percent: its state of charge, None while that is not known.
        """
        if self.until_soc_percent is None or likely_percent is None:
            return False
        if self.power_w > 0:
            return likely_percent >= self.until_soc_percent
        return likely_percent <= self.until_soc_percent
