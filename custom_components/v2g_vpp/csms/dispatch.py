"""Route the requests of one station on one link to the functions of its version."""

from collections.abc import Mapping
import logging
from typing import Final

from . import v16, v21, v201
from .frames import Payload
from .link import Answer, RefuseCall
from .schemas import SchemaBook
from .station import Station
from .v201 import Handler
from .versions import V16, V21, V201, Fault

_LOGGER = logging.getLogger(__name__)

HANDLERS: Final[Mapping[str, Mapping[str, Handler]]] = {
    V21.protocol: v21.HANDLERS,
    V201.protocol: v201.HANDLERS,
    V16.protocol: v16.HANDLERS,
}
_BOOT: Final = "BootNotification"
_STREAM: Final = "NotifyPeriodicEventStream"


class Dispatcher:
    """Judges a request and hands it on."""

    def __init__(self, station: Station, book: SchemaBook, protocol: str) -> None:
        """Take the station, the schemas of its frames and the sub-protocol."""
        self._station = station
        self._book = book
        self._handlers = HANDLERS[protocol]

    def on_call(self, action: str, payload: Payload) -> Answer:
        """Return the answer to a request.

        Raises:
            RefuseCall: with the fault that OCPP has a code for.
        """
        if not self._book.knows(action):
            raise RefuseCall(Fault.NOT_IMPLEMENTED)
        handler = self._handlers.get(action)
        if handler is None:
            raise RefuseCall(Fault.NOT_SUPPORTED)
        if action != _BOOT and not self._may_speak(action):
            self._ask_to_boot()
            raise RefuseCall(Fault.SECURITY)
        fault = self._book.fault_in_request(action, payload)
        if fault is not None:
            raise RefuseCall(fault)
        return handler(self._station, payload)

    def on_send(self, action: str, payload: Payload) -> None:
        """Take the values of a stream; there is no answer, whatever they are."""
        if action == _STREAM and self._station.is_registered:
            self._station.take_stream(payload)
        else:
            _LOGGER.debug("%s: %s ignored", self._station.station_id, action)

    def on_control_answered(self, *, is_answered: bool) -> None:
        """Tell when commands stay unanswered, and when they are answered again."""
        self._station.reporter.report_answering(is_answering=is_answered)

    def _may_speak(self, action: str) -> bool:
        visit = self._station.visit
        return self._station.is_registered if visit is None else visit.may_say(action)

    def _ask_to_boot(self) -> None:
        if self._station.visit is None and not self._station.wants_boot:
            self._station.wants_boot = True
            self._station.needs_attention.set()
