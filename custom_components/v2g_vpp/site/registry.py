"""All records of the home, and how events of stations change them."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
import logging

from ..control.delivery import SetpointDelivery
from ..control.fingerprint import Subject
from ..domain.capability import DialectTiming, Proof, timing_of
from ..domain.entity_station import PROTOCOL as ENTITY_PROTOCOL
from ..domain.events import (
    EmergencyStopReported,
    FaultReported,
    MeasurementReported,
    StationBooted,
    StationClockReported,
    StationConnected,
    StationDisconnected,
    StationEvent,
    StationReady,
    TransactionPhase,
    TransactionReported,
)
from ..domain.faults import FAULT_BEHAVIOUR, GRID_FAULTS, FaultCode
from ..domain.grid_profile import UNSPECIFIED, GridProfile
from ..domain.guarantee import LONGEST_UNGUARDED_S, GuaranteeClass
from ..domain.ids import EvseKey, ProgrammeId, StationId, VehicleId
from ..domain.policy import (
    LONGEST_POWER_S,
    PATIENT_SOLAR,
    EvsePolicy,
    SolarPolicy,
    StationLimits,
)
from ..domain.session import EvseSession, advance_evse, unconfirmed
from ..domain.site_meters import OperatorLimit, SiteMeters, SiteWiring
from ..domain.station_session import StationSession, advance_station
from .programme_record import ProgrammeRecord
from .proof_loss import flaw_of, lose_proof
from .records import EvseRecord, StationRecord, VehicleRecord

_LOGGER = logging.getLogger(__name__)

AUTHORISE_GRACE_S = 10.0
"""After a plug the station authorises by itself first, which identifies the vehicle;
only when it does not, the home starts the transaction (house rule)."""

STATION_WIDE_EVSE_ID = 0
"""OCPP's EVSE 0: the whole station."""


