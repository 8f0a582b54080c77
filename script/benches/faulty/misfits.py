"""Clocks that jump, disks that are full, files that are torn, meters, and storms."""

import asyncio
from collections.abc import Iterator
import contextlib
from pathlib import Path
from typing import Final

from script.benches.faulty.away import AWAY
from script.benches.faulty.fault import LOST_S, Fault, Step
from script.benches.faulty.processes import start_home
from script.benches.faulty.world import FaultyWorld
from script.rig import scenario_dispatch, scenario_restore
from script.rig.dispatching import DISPATCH_W
from script.rig.home_assistant_socket import ActionError
from script.rig.waiting import until
from script.rig.world import EVSE

METER_LOST_S: Final = 45.0
"""Longer than a silent meter of the home is believed, and a stop takes."""

HOUR_S: Final = 3_600.0

SLEW_PPM: Final = 500.0
"""The fastest that the kernel lets a time service slew a clock."""

STORM_COMMANDS: Final = 150
STORM_S: Final = 15.0

STEP_S: Final = 30.0
"""Rest enough on both sides of a step for both meters to be compared."""

STEPS_W: Final = (-2_000, -5_000, -2_000, -5_000, -2_000)
CONTRADICTED: Final = ("issue", "meters_contradict_sign", "meters_contradict_size")

BLOCKED_BY: Final = f"{EVSE}_discharge_blocked_by"
READING_S: Final = 10.0
BACK_S: Final = 30.0
"""An outlet that the stop ladder took out of operation comes back after the reset."""

STORE: Final = "v2g_vpp.policy"
KEPT: Final = ".backup"


def _home_clock(offset_s: float, drift_ppm: float = 0.0) -> Step:
    async def begin(world: FaultyWorld) -> None:
        world.clock.set(offset_s, drift_ppm)

    return begin


def _aggregator_clock(offset_s: float) -> Step:
    async def begin(world: FaultyWorld) -> None:
        world.aggregator_clock.set(offset_s)

    return begin


def _station_clock(**changes: float) -> Step:
    async def begin(world: FaultyWorld) -> None:
        await world.station.set_clock(**changes)

    return begin


def _station_fault(name: str, *, is_on: bool) -> Step:
    async def change(world: FaultyWorld) -> None:
        await world.station.set_fault(name, is_on=is_on)

    return change


def _clocks() -> Iterator[Fault]:
    for name, text, step_s in (
        ("ahead", "an hour ahead", HOUR_S),
        ("behind", "an hour back", -HOUR_S),
    ):
        yield Fault(
            name=f"home_clock_{name}",
            text=f"clock of Home Assistant's host jumps {text}",
            begin=_home_clock(step_s),
            end=_home_clock(0.0),
            lasts_s=LOST_S,
            needs_clock=True,
        )
        yield Fault(
            name=f"station_clock_{name}",
            text=f"clock of the charger jumps {text}",
            begin=_station_clock(step_s=step_s),
            end=_station_clock(step_s=-step_s),
            lasts_s=LOST_S,
        )
        yield Fault(
            name=f"aggregator_clock_{name}",
            text=f"clock of the aggregator's host jumps {text}",
            begin=_aggregator_clock(step_s),
            end=_aggregator_clock(0.0),
            lasts_s=LOST_S,
            needs_clock=True,
        )
    yield Fault(
        name="home_clock_slews",
        text="clock of Home Assistant's host slews by 500 ppm",
        begin=_home_clock(0.0, SLEW_PPM),
        end=_home_clock(0.0),
        needs_clock=True,
    )
    yield Fault(
        name="station_clock_slews",
        text="clock of the charger slews by 500 ppm",
        begin=_station_clock(drift_ppm=SLEW_PPM),
        end=_station_clock(drift_ppm=0.0),
    )


async def _fill_disk(world: FaultyWorld) -> None:
    """Fill the disk, and begin another event, so that there is one to be written down."""
    await world.disk.fill(world.home.process.pid)
    with contextlib.suppress(*AWAY):
        sent = await world.aggregator.command(
            "setpoint", DISPATCH_W, event_id="disk-full"
        )
        world.sent.append(sent["command_id"])


async def _empty_disk(world: FaultyWorld) -> None:
    process = world.home.process
    await world.disk.empty(process.pid if process.is_running else None)


def _storage(world: FaultyWorld) -> Path:
    return world.home.directory / ".storage"


