"""Feed bad input to every door of the product, and count what is wrong.

Mutated OCPP frames of every version with a site behind them, mutated messages of an
aggregator through the link and over a real broker, mutated requests to the reference
aggregator, and attacks on the listener beside a bare echo. Nothing may crash, hang or
grow; every CALL whose id can be read gets one answer; what nobody signed reaches nobody.
"""

import asyncio
from collections.abc import Awaitable, Callable
import time
from typing import Any, Final

from custom_components.v2g_vpp.csms.versions import SERVED_VERSIONS
from script.benches.fuzz_broker import fuzz_broker
from script.benches.fuzz_door import ROUND_TRIP_MS, measure_door
from script.benches.fuzz_frames import fuzz_inside, fuzz_socket
from script.benches.fuzz_messages import fuzz_link
from script.benches.fuzz_requests import fuzz_aggregator, fuzz_invitations
from script.benches.fuzz_watch import PRODUCT, Guide, counted_errors
from script.benches.result import Bench, Figure, Target, at_least, at_most

FRAMES: Final = 1_000_000
QUICK_FRAMES: Final = 6_000
OVER_A_SOCKET: Final = 3_000
QUICK_OVER_A_SOCKET: Final = 600
"""Frames that take the way of a real station, at the rate that one may send."""

GUIDED: Final = 0.1
"""Share of the frames that are led by the branches that earlier ones reached."""

MESSAGES: Final = 190_000
QUICK_MESSAGES: Final = 3_000
OVER_A_BROKER: Final = 10_000
"""Of the messages, beside those that arrive without a socket."""


REQUESTS: Final = 20_000
QUICK_REQUESTS: Final = 400

MAX_GROWTH_PERCENT: Final = 5.0
"""Between the first tenth and the end: caches fill up to their bounds before."""

type Measured = tuple[dict[str, Figure], dict[str, Target]]


async def measure_frames(bench: Bench) -> Measured:
    """Feed frames to stations of each version."""
    total = QUICK_FRAMES if bench.is_quick else FRAMES
    over_sockets = QUICK_OVER_A_SOCKET if bench.is_quick else OVER_A_SOCKET
    each, over_a_socket = (n // len(SERVED_VERSIONS) for n in (total, over_sockets))
    guided = round(each * GUIDED)
    counts = dict.fromkeys(
        ("unanswered", "pending", "answers", "failures", "reached", "more"), 0.0
    )
    growth_percent = 0.0
    began_s = time.monotonic()
    for seed, version in enumerate(SERVED_VERSIONS):
        guide = Guide()
        runs = [await fuzz_inside(version, each - guided - over_a_socket, seed)]
        reached = guide.reached
        runs.append(await fuzz_inside(version, guided, seed + 50, guide))
        guide.stop()
        counts["reached"] += reached
        counts["more"] += guide.reached - reached
        for run in runs:
            _say_wrong(bench, version.protocol, run["wrong"])
            counts["unanswered"] += len(run["wrong"])
            counts["pending"] += run["pending"]
            counts["answers"] += run["answers"]
        growth_percent = max(growth_percent, runs[0]["growth_percent"])
        counts["failures"] += await fuzz_socket(version, over_a_socket, seed + 100)
        bench.say("%s: %d frames", version.protocol, each)
    figures: dict[str, Figure] = {
        "frames": float(each * len(SERVED_VERSIONS)),
        "frames_s": round(time.monotonic() - began_s, 1),
        "frames_answers_to_us": counts["answers"],
        "frames_unanswered": counts["unanswered"],
        "frames_still_pending": counts["pending"],
        "frames_socket_failures": counts["failures"],
        "frames_branches": counts["reached"],
        "frames_branches_more_when_guided": counts["more"],
        "frames_memory_growth_percent": round(growth_percent, 2),
    }
    none = at_most(0)
    return figures, {
        "frames_unanswered": none,
        "frames_still_pending": none,
        "frames_socket_failures": none,
        "frames_memory_growth_percent": at_most(MAX_GROWTH_PERCENT),
    }


async def measure_messages(bench: Bench) -> Measured:
    """Let messages of an aggregator arrive at a link."""
    count = QUICK_MESSAGES if bench.is_quick else MESSAGES
    began_s = time.monotonic()
    found = await fuzz_link(count, seed=1)
    _say_wrong(bench, "messages", found["wrong"])
    figures: dict[str, Figure] = {
        "messages_inside": float(count),
        "messages_s": round(time.monotonic() - began_s, 1),
        "messages_obeyed": float(found["obeyed"]),
        "messages_wrong": float(len(found["wrong"])),
        "messages_memory_growth_percent": round(found["growth_percent"], 2),
    }
    return figures, {
        "messages_wrong": at_most(0),
        "messages_memory_growth_percent": at_most(MAX_GROWTH_PERCENT),
    }


async def measure_broker(bench: Bench) -> Measured:
    """Send messages over a real broker to a whole home; too long for a quick run."""
    if bench.is_quick:
        return {}, {}
    found = await fuzz_broker(OVER_A_BROKER, seed=2)
    figures: dict[str, Figure] = {
        "broker_messages": float(found["sent"]),
        "broker_dropped": float(found["dropped"]),
        "broker_command_before_ms": round(found["before_ms"], 1),
        "broker_command_after_ms": round(found["after_ms"], 1),
        "broker_is_linked": found["is_linked"],
    }
    return figures, {
        "broker_is_linked": at_least(1),
        "broker_command_after_ms": at_most(ROUND_TRIP_MS),
    }


async def measure_requests(bench: Bench) -> Measured:
    """Send requests to the reference aggregator, and read invitations."""
    count = QUICK_REQUESTS if bench.is_quick else REQUESTS
    found = await fuzz_aggregator(count, seed=1)
    wrong = found["wrong"] + fuzz_invitations(count, seed=2)
    _say_wrong(bench, "requests", wrong)
    figures: dict[str, Figure] = {
        "requests": float(count),
        "invitations": float(count),
        "requests_wrong": float(len(wrong)),
        "requests_memory_growth_percent": round(found["growth_percent"], 2),
    }
    return figures, {
        "requests_wrong": at_most(0),
        "requests_memory_growth_percent": at_most(MAX_GROWTH_PERCENT),
    }


PARTS: Final[tuple[Callable[[Bench], Awaitable[Measured]], ...]] = (
    measure_door,
    measure_frames,
    measure_messages,
    measure_broker,
    measure_requests,
)
"""The door first: its processes are measured while this one is still small."""


async def measure(bench: Bench) -> Measured:
    """Return every figure and target."""
    figures: dict[str, Figure] = {}
    targets: dict[str, Target] = {}
    with counted_errors(PRODUCT, "aggregator") as errors:
        for part in PARTS:
            more_figures, more_targets = await part(bench)
            figures |= more_figures
            targets |= more_targets
    for text, count in errors.texts.most_common(10):
        bench.say("%d x %s", count, text)
    figures["own_errors"] = float(errors.texts.total())
    targets["own_errors"] = at_most(0)
    return figures, targets


def _say_wrong(bench: Bench, what: str, wrong: list[Any]) -> None:
    for text in wrong[:5]:
        bench.say("%s: wrong: %.300s", what, text)


def main(argv: list[str]) -> int:
    """Run the benchmark."""
    bench = Bench.from_arguments("fuzz", argv, __doc__)
    figures, targets = asyncio.run(measure(bench))
    return bench.finish(figures, targets)
