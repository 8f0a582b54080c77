"""Programs that die, and programs that stop in their tracks."""

from typing import Final

from script.benches.faulty.fault import LOST_S, Fault
from script.benches.faulty.world import FaultyWorld
from script.rig.world import PROGRAMME, STATION_ID

NO_LINK: Final = ("state", "binary_sensor", f"{PROGRAMME}_link", "off")
NO_CHARGER: Final = ("state", "binary_sensor", f"{STATION_ID}_0_link", "off")

ENTER_SERVICE_S: Final = 440.0
"""The charger says that it had lost its power. After that an inverter waits for 300 s,
and then takes 300 s to its full power: 137 s to 5 of 11 kW (IEEE 1547-2018, 4.10)."""

DOWN_S: Final = 12.0
"""How long a charger without power, or with a frozen processor, stays so."""


async def start_home(world: FaultyWorld) -> None:
    """Start Home Assistant again, as its supervisor would."""
    world.energy.started()
    await world.home.start()
    await world.entities.refresh()


async def _kill_home(world: FaultyWorld) -> None:
    await world.home.kill()


async def _freeze_home(world: FaultyWorld) -> None:
    world.home.process.freeze()


async def _thaw_home(world: FaultyWorld) -> None:
    # What came in while it stood still is as old as that.
    world.energy.started()
    world.home.process.thaw()


async def _kill_broker(world: FaultyWorld) -> None:
    world.aggregator.broker.kill()


async def _freeze_broker(world: FaultyWorld) -> None:
    world.aggregator.broker.freeze()


async def _thaw_broker(world: FaultyWorld) -> None:
    world.aggregator.broker.thaw()


async def _kill_aggregator(world: FaultyWorld) -> None:
    await world.aggregator.process.kill()


async def _freeze_aggregator(world: FaultyWorld) -> None:
    world.aggregator.process.freeze()


async def _thaw_aggregator(world: FaultyWorld) -> None:
    world.aggregator.process.thaw()


async def _kill_station(world: FaultyWorld) -> None:
    world.left_behind = await world.kill_station()


async def _start_station(world: FaultyWorld) -> None:
    await world.start_station(world.left_behind)


async def _freeze_station(world: FaultyWorld) -> None:
    world.station.process.freeze()


async def _thaw_station(world: FaultyWorld) -> None:
    world.station.process.thaw()


async def _reboot(world: FaultyWorld) -> None:
    await world.station.act("reboot")


async def nothing(world: FaultyWorld) -> None:
    """Leave it: it ends by itself."""


PROCESSES: Final = (
    Fault(
        name="home_killed",
        text="Home Assistant killed",
        begin=_kill_home,
        end=start_home,
        lasts_s=LOST_S,
        cuts_heartbeats=True,
        stops=True,
        blinds=True,
    ),
    Fault(
        name="home_frozen",
        text="Home Assistant frozen",
        begin=_freeze_home,
        end=_thaw_home,
        lasts_s=LOST_S,
        cuts_heartbeats=True,
        stops=True,
        blinds=True,
    ),
    Fault(
        name="broker_killed",
        text="broker killed",
        begin=_kill_broker,
        end=lambda world: world.aggregator.start_broker(),
        lasts_s=LOST_S,
        cuts_heartbeats=True,
        stops=True,
        shown=(NO_LINK,),
    ),
    Fault(
        name="broker_frozen",
        text="broker frozen",
        begin=_freeze_broker,
        end=_thaw_broker,
        lasts_s=LOST_S,
        cuts_heartbeats=True,
        stops=True,
        shown=(NO_LINK,),
    ),
    Fault(
        name="aggregator_killed",
        text="aggregator killed",
        begin=_kill_aggregator,
        end=lambda world: world.aggregator.start_service(),
        lasts_s=LOST_S,
        cuts_heartbeats=True,
        stops=True,
        shown=(NO_LINK,),
    ),
    Fault(
        name="aggregator_frozen",
        text="aggregator frozen",
        begin=_freeze_aggregator,
        end=_thaw_aggregator,
        lasts_s=LOST_S,
        cuts_heartbeats=True,
        stops=True,
        shown=(NO_LINK,),
    ),
    Fault(
        name="station_killed",
        text="charger without power",
        begin=_kill_station,
        end=_start_station,
        lasts_s=DOWN_S,
        stops=True,
        shown=(NO_CHARGER,),
    ),
    Fault(
        name="station_frozen",
        text="charger frozen, its power electronics too",
        begin=_freeze_station,
        end=_thaw_station,
        lasts_s=LOST_S,
        stops=True,
        stills=True,
        shown=(NO_CHARGER,),
    ),
    Fault(
        name="station_reboot",
        text="charger reboots in its transaction",
        begin=_reboot,
        end=nothing,
        lasts_s=DOWN_S,
        stops=True,
        waits_s=ENTER_SERVICE_S,
        shown=(NO_CHARGER,),
    ),
)
