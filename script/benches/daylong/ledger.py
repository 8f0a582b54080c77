"""What a day cost and why each minute was as it was."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from custom_components.v2g_vpp.domain.units import (
    energy_wh,
    share_of,
    watt_hours_to_kilowatt_hours,
)

from .home import METER_S, DayHome, visit_at
from .plan import (
    DISPATCHES,
    EXPORT_PRICE,
    GUEST_WH,
    IMPORT_PRICES,
    POLICY,
    VEHICLES,
    VISITS,
    Visit,
    import_price,
)

OUTLETS = 2
FLOWING_W = 100.0
PLAIN_POWER_W = 11_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutletMinute:
    """One outlet in one minute."""

    power_w: float
    soc_percent: float | None
    """Of the vehicle that is there."""

    floor_percent: float | None
    """The highest floor that counts for a discharge; None: a guest or nobody."""

    owner: ControlOwner
    reason: Reason
    """The one that held longest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """One minute of the home; powers are means."""

    minute: int
    load_w: float
    sun_w: float
    grid_w: float
    price: float
    outlets: tuple[OutletMinute, ...]


@dataclass(slots=True)
class Ledger:
    """Adds up a day."""

    minutes: list[Minute] = field(default_factory=list)
    imported_wh: float = 0.0
    exported_wh: float = 0.0
    charged_wh: float = 0.0
    discharged_wh: float = 0.0
    bought: float = 0.0
    sold: float = 0.0
    dispatched_wh: list[float] = field(default_factory=lambda: [0.0] * len(DISPATCHES))
    below_floor_wh: float = 0.0
    """Discharged while the vehicle was below its reserve."""

    _samples: list[tuple[float, float, float]] = field(default_factory=list)
    _powers: list[list[float]] = field(
        default_factory=lambda: [[] for _ in range(OUTLETS)]
    )
    _why: list[Counter[tuple[ControlOwner, Reason]]] = field(
        default_factory=lambda: [Counter() for _ in range(OUTLETS)]
    )

    def sample(self, home: DayHome, minute: int) -> None:
        """Take one look at everything; it stands for the time until the next."""
        grid_w = home.grid_w()
        self._samples.append(
            (home.load_w[home.second], home.sun_w[home.second], grid_w)
        )
        imported_wh = energy_wh(max(0.0, grid_w), METER_S)
        exported_wh = energy_wh(max(0.0, -grid_w), METER_S)
        self.imported_wh += imported_wh
        self.exported_wh += exported_wh
        self.bought += import_price(minute) * watt_hours_to_kilowatt_hours(imported_wh)
        self.sold += EXPORT_PRICE * watt_hours_to_kilowatt_hours(exported_wh)
        for outlet, station in enumerate(home.stations):
            self._outlet(home, outlet, minute)
            self._powers[outlet].append(station.power_w)

    def _outlet(self, home: DayHome, outlet: int, minute: int) -> None:
        station = home.stations[outlet]
        setpoint = home.evse_at(station.key).setpoint
        self._why[outlet][setpoint.owner, setpoint.reason] += 1
        flowed_wh = energy_wh(station.power_w, METER_S)
        if flowed_wh > 0:
            self.charged_wh += flowed_wh
        else:
            self.discharged_wh -= flowed_wh
        if (
            station.power_w < -FLOWING_W
            and station.soc_percent < POLICY.reserve_percent
        ):
            self.below_floor_wh -= flowed_wh
        for number, dispatch in enumerate(DISPATCHES):
            is_on = 0 <= minute - dispatch.from_min < dispatch.duration_min
            is_ours = setpoint.owner is ControlOwner.VPP
            if is_on and is_ours and flowed_wh * dispatch.power_w > 0:
                self.dispatched_wh[number] += abs(flowed_wh)

    def end_minute(self, home: DayHome, minute: int) -> None:
        """Turn the looks of a minute into one line."""
        load_w, sun_w, grid_w = (
            sum(values) / len(self._samples)
            for values in zip(*self._samples, strict=True)
        )
        self.minutes.append(
            Minute(
                minute=minute,
                load_w=load_w,
                sun_w=sun_w,
                grid_w=grid_w,
                price=import_price(minute),
                outlets=tuple(
                    self._end_outlet(home, outlet, minute) for outlet in range(OUTLETS)
                ),
            )
        )
        self._samples.clear()

    def _end_outlet(self, home: DayHome, outlet: int, minute: int) -> OutletMinute:
        powers_w, why = self._powers[outlet], self._why[outlet]
        (owner, reason), _ = why.most_common(1)[0]
        visit = visit_at(outlet, minute)
        floor = None
        if visit is not None and visit.vehicle is not None:
            is_vpp = owner is ControlOwner.VPP
            vpp = POLICY.vpp_reserve_percent if is_vpp else 0.0
            floor = max(POLICY.reserve_percent, vpp)
        line = OutletMinute(
            power_w=sum(powers_w) / len(powers_w),
            soc_percent=home.stations[outlet].soc_percent if visit else None,
            floor_percent=floor,
            owner=owner,
            reason=reason,
        )
        powers_w.clear()
        why.clear()
        return line


def dispatch_income(ledger: Ledger) -> float:
    """Return what the aggregator pays."""
    return sum(
        dispatch.price * watt_hours_to_kilowatt_hours(energy)
        for dispatch, energy in zip(DISPATCHES, ledger.dispatched_wh, strict=True)
    )


def wear_cost(home: DayHome) -> float:
    """Return what the discharges of the day cost the batteries."""
    costs = (home.site.snapshot.vehicle(spec.vehicle_id) for spec in VEHICLES)
    return sum(vehicle.wear_cost or 0.0 for vehicle in costs if vehicle is not None)


def plain_cost(minutes: Sequence[Minute]) -> float:
    """Return what the same day costs with chargers that charge at once, and no more.

    Each vehicle charges at full power from its plug until it holds what it held at the
    end of its visit in the real day, at least what it came with.
    """
    missing_wh, cost = [0.0] * OUTLETS, 0.0
    for line in minutes:
        for visit in VISITS:
            if visit.from_min == line.minute:
                gained_wh = max(0.0, _gained_wh(minutes, visit))
                missing_wh[visit.outlet] = gained_wh
        taken_wh = [min(wh, energy_wh(PLAIN_POWER_W, 60.0)) for wh in missing_wh]
        missing_wh = [a - b for a, b in zip(missing_wh, taken_wh, strict=True)]
        home_wh = energy_wh(line.load_w - line.sun_w, 60.0) + sum(taken_wh)
        price = line.price if home_wh > 0 else EXPORT_PRICE
        cost += price * watt_hours_to_kilowatt_hours(home_wh)
    return cost


def lent_cost(minutes: Sequence[Minute]) -> float:
    """Return what it costs to put back what vehicles left with less of."""
    lent_wh = sum(
        max(0.0, -_gained_wh(minutes, visit))
        for visit in VISITS
        if minutes[0].minute <= visit.from_min <= minutes[-1].minute
    )
    return min(IMPORT_PRICES) * watt_hours_to_kilowatt_hours(lent_wh)


def _gained_wh(minutes: Sequence[Minute], visit: Visit) -> float:
    """Return what a vehicle had more at the end of its visit than at its begin."""
    socs = [
        line.outlets[visit.outlet].soc_percent
        for line in minutes
        if visit.from_min <= line.minute < visit.until_min
    ]
    end = next((soc for soc in reversed(socs) if soc is not None), visit.soc_percent)
    capacity_wh = visit.vehicle.capacity_wh if visit.vehicle else GUEST_WH
    return share_of(end - visit.soc_percent, capacity_wh)
