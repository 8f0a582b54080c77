"""A store in memory that keeps what JSON keeps, and can misbehave."""

import asyncio
from collections.abc import Callable
import json
from typing import Any, override

from custom_components.v2g_vpp.domain.errors import StoreUnreadable
from custom_components.v2g_vpp.domain.ports import Store, StoredData

LATER_S = 60.0
"""As on a real disk: memory cards are spared."""


class MemoryStore(Store):
    """One document, as text: whatever is no JSON is found out."""

    def __init__(self, text: str | None = None) -> None:
        """Start with a document, None for a fresh home."""
        self.text = text
        self.save_s = 0.0
        """How long a save takes."""

        self.is_unreadable = False
        self._later: asyncio.TimerHandle | None = None

    @property
    def document(self) -> dict[str, Any]:
        """What is on disk."""
        document: dict[str, Any] = json.loads(self.text or "{}")
        return document

    def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change what is on disk, as a fault or another version would."""
        document = self.document
        change(document)
        self.text = json.dumps(document)

    @override
    async def load(self) -> StoredData | None:
        await asyncio.sleep(0)
        if self.is_unreadable:
            raise StoreUnreadable("site")
        return None if self.text is None else self.document

    @override
    async def save(self, data: StoredData) -> None:
        text = json.dumps(data, allow_nan=False)
        await asyncio.sleep(self.save_s)
        self.text, self.is_unreadable = text, False

    @override
    def save_later(self, read: Callable[[], StoredData]) -> None:
        # What must not wait cannot rely on it.
        if self._later is None:
            loop = asyncio.get_running_loop()
            self._later = loop.call_later(LATER_S, self._save, read)

    def crash(self) -> None:
        """Lose what was to be written later."""
        if self._later is not None:
            self._later.cancel()
            self._later = None

    def _save(self, read: Callable[[], StoredData]) -> None:
        self._later = None
        self.text, self.is_unreadable = json.dumps(read(), allow_nan=False), False
