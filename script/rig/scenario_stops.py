"""Steps 6 and 7: the emergency stop, and a broker that is gone or silent."""

import asyncio
from collections.abc import Awaitable, Callable
import time

from .dispatching import DISPATCH_W, dispatch, ramp_time_s
from .report import Details, Report
from .scenario_dispatch import watch_for_setpoints
from .waiting import expect, until
from .world import EVSE, ZERO_W, World

STOP_ON_WIRE_MS = 250.0
ONE_SECOND_S = 1.0

FAILSAFE_S = 30.0
"""VPP contract, rule 12: 0 W by then, counted from the last valid heartbeat."""

SHOWN_TIMEOUT_S = 10.0
RESTART_TIMEOUT_S = 30.0

STOP_CALLS = frozenset(
    {"SetChargingProfile", "UpdateDynamicSchedule", "RequestStopTransaction"}
)

CLEAR_OF_HEARTBEAT_S = (0.3, 1.2)
"""How old the last heartbeat is when the broker goes: it has arrived, the next has not."""


async def press_emergency_stop(world: World, report: Report) -> Details:
    """Step 6, first half: the stop is on the wire, then nothing flows."""
    pressed = time.monotonic()
    await world.entities.act("button.press", f"{EVSE}_emergency_stop")
    call = await world.until_measured(
        lambda m: next(
            (
                c
                for c in m.calls_since(pressed, STOP_CALLS)
                if c.setpoint_w == 0 or c.action == "RequestStopTransaction"
            ),
            None,
        ),
        SHOWN_TIMEOUT_S,
        "a stop call at the station",
    )
    to_wire_ms = (call.mono_s - pressed) * 1000
    report.worst("estop_to_wire_ms", to_wire_ms)
    allowed_s = ramp_time_s(DISPATCH_W, 0) + ONE_SECOND_S
    zero = await world.until_measured(
        lambda m: m.zero_since(pressed, ZERO_W),
        allowed_s + SHOWN_TIMEOUT_S,
        "no export",
    )
    report.worst("estop_to_zero_s", zero - pressed, 2)
    state = f"{EVSE}_state"
    await until(
        lambda: world.entities.state("sensor", state) == "emergency_stop",
        SHOWN_TIMEOUT_S,
        "state emergency_stop",
        lambda: world.entities.state("sensor", state),
    )
    expect(to_wire_ms <= STOP_ON_WIRE_MS, "the wire within 250 ms", f"{to_wire_ms:.0f}")
    took_s = zero - pressed
    expect(took_s <= allowed_s, f"0 W within {allowed_s:.2f} s", f"{took_s:.2f} s")
    return {
        "call": call.action,
        "to_wire_ms": round(to_wire_ms, 1),
        "to_zero_s": round(took_s, 2),
        "allowed_s": round(allowed_s, 2),
    }


async def stay_latched(world: World) -> Details:
    """Step 6, second half: latched against a dispatch, and across a restart."""
    sent = await dispatch(world, "setpoint", DISPATCH_W)
    answer = (sent.status, sent.code)
    expect(answer == ("rejected", "ESTOP"), "rejected ESTOP", answer)
    began = time.monotonic()
    code = await world.home.stop()
    expect(code == 0, "exit code 0", code)
    await world.home.start()
    up = time.monotonic()
    await world.entities.refresh()
    for domain, key, wanted in (
        ("sensor", "state", "emergency_stop"),
        ("binary_sensor", "emergency_stop", "on"),
        ("switch", "discharge_allowed", "on"),
    ):
        seen = world.entities.state(domain, f"{EVSE}_{key}")
        expect(seen == wanted, f"{key} {wanted} after the restart", seen)
    await until(
        lambda: world.entities.state("binary_sensor", f"{EVSE}_plugged") == "on",
        RESTART_TIMEOUT_S,
        "the station back",
        lambda: world.entities.state("binary_sensor", f"{EVSE}_plugged"),
    )
    await watch_for_setpoints(world, began)
    measured = await world.station.read()
    largest_w = max(s.export_w for s in measured.samples_since(began))
    expect(largest_w <= ZERO_W, "no export while latched", f"{largest_w:.0f} W")
    seen = world.entities.state("sensor", f"{EVSE}_state")
    expect(seen == "emergency_stop", "still latched", seen)
    return {"restart_s": round(up - began, 1), "export_w": round(largest_w)}


async def lose_broker(world: World, report: Report) -> Details:
    """Step 7: the broker is stopped."""
    last = await _clear_of_heartbeat(world)
    await world.aggregator.stop_broker()
    return await _measure_failsafe(
        world, report, ("broker_stopped", last), world.aggregator.start_broker
    )


async def freeze_broker(world: World, report: Report) -> Details:
    """Step 7, another run: the broker is silent, its sockets stay open."""
    last = await _clear_of_heartbeat(world)
    world.aggregator.broker.freeze()

    async def thaw() -> None:
        world.aggregator.broker.thaw()

    return await _measure_failsafe(world, report, ("broker_frozen", last), thaw)


async def _clear_of_heartbeat(world: World) -> float:
    """Return when the last heartbeat was sent, at a moment between two of them."""
    earliest_s, latest_s = CLEAR_OF_HEARTBEAT_S
    while True:
        last = await world.aggregator.last_heartbeat()
        expect(last is not None, "heartbeats", "none")
        assert last is not None
        age_s = time.monotonic() - last
        if earliest_s <= age_s <= latest_s:
            return last
        await asyncio.sleep(earliest_s - age_s if age_s < earliest_s else 0.1)


async def _measure_failsafe(
    world: World,
    report: Report,
    case: tuple[str, float],
    bring_back: Callable[[], Awaitable[None]],
) -> Details:
    """Measure from the last heartbeat to the moment when nothing flows.

    The broker comes back once 0 W is on the wire: the plant's own time is measured on,
    and nothing discharges again before a fresh command, which nobody sends yet.
    """
    name, last_mono_s = case
    try:
        running_w = (await world.station.read()).power_w
        expect(running_w < -ZERO_W, "a running discharge", f"{running_w:.0f} W")
        released = await world.until_measured(
            lambda m: next(
                (c for c in m.setpoints_since(last_mono_s) if c.setpoint_w == 0), None
            ),
            FAILSAFE_S,
            "0 W on the wire",
        )
        shown = world.entities.state("sensor", f"{EVSE}_reason")
    finally:
        await bring_back()
    zero = await world.until_measured(
        lambda m: m.zero_since(last_mono_s, ZERO_W),
        FAILSAFE_S + SHOWN_TIMEOUT_S,
        "no export without heartbeats",
    )
    failsafe_s = zero - last_mono_s
    report.worst("failsafe_s", failsafe_s, 2)
    by_case = report.figures.setdefault("failsafe_by_case", {})
    by_case[name] = round(failsafe_s, 2)
    expect(failsafe_s <= FAILSAFE_S, "0 W within 30 s", f"{failsafe_s:.2f} s")
    return {
        "failsafe_s": round(failsafe_s, 2),
        "released_s": round(released.mono_s - last_mono_s, 2),
        "reason": shown,
    }
