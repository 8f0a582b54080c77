"""What is put back between the steps, so that each begins with a running dispatch."""

import asyncio
from contextlib import AbstractAsyncContextManager
import time
from typing import Any

from .dispatching import (
    DISPATCH_W,
    Dispatched,
    dispatch,
    follow_to_wire,
    until_power,
)
from .processes import RigError
from .report import Report
from .scenario_dispatch import RESERVE_PERCENT, set_reserve
from .waiting import until, until_async
from .world import EVSE, PROGRAMME, STATION_ID, VEHICLE, World

LINK_TIMEOUT_S = 30.0
ONLINE_TIMEOUT_S = 75.0
"""After a broker that was away for 20 s a home waits up to 64 s (full jitter)."""

HEARTBEATS_TIMEOUT_S = 20.0
"""Three heartbeats of 2 s, and the start of a clock check."""

TRANSACTION_TIMEOUT_S = 30.0
READY_TIMEOUT_S = 30.0

RETRY_AFTER_S = 1.0
"""Two commands a second are the most that a home takes."""


async def restore_discharge(world: World, report: Report, step: str) -> None:
    """Return once the car discharges by a fresh command, with nothing else pending.

    Args:
        world: whatever the step before left.
        report: takes the waits.
        step: the step that comes, which the waits are named after.

    Raises:
        NotSeenError: naming what did not come back.
        RigError: when a program does not start again.
    """

    def wait(what: str) -> AbstractAsyncContextManager[None]:
        return report.waits.named(f"before {step}: {what}")

    if not world.home.process.is_running:
        async with wait("Home Assistant starts"):
            await world.home.start()
    if not world.aggregator.broker.is_running:
        async with wait("broker starts"):
            await world.aggregator.start_broker()
    async with wait("station dials again"):
        await _until_state(world, "binary_sensor", f"{STATION_ID}_0_link", "on")
    await _unlatch(world)
    if world.entities.number("number", f"{VEHICLE}_vpp_reserve") != RESERVE_PERCENT:
        await set_reserve(world, RESERVE_PERCENT)
    async with wait("transaction runs"):
        await _ensure_transaction(world)
    async with wait("home is online at the aggregator"):
        await _until_online(world)
    async with wait("discharge is not blocked"):
        await _until_unblocked(world)
    # Where an earlier dispatch goes on by itself, the fresh one changes no setpoint.
    is_new = world.entities.state("binary_sensor", f"{PROGRAMME}_event_active") != "on"
    async with wait("three heartbeats and an accepted command"):
        sent = await _until_accepted(world)
    if is_new:
        await follow_to_wire(world, report, sent.published_mono_s, DISPATCH_W)
    async with wait("power is back at the dispatched power"):
        await until_power(world, DISPATCH_W, sent.published_mono_s)
    await _until_state(world, "sensor", f"{EVSE}_state", "discharging")


async def _unlatch(world: World) -> None:
    if world.entities.state("binary_sensor", f"{EVSE}_emergency_stop") == "on":
        await unlatch(world)


async def unlatch(world: World) -> None:
    """Reset the emergency stop, and choose the mode that the reset leaves off."""
    await world.entities.act("button.press", f"{EVSE}_reset_emergency_stop")
    await _until_state(world, "binary_sensor", f"{EVSE}_emergency_stop", "off")
    chosen = {"option": "charge_now"}
    await world.entities.act("select.select_option", f"{EVSE}_mode", chosen)


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
