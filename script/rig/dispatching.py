"""Sending a dispatch and following it to the wire and to the meter."""

from dataclasses import dataclass
from typing import Any

from .report import Report
from .waiting import expect, until_async
from .world import PLANT, World

DISPATCH_W = -5_000
TOLERANCE_W = 250.0
"""5 %: the plant's steady offset (150 W) and its meter's noise stay below it."""

DURATION_S = 900

ACK_TIMEOUT_S = 12.0
"""The life of a command (VPP contract, table of topics)."""

WIRE_TIMEOUT_S = 5.0

WIRE_MS = 250.0
"""The promise for the first setpoint of a dispatch (product)."""

STEP_W = 1_000.0

POWER_TIMEOUT_S = 30.0

SETTLING_S = 4.0
"""One control tick, one meter sample and the slow trim of the plant's offset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatched:
    """One command and how it was answered."""

    command_id: str
    published_mono_s: float
    status: str
    code: str
    ack_ms: float


async def dispatch(
    world: World, kind: str, power_w: int | None = None, duration_s: int = DURATION_S
) -> Dispatched:
    """Send a command and return its first answer.

    Raises:
        NotSeenError: when there is none.
    """
    sent = await world.aggregator.command(kind, power_w, duration_s)
    command_id = sent["command_id"]

    async def first_ack() -> dict[str, Any] | None:
        acks = await world.aggregator.acks_of(command_id)
        return acks[0] if acks else None

    ack = await until_async(first_ack, ACK_TIMEOUT_S, f"an ack to the {kind}")
    return Dispatched(
        command_id=command_id,
        published_mono_s=sent["published_t_mono"],
        status=ack["status"],
        code=ack["code"],
        ack_ms=round((ack["t_mono"] - sent["published_t_mono"]) * 1000, 1),
    )


async def follow_to_wire(
    world: World, report: Report, published_mono_s: float, power_w: float
) -> float:
    """Return the milliseconds from publishing to the setpoint call at the station.

    It is the first call that comes nearer to the command than the one before. How long
    the first kilowatt takes is kept as well: the owner's ramp bounds the first step.

    Raises:
        NotSeenError: when no setpoint followed, or it took longer than promised.
    """

    def calls() -> str:
        newest = world.station.measured.setpoints_since(published_mono_s - 3)
        return ", ".join(
            f"{c.setpoint_w} W at {c.mono_s - published_mono_s:+.3f} s" for c in newest
        )

    expected = "a setpoint call that follows the command"

    async def first(step_w: float) -> float:
        return await world.until_measured(
            lambda m: m.first_towards(published_mono_s, power_w, step_w),
            WIRE_TIMEOUT_S,
            expected,
            calls,
        )

    arrived, moved = await first(1.0), await first(STEP_W)
    milliseconds = (arrived - published_mono_s) * 1000
    report.worst("dispatch_to_wire_ms", milliseconds)
    report.worst("dispatch_to_first_kw_ms", (moved - published_mono_s) * 1000)
    every = report.figures.setdefault("dispatch_to_wire_ms_each", [])
    every.append(round(milliseconds, 1))
    is_in_time = milliseconds < WIRE_MS
    expect(is_in_time, f"the wire within {WIRE_MS:g} ms", calls())
    return milliseconds


def ramp_time_s(from_w: float, to_w: float) -> float:
    """Return how long the plant takes from one power to another, dead time included."""
    rest_s = PLANT.rest_s if from_w * to_w < 0 else 0.0
    seconds: float = (
        PLANT.dead_time_s + rest_s + abs(to_w - from_w) / PLANT.ramp_w_per_s
    )
    return seconds


async def until_power(world: World, power_w: float, since_mono_s: float) -> float:
    """Return the seconds until the true power was first within the tolerance.

    Raises:
        NotSeenError: when it takes longer than the plant and the settling need.
    """
    reached = await world.until_measured(
        lambda measured: measured.reached(since_mono_s, power_w, TOLERANCE_W),
        POWER_TIMEOUT_S,
        f"a true power of {power_w:.0f} W",
    )
    took_s = reached - since_mono_s
    # What was asked before arrives meanwhile: the way is counted from its end.
    way = [s.power_w for s in world.station.measured.samples_since(since_mono_s)]
    farthest_w = max(way, key=lambda at_w: abs(at_w - power_w))
    allowed_s = ramp_time_s(farthest_w, power_w) + SETTLING_S
    expected = f"{power_w:.0f} W within {allowed_s:.1f} s from {farthest_w:.0f} W"
    expect(took_s <= allowed_s, expected, f"{took_s:.1f} s")
    return took_s
