"""What a program or a person asks of Home Assistant over REST."""

import asyncio
from collections.abc import Callable, Mapping
import json
import time
from typing import Any, Self

import aiohttp

from .processes import RigError

USER_NAME = "demo"
USER_PASSWORD = "demo"  # noqa: S105 - printed by the demo, on the loopback only

POLL_S = 0.1

REQUEST_TIMEOUT_S = 30.0
"""The slowest request is a flow step that connects to a broker."""


class FlowError(Exception):
    """Carry what a flow answered instead of what was expected."""


class HomeAssistantClient:
    """REST of one Home Assistant; keeps its token across restarts."""

    def __init__(self, base_url: str) -> None:
        """Prepare; no connection is made yet."""
        self.base_url = base_url
        self.token = ""
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """Return the session, made on first use inside the running loop."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S)
            )
        return self._session

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def wait_until_up(
        self, check_running: Callable[[], None], timeout_s: float
    ) -> None:
        """Return once the web server answers.

        Args:
            check_running: raises when there is nothing left to wait for.
            timeout_s: how long to wait.

        Raises:
            RigError: when it does not answer in time.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            check_running()
            try:
                async with self.session.get(f"{self.base_url}/manifest.json") as reply:
                    if reply.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(POLL_S)
        raise RigError(f"{self.base_url} did not answer within {timeout_s:.0f} s")

    async def sign_in(self) -> None:
        """Create the user of a new Home Assistant and keep a token of theirs.

        Raises:
            RigError: when Home Assistant refuses.
        """
        client_id = f"{self.base_url}/"
        user = {
            "client_id": client_id,
            "name": "Demo",
            "username": USER_NAME,
            "password": USER_PASSWORD,
            "language": "en",
        }
        created = await self.request("POST", "/api/onboarding/users", body=user)
        form = {
            "grant_type": "authorization_code",
            "code": created["auth_code"],
            "client_id": client_id,
        }
        async with self.session.post(f"{self.base_url}/auth/token", data=form) as reply:
            if reply.status != 200:
                raise RigError(f"no token: {reply.status} {await reply.text()}")
            self.token = (await reply.json())["access_token"]
        self.token = await self._long_lived_token()

    async def request(
        self, method: str, path: str, *, body: Mapping[str, Any] | None = None
    ) -> Any:
        """Send one request and return the JSON of the answer.

        Raises:
            RigError: when the status is not one of success.
        """
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self.session.request(
            method, f"{self.base_url}{path}", json=body, headers=headers
        ) as reply:
            text = await reply.text()
            if reply.status >= 300:
                raise RigError(f"{method} {path}: {reply.status} {text[:500]}")
        return json.loads(text) if text else None

    async def entries(self, domain: str) -> list[dict[str, Any]]:
        """Return the config entries of an integration, with their states."""
        found: list[dict[str, Any]] = await self.request(
            "GET", f"/api/config/config_entries/entry?domain={domain}"
        )
        return found

    async def _long_lived_token(self) -> str:
        # The token of a login ends after 30 minutes.
        async with self.session.ws_connect(f"{self.base_url}/api/websocket") as ws:
            await ws.receive_json()
            await ws.send_json({"type": "auth", "access_token": self.token})
            await ws.receive_json()
            request = {
                "id": 1,
                "type": "auth/long_lived_access_token",
                "client_name": "rig",
                "lifespan": 365,
            }
            await ws.send_json(request)
            reply = await ws.receive_json()
        return str(reply["result"])


class Flow:
    """One config or subentry flow, step by step as the web interface walks it."""

    def __init__(
        self, client: HomeAssistantClient, path: str, result: dict[str, Any]
    ) -> None:
        """Hold the last answer of a flow; use ``start``."""
        self._client = client
        self._path = path
        self.result = result
        """The last answer: type, step_id, errors, data_schema, placeholders, ..."""

    @classmethod
    async def start(cls, client: HomeAssistantClient, domain: str) -> Self:
        """Begin to set up an integration."""
        path = "/api/config/config_entries/flow"
        body = {"handler": domain, "show_advanced_options": False}
        return cls(client, path, await client.request("POST", path, body=body))

    @classmethod
    async def start_subentry(
        cls, client: HomeAssistantClient, entry_id: str, kind: str
    ) -> Self:
        """Begin to add a subentry of one type to an entry."""
        path = "/api/config/config_entries/subentries/flow"
        body = {"handler": [entry_id, kind]}
        return cls(client, path, await client.request("POST", path, body=body))

    @classmethod
    async def start_options(cls, client: HomeAssistantClient, entry_id: str) -> Self:
        """Begin to change the options of an entry."""
        path = "/api/config/config_entries/options/flow"
        body = {"handler": entry_id}
        return cls(client, path, await client.request("POST", path, body=body))

    async def submit(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Answer the current step and return what the flow says next."""
        path = f"{self._path}/{self.result['flow_id']}"
        self.result = await self._client.request("POST", path, body=values)
        return self.result

    def expect(self, kind: str, step_id: str | None = None) -> dict[str, Any]:
        """Return the last answer when it is of that type and step.

        Raises:
            FlowError: with the answer, when it is another one.
        """
        seen = self.result
        if seen["type"] != kind or (step_id and seen.get("step_id") != step_id):
            said = {
                key: seen.get(key) for key in ("type", "step_id", "reason", "errors")
            }
            raise FlowError(f"expected {kind} {step_id or ''}, got {said}")
        return seen
