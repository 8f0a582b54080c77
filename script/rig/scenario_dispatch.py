"""Steps 3 to 5: not permitted, proven and permitted, dispatched, held by a floor."""

import asyncio
import time
from typing import Any

from .dispatching import (
    DISPATCH_W,
    TOLERANCE_W,
    dispatch,
    follow_to_wire,
    ramp_time_s,
    until_power,
)
from .report import Details, Report
from .waiting import expect, until, until_async
from .world import EVSE, PLANT, PROGRAMME, VEHICLE, ZERO_W, World

LIMIT_W = 3_000
"""A dispatch that reduces charging."""

WATCH_S = PLANT.dead_time_s + 2.0
"""Longer than the plant's dead time: a write that slipped through would show."""

CHARGING_TIMEOUT_S = 15.0

WATCH_SETPOINTS_S = 2.5
"""Two control ticks and more, behind the seconds that a step takes anyway."""

SELF_TEST_TIMEOUT_S = 400.0
"""Two to five minutes are promised to the user."""

SHOWN_TIMEOUT_S = 10.0
"""Entities are published once or twice a second, telemetry every second."""

SETTLE_S = 1.0
"""One control tick."""

RESERVE_ABOVE = 20.0
"""Percent above the present state of charge."""

RESERVE_PERCENT = 50.0


async def refuse_without_permission(world: World) -> Details:
    """Step 3: a discharge is refused while it is not allowed; a limit works."""
    expect(
        world.entities.state("switch", f"{EVSE}_discharge_allowed") == "off",
        "discharging not allowed at first",
        world.entities.state("switch", f"{EVSE}_discharge_allowed"),
    )
    sent = await dispatch(world, "setpoint", DISPATCH_W)
    answer = (sent.status, sent.code)
    expect(answer == ("rejected", "NOT_PERMITTED"), "rejected NOT_PERMITTED", answer)
    before_w = await world.until_measured(
        lambda m: m.power_w if m.power_w > 2 * LIMIT_W else None,
        CHARGING_TIMEOUT_S,
        f"a car that charges with more than {2 * LIMIT_W} W",
    )
    limit = await dispatch(world, "limit", LIMIT_W)
    expect(limit.status in {"accepted", "active"}, "an accepted limit", limit)
    took_s = await until_limited(world, limit.published_mono_s, before_w)
    # The watch began with the refused command: reducing took its time meanwhile.
    remaining_s = sent.published_mono_s + WATCH_S - time.monotonic()
    await asyncio.sleep(max(0.0, remaining_s))
    measured = await world.station.read()
    largest_w = max(s.export_w for s in measured.samples_since(sent.published_mono_s))
    expect(largest_w <= ZERO_W, f"at most {ZERO_W:.0f} W out", f"{largest_w:.0f} W")
    released = await dispatch(world, "release")
    expect(released.status != "rejected", "an accepted release", released)
    return {
        "ack": f"{sent.status} {sent.code}",
        "export_w": round(largest_w),
        "limit_w": LIMIT_W,
        "limit_reached_s": round(took_s, 2),
    }


async def until_limited(world: World, since_mono_s: float, from_w: float) -> float:
    """Return the seconds until charging is no more than the limit."""
    reached = await world.until_measured(
        lambda measured: next(
            (
                sample.mono_s
                for sample in measured.samples_since(since_mono_s)
                if sample.power_w <= LIMIT_W + TOLERANCE_W
            ),
            None,
        ),
        ramp_time_s(from_w, LIMIT_W) + SHOWN_TIMEOUT_S,
        f"charging with at most {LIMIT_W} W",
    )
    return reached - since_mono_s


async def prove(world: World) -> Details:
    """Step 4, first half: the self-test passes, and discharging can be allowed."""
    began = time.monotonic()
    await world.entities.act("button.press", f"{EVSE}_self_test")
    await until(
        lambda: (
            world.entities.state("sensor", f"{EVSE}_self_test") in {"passed", "failed"}
        ),
        SELF_TEST_TIMEOUT_S,
        "the self-test passed",
        lambda: world.entities.state("sensor", f"{EVSE}_self_test"),
    )
    changes = world.entities.changes("sensor", f"{EVSE}_self_test")
    phases = {c.state: round(c.received_mono_s - began, 1) for c in changes}
    passed = world.entities.state("sensor", f"{EVSE}_self_test")
    expect(passed == "passed", "the self-test passed", phases)
    await world.entities.act("switch.turn_on", f"{VEHICLE}_may_discharge")
    await world.entities.act("switch.turn_on", f"{EVSE}_discharge_allowed")
    await until(
        lambda: world.entities.state("switch", f"{EVSE}_discharge_allowed") == "on",
        SHOWN_TIMEOUT_S,
        "discharging allowed",
    )
    return {"phases_s": phases}