def _tear(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


async def _kill_and_tear_store(world: FaultyWorld) -> None:
    await world.home.kill()
    store = _storage(world) / STORE
    store.with_name(f"{STORE}{KEPT}").write_bytes(store.read_bytes())
    await asyncio.to_thread(_tear, store)


async def _kill_and_tear_ledger(world: FaultyWorld) -> None:
    """Leave half a line at the end, as a power cut while it is written does."""
    await world.home.kill()
    for path in await asyncio.to_thread(_ledgers, world):
        with path.open("ab") as file:
            file.write(b'{"body":{"torn')


def _ledgers(world: FaultyWorld) -> list[Path]:
    return list(_storage(world).glob("v2g_vpp.ledger.*.jsonl"))


async def _restore_store(world: FaultyWorld) -> None:
    """Do what the repair asks its owner for: put a backup in its place and restart."""
    await world.home.stop()
    kept = _storage(world) / f"{STORE}{KEPT}"
    await asyncio.to_thread(kept.replace, _storage(world) / STORE)
    await start_home(world)


async def _prove_again(world: FaultyWorld) -> None:
    """Do what the repair asks its owner for: look, reset, and run the self-test.

    Who resets while the last reading of what was wrong still counts does it once more.
    """
    try:
        await _reset_and_prove(world)
    except ActionError:
        await asyncio.sleep(READING_S)
        await _reset_and_prove(world)


async def _reset_and_prove(world: FaultyWorld) -> None:
    await scenario_restore.unlatch(world)
    await until(
        lambda: world.entities.state("sensor", BLOCKED_BY) != "out_of_operation",
        BACK_S,
        "the outlet back in operation",
    )
    await scenario_dispatch.prove(world)


def _disks() -> Iterator[Fault]:
    yield Fault(
        name="disk_full",
        text="disk full",
        begin=_fill_disk,
        end=_empty_disk,
        lasts_s=LOST_S,
        shown=(("issue", "ledger_unwritten", "store_not_written"),),
    )
    yield Fault(
        name="store_torn",
        text="Home Assistant killed, its saved state torn",
        begin=_kill_and_tear_store,
        end=start_home,
        lasts_s=LOST_S,
        cuts_heartbeats=True,
        stops=True,
        blinds=True,
        shown=(("issue", "store_unreadable"),),
        needs_person="nobody knows what was allowed: the owner puts a backup back",
        person=_restore_store,
    )
    yield Fault(
        name="ledger_torn",
        text="Home Assistant killed, half a line at the end of its ledger",
        begin=_kill_and_tear_ledger,
        end=start_home,
        lasts_s=LOST_S,
        cuts_heartbeats=True,
        stops=True,
        blinds=True,
    )


def _meters() -> Iterator[Fault]:
    yield Fault(
        name="meter_mute",
        text="meter of the charger tells nothing",
        begin=_station_fault("mute_meter", is_on=True),
        end=_station_fault("mute_meter", is_on=False),
        lasts_s=LOST_S,
        stops=True,
    )
    yield Fault(
        name="meter_frozen",
        text="meter of the charger repeats what it said",
        begin=_station_fault("freeze_meter", is_on=True),
        end=_station_fault("freeze_meter", is_on=False),
        lasts_s=LOST_S,
        shown=(("issue", "uncommanded_discharge"),),
        needs_flow=True,
        needs_person="a charger that shows power after a stop is not to be trusted",
        person=_prove_again,
    )


def _home_meter(name: str, *, is_on: bool) -> Step:
    async def change(world: FaultyWorld) -> None:
        setattr(world.meter, name, is_on)

    return change


async def _turn_home_meter(world: FaultyWorld) -> None:
    """Turn it round, and step the power for whoever compares both meters."""
    world.meter.is_turned = True
    world.storm = asyncio.create_task(_send_steps(world))


async def _send_steps(world: FaultyWorld) -> None:
    for power_w in STEPS_W:
        with contextlib.suppress(*AWAY):
            await world.aggregator.command("setpoint", power_w)
        await asyncio.sleep(STEP_S)


async def _turn_home_meter_back(world: FaultyWorld) -> None:
    world.meter.is_turned = False
    await _calm(world)


def _home_meters() -> Iterator[Fault]:
    yield Fault(
        name="home_meter_mute",
        text="meter of the home tells nothing",
        begin=_home_meter("is_mute", is_on=True),
        end=_home_meter("is_mute", is_on=False),
        lasts_s=METER_LOST_S,
        stops=True,
    )
    yield Fault(
        name="home_meter_turned",
        text="meter of the home and that of the charger contradict each other",
        begin=_turn_home_meter,
        end=_turn_home_meter_back,
        lasts_s=STEP_S * len(STEPS_W),
        stops=True,
        shown=(CONTRADICTED,),
        needs_flow=True,
        needs_person="which of two meters is wrong is for the owner to find",
        person=_prove_again,
    )


def _contradictions() -> Iterator[Fault]:
    yield Fault(
        name="meter_contradicts",
        text="meter of the charger shows the other direction than was asked",
        begin=_station_fault("wrong_direction", is_on=True),
        end=_station_fault("wrong_direction", is_on=False),
        lasts_s=LOST_S,
        stops=True,
        shown=(("issue", "wrong_direction"),),
        needs_flow=True,
        needs_person="what turned the power round is for the owner to find",
        person=_prove_again,
    )


async def _storm(world: FaultyWorld) -> None:
    world.storm = asyncio.create_task(_send_storm(world))


async def _send_storm(world: FaultyWorld) -> None:
    for number in range(STORM_COMMANDS):
        power_w = DISPATCH_W + 1_000 * (number % 5)
        with contextlib.suppress(*AWAY):
            async with asyncio.timeout(1.0):
                await world.aggregator.command("setpoint", power_w)
        await asyncio.sleep(STORM_S / STORM_COMMANDS)


async def _calm(world: FaultyWorld) -> None:
    if world.storm is not None:
        world.storm.cancel()
        await asyncio.gather(world.storm, return_exceptions=True)
        world.storm = None


MISFITS: Final = (
    *_clocks(),
    *_disks(),
    *_meters(),
    *_contradictions(),
    *_home_meters(),
    Fault(
        name="storm",
        text=f"{STORM_COMMANDS} dispatches in {STORM_S:.0f} s",
        begin=_storm,
        end=_calm,
    ),
)
