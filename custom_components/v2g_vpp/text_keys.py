"""Keys of texts, by what they tell: every one is spelled out, so it can be found."""

from collections.abc import Mapping
from typing import Final

from .domain.calibration import CalibrationStep
from .domain.errors import TlsFault
from .domain.explanation import Knob
from .domain.faults import FaultCode
from .domain.policy import SLOT_IS_EMPTY, SLOTS_OVERLAP
from .domain.rehearsal import RehearsalEvent
from .domain.requests import (
    ILLEGAL_SETTINGS,
    NO_GRID_SETTINGS,
    NO_INVERTER_MODE,
    NO_ISLANDING_DEVICE,
    NO_SLOT,
    NO_UPLOAD_ADDRESS,
    NOT_OFFERED,
    PROFILE_DOWNGRADE,
    PROFILE_MISMATCH,
)
from .domain.setpoint import Reason
from .domain.visitor import DischargeClaim

FAULT_TYPES: Final[Mapping[FaultCode, str]] = {
    code: code.name.lower() for code in FaultCode
}
"""Slugs for automations; the codes themselves have capitals and hyphens."""

BLOCKED: Final[Mapping[Reason, str]] = {
    Reason.AS_REQUESTED: "blocked_as_requested",
    Reason.NOTHING_REQUESTED: "blocked_nothing_requested",
    Reason.MODE_OFF: "blocked_mode_off",
    Reason.EMERGENCY_STOP: "blocked_emergency_stop",
    Reason.FAULT: "blocked_fault",
    Reason.GRID_LOST: "blocked_grid_lost",
    Reason.GRID_FREQUENCY: "blocked_grid_frequency",
    Reason.ENTER_SERVICE: "blocked_enter_service",
    Reason.FREQUENCY_STALE: "blocked_frequency_stale",
    Reason.FREQUENCY_UNFIT: "blocked_frequency_unfit",
    Reason.STORE_UNREADABLE: "blocked_store_unreadable",
    Reason.HOST_LATE: "blocked_host_late",
    Reason.STATION_OFFLINE: "blocked_station_offline",
    Reason.STATION_NOT_READY: "blocked_station_not_ready",
    Reason.NO_FLOOR_PROFILE: "blocked_no_floor_profile",
    Reason.NOT_PLUGGED: "blocked_not_plugged",
    Reason.PRIORITY_CHARGING: "blocked_priority_charging",
    Reason.NOTHING_FLOWS: "blocked_nothing_flows",
    Reason.STATION_CLOCK: "blocked_station_clock",
    Reason.WRITE_BUDGET: "blocked_write_budget",
    Reason.OUT_OF_OPERATION: "blocked_out_of_operation",
    Reason.NO_TRANSACTION: "blocked_no_transaction",
    Reason.AFTER_START: "blocked_after_start",
    Reason.STOPPING: "blocked_stopping",
    Reason.STATION_LIMIT: "blocked_station_limit",
    Reason.VEHICLE_LIMIT: "blocked_vehicle_limit",
    Reason.OWNER_LIMIT: "blocked_owner_limit",
    Reason.EXPORT_LIMIT: "blocked_export_limit",
    Reason.THERMAL: "blocked_thermal",
    Reason.IMPORT_LIMIT: "blocked_import_limit",
    Reason.FUSE: "blocked_fuse",
    Reason.CIRCUIT: "blocked_circuit",
    Reason.IMBALANCE: "blocked_imbalance",
    Reason.HOME_BATTERY: "blocked_home_battery",
    Reason.FROM_HOME_BATTERY: "blocked_from_home_battery",
    Reason.SITE_METER_STALE: "blocked_site_meter_stale",
    Reason.NO_SURPLUS: "blocked_no_surplus",
    Reason.NOTHING_TO_BALANCE: "blocked_nothing_to_balance",
    Reason.MODE_NOT_SET_UP: "blocked_mode_not_set_up",
    Reason.NO_PLAN: "blocked_no_plan",
    Reason.MINIMUM_POWER: "blocked_minimum_power",
    Reason.CONTACTOR: "blocked_contactor",
    Reason.RAMP: "blocked_ramp",
    Reason.OTHERS_SERVE: "blocked_others_serve",
    Reason.ENERGY_WINDOW: "blocked_energy_window",
    Reason.SOC_UNKNOWN: "blocked_soc_unknown",
    Reason.RESERVE_FLOOR: "blocked_reserve_floor",
    Reason.VPP_FLOOR: "blocked_vpp_floor",
    Reason.TRIP_FLOOR: "blocked_trip_floor",
    Reason.EVENT_RESERVE: "blocked_event_reserve",
    Reason.CYCLE_BUDGET: "blocked_cycle_budget",
    Reason.MAX_SOC: "blocked_max_soc",
    Reason.DISCHARGE_NOT_ALLOWED: "blocked_discharge_not_allowed",
    Reason.NOT_PROVEN: "blocked_not_proven",
    Reason.NO_DIALECT: "blocked_no_dialect",
    Reason.VEHICLE_UNKNOWN: "blocked_vehicle_unknown",
    Reason.VEHICLE_NOT_ALLOWED: "blocked_vehicle_not_allowed",
    Reason.VEHICLE_NOT_BIDIRECTIONAL: "blocked_vehicle_not_bidirectional",
    Reason.EXTERNAL: "blocked_external",
    Reason.NO_GUARANTEE: "blocked_no_guarantee",
    Reason.SPELL_OVER: "blocked_spell_over",
    Reason.METER_STALE: "blocked_meter_stale",
    Reason.FAILSAFE: "blocked_failsafe",
    Reason.OUTPUT_GATE: "blocked_output_gate",
}
"""Errors: why there is nothing of the power that was asked for, and what to do."""

