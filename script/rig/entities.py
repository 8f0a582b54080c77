"""The integration's entities, found by what they are and not by what they are called."""

from collections.abc import Mapping
import math
from typing import Any

from .home_assistant_socket import HomeAssistantSocket, StateChange
from .processes import RigError

PLATFORM = "v2g_vpp"


class Entities:
    """Looks entities up by domain and unique id, reads and uses them."""

    def __init__(self, socket: HomeAssistantSocket) -> None:
        """Prepare; call ``refresh`` before the first use."""
        self._socket = socket
        self._ids: dict[tuple[str, str], str] = {}

    async def refresh(self) -> None:
        """Read the registry again."""
        self._ids = {
            (entry["entity_id"].partition(".")[0], entry["unique_id"]): entry[
                "entity_id"
            ]
            for entry in await self._socket.entities(PLATFORM)
        }

    def has(self, domain: str, unique_id: str) -> bool:
        """Return True when there is such an entity."""
        return (domain, unique_id) in self._ids

    def id(self, domain: str, unique_id: str) -> str:
        """Return an entity id.

        Raises:
            RigError: when there is no such entity.
        """
        found = self._ids.get((domain, unique_id))
        if found is None:
            raise RigError(f"there is no entity {domain} with unique id {unique_id}")
        return found

    def state(self, domain: str, unique_id: str) -> str | None:
        """Return the present state, None when there is none yet."""
        found = self._ids.get((domain, unique_id))
        present = self._socket.states.get(found) if found else None
        return present.state if present else None

    def number(self, domain: str, unique_id: str) -> float:
        """Return the present state as a number, NaN when it is none."""
        try:
            return float(self.state(domain, unique_id) or "")
        except ValueError:
            return math.nan

    def changes(self, domain: str, unique_id: str) -> list[StateChange]:
        """Return every state that an entity had since the rig connected first."""
        entity_id = self.id(domain, unique_id)
        return [c for c in self._socket.changes if c.entity_id == entity_id]

    async def act(
        self, action: str, unique_id: str, data: Mapping[str, Any] | None = None
    ) -> None:
        """Perform an entity's action, for example ``button.press``.

        Raises:
            ActionError: when it fails.
            RigError: when there is no such entity.
        """
        entity_id = self.id(action.partition(".")[0], unique_id)
        await self._socket.act(action, {"entity_id": entity_id}, **(data or {}))
