"""What a 1.6 charge point may ask and tell; its connectors are our EVSEs."""

from collections.abc import Mapping
from dataclasses import replace
import logging
from typing import Any, Final

from ..domain.events import TransactionPhase
from ..domain.ids import TransactionId
from ..domain.state import ConnectorStatus
from . import v201
from .configuration_16 import MOST_CONNECTORS
from .faults_16 import CHARGING_STATES, StatusReport, parse_status_16
from .frames import Payload
from .link import Answer
from .metering import Receipt, parse_meter_values
from .station import Station
from .store import BootData
from .times import QUEUE_S, parse_time
from .transactions import TransactionFrame
from .v201 import Handler, take_note

_LOGGER = logging.getLogger(__name__)

OFFLINE_AFTER_S: Final = 60.0
"""House rule: a start or stop that is told later than this waited in the queue of the
charge point (1.6, 5.16.1: an old start must not be given a profile)."""

ACCEPTED: Final[Mapping[str, Any]] = {"status": "Accepted"}
VEHICLE_TAG: Final = "VID:"
"""How charge points write the address of a vehicle that identifies itself."""


def boot_notification(station: Station, payload: Payload) -> Payload:
    """Accept: whoever passed the door is a charge point of this home."""
    return v201.accept_boot(
        station,
        BootData(
            vendor=payload["chargePointVendor"],
            model=payload["chargePointModel"],
            serial_number=payload.get("chargePointSerialNumber")
            or payload.get("chargeBoxSerialNumber"),
            firmware=payload.get("firmwareVersion", ""),
        ),
    )


def status_notification(station: Station, payload: Payload) -> Payload:
    """Take the status and the error of a connector, or of the whole charge point."""
    report = parse_status_16(payload)
    if not 0 <= report.evse_id <= MOST_CONNECTORS:
        return {}
    told_at = parse_time(payload.get("timestamp"))
    if told_at is not None and station.link_age_s() >= QUEUE_S:
        station.clocks.learn(told_at, station.now())
    station.reporter.report_faults(report.evse_id, report.faults, report.detail)
    if report.evse_id == 0:
        _report_whole(station, report)
        return {}
    if report.connector_status is not None:
        station.reporter.report_status(report.evse_id, 1, report.connector_status)
    # Many charge points tell after an outage what they were in meanwhile, too.
    is_of_now = told_at is None or station.clocks.is_recent(
        told_at, station.now(), OFFLINE_AFTER_S
    )
    if not is_of_now:
        return {}
    if report.connector_status is ConnectorStatus.AVAILABLE:
        record = station.ledger.open_on(report.evse_id)
        if record is not None:
            station.transactions.gone(record.transaction_id)
    elif report.status in CHARGING_STATES:
        _note_running(station, report.evse_id, CHARGING_STATES[report.status])
    return {}


def authorize(station: Station, payload: Payload) -> Payload:
    """Accept: at home whoever has the socket may charge."""
    station.reporter.vehicles.authorised(_token(payload["idTag"]))
    return {"idTagInfo": ACCEPTED}


def start_transaction(station: Station, payload: Payload) -> Answer:
    """Give a transaction its number; the answer waits until that is on disk."""
    receipt = station.receipt()
    at = parse_time(payload["timestamp"]) or receipt.at
    number, is_known = station.numbers.number_of(payload, receipt.at)
    is_offline = not station.clocks.is_recent(at, receipt.at, OFFLINE_AFTER_S)
    if not is_offline and not is_known:
        station.clocks.learn(at, receipt.at)
    if not is_known:
        station.transactions.report(
            TransactionFrame(
                transaction_id=TransactionId(str(number)),
                phase=TransactionPhase.STARTED,
                seq_no=0,
                at=at,
                is_offline=is_offline,
                evse_id=_evse_id(payload),
                trigger="Authorized",
            ),
            _receipt_of(receipt, is_offline=is_offline),
            meter_values=_register(payload, "meterStart"),
            id_token=_token(payload["idTag"]),
        )
    station.starts.begin(TransactionId(str(number)))
    return _start_answer(station, number)


async def _start_answer(station: Station, number: int) -> Payload:
    """Return the number of a transaction once it is on disk.

    Until it is answered the charge point does not know it, and refuses what names it.
    """
    try:
        return await station.answer_when_kept(
            {"transactionId": number, "idTagInfo": dict(ACCEPTED)}
        )
    finally:
        station.starts.end(TransactionId(str(number)))


def stop_transaction(station: Station, payload: Payload) -> Payload:
    """Take the end of a transaction; one that is not known is answered all the same."""
    transaction_id = TransactionId(str(payload["transactionId"]))
    record = station.ledger.find(transaction_id)
    if record is None:
        _LOGGER.info("%s: end of an unknown transaction", station.station_id)
        return {}
    receipt = station.receipt()
    at = parse_time(payload["timestamp"]) or receipt.at
    frame = TransactionFrame(
        transaction_id=transaction_id,
        phase=TransactionPhase.ENDED,
        seq_no=record.highest_seq_no + 1,
        at=at,
        evse_id=record.evse_id,
        stopped_reason=payload.get("reason", "Local"),
    )
    if station.clocks.asked.took_s(frame) is not None:
        station.clocks.learn_from(frame, receipt.at)
    is_offline = not station.clocks.is_recent(at, receipt.at, OFFLINE_AFTER_S)
    receipt = _receipt_of(receipt, is_offline=is_offline)
    values = [*_list(payload.get("transactionData")), *_register(payload, "meterStop")]
    if not record.is_ended:
        # The end of the transaction that runs ends it, however late it is told.
        is_replay = is_offline and not record.has_been_live
        station.transactions.report(
            replace(frame, is_offline=is_replay), receipt, meter_values=values
        )
    elif record.evse_id is not None:
        # A status that came first ended it; what flowed until then still counts.
        measurement = parse_meter_values(values, receipt)
        station.report_measurement(
            record.evse_id, replace(measurement, soc_percent=None)
        )
    return {"idTagInfo": dict(ACCEPTED)}