WHAT_IF: Final[Mapping[Knob, str]] = {
    Knob.RESERVE: "what_if_reserve",
    Knob.VPP_RESERVE: "what_if_vpp_reserve",
    Knob.MAX_SOC: "what_if_max_soc",
    Knob.CYCLE_BUDGET: "what_if_cycle_budget",
    Knob.MAX_CHARGE_POWER: "what_if_max_charge_power",
    Knob.MAX_DISCHARGE_POWER: "what_if_max_discharge_power",
    Knob.DISCHARGE_ALLOWED: "what_if_discharge_allowed",
    Knob.VEHICLE_ALLOWED: "what_if_vehicle_allowed",
}
"""Told by an action: what one changed knob would make of the power."""

TLS: Final[Mapping[TlsFault, str]] = {
    TlsFault.CERTIFICATE_REQUIRED: "tls_certificate_required",
    TlsFault.UNKNOWN_AUTHORITY: "tls_unknown_authority",
    TlsFault.CERTIFICATE_EXPIRED: "tls_certificate_expired",
    TlsFault.CERTIFICATE_REVOKED: "tls_certificate_revoked",
    TlsFault.WRONG_HOST_NAME: "tls_wrong_host_name",
    TlsFault.BROKER_NOT_TRUSTED: "tls_broker_not_trusted",
    TlsFault.NO_TLS_1_3: "tls_no_tls_1_3",
    TlsFault.OTHER: "tls_other",
}
"""Errors: why no secure connection to a broker can be made."""

VPP: Final = "vpp"
"""How the repairs of the link to a programme begin, before its id."""

VPP_CERTIFICATE_INVALID: Final = "vpp_certificate_invalid"

TLS_ISSUES: Final[Mapping[TlsFault, str]] = {
    TlsFault.CERTIFICATE_REQUIRED: "vpp_tls_certificate_required",
    TlsFault.UNKNOWN_AUTHORITY: "vpp_tls_unknown_authority",
    TlsFault.CERTIFICATE_EXPIRED: "vpp_tls_certificate_expired",
    TlsFault.CERTIFICATE_REVOKED: "vpp_tls_certificate_revoked",
    TlsFault.WRONG_HOST_NAME: "vpp_tls_wrong_host_name",
    TlsFault.BROKER_NOT_TRUSTED: "vpp_tls_broker_not_trusted",
    TlsFault.NO_TLS_1_3: "vpp_tls_no_tls_1_3",
    TlsFault.OTHER: "vpp_tls_other",
}
"""The same as repairs."""

DOWNGRADE_ISSUES: Final[Mapping[str, str]] = {
    "1": "downgrade_password",
    "2": "downgrade_encryption",
    "3": "downgrade_certificate",
}
"""Repairs of a charger with less security, by the security profile that it had."""

HINTS: Final[Mapping[str, str]] = {
    "unknown_identity": "hint_unknown_identity",
    "identity_not_exact": "hint_identity_not_exact",
    "wrong_password": "hint_wrong_password",
    "password_missing": "hint_password_missing",
    "network_not_allowed": "hint_network",
    "stranger_outside": "hint_network",
    "no_common_protocol": "hint_no_common_protocol",
    "not_a_websocket": "hint_not_a_websocket",
    "tls_home_not_trusted": "hint_tls_home_not_trusted",
    "tls_clock": "hint_tls_clock",
    "tls_stranger": "hint_tls_stranger",
    "tls_not_encrypted": "hint_tls_not_encrypted",
    "tls_too_old": "hint_tls_too_old",
}
"""What is wrong with a charger that is being set up, by why it was turned away."""

CLAIMS: Final[Mapping[DischargeClaim, str]] = {
    DischargeClaim.CAN: "visitor_can",
    DischargeClaim.CANNOT: "visitor_cannot",
    DischargeClaim.NOT_TOLD: "visitor_not_told",
}
"""Whether a charger that is being set up says that it can discharge."""

PORT: Final[Mapping[str, str]] = {
    "taken": "port_taken",
    "forbidden": "port_forbidden",
    "unusable": "port_unusable",
}
"""Errors of a form, by what the probe of a port says."""

