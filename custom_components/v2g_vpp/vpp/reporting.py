"""What of the home's picture the aggregator may see: offer, availability, telemetry.

No state of charge, position or time of departure leaves the home, and of the causes
only their class.
"""

from collections.abc import Iterable, Mapping
from math import ceil, floor

from ..domain.capability import DischargeDialect, promised_end_s, timing_of
from ..domain.dispatch import BindingClass
from ..domain.grant import ALL_GRANTED, Grant
from ..domain.ids import ProgrammeId
from ..domain.measurement import Reading, fresh_value
from ..domain.setpoint import Reason
from ..domain.snapshot import EvseSnapshot, ProgrammeSnapshot, SiteSnapshot
from ..domain.state import EvseState
from ..domain.units import share_of
from .messages import (
    FREQUENCY_FEATURES,
    Availability,
    CoarseState,
    Guarantee,
    Offer,
    OfferedResource,
    Quality,
    ResourceRoom,
    ResourceTelemetry,
    Room,
    Telemetry,
)

FAILSAFE_S = 30.0
"""0 W this long after the last valid heartbeat (contract, rule 12)."""

MAX_READING_AGE_S = 60.0
"""The site judges freshness; this only catches a site that stopped judging."""

CHANGE_SHARE = 0.05
"""A change of availability that is worth a message of its own (contract)."""

DEAD_TIME_STEP_S = 0.5
RAMP_STEP_W_PER_S = 100.0
"""In which the offer tells what is learnt of a charger."""

SMALLEST_STEP_W = 1.0
"""Setpoints are written as whole watts."""

CLASS_OF_REASON: Mapping[Reason, BindingClass | None] = {
    Reason.AS_REQUESTED: None,
    Reason.NOTHING_REQUESTED: None,
    Reason.MODE_OFF: BindingClass.USER,
    Reason.EMERGENCY_STOP: BindingClass.FAULT,
    Reason.FAULT: BindingClass.FAULT,
    Reason.STORE_UNREADABLE: BindingClass.FAULT,
    Reason.HOST_LATE: BindingClass.FAULT,
    Reason.STATION_OFFLINE: BindingClass.FAULT,
    Reason.STATION_NOT_READY: BindingClass.FAULT,
    Reason.NO_FLOOR_PROFILE: BindingClass.FAULT,
    Reason.OUT_OF_OPERATION: BindingClass.FAULT,
    Reason.WRITE_BUDGET: BindingClass.LIMIT,
    Reason.STATION_CLOCK: BindingClass.FAULT,
    Reason.NOTHING_FLOWS: BindingClass.VEHICLE,
    Reason.NOT_PLUGGED: BindingClass.VEHICLE,
    Reason.PRIORITY_CHARGING: BindingClass.USER,
    Reason.NO_TRANSACTION: BindingClass.VEHICLE,
    Reason.AFTER_START: BindingClass.LIMIT,
    Reason.STOPPING: BindingClass.LIMIT,
    Reason.STATION_LIMIT: BindingClass.LIMIT,
    Reason.VEHICLE_LIMIT: BindingClass.VEHICLE,
    Reason.OWNER_LIMIT: BindingClass.USER,
    Reason.EXPORT_LIMIT: BindingClass.LIMIT,
    Reason.GRID_LOST: BindingClass.LIMIT,
    Reason.GRID_FREQUENCY: BindingClass.LIMIT,
    Reason.ENTER_SERVICE: BindingClass.LIMIT,
    Reason.FREQUENCY_STALE: BindingClass.FAULT,
    Reason.FREQUENCY_UNFIT: BindingClass.LIMIT,
    Reason.THERMAL: BindingClass.LIMIT,
    Reason.CONTACTOR: BindingClass.LIMIT,
    Reason.IMPORT_LIMIT: BindingClass.LIMIT,
    Reason.FUSE: BindingClass.LIMIT,
    Reason.CIRCUIT: BindingClass.LIMIT,
    Reason.IMBALANCE: BindingClass.LIMIT,
    Reason.HOME_BATTERY: BindingClass.USER,
    Reason.FROM_HOME_BATTERY: BindingClass.USER,
    Reason.SITE_METER_STALE: BindingClass.FAULT,
    Reason.NO_SURPLUS: BindingClass.USER,
    Reason.NOTHING_TO_BALANCE: BindingClass.USER,
    Reason.MODE_NOT_SET_UP: BindingClass.USER,
    Reason.NO_PLAN: BindingClass.USER,
    Reason.MINIMUM_POWER: BindingClass.LIMIT,
    Reason.RAMP: BindingClass.LIMIT,
    Reason.OTHERS_SERVE: BindingClass.LIMIT,
    Reason.ENERGY_WINDOW: BindingClass.VEHICLE,
    Reason.SOC_UNKNOWN: BindingClass.VEHICLE,
    Reason.RESERVE_FLOOR: BindingClass.USER,
    Reason.VPP_FLOOR: BindingClass.USER,
    Reason.TRIP_FLOOR: BindingClass.USER,
    Reason.EVENT_RESERVE: BindingClass.LIMIT,
    Reason.CYCLE_BUDGET: BindingClass.USER,
    Reason.MAX_SOC: BindingClass.USER,
    Reason.DISCHARGE_NOT_ALLOWED: BindingClass.USER,
    Reason.NOT_PROVEN: BindingClass.LIMIT,
    Reason.NO_DIALECT: BindingClass.LIMIT,
    Reason.VEHICLE_UNKNOWN: BindingClass.VEHICLE,
    Reason.VEHICLE_NOT_ALLOWED: BindingClass.USER,
    Reason.VEHICLE_NOT_BIDIRECTIONAL: BindingClass.VEHICLE,
    Reason.EXTERNAL: BindingClass.USER,
    Reason.NO_GUARANTEE: BindingClass.LIMIT,
    Reason.SPELL_OVER: BindingClass.LIMIT,
    Reason.METER_STALE: BindingClass.FAULT,
    Reason.FAILSAFE: BindingClass.FAULT,
    Reason.OUTPUT_GATE: BindingClass.FAULT,
}

