"""The site's document on Home Assistant's storage."""

from collections.abc import Callable, Mapping
import logging
from pathlib import Path
from typing import Any, Final, override

from homeassistant.core import CoreState, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    UnsupportedStorageVersionError,
)
from homeassistant.helpers.json import json_bytes
from homeassistant.helpers.storage import Store as HomeAssistantStore
from homeassistant.util import dt as dt_util
from homeassistant.util.json import json_loads

from .const import STORAGE_MINOR_VERSION, STORAGE_VERSION
from .domain.errors import StoreNewer, StoreUnreadable
from .domain.ports import Store, StoredData

_LOGGER = logging.getLogger(__name__)

SAVE_DELAY_S: Final = 60.0
"""What would do harm when lost is saved at once; the rest spares the memory card."""


class _Document(HomeAssistantStore[dict[str, Any]]):
    """Home Assistant's storage, which would take a newer minor version for its own."""

    @override
    async def _async_migrate_func(
        self, old_major_version: int, old_minor_version: int, old_data: dict[str, Any]
    ) -> dict[str, Any]:
        """Return a document of an older form: its readers know every form there was.

        Raises:
            StoreNewer: for one of a newer form.
        """
        if (old_major_version, old_minor_version) > (self.version, self.minor_version):
            raise StoreNewer(self.key)
        return old_data


class HaStore(Store):
    """One private, atomically written document under ``.storage``.

    Home Assistant renames a file that it cannot decode and carries on as if there had
    never been one. For latches and permissions that would be the wrong answer, so a
    document that was there and did not come back counts as unreadable, until the next
    save. Whatever cannot be read is put aside, for that save not to destroy it; what a
    newer version wrote stays where it is, and nothing is saved.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        key: str,
        *,
        report_write: Callable[[bool], None] | None = None,
    ) -> None:
        """Name the document.

        Args:
            hass: the running Home Assistant.
            key: file name, unique in this Home Assistant.
            report_write: told after each awaited save whether it is on disk; Home
                Assistant itself only logs a full disk.
        """
        self._hass, self._key, self._report_write = hass, key, report_write
        self._store = _Document(
            hass,
            STORAGE_VERSION,
            key,
            private=True,
            atomic_writes=True,
            minor_version=STORAGE_MINOR_VERSION,
        )
        self._is_refused = False
        """What is on disk is of a newer version."""

        self._reader: Callable[[], StoredData] = dict
        self._is_scheduled = False
        self._saves = 0

    @override
    async def load(self) -> StoredData | None:
        was_there = await self._hass.async_add_executor_job(self._has_left_traces)
        try:
            document = await self._store.async_load()
        except (UnsupportedStorageVersionError, StoreNewer) as err:
            self._is_refused = True
            raise StoreNewer(self._key) from err
        except (
            HomeAssistantError,
            OSError,
            AttributeError,
            KeyError,
            TypeError,
            ValueError,
        ) as err:
            # Not to be opened, not JSON, or not a storage document.
            await self._put_aside()
            raise StoreUnreadable(self._key) from err
        if document is None and not was_there:
            return None
        if not isinstance(document, Mapping):
            await self._put_aside()
            raise StoreUnreadable(self._key)
        return document

    @override
    async def save(self, data: StoredData) -> None:
        if self._is_refused:
            return
        # The save takes the place of a scheduled one, with nothing awaited between.
        self._is_scheduled = False
        self._saves += 1
        save = self._saves
        await self._store.async_save(dict(data))
        # While Home Assistant stops it writes in its last stage, after this call. And
        # what is scheduled or saved again is newer than what could be compared.
        if self._hass.state is CoreState.stopping or self._is_newer(save):
            return
        is_written = await self._is_on_disk(data, save)
        if not is_written:
            _LOGGER.error("%s could not be written", self._key)
        if self._report_write is not None:
            self._report_write(is_written)

    @override
    def save_later(self, read: Callable[[], StoredData]) -> None:
        if self._is_refused:
            return
        self._reader = read
        # A new delay for every call would put the write off as long as they come.
        if not self._is_scheduled:
            self._is_scheduled = True
            self._store.async_delay_save(self._read, SAVE_DELAY_S)

    async def remove(self) -> None:
        """Delete the document."""
        self._is_scheduled = False
        await self._store.async_remove()
        await self._hass.async_add_executor_job(self._remove_traces)

    def _read(self) -> dict[str, Any]:
        self._is_scheduled = False
        return dict(self._reader())

    async def _put_aside(self) -> None:
        """Give the file the name that Home Assistant gives to one it cannot decode."""
        now = dt_util.utcnow().isoformat()

        def rename() -> None:
            path = Path(self._store.path)
            if path.exists():
                path.rename(path.with_name(f"{path.name}.corrupt.{now}"))

        try:
            await self._hass.async_add_executor_job(rename)
        except OSError as err:
            # Nothing could be saved either; it is unreadable at the next start, too.
            self._is_refused = True
            _LOGGER.error("%s cannot be put aside: %s", self._key, err)

    def _remove_traces(self) -> None:
        path = Path(self._store.path)
        for trace in path.parent.glob(f"{path.name}.corrupt.*"):
            trace.unlink(missing_ok=True)

    def _has_left_traces(self) -> bool:
        path = Path(self._store.path)
        return path.exists() or any(path.parent.glob(f"{path.name}.corrupt.*"))

    def _is_newer(self, save: int) -> bool:
        return self._is_scheduled or self._saves != save

    async def _is_on_disk(self, data: StoredData, save: int) -> bool:
        """Read it back: Home Assistant logs a full disk and goes on."""
        try:
            document = await self._store.async_load()
        except HomeAssistantError, OSError:
            return False
        return self._is_newer(save) or document == json_loads(json_bytes(dict(data)))