CERTIFICATE: Final[Mapping[str, str]] = {
    "unreadable": "certificate_unreadable",
    "key_mismatch": "certificate_key_mismatch",
    "wrong_name": "certificate_wrong_name",
    "wrong_purpose": "certificate_wrong_purpose",
    "not_yet_valid": "certificate_not_yet_valid",
    "expired": "certificate_expired",
}
"""Errors of a form, by what is wrong with a certificate; others are unusable."""

NOT_SUPPORTED: Final[Mapping[str, str]] = {
    "NotSupported": "station_not_able",
    "NotImplemented": "station_not_able",
}
"""Answers of a charger that does not know a message: its display tells no more."""

NOT_SENT: Final[Mapping[str, str]] = {
    NOT_OFFERED: "not_sent_not_offered",
    NO_SLOT: "not_sent_no_free_slot",
    PROFILE_MISMATCH: "not_sent_profile_mismatch",
    PROFILE_DOWNGRADE: "not_sent_profile_downgrade",
    NO_UPLOAD_ADDRESS: "not_sent_no_upload_address",
    NO_INVERTER_MODE: "not_sent_no_inverter_mode",
    NO_ISLANDING_DEVICE: "not_sent_no_islanding_device",
    NO_GRID_SETTINGS: "not_sent_no_grid_settings",
    ILLEGAL_SETTINGS: "not_sent_settings_not_legal",
}
"""Errors: why a charger was not asked for what it was meant to do."""

PLAN: Final[Mapping[str, str]] = {
    SLOT_IS_EMPTY: "plan_slot_is_empty",
    SLOTS_OVERLAP: "plan_slots_overlap",
}
"""Errors: why the slots are no plan."""

AUTHORITY: Final[Mapping[str, str]] = {
    "no_root": "authority_no_root",
    "unreadable": "authority_unreadable",
    "several": "authority_several",
    "not_an_authority": "authority_not_an_authority",
    "too_weak": "authority_too_weak",
    "not_yet_valid": "authority_not_yet_valid",
    "expired": "authority_expired",
}
"""Errors: why a charger cannot be given a certificate to trust."""

OWN_CERTIFICATE: Final[Mapping[str, str]] = {
    "unreadable": "own_unreadable",
    "unreadable_key": "own_unreadable_key",
    "key_mismatch": "own_key_mismatch",
    "not_yet_valid": "own_not_yet_valid",
    "expired": "own_expired",
    "wrong_purpose": "own_wrong_purpose",
    "wrong_name": "own_wrong_name",
    "unreadable_key_pair": "own_not_accepted",
}
"""Errors of a form, by what is wrong with the files of the listener's certificate."""

CALIBRATION: Final[Mapping[CalibrationStep, str]] = {
    CalibrationStep.GAIN_OUT_OF_RANGE: "calibration_gain_out_of_range",
    CalibrationStep.OFFSET_OUT_OF_RANGE: "calibration_offset_out_of_range",
    CalibrationStep.NOT_STRAIGHT: "calibration_not_straight",
    CalibrationStep.NOT_STEADY: "calibration_not_steady",
    CalibrationStep.TOO_MANY_POWERS: "calibration_too_many_powers",
}
"""Why the meter of an outlet was left as it was."""

REHEARSAL: Final[Mapping[RehearsalEvent, str]] = {
    RehearsalEvent.ACCEPTED: "rehearsal_accepted",
    RehearsalEvent.CLAMPED: "rehearsal_clamped",
    RehearsalEvent.REFUSED: "rehearsal_refused",
    RehearsalEvent.SETPOINT_REACHED: "rehearsal_setpoint_reached",
    RehearsalEvent.SETPOINT_NOT_REACHED: "rehearsal_setpoint_not_reached",
    RehearsalEvent.HEARTBEATS_STOPPED: "rehearsal_heartbeats_stopped",
    RehearsalEvent.OWNER_STOPPED: "rehearsal_owner_stopped",
    RehearsalEvent.SUPERSEDED: "rehearsal_superseded",
    RehearsalEvent.FAILED: "rehearsal_failed",
    RehearsalEvent.RELEASED: "rehearsal_released",
    RehearsalEvent.DONE: "rehearsal_done",
    RehearsalEvent.ZERO_REACHED: "rehearsal_zero_reached",
    RehearsalEvent.ZERO_NOT_REACHED: "rehearsal_zero_not_reached",
    RehearsalEvent.FLOWED: "rehearsal_flowed",
    RehearsalEvent.NOTHING_FLOWED: "rehearsal_nothing_flowed",
    RehearsalEvent.INTERRUPTED: "rehearsal_interrupted",
}

NO_REHEARSAL: Final[Mapping[str, str]] = {
    "running": "rehearsal_running",
    "dispatch_active": "rehearsal_dispatch_active",
    "dispatch_due": "rehearsal_dispatch_due",
}
"""By the reason of the error."""
