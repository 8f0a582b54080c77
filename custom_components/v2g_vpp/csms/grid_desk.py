"""Grid settings of an inverter: passed through, and every change put on record."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
import logging
from typing import Any, Final

from ..domain.clock import Clock
from ..domain.events import GridSettingNoted
from ..domain.grid_settings import (
    FIELDS,
    KEPT_NOTES,
    ChangeGridSetting,
    ClearGridSettings,
    GridChange,
    GridEvent,
    GridNote,
    ReadGridSettings,
)
from ..domain.ids import StationId
from ..domain.ports import StationEventSink
from ..domain.requests import (
    ILLEGAL_SETTINGS,
    NO_GRID_SETTINGS,
    NOT_OFFERED,
    StationAnswer,
)
from ..domain.setpoint import WriteResult, WriteStatus
from .calls import CallEnd, CallOutcome
from .device_model import ModelSummary
from .frames import Payload
from .link import StationLink
from .reports import ReportInbox, ReportKind
from .setpoints import result_of
from .versions import V21

_LOGGER = logging.getLogger(__name__)

MAX_TEXT: Final = 100
_WINDOW: Final = frozenset({"startTime", "duration"})

type Notes = tuple[GridNote, ...]


class GridRecord:
    """What happened to the grid settings of one station, oldest first."""

    def __init__(
        self,
        station_id: StationId,
        sink: StationEventSink,
        clock: Clock,
        read: Callable[[], Notes],
        keep: Callable[[Notes], None],
    ) -> None:
        """Write to what ``read`` returns, by ``keep``."""
        self._station_id = station_id
        self._sink = sink
        self._clock = clock
        self._read = read
        self._keep = keep

    def add(self, event: GridEvent, **fields: Any) -> None:
        """Put one thing on record and tell it."""
        notes = self._read()
        note = GridNote(
            number=notes[-1].number + 1 if notes else 1,
            at=self._clock.utcnow(),
            event=event,
            **fields,
        )
        self._keep((*notes, note)[-KEPT_NOTES:])
        _LOGGER.info(
            "%s: grid setting %s %s: %s",
            self._station_id,
            note.kind,
            note.control_id,
            event,
        )
        self._sink.post(GridSettingNoted(station_id=self._station_id, note=note))

    def started_or_stopped(self, payload: Payload) -> None:
        """Take a NotifyDERStartStop: a setting with a time begins or ends to hold."""
        control_id = str(payload["controlId"])[:MAX_TEXT]
        known = next(
            (note for note in reversed(self._read()) if note.control_id == control_id),
            None,
        )
        is_started = payload["started"] is True
        self.add(
            GridEvent.STARTED if is_started else GridEvent.STOPPED,
            kind=known.kind if known is not None else "",
            control_id=control_id,
            is_default=False,
        )

    def alarm(self, payload: Payload) -> None:
        """Take a NotifyDERAlarm."""
        has_ended = payload.get("alarmEnded") is True
        self.add(
            GridEvent.ALARM_ENDED if has_ended else GridEvent.ALARM,
            kind=str(payload["controlType"]),
            detail=str(payload.get("gridEventFault", ""))[:MAX_TEXT],
        )


class GridDesk:
    """Asks one station on one link."""

    def __init__(
        self,
        link: StationLink,
        summary: ModelSummary,
        inbox: ReportInbox,
        record: GridRecord,
    ) -> None:
        """Take the link, what the station offers, and where changes are kept."""
        self._link = link
        self._summary = summary
        self._inbox = inbox
        self._record = record

    async def ask(
        self, request: ChangeGridSetting | ReadGridSettings | ClearGridSettings
    ) -> StationAnswer:
        """Carry out a request that this station offers."""
        action = _ACTIONS[type(request)]
        if self._link.protocol != V21.protocol:
            return _rejected(action, NOT_OFFERED)
        if not self._offers(request.kind):
            return _rejected(action, NO_GRID_SETTINGS)
        match request:
            case ReadGridSettings():
                return await self._read(request)
            case ChangeGridSetting():
                return await self._change(request)
            case ClearGridSettings():
                return await self._clear(request)

    def _offers(self, kind: str | None) -> bool:
        modes = self._summary.grid_settings
        return bool(modes) and (kind is None or kind in modes)

    async def _read(self, request: ReadGridSettings) -> StationAnswer:
        settings, outcome = await self._report(request)
        return StationAnswer(
            result=result_of(outcome, ("Accepted", "NotFound")),
            action="GetDERControl",
            data={"settings": settings},
        )

    async def _change(self, request: ChangeGridSetting) -> StationAnswer:
        if request.is_default and _WINDOW & request.settings.keys():
            # What holds always has no beginning and no end (R04).
            return _rejected("SetDERControl", ILLEGAL_SETTINGS)
        payload = {
            "isDefault": request.is_default,
            "controlId": request.control_id,
            "controlType": request.kind,
            FIELDS[request.kind]: dict(request.settings),
        }
        before = await self._held(request)
        outcome = await self._link.call("SetDERControl", payload)
        if outcome.end is CallEnd.INVALID and outcome.sent_mono_s is None:
            return _rejected("SetDERControl", ILLEGAL_SETTINGS)
        self._note(GridEvent.SET, request, outcome, before, request.settings)
        superseded = outcome.payload.get("supersededIds") or []
        return StationAnswer(
            result=result_of(outcome),
            action="SetDERControl",
            data={"control_id": request.control_id, "superseded": list(superseded)},
        )

    async def _clear(self, request: ClearGridSettings) -> StationAnswer:
        before = await self._held(request)
        told = {"controlType": request.kind, "controlId": request.control_id}
        outcome = await self._link.call(
            "ClearDERControl",
            {
                "isDefault": request.is_default,
                **{name: value for name, value in told.items() if value is not None},
            },
        )
        self._note(GridEvent.CLEARED, request, outcome, before, {})
        return StationAnswer(
            result=result_of(outcome, ("Accepted", "NotFound")),
            action="ClearDERControl",
        )

    def _note(
        self,
        event: GridEvent,
        request: GridChange,
        outcome: CallOutcome,
        before: tuple[Mapping[str, Any], ...] | None,
        after: Mapping[str, Any],
    ) -> None:
        # Unanswered is on record too: the station may have taken it.
        is_refused = outcome.end is CallEnd.REFUSED or (
            outcome.end is CallEnd.ANSWERED
            and not outcome.has_status("Accepted", "NotFound")
        )
        self._record.add(
            GridEvent.REFUSED if is_refused else event,
            kind=request.kind or "",
            control_id=request.control_id or "",
            is_default=request.is_default,
            asked_by=request.asked_by,
            before=before,
            after=after,
            detail=str(outcome.payload.get("status") or outcome.reason)[:MAX_TEXT],
        )

    async def _held(self, change: GridChange) -> tuple[Mapping[str, Any], ...] | None:
        """Return what holds before a change, None when the station does not tell."""
        request = ReadGridSettings(kind=change.kind, is_default=change.is_default)
        settings, outcome = await self._report(request)
        if not outcome.has_status("Accepted", "NotFound"):
            return None
        return tuple(settings)

    async def _report(
        self, request: ReadGridSettings
    ) -> tuple[list[Mapping[str, Any]], CallOutcome]:
        told = {
            "isDefault": request.is_default,
            "controlType": request.kind,
            "controlId": request.control_id,
        }
        request_id, report = self._inbox.open(ReportKind.GRID_SETTINGS)
        try:
            outcome = await self._link.call(
                "GetDERControl",
                {
                    "requestId": request_id,
                    **{k: value for k, value in told.items() if value is not None},
                },
            )
            if outcome.has_status("Accepted"):
                await report.wait()
        finally:
            self._inbox.close(request_id)
        return list(report.items), outcome


_ACTIONS: Final[Mapping[type, str]] = {
    ChangeGridSetting: "SetDERControl",
    ReadGridSettings: "GetDERControl",
    ClearGridSettings: "ClearDERControl",
}


def settings_in(payload: Payload) -> list[Mapping[str, Any]]:
    """Return the settings of one part of a ReportDERControl, each with its field."""
    return [
        {"field": name, **item}
        for name in dict.fromkeys(FIELDS.values())
        for item in payload.get(name) or ()
    ]


def notes_to_json(notes: Notes) -> list[dict[str, Any]]:
    """Return what the store keeps."""
    return [
        {
            "number": note.number,
            "at": note.at.isoformat(),
            "event": note.event.value,
            "kind": note.kind,
            "control_id": note.control_id,
            "is_default": note.is_default,
            "asked_by": note.asked_by,
            "before": None if note.before is None else [dict(b) for b in note.before],
            "after": dict(note.after),
            "detail": note.detail,
        }
        for note in notes
    ]


def notes_from_json(data: list[dict[str, Any]]) -> Notes:
    """Return a record as the store kept it.

    Raises:
        TypeError, ValueError: when it is none.
    """
    return tuple(
        replace(
            GridNote(
                **{
                    **item,
                    "at": datetime.fromisoformat(item["at"]),
                    "event": GridEvent(item["event"]),
                }
            ),
            before=None if item["before"] is None else tuple(item["before"]),
        )
        for item in data
    )


def _rejected(action: str, detail: str) -> StationAnswer:
    result = WriteResult(status=WriteStatus.REJECTED, detail=detail)
    return StationAnswer(result=result, action=action)
