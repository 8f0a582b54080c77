"""Requests for services, in the words of each OCPP version."""

from collections.abc import Callable, Mapping
from datetime import datetime
import re
from typing import Any, Final

from ..domain.requests import (
    CancelReservation,
    InstallFirmware,
    LogKind,
    ReadLocalListVersion,
    ReplaceLocalList,
    Reserve,
    Restart,
    SendData,
    SendLog,
    SetAvailability,
    StationRequest,
    Tell,
    Telling,
    Unlock,
)
from .times import format_time
from .versions import V16
from .wording import Wording, wording_of
from .wording_2 import REMOTE_TOKEN, Request

_MESSAGES: Final[Mapping[Telling, str]] = {
    Telling.BOOT: "BootNotification",
    Telling.HEARTBEAT: "Heartbeat",
    Telling.STATUS: "StatusNotification",
    Telling.METER_VALUES: "MeterValues",
    Telling.TRANSACTION: "TransactionEvent",
    Telling.LOG_STATUS: "LogStatusNotification",
    Telling.FIRMWARE_STATUS: "FirmwareStatusNotification",
    Telling.SIGN_CERTIFICATE: "SignChargingStationCertificate",
}
_LOG_TYPES: Final[Mapping[LogKind, str]] = {
    LogKind.DIAGNOSTICS: "DiagnosticsLog",
    LogKind.SECURITY: "SecurityLog",
}
_CARD: Final = re.compile(r"(?:[0-9A-Fa-f]{8}|[0-9A-Fa-f]{14}|[0-9A-Fa-f]{20})")
"""The number of an RFID card: 4, 7 or 10 bytes (ISO 14443-3)."""


def request_of(protocol: str, request: StationRequest, url: str) -> Request | None:
    """Return how a version says a request; None for one that has no single message.

    Args:
        protocol: of the link.
        request: what is wanted.
        url: where a log goes.
    """
    if isinstance(request, SendLog):
        return _send_log(protocol, request, url)
    own = _IN_1_6 if protocol == V16.protocol else _IN_2
    say = own.get(type(request)) or _IN_ALL.get(type(request))
    return None if say is None else say(wording_of(protocol), request)


def _send_log(protocol: str, request: SendLog, url: str) -> Request:
    oldest, latest = _time(request.oldest_at), _time(request.latest_at)
    if protocol == V16.protocol and request.kind is LogKind.DIAGNOSTICS:
        span = {"startTime": oldest, "stopTime": latest}
        return "GetDiagnostics", {"location": url, **_told(span)}
    span = {"oldestTimestamp": oldest, "latestTimestamp": latest}
    return "GetLog", {
        "logType": _LOG_TYPES[request.kind],
        "requestId": request.request_id,
        "log": {"remoteLocation": url, **_told(span)},
    }


# --- all versions -------------------------------------------------------------


def _set_availability(wording: Wording, request: SetAvailability) -> Request:
    return wording.change_availability(
        request.evse_id, is_operative=request.is_operative
    )


def _tell(wording: Wording, request: Tell) -> Request:
    # A status is told for a connector; the product's EVSEs have one.
    connector_id = 1 if request.what is Telling.STATUS else 0
    return wording.trigger(_MESSAGES[request.what], request.evse_id, connector_id)


def _cancel_reservation(_: Wording, request: CancelReservation) -> Request:
    return "CancelReservation", {"reservationId": request.reservation_id}


def _send_data(_: Wording, request: SendData) -> Request:
    named = {"messageId": request.message_id, "data": request.data}
    return "DataTransfer", {"vendorId": request.vendor_id, **_told(named)}


def _local_list_version(_: Wording, _request: ReadLocalListVersion) -> Request:
    return "GetLocalListVersion", {}


_IN_ALL: Final[Mapping[type, Callable[[Wording, Any], Request]]] = {
    SetAvailability: _set_availability,
    Tell: _tell,
    CancelReservation: _cancel_reservation,
    SendData: _send_data,
    ReadLocalListVersion: _local_list_version,
}


