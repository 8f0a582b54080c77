"""The update coordinator: the site's pictures on their way to the entities."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
import logging
from typing import Any, Protocol

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator

from .const import DOMAIN
from .domain.energy import NOTHING_KEPT
from .domain.ids import EvseKey, ProgrammeId
from .domain.measurement import Measurement
from .domain.meters_snapshot import MetersSnapshot
from .domain.ports import MessageLog
from .domain.rehearsal import Rehearsing
from .domain.snapshot import (
    EvseSnapshot,
    SiteSnapshot,
    VehicleSnapshot,
)
from .site import Site

_LOGGER = logging.getLogger(__name__)

DISPLAY_INTERVAL_S = 1.0
"""Numbers reach the entities at most this often: more is more than an eye can use.
Whatever is not a number that flows (a state, a reason, a switch) goes at once."""

MANY_ENTITIES = 250
"""Above it, ten EVSEs or so, states wait for that interval as well: every entity looks
at each picture, and with 200 EVSEs that alone took half of the event loop."""

type AddSubentry = Callable[[ConfigSubentry], None]
"""Add the entities of one subentry, as a platform does it."""

type KnownSubentry = tuple[str, dict[str, Any], str]
"""Type, data and title: subentries change in place, so they are compared as copies."""


class Close(Protocol):
    """End the running parts of one subentry."""

    async def __call__(self, *, is_removed: bool) -> None:
        """End them; ``is_removed``: for good, so nothing of them is kept."""


@dataclass(slots=True, kw_only=True)
class V2gRuntimeData:
    """What lives as long as the loaded config entry."""

    site: Site
    coordinator: V2gUpdateCoordinator
    stop: Callable[[], Awaitable[None]]
    """Brings every EVSE to 0 W and ends all running parts."""

    message_log: MessageLog
    """What was said on the links of the charging stations."""

    rehearsal: Rehearsing
    """Plays an aggregator."""

    ledgers_to_delete: set[ProgrammeId] = field(default_factory=set)
    """Of programmes that are being left, as the owner chose."""

    renewers: dict[ProgrammeId, Callable[[], None]] = field(default_factory=dict)
    """What asks for the next certificate of a programme, where it has one."""

    adders: list[AddSubentry] = field(default_factory=list)
    """One per platform, called for every subentry that comes later."""

    shown: set[str] = field(default_factory=set)
    """Ids of the subentries whose entities were added."""

    known: dict[str, KnownSubentry] = field(default_factory=dict)
    """Subentries as last seen, by subentry id."""

    entry_data: Mapping[str, Any] = field(default_factory=dict)
    """The entry's data as set up: only a change of it asks for a reload."""

    closers: dict[str, Close] = field(default_factory=dict)
    """What ends the running parts of one subentry, by subentry id."""


type V2gConfigEntry = ConfigEntry[V2gRuntimeData]


def runtime_data(
    hass: HomeAssistant,
    entry: V2gConfigEntry,
    site: Site,
    stop: Callable[[], Awaitable[None]],
    log: MessageLog,
    rehearsal: Rehearsing,
) -> V2gRuntimeData:
    """Return the runtime data of an entry that is being set up."""
    return V2gRuntimeData(
        site=site,
        coordinator=V2gUpdateCoordinator(hass, entry, site),
        stop=stop,
        message_log=log,
        rehearsal=rehearsal,
    )