_UNDECLARED = (DischargeDialect.NONE, DischargeDialect.ENTITY)
"""Nobody but the self-test says that such a station ends a discharge by itself."""

_STATES: Mapping[EvseState, CoarseState] = {
    EvseState.AVAILABLE: CoarseState.IDLE,
    EvseState.IDLE: CoarseState.IDLE,
    EvseState.RESERVED: CoarseState.IDLE,
    EvseState.CHARGING: CoarseState.CHARGING,
    EvseState.DISCHARGING: CoarseState.DISCHARGING,
    EvseState.FAULTED: CoarseState.FAULT,
    EvseState.EMERGENCY_STOP: CoarseState.FAULT,
    EvseState.UNAVAILABLE: CoarseState.OFFLINE,
}


def describe_offer(
    snapshot: SiteSnapshot, programme_id: ProgrammeId, clock_quality_ms: int | None
) -> Offer:
    """Return the nameplate and measured behaviour of every EVSE."""
    programme = snapshot.programme(programme_id)
    return Offer(
        programme_id=programme_id,
        is_opted_in=programme is not None and programme.is_participating,
        clock_quality_ms=clock_quality_ms,
        resources=tuple(_offered(snapshot, evse) for evse in snapshot.evses),
    )


def describe_availability(
    snapshot: SiteSnapshot, programme_id: ProgrammeId
) -> Availability:
    """Return what a command could get now; nothing while the owner paused."""
    programme = snapshot.programme(programme_id)
    is_open = programme is not None and programme.is_participating
    grant = ALL_GRANTED if programme is None else programme.grant
    taken = {
        key
        for other in snapshot.programmes
        if other.programme_id != programme_id
        for key in other.resources
    }
    resources = tuple(
        _room_of(snapshot, evse, grant, is_open=is_open, is_taken=evse.key in taken)
        for evse in snapshot.evses
    )
    lowest_w = sum(one.room.lowest_w for one in resources)
    if snapshot.export_limit_w is not None:
        # The owner's bound on feeding in counts for all EVSEs together.
        lowest_w = max(lowest_w, -snapshot.export_limit_w)
    return Availability(
        resources=resources,
        site=Room(
            lowest_w=lowest_w,
            highest_w=sum(one.room.highest_w for one in resources),
            deliverable_wh=sum(one.room.deliverable_wh for one in resources),
            absorbable_wh=sum(one.room.absorbable_wh for one in resources),
        ),
    )


