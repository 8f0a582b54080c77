"""What a 2.0.1 station may ask and tell, one function per action."""

from collections.abc import Callable, Mapping
import logging
from typing import Final

from ..domain.capability import PlannedPower
from ..domain.events import ChargingNeedsReported, VehicleScheduleReported
from ..domain.ids import is_evse_id
from .charging_profile import ASSUMED_PHASES, NOMINAL_VOLTAGE_V
from .fault_mapping import WHOLE_STATION, change_of, parse_event, parse_status
from .frames import Payload
from .link import POLICY_VIOLATION, Answer, RefuseCall
from .metering import parse_meter_values
from .model_rows import rows_of_report
from .reports import ReportKind
from .station import Station
from .store import BootData
from .times import format_time, parse_time
from .transactions import parse_transaction
from .vehicles import is_bidirectional, parse_needs
from .versions import Fault
from .visit import INTERVAL_S

_LOGGER = logging.getLogger(__name__)

HEARTBEAT_INTERVAL_S: Final = 300
"""At least 60 is required of us; liveness comes from WebSocket pings."""

MAX_PLANNED: Final = 96
"""House rule: quarters of an hour of a day; the rest of a plan is not kept."""

_BUSY_FIRMWARE: Final = frozenset({"Installing", "InstallRebooting"})
_IDLE_FIRMWARE: Final = frozenset(
    {"Installed", "InstallationFailed", "InstallVerificationFailed", "InvalidSignature"}
)

type Handler = Callable[[Station, Payload], Answer]


def boot_notification(station: Station, payload: Payload) -> Payload:
    """Accept: whoever passed the door is a station of this home."""
    told = payload["chargingStation"]
    answer = accept_boot(
        station,
        BootData(
            vendor=told["vendorName"],
            model=told["model"],
            serial_number=told.get("serialNumber"),
            firmware=told.get("firmwareVersion", ""),
        ),
    )
    visit = station.visit
    if visit is None:
        return answer
    return {**answer, "statusInfo": {"reasonCode": visit.reason_code}}


def accept_boot(station: Station, boot: BootData) -> Payload:
    """Take a station as registered, unless it has to wait, and tell it the time.

    Raises:
        RefuseCall: when the link has the certificate of another station (B01.FR.11).
    """
    shown = station.login.certificate
    names = (station.station_id, boot.serial_number)
    if shown is not None and shown.common_name not in names:
        _LOGGER.warning(
            "%s: has the certificate of another station", station.station_id
        )
        if station.link is not None:
            station.link.close(POLICY_VIOLATION, "certificate of another station")
        raise RefuseCall(Fault.SECURITY)
    if station.visit is None:
        station.boot(boot)
        status, interval_s = "Accepted", HEARTBEAT_INTERVAL_S
    else:
        if station.visit.book is not None:
            station.visit.book.met(boot)
        station.needs_attention.set()
        status, interval_s = "Pending", INTERVAL_S
    return {
        "status": status,
        "currentTime": format_time(station.now()),
        "interval": interval_s,
    }


def heartbeat(station: Station, _payload: Payload) -> Payload:
    """Tell the time."""
    return {"currentTime": format_time(station.now())}


def status_notification(station: Station, payload: Payload) -> Payload:
    """Take the status of a connector; one that is not known keeps the old one."""
    status = parse_status(payload["connectorStatus"])
    evse_id = int(payload["evseId"])
    if status is not None and is_evse_id(evse_id):
        station.reporter.report_status(evse_id, int(payload["connectorId"]), status)
    return {}


def notify_event(station: Station, payload: Payload) -> Payload:
    """Take what components report; an element that cannot be read is skipped."""
    for item in payload["eventData"]:
        event = parse_event(item)
        change = change_of(event) if event is not None else None
        is_of_home = change is not None and (
            change.evse_id == WHOLE_STATION or is_evse_id(change.evse_id)
        )
        if change is not None and is_of_home:
            station.reporter.apply(change)
    return {}


def transaction_event(station: Station, payload: Payload) -> Payload:
    """Take a step of a transaction; never refused for a trouble of ours."""
    receipt = station.receipt(is_offline_replay=payload.get("offline") is True)
    frame = parse_transaction(payload, receipt.at)
    if not frame.is_offline:
        station.clocks.learn_from(frame, receipt.at)
    station.transactions.report(
        frame,
        receipt,
        meter_values=payload.get("meterValue"),
        id_token=payload.get("idToken"),
    )
    if "idToken" in payload:
        return {"idTokenInfo": {"status": "Accepted"}}
    return {}


def meter_values(station: Station, payload: Payload) -> Payload:
    """Take readings; EVSE 0 is the meter of the whole station."""
    evse_id = int(payload["evseId"])
    if is_evse_id(evse_id):
        station.report_measurement(
            evse_id, parse_meter_values(payload["meterValue"], station.receipt())
        )
    return {}


def authorize(station: Station, payload: Payload) -> Payload:
    """Accept: at home whoever has the socket may charge."""
    station.reporter.vehicles.authorised(payload["idToken"])
    return {"idTokenInfo": {"status": "Accepted"}}


def notify_ev_charging_needs(station: Station, payload: Payload) -> Payload:
    """Take what the vehicle can do; a discharge that nobody allowed is rejected."""
    evse_id = int(payload["evseId"])
    if not is_evse_id(evse_id):
        return {"status": "Rejected"}
    vehicles = station.reporter.vehicles
    station.reporter.identify(evse_id, vehicles.negotiating_at(evse_id))
    needs = payload["chargingNeeds"]
    protocol = station.link.protocol if station.link is not None else ""
    told = parse_needs(needs, protocol)
    station.post(
        ChargingNeedsReported(
            key=station.key(evse_id),
            needs=told,
            heard_mono_s=station.clock.monotonic(),
        )
    )
    wants_discharge = is_bidirectional(needs["requestedEnergyTransfer"])
    if wants_discharge and not station.may_discharge(vehicles.at(evse_id)):
        return {"status": "Rejected"}
    return {"status": "Accepted"}


