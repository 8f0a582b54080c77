"""Diagnostics that can be shown to anyone: chosen facts, no names, no secrets."""

from collections.abc import Callable
from dataclasses import asdict
from hashlib import sha256
from typing import Any, Final

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import AnyDeviceEntry
from homeassistant.util import dt as dt_util

from .const import (
    CONF_AGGREGATOR_KEYS,
    CONF_BROKER_HOST,
    CONF_BROKER_ROOT_PEM,
    CONF_CAPACITY_KWH,
    CONF_CERTIFICATE_EXPIRES_AT,
    CONF_CHEMISTRY,
    CONF_CIRCUIT_LIMIT_A,
    CONF_CLIENT_CERTIFICATE_PEM,
    CONF_CLIENT_KEY_PEM,
    CONF_CSR,
    CONF_DIALECT,
    CONF_EVCC_ID,
    CONF_HOME_ID,
    CONF_IDENTITY,
    CONF_MAX_CHARGE_POWER_W,
    CONF_MAX_DISCHARGE_POWER_W,
    CONF_NAME,
    CONF_OCPP_HOST,
    CONF_OCPP_NETWORKS,
    CONF_OCPP_TLS_CERTIFICATE,
    CONF_OCPP_TLS_HOST,
    CONF_OCPP_TLS_KEY,
    CONF_PASSWORD,
    CONF_PHASE_MAP,
    CONF_PHASES,
    CONF_SIGNING_SEED,
    CONF_UNATTENDED_CHARGE_W,
    CONF_VIRTUAL,
)
from .coordinator import V2gConfigEntry
from .devices import evse_of, station_of
from .domain.capability import EvCapability, Proof, StationCapability
from .domain.grid_settings import GridNote
from .domain.measurement import Measurement, Reading
from .domain.messages import Recording
from .domain.security import LoginState
from .domain.snapshot import (
    EvseSnapshot,
    ProgrammeSnapshot,
    SiteSnapshot,
    StationSnapshot,
    VehicleSnapshot,
)
from .entity_station_data import CHARGER_SETTINGS
from .meter_options import OWN_KEYS
from .readings import METER_FIELDS

TO_REDACT: Final = frozenset(
    {
        CONF_AGGREGATOR_KEYS,
        CONF_BROKER_HOST,
        CONF_BROKER_ROOT_PEM,
        CONF_CLIENT_CERTIFICATE_PEM,
        CONF_CLIENT_KEY_PEM,
        CONF_CSR,
        CONF_EVCC_ID,
        CONF_HOME_ID,
        CONF_IDENTITY,
        CONF_NAME,
        CONF_OCPP_HOST,
        CONF_OCPP_NETWORKS,
        CONF_OCPP_TLS_CERTIFICATE,
        CONF_OCPP_TLS_HOST,
        CONF_OCPP_TLS_KEY,
        CONF_PASSWORD,
        CONF_SIGNING_SEED,
        "serial_number",
        "title",
    }
)
"""A second net: the functions below already choose what they show."""

SHOWN_SETTINGS: Final = (
    *CHARGER_SETTINGS,
    CONF_VIRTUAL,
    CONF_MAX_CHARGE_POWER_W,
    CONF_MAX_DISCHARGE_POWER_W,
    CONF_UNATTENDED_CHARGE_W,
    CONF_DIALECT,
    CONF_PHASES,
    CONF_PHASE_MAP,
    CONF_CIRCUIT_LIMIT_A,
    CONF_CAPACITY_KWH,
    CONF_CHEMISTRY,
    CONF_CERTIFICATE_EXPIRES_AT,
)

_HASH_DIGITS: Final = 8
SHOWN_MESSAGES: Final = 200
"""Of one charger: a start, its set-up and some minutes of a session."""

type _Hide = Callable[[object], str]


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: V2gConfigEntry
) -> dict[str, Any]:
    """Return what helps to understand the whole home."""
    hide = _hider(entry)
    shown = {
        "entry": {
            "version": f"{entry.version}.{entry.minor_version}",
            "data": dict(entry.data),
            "options": {
                key: value
                for key, value in entry.options.items()
                if key in OWN_KEYS and key not in METER_FIELDS
            },
            "meters": sorted(key for key in METER_FIELDS if entry.options.get(key)),
            "subentries": [_subentry(s) for s in entry.subentries.values()],
        },
        "site": _site(entry.runtime_data.site.snapshot, hide),
    }
    return async_redact_data(shown, TO_REDACT)


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: V2gConfigEntry, device: AnyDeviceEntry
) -> dict[str, Any]:
    """Return what helps to understand one charger, or one outlet of it."""
    hide = _hider(entry)
    snapshot = entry.runtime_data.site.snapshot
    key = evse_of(device)
    station_id = key.station_id if key is not None else station_of(device)
    if station_id is None:
        return await async_get_config_entry_diagnostics(hass, entry)
    station = snapshot.station(station_id)
    shown = {
        "station": _station(station, hide) if station is not None else None,
        "evses": [
            _evse(evse, hide)
            for evse in snapshot.evses
            if evse.key.station_id == station_id and key in (None, evse.key)
        ],
        "security": _security(entry.runtime_data.message_log.login_state(station_id)),
        "link": _link(entry.runtime_data.message_log.recording(station_id), hide),
    }
    return async_redact_data(shown, TO_REDACT)


