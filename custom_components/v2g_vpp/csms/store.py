"""What is remembered of stations across connections and restarts."""

import asyncio
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..domain.certificates import serial_key
from ..domain.errors import StoreNewer, StoreUnreadable
from ..domain.grid_settings import GridNote
from ..domain.ids import StationId
from ..domain.ports import Spawn, Store
from .device_model import ModelSummary, summary_from_json, summary_to_json
from .grid_desk import notes_from_json, notes_to_json
from .start_numbers import StartNumbers, numbers_from_json, numbers_to_json
from .transactions import TransactionRecord, record_from_json, record_to_json

STORE_NAME: Final = "stations"
_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BootData:
    """What a station said of itself in its accepted BootNotification."""

    vendor: str
    model: str
    serial_number: str | None
    firmware: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StationRecord:
    """One station as it is kept."""

    boot: BootData | None = None
    """None: it was never accepted; then it must boot before it may speak."""

    summary: ModelSummary | None = None
    """Of the device model, valid for the firmware named in it."""

    transactions: tuple[TransactionRecord, ...] = ()
    has_updates: bool = True
    """False: the station does not know UpdateDynamicSchedule."""

    is_zero_idle: bool = False
    """True: the station refuses 0 W and takes Idle in its place."""

    security_profile: int = 0
    """The highest that the station has used; it never goes down (A05.FR.07)."""

    certificates: tuple[str, ...] = ()
    """Serial numbers of its newest certificates of this home, the last used last."""

    last_certificate: str | None = None
    """The one of them that it logged in with last."""

    grid_notes: tuple[GridNote, ...] = ()
    """What happened to its grid settings, oldest first."""

    numbers: StartNumbers = field(default_factory=StartNumbers)
    """Of the transactions of a 1.6 charge point."""

    def after_boot(self, boot: BootData) -> StationRecord:
        """Return the record after a boot; new firmware has new habits."""
        if self.boot is None or self.boot.firmware == boot.firmware:
            return replace(self, boot=boot)
        return replace(self, boot=boot, has_updates=True, is_zero_idle=False)


class StationStore:
    """The records of all stations, one document in the store."""

    def __init__(self, store: Store, spawn: Spawn) -> None:
        """Take the document's store and a way to start a write."""
        self._store = store
        self._spawn = spawn
        self._records: dict[StationId, StationRecord] = {}
        self._revoked: dict[str, StationId] = {}
        self._lock = asyncio.Lock()  # keeps the order of whole documents
        self._asked = self._written = 0

    async def load(self) -> None:
        """Read the document.

        Raises:
            StoreUnreadable: when it exists and cannot be read.
        """
        data = await self._store.load()
        if data is None:
            return
        said = data.get("version")
        if isinstance(said, int) and said > _VERSION:
            raise StoreNewer(STORE_NAME)
        try:
            self._records = {
                StationId(station_id): _record_from_json(record)
                for station_id, record in data["stations"].items()
            }
            self._revoked = {
                str(serial): StationId(station_id)
                for serial, station_id in data.get("revoked", {}).items()
            }
        except (AttributeError, KeyError, TypeError, ValueError) as err:
            raise StoreUnreadable(STORE_NAME) from err

    def find(self, station_id: StationId) -> StationRecord:
        """Return what is kept of a station; an empty record for a new one."""
        return self._records.get(station_id, StationRecord())

    def keep(self, station_id: StationId, record: StationRecord) -> None:
        """Write soon: losing it costs a question to the station."""
        self._records[station_id] = record
        self._store.save_later(self._to_json)

    def keep_now(self, station_id: StationId, record: StationRecord) -> None:
        """Start to write at once: losing it would lose a registration."""
        self._records[station_id] = record
        self._spawn(self._save(), "save stations")

    async def kept(self, station_id: StationId, record: StationRecord) -> None:
        """Write at once; returns when it is on disk, also if the caller goes away."""
        self._records[station_id] = record
        done = asyncio.Event()

        async def save() -> None:
            try:
                await self._save()
            finally:
                done.set()

        self._spawn(save(), "save stations")
        await done.wait()

    def retain(self, station_ids: Container[StationId]) -> None:
        """Forget the stations that are not of this home any more."""
        strangers = [known for known in self._records if known not in station_ids]
        for station_id in strangers:
            del self._records[station_id]
        if strangers:
            self._store.save_later(self._to_json)

    async def revoke(self, serials: Iterable[str], station_id: StationId) -> None:
        """Remember certificates that let nobody in any more; on disk at return.

        They stay when their station is removed: it may be added again, and whoever
        has the key still has it.
        """
        self._revoked |= dict.fromkeys(serials, station_id)
        await self._save()

    def is_revoked(self, serial_number: str) -> bool:
        """Return True for a certificate that was revoked."""
        return serial_key(serial_number) in self._revoked

    def revoked_of(self, station_id: StationId) -> tuple[str, ...]:
        """Return the serial numbers that were revoked for a station."""
        return tuple(key for key, of in self._revoked.items() if of == station_id)

    async def flush(self) -> None:
        """Write what is known; returns when it is on disk."""
        await self._save()

    async def _save(self) -> None:
        """Write what is known now; one write serves all who wait for their turn."""
        self._asked += 1
        turn = self._asked
        async with self._lock:
            if self._written >= turn:
                return
            newest = self._asked
            await self._store.save(self._to_json())
            self._written = newest

    def _to_json(self) -> dict[str, Any]:
        return {
            "version": _VERSION,
            "stations": {
                station_id: _record_to_json(record)
                for station_id, record in self._records.items()
            },
            "revoked": dict(self._revoked),
        }


def _record_to_json(record: StationRecord) -> dict[str, Any]:
    boot = record.boot
    return {
        "boot": boot
        and {
            "vendor": boot.vendor,
            "model": boot.model,
            "serial_number": boot.serial_number,
            "firmware": boot.firmware,
        },
        "summary": summary_to_json(record.summary) if record.summary else None,
        "transactions": [record_to_json(item) for item in record.transactions],
        "has_updates": record.has_updates,
        "is_zero_idle": record.is_zero_idle,
        "security_profile": record.security_profile,
        "certificates": list(record.certificates),
        "last_certificate": record.last_certificate,
        "numbers": numbers_to_json(record.numbers),
        "grid_notes": notes_to_json(record.grid_notes),
    }


def _record_from_json(data: Mapping[str, Any]) -> StationRecord:
    boot, summary = data.get("boot"), data.get("summary")
    return StationRecord(
        boot=BootData(**boot) if boot else None,
        summary=summary_from_json(summary) if summary else None,
        transactions=tuple(
            record_from_json(item) for item in data.get("transactions", ())
        ),
        has_updates=data.get("has_updates", True),
        is_zero_idle=data.get("is_zero_idle", False),
        security_profile=int(data.get("security_profile", 0)),
        certificates=tuple(str(item) for item in data.get("certificates", ())),
        last_certificate=data.get("last_certificate"),
        numbers=numbers_from_json(data.get("numbers", {})),
        grid_notes=notes_from_json(data.get("grid_notes", [])),
    )
