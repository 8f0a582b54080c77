"""The site's document in the store: what must survive a restart.

Latches, permissions and proofs come back as they were, and so do mode and plan. Nothing
else that could make power flow does: no order, no override, no lease, no setpoint.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
import logging
from typing import Any

from ..control.hardware_guard import HardwareGuard, HeatSource
from ..control.wear import WearMeter
from ..control.write_budget import DAILY_WRITES
from ..domain.capability import EvCapability, Fingerprint
from ..domain.energy import EnergyTotal
from ..domain.faults import FAULT_BEHAVIOUR, FaultCode
from ..domain.ids import EvseKey, ProgrammeId, StationId, TransactionId
from ..domain.measurement import Measurement, Reading
from ..domain.policy import EvsePolicy, VehiclePolicy
from ..domain.ports import StoredData
from ..domain.self_test import ProofLoss
from ..domain.session import EvseSession, with_fault
from ..domain.state import ConnectorStatus
from .kept_vehicles import (
    checked_wishes,
    dump_cycled,
    dump_memory,
    read_memory,
    restore_cycled,
)
from .learnt_values import (
    checked_fingerprint,
    dump_loss,
    read_loss,
    restore_calibration,
    restore_learner,
    restore_proof,
)
from .plant_store import dump_plant, read_plant
from .programme_record import ProgrammeRecord
from .records import EvseRecord, StationRecord, VehicleRecord
from .registry import Registry
from .stored_events import dump_events, restore_events
from .stored_plan import dump_plan, dump_site, restore_plan
from .stored_values import (
    read_bool,
    read_dataclass,
    read_float,
    read_mapping,
    read_optional,
    read_text,
    refuse_newer,
    written,
)

_LOGGER = logging.getLogger(__name__)

DOCUMENT_VERSION = 1
PARTS = ("evses", "vehicles", "programmes")
"""What every document has; ``stations`` came later and may be missing."""

KEPT_READINGS = ("energy_charged_wh", "energy_discharged_wh", "soc_percent")
"""Counters and the last state of charge: shown at once after a start.

They keep their own time and an infinite age, so nothing is controlled by them.
"""


def dump(
    registry: Registry,
    remembered: StoredData,
    *,
    is_trusted: bool,
    now_mono_s: float,
) -> StoredData:
    """Return the document of the home.

    Args:
        registry: the records.
        remembered: the document read at the start; parts of it that belong to things
            not added again yet (their set-up follows later) are kept.
        is_trusted: False while an unreadable document is not acknowledged, so that
            the latch survives the next start as well.
        now_mono_s: ages of writes are kept, no times.
    """
    stations = dict(remembered.get("stations", {}))
    stations.update(
        {
            str(k): {"writes": r.budget.dump(now_mono_s)}
            for k, r in registry.stations.items()
        }
    )
    evses = dict(remembered.get("evses", {}))
    evses.update({str(k): _dump_evse(r, now_mono_s) for k, r in registry.evses.items()})
    vehicles = dict(remembered.get("vehicles", {}))
    vehicles.update(
        {str(k): _dump_vehicle(r, now_mono_s) for k, r in registry.vehicles.items()}
    )
    programmes = dict(remembered.get("programmes", {}))
    programmes.update(
        {
            str(k): _dump_programme(r)
            for k, r in registry.programmes.items()
            if not r.is_rehearsal
        }
    )
    return {
        **remembered,
        "version": DOCUMENT_VERSION,
        "is_trusted": is_trusted,
        "site": dump_site(registry),
        "stations": stations,
        "evses": evses,
        "vehicles": vehicles,
        "programmes": programmes,
    }


def checked(document: StoredData) -> tuple[StoredData, bool]:
    """Return the document to start from, and whether discharge may rely on it.

    A document of another shape is set aside whole under ``rejected``, so that nothing
    is lost, and is not trusted until the owner resets the latch.

    Raises:
        StoreNewer: for one of a newer version, which nothing may be written over.
    """
    if not document:
        return {}, True
    refuse_newer(document, DOCUMENT_VERSION, "policy")
    is_ours = document.get("version") == DOCUMENT_VERSION and all(
        isinstance(document.get(part), Mapping) for part in PARTS
    )
    if not is_ours:
        return {"rejected": dict(document)}, False
    return document, document.get("is_trusted", False) is True


def restore_evse(record: EvseRecord, document: StoredData, now_mono_s: float) -> bool:
    """Bring an EVSE back as it was; return False when its part cannot be read.

    A part that cannot be read latches the EVSE: any doubt means no discharge. What
    runs at the station is not known then, so its first write is 0 W. A handle that was
    hot is hot until it is known to be cool, counted from ``now_mono_s``.
    """
    stored = document.get("evses", {}).get(str(record.key))
    if stored is None:
        return True
    try:
        _restore_evse(record, stored, now_mono_s)
    except (KeyError, TypeError, ValueError) as err:
        _LOGGER.warning("%s: stored state cannot be read: %r", record.key, err)
        record.session = replace(
            record.session,
            faults=frozenset({FaultCode.STORE_UNREADABLE}),
        )
        record.is_first_write_pending = True
        if isinstance(stored, Mapping) and stored.get("proof") is not None:
            record.lost_proof = ProofLoss.STORE_UNREADABLE
        return False
    return True


def restore_station(
    record: StationRecord, document: StoredData, now_mono_s: float
) -> bool:
    """Bring back how often a station was written to; False when it cannot be read.

    What cannot be read counts as spent: it may have been.
    """
    stored = document.get("stations", {}).get(str(record.station_id))
    if stored is None:
        return True
    try:
        spans = read_mapping(stored)["writes"]
        kept = [(read_float(age_s), int(read_float(n))) for age_s, n in spans]
    except (KeyError, TypeError, ValueError) as err:
        _LOGGER.warning("%s: stored writes cannot be read: %r", record.station_id, err)
        record.budget.restore([(0.0, DAILY_WRITES)], now_mono_s)
        return False
    record.budget.restore(kept, now_mono_s)
    return True


def restore_vehicle(
    record: VehicleRecord, document: StoredData, now_mono_s: float
) -> bool:
    """Bring the owner's knobs of a vehicle back; False when they cannot be read."""
    stored = document.get("vehicles", {}).get(str(record.spec.vehicle_id))
    if stored is None:
        return True
    is_counted = restore_cycled(record, stored, now_mono_s)
    try:
        kept = read_mapping(stored)
        soc, is_capable = kept["soc_percent"], kept["is_v2g_capable"]
        policy = checked_wishes(read_dataclass(VehiclePolicy, kept["policy"]))
        soc_percent = None if soc is None else read_float(soc)
        record.is_v2g_capable = None if is_capable is None else read_bool(is_capable)
        wear = kept.get("wear")
        if wear is not None:
            record.wear = WearMeter.restored(read_mapping(wear))
        record.policy, record.soc_percent = policy, soc_percent
    except (KeyError, TypeError, ValueError) as err:
        _LOGGER.warning(
            "%s: stored policy cannot be read: %r", record.spec.vehicle_id, err
        )
        record.policy = replace(record.policy, is_discharge_allowed=False)
        return False
    return is_counted