def notify_ev_charging_schedule(station: Station, payload: Payload) -> Payload:
    """Accept a schedule of the vehicle that stays inside the installation."""
    evse_id = int(payload["evseId"])
    if not is_evse_id(evse_id):
        return {"status": "Rejected"}
    schedule = payload["chargingSchedule"]
    factor = 1.0
    if schedule["chargingRateUnit"] == "A":
        factor = NOMINAL_VOLTAGE_V * ASSUMED_PHASES
    limits = station.config.limits
    plan = [
        PlannedPower(
            start_s=int(period["startPeriod"]),
            power_w=float(period.get("setpoint", period.get("limit", 0.0))) * factor,
        )
        for period in schedule["chargingSchedulePeriod"][:MAX_PLANNED]
    ]
    station.post(VehicleScheduleReported(key=station.key(evse_id), periods=tuple(plan)))
    for period in schedule["chargingSchedulePeriod"]:
        for name in ("limit", "setpoint"):
            power_w = period.get(name, 0.0) * factor
            if (
                not -limits.max_discharge_power_w
                <= power_w
                <= limits.max_charge_power_w
            ):
                return {"status": "Rejected"}
    return {"status": "Accepted"}


def notify_report(station: Station, payload: Payload) -> Payload:
    """Collect a part of the device model."""
    report = station.inbox.find(payload["requestId"], ReportKind.MODEL)
    if report is not None:
        data = payload.get("reportData", [])
        rows = list(rows_of_report(data))
        report.add(rows, len(data), is_last=not payload.get("tbc", False))
    return {}


def report_charging_profiles(station: Station, payload: Payload) -> Payload:
    """Collect profiles that the station has."""
    report = station.inbox.find(payload["requestId"], ReportKind.PROFILES)
    if report is not None:
        evse_id = payload["evseId"]
        profiles = [{**item, "evseId": evse_id} for item in payload["chargingProfile"]]
        report.add(profiles, len(profiles), is_last=not payload.get("tbc", False))
    return {}


def notify_monitoring_report(station: Station, payload: Payload) -> Payload:
    """Collect monitors that the station has."""
    report = station.inbox.find(payload["requestId"], ReportKind.MONITORS)
    if report is not None:
        monitors = payload.get("monitor", [])
        report.add(list(monitors), len(monitors), is_last=not payload.get("tbc", False))
    return {}


def firmware_status_notification(station: Station, payload: Payload) -> Payload:
    """Take the station out of use while it installs."""
    status = payload["status"]
    if status in _BUSY_FIRMWARE:
        station.reporter.report_unavailable()
    elif status in _IDLE_FIRMWARE:
        station.needs_attention.set()
    return {}


def reservation_status_update(station: Station, _payload: Payload) -> Payload:
    """Ask what the station is now: a reservation ended."""
    station.needs_attention.set()
    return {}


def security_event_notification(station: Station, payload: Payload) -> Payload:
    """Tell the owner what the station thinks is an attack."""
    station.security.reported(
        payload["type"], parse_time(payload.get("timestamp")), payload.get("techInfo")
    )
    return {}


def data_transfer(_station: Station, _payload: Payload) -> Payload:
    """No vendor is known."""
    return {"status": "UnknownVendorId"}


def sign_certificate(station: Station, payload: Payload) -> Payload:
    """Accept a sound request of this station, where the home signs any."""
    desk, link = station.certificates, station.link
    if desk is None or link is None:
        return {"status": "Rejected", "statusInfo": {"reasonCode": "InvalidCSR"}}
    return desk.requested(payload, station.login.applicant(link), link)


def get_15118_ev_certificate(_station: Station, _payload: Payload) -> Payload:
    """Fail: a home has no pool of contract certificates."""
    return {"status": "Failed", "exiResponse": ""}


def get_certificate_status(_station: Station, _payload: Payload) -> Payload:
    """Fail: nothing is fetched from an address that a station names."""
    return {"status": "Failed"}


def take_note(_station: Station, _payload: Payload) -> Payload:
    """Answer what only has to be received."""
    return {}


HANDLERS: Final[Mapping[str, Handler]] = {
    "Authorize": authorize,
    "BootNotification": boot_notification,
    "ClearedChargingLimit": take_note,
    "DataTransfer": data_transfer,
    "FirmwareStatusNotification": firmware_status_notification,
    "Get15118EVCertificate": get_15118_ev_certificate,
    "GetCertificateStatus": get_certificate_status,
    "Heartbeat": heartbeat,
    "LogStatusNotification": take_note,
    "MeterValues": meter_values,
    "NotifyChargingLimit": take_note,
    "NotifyCustomerInformation": take_note,
    "NotifyDisplayMessages": take_note,
    "NotifyEVChargingNeeds": notify_ev_charging_needs,
    "NotifyEVChargingSchedule": notify_ev_charging_schedule,
    "NotifyEvent": notify_event,
    "NotifyMonitoringReport": notify_monitoring_report,
    "NotifyReport": notify_report,
    "PublishFirmwareStatusNotification": take_note,
    "ReportChargingProfiles": report_charging_profiles,
    "ReservationStatusUpdate": reservation_status_update,
    "SecurityEventNotification": security_event_notification,
    "SignCertificate": sign_certificate,
    "StatusNotification": status_notification,
    "TransactionEvent": transaction_event,
}
"""Actions that are answered; a known action without an entry is not supported."""
