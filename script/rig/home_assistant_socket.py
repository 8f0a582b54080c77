"""Home Assistant's WebSocket: states as they change, actions, the registries."""

import asyncio
from collections.abc import Mapping
import contextlib
from dataclasses import dataclass
import itertools
import time
from typing import Any

import aiohttp

from .home_assistant_client import HomeAssistantClient
from .processes import RigError

REQUEST_TIMEOUT_S = 30.0
"""The slowest action waits for a station's answer, 15 s at the most."""

POLL_S = 0.1


class ActionError(Exception):
    """Carry the code, translation key and text of an action that failed."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        """Keep what Home Assistant said."""
        super().__init__(f"{error.get('code')}: {error.get('message')}")
        self.code = error.get("code")
        self.translation_key = error.get("translation_key")


@dataclass(frozen=True, slots=True)
class StateChange:
    """One state as it came in."""

    entity_id: str
    state: str
    attributes: Mapping[str, Any]
    received_mono_s: float
    """``time.monotonic()`` of the rig; comparable across this machine's processes."""


class LinkCutError(RigError):
    """Say that Home Assistant ended the connection."""


class HomeAssistantSocket:
    """One connection that follows every state; made anew after each restart."""

    def __init__(self, client: HomeAssistantClient) -> None:
        """Prepare; no connection is made yet."""
        self.states: dict[str, StateChange] = {}
        """The present state of every entity."""
        self.changes: list[StateChange] = []
        """Every change since the first connection, also across restarts."""
        self._client = client
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._subscription = 0

    @property
    def is_connected(self) -> bool:
        """Return True while the connection is open, also to a frozen process."""
        return self._reader is not None and not self._reader.done()

    async def connect(self) -> None:
        """Open the connection, read all states and follow their changes.

        Raises:
            RigError: when the token is refused.
        """
        await self.close()
        self._ws = await self._client.session.ws_connect(
            f"{self._client.base_url}/api/websocket", max_msg_size=0
        )
        await self._ws.receive_json()
        await self._ws.send_json({"type": "auth", "access_token": self._client.token})
        reply = await self._ws.receive_json()
        if reply["type"] != "auth_ok":
            raise RigError(f"Home Assistant refuses the token: {reply}")
        self._reader = asyncio.create_task(self._read(self._ws))
        self.states.clear()
        self._subscription = next(self._numbers)
        await self._ask(
            self._subscription,
            {"type": "subscribe_events", "event_type": "state_changed"},
        )
        now = time.monotonic()
        for state in await self.call("get_states"):
            self._keep(state, now)

    async def close(self) -> None:
        """Close the connection; the changes seen so far are kept."""
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
            self._reader = None
        if self._ws is not None:
            # A frozen peer answers no closing handshake.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._ws.close()
            self._ws = None

    async def wait_until_running(self, timeout_s: float) -> None:
        """Return once the start of Home Assistant is complete.

        Raises:
            RigError: when it takes longer.
        """
        deadline = time.monotonic() + timeout_s
        while (await self.call("get_config"))["state"] != "RUNNING":
            if time.monotonic() > deadline:
                raise RigError(f"Home Assistant did not start within {timeout_s:g} s")
            await asyncio.sleep(POLL_S)

    async def call(self, kind: str, **arguments: Any) -> Any:
        """Send one command and return its result.

        Raises:
            ActionError: when Home Assistant answers with an error.
        """
        return await self._ask(next(self._numbers), {"type": kind, **arguments})

    async def act(
        self,
        action: str,
        target: Mapping[str, Any] | None = None,
        **data: Any,
    ) -> Any:
        """Perform an action such as ``button.press`` and wait until it is done.

        Raises:
            ActionError: when it fails.
        """
        domain, _, service = action.partition(".")
        return await self.call(
            "call_service",
            domain=domain,
            service=service,
            target=dict(target or {}),
            service_data=data,
        )

    async def entities(self, platform: str) -> list[dict[str, Any]]:
        """Return the registry entries of an integration, disabled ones included."""
        every = await self.call("config/entity_registry/list")
        return [entry for entry in every if entry["platform"] == platform]

    async def devices(self) -> list[dict[str, Any]]:
        """Return every device."""
        found: list[dict[str, Any]] = await self.call("config/device_registry/list")
        return found

    async def enable(self, entity_id: str) -> None:
        """Enable an entity; Home Assistant loads it some 30 s later or on reload."""
        await self.call(
            "config/entity_registry/update", entity_id=entity_id, disabled_by=None
        )

    async def _ask(self, number: int, message: dict[str, Any]) -> Any:
        if self._ws is None or not self.is_connected:
            raise RigError("there is no connection to Home Assistant")
        answer = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            await self._ws.send_json({"id": number, **message})
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                reply: dict[str, Any] = await answer
        except TimeoutError as err:
            raise RigError(
                f"no answer to {message['type']} in {REQUEST_TIMEOUT_S:g} s"
            ) from err
        finally:
            del self._waiting[number]
        if not reply["success"]:
            raise ActionError(reply["error"])
        return reply["result"]

    async def _read(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        try:
            async for frame in ws:
                now = time.monotonic()
                content = frame.json()
                for message in content if isinstance(content, list) else [content]:
                    self._receive(message, now)
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(LinkCutError("Home Assistant closed the link"))

    def _receive(self, message: dict[str, Any], now_mono_s: float) -> None:
        number = message["id"]
        if message["type"] == "event" and number == self._subscription:
            data = message["event"]["data"]
            if data["new_state"] is None:
                self.states.pop(data["entity_id"], None)
            else:
                self._keep(data["new_state"], now_mono_s)
            return
        answer = self._waiting.get(number)
        if answer is not None and not answer.done():
            answer.set_result(message)

    def _keep(self, state: Mapping[str, Any], now_mono_s: float) -> None:
        change = StateChange(
            state["entity_id"], state["state"], state["attributes"], now_mono_s
        )
        self.states[change.entity_id] = change
        self.changes.append(change)
