"""Follow the subentries and options of the home without ever reloading it.

Adopting, editing or removing one station must not drop the connection of another, so
a change of a subentry is carried out alone. Subentries change in place: they are
compared as copies.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
import logging

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant

from . import const
from .coordinator import Close, KnownSubentry, V2gConfigEntry, V2gRuntimeData
from .devices import async_rename_device
from .programme_keys import async_forget_left_keys
from .upgrade import async_forget_part

_LOGGER = logging.getLogger(__name__)

type Open = Callable[[ConfigSubentry], Awaitable[Close]]
"""Bring the parts of one subentry to life; returns what ends them."""


def _always(_subentry: ConfigSubentry) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class SubentrySync:
    """Open, change and close the running parts of subentries."""

    open_station: Open
    open_entity_station: Open
    open_vehicle: Open
    open_programme: Open
    options_changed: Callable[[V2gConfigEntry], None]
    """Takes over the options of the home; called with the same ones, too."""

    is_usable: Callable[[ConfigSubentry], bool] = _always
    """False: its settings cannot be read, so it is kept and not started."""

    # Opening and closing take a while, and the owner may be quicker: changes are
    # carried out one after another.
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def open_all(self, hass: HomeAssistant, entry: V2gConfigEntry) -> None:
        """Bring the options and every subentry of a fresh entry to life."""
        runtime = entry.runtime_data
        runtime.entry_data = dict(entry.data)
        runtime.known = known_subentries(entry)
        self.options_changed(entry)
        await async_forget_left_keys(hass, entry)
        for subentry in list(entry.subentries.values()):
            await self._open(runtime, subentry)
        runtime.shown = set(runtime.closers)

    async def follow(self, hass: HomeAssistant, entry: V2gConfigEntry) -> None:
        """Carry out what changed since the last call; the entry's update listener."""
        runtime = entry.runtime_data
        if dict(entry.data) != runtime.entry_data:
            hass.config_entries.async_schedule_reload(entry.entry_id)
            return
        self.options_changed(entry)
        async with self._lock:
            await self._follow(hass, entry)
        # What a set-up says shows in entities, too: the range of a number.
        runtime.coordinator.async_update_listeners()

    async def _follow(self, hass: HomeAssistant, entry: V2gConfigEntry) -> None:
        runtime = entry.runtime_data
        before, runtime.known = runtime.known, known_subentries(entry)
        removed = before.keys() - runtime.known.keys()
        for subentry_id in removed:
            await self._close(runtime, subentry_id, is_removed=True)
            runtime.shown.discard(subentry_id)
            async_forget_part(hass, subentry_id)
        if removed:
            await async_forget_left_keys(hass, entry)
        for subentry_id, now in runtime.known.items():
            subentry = entry.subentries.get(subentry_id)
            if subentry is None:
                continue  # Removed while another one was opened: the next call's.
            if subentry_id not in before:
                await self._open(runtime, subentry)
                self._show(runtime, subentry)
            elif before[subentry_id] != now:
                await self._close(runtime, subentry_id, is_removed=False)
                await self._open(runtime, subentry)
                async_rename_device(hass, entry, subentry)
                self._show(runtime, subentry)

    async def close_all(self, runtime: V2gRuntimeData) -> None:
        """End everything, the last one opened first."""
        async with self._lock:
            for subentry_id in reversed(list(runtime.closers)):
                await self._close(runtime, subentry_id, is_removed=False)

    async def _open(self, runtime: V2gRuntimeData, subentry: ConfigSubentry) -> None:
        match subentry.subentry_type:
            case const.SUBENTRY_STATION:
                opener = self.open_station
            case const.SUBENTRY_ENTITY_STATION:
                opener = self.open_entity_station
            case const.SUBENTRY_VEHICLE:
                opener = self.open_vehicle
            case const.SUBENTRY_PROGRAMME:
                opener = self.open_programme
            case unknown:
                # A part of another version: it stays, for that version to come back.
                _LOGGER.warning("%s is kept: %s is unknown", subentry.title, unknown)
                return
        if not self.is_usable(subentry):
            return
        runtime.closers[subentry.subentry_id] = await opener(subentry)

    @staticmethod
    def _show(runtime: V2gRuntimeData, subentry: ConfigSubentry) -> None:
        """Add the entities of a part that runs, once."""
        subentry_id = subentry.subentry_id
        if subentry_id in runtime.closers and subentry_id not in runtime.shown:
            runtime.shown.add(subentry_id)
            for add_entities in runtime.adders:
                add_entities(subentry)

    async def _close(
        self, runtime: V2gRuntimeData, subentry_id: str, *, is_removed: bool
    ) -> None:
        close = runtime.closers.pop(subentry_id, None)
        if close is not None:
            await close(is_removed=is_removed)


def known_subentries(entry: V2gConfigEntry) -> dict[str, KnownSubentry]:
    """Return copies of all subentries, to compare with later."""
    return {
        subentry_id: (subentry.subentry_type, dict(subentry.data), subentry.title)
        for subentry_id, subentry in entry.subentries.items()
    }