class V2gUpdateCoordinator(DataUpdateCoordinator[SiteSnapshot]):
    """Hand pictures of the home on to entities; nothing is ever polled."""

    config_entry: V2gConfigEntry

    def __init__(self, hass: HomeAssistant, entry: V2gConfigEntry, site: Site) -> None:
        """Start with the picture that the site has now."""
        super().__init__(hass, _LOGGER, config_entry=entry, name=DOMAIN)
        self.data = site.snapshot
        self._still: dict[EvseKey, tuple[EvseSnapshot, EvseSnapshot]] = {}
        """EVSEs as last seen, and without their numbers."""

        self._published = self._states(self.data)
        self._waiting: SiteSnapshot | None = None
        self._cancel_wait: CALLBACK_TYPE | None = None
        entry.async_on_unload(site.subscribe(self._receive))
        entry.async_on_unload(self._stop_waiting)

    @callback
    def _receive(self, snapshot: SiteSnapshot) -> None:
        if snapshot == self.data:
            # Back to what is shown: what waited is out of date.
            self._waiting = None
            return
        if self._cancel_wait is not None and (
            len(self._listeners) > MANY_ENTITIES
            or self._states(snapshot) == self._published
        ):
            self._waiting = snapshot
            return
        self._publish(snapshot)

    def _publish(self, snapshot: SiteSnapshot) -> None:
        self._stop_waiting()
        self._published = self._states(snapshot)
        self._cancel_wait = async_call_later(
            self.hass, DISPLAY_INTERVAL_S, self._interval_ended
        )
        self.async_set_updated_data(snapshot)

    def _states(self, snapshot: SiteSnapshot) -> SiteSnapshot:
        """Return the picture without its numbers; most EVSEs of it are as before."""
        still: dict[EvseKey, tuple[EvseSnapshot, EvseSnapshot]] = {}
        for evse in snapshot.evses:
            known = self._still.get(evse.key)
            if known is None or known[0] is not evse:
                known = evse, _without_numbers(evse)
            still[evse.key] = known
        self._still = still
        return without_flowing_numbers(
            snapshot, tuple(states for _, states in still.values())
        )

    @callback
    def _interval_ended(self, _now: object) -> None:
        self._cancel_wait = None
        if self._waiting is not None:
            self._publish(self._waiting)

    @callback
    def _stop_waiting(self) -> None:
        self._waiting = None
        if self._cancel_wait is not None:
            self._cancel_wait()
            self._cancel_wait = None


def without_flowing_numbers(
    snapshot: SiteSnapshot, evses: tuple[EvseSnapshot, ...] | None = None
) -> SiteSnapshot:
    """Return the picture with every number gone that a meter or a ramp moves.

    Two pictures that differ here differ in something that must be shown at once. A
    field that is new and not listed here counts as such.

    Args:
        snapshot: the whole home.
        evses: its EVSEs without their numbers, where they are known.
    """
    if evses is None:
        evses = tuple(_without_numbers(evse) for evse in snapshot.evses)
    return replace(
        snapshot,
        evses=evses,
        vehicles=tuple(
            _without_vehicle_numbers(vehicle) for vehicle in snapshot.vehicles
        ),
        programmes=tuple(
            replace(
                programme,
                delivered_discharge_wh=0.0,
                book=replace(
                    programme.book,
                    events=tuple(
                        replace(booked, expected_w=(), why=())
                        for booked in programme.book.events
                    ),
                    forecast=(),
                ),
            )
            for programme in snapshot.programmes
        ),
        meters=_without_powers(snapshot.meters),
    )


def _without_powers(meters: MetersSnapshot | None) -> MetersSnapshot | None:
    """Return which meters there are, without what they show."""
    if meters is None:
        return None
    return MetersSnapshot(fuse_margins_a=(None,) * len(meters.fuse_margins_a))


def _without_numbers(evse: EvseSnapshot) -> EvseSnapshot:
    return replace(
        evse,
        measurement=Measurement(),
        setpoint=replace(evse.setpoint, power_w=0.0, requested_w=0.0),
        available_charge_w=0.0,
        available_discharge_w=0.0,
    )


def _without_vehicle_numbers(vehicle: VehicleSnapshot) -> VehicleSnapshot:
    return replace(
        vehicle,
        soc_percent=None,
        lowest_percent=None,
        trip_floor_percent=0.0,
        cycled_wh=0.0,
        kept=NOTHING_KEPT,
        equivalent_cycles=0.0,
        wear_cost=None,
    )
