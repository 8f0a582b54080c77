"""State of charge on the safe side, and the floors that discharge must not cross."""

from dataclasses import dataclass

from ..domain.ids import VehicleId
from ..domain.measurement import SOC_STALE_AFTER_S, Reading, is_fresh
from ..domain.policy import VehiclePolicy, VehicleSpec
from ..domain.session import EvseSession
from ..domain.units import energy_wh, percent_of

HYSTERESIS_PERCENT = 2.0
"""Discharge that ended at a floor begins again this far above it (control brief)."""

RESOLUTION_PERCENT = 0.5
"""Vehicles report whole percents."""

LARGEST_UNCERTAINTY_PERCENT = 10.0
"""Above it the state of charge counts as unknown (control brief)."""

SMALLEST_CAPACITY_WH = 5_000.0
LARGEST_CAPACITY_WH = 250_000.0
"""Outside these a capacity is a mistake of set-up (control brief)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SocVerdict:
    """What the state of charge allows."""

    lowest_percent: float | None
    """What the vehicle has at least; None when that is not known well enough."""

    is_at_reserve: bool
    is_at_vpp_floor: bool
    """At the higher of the two floors, which is the one of a dispatch."""

    is_at_maximum: bool
    """True: no more charging."""

    is_at_vehicle_floor: bool = False
    """At the floor that the vehicle itself named, or one that is not known yet."""


class SocGuard:
    """Hold the floors of the vehicle at one EVSE, each with its hysteresis."""

    def __init__(self) -> None:
        """Start above every floor."""
        self._vehicle_id: VehicleId | None = None
        self._is_at_reserve = False
        self._is_at_vpp_floor = False
        self._is_at_maximum = False
        self._is_at_vehicle_floor = False

    def step(
        self,
        reading: Reading | None,
        vehicle: VehicleSpec | None,
        policy: VehiclePolicy | None,
        *,
        max_power_w: float,
        now_mono_s: float,
        vehicle_floor: float | None = None,
    ) -> SocVerdict:
        """Return what the state of charge allows now.

        Args:
            reading: last state of charge, percent.
            vehicle: None for a guest.
            policy: floors of the vehicle, None for a guest.
            max_power_w: most that can have been discharged since the reading.
            now_mono_s: the present.
            vehicle_floor: what the vehicle itself does not go below, percent.
        """
        if vehicle is None or policy is None:
            self._begin(None)
            return UNKNOWN
        if vehicle.vehicle_id != self._vehicle_id:
            self._begin(vehicle.vehicle_id)
        lowest = lowest_percent(reading, vehicle.capacity_wh, max_power_w, now_mono_s)
        if lowest is not None:
            reserve = policy.reserve_percent
            dispatch_floor = max(reserve, policy.vpp_reserve_percent)
            self._is_at_reserve = is_held(lowest, reserve, self._is_at_reserve)
            self._is_at_vpp_floor = is_held(
                lowest, dispatch_floor, self._is_at_vpp_floor
            )
            self._is_at_vehicle_floor = vehicle_floor is not None and is_held(
                lowest, vehicle_floor, self._is_at_vehicle_floor
            )
        return SocVerdict(
            lowest_percent=lowest,
            is_at_reserve=self._is_at_reserve,
            is_at_vpp_floor=self._is_at_vpp_floor,
            is_at_maximum=self._step_maximum(reading, policy.max_soc_percent),
            is_at_vehicle_floor=self._is_at_vehicle_floor,
        )

    def _begin(self, vehicle_id: VehicleId | None) -> None:
        self._vehicle_id = vehicle_id
        self._is_at_reserve = False
        self._is_at_vpp_floor = False
        self._is_at_maximum = False
        self._is_at_vehicle_floor = False

    def _step_maximum(self, reading: Reading | None, maximum: float) -> bool:
        # An old reading still binds: only charging can have moved it since. A limit
        # of 100 is none: the vehicle itself ends there, and balances its cells.
        if reading is not None:
            is_limited = maximum < _FULL_PERCENT
            room = maximum - reading.value
            self._is_at_maximum = is_limited and is_held(room, 0.0, self._is_at_maximum)
        return self._is_at_maximum


def vehicle_floor_percent(session: EvseSession, capacity_wh: float) -> float | None:
    """Return the floor of the vehicle itself, percent; None when it named none.

    It counts its energy from the moment it told its needs (2.1,
    evMinV2XEnergyRequest). As long as it is not known what it held then, the floor may
    be anywhere.
    """
    told = session.measurement.vehicle_floor_percent
    floors = [] if told is None else [told.value]
    needs = session.needs
    if needs is not None and needs.v2x_floor_wh is not None:
        held = session.needs_soc_percent
        above = percent_of(needs.v2x_floor_wh, capacity_wh) if capacity_wh > 0 else 0.0
        floors.append(_FULL_PERCENT if held is None else held + above)
    return min(_FULL_PERCENT, max(floors)) if floors else None


def is_held(value: float, floor: float, was_held: bool) -> bool:  # noqa: FBT001
    """Return True at or below the floor, and until the hysteresis above it is left."""
    return value <= floor or (was_held and value < floor + HYSTERESIS_PERCENT)


def lowest_percent(
    reading: Reading | None, capacity_wh: float, max_power_w: float, now_mono_s: float
) -> float | None:
    """Return the state of charge that the vehicle has at least, percent.

    The margin is what can have been discharged since the reading, and its resolution.

    Args:
        reading: percent of usable capacity.
        capacity_wh: usable.
        max_power_w: most that can have been discharged since the reading, >= 0.
        now_mono_s: the present.

    Returns:
        None when it is absent, old, or more uncertain than 10 points.
    """
    is_capacity_plausible = SMALLEST_CAPACITY_WH <= capacity_wh <= LARGEST_CAPACITY_WH
    if not is_fresh(reading, now_mono_s, SOC_STALE_AFTER_S):
        return None
    if not is_capacity_plausible:
        return None
    spent_wh = energy_wh(max_power_w, reading.age_s(now_mono_s))
    margin = RESOLUTION_PERCENT + percent_of(spent_wh, capacity_wh)
    return None if margin > LARGEST_UNCERTAINTY_PERCENT else reading.value - margin


_FULL_PERCENT = 100.0

UNKNOWN = SocVerdict(
    lowest_percent=None,
    is_at_reserve=False,
    is_at_vpp_floor=False,
    is_at_maximum=False,
)
"""Of a guest: nothing known, so nothing to discharge and no reason not to charge."""