def restore_programme(
    programme_id: ProgrammeId, record: ProgrammeRecord, document: StoredData
) -> bool:
    """Bring participation and counters back; False when they cannot be read."""
    stored = document.get("programmes", {}).get(str(programme_id))
    if stored is None:
        return True
    try:
        kept = read_mapping(stored)
        delivered_wh = read_float(kept["delivered_discharge_wh"])
        restore_events(record.book, programme_id, kept)
        record.is_participating = read_bool(kept["is_participating"])
        record.delivered_discharge_wh = delivered_wh
    except (KeyError, TypeError, ValueError) as err:
        _LOGGER.warning("%s: stored state cannot be read: %r", programme_id, err)
        record.is_participating = False
        return False
    return True


def stored_evse_keys(document: StoredData, station_id: StationId) -> list[EvseKey]:
    """Return the EVSEs of a station that the document knows."""
    keys: list[EvseKey] = []
    for text in document.get("evses", {}):
        station, _, evse = str(text).rpartition("/")
        if station == station_id and evse.isdigit():
            keys.append(EvseKey(station_id, int(evse)))
    return keys


def _dump_evse(record: EvseRecord, now_mono_s: float) -> dict[str, Any]:
    session = record.session
    return {
        "policy": asdict(record.policy),
        "plan": dump_plan(record.plan),
        "proof": asdict(record.proof) if record.proof else None,
        **dump_loss(record),
        "fingerprint": asdict(record.fingerprint),
        "learnt": record.learner.dump(),
        "calibration": asdict(record.calibration) if record.calibration else None,
        "is_emergency_stopped": session.is_emergency_stopped,
        "is_stopped": record.is_stopped_by_owner,
        "is_made_inoperative": record.is_made_inoperative,
        "faults": sorted(session.faults),
        "heat": sorted(_heat_of(record)),
        "status": session.status,
        "is_plugged": session.is_plugged,
        "transaction_id": session.transaction_id,
        "evcc_id": session.evcc_id,
        "needs": written(session.needs) if session.needs else None,
        "plant": dump_plant(record, now_mono_s),
        "energy": {
            "charged": _dump_total(record.charged),
            "discharged": _dump_total(record.discharged),
        },
        "memory": dump_memory(record.memory),
        "readings": {
            name: {"value": reading.value, "taken_at": reading.taken_at.isoformat()}
            for name in KEPT_READINGS
            if (reading := getattr(session.measurement, name)) is not None
        },
    }


