"""Everything that a run needs, in real processes: the home, its charger, its operator."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from .aggregator_client import Aggregator
from .entities import Entities
from .home_assistant import HomeAssistant
from .measured import Measured, zero_export_w
from .processes import Supervisor
from .pure_import import import_pure
from .station_client import Station
from .waiting import until_async

STATION_ID = "VIRT1"
EVSE = f"{STATION_ID}_1"
VEHICLE = "vehicle_virtual"
PROGRAMME = "programme_evening-peak"

RATING_W = 11_000.0
ZERO_W = zero_export_w(RATING_W)
"""An export up to this counts as 0 W."""

PLANT = import_pure("virtual.plant").TYPICAL
"""The charger that the station process pretends to be: 4 s dead time, 3.3 kW/s."""


class World:
    """The programs of one run and what is known of them."""

    def __init__(
        self, supervisor: Supervisor, directory: Path, ports: tuple[int, int]
    ) -> None:
        """Name the programs; nothing runs yet.

        Args:
            supervisor: starts processes and ends them in any case.
            directory: everything that the programs write.
            ports: of Home Assistant, and of the operator's page (0: a free one).
        """
        self.directory = directory
        self.home = HomeAssistant(supervisor, directory / "home_assistant", ports[0])
        self.entities = Entities(self.home.socket)
        self.aggregator = Aggregator(supervisor, directory, ports[1])
        self.station = Station(supervisor, directory / "station_password")
        self.ocpp_port = 0
        """Chosen when the integration is set up."""

    @property
    def station_url(self) -> str:
        """Return what the station dials."""
        return f"ws://127.0.0.1:{self.ocpp_port}/"

    @property
    def listener(self) -> dict[str, int]:
        """Return the ports for chargers, as the owner sets them."""
        return {"ocpp_port": self.ocpp_port}

    async def invite(self) -> dict[str, Any]:
        """Return an invitation for the home."""
        return await self.aggregator.invite()

    async def until_measured[T](
        self,
        probe: Callable[[Measured], T | None],
        timeout_s: float,
        expected: str,
        seen: Callable[[], object] | None = None,
    ) -> T:
        """Return the first true result of a probe of the station's trace.

        Raises:
            NotSeenError: when there is none in time.
        """

        async def look() -> T | None:
            return probe(await self.station.read())

        return await until_async(look, timeout_s, expected, seen or self.power_text)

    def power_text(self) -> str:
        """Return the newest true power, for a message."""
        return f"{self.station.measured.power_w:.0f} W"


@asynccontextmanager
async def open_world(
    directory: Path, *, http_port: int, operator_port: int = 0
) -> AsyncIterator[World]:
    """Make a world whose programs all end with the context, the last one first."""
    async with keep_world(World, directory, (http_port, operator_port)) as world:
        yield world


@asynccontextmanager
async def keep_world[W: World](
    make: Callable[[Supervisor, Path, tuple[int, int]], W],
    directory: Path,
    ports: tuple[int, int],
) -> AsyncIterator[W]:
    """Make a world of some kind; see ``open_world`` and ``World``."""
    async with AsyncExitStack() as stack:
        supervisor = await stack.enter_async_context(Supervisor(directory / "logs"))
        world = make(supervisor, directory, ports)
        # The home ends first: it says goodbye to its station and to its broker.
        stack.push_async_callback(world.aggregator.stop_broker)
        stack.push_async_callback(world.aggregator.close)
        stack.push_async_callback(world.station.close)
        stack.push_async_callback(world.home.close)
        yield world
