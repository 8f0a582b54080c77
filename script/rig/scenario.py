"""The whole scenario, in order; every number in it is measured."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from . import (
    scenario_deadman as deadman,
    scenario_dispatch as dispatching,
    scenario_setup as setup,
    scenario_stops as stops,
)
from .report import Details, Report, Step
from .scenario_restore import restore_discharge
from .world import World


async def bring_up(world: World, report: Report) -> bool:
    """Start everything and set it up; return True when all of it worked."""

    async def each(*steps: tuple[str, Callable[[World], Awaitable[Details]]]) -> bool:
        for name, step in steps:
            if not await report.run(name, _bind(step, world), is_needed_later=True):
                return False
        return True

    is_set_up = await each(
        ("0 the programs start", setup.start_programs),
        ("1a the home is set up over REST", setup.set_up_home),
    )
    # The charger and the operator are strangers to each other: neither waits.
    both = await asyncio.gather(
        each(
            ("1b the station connects and is made safe", setup.connect_station),
            ("2 the car plugs in and charges", setup.plug_in),
        ),
        each(("1c the home joins the programme", setup.join_programme)),
    )
    return is_set_up and all(both)


async def run_check(world: World, report: Report) -> None:
    """Walk every step; one that fails does not hide the others."""
    await bring_up(world, report)
    await report.run(
        "3 a discharge that is not allowed is refused",
        _bind(dispatching.refuse_without_permission, world),
    )
    await report.run(
        "4a the self-test proves the discharge",
        _bind(dispatching.prove, world),
        is_needed_later=True,
    )
    await report.run(
        "4b the dispatch flows", lambda: dispatching.follow_dispatch(world, report)
    )
    await _from_discharge(
        world,
        report,
        "5 a raised floor ends the discharge",
        lambda: dispatching.hold_floor(world, report),
    )
    await _from_discharge(
        world,
        report,
        "6a the emergency stop ends the discharge",
        lambda: stops.press_emergency_stop(world, report),
    )
    await report.run(
        "6b the emergency stop holds across a restart",
        _bind(stops.stay_latched, world),
    )
    await _from_discharge(
        world,
        report,
        "7a with a silent broker the dispatch ends",
        lambda: stops.freeze_broker(world, report),
    )
    await _walk_deaths(world, report)


async def _walk_deaths(world: World, report: Report) -> None:
    await _from_discharge(
        world,
        report,
        "8-frozen with Home Assistant frozen the discharge ends by itself",
        lambda: deadman.freeze_home(world, report),
    )
    before: dict[str, Any] = {}
    await _from_discharge(
        world,
        report,
        "8-killed with Home Assistant killed the discharge ends by itself",
        lambda: deadman.kill_home(world, report, before),
    )
    await report.run(
        "9 Home Assistant starts again and everything is right",
        lambda: deadman.start_again(world, report, before),
    )
    # Late, because a home waits up to a minute before it tries a broker again that was
    # away: what follows needs nothing but one more dispatch.
    await _from_discharge(
        world,
        report,
        "7b without a broker the dispatch ends",
        lambda: stops.lose_broker(world, report),
    )
    await _from_discharge(
        world,
        report,
        "8b Home Assistant is stopped: 0 W before the link closes",
        _bind(deadman.stop_home, world),
    )


async def _from_discharge(world: World, report: Report, name: str, step: Step) -> None:
    """Run a step that begins with a running dispatch; putting it back is part of it."""

    async def restored() -> Details:
        await restore_discharge(world, report, name.partition(" ")[0])
        return await step()

    await report.run(name, restored)


def _bind(step: Callable[[World], Awaitable[Details]], world: World) -> Step:
    return lambda: step(world)
