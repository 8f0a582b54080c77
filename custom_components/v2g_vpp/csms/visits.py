"""Stations that are let in without being of use yet: they wait, and nothing more.

Either the owner is just setting one up, or its certificate has expired and has to be
renewed first. Such a visit has a ``Station`` of its own that nobody else knows: what it
says reaches no site and no store, and no command reaches it.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
import logging
from typing import Any, Final

from ..domain.clock import Clock
from ..domain.events import StationEvent
from ..domain.ids import StationId
from ..domain.ports import StationEventSink
from ..domain.visitor import VisitorRefusal, VisitorReport
from .access import Admission, Gatekeeper, StationConfig
from .link import StationLink
from .refusals import STRANGER_CAUSES, RefusalCause
from .station import Station
from .store import StationStore
from .visit import Visit
from .visitor_book import VisitorBook, ask_for_claim
from .wording import wording_of

_LOGGER = logging.getLogger(__name__)

BOOT_GRACE_S: Final = 10.0
"""House rule: how long a visitor may take to boot by itself."""

METER_GRACE_S: Final = 15.0
"""House rule: how long a guest may take to send the meter values that it is asked for.
Many have a meter that they read every few seconds only."""

RENEW_AGAIN_S: Final = 600.0
"""House rule: a station that did not ask for a certificate is asked again."""


class _Nowhere:
    """A home without anything: keeps nothing, tells nobody, allows nothing."""

    def post(self, event: StationEvent) -> None:
        """Drop an event."""

    def may_vehicle_discharge(self, station_id: StationId, evcc_id: str | None) -> bool:
        """Return False, whoever it is."""
        return False

    async def load(self) -> None:
        """Return nothing."""

    async def save(self, data: object) -> None:
        """Keep nothing."""

    def save_later(self, read: Callable[[], Any]) -> None:
        """Keep nothing."""


def visitor(
    config: StationConfig,
    visit: Visit,
    clock: Clock,
    sink: StationEventSink | None = None,
) -> Station:
    """Return the station of a visit; without a sink nobody hears what it says."""
    nowhere = _Nowhere()
    return Station(
        config=config,
        # Nothing of it is ever kept, so nothing is ever started.
        store=StationStore(nowhere, lambda work, _name: work.close()),
        sink=sink or nowhere,
        authority=nowhere,
        clock=clock,
        certificates=visit.certificates,
        visit=visit,
    )


def renewal_of(station: Station) -> Station:
    """Return what stands for a station until it has a certificate that is valid."""
    boot = station.record.boot
    visit = Visit(
        serial_number=boot.serial_number if boot is not None else None,
        certificates=station.certificates,
        remember=station.login.remember,
    )
    made = visitor(station.config, visit, station.clock)
    # What it says is of the station all the same.
    made.recorder, made.security = station.recorder, station.security
    return made


class Attendant:
    """Works through the link of one visit."""

    def __init__(self, station: Station, link: StationLink, visit: Visit) -> None:
        """Take the visitor and its link; nothing is sent yet."""
        self._station, self._link, self._visit = station, link, visit

    async def run(self) -> None:
        """Have it boot, and renew its certificate if that is why it waits."""
        try:
            async with asyncio.timeout(BOOT_GRACE_S):
                await self._station.needs_attention.wait()
        except TimeoutError:
            await self._ask_for("BootNotification")
        if self._visit.book is not None:
            await self._look_at(self._visit.book)
        while self._visit.is_renewal:
            await self._ask_for("SignChargingStationCertificate")
            await asyncio.sleep(RENEW_AGAIN_S)

    async def _look_at(self, book: VisitorBook) -> None:
        """Find out for the owner what the guest is; it is told nothing."""
        await self._station.needs_attention.wait()
        if await self._ask_for("MeterValues"):
            with suppress(TimeoutError):
                async with asyncio.timeout(METER_GRACE_S):
                    await book.measured.wait()
        book.read(await ask_for_claim(self._link))

    async def _ask_for(self, message: str) -> bool:
        outcome = await self._link.call(
            *wording_of(self._link.protocol).trigger(message)
        )
        is_accepted = outcome.has_status("Accepted")
        if not is_accepted:
            _LOGGER.info(
                "%s: sends no %s: %s",
                self._station.station_id,
                message,
                outcome.reason,
            )
        return is_accepted


@dataclass(slots=True)
class _Guest:
    station: Station
    book: VisitorBook
    end: asyncio.TimerHandle


class GuestList:
    """Stations that the owner is just setting up, each for a while."""

    def __init__(
        self,
        gate: Gatekeeper,
        clock: Clock,
        disconnect: Callable[[StationId, str], None],
    ) -> None:
        """Start with nobody; ``disconnect`` ends a link with its cause."""
        self._gate, self._clock, self._disconnect = gate, clock, disconnect
        self._guests: dict[StationId, _Guest] = {}
        gate.watch = self.refused

    def admit(self, identity: StationId, secret: str, ttl_s: float) -> None:
        """Let a station in to wait, with a password, for some seconds."""
        self.end(identity)
        config = StationConfig(identity=identity, password=secret)
        book = VisitorBook()
        station = visitor(config, Visit(book=book), self._clock, book)
        timer = asyncio.get_running_loop().call_later(ttl_s, self.end, identity)
        self._guests[identity] = _Guest(station, book, timer)
        self._gate.admit_guest(identity, secret)

    def end(self, identity: StationId) -> None:
        """Let it in no more and close its link; nothing for one that is not there."""
        guest = self._guests.pop(identity, None)
        if guest is None:
            return
        guest.end.cancel()
        self._gate.dismiss_guest(identity)
        if guest.station.link is not None:
            self._disconnect(identity, "no longer expected")

    def find(self, identity: StationId) -> Station | None:
        """Return the station of a visit."""
        guest = self._guests.get(identity)
        return guest.station if guest is not None else None

    def report(self, identity: StationId) -> VisitorReport | None:
        """Return how far a visit is, None for who is not expected."""
        guest = self._guests.get(identity)
        return guest.book.report if guest is not None else None

    def refused(
        self, identity: str, address: str, cause: RefusalCause, detail: str
    ) -> None:
        """Tell the guest that was turned away, or all whose charger it may have been."""
        own = self._guests.get(StationId(identity))
        if own is None and cause not in STRANGER_CAUSES:
            return
        refusal = VisitorRefusal(
            identity=identity,
            address=address,
            cause=cause,
            detail=detail,
            is_stranger=own is None,
        )
        for guest in (own,) if own is not None else self._guests.values():
            guest.book.refused(refusal)

    def tls_failed(self, cause: RefusalCause) -> None:
        """Tell all guests of a handshake that failed before a name was said."""
        self.refused("", "", cause, "")

    def close(self) -> None:
        """End every visit."""
        for identity in tuple(self._guests):
            self.end(identity)


def station_of_link(
    admission: Admission, known: Station | None, guest: Station | None
) -> Station | None:
    """Return which station a link that was let in belongs to."""
    match admission:
        case Admission.PROVISIONAL:
            return guest
        case Admission.RENEWAL:
            return renewal_of(known) if known is not None else None
        case Admission.FULL:
            return known
