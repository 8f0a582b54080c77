"""What a 2.1 station may ask and tell beyond 2.0.1."""

from collections.abc import Mapping
from typing import Final

from ..domain.events import PriorityChargingReported
from ..domain.ids import TransactionId
from . import v201
from .charging_profile import profile_id, wire_power_w
from .fault_mapping import fault_of_alarm
from .frames import Payload
from .grid_desk import settings_in
from .reports import ReportKind
from .station import Station
from .times import format_time
from .v201 import Handler
from .vehicles import allowed_transfer_modes


def authorize(station: Station, payload: Payload) -> Payload:
    """Accept, and offer discharge only to a vehicle that the owner allowed it."""
    evcc_id = station.reporter.vehicles.authorised(payload["idToken"])
    modes = allowed_transfer_modes(
        station.summary.energy_transfer_modes,
        may_discharge=station.may_discharge(evcc_id),
    )
    answer = {"idTokenInfo": {"status": "Accepted"}}
    return {**answer, "allowedEnergyTransfer": modes} if modes else answer


def pull_dynamic_schedule_update(station: Station, payload: Payload) -> Payload:
    """Tell the newest setpoint; a discharge only when it was decided just now."""
    summary = station.summary
    evse_id = int(payload["chargingProfileId"]) - profile_id(0, summary)
    if station.writer is None or evse_id not in (summary.evse_ids or (1,)):
        return {"status": "Rejected", "statusInfo": {"reasonCode": "UnknownProfile"}}
    dialect = station.capability("ocpp2.1").dialect
    power_w = station.writer.pulled_power_w(evse_id, dialect)
    if power_w is None:
        return {"status": "Rejected", "statusInfo": {"reasonCode": "NoFreshSetpoint"}}
    return {
        "status": "Accepted",
        "scheduleUpdate": {"setpoint": wire_power_w(power_w)},
    }


def notify_der_alarm(station: Station, payload: Payload) -> Payload:
    """Take a grid fault that the station saw."""
    station.reporter.report_alarm(
        fault_of_alarm(payload), is_over=payload.get("alarmEnded") is True
    )
    station.grid.alarm(payload)
    return {}


def notify_priority_charging(station: Station, payload: Payload) -> Payload:
    """Take that somebody at the station wants to charge now, or no more (K22)."""
    record = station.ledger.find(TransactionId(payload["transactionId"]))
    if record is not None and record.evse_id is not None and not record.is_ended:
        station.post(
            PriorityChargingReported(
                key=station.key(record.evse_id),
                is_active=payload["activated"] is True,
            )
        )
    return {}


def notify_der_start_stop(station: Station, payload: Payload) -> Payload:
    """Put on record that a grid setting begins or ends to hold."""
    station.grid.started_or_stopped(payload)
    return {}


def report_der_control(station: Station, payload: Payload) -> Payload:
    """Collect grid settings that the station has."""
    report = station.inbox.find(payload["requestId"], ReportKind.GRID_SETTINGS)
    if report is not None:
        settings = settings_in(payload)
        report.add(settings, len(settings), is_last=not payload.get("tbc", False))
    return {}


async def open_periodic_event_stream(station: Station, payload: Payload) -> Payload:
    """Accept a stream of a monitor of ours; without it the station uses NotifyEvent."""
    await station.streams.settled()
    return {"status": "Accepted" if station.streams.open(payload) else "Rejected"}


def close_periodic_event_stream(station: Station, payload: Payload) -> Payload:
    """Note the end of a stream."""
    station.streams.close(payload)
    return {}


def get_certificate_chain_status(station: Station, payload: Payload) -> Payload:
    """Fail each: nothing is fetched from an address that a station names."""
    now = format_time(station.now())
    return {
        "certificateStatus": [
            {
                "certificateHashData": request["certificateHashData"],
                "source": request["source"],
                "status": "Failed",
                "nextUpdate": now,
            }
            for request in payload["certificateStatusRequests"]
        ]
    }


HANDLERS: Final[Mapping[str, Handler]] = {
    **v201.HANDLERS,
    "Authorize": authorize,
    "ClosePeriodicEventStream": close_periodic_event_stream,
    "GetCertificateChainStatus": get_certificate_chain_status,
    "NotifyDERAlarm": notify_der_alarm,
    "NotifyDERStartStop": notify_der_start_stop,
    "NotifyPriorityCharging": notify_priority_charging,
    "OpenPeriodicEventStream": open_periodic_event_stream,
    "PullDynamicScheduleUpdate": pull_dynamic_schedule_update,
    "ReportDERControl": report_der_control,
}
"""BatterySwap, NotifySettlement and VatNumberValidation are not for a home."""
