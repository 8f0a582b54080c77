"""Requests for services to one station; only those about certificates raise."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from ..domain.certificates import (
    DeleteCertificate,
    InstallCertificate,
    ReadCertificates,
    RevokeCertificate,
)
from ..domain.errors import UnknownTarget
from ..domain.grid_settings import (
    ChangeGridSetting,
    ClearGridSettings,
    ReadGridSettings,
)
from ..domain.requests import (
    NO_UPLOAD_ADDRESS,
    NOT_OFFERED,
    CancelReservation,
    ChangeSetting,
    CheckProfiles,
    InstallFirmware,
    MoveStation,
    ReadSettings,
    SendLog,
    SetAvailability,
    SetInverterMode,
    StationAnswer,
    StationRequest,
    Unlock,
)
from ..domain.setpoint import WriteResult, WriteStatus
from .calls import CallEnd, CallOutcome, Lane
from .certificate_requests import CertificateRequests
from .grid_desk import GridDesk
from .inverter_requests import set_inverter_mode
from .link import StationLink
from .network_profile import move_station
from .profile_check import check_profiles
from .setpoints import NOT_READY, result_of
from .settings import change_setting, read_settings
from .station import Station
from .uploads import Upload
from .wording_requests import request_of

NOT_SENT: Final = "log_not_sent"

type _CarryOut = Callable[[Station, StationLink, Any], Awaitable[StationAnswer]]

_STATUSES: Final[Mapping[type, tuple[str, ...]]] = {
    # Rejected: there is no such reservation, which is what was wanted.
    CancelReservation: ("Accepted", "Rejected"),
    SetAvailability: ("Accepted", "Scheduled"),
    Unlock: ("Unlocked",),
    # The newer request takes the place of one that runs.
    SendLog: ("Accepted", "AcceptedCanceled"),
    InstallFirmware: ("Accepted", "AcceptedCanceled"),
}
"""What counts as a yes; of all others "Accepted", or an answer without a status."""

_TOLD: Final[Mapping[str, str]] = {
    "data": "data",
    "filename": "file_name",
    "fileName": "file_name",
    "versionNumber": "version",
    "listVersion": "version",
    "status": "status",
}
"""Fields of answers that are passed on, under names of this product."""


async def ask(station: Station, request: StationRequest) -> StationAnswer:
    """Ask a station for a service; see ``StationPort``."""
    link = station.link
    if isinstance(request, RevokeCertificate):
        return await _revoke(station, request)
    if link is None:
        return StationAnswer(result=WriteResult(status=WriteStatus.OFFLINE))
    if not station.is_registered:
        return _rejected(NOT_READY)
    carry_out = _OWN.get(type(request), _send_plainly)
    return await carry_out(station, link, request)


async def _revoke(station: Station, request: RevokeCertificate) -> StationAnswer:
    """Take certificates back; for that a station need not be there.

    Raises:
        UnknownTarget: when none of this station is known.
    """
    revoked = await station.revoke_certificates(request.serial_number)
    if not revoked:
        raise UnknownTarget(station.station_id, "certificate")
    return StationAnswer(
        result=WriteResult(status=WriteStatus.ACCEPTED),
        data={"revoked": list(revoked)},
    )


async def _read_settings(
    _: Station, link: StationLink, request: ReadSettings
) -> StationAnswer:
    return await read_settings(link, request.names)


async def _change_setting(
    _: Station, link: StationLink, request: ChangeSetting
) -> StationAnswer:
    return await change_setting(link, request.name, request.value)


async def _about_grid(
    station: Station,
    link: StationLink,
    request: ChangeGridSetting | ReadGridSettings | ClearGridSettings,
) -> StationAnswer:
    desk = GridDesk(link, station.summary, station.inbox, station.grid)
    return await desk.ask(request)


async def _about_certificates(
    station: Station,
    link: StationLink,
    request: ReadCertificates | InstallCertificate | DeleteCertificate,
) -> StationAnswer:
    return await CertificateRequests(station, link).ask(request)


async def _send_plainly(
    _: Station, link: StationLink, request: StationRequest
) -> StationAnswer:
    return await _send(link, request, getattr(request, "url", None) or "")


async def _take_log(
    station: Station, link: StationLink, request: SendLog
) -> StationAnswer:
    """Let the station send a log to the home itself, and wait for it."""
    if request.url is not None:
        return await _send(link, request, request.url)
    upload = station.uploads.open(station.station_id, station.dialled)
    if upload is None:
        return _rejected(NO_UPLOAD_ADDRESS)
    try:
        answer = await _send(link, request, upload.url)
        if not answer.result.is_accepted:
            return answer
        return await _received(upload, answer)
    finally:
        station.uploads.close(upload)


async def _received(upload: Upload, answer: StationAnswer) -> StationAnswer:
    content = await upload.received()
    if content is None:
        return StationAnswer(
            result=WriteResult(status=WriteStatus.TIMEOUT, detail=NOT_SENT),
            action=answer.action,
        )
    return StationAnswer(
        result=answer.result,
        action=answer.action,
        data={**answer.data, "content": content},
    )


async def _send(link: StationLink, request: StationRequest, url: str) -> StationAnswer:
    worded = request_of(link.protocol, request, url)
    if worded is None:
        return _rejected(NOT_OFFERED)
    action, payload = worded
    lane = Lane.BULK if isinstance(request, SendLog) else Lane.CONFIGURATION
    outcome = await link.call(action, payload, lane=lane)
    accepted = _STATUSES.get(type(request), ("Accepted",))
    return StationAnswer(
        result=_judged(outcome, accepted), action=action, data=_told(outcome.payload)
    )


def _judged(outcome: CallOutcome, accepted: tuple[str, ...]) -> WriteResult:
    if outcome.end is CallEnd.ANSWERED and "status" not in outcome.payload:
        # Some answers have none: they say what was asked for.
        return WriteResult(
            status=WriteStatus.ACCEPTED, on_wire_mono_s=outcome.sent_mono_s
        )
    return result_of(outcome, accepted)


def _told(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {name: payload[wire] for wire, name in _TOLD.items() if wire in payload}


def _rejected(detail: str) -> StationAnswer:
    return StationAnswer(result=WriteResult(status=WriteStatus.REJECTED, detail=detail))


_OWN: Final[Mapping[type, _CarryOut]] = {
    ReadSettings: _read_settings,
    ChangeSetting: _change_setting,
    ChangeGridSetting: _about_grid,
    ReadGridSettings: _about_grid,
    ClearGridSettings: _about_grid,
    ReadCertificates: _about_certificates,
    InstallCertificate: _about_certificates,
    DeleteCertificate: _about_certificates,
    MoveStation: move_station,
    SetInverterMode: set_inverter_mode,
    CheckProfiles: check_profiles,
    SendLog: _take_log,
}
"""Requests that take more than one message, or are told in another way."""