def _restore_evse(record: EvseRecord, stored: object, now_mono_s: float) -> None:
    kept = read_mapping(stored)
    policy = read_dataclass(EvsePolicy, kept["policy"])
    plan = restore_plan(kept.get("plan", []))
    proof, loss = restore_proof(kept["proof"]), read_loss(kept)
    fingerprint = checked_fingerprint(read_dataclass(Fingerprint, kept["fingerprint"]))
    transaction_id, status = kept["transaction_id"], kept["status"]
    evcc_id = kept["evcc_id"]
    is_stopped = read_bool(kept.get("is_stopped", False))
    is_inoperative = read_bool(kept.get("is_made_inoperative", False))
    energy = read_mapping(kept.get("energy", {}))
    plant = read_plant(read_mapping(kept.get("plant", {})))
    charged = _restore_total(energy.get("charged"))
    discharged = _restore_total(energy.get("discharged"))
    faults = _latched(FaultCode(code) for code in kept["faults"])
    heat = _restore_heat(kept, faults)
    session = EvseSession(
        key=record.key,
        status=ConnectorStatus(status) if status is not None else None,
        is_plugged=read_bool(kept["is_plugged"]),
        transaction_id=(
            TransactionId(read_text(transaction_id))
            if transaction_id is not None
            else None
        ),
        evcc_id=read_text(evcc_id) if evcc_id is not None else None,
        needs=read_optional(EvCapability, kept["needs"]),
        measurement=_restore_measurement(read_mapping(kept["readings"])),
        faults=faults,
        is_emergency_stopped=read_bool(kept["is_emergency_stopped"]),
    )
    if heat:
        session = with_fault(session, FaultCode.HANDLE_OVER_TEMPERATURE, is_active=True)
    memory = read_memory(kept.get("memory"))
    # All parts were read: only now does anything change.
    record.hardware = HardwareGuard(heat, now_mono_s)
    record.memory, record.plan = memory, plan
    record.policy, record.proof, record.session = policy, proof, session
    record.lost_proof, record.lost_guarantee = loss
    restore_learner(record, fingerprint, kept.get("learnt"))
    restore_calibration(record, kept.get("calibration"))
    record.is_first_write_pending = transaction_id is not None
    record.is_made_inoperative = is_inoperative
    record.charged, record.discharged = charged, discharged
    plant.give(record)
    if is_stopped:
        record.stop_by_owner()


def _heat_of(record: EvseRecord) -> Iterable[HeatSource]:
    """Return who told of the heat of a handle that is not known to be over."""
    if record.hardware.heat:
        return record.hardware.heat
    is_reported = FaultCode.HANDLE_OVER_TEMPERATURE in record.session.active_faults
    return (HeatSource.REPORT,) if is_reported else ()


def _restore_heat(
    kept: Mapping[str, Any], faults: frozenset[FaultCode]
) -> frozenset[HeatSource]:
    """Return the heat as it was; without a word, a latched one may still be there.

    Raises:
        TypeError, ValueError: when it cannot be read.
    """
    if "heat" in kept:
        return frozenset(HeatSource(read_text(source)) for source in kept["heat"])
    is_latched = FaultCode.HANDLE_OVER_TEMPERATURE in faults
    return frozenset({HeatSource.HANDLE}) if is_latched else frozenset()


def _latched(faults: Iterable[FaultCode]) -> frozenset[FaultCode]:
    """Return the faults that wait for the owner; the others their cause tells anew."""
    return frozenset(code for code in faults if FAULT_BEHAVIOUR[code].is_latched)


def _restore_measurement(stored: Mapping[str, Any]) -> Measurement:
    return Measurement(
        **{
            name: Reading(
                value=read_float(stored[name]["value"]),
                received_mono_s=float("-inf"),
                taken_at=datetime.fromisoformat(stored[name]["taken_at"]),
            )
            for name in KEPT_READINGS
            if name in stored
        }
    )


def _dump_total(total: EnergyTotal) -> dict[str, Any] | None:
    if total.total_wh is None:
        return None
    return {"total_wh": total.total_wh, "register_wh": total.register_wh}


def _restore_total(stored: object) -> EnergyTotal:
    """Return a total; what its register gained meanwhile counts, however much."""
    if stored is None:
        return EnergyTotal()
    kept = read_mapping(stored)
    return EnergyTotal(
        total_wh=read_float(kept["total_wh"]),
        register_wh=read_float(kept["register_wh"]),
    )


def _dump_vehicle(record: VehicleRecord, now_mono_s: float) -> dict[str, Any]:
    return {
        "policy": asdict(record.policy),
        "soc_percent": record.soc_percent,
        "is_v2g_capable": record.is_v2g_capable,
        "wear": record.wear.dump(),
        "cycled": dump_cycled(record, now_mono_s),
    }


def _dump_programme(record: ProgrammeRecord) -> dict[str, Any]:
    return {
        "is_participating": record.is_participating,
        "delivered_discharge_wh": record.delivered_discharge_wh,
        **dump_events(record.book),
    }