def _security(state: LoginState | None) -> dict[str, Any] | None:
    if state is None:
        return None
    expires_at = state.certificate_expires_at
    return {
        "profile": state.profile,
        "is_encrypted": state.is_encrypted,
        "certificate_days_left": (
            (expires_at - dt_util.utcnow()).days if expires_at is not None else None
        ),
        "revoked_certificates": state.revoked_certificates,
    }


def _grid_note(note: GridNote, hide: _Hide) -> dict[str, Any]:
    # A day is enough to see an order, and tells of nobody when they are at home.
    return {
        "number": note.number,
        "day": note.at.date().isoformat(),
        "event": note.event,
        "kind": note.kind,
        "control_id": note.control_id,
        "is_default": note.is_default,
        "asked_by": hide(note.asked_by) if note.asked_by is not None else None,
        "before": note.before,
        "after": dict(note.after),
        "detail": note.detail,
    }


def _link(recording: Recording | None, hide: _Hide) -> dict[str, Any] | None:
    # Ages, not times: with those the file would tell when somebody is at home.
    if recording is None:
        return None
    return {
        "connections": [f"{note.link}: {note.what}" for note in recording.connections],
        "grid_settings": [_grid_note(note, hide) for note in recording.grid_notes],
        "messages": [
            {
                "age_s": round(message.age_s, 3),
                "link": message.link,
                "direction": message.direction,
                "frame": message.text,
            }
            for message in recording.messages[-SHOWN_MESSAGES:]
        ],
    }


def _hider(entry: V2gConfigEntry) -> _Hide:
    """Return a function that turns an id into one that only means something here."""

    def hide(name: object) -> str:
        # Salted by the entry: the same charger looks different in another home.
        return sha256(f"{entry.entry_id}/{name}".encode()).hexdigest()[:_HASH_DIGITS]

    return hide


def _subentry(subentry: ConfigSubentry) -> dict[str, Any]:
    return {
        "type": subentry.subentry_type,
        "data": {
            key: subentry.data[key] for key in SHOWN_SETTINGS if key in subentry.data
        },
    }


def _site(site: SiteSnapshot, hide: _Hide) -> dict[str, Any]:
    return {
        "is_store_readable": site.is_store_readable,
        "export_limit_w": site.export_limit_w,
        "operator_import_w": site.operator_limit.import_w,
        "operator_export_w": site.operator_limit.export_w,
        "meters": asdict(site.meters) if site.meters else None,
        "stations": [_station(station, hide) for station in site.stations],
        "evses": [_evse(evse, hide) for evse in site.evses],
        "vehicles": [_vehicle(vehicle, hide) for vehicle in site.vehicles],
        "programmes": [_programme(programme, hide) for programme in site.programmes],
    }


def _station(station: StationSnapshot, hide: _Hide) -> dict[str, Any]:
    return {
        "id": hide(station.station_id),
        "is_connected": station.is_connected,
        "is_ready": station.is_ready,
        "protocol": station.protocol,
        "vendor": station.vendor,
        "model": station.model,
        "firmware": station.firmware,
        "has_floor_profile": station.has_floor_profile,
        "capability": _capability(station.capability),
    }


def _capability(capability: StationCapability | None) -> dict[str, Any] | None:
    if capability is None:
        return None
    return {
        "evse_ids": list(capability.evse_ids),
        "dialect": capability.dialect,
        "operation_modes": sorted(capability.operation_modes),
        "supports_dynamic_profiles": capability.supports_dynamic_profiles,
        "supports_max_offline_duration": capability.supports_max_offline_duration,
        "max_charge_power_w": capability.max_charge_power_w,
        "max_discharge_power_w": capability.max_discharge_power_w,
        "reports_export": capability.reports_export,
    }


