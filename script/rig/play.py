"""The play of the demo: a home that is proven, allowed, and dispatched for ever."""

import asyncio
from collections.abc import Callable
import itertools
from math import isnan
import time

from .dispatching import DISPATCH_W, dispatch
from .home_assistant_client import USER_NAME, USER_PASSWORD
from .processes import RigError
from .report import Report
from .scenario_dispatch import follow_dispatch, prove, refuse_without_permission
from .world import EVSE, VEHICLE, World

type Say = Callable[[str], None]

POWERS_W = (DISPATCH_W, -3_000, -7_000, 4_000, DISPATCH_W, -2_000)
"""Varied, so that the pictures live."""

SCENE_S = 60
"""Long enough to see the power arrive and stay."""

DURATION_S = 2 * SCENE_S
"""Each dispatch is followed by the next before it ends."""

LOW_SOC_PERCENT = 55.0
CHARGED_SOC_PERCENT = 80.0
"""The virtual car is charged up between two scenes rather than stopped by its floor."""


async def play(world: World, report: Report, say: Say) -> None:
    """Prove, allow, and dispatch until cancelled."""
    await open_curtain(world, say)
    await report.run(
        "a discharge that is not allowed is refused",
        lambda: refuse_without_permission(world),
    )
    await report.run("the self-test proves the discharge", lambda: prove(world))
    await report.run("the dispatch flows", lambda: follow_dispatch(world, report))
    for power_w in itertools.cycle(POWERS_W):
        status = await world.station.status()
        if status["soc_percent"] < LOW_SOC_PERCENT:
            await world.station.set_soc(CHARGED_SOC_PERCENT)
        say(_line(world, await _scene(world, power_w)))
        ends = time.monotonic() + SCENE_S
        while time.monotonic() < ends:
            await asyncio.sleep(SCENE_S / 4)
            say(_line(world, "now"))


async def _scene(world: World, power_w: int) -> str:
    """Dispatch the next power; a home that is away is one more thing to see."""
    asked = f"aggregator: {power_w / 1000:+.0f} kW"
    try:
        sent = await dispatch(world, "setpoint", power_w, DURATION_S)
    except RigError:
        return f"{asked}, home is away"
    if sent.status == "rejected":
        return f"{asked}, {sent.code}"
    return f"{asked}, {sent.status}"


async def open_curtain(world: World, say: Say) -> None:
    """Say what to open and what to look at."""
    url = world.home.client.base_url
    page = await evse_page(world)
    for line in (
        "",
        "Everything runs. Open",
        f"  Home Assistant     {url}{page}",
        f"    log in as        {USER_NAME}   password  {USER_PASSWORD}",
        f"  the operator       {world.aggregator.base_url}",
        "",
        "Look at",
        "  State, Power and Reason of Outlet 1: they follow the meter and say why.",
        "  Start self-test: about two minutes; nothing discharges until it has passed.",
        "  Emergency stop: press it. Nothing flows until you reset it.",
        "  Reserve for the power plant, of the virtual car: raise it above its charge.",
        "  The operator's page: the same home, as the aggregator sees it.",
        "",
        f"Logs are in {world.directory / 'logs'}. Ctrl-C stops everything.",
        "",
    ):
        say(line)


async def evse_page(world: World) -> str:
    """Return the path of the EVSE's device page."""
    entity_id = world.entities.id("sensor", f"{EVSE}_state")
    entity = await world.home.socket.call(
        "config/entity_registry/get", entity_id=entity_id
    )
    return f"/config/devices/device/{entity['device_id']}"


def _line(world: World, what: str) -> str:
    read = world.entities
    power_w = read.number("sensor", f"{EVSE}_power")
    if isnan(power_w):
        return f"{time.strftime('%H:%M:%S')}  {what:32} the outlet shows nothing now"
    return (
        f"{time.strftime('%H:%M:%S')}  {what:32}"
        f" power {power_w:7.0f} W  {read.state('sensor', f'{EVSE}_state'):12}"
        f" {read.state('sensor', f'{EVSE}_reason'):20}"
        f" charge {read.number('sensor', f'{VEHICLE}_soc'):.1f} %"
    )
