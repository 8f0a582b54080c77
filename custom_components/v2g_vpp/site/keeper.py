"""Keep the site's document: read once, written in order, latched when in doubt."""

import asyncio
from collections.abc import Callable
import logging

from ..control.guards import FlowGuard
from ..domain.capability import CLOCK_ERROR_S, DIALECT_TIMING, promised_end_s
from ..domain.clock import Clock
from ..domain.errors import StoreNewer, StoreUnreadable
from ..domain.ids import EvseKey, ProgrammeId, StationId
from ..domain.ports import Store, StoredData
from . import persistence
from .plant_store import trace_outage
from .programme_record import ProgrammeRecord
from .records import EvseRecord, VehicleRecord
from .registry import Registry, bounded_policy
from .stored_plan import restore_site

LONGEST_DEAD_MAN_S = CLOCK_ERROR_S + max(
    timing.validity_s for timing in DIALECT_TIMING.values()
)

_LOGGER = logging.getLogger(__name__)


class Keeper:
    """The only one that reads and writes the site's store."""

    def __init__(self, registry: Registry, store: Store, clock: Clock) -> None:
        """Keep the records of ``registry`` in ``store``."""
        self._registry, self._store, self._clock = registry, store, clock
        self._document: StoredData = {}
        self._lock = asyncio.Lock()  # keeps the order of whole documents
        self._asked = self._written = 0
        self.is_trusted = True
        """False: what the store said cannot be relied on, so nothing discharges."""

    async def load(self) -> None:
        """Read what survived; unreadable means latched, never "as if new".

        Raises:
            StoreNewer: then the home does not start, and nothing is written.
        """
        try:
            document = await self._store.load() or {}
        except StoreNewer:
            raise
        except StoreUnreadable as err:
            _LOGGER.warning("discharge is latched: %s", err)
            self.is_trusted = False
            return
        self._document, self.is_trusted = persistence.checked(document)
        restore_site(self._registry, self._document)
        if not self.is_trusted:
            _LOGGER.warning("stored state cannot be trusted: discharge is latched")

    async def save(self) -> None:
        """Write the document; returns when it is on disk.

        One write serves all who wait for their turn.
        """
        self._asked += 1
        turn = self._asked
        async with self._lock:
            if self._written >= turn:
                return
            newest = self._asked
            await self._store.save(self._dump())
            self._written = newest

    def save_later(self) -> None:
        """Write the document soon."""
        self._store.save_later(self._dump)

    def remember(self) -> None:
        """Keep what is known now of things whose records are about to go."""
        self._document = self._dump()

    def restore_station(self, station_id: StationId) -> None:
        """Bring a station and its EVSEs back as they were."""
        station = self._registry.stations[station_id]
        now_mono_s = self._clock.monotonic()
        if not persistence.restore_station(station, self._document, now_mono_s):
            self._set_aside("stations", station_id)
        for key in persistence.stored_evse_keys(self._document, station_id):
            self._restore_evse(key)

    def restore_vehicle(self, record: VehicleRecord) -> None:
        """Bring the owner's knobs of a vehicle back."""
        now_mono_s = self._clock.monotonic()
        if not persistence.restore_vehicle(record, self._document, now_mono_s):
            self._set_aside("vehicles", record.spec.vehicle_id)

    def restore_programme(
        self, programme_id: ProgrammeId, record: ProgrammeRecord
    ) -> None:
        """Bring participation and counters of a programme back."""
        if not persistence.restore_programme(programme_id, record, self._document):
            self._set_aside("programmes", programme_id)

    def forget(self, part: str, is_gone: Callable[[str], bool]) -> None:
        """Drop what is stored of things that left the home."""
        stored = self._document.get(part, {})
        kept = {key: value for key, value in stored.items() if not is_gone(key)}
        self._document = {**self._document, part: kept}
        self.save_later()

    def _restore_evse(self, key: EvseKey) -> None:
        record = self._registry.ensure_evse(key)
        now_mono_s = self._clock.monotonic()
        if not persistence.restore_evse(record, self._document, now_mono_s):
            self._set_aside("evses", str(key))
        trace_outage(record, self._clock.monotonic())
        limits = self._registry.station_of(key).limits
        # What was told before the start may still run; the guards wait for its end.
        quiet_s = _running_s(record, limits.max_discharge_power_w)
        record.guard = FlowGuard(quiet_until_mono_s=now_mono_s + quiet_s)
        record.policy = bounded_policy(record.policy, limits)

    def _set_aside(self, part: str, key: str) -> None:
        """Keep what could not be read, so that nothing is lost by the next save."""
        rejected = {**self._document.get("rejected_parts", {})}
        rejected[part] = {**rejected.get(part, {}), key: self._document[part][key]}
        self._document = {**self._document, "rejected_parts": rejected}

    def _dump(self) -> StoredData:
        return persistence.dump(
            self._registry,
            self._document,
            is_trusted=self.is_trusted,
            now_mono_s=self._clock.monotonic(),
        )


def _running_s(record: EvseRecord, rating_w: float) -> float:
    """Return how long what was told before a start may still flow, s.

    A discharge was told in the dialect that is proven; of a charger that is not known
    well enough the longest dead-man counts.
    """
    proof, fingerprint = record.proof, record.fingerprint
    if proof is None or proof.validity_s is not None or not fingerprint.is_learnt:
        return LONGEST_DEAD_MAN_S
    ends_s = promised_end_s(
        DIALECT_TIMING[proof.dialect],
        fingerprint.dead_time_s,
        rating_w,
        fingerprint.ramp_w_per_s,
    )
    return min(ends_s, LONGEST_DEAD_MAN_S)