def _evse(evse: EvseSnapshot, hide: _Hide) -> dict[str, Any]:
    return {
        "station": hide(evse.key.station_id),
        "evse_id": evse.key.evse_id,
        "state": evse.state,
        "setpoint": {
            "power_w": evse.setpoint.power_w,
            "requested_w": evse.setpoint.requested_w,
            "owner": evse.setpoint.owner,
            "reason": evse.setpoint.reason,
            "next_limit": evse.runner_up,
        },
        "measurement": _measurement(evse.measurement),
        # Before the calibration, which ``measurement`` is after.
        "meter_power_w": evse.meter_power.value if evse.meter_power else None,
        "is_meter_fresh": evse.is_meter_fresh,
        "is_plugged": evse.is_plugged,
        "has_transaction": evse.has_transaction,
        "is_emergency_stopped": evse.is_emergency_stopped,
        "faults": list(evse.faults),
        "policy": {
            "mode": evse.policy.mode,
            "is_discharge_allowed": evse.policy.is_discharge_allowed,
            "max_charge_power_w": evse.policy.max_charge_power_w,
            "max_discharge_power_w": evse.policy.max_discharge_power_w,
            "ramp_w_per_s": evse.policy.ramp_w_per_s,
        },
        "needs": _needs(evse.needs),
        "vehicle": hide(evse.vehicle_id) if evse.vehicle_id is not None else None,
        "discharge_blocked_by": evse.discharge_blocked_by,
        "available_charge_w": evse.available_charge_w,
        "available_discharge_w": evse.available_discharge_w,
        "heat": {
            "derate_percent": evse.derate_percent,
            "is_measured": evse.is_heat_measured,
        },
        "contactor": {
            "cold_openings": evse.cold_openings,
            "hot_openings": evse.hot_openings,
            "life_percent": evse.contactor_life_percent,
            "opens_at_zero": evse.opens_at_zero,
        },
        "fingerprint": asdict(evse.fingerprint),
        "support_refusal": evse.support_refusal,
        "confidence": asdict(evse.confidence),
        "calibration": asdict(evse.calibration) if evse.calibration else None,
        "proof": None if evse.proof is None else _proof(evse.proof),
        "lost_proof": evse.lost_proof,
        "self_test": {
            "phase": evse.self_test.phase,
            "failure": evse.self_test.failure,
            "wiring": asdict(found) if (found := evse.self_test.wiring) else None,
        },
        "meters_contradict": asdict(seen) if (seen := evse.wiring_finding) else None,
    }


def _proof(proof: Proof) -> dict[str, Any]:
    names = ["dialect", "dead_man_s", "guarantee", "validity_s"]
    names += ["wiring", "wiring_share", "wiring_phases"]
    return {name: getattr(proof, name) for name in names}


def _needs(needs: EvCapability | None) -> dict[str, Any] | None:
    if needs is None:
        return None
    return {
        "is_bidirectional": needs.is_bidirectional,
        "max_charge_power_w": needs.max_charge_power_w,
        "max_discharge_power_w": needs.max_discharge_power_w,
        "is_below_v2x_window": needs.is_below_v2x_window,
        "v2x_floor_wh": needs.v2x_floor_wh,
    }


def _measurement(measurement: Measurement) -> dict[str, float | None]:
    # Without times: with them the file would tell when somebody is at home.
    def value(reading: Reading | None) -> float | None:
        return reading.value if reading is not None else None

    return {
        "power_w": value(measurement.power_w),
        "soc_percent": value(measurement.soc_percent),
        "energy_charged_wh": value(measurement.energy_charged_wh),
        "energy_discharged_wh": value(measurement.energy_discharged_wh),
        "voltage_v": value(measurement.voltage_v),
        "current_a": value(measurement.current_a),
        "frequency_hz": value(measurement.frequency_hz),
    }


def _vehicle(vehicle: VehicleSnapshot, hide: _Hide) -> dict[str, Any]:
    return {
        "id": hide(vehicle.spec.vehicle_id),
        "capacity_wh": vehicle.spec.capacity_wh,
        "has_evcc_id": vehicle.spec.evcc_id is not None,
        "evse": hide(vehicle.evse.station_id) if vehicle.evse is not None else None,
        "soc_percent": vehicle.soc_percent,
        "is_v2g_capable": vehicle.is_v2g_capable,
        "chemistry": vehicle.spec.chemistry,
        "equivalent_cycles": vehicle.equivalent_cycles,
        "wear_cost": vehicle.wear_cost,
        "cold_openings": vehicle.cold_openings,
        "hot_openings": vehicle.hot_openings,
        "lowest_percent": vehicle.lowest_percent,
        "is_report_doubted": vehicle.is_report_doubted,
        "is_ready_in_time": vehicle.is_ready_in_time,
        "cycled_wh": vehicle.cycled_wh,
        # Without the times of departures: they tell when nobody is at home.
        "policy": {
            "reserve_percent": vehicle.policy.reserve_percent,
            "vpp_reserve_percent": vehicle.policy.vpp_reserve_percent,
            "max_soc_percent": vehicle.policy.max_soc_percent,
            "ready_soc_percent": vehicle.policy.ready_soc_percent,
            "cycle_budget_percent": vehicle.policy.cycle_budget_percent,
            "is_discharge_allowed": vehicle.policy.is_discharge_allowed,
        },
    }


def _programme(programme: ProgrammeSnapshot, hide: _Hide) -> dict[str, Any]:
    order = programme.order
    return {
        "id": hide(programme.programme_id),
        "link": programme.link,
        "is_participating": programme.is_participating,
        "delivered_discharge_wh": programme.delivered_discharge_wh,
        "order": (
            {"kind": order.kind, "power_w": order.power_w, "is_test": order.is_test}
            if order is not None
            else None
        ),
    }