# --- 2.0.1 and 2.1 ------------------------------------------------------------


def _reserve_2(_: Wording, request: Reserve) -> Request:
    payload: dict[str, Any] = {
        "id": request.reservation_id,
        "expiryDateTime": format_time(request.expires_at),
        "idToken": _token(request.token),
    }
    if request.evse_id:
        payload["evseId"] = request.evse_id
    return "ReserveNow", payload


def _restart_2(wording: Wording, request: Restart) -> Request:
    return wording.reset() if request.is_immediate else ("Reset", {"type": "OnIdle"})


def _unlock_2(_: Wording, request: Unlock) -> Request:
    return "UnlockConnector", {
        "evseId": request.evse_id,
        "connectorId": request.connector_id,
    }


def _install_firmware_2(_: Wording, request: InstallFirmware) -> Request:
    return "UpdateFirmware", {
        "requestId": request.request_id,
        "firmware": _firmware(request),
    }


def _replace_local_list_2(_: Wording, request: ReplaceLocalList) -> Request:
    entries = [
        {"idToken": _token(token), "idTokenInfo": {"status": "Accepted"}}
        for token in request.tokens
    ]
    return "SendLocalList", {
        "versionNumber": request.version,
        "updateType": "Full",
        **_list(entries),
    }


_IN_2: Final[Mapping[type, Callable[[Wording, Any], Request]]] = {
    Reserve: _reserve_2,
    Restart: _restart_2,
    Unlock: _unlock_2,
    InstallFirmware: _install_firmware_2,
    ReplaceLocalList: _replace_local_list_2,
}


# --- 1.6, whose connectors are our EVSEs ------------------------------------------


def _reserve_1_6(_: Wording, request: Reserve) -> Request:
    return "ReserveNow", {
        "connectorId": request.evse_id,
        "expiryDate": format_time(request.expires_at),
        "idTag": request.token,
        "reservationId": request.reservation_id,
    }


def _restart_1_6(wording: Wording, request: Restart) -> Request:
    return wording.reset() if request.is_immediate else ("Reset", {"type": "Soft"})


def _unlock_1_6(_: Wording, request: Unlock) -> Request:
    return "UnlockConnector", {"connectorId": request.evse_id}


def _install_firmware_1_6(_: Wording, request: InstallFirmware) -> Request:
    if request.signing_certificate is None:
        return "UpdateFirmware", {
            "location": request.url,
            "retrieveDate": format_time(request.retrieve_at),
        }
    return "SignedUpdateFirmware", {
        "requestId": request.request_id,
        "firmware": _firmware(request),
    }


def _replace_local_list_1_6(_: Wording, request: ReplaceLocalList) -> Request:
    entries = [
        {"idTag": token, "idTagInfo": {"status": "Accepted"}}
        for token in request.tokens
    ]
    return "SendLocalList", {
        "listVersion": request.version,
        "updateType": "Full",
        **_list(entries),
    }


_IN_1_6: Final[Mapping[type, Callable[[Wording, Any], Request]]] = {
    Reserve: _reserve_1_6,
    Restart: _restart_1_6,
    Unlock: _unlock_1_6,
    InstallFirmware: _install_firmware_1_6,
    ReplaceLocalList: _replace_local_list_1_6,
}


# --- pieces -------------------------------------------------------------------


def _firmware(request: InstallFirmware) -> dict[str, Any]:
    signed = {
        "signingCertificate": request.signing_certificate,
        "signature": request.signature,
    }
    return {
        "location": request.url,
        "retrieveDateTime": format_time(request.retrieve_at),
        **_told(signed),
    }


def _token(text: str) -> dict[str, str]:
    kind = "ISO14443" if _CARD.fullmatch(text) else REMOTE_TOKEN["type"]
    return {"idToken": text, "type": kind}


def _list(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the entries; that there are none is said by leaving the field out (D01)."""
    return {"localAuthorizationList": entries} if entries else {}


def _time(at: datetime | None) -> str | None:
    return None if at is None else format_time(at)


def _told(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
