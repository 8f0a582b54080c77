"""The virtual charging station in a process of its own, and what it tells."""

from pathlib import Path
import sys
from typing import Any

import aiohttp

from .measured import Call, Measured, Sample
from .processes import Child, RigError, Supervisor

READY_TIMEOUT_S = 30.0
"""It reads the OCPP schemas first: 2 s here, ten times that on a small machine."""

REQUEST_TIMEOUT_S = 10.0

RECONNECT_MAX_S = 2.0
"""Shorter than a real charger's, so that a restart costs the run seconds, not half a
minute. What is measured between a loss and the next link does not depend on it."""


class Station:
    """One station process: start, plug, unplug, read the truth."""

    def __init__(self, supervisor: Supervisor, password_path: Path) -> None:
        """Prepare; nothing runs yet.

        Args:
            supervisor: starts the process and ends it in any case.
            password_path: file with the station's password.
        """
        self.measured = Measured()
        self._supervisor = supervisor
        self._password_path = password_path
        self._child: Child | None = None
        self._session: aiohttp.ClientSession | None = None
        self._base_url = ""
        self._seen_mono_s = 0.0

    @property
    def process(self) -> Child:
        """Return the process of the last start.

        Raises:
            RigError: when it was never started.
        """
        if self._child is None:
            raise RigError("the station was not started")
        return self._child

    async def start(self, url: str, identity: str, *options: str) -> None:
        """Start the station, also again; it dials until somebody answers.

        Args:
            url: of the home.
            identity: of the station.
            options: more of its command line.

        Raises:
            RigError: when the process does not come up.
        """
        self._child = self._supervisor.start(
            "station",
            [
                sys.executable,
                "-m",
                "script.rig.station_process",
                *("--url", url),
                *("--identity", identity),
                *("--password-file", self._password_path),
                *("--reconnect-max", str(RECONNECT_MAX_S)),
                *("--control-port", "0"),
                *options,
            ],
        )
        await self.close()
        facts = await self._child.ready(READY_TIMEOUT_S)
        self._base_url = f"http://127.0.0.1:{facts['control_port']}"
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S)
        )

    async def close(self) -> None:
        """Close the connections to it; the supervisor ends the process."""
        if self._session is not None:
            await self._session.close()

    async def status(self) -> dict[str, Any]:
        """Return the truth of this moment."""
        return await self._ask("GET", "/status")

    async def act(self, name: str) -> dict[str, Any]:
        """Do what a person does: plug, unplug, emergency_stop, release, reboot."""
        return await self._ask("POST", f"/{name}")

    async def set_soc(self, percent: float) -> None:
        """Put the battery to a state of charge."""
        await self._ask("POST", "/soc", {"percent": percent})

    async def set_fault(self, name: str, *, is_on: bool) -> None:
        """Begin or end a misbehaviour of the station."""
        await self._ask("POST", "/fault", {"name": name, "on": is_on})

    async def set_clock(self, **changes: float) -> None:
        """Let its clock jump or drift: ``step_s``, ``drift_ppm``."""
        await self._ask("POST", "/clock", changes)

    async def read(self) -> Measured:
        """Take over what happened since the last call; return all of it."""
        found = await self._ask("GET", f"/trace?since={self._seen_mono_s!r}")
        measured = self.measured
        newest = self._seen_mono_s
        for mono_s, power_w, _commanded_w in found["power"]:
            measured.samples.append(Sample(mono_s, power_w))
            newest = max(newest, mono_s)
        for event in found["events"]:
            newest = max(newest, event["t_mono"])
            self._take(event)
        self._seen_mono_s = newest
        return measured

    def _take(self, event: dict[str, Any]) -> None:
        if event["kind"] == "link_down":
            self.measured.link_ends.append(event["t_mono"])
        elif event.get("type") == "call":
            call = Call(event["t_mono"], event["action"], event["payload"], event["id"])
            is_received = event["kind"] == "received"
            calls = self.measured.calls if is_received else self.measured.sent
            calls.append(call)
        elif event["kind"] == "sent" and event.get("type") == "result":
            self.measured.answers[event["id"]] = event["payload"]

    async def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        assert self._session is not None, "the station was not started"
        async with self._session.request(
            method, f"{self._base_url}{path}", json=body
        ) as reply:
            reply.raise_for_status()
            answer: dict[str, Any] = await reply.json()
            return answer
