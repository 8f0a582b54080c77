"""Draw the frozen snapshot of the home from its records."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from ..control.soc_estimator import NOTHING_KNOWN
from ..control.soc_guard import vehicle_floor_percent
from ..domain.dispatch import LinkState
from ..domain.energy import NOTHING_KEPT, KeptEnergy
from ..domain.ids import EvseKey, ProgrammeId
from ..domain.measurement import fresh_value
from ..domain.setpoint import Reason
from ..domain.site_meters import OperatorLimit
from ..domain.snapshot import (
    EvseSnapshot,
    ProgrammeSnapshot,
    SiteSnapshot,
    StationSnapshot,
    VehicleSnapshot,
)
from ..domain.units import percent_of, seconds_to_hours
from .lease_picture import draw_lease, draw_next_slot
from .meter_picture import draw_meters
from .order_verdict import has_evse
from .programme_record import ProgrammeRecord
from .records import EvseRecord, StationRecord, VehicleRecord
from .registry import Registry

SHOWN_PERCENT = 0.1
SHOWN_MARGIN_PERCENT = 0.5
SHOWN_WH = 10.0
SHOWN_H = 0.1
"""What moves with every tick moves in steps: each new picture costs all who look at
it."""


def draw(
    before: SiteSnapshot,
    registry: Registry,
    *,
    now_mono_s: float,
    now_at: datetime,
    is_store_readable: bool,
    is_host_late: bool,
) -> SiteSnapshot:
    """Return the picture of this moment; equal moments give equal pictures.

    A station or an EVSE of which nothing is new is the same object as in the picture
    before: whoever shows it sees so at a glance.
    """
    return replace(
        before,
        stations=tuple(
            _same_or_new(before.station(station_id), _station(record))
            for station_id, record in registry.stations.items()
        ),
        evses=tuple(
            _same_or_new(
                before.evse(key),
                _evse(registry, registry.evses[key], now_mono_s, now_at),
            )
            for key in sorted(registry.evses)
        ),
        vehicles=tuple(
            _vehicle(registry, r, now_mono_s) for r in registry.vehicles.values()
        ),
        programmes=_programmes(registry),
        operator_limit=(registry.operator_limit or OperatorLimit()).at(now_at),
        is_store_readable=is_store_readable,
        is_host_late=is_host_late,
        meters=draw_meters(registry, now_mono_s),
    )


def redraw(
    before: SiteSnapshot,
    registry: Registry,
    changed: Collection[EvseKey],
    now_mono_s: float,
    now_at: datetime,
) -> SiteSnapshot:
    """Return the last picture with these EVSEs as they are now.

    Only for what readings change: of stations and of the other EVSEs nothing is new.
    """
    return replace(
        before,
        evses=tuple(
            _same_or_new(
                evse, _evse(registry, registry.evses[evse.key], now_mono_s, now_at)
            )
            if evse.key in changed
            else evse
            for evse in before.evses
        ),
        vehicles=tuple(
            _vehicle(registry, r, now_mono_s) for r in registry.vehicles.values()
        ),
        programmes=_programmes(registry),
        meters=draw_meters(registry, now_mono_s),
    )


def _same_or_new[PartT](before: PartT | None, now: PartT) -> PartT:
    return before if before is not None and before == now else now


def _station(record: StationRecord) -> StationSnapshot:
    session = record.session
    return StationSnapshot(
        station_id=session.station_id,
        is_connected=session.is_connected,
        is_ready=session.is_ready,
        protocol=session.protocol,
        vendor=session.vendor,
        model=session.model,
        serial_number=session.serial_number,
        firmware=session.firmware,
        capability=session.capability,
        has_floor_profile=session.has_floor_profile,
        clock_state=session.clock_state,
        clock_offset_s=session.clock_offset_s,
        is_clock_behind=session.is_clock_behind,
        other_addresses=session.other_addresses,
        grid_notes=session.grid_notes,
        security=session.security,
    )


def _evse(
    registry: Registry, record: EvseRecord, now_mono_s: float, now_at: datetime
) -> EvseSnapshot:
    session, decision = record.session, record.decision
    vehicle = registry.vehicle_at(record)
    power_w = fresh_value(
        session.measurement.power_w, now_mono_s, record.meter_period.max_age_s
    )
    return EvseSnapshot(
        key=record.key,
        state=record.state,
        setpoint=record.setpoint,
        measurement=record.tracked_session.measurement,
        meter_power=session.measurement.power_w,
        calibration=record.calibration,
        is_meter_fresh=power_w is not None,
        is_plugged=session.is_plugged,
        has_transaction=session.transaction_id is not None,
        is_emergency_stopped=session.is_emergency_stopped,
        faults=tuple(sorted(session.faults)),
        policy=record.policy,
        needs=session.needs,
        vehicle_id=vehicle.spec.vehicle_id if vehicle else None,
        discharge_blocked_by=(
            decision.discharge_blocked_by if decision else Reason.STATION_OFFLINE
        ),
        available_charge_w=decision.available_charge_w if decision else 0.0,
        available_discharge_w=decision.available_discharge_w if decision else 0.0,
        fingerprint=record.fingerprint,
        confidence=record.learner.confidence,
        proof=registry.valid_proof(record),
        lost_proof=record.lost_proof,
        self_test=record.self_test_status,
        lease=draw_lease(registry, record),
        next_slot=draw_next_slot(record, now_at),
        runner_up=record.runner_up,
        size_hint=record.size_hint,
        wiring_finding=record.wiring_finding,
        charged_wh=record.charged.total_wh,
        discharged_wh=record.discharged.total_wh,
        is_clock_in_the_way=(
            _station(registry.station_of(record.key)).is_clock_in_the_way
        ),
        vehicle_link=session.vehicle_link,
        inverter_mode=session.inverter_mode,
        link_drops_today=record.link_drops.count(now_mono_s),
        derate_percent=round(percent_of(1.0 - record.heat.share, 1.0)),
        is_heat_measured=record.heat.is_measured,
        cold_openings=record.contactor.count.cold_openings,
        hot_openings=record.contactor.count.hot_openings,
        opens_at_zero=record.contactor.opens_at_zero,
        idle_awake_h=_in_steps(
            seconds_to_hours(record.contactor.awake.total_s(now_mono_s)), SHOWN_H
        )
        or 0.0,
        contactor_life_percent=percent_of(record.contactor.count.life_share, 1.0),
        support_refusal=record.support_refusal,
        profile_writes_today=registry.station_of(record.key).budget.count(now_mono_s),
    )


def _vehicle(
    registry: Registry, record: VehicleRecord, now_mono_s: float
) -> VehicleSnapshot:
    at = next(
        (e.key for e in registry.evses.values() if registry.vehicle_at(e) is record),
        None,
    )
    wear = record.wear.report(record.spec)
    decision = registry.evses[at].decision if at is not None else None
    estimate = NOTHING_KNOWN if decision is None else decision.soc
    trip_floor = 0.0 if decision is None else decision.trip.floor_percent
    return VehicleSnapshot(
        spec=record.spec,
        policy=record.policy,
        evse=at,
        soc_percent=_in_steps(record.soc_percent, SHOWN_PERCENT),
        is_v2g_capable=record.is_v2g_capable,
        own_floor_percent=(
            vehicle_floor_percent(registry.evses[at].session, record.spec.capacity_wh)
            if at is not None
            else None
        ),
        equivalent_cycles=wear.equivalent_cycles,
        wear_cost=wear.cost,
        cold_openings=wear.cold_operations,
        hot_openings=wear.hot_operations,
        lowest_percent=_in_steps(estimate.lowest_percent, SHOWN_MARGIN_PERCENT),
        is_report_doubted=estimate.is_report_doubted,
        trip_floor_percent=_in_steps(trip_floor, SHOWN_PERCENT) or 0.0,
        ready_at=None if at is None else record.ready_at,
        is_ready_in_time=None if at is None else record.is_ready_in_time,
        cycled_wh=_in_steps(record.cycled.total(now_mono_s), SHOWN_WH) or 0.0,
        kept=_kept_in_steps(None if at is None else registry.evses[at]),
    )


def _kept_in_steps(record: EvseRecord | None) -> KeptEnergy:
    if record is None:
        return NOTHING_KEPT
    kept = record.kept
    return KeptEnergy(
        percent=_in_steps(kept.percent, SHOWN_MARGIN_PERCENT) or 0.0,
        wh=_in_steps(kept.wh, SHOWN_WH) or 0.0,
    )


def _in_steps(value: float | None, step: float) -> float | None:
    """Return it to the nearest step."""
    return None if value is None else round(round(value / step) * step, 6)


def _programmes(registry: Registry) -> tuple[ProgrammeSnapshot, ...]:
    return tuple(
        _programme(programme_id, record, tuple(registry.evses))
        for programme_id, record in registry.programmes.items()
    )


def _programme(
    programme_id: ProgrammeId, record: ProgrammeRecord, evses: tuple[EvseKey, ...]
) -> ProgrammeSnapshot:
    return ProgrammeSnapshot(
        programme_id=programme_id,
        link=link_state(record),
        is_participating=record.is_participating,
        order=record.running[0] if record.running else None,
        delivered_discharge_wh=record.delivered_discharge_wh,
        is_rehearsal=record.is_rehearsal,
        grant=record.grant,
        committed_wh=record.committed_wh(),
        ledger=record.ledger.picture if record.ledger is not None else None,
        book=record.book.picture,
        resources=(
            ()
            if record.is_rehearsal
            else tuple(key for key in evses if has_evse(record, key))
        ),
    )


def link_state(record: ProgrammeRecord) -> LinkState:
    """Return what the home believes of the link of one programme."""
    state = record.watchdog.state
    if state is LinkState.FAILSAFE or record.is_connected:
        return state
    return LinkState.DOWN
