"""A world whose lines, clock, disk and certificates can be made bad."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
import json
from pathlib import Path
import ssl
import time
from typing import Any, Final, override

from script.benches.faulty.clocks import ShiftedClock
from script.benches.faulty.disk import HomeDisk
from script.benches.faulty.energy import EnergyWatch
from script.benches.faulty.framing import Chunks, WebSocketFrames
from script.benches.faulty.home_meter import ENTITY_ID, HomeMeter
from script.benches.faulty.lines import Ends, Line
from script.rig import scenario_dispatch, scenario_setup
from script.rig.entry_file import make_real
from script.rig.measured import Sample
from script.rig.processes import RigError, Supervisor, free_port
from script.rig.world import STATION_ID, World, keep_world

SEED: Final = 20_261_130


class FaultyWorld(World):
    """A world with a line to the charger and a line to the broker in between."""

    def __init__(
        self,
        supervisor: Supervisor,
        directory: Path,
        ports: tuple[int, int],
        *,
        disk: HomeDisk,
    ) -> None:
        """Name the programs; nothing runs yet."""
        super().__init__(supervisor, directory, ports)
        self.ocpp_line = Line(
            lambda: self.ocpp_port, WebSocketFrames, SEED, free_port()
        )
        self.mqtt_line = Line(
            lambda: self.aggregator.broker.port, Chunks, SEED + 1, free_port()
        )
        self.clock = ShiftedClock(directory, "home")
        self.aggregator_clock = ShiftedClock(directory, "aggregator")
        self.disk = disk
        self.energy = EnergyWatch(self.station, self.entities)
        self.meter = HomeMeter(self.home, self.station)
        self.left_behind: dict[str, Any] = {}
        """What a station that was killed left: its meter and its vehicle."""

        self.sent: list[str] = []
        """Commands that a fault sent: each that was accepted is owed an entry too."""

        self.storm: asyncio.Task[None] | None = None
        self.ocpp_tls_port = free_port()
        self._programme_device = ""

    @property
    @override
    def station_url(self) -> str:
        return f"ws://127.0.0.1:{self.ocpp_line.port}/"

    @override
    async def invite(self) -> dict[str, Any]:
        invitation = await super().invite()
        return {**invitation, "broker_port": self.mqtt_line.port}

    @property
    @override
    def listener(self) -> dict[str, int]:
        return {**super().listener, "ocpp_tls_port": self.ocpp_tls_port}

    async def kill_station(self) -> dict[str, Any]:
        """End the station without a last word; return what its meter and EV showed."""
        before = await self.station.status()
        await self.station.read()
        await self.station.process.kill()
        # Nothing holds the contactor of a charger without power.
        self.station.measured.samples.append(Sample(time.monotonic(), 0.0))
        return before

    async def start_station(
        self, before: dict[str, Any], *more: str, url: str | None = None
    ) -> None:
        """Start it again: the meter kept its count, the EV its charge and its place."""
        await self.station.start(
            url or self.station_url,
            STATION_ID,
            *more,
            *("--soc", str(before["soc_percent"])),
            *("--energy-import-wh", str(before["energy_import_wh"])),
            *("--energy-export-wh", str(before["energy_export_wh"])),
            *(("--plugged",) if before["is_plugged"] else ()),
        )

    async def ledger(self) -> list[dict[str, Any]]:
        """Return every entry of the programme's ledger, oldest first.

        Raises:
            RigError: when Home Assistant says that it is not good.
        """
        found = await self._ask_ledger("verify_ledger")
        if not found["is_good"]:
            raise RigError(f"the ledger is not good: {found}")
        exported = await self._ask_ledger("export_ledger")
        return list(exported["entries"])

    async def _ask_ledger(self, action: str) -> dict[str, Any]:
        if not self._programme_device:
            self._programme_device = await self._find_programme()
        answer = await self.home.socket.call(
            "call_service",
            domain=scenario_setup.DOMAIN,
            service=action,
            service_data={"device_id": self._programme_device},
            return_response=True,
        )
        response: dict[str, Any] = answer["response"]
        return response

    async def _find_programme(self) -> str:
        entity_id = self.entities.id("binary_sensor", "programme_evening-peak_link")
        entity = await self.home.socket.call(
            "config/entity_registry/get", entity_id=entity_id
        )
        return str(entity["device_id"])

    async def issues(self) -> list[dict[str, Any]]:
        """Return the repairs of the integration that are shown now."""
        answer = await self.home.socket.call("repairs/list_issues")
        return [each for each in answer["issues"] if each["domain"] == "v2g_vpp"]

    def broker_ends(self) -> Ends:
        """Return TLS for a broker's line that looks into the messages.

        Both ends are this bench's own: the broker's key was made by the aggregator of
        this world, the home's is in its configuration.
        """
        authority = self.directory / "aggregator" / "authority"
        server = ssl.create_default_context(
            ssl.Purpose.CLIENT_AUTH, cafile=authority / "root.pem"
        )
        server.load_cert_chain(authority / "server.pem", authority / "server.key")
        server.verify_mode = ssl.CERT_REQUIRED
        client = ssl.create_default_context(cafile=authority / "root.pem")
        client.check_hostname = False
        own = self.directory / "home_client.pem"
        own.touch(mode=0o600)
        own.write_text(self.home_certificate(), encoding="ascii")
        client.load_cert_chain(own)
        return Ends(server=server, client=client)

    def home_certificate(self) -> str:
        """Return the certificate with which the home logs in, and its key, as PEM.

        Raises:
            RigError: before it has one.
        """
        storage = self.home.directory / ".storage"
        keys = json.loads((storage / "v2g_vpp.keys").read_text())["data"]
        entries = json.loads((storage / "core.config_entries").read_text())
        for entry in entries["data"]["entries"]:
            for part in entry.get("subentries", ()):
                data = part["data"]
                if "client_certificate_pem" in data:
                    key: str = keys[data["programme_id"]]["client_key_pem"]
                    return f"{data['client_certificate_pem']}{key}"
        raise RigError("the home has no certificate yet")


async def _meter_the_home(world: FaultyWorld) -> None:
    await world.home.stop()
    await asyncio.to_thread(make_real, world.home.directory)
    await world.home.start()
    await world.meter.start()
    await scenario_setup.choose_grid_meter(world, ENTITY_ID)


@asynccontextmanager
async def _mounted(disk: HomeDisk) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await asyncio.to_thread(disk.close)


@asynccontextmanager
async def faulty_world(
    directory: Path, say: Callable[[str], None], *, may_mount: bool
) -> AsyncIterator[FaultyWorld]:
    """Yield a home in which everything is set up, proven and allowed.

    Args:
        directory: for all that its programs write.
        say: told what takes how long.
        may_mount: its configuration folder may get a disk of its own.
    """
    ports = (free_port(), free_port())
    disk = HomeDisk(may_mount=may_mount)
    async with (
        _mounted(disk),
        keep_world(partial(FaultyWorld, disk=disk), directory, ports) as world,
    ):
        await asyncio.to_thread(world.clock.prepare)
        await asyncio.to_thread(world.aggregator_clock.prepare)
        await asyncio.to_thread(disk.prepare, world.home.directory)
        world.home.env = world.clock.env
        world.aggregator.env = world.aggregator_clock.env
        await world.ocpp_line.start()
        await world.mqtt_line.start()
        try:
            steps: tuple[Callable[[FaultyWorld], Awaitable[object]], ...] = (
                scenario_setup.start_programs,
                scenario_setup.set_up_home,
                _meter_the_home,
                scenario_setup.connect_station,
                scenario_setup.join_programme,
                scenario_setup.plug_in,
                scenario_dispatch.prove,
            )
            for step in steps:
                began = time.monotonic()
                await step(world)
                if step is scenario_setup.connect_station:
                    world.energy.start()
                say(f"{step.__name__}: {time.monotonic() - began:.0f} s")
            yield world
        finally:
            await world.energy.stop()
            await world.meter.stop()
            await world.ocpp_line.stop()
            await world.mqtt_line.stop()
