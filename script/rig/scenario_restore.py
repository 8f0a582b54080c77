"""What is put back between the steps, so that each begins with a running dispatch."""

import asyncio
import time
from typing import Any

from .dispatching import (
    DISPATCH_W,
    Dispatched,
    dispatch,
    until_power,
    wire_ms,
)
from .processes import RigError
from .report import Report
from .scenario_dispatch import RESERVE_PERCENT, set_reserve
from .waiting import until, until_async
from .world import EVSE, STATION_ID, VEHICLE, World

LINK_TIMEOUT_S = 30.0
ONLINE_TIMEOUT_S = 30.0
"""A first try within 5 s, a second up to 2 s later, and the greeting."""

HEARTBEATS_TIMEOUT_S = 20.0
"""Three heartbeats of 2 s, and the start of a clock check."""

TRANSACTION_TIMEOUT_S = 30.0
READY_TIMEOUT_S = 30.0

RETRY_AFTER_S = 1.0
"""Two commands a second are the most that a home takes."""

NEAR_W = 500.0


async def restore_discharge(world: World, report: Report) -> None:
    """Return once the car discharges by a fresh command, with nothing else pending.

    Raises:
        NotSeenError: naming what did not come back.
        RigError: when a program does not start again.
    """
    waits = report.waits
    if not world.home.process.is_running:
        async with waits.named("Home Assistant starts"):
            await world.home.start()
    if not world.aggregator.broker.is_running:
        async with waits.named("broker starts"):
            await world.aggregator.start_broker()
    async with waits.named("station dials again"):
        await _until_state(world, "binary_sensor", f"{STATION_ID}_0_link", "on")
    await _unlatch(world)
    if world.entities.number("number", f"{VEHICLE}_vpp_reserve") != RESERVE_PERCENT:
        await set_reserve(world, RESERVE_PERCENT)
    async with waits.named("transaction runs"):
        await _ensure_transaction(world)
    async with waits.named("home is online at the aggregator"):
        await _until_online(world)
    async with waits.named("discharge is not blocked"):
        await _until_unblocked(world)
    before_w = (await world.station.read()).power_w
    async with waits.named("three heartbeats and an accepted command"):
        sent = await _until_accepted(world)
    if abs(before_w - DISPATCH_W) > NEAR_W:
        report.worst("dispatch_to_wire_ms", await wire_ms(world, sent.published_mono_s))
    async with waits.named("power is back at the dispatched power"):
        before_w = max(before_w, world.station.measured.power_w)
        await until_power(world, DISPATCH_W, sent.published_mono_s, before_w)
    await _until_state(world, "sensor", f"{EVSE}_state", "discharging")


async def _unlatch(world: World) -> None:
    if world.entities.state("binary_sensor", f"{EVSE}_emergency_stop") == "on":
        await world.entities.act("button.press", f"{EVSE}_reset_emergency_stop")
        await _until_state(world, "binary_sensor", f"{EVSE}_emergency_stop", "off")


async def _ensure_transaction(world: World) -> None:
    """Plug in anew where a stop ended the transaction: the owner would do the same."""
    status = await world.station.status()
    if status["transaction_id"] is None:
        await world.station.act("unplug")
        await _until_state(world, "binary_sensor", f"{EVSE}_plugged", "off")
        await world.station.act("plug")

    async def has_transaction() -> bool:
        status = await world.station.status()
        return status["transaction_id"] is not None and status["is_bidirectional"]

    await until_async(
        has_transaction, TRANSACTION_TIMEOUT_S, "a bidirectional transaction"
    )
    await _until_state(world, "binary_sensor", f"{EVSE}_plugged", "on")


async def _until_online(world: World) -> None:
    seen: dict[str, Any] = {}
    began = time.monotonic()

    async def is_online() -> bool:
        seen.update(await world.aggregator.overview())
        home = await world.aggregator.home()
        frame = home["telemetry"]
        # A home that was killed counts as online until its silence is believed.
        is_heard = frame is not None and frame["t_mono"] > began
        return seen["broker"] == "connected" and home["status"] == "online" and is_heard

    await until_async(
        is_online,
        ONLINE_TIMEOUT_S,
        "the home online",
        lambda: (seen.get("broker"), [h["status"] for h in seen.get("homes", [])]),
    )


async def _until_unblocked(world: World) -> None:
    def blocked_by() -> str | None:
        return world.entities.state("sensor", f"{EVSE}_discharge_blocked_by")

    # The fail-safe itself is ended by the fresh command that comes next.
    await until(
        lambda: blocked_by() in {"nothing", "failsafe"},
        READY_TIMEOUT_S,
        "discharge not blocked",
        blocked_by,
    )


async def _until_accepted(world: World) -> Dispatched:
    """Send commands until one is accepted: after a fail-safe the first ones are not."""
    deadline = time.monotonic() + HEARTBEATS_TIMEOUT_S
    while True:
        sent = await dispatch(world, "setpoint", DISPATCH_W)
        if sent.status in {"accepted", "active"}:
            return sent
        if time.monotonic() > deadline:
            raise RigError(
                f"no command accepted for {HEARTBEATS_TIMEOUT_S:g} s:"
                f" {sent.status} {sent.code}"
            )
        await asyncio.sleep(RETRY_AFTER_S)


async def _until_state(world: World, domain: str, unique_id: str, state: str) -> None:
    def present() -> str | None:
        return world.entities.state(domain, unique_id)

    await until(
        lambda: present() == state, LINK_TIMEOUT_S, f"{unique_id} {state}", present
    )