def describe_telemetry(
    snapshot: SiteSnapshot, programme_id: ProgrammeId, now_mono_s: float
) -> Telemetry:
    """Return what is measured; a silent meter counts as unknown, never as 0."""
    programme = snapshot.programme(programme_id)
    resources = tuple(_measured(evse, now_mono_s) for evse in snapshot.evses)
    fresh = [one.power_w for one in resources if one.power_w is not None]
    is_good = all(one.quality is Quality.GOOD for one in resources)
    return Telemetry(
        power_w=sum(fresh) if fresh else None,
        frequency_hz=_frequency_hz(snapshot.evses, now_mono_s),
        command_id=followed_command(programme),
        quality=Quality.GOOD if is_good else Quality.STALE,
        resources=resources,
    )


def followed_command(programme: ProgrammeSnapshot | None) -> str | None:
    """Return the id of the command that is followed, None when none is."""
    if programme is None or programme.order is None:
        return None
    return programme.order.order_id or None


def is_news(before: Availability | None, after: Availability) -> bool:
    """Return True when a change of availability should not wait for the minute."""
    if before is None or len(before.resources) != len(after.resources):
        return True
    if _is_far(before.site, after.site):
        return True
    return any(
        old.key != new.key or old.why != new.why or _is_far(old.room, new.room)
        for old, new in zip(before.resources, after.resources, strict=True)
    )


def _is_far(old: Room, new: Room) -> bool:
    pairs = (
        (old.lowest_w, new.lowest_w),
        (old.highest_w, new.highest_w),
        (old.deliverable_wh, new.deliverable_wh),
        (old.absorbable_wh, new.absorbable_wh),
    )
    return any(abs(a - b) > CHANGE_SHARE * max(abs(a), abs(b)) for a, b in pairs)


def _offered(snapshot: SiteSnapshot, evse: EvseSnapshot) -> OfferedResource:
    station = snapshot.station(evse.key.station_id)
    capability = station.capability if station is not None else None
    dialect = capability.dialect if capability is not None else DischargeDialect.NONE
    timing = timing_of(capability, proof=evse.proof)
    fingerprint = evse.fingerprint
    proof = evse.proof
    ends_by_itself = proof is not None and proof.ends_by_itself
    may_discharge = ends_by_itself and evse.policy.is_discharge_allowed
    max_discharge_w = evse.policy.max_discharge_power_w if may_discharge else 0.0
    promise_s = promised_end_s(
        timing, fingerprint.dead_time_s, max_discharge_w, fingerprint.ramp_w_per_s
    )
    if proof is not None and not ends_by_itself:
        guarantee, deadman_s = Guarantee.NONE, None
    elif proof is not None:
        guarantee, deadman_s = Guarantee.STATION_PROVEN, proof.dead_man_s
    elif dialect not in _UNDECLARED:
        guarantee, deadman_s = Guarantee.STATION_DECLARED, promise_s
    else:
        guarantee, deadman_s = Guarantee.NONE, None
    return OfferedResource(
        key=evse.key,
        max_charge_power_w=evse.policy.max_charge_power_w,
        max_discharge_power_w=max_discharge_w,
        minimum_power_w=fingerprint.minimum_power_w,
        # Coarse, so that what is learnt every day is no new offer, and cautious.
        dead_time_s=ceil(fingerprint.dead_time_s / DEAD_TIME_STEP_S) * DEAD_TIME_STEP_S,
        ramp_w_per_s=_coarse_ramp_w_per_s(fingerprint.ramp_w_per_s),
        resolution_w=max(SMALLEST_STEP_W, fingerprint.step_w),
        is_measured=fingerprint.is_learnt,
        setpoint_interval_s=timing.write_interval_s,
        deadman_s=deadman_s,
        failsafe_s=FAILSAFE_S,
        guarantee=guarantee,
        features=() if evse.support_refusal is not None else FREQUENCY_FEATURES,
    )