@dataclass(slots=True, kw_only=True)
class Registry:
    """The one place where records live; keyed, never guessed."""

    stations: dict[StationId, StationRecord] = field(default_factory=dict)
    evses: dict[EvseKey, EvseRecord] = field(default_factory=dict)
    vehicles: dict[VehicleId, VehicleRecord] = field(default_factory=dict)
    programmes: dict[ProgrammeId, ProgrammeRecord] = field(default_factory=dict)
    meters: SiteMeters | None = None
    """None: the home has no meters of its own."""

    operator_limit: OperatorLimit | None = None
    """Of the operator of the grid, for now."""

    solar: SolarPolicy = PATIENT_SOLAR
    wiring: SiteWiring | None = None
    """None: nothing is known of it."""

    grid_profile: GridProfile = UNSPECIFIED
    """Of the region that the home is in."""

    is_supporting_grid: bool = False
    """The owner lets what rests follow the frequency."""

    def station_of(self, key: EvseKey) -> StationRecord:
        """Return the station of an EVSE (which always exists)."""
        return self.stations[key.station_id]

    def evses_of(self, station_id: StationId) -> Iterator[EvseRecord]:
        """Yield the EVSEs of one station."""
        return (r for k, r in self.evses.items() if k.station_id == station_id)

    def add_station(self, station_id: StationId, limits: StationLimits) -> None:
        """Add a station, or change the limits of one that is there."""
        if station_id in self.stations:
            self.stations[station_id].limits = limits
        else:
            self.stations[station_id] = StationRecord(
                session=StationSession(station_id=station_id), limits=limits
            )
        for record in self.evses_of(station_id):
            record.policy = bounded_policy(record.policy, limits)

    def remove_station(self, station_id: StationId) -> None:
        """Forget a station with its EVSEs."""
        self.stations.pop(station_id, None)
        for key in [k for k in self.evses if k.station_id == station_id]:
            del self.evses[key]

    def ensure_evse(self, key: EvseKey) -> EvseRecord:
        """Return the record of an EVSE, made at its first mention."""
        record = self.evses.get(key)
        if record is None:
            limits = self.station_of(key).limits
            record = self.evses[key] = EvseRecord(
                session=EvseSession(key=key),
                policy=bounded_policy(EvsePolicy(), limits),
                delivery=SetpointDelivery(key),
            )
        return record

    def vehicle_at(self, record: EvseRecord) -> VehicleRecord | None:
        """Return the vehicle at an EVSE: by its own id, else as the owner said."""
        if not record.session.is_plugged:
            return None
        evcc_id = record.session.evcc_id
        if evcc_id is not None:
            for vehicle in self.vehicles.values():
                if vehicle.spec.evcc_id == evcc_id:
                    return vehicle
        chosen_id = record.policy.vehicle_id
        chosen = self.vehicles.get(chosen_id) if chosen_id is not None else None
        if chosen is not None and evcc_id is not None and chosen.spec.evcc_id:
            # The vehicle itself says that it is another one.
            return None
        return chosen

    def valid_proof(self, record: EvseRecord) -> Proof | None:
        """Return the proof when it holds for the present firmware and dialect."""
        proof = record.proof
        if proof is None or flaw_of(proof, self.station_of(record.key)) is not None:
            return None
        return proof

    def is_of_entities(self, key: EvseKey) -> bool:
        """Return True for a charger that is known through entities."""
        return self.station_of(key).session.protocol == ENTITY_PROTOCOL

    def is_ended_by_silence(self, record: EvseRecord) -> bool:
        """Return True for a charger that ends a power once nobody speaks to it.

        What is written over OCPP has an end in every write. Of a charger that is known
        through entities its last self-test tells, and else what its owner does.
        """
        if not self.is_of_entities(record.key):
            return True
        proof = record.proof
        guarantee = record.lost_guarantee if proof is None else proof.guarantee
        if guarantee is not None:
            return guarantee is GuaranteeClass.A
        capability = self.station_of(record.key).session.capability
        return capability is not None and capability.own_watchdog_s is not None

    def longest_s(self, record: EvseRecord, power_w: float) -> float:
        """Return how long a power may be asked for, s."""
        proof = self.valid_proof(record)
        is_endless = power_w < 0 and proof is not None and not proof.ends_by_itself
        return LONGEST_UNGUARDED_S if is_endless else LONGEST_POWER_S

    def timing_of(self, record: EvseRecord) -> DialectTiming:
        """Return dead-man and write budget of the charger of an EVSE."""
        station = self.station_of(record.key).session
        proof = self.valid_proof(record)
        return timing_of(station.capability, station.protocol, proof)

    def apply(self, event: StationEvent, now_mono_s: float) -> bool:
        """Advance the records; return False for a station that is not ours."""
        station_id = _station_of_event(event)
        station = self.stations.get(station_id)
        if station is None:
            return False
        if isinstance(event, MeasurementReported):
            self._measured(event, station.limits)
            return True
        station.session = advance_station(station.session, event)
        match event:
            case StationConnected(protocol=protocol):
                station.disconnected_mono_s = None
                _LOGGER.info("%s: connected (%s)", station_id, protocol)
                self._link_changed(station_id)
            case StationDisconnected(cause=cause):
                station.disconnected_mono_s = now_mono_s
                _LOGGER.info("%s: disconnected (%s)", station_id, cause)
                self._link_changed(station_id)
            case StationReady(capability=capability):
                for evse_id in capability.evse_ids:
                    self.ensure_evse(EvseKey(station_id, evse_id))
                early, station.early_events = station.early_events, {}
                for one in early.values():
                    self._apply_to_evses(one, now_mono_s)
            case StationBooted():
                pass
            case StationClockReported(state=state, offset_s=offset_s):
                _LOGGER.info("%s: its clock is %s (%s s)", station_id, state, offset_s)
            case _:
                self._apply_to_evses(event, now_mono_s)
        self._drop_lost_proofs(station_id)
        self._forget_lost_numbers(station_id)
        return True

    def session_of(self, event: StationEvent) -> EvseSession | None:
        """Return the session that an event is about, None when it is about no EVSE.

        Only events that do nothing but change a session count.
        """
        match event:
            case TransactionReported(phase=TransactionPhase.UPDATED):
                record = self.evses.get(event.key)
            case _:
                return None
        return record.session if record is not None else None

    def take_news(self) -> bool:
        """Return once whether something happened that must be on disk at once."""
        fresh = [record for record in self.evses.values() if record.has_news_to_save]
        for record in fresh:
            record.has_news_to_save = False
        return bool(fresh)

    def may_vehicle_discharge(self, station_id: StationId, evcc_id: str | None) -> bool:
        """Return True when the owner allowed V2X for the vehicle of this id.

        None: it did not identify itself; then the one is meant that is assigned.
        """
        for vehicle in self.vehicles.values():
            if evcc_id is not None and vehicle.spec.evcc_id == evcc_id:
                return vehicle.policy.is_discharge_allowed
        if evcc_id is not None:
            return False
        at = (self.vehicle_at(record) for record in self.evses_of(station_id))
        vehicle_at = next((vehicle for vehicle in at if vehicle is not None), None)
        return vehicle_at is not None and vehicle_at.policy.is_discharge_allowed

    def _link_changed(self, station_id: StationId) -> None:
        for record in self.evses_of(station_id):
            record.delivery.link_lost()
            record.schedule.reset()
            record.session = unconfirmed(record.session)

    def _measured(self, event: MeasurementReported, limits: StationLimits) -> None:
        """Take readings of an EVSE: they say nothing of its plug, latches or proofs."""
        if event.key.evse_id == STATION_WIDE_EVSE_ID:
            return
        record = self.ensure_evse(event.key)
        record.session = advance_evse(record.session, event)
        session = record.session
        record.meter_period.note(session.measurement.power_w, session.transaction_id)
        before = record.charged, record.discharged
        _count_energy(record, limits)
        vehicle = self.vehicle_at(record)
        if vehicle is not None and (record.charged, record.discharged) != before:
            vehicle.wear.note(
                record.charged.gained_wh(before[0]),
                record.discharged.gained_wh(before[1]),
                vehicle.spec.capacity_wh,
            )

    def _apply_to_evses(self, event: StationEvent, now_mono_s: float) -> None:
        key = getattr(event, "key", None)
        if not isinstance(key, EvseKey):
            return
        if key.evse_id == STATION_WIDE_EVSE_ID:
            records = list(self.evses_of(key.station_id))
            if not records and isinstance(event, EmergencyStopReported | FaultReported):
                kind = getattr(event, "code", None)
                self.stations[key.station_id].early_events[kind] = event
        else:
            records = [self.ensure_evse(key)]
        for record in records:
            before = record.session
            record.session = advance_evse(before, event)
            _follow_plug(record, before, now_mono_s)
            record.has_news_to_save |= _is_latched_anew(record.session, before)
            if isinstance(event, FaultReported) and event.code in GRID_FAULTS:
                told = record.station_alarms
                (told.add if event.is_active else told.discard)(event.code)
            if _has_fallen_silent(record.session, before):
                record.link_drops.note(now_mono_s)
            if isinstance(event, TransactionReported):
                _follow_transaction(record, event, before)

    def _forget_lost_numbers(self, station_id: StationId) -> None:
        """Forget what was learnt of a charger that is not the same any more."""
        station = self.stations[station_id]
        if not station.session.is_ready:
            return
        subject = Subject(
            firmware=station.session.firmware,
            dialect=station.dialect,
            wording=station.wording,
        )
        for record in self.evses_of(station_id):
            if record.learner.about(subject):
                _LOGGER.warning(
                    "%s: learns its charger anew (firmware or dialect changed)",
                    record.key,
                )
                record.lost_guarantee = None
                record.has_news_to_save = True

    def _drop_lost_proofs(self, station_id: StationId) -> None:
        """Withdraw the permission to discharge when its proof no longer holds."""
        station = self.stations[station_id]
        if not station.session.is_ready:
            return
        for record in self.evses_of(station_id):
            loss = None if record.proof is None else flaw_of(record.proof, station)
            if loss is not None:
                _LOGGER.warning(
                    "%s: the proof of discharge is void (%s)", record.key, loss
                )
                lose_proof(record, loss)


