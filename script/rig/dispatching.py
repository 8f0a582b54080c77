"""Sending a dispatch and following it to the wire and to the meter."""

from dataclasses import dataclass
import itertools
from typing import Any

from .measured import Measured
from .report import Report
from .waiting import until_async
from .world import PLANT, World

DISPATCH_W = -5_000
TOLERANCE_W = 250.0
"""5 %: the plant's steady offset (150 W) and its meter's noise stay below it."""

DURATION_S = 900

ACK_TIMEOUT_S = 12.0
"""The life of a command (VPP contract, table of topics)."""

WIRE_TIMEOUT_S = 5.0

STEP_W = 1_000.0
"""A change of the setpoint by more than this is the dispatch; regulation is finer."""

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


async def wire_ms(world: World, published_mono_s: float) -> float:
    """Return the milliseconds from publishing to the setpoint call at the station.

    Raises:
        NotSeenError: when no setpoint followed.
    """

    def first_step(measured: Measured) -> float | None:
        calls = measured.setpoints_since(0)
        for before, after in itertools.pairwise([None, *calls]):
            if after is None or after.mono_s < published_mono_s:
                continue
            old_w = before.setpoint_w if before else 0.0
            new_w = after.setpoint_w
            if new_w is not None and abs(new_w - (old_w or 0.0)) >= STEP_W:
                return after.mono_s
        return None

    arrived = await world.until_measured(
        first_step,
        WIRE_TIMEOUT_S,
        "a setpoint call that follows the command",
        lambda: [c.setpoint_w for c in world.station.measured.setpoints_since(0)][-3:],
    )
    return (arrived - published_mono_s) * 1000


def note_wire_ms(report: Report, milliseconds: float) -> None:
    """Keep one latency, and the worst of all of them as the figure of the run."""
    report.worst("dispatch_to_wire_ms", milliseconds)
    every = report.figures.setdefault("dispatch_to_wire_ms_each", [])
    every.append(round(milliseconds, 1))


def ramp_time_s(from_w: float, to_w: float) -> float:
    """Return how long the plant takes from one power to another, dead time included."""
    rest_s = PLANT.rest_s if from_w * to_w < 0 else 0.0
    seconds: float = (
        PLANT.dead_time_s + rest_s + abs(to_w - from_w) / PLANT.ramp_w_per_s
    )
    return seconds


async def until_power(
    world: World, power_w: float, since_mono_s: float, from_w: float
) -> float:
    """Return the seconds until the true power was first within the tolerance.

    Raises:
        NotSeenError: when it takes longer than the plant and the settling need.
    """
    allowed_s = ramp_time_s(from_w, power_w) + SETTLING_S
    reached = await world.until_measured(
        lambda measured: measured.reached(since_mono_s, power_w, TOLERANCE_W),
        allowed_s,
        f"a true power of {power_w:.0f} W",
    )
    return reached - since_mono_s