def _coarse_ramp_w_per_s(ramp_w_per_s: float) -> float:
    """Return a ramp rounded down; one below the first step stays as it is."""
    coarse = floor(ramp_w_per_s / RAMP_STEP_W_PER_S) * RAMP_STEP_W_PER_S
    return coarse or ramp_w_per_s


def _room_of(
    snapshot: SiteSnapshot,
    evse: EvseSnapshot,
    grant: Grant,
    *,
    is_open: bool,
    is_taken: bool,
) -> ResourceRoom:
    # What another programme has now is not promised twice (rule 14).
    is_ours = is_open and not is_taken
    discharge_w = evse.available_discharge_w if is_ours else 0.0
    charge_w = evse.available_charge_w if is_ours else 0.0
    deliverable_wh = absorbable_wh = 0.0
    is_granted = True
    vehicle = snapshot.vehicle(evse.vehicle_id) if evse.vehicle_id else None
    if vehicle is not None and vehicle.soc_percent is not None:
        missing = max(0.0, vehicle.policy.max_soc_percent - vehicle.soc_percent)
        absorbable_wh = share_of(missing, vehicle.spec.capacity_wh)
        held = vehicle.lowest_percent
        held = vehicle.soc_percent if held is None else held
        above = max(0.0, held - grant.reserve_percent)
        above_wh = share_of(above, vehicle.spec.capacity_wh)
        deliverable_wh = min(vehicle.deliverable_wh(), above_wh)
        is_granted = grant.lets_discharge(held)
    # What does not end by itself is promised to nobody, whatever else is said of it.
    is_endless = evse.proof is not None and not evse.proof.ends_by_itself
    discharge_w = discharge_w if is_granted and not is_endless else 0.0
    why = set(_classes(evse, is_open=is_open, is_taken=is_taken))
    why |= set() if is_granted else {BindingClass.USER}
    why |= {BindingClass.LIMIT} if is_endless else set()
    return ResourceRoom(
        key=evse.key,
        room=Room(
            lowest_w=-discharge_w,
            highest_w=charge_w,
            deliverable_wh=deliverable_wh if discharge_w > 0 else 0.0,
            absorbable_wh=absorbable_wh if charge_w > 0 else 0.0,
        ),
        dead_band_w=evse.fingerprint.minimum_power_w,
        why=tuple(sorted(why)),
    )


def _classes(
    evse: EvseSnapshot, *, is_open: bool, is_taken: bool
) -> tuple[BindingClass, ...]:
    if not is_open:
        return (BindingClass.USER,)
    if is_taken:
        return (BindingClass.LIMIT,)
    reasons = {evse.discharge_blocked_by, evse.setpoint.reason} - {None}
    classes = {CLASS_OF_REASON[reason] for reason in reasons if reason is not None}
    return tuple(sorted(one for one in classes if one is not None))


def _measured(evse: EvseSnapshot, now_mono_s: float) -> ResourceTelemetry:
    measurement = evse.measurement
    power_w = None
    if evse.is_meter_fresh:
        # The meter's own power: it must go with its registers, which are settled by.
        power = measurement.power_w if evse.calibration is None else evse.meter_power
        power_w = fresh_value(power, now_mono_s, MAX_READING_AGE_S)
    # A connected EVSE with nothing plugged has no news to tell, and nothing flows.
    is_silent = power_w is None and (evse.is_plugged or evse.has_transaction)
    return ResourceTelemetry(
        key=evse.key,
        state=_STATES[evse.state],
        power_w=power_w,
        charged_wh=_register(measurement.energy_charged_wh),
        discharged_wh=_register(measurement.energy_discharged_wh),
        quality=Quality.STALE if is_silent else Quality.GOOD,
    )


def _register(reading: Reading | None) -> float | None:
    # A register only grows: its last value stays true however old it is.
    return None if reading is None else max(0.0, reading.value)


def _frequency_hz(evses: Iterable[EvseSnapshot], now_mono_s: float) -> float | None:
    for evse in evses:
        if evse.is_meter_fresh:
            value = fresh_value(
                evse.measurement.frequency_hz, now_mono_s, MAX_READING_AGE_S
            )
            if value is not None:
                return value
    return None