def bounded_policy(policy: EvsePolicy, limits: StationLimits) -> EvsePolicy:
    """Return the policy with powers no higher than the installation allows."""
    return replace(
        policy,
        max_charge_power_w=min(policy.max_charge_power_w, limits.max_charge_power_w),
        max_discharge_power_w=min(
            policy.max_discharge_power_w, limits.max_discharge_power_w
        ),
    )


def _station_of_event(event: StationEvent) -> StationId:
    key = getattr(event, "key", None)
    if isinstance(key, EvseKey):
        return key.station_id
    station_id: StationId = getattr(event, "station_id")  # noqa: B009 - a union
    return station_id


def _follow_plug(record: EvseRecord, before: EvseSession, now_mono_s: float) -> None:
    if record.session.is_plugged and not before.is_plugged:
        record.next_start_mono_s = now_mono_s + AUTHORISE_GRACE_S
    if record.session.visit != before.visit:
        # The next vehicle may be another one: what was tied to this one ends.
        record.policy = replace(record.policy, vehicle_id=None)
        record.override = record.claim = record.external = None
        record.start_attempts = 0
        record.wake.reset()
        record.has_news_to_save = True


def _follow_transaction(
    record: EvseRecord, event: TransactionReported, before: EvseSession
) -> None:
    if event.phase is TransactionPhase.STARTED and not event.is_offline_replay:
        record.is_first_write_pending = False
        record.start_attempts = 0
    elif record.session.transaction_id not in (None, before.transaction_id):
        # It ran before we knew of it, and so may a power that we did not ask for.
        record.is_first_write_pending = True
    record.has_lost_power |= event.has_lost_power
    if event.phase is not TransactionPhase.UPDATED:
        record.delivery.link_lost()
        record.schedule.reset()
        record.has_news_to_save = True


def _count_energy(record: EvseRecord, limits: StationLimits) -> None:
    rating_w = max(limits.max_charge_power_w, limits.max_discharge_power_w)
    measurement = record.session.measurement
    record.charged = record.charged.advanced(measurement.energy_charged_wh, rating_w)
    record.discharged = record.discharged.advanced(
        measurement.energy_discharged_wh, rating_w
    )


def _has_fallen_silent(session: EvseSession, before: EvseSession) -> bool:
    code = FaultCode.EV_COMM_TIMEOUT
    return code in session.active_faults and code not in before.active_faults


def _is_latched_anew(session: EvseSession, before: EvseSession) -> bool:
    if session.faults is before.faults and (
        session.is_emergency_stopped is before.is_emergency_stopped
    ):
        return False
    return _latches(session) != _latches(before)


def _latches(session: EvseSession) -> tuple[object, ...]:
    """Return what must not be lost by a crash."""
    latched = {code for code in session.faults if FAULT_BEHAVIOUR[code].is_latched}
    return session.is_emergency_stopped, frozenset(latched)
