"""Programs that the rig starts, waits for, freezes, kills and never leaves behind."""

import asyncio
from collections.abc import Mapping, Sequence
import contextlib
import json
import os
from pathlib import Path
from random import SystemRandom
import signal
import socket
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]

POLL_S = 0.02

STOP_TIMEOUT_S = 30.0
"""Home Assistant waits up to 20 s for its own shutdown stages before it gives up."""

KILL_TIMEOUT_S = 5.0
"""A killed process is gone within milliseconds unless the kernel is stuck."""


PORTS = (20_000, 32_000)
"""Linux gives those from 32,768 to outgoing connections, others those from 49,152."""

PORT_ATTEMPTS = 100
_RANDOM = SystemRandom()
"""Two runs at once must not try the same ports in the same order."""


class RigError(Exception):
    """Carry one line that says what is missing or went wrong, and what to do."""


class Supervisor:
    """Starts programs and makes sure that each of them ends; a context manager."""

    def __init__(self, log_directory: Path) -> None:
        """Prepare; nothing runs yet.

        Args:
            log_directory: where each program's output goes, a file each.
        """
        self.log_directory = log_directory
        self._children: list[Child] = []
        self._guard: subprocess.Popen[str] | None = None

    async def __aenter__(self) -> Self:
        """Start the guard that survives this process."""
        self.log_directory.mkdir(parents=True, exist_ok=True)
        self._guard = subprocess.Popen(  # noqa: ASYNC220 - a fork takes milliseconds
            [sys.executable, "-m", "script.rig.guard"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop every program, the last one first."""
        for child in reversed(self._children):
            await child.stop()
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            await asyncio.to_thread(self._guard.wait)

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
    ) -> Child:
        """Start a program.

        Args:
            name: names the log file; a later program of that name appends to it.
            command: program and arguments.
            env: what to add to the environment.

        Raises:
            RigError: when the program is missing.
        """
        child = Child(name, command, self.log_directory / f"{name}.log", env or {})
        child.start()
        self._children.append(child)
        self.watch(child.pid)
        return child

    def watch(self, pid: int) -> None:
        """Have a process ended by the guard should this program be killed."""
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.write(f"add {pid}\n")
            self._guard.stdin.flush()


class Child:
    """One program with its output in a file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log_path: Path,
        env: Mapping[str, str],
    ) -> None:
        """Prepare a program; see ``Supervisor.start``."""
        self.name = name
        self.log_path = log_path
        self._command = [str(part) for part in command]
        self._env = {**os.environ, **env}
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def pid(self) -> int:
        """Return the process id.

        Raises:
            RigError: when it was not started.
        """
        return self._started().pid

    @property
    def is_running(self) -> bool:
        """Return True while the process lives, also while it is frozen."""
        return self._process is not None and self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """Return the exit code, negative for a signal, None while it runs."""
        return self._started().poll()

    def start(self) -> None:
        """Start the program.

        Raises:
            RigError: when the program is missing.
        """
        with self.log_path.open("ab") as log:
            self._log_start = log.tell()
            try:
                self._process = subprocess.Popen(
                    self._command,
                    cwd=ROOT,
                    env=self._env,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    # Ctrl-C reaches only the rig, which stops things in order.
                    start_new_session=True,
                )
            except FileNotFoundError as err:
                raise RigError(
                    f"{self._command[0]} is missing: run script/setup"
                ) from err

    def log_text(self) -> str:
        """Return what the program has printed since its last start."""
        with self.log_path.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    async def ready(self, timeout_s: float) -> dict[str, Any]:
        """Wait for the line `READY {json}` and return its object.

        Raises:
            RigError: when the program ends first or takes too long.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    for line in self.log_text().splitlines(keepends=True):
                        if line.startswith("READY ") and line.endswith("\n"):
                            facts: dict[str, Any] = json.loads(line[6:])
                            return facts
                    self.check_running()
                    await asyncio.sleep(POLL_S)
        except TimeoutError as err:
            raise RigError(
                f"{self.name} was not ready within {timeout_s:.0f} s:"
                f" {self.last_words()}"
            ) from err

    def check_running(self) -> None:
        """Do nothing while the program runs.

        Raises:
            RigError: with its exit code and its last words.
        """
        if not self.is_running:
            raise RigError(
                f"{self.name} ended with code {self.returncode}: {self.last_words()}"
            )

    def last_words(self) -> str:
        """Return the last line that the program printed, and where the rest is."""
        lines = [line for line in self.log_text().splitlines() if line.strip()]
        return f"{lines[-1] if lines else 'it said nothing'} (log: {self.log_path})"

    def freeze(self) -> None:
        """Stop the process in its tracks; its sockets stay open and silent."""
        self._started().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process continue."""
        self._started().send_signal(signal.SIGCONT)

    def terminate(self) -> None:
        """Ask the process to end, and do not wait for it."""
        self._started().send_signal(signal.SIGTERM)

    async def kill(self) -> None:
        """End the process without a last word, as a power cut would."""
        self._started().kill()
        await self.wait(KILL_TIMEOUT_S)

    async def wait(self, timeout_s: float) -> int:
        """Return the exit code once the process has ended.

        Raises:
            TimeoutError: when it does not end in time.
        """
        async with asyncio.timeout(timeout_s):
            while (code := self._started().poll()) is None:
                await asyncio.sleep(POLL_S)
        return code

    async def stop(self) -> None:
        """End the process; a frozen one is thawed first, a stuck one is killed."""
        if self._process is None or not self.is_running:
            return
        self.terminate()
        self.thaw()
        try:
            await self.wait(STOP_TIMEOUT_S)
        except TimeoutError:
            await self.kill()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RigError(f"{self.name} was not started")
        return self._process


def is_port_taken(port: int) -> bool:
    """Tell whether some program listens on a port of the loopback interface."""
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def refuse_taken_port(port: int) -> None:
    """Do nothing when a port of the loopback interface is free.

    Raises:
        RigError: naming the port and what to do, when it is not.
    """
    if is_port_taken(port):
        raise RigError(
            f"port {port} is in use: stop what uses it, or choose another one with"
            " --port"
        )


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody uses now.

    Below those that the kernel gives to outgoing connections: one of them would take the
    port of a program that was killed and is about to start again.
    """
    for _ in range(PORT_ATTEMPTS):
        port = _RANDOM.randrange(*PORTS)
        if not is_port_taken(port):
            return port
    raise RigError(f"no free port from {PORTS[0]} to {PORTS[1]}")
