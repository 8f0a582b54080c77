"""A real Home Assistant in a process and a folder of its own.

It listens on the loopback interface alone, needs no person to be set up, and loads the
integration of this checkout.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
import json
from pathlib import Path
import sys
import time

from .home_assistant_client import HomeAssistantClient
from .home_assistant_socket import HomeAssistantSocket, LinkCutError
from .processes import ROOT, Child, RigError, Supervisor, refuse_taken_port

HOST = "127.0.0.1"

START_TIMEOUT_S = 90.0
"""It is up in 3 to 5 s; the first start on a slow disk compiles a thousand files."""

CONFIGURATION = """\
# A minimal Home Assistant: the web interface and what the energy pages need.
homeassistant:
  name: Demo home
  country: DE
  language: en
  time_zone: UTC
  unit_system: metric
  latitude: 52.5
  longitude: 13.4
automation: []
config:
energy:
frontend:
history:
logbook:
logger:
  default: warning
  logs:
    custom_components.v2g_vpp: info
    # The web interface loads these; this home has no camera to use them for.
    haffmpeg: critical
    homeassistant.components.camera.img_util: critical
my:
recorder:
  commit_interval: 1
sun:
"""


class HomeAssistant:
    """One Home Assistant: start, stop, freeze, kill, start again in the same folder."""

    def __init__(self, supervisor: Supervisor, directory: Path, port: int) -> None:
        """Prepare; nothing runs yet.

        Args:
            supervisor: starts the process and ends it in any case.
            directory: configuration folder; made when it does not exist.
            port: TCP port of the web interface.
        """
        self.directory = directory
        self.port = port
        self.env: Mapping[str, str] = {}
        """What to add to the environment of its process."""
        self.client = HomeAssistantClient(f"http://{HOST}:{port}")
        self.socket = HomeAssistantSocket(self.client)
        self._supervisor = supervisor
        self._child: Child | None = None

    @property
    def process(self) -> Child:
        """Return the process of the last start.

        Raises:
            RigError: when it was never started.
        """
        if self._child is None:
            raise RigError("Home Assistant was not started")
        return self._child

    async def start(self) -> None:
        """Start, onboard where that was not done, and return once it has started.

        Raises:
            RigError: when the port is taken, or it does not come up.
        """
        refuse_taken_port(self.port)
        prepare_directory(self.directory, self.port)
        python = Path(sys.executable).parent
        self._child = self._supervisor.start(
            "home_assistant",
            [python / "hass", "-c", self.directory, "--skip-pip", "--log-no-color"],
            env={"PATH": f"{python}:/usr/bin:/bin:/usr/sbin:/sbin", **self.env},
        )
        await self.client.wait_until_up(self._child.check_running, START_TIMEOUT_S)
        if not self.client.token:
            await self._sign_in()
        await self._follow(self._child.check_running)

    async def _follow(self, check_running: Callable[[], None]) -> None:
        """Follow the states; begin anew where Home Assistant cuts the link.

        It cuts off whoever has 4096 messages waiting, and a home with more entities
        than that brings them all at once when it starts.
        """
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                await self.socket.connect()
                await self.socket.wait_until_running(START_TIMEOUT_S)
            except LinkCutError:
                check_running()
                if time.monotonic() >= deadline:
                    raise
                await asyncio.sleep(1.0)
            else:
                return

    async def _sign_in(self) -> None:
        kept = self.directory / "rig_token"
        if kept.exists():
            self.client.token = kept.read_text(encoding="ascii")
            return
        await self.client.sign_in()
        kept.touch(mode=0o600)
        kept.write_text(self.client.token, encoding="ascii")

    async def stop(self) -> int:
        """End it as its owner would; return the exit code.

        A second call does nothing more.
        """
        await self.socket.close()
        await self.process.stop()
        return self.process.returncode or 0

    async def kill(self) -> None:
        """End it without a last word, as a power cut would."""
        await self.process.kill()
        await self.socket.close()

    def log_text(self) -> str:
        """Return what it has printed since the last start."""
        return self.process.log_text()

    async def close(self) -> None:
        """Stop it and close the connections to it."""
        if self._child is not None:
            await self.stop()
        await self.client.close()


def prepare_directory(directory: Path, port: int) -> None:
    """Make a configuration folder in which Home Assistant asks nothing of a person.

    What is there already is left alone, except the port.
    """
    storage = directory / ".storage"
    storage.mkdir(parents=True, exist_ok=True)
    configuration = directory / "configuration.yaml"
    if not configuration.exists():
        configuration.write_text(CONFIGURATION, encoding="utf-8")
        _store(storage, "onboarding", 4, 1, {"done": _ONBOARDED})
    # HTTP settings in YAML would be a trial that a dialog asks about (2026.10).
    _store(
        storage,
        "http",
        2,
        2,
        {"stable": _http(port), "pending": None, "yaml_migration_done": True},
    )
    integration = directory / "custom_components" / "v2g_vpp"
    integration.parent.mkdir(exist_ok=True)
    if not integration.is_symlink():
        integration.symlink_to(ROOT / "custom_components" / "v2g_vpp")


_ONBOARDED = ["core_config", "analytics", "integration"]


def _http(port: int) -> dict[str, object]:
    return {
        "server_port": port,
        "server_host": [HOST],
        "cors_allowed_origins": ["https://cast.home-assistant.io"],
        "login_attempts_threshold": -1,
        "ip_ban_enabled": False,
        "ssl_profile": "modern",
        "use_x_frame_options": True,
        "created_at": datetime.now(UTC).isoformat(),  # noqa: TID251 - no Clock here
        "error": None,
        "error_message": None,
    }


def _store(
    storage: Path, key: str, version: int, minor: int, data: dict[str, object]
) -> None:
    document = {"version": version, "minor_version": minor, "key": key, "data": data}
    (storage / key).write_text(json.dumps(document), encoding="utf-8")
