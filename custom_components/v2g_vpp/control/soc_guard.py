"""The floors that discharge must not cross, and the ceiling of charging."""

from dataclasses import dataclass

from ..domain.ids import VehicleId
from ..domain.policy import VehiclePolicy, VehicleSpec
from ..domain.session import EvseSession
from ..domain.units import percent_of, share_of
from .soc_estimator import SocEstimate

HYSTERESIS_PERCENT = 2.0
"""Discharge that ended at a floor begins again this far above it (control brief)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SocVerdict:
    """What the state of charge allows."""

    lowest_percent: float | None
    """What the vehicle has at least; None when that is not known well enough."""

    is_at_reserve: bool
    is_at_vpp_floor: bool
    """At the highest of the floors of a dispatch: its own, that of its programme, and
    the one that holds for everybody."""

    is_at_maximum: bool
    """True: no more charging."""

    is_at_vehicle_floor: bool = False
    """At the floor that the vehicle itself named, or one that is not known yet."""

    is_at_trip_floor: bool = False
    """At what the next departure needs."""


# Not frozen: made for one call, of each EVSE in each step, where freezing costs time.
@dataclass(slots=True, kw_only=True)
class OtherFloors:
    """Floors that are no knob of the vehicle, percent."""

    vehicle_percent: float | None = None
    """What the vehicle itself does not go below; None when it named nothing."""

    trip_percent: float = 0.0
    """What the next departure needs; 0 without one."""

    granted_percent: float = 0.0
    """What the owner grants to the programme of the dispatch; 0: nothing of its own."""


class SocGuard:
    """Hold the floors of the vehicle at one EVSE, each with its hysteresis."""

    def __init__(self) -> None:
        """Start above every floor."""
        self._begin(None)

    def step(
        self,
        estimate: SocEstimate,
        vehicle: VehicleSpec | None,
        policy: VehiclePolicy | None,
        floors: OtherFloors | None = None,
    ) -> SocVerdict:
        """Return what the state of charge allows now.

        Args:
            estimate: of the state of charge.
            vehicle: None for a guest.
            policy: floors of the vehicle, None for a guest.
            floors: further ones, None without any.
        """
        if vehicle is None or policy is None:
            self._begin(None)
            return UNKNOWN
        if vehicle.vehicle_id != self._vehicle_id:
            self._begin(vehicle.vehicle_id)
        lowest = estimate.lowest_percent
        if lowest is not None:
            self._step_floors(lowest, policy, floors or OtherFloors())
        return SocVerdict(
            lowest_percent=lowest,
            is_at_reserve=self._is_at_reserve,
            is_at_vpp_floor=self._is_at_vpp_floor,
            is_at_maximum=self._step_maximum(
                estimate, policy.max_soc_percent, vehicle.capacity_wh
            ),
            is_at_vehicle_floor=self._is_at_vehicle_floor,
            is_at_trip_floor=self._is_at_trip_floor,
        )

    def _begin(self, vehicle_id: VehicleId | None) -> None:
        self._vehicle_id = vehicle_id
        self._is_at_reserve = False
        self._is_at_vpp_floor = False
        self._is_at_maximum = False
        self._is_at_vehicle_floor = False
        self._is_at_trip_floor = False

    def _step_floors(
        self, lowest: float, policy: VehiclePolicy, floors: OtherFloors
    ) -> None:
        reserve, own = policy.reserve_percent, floors.vehicle_percent
        dispatch_floor = max(
            reserve, policy.vpp_reserve_percent, floors.granted_percent
        )
        self._is_at_reserve = is_held(lowest, reserve, self._is_at_reserve)
        self._is_at_vpp_floor = is_held(lowest, dispatch_floor, self._is_at_vpp_floor)
        self._is_at_vehicle_floor = own is not None and is_held(
            lowest, own, self._is_at_vehicle_floor
        )
        self._is_at_trip_floor = floors.trip_percent > 0 and is_held(
            lowest, floors.trip_percent, self._is_at_trip_floor
        )

    def _step_maximum(
        self, estimate: SocEstimate, maximum: float, capacity_wh: float
    ) -> bool:
        # An old report still binds: only charging can have moved it since, and that is
        # counted. A limit of 100 is none: the vehicle itself ends there, and balances
        # its cells.
        highest = estimate.highest_percent
        if maximum >= _FULL_PERCENT:
            self._is_at_maximum = False
        elif highest is not None:
            room = maximum - highest
            self._is_at_maximum = is_held(room, 0.0, self._is_at_maximum)
        else:
            # It does not say what it has. What it got is known: as if it came empty.
            most_wh = share_of(maximum, capacity_wh)
            self._is_at_maximum |= estimate.charged_wh > 0 and (
                estimate.charged_wh >= most_wh
            )
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


_FULL_PERCENT = 100.0

UNKNOWN = SocVerdict(
    lowest_percent=None,
    is_at_reserve=False,
    is_at_vpp_floor=False,
    is_at_maximum=False,
)
"""Of a guest: nothing known, so nothing to discharge and no reason not to charge."""
