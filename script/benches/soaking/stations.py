"""The process with the stations, as the soak uses it."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
import json
import sys
from typing import Any, Self

from script.rig.processes import ROOT, RigError, Supervisor

ANSWER_S = 30.0


class Stations:
    """Virtual stations that plug, talk and lose their link when they are told."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Take the process; see ``start``."""
        self._process = process
        self._turn = asyncio.Lock()

    @classmethod
    async def start(
        cls,
        supervisor: Supervisor,
        url: str,
        password: str,
        protocols: Mapping[str, str],
        vehicles: Mapping[str, str],
    ) -> Self:
        """Start the stations; they dial by themselves.

        Args:
            supervisor: ends the process should this program be killed.
            url: of the listener, without an identity.
            password: of all of them.
            protocols: what each speaks, by identity.
            vehicles: what the car at a station calls itself, by identity.
        """
        job = {
            "url": url,
            "password": password,
            "stations": dict(protocols),
            "vehicles": dict(vehicles),
        }
        log = (supervisor.log_directory / "stations.log").open("ab")
        with log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "script.benches.soaking.stations_process",
                json.dumps(job),
                cwd=ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                limit=1 << 20,
                start_new_session=True,
            )
        supervisor.watch(process.pid)
        stations = cls(process)
        await stations._line()
        return stations

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    async def status(self) -> dict[str, dict[str, Any]]:
        """Return the truth about every station."""
        return await self._ask({"do": "status"})

    async def act(self, name: str, identity: str, **more: float) -> None:
        """Plug, unplug, drop, restore, reboot, or set the state of charge."""
        await self._ask({"do": name, "id": identity, **more})

    async def stop(self) -> None:
        """Let them hang up."""
        if self._process.returncode is None and self._process.stdin is not None:
            self._process.stdin.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_S):
                    await self._process.wait()
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def _ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        async with self._turn:
            if self._process.stdin is None:
                raise RigError("the stations have no input")
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            answer: dict[str, Any] = json.loads(await self._line())
            return answer

    async def _line(self) -> bytes:
        if self._process.stdout is None:
            raise RigError("the stations have no output")
        async with asyncio.timeout(ANSWER_S):
            line = await self._process.stdout.readline()
        if not line:
            raise RigError("the stations ended early, see stations.log")
        return line