def meter_values(station: Station, payload: Payload) -> Payload:
    """Take readings; connector 0 is the meter of the whole charge point."""
    evse_id = _evse_id(payload)
    if evse_id is None:
        return {}
    receipt = station.receipt()
    samples = payload["meterValue"]
    taken_at = _newest(samples)
    if taken_at is not None and station.link_age_s() >= QUEUE_S:
        station.clocks.learn(taken_at, receipt.at)
    number = payload.get("transactionId")
    if isinstance(number, int) and number > 0 and taken_at is not None:
        is_recent = station.clocks.is_recent(taken_at, receipt.at, OFFLINE_AFTER_S)
        if is_recent:
            _note_number(station, evse_id, TransactionId(str(number)))
    station.report_measurement(evse_id, parse_meter_values(samples, receipt))
    return {}


def sign_certificate(station: Station, payload: Payload) -> Payload:
    """Accept a sound request of this charge point; 1.6 has no reason for a no."""
    answer = v201.sign_certificate(station, payload)
    return {"status": answer["status"]}


def _evse_id(payload: Payload) -> int | None:
    """Return the EVSE of a connector, None for what no connector of a home can be."""
    connector_id = int(payload["connectorId"])
    return connector_id if 1 <= connector_id <= MOST_CONNECTORS else None


def _report_whole(station: Station, report: StatusReport) -> None:
    """Tell what concerns every connector; each of them tells its own state itself."""
    if report.connector_status is ConnectorStatus.UNAVAILABLE:
        station.reporter.report_unavailable()
    elif report.connector_status is not None:
        is_faulted = report.connector_status is ConnectorStatus.FAULTED
        station.reporter.report_station_fault(report.detail, is_active=is_faulted)


def _note_running(station: Station, evse_id: int, state: str) -> None:
    """Tell that a transaction runs now, where that is news."""
    record = station.ledger.open_on(evse_id)
    if record is None:
        return
    if record.has_been_live and record.charging_state == state:
        return
    _tell_running(station, evse_id, record.transaction_id, state)


def _note_number(station: Station, evse_id: int, number: TransactionId) -> None:
    """Adopt a transaction that the charge point runs and that is not known as live."""
    record = station.ledger.find(number)
    if record is not None and (record.has_been_live or record.is_ended):
        return
    _tell_running(station, evse_id, number, None)


def _tell_running(
    station: Station, evse_id: int, number: TransactionId, state: str | None
) -> None:
    receipt = station.receipt()
    record = station.ledger.find(number)
    station.transactions.report(
        TransactionFrame(
            transaction_id=number,
            phase=TransactionPhase.UPDATED,
            seq_no=record.highest_seq_no + 1 if record is not None else 0,
            at=receipt.at,
            evse_id=evse_id,
            charging_state=state,
        ),
        receipt,
    )


def _receipt_of(receipt: Receipt, *, is_offline: bool) -> Receipt:
    return replace(receipt, is_offline_replay=is_offline)


def _register(payload: Payload, name: str) -> list[Payload]:
    """Return the meter reading of a start or stop as a sample of its time."""
    return [
        {
            "timestamp": payload["timestamp"],
            "sampledValue": [{"value": str(payload.get(name, ""))}],
        }
    ]


def _token(tag: str) -> Payload:
    """Return an id tag as 2.x writes it; that of a vehicle is its address."""
    if tag.startswith(VEHICLE_TAG):
        return {"idToken": tag.removeprefix(VEHICLE_TAG), "type": "MacAddress"}
    return {"idToken": tag, "type": "ISO14443"}


def _newest(samples: object) -> Any:
    times = (
        parse_time(sample.get("timestamp"))
        for sample in _list(samples)
        if isinstance(sample, Mapping)
    )
    return max((time for time in times if time is not None), default=None)


def _list(items: object) -> list[Any]:
    return items if isinstance(items, list) else []


HANDLERS: Final[Mapping[str, Handler]] = {
    "Authorize": authorize,
    "BootNotification": boot_notification,
    "DataTransfer": v201.data_transfer,
    "DiagnosticsStatusNotification": take_note,
    "FirmwareStatusNotification": v201.firmware_status_notification,
    "Heartbeat": v201.heartbeat,
    "LogStatusNotification": take_note,
    "MeterValues": meter_values,
    "SecurityEventNotification": v201.security_event_notification,
    "SignCertificate": sign_certificate,
    "SignedFirmwareStatusNotification": v201.firmware_status_notification,
    "StartTransaction": start_transaction,
    "StatusNotification": status_notification,
    "StopTransaction": stop_transaction,
}
"""Actions that are answered, the security extension included."""
