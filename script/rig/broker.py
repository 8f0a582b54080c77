"""A real mosquitto on the loopback interface, configured as the contract asks.

Used by the tests and by the demo. The broker runs as a child process and is ended by
its own process id.
"""

from collections.abc import Callable, Mapping
import contextlib
from dataclasses import dataclass
import os
from pathlib import Path
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from types import TracebackType
from typing import Self

from .processes import free_port

DOCUMENTED = Path(__file__).parents[2] / "docs" / "mosquitto.conf"
"""What an operator is told to use is what everything here is tested with."""

LISTEN_TIMEOUT_S = 10.0
"""mosquitto listens within 50 ms; a loaded machine may take a hundred times that."""

STOP_TIMEOUT_S = 5.0
"""It ends within milliseconds; whatever is longer is stuck and gets killed."""

POLL_S = 0.02

PORT_ATTEMPTS = 5
"""Another program may take an ephemeral port between its choice and its use."""


class BrokerError(Exception):
    """Carry one line that says why the broker does not run."""


class PortTakenError(BrokerError):
    """Carry the port that another program listens on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFiles:
    """What the broker trusts, what it is, and who may do what."""

    root: Path
    revoked: Path
    certificate: Path
    key: Path
    access_list: Path

    @classmethod
    def in_data_directory(cls, data: Path) -> BrokerFiles:
        """Return the files that ``python -m aggregator init --data`` made."""
        return cls(
            root=data / "authority" / "root.pem",
            revoked=data / "authority" / "crl.pem",
            certificate=data / "authority" / "server.pem",
            key=data / "authority" / "server.key",
            access_list=data / "broker" / "access.list",
        )


class Broker:
    """One mosquitto: start, freeze, thaw, reload, stop; also a context manager."""

    def __init__(
        self,
        directory: Path,
        files: BrokerFiles,
        *,
        port: int = 0,
        executable: str | None = None,
    ) -> None:
        """Prepare a broker; nothing runs yet.

        Args:
            directory: where its configuration, log and process id are written.
            files: certificates and access list.
            port: TCP port on 127.0.0.1; 0 takes a free one and keeps it over
                restarts, so that clients find the broker again.
            executable: the program; None looks beside this Python and on the PATH.
        """
        self.directory = directory
        self.files = files
        self.port = port
        self.log_path = directory / "mosquitto.log"
        self.pid_path = directory / "mosquitto.pid"
        self._has_own_port = port == 0
        self._executable = executable
        self._log_begin = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Return the process id.

        Raises:
            BrokerError: when it does not run.
        """
        return self._running().pid

    @property
    def is_running(self) -> bool:
        """Return True while the process lives, also while it is frozen."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the broker and return once it listens.

        Raises:
            BrokerError: when mosquitto is missing, refuses its configuration, or
                somebody else has the port.
        """
        if self.is_running:
            return
        executable = self._executable or find_mosquitto()
        self._check_files()
        self.directory.mkdir(parents=True, exist_ok=True)
        for attempts_left in reversed(range(PORT_ATTEMPTS)):
            if self.port == 0:
                self.port = free_port()
            try:
                self._start_once(executable)
            except PortTakenError:
                if not self._has_own_port or attempts_left == 0:
                    raise
                self.port = 0
            else:
                return

    def stop(self) -> None:
        """End the broker; a frozen one is thawed first, a stuck one is killed."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the broker without a last word, as a power cut would."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop the process in its tracks; its sockets stay open and silent."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen broker continue."""
        self._running().send_signal(signal.SIGCONT)

    def reload(self) -> None:
        """Make the broker read its access list and revocation list again."""
        self._running().send_signal(signal.SIGHUP)

    def log_text(self) -> str:
        """Return what the broker has logged so far."""
        try:
            return self.log_path.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def __enter__(self) -> Self:
        """Start the broker."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the broker."""
        self.stop()

    def _start_once(self, executable: str) -> None:
        if _is_port_taken(self.port):
            raise PortTakenError(f"port {self.port} is in use: choose another one")
        config = self.directory / "mosquitto.conf"
        config.write_text(self._configuration())
        self._log_begin = self.log_path.stat().st_size if self.log_path.exists() else 0
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [executable, "-c", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            _wait_until(self._is_listening, LISTEN_TIMEOUT_S)
        except TimeoutError as err:
            self.kill()
            raise BrokerError(
                f"mosquitto does not listen on port {self.port}: see {self.log_path}"
            ) from err

    def _is_listening(self) -> bool:
        if not self.is_running:
            self._process = None
            kind = PortTakenError if _is_port_taken(self.port) else BrokerError
            raise kind(
                f"mosquitto ended at once on port {self.port}: {self._last_error()}"
            )
        # It listens before it reads its certificates, and may end on them: only its
        # own word counts, and only that of this start.
        return " running\n" in self._log_of_this_start()

    def _log_of_this_start(self) -> str:
        return self.log_path.read_bytes()[self._log_begin :].decode(errors="replace")

    def _last_error(self) -> str:
        text = self._log_of_this_start()
        lines = [line for line in text.splitlines() if "Error" in line]
        return lines[-1].split("Error:")[-1].strip() if lines else str(self.log_path)

    def _configuration(self) -> str:
        """Return the documented configuration with our own paths, port, user and log."""
        files = self.files
        return configuration(
            DOCUMENTED.read_text(),
            {
                "listener": f"{self.port} 127.0.0.1",
                "cafile": files.root,
                "crlfile": files.revoked,
                "certfile": files.certificate,
                "keyfile": files.key,
                "acl_file": files.access_list,
                "pid_file": self.pid_path,
                "log_dest": f"file {self.log_path}",
                # Started by root it would become another user, who could not read
                # the private files again at a reload.
                "user": pwd.getpwuid(os.geteuid()).pw_name,
            },
        )

    def _check_files(self) -> None:
        files = self.files
        for path in (
            files.root,
            files.revoked,
            files.certificate,
            files.key,
            files.access_list,
        ):
            if not path.is_file():
                raise BrokerError(
                    f"{path} is missing: run 'python -m aggregator init' first"
                )

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise BrokerError("the broker does not run")
        return self._process

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(how)
            process.send_signal(signal.SIGCONT)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()
        with contextlib.suppress(FileNotFoundError):
            self.pid_path.unlink()


def configuration(text: str, own: Mapping[str, object]) -> str:
    """Return a configuration with other values of some settings.

    Args:
        text: of mosquitto.
        own: values by setting.

    Raises:
        BrokerError: naming a setting that is not in the text exactly once.
    """
    lines, left = [], set(own)
    for line in text.splitlines():
        name = line.partition(" ")[0]
        if name not in own:
            lines.append(line)
            continue
        if name not in left:
            raise BrokerError(f"{name} is set twice")
        left.remove(name)
        lines.append(f"{name} {own[name]}")
    if left:
        raise BrokerError(f"not set: {', '.join(sorted(left))}")
    return "\n".join([*lines, ""])


def find_mosquitto() -> str:
    """Return the path of mosquitto.

    Raises:
        BrokerError: naming the program and how to get it.
    """
    beside = str(Path(sys.executable).parent)
    places = os.pathsep.join([beside, os.environ.get("PATH", ""), "/usr/sbin"])
    found = shutil.which("mosquitto", path=places)
    if found is None:
        raise BrokerError(
            "mosquitto is missing: run script/setup, or install it with "
            "'apt-get install --no-install-recommends mosquitto'"
        )
    return found


def _is_port_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_until(condition: Callable[[], bool], timeout_s: float) -> None:
    deadline_mono_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline_mono_s:
            raise TimeoutError
        time.sleep(POLL_S)