async def follow_dispatch(world: World, report: Report) -> Details:
    """Step 4, second half: the dispatch reaches the wire, the meter and the operator."""
    before_w = (await world.station.read()).power_w
    sent = await dispatch(world, "setpoint", DISPATCH_W)
    expect(sent.status in {"accepted", "active"}, "an accepted dispatch", sent)
    to_wire_ms = await follow_to_wire(world, report, sent.published_mono_s, DISPATCH_W)
    took_s = await until_power(world, DISPATCH_W, sent.published_mono_s)
    report.figures["dispatch_to_power_s"] = round(took_s, 2)
    home = await _until_telemetry(world)
    shown = await _until_shown(world)
    acks = [a["status"] for a in await world.aggregator.acks_of(sent.command_id)]
    expect("active" in acks, "acks that end with active", acks)
    return {
        "acks": acks,
        "ack_ms": sent.ack_ms,
        "to_wire_ms": round(to_wire_ms, 1),
        "to_power_s": round(took_s, 2),
        "from_w": round(before_w),
        "telemetry_w": home["telemetry"]["power_w"],
        "shown": shown,
    }


async def hold_floor(world: World, report: Report) -> Details:
    """Step 5: a floor raised above the state of charge ends the discharge at once."""
    soc = world.entities.number("sensor", f"{VEHICLE}_soc")
    raised = time.monotonic()
    await set_reserve(world, min(100.0, soc + RESERVE_ABOVE))
    allowed_s = ramp_time_s(DISPATCH_W, 0) + SETTLE_S
    await world.until_measured(
        lambda m: m.zero_since(raised, ZERO_W), allowed_s, "no export under the floor"
    )
    await watch_for_setpoints(world, raised)
    measured = await world.station.read()
    zero = measured.zero_since(raised, ZERO_W)
    expect(zero is not None, "no export under the floor, and none later", "export")
    energy_wh = measured.export_wh(raised)
    report.worst("floor_violation_wh", energy_wh, 2)
    reason = world.entities.state("sensor", f"{EVSE}_discharge_blocked_by")
    expect(reason == "vpp_floor", "blocked by vpp_floor", reason)
    expect(energy_wh <= 10, "at most 10 Wh", f"{energy_wh:.2f} Wh")
    return {
        "to_zero_s": round((zero or raised) - raised, 2),
        "violation_wh": round(energy_wh, 2),
        "blocked_by": reason,
    }


async def watch_for_setpoints(world: World, since_mono_s: float) -> None:
    """Return after a while in which no discharge was asked of the station.

    What was asked shows at once, what flows only after the plant's dead time.

    Raises:
        NotSeenError: when one was.
    """
    await asyncio.sleep(WATCH_SETPOINTS_S)
    calls = (await world.station.read()).setpoints_since(since_mono_s)
    asked_w = [call.setpoint_w for call in calls if (call.setpoint_w or 0.0) < 0]
    expect(not asked_w, "no discharge setpoint", asked_w)


async def set_reserve(world: World, percent: float) -> None:
    """Move the floor for dispatches by its number entity."""
    await world.entities.act(
        "number.set_value", f"{VEHICLE}_vpp_reserve", {"value": percent}
    )


async def _until_telemetry(world: World) -> dict[str, Any]:
    async def has_arrived() -> dict[str, Any] | None:
        home = await world.aggregator.home()
        frame = home["telemetry"]
        close = frame and abs(frame["power_w"] - DISPATCH_W) <= TOLERANCE_W
        return home if close else None

    return await until_async(
        has_arrived, SHOWN_TIMEOUT_S, "telemetry of the dispatched power"
    )


async def _until_shown(world: World) -> dict[str, Any]:
    """Return what the entities show once they show the dispatch."""

    def shown() -> dict[str, Any]:
        read = world.entities
        return {
            "state": read.state("sensor", f"{EVSE}_state"),
            "power_w": read.number("sensor", f"{EVSE}_power"),
            "setpoint_w": read.number("sensor", f"{EVSE}_setpoint"),
            "reason": read.state("sensor", f"{EVSE}_reason"),
            "control_owner": read.state("sensor", f"{EVSE}_control_owner"),
            "event_active": read.state("binary_sensor", f"{PROGRAMME}_event_active"),
        }

    def is_right() -> bool:
        seen = shown()
        wanted = {"state": "discharging", "reason": "as_requested"}
        wanted |= {"control_owner": "vpp", "event_active": "on"}
        is_close = abs(seen["power_w"] - DISPATCH_W) <= TOLERANCE_W
        return is_close and wanted.items() <= seen.items()

    await until(is_right, SHOWN_TIMEOUT_S, "entities that show the dispatch", shown)
    return shown()
