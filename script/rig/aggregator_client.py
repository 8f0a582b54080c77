"""The reference aggregator and its broker, as their operator uses them."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
import subprocess
import sys
from typing import Any

import aiohttp

from .broker import Broker, BrokerError, BrokerFiles
from .processes import ROOT, Child, RigError, Supervisor

REGION = "north"
HOME_ID = "home-0001"
HEARTBEAT_S = 2
RECONNECT_MAX_S = 4
"""The shortest period that the contract names, so that a run waits less."""

TELEMETRY_S = 1

READY_TIMEOUT_S = 30.0
REQUEST_TIMEOUT_S = 10.0
INIT_TIMEOUT_S = 30.0


class Aggregator:
    """An aggregator in a process, beside a mosquitto in another."""

    def __init__(self, supervisor: Supervisor, directory: Path, http_port: int) -> None:
        """Prepare; nothing runs yet.

        Args:
            supervisor: starts the process and ends it in any case.
            directory: data of both programs.
            http_port: of the operator's page; 0 takes a free one.
        """
        self._supervisor = supervisor
        self._directory = directory
        self._http_port = http_port
        self._session: aiohttp.ClientSession | None = None
        self._child: Child | None = None
        self.base_url = ""
        self.env: Mapping[str, str] = {}
        """What to add to the environment of its process."""
        data = directory / "aggregator"
        self.broker = Broker(directory / "broker", BrokerFiles.in_data_directory(data))

    async def start(self) -> None:
        """Make the authority and keys, then start the broker and the aggregator.

        Raises:
            RigError: when one of them does not come up.
        """
        data = self._directory / "aggregator"
        await asyncio.to_thread(self._init, data)
        await self.start_broker()
        await self.start_service()

    @property
    def process(self) -> Child:
        """Return the process of the last start.

        Raises:
            RigError: when it was never started.
        """
        if self._child is None:
            raise RigError("the aggregator was not started")
        return self._child

    async def start_service(self) -> None:
        """Start the aggregator alone, also again.

        Raises:
            RigError: when it does not come up.
        """
        data = self._directory / "aggregator"
        self._child = self._supervisor.start(
            "aggregator",
            [
                *(sys.executable, "-m", "aggregator", "serve"),
                *("--data", data),
                *("--broker", f"127.0.0.1:{self.broker.port}"),
                *("--broker-pid-file", self.broker.pid_path),
                *("--http", str(self._http_port)),
                *("--heartbeat-s", str(HEARTBEAT_S)),
                # One home cannot flood this broker: it may come back at once.
                *("--reconnect-max-s", str(RECONNECT_MAX_S)),
                *("--telemetry-s", str(TELEMETRY_S)),
                *("--region", REGION),
            ],
            env=self.env,
        )
        facts = await self._child.ready(READY_TIMEOUT_S)
        await self.close()
        self.base_url = facts["http"]
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S)
        )

    async def close(self) -> None:
        """Close the connections; the supervisor ends the aggregator's process."""
        if self._session is not None:
            await self._session.close()

    async def start_broker(self) -> None:
        """Start the broker on the port that it had before.

        Raises:
            RigError: when mosquitto is missing or does not start.
        """
        try:
            await asyncio.to_thread(self.broker.start)
        except BrokerError as err:
            raise RigError(str(err)) from err
        self._supervisor.watch(self.broker.pid)

    async def stop_broker(self) -> None:
        """End the broker."""
        await asyncio.to_thread(self.broker.stop)

    async def invite(self) -> dict[str, Any]:
        """Return an invitation for the home."""
        return await self._ask("POST", "/api/homes", {"home_id": HOME_ID})

    async def home(self) -> dict[str, Any]:
        """Return all that the aggregator knows of the home."""
        return await self._ask("GET", f"/api/homes/{HOME_ID}")

    async def overview(self) -> dict[str, Any]:
        """Return what the operator's page shows."""
        return await self._ask("GET", "/api/overview")

    async def command(
        self,
        kind: str,
        power_w: int | None = None,
        duration_s: int = 900,
        **more: str,
    ) -> dict[str, Any]:
        """Send a command; return its id and ``published_t_mono``.

        Args:
            kind: of the contract.
            power_w: for a setpoint or a limit.
            duration_s: from now on.
            more: ``resource``, ``event_id``.

        Raises:
            RigError: when the aggregator refuses, for example an absent home.
        """
        body: dict[str, Any] = {"kind": kind, "duration_s": duration_s, **more}
        if power_w is not None:
            body["power_w"] = power_w
        return await self._ask("POST", f"/api/homes/{HOME_ID}/command", body)

    async def acks_of(self, command_id: str) -> list[dict[str, Any]]:
        """Return the answers to one command, oldest first."""
        acks = (await self.home())["acks"]
        return [ack for ack in acks if ack["command_id"] == command_id]

    async def last_heartbeat(self) -> float | None:
        """Return when the last heartbeat was published, monotonic seconds."""
        last: float | None = (await self.overview())["heartbeat"]["last_t_mono"]
        return last

    def _init(self, data: Path) -> None:
        if (data / "settings.json").exists():
            return
        command = [sys.executable, "-m", "aggregator", "init", "--data", str(data)]
        done = subprocess.run(
            [*command, "--region", REGION],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=INIT_TIMEOUT_S,
            check=False,
        )
        if done.returncode != 0:
            raise RigError(f"the aggregator cannot be made: {done.stderr.strip()}")

    async def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        assert self._session is not None, "the aggregator was not started"
        async with self._session.request(
            method, f"{self.base_url}{path}", json=body
        ) as reply:
            if reply.status >= 300:
                text = (await reply.text())[:300]
                raise RigError(f"aggregator {path}: {reply.status} {text}")
            answer: dict[str, Any] = await reply.json()
            return answer
