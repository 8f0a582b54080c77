"""Cases about the life of a command that the home takes."""

import asyncio
from collections.abc import Callable
from hashlib import sha256

from . import clock
from .case import Case, Failed, Inconclusive
from .home_bench import HomeBench
from .transcript import Message
from .wire import Json

FOLLOW_S = 30.0
"""So long may a charger take from the command to its power."""

REST_W = 150
"""What a charger at rest may still show."""

SLACK_S = 2.0
"""A home works in steps of a second."""

OVERSHOOT_PERMILLE = 1_050


async def done(bench: HomeBench) -> str:
    """From accepted over active to done, and 0 W after it."""
    asked_w = bench.a_power_w()
    command_id = await bench.command(end_s=8, power_w=asked_w)
    verdict = await bench.taken(command_id)
    await bench.ack(command_id, "active")
    followed = await bench.transcript.first(
        "telemetry", lambda m: m.document.get("command_id") == command_id
    )
    if followed is None:
        raise Failed("telemetry never named the command that is followed")
    last = await bench.ack(command_id, "done", "partial", within_s=8 + SLACK_S)
    order = [one["status"] for one in bench.acks(command_id)]
    if order.index("active") > len(order) - 2 or order[-1] != last["status"]:
        raise Failed(f"the order of the answers is {order}")
    if abs(verdict["committed_w"]) > abs(asked_w):
        raise Failed(f"committed {verdict['committed_w']} W of {asked_w} W")
    return ", ".join(order)


async def flows(bench: HomeBench) -> str:
    """Measured power follows the setpoint, and falls to 0 W after the end."""
    asked_w = bench.a_power_w()
    command_id = await bench.command(end_s=60, power_w=asked_w)
    committed_w = (await bench.taken(command_id))["committed_w"]
    reached = await measured(
        bench,
        lambda w: w * committed_w > 0 and abs(w) >= 0.8 * abs(committed_w),
        FOLLOW_S,
    )
    if reached is None:
        raise Failed(f"80 % of {committed_w} W were not measured in {FOLLOW_S:.0f} s")
    if abs(reached) > max(abs(committed_w) * OVERSHOOT_PERMILLE // 1000, REST_W):
        raise Failed(f"{reached} W flow, {committed_w} W were committed")
    end_id = await bench.command(end_s=3, power_w=asked_w)
    await bench.taken(end_id)
    await bench.ack(end_id, "done", "partial", within_s=3 + SLACK_S)
    prints = [r["fingerprint"] for r in bench.newest("offer")["resources"]]
    dead_s = max((p["dead_time_s"] for p in prints), default=0.0)
    rest = await measured(bench, lambda w: abs(w) <= REST_W, dead_s + 10.0 + SLACK_S)
    if rest is None:
        raise Failed(f"not at 0 W {dead_s + 10:.0f} s after the end")
    return f"{reached} W of {committed_w} W, then {rest} W"


async def superseded(bench: HomeBench) -> str:
    """The newer command takes the place of the active one."""
    first_id = await bench.command()
    await bench.taken(first_id)
    await bench.ack(first_id, "active")
    power_w = bench.a_power_w()
    second_id = await bench.command(power_w=power_w - (100 if power_w > 0 else -100))
    await bench.taken(second_id)
    await bench.ack(second_id, "active")
    await bench.ack(first_id, "superseded")
    return "the first superseded, the second active"


async def cancelled(bench: HomeBench) -> str:
    """A cancel by id, acknowledged as itself and for what it ended."""
    command_id = await bench.command()
    await bench.taken(command_id)
    cancel_id = bench.say("cancel", {"command_id": command_id})
    await bench.expect(cancel_id, "accepted", "OK")
    await bench.ack(command_id, "cancelled")
    return "the cancel accepted, the command cancelled"


async def cancel_all(bench: HomeBench) -> str:
    """A cancel of everything that runs and waits."""
    running_id = await bench.command(end_s=30)
    await bench.taken(running_id)
    waiting_id = await bench.command(start_s=60, end_s=90)
    await bench.taken(waiting_id)
    cancel_id = bench.say("cancel", {"all": True})
    await bench.expect(cancel_id, "accepted", "OK")
    await bench.ack(running_id, "cancelled")
    await bench.ack(waiting_id, "cancelled")
    return "both cancelled"


async def release(bench: HomeBench) -> str:
    """A release ends what the program asked for."""
    command_id = await bench.command()
    await bench.taken(command_id)
    await bench.ack(command_id, "active")
    release_id = await bench.command(kind="release")
    await bench.expect(release_id, "accepted")
    last = await bench.ack(
        command_id, "cancelled", "superseded", "done", "partial", within_s=5
    )
    return f"the command {last['status']}"


async def limit(bench: HomeBench) -> str:
    """A limit is taken where it is offered."""
    bench.offers("limit")
    command_id = await bench.command(kind="limit", end_s=20)
    answer = await bench.taken(command_id)
    await bench.ack(command_id, "active")
    return f"{answer['status']} {answer['code']}"


async def waiting(bench: HomeBench) -> str:
    """A command that starts later waits, then runs."""
    began_mono_s = clock.monotonic()
    command_id = await bench.command(start_s=3, end_s=15)
    await bench.taken(command_id)
    await bench.ack(command_id, "active", within_s=3 + SLACK_S + 1)
    after_s = clock.monotonic() - began_mono_s
    if after_s < 2.0:
        raise Failed(f"active after {after_s:.1f} s instead of 3 s")
    return f"active after {after_s:.1f} s"


async def clamped(bench: HomeBench) -> str:
    """More than there is: CLAMPED with what binds, or an honest refusal."""
    sign = 1 if bench.a_power_w() > 0 else -1
    command_id = await bench.command(power_w=sign * 1_000_000, dry_run=True)
    answer = await bench.taken(command_id)
    site = bench.newest("availability")["site"]
    bound_w = site["highest_w"] if sign > 0 else site["lowest_w"]
    if answer["code"] != "CLAMPED":
        raise Failed(f"1 MW was answered {answer['status']} {answer['code']}")
    if not answer["binding"]:
        raise Failed("CLAMPED without a word of what binds")
    if abs(answer["committed_w"]) > abs(bound_w) * 1.05:
        raise Failed(f"committed {answer['committed_w']} W, available {bound_w} W")
    return f"CLAMPED to {answer['committed_w']} W, binding {answer['binding']}"


async def dry_run(bench: HomeBench) -> str:
    """A dry run is only answered."""
    bench.offers("dry_run")
    command_id = await bench.command(dry_run=True)
    answer = await bench.taken(command_id)
    await asyncio.sleep(2.0)
    statuses = [one["status"] for one in bench.acks(command_id)]
    followed = bench.newest("telemetry")["command_id"]
    if "active" in statuses or followed == command_id:
        raise Failed(f"it was applied: {statuses}")
    return f"{answer['status']} {answer['code']}, nothing applied"


async def marked_test(bench: HomeBench) -> str:
    """Every answer about a test says so."""
    command_id = await bench.command(end_s=4, test=True)
    await bench.taken(command_id)
    await bench.ack(command_id, "done", "partial", within_s=4 + SLACK_S)
    unmarked = [
        a["status"] for a in bench.acks(command_id) if a.get("test") is not True
    ]
    if unmarked:
        raise Failed(f"not marked: {unmarked}")
    return f"{len(bench.acks(command_id))} answers, all marked"


async def unknown_resource(bench: HomeBench) -> str:
    """A resource that is not there."""
    command_id = await bench.command(resource="no-such-station/1", power_w=1000)
    return await bench.expect(command_id, "rejected", "UNKNOWN_RESOURCE")


async def not_offered_kind(bench: HomeBench) -> str:
    """Droop: taken where it is offered, UNSUPPORTED where it is not."""
    offered = any(
        "droop" in one.get("features", ()) for one in bench.newest("offer")["resources"]
    )
    droop: Json = {"nominal_mhz": 50_000, "dead_band_mhz": 20, "power_w_per_hz": 3000}
    command_id = await bench.command(kind="droop", droop=droop, dry_run=True)
    if not offered:
        return await bench.expect(command_id, "rejected", "UNSUPPORTED")
    answer = await bench.ack(command_id)
    if answer["committed_w"] != 0:
        raise Failed(f"droop commits {answer['committed_w']} W instead of 0")
    return f"offered; {answer['status']} {answer['code']}"


def spread_delay_s(common_name: str, event_id: str, spread_s: float) -> float:
    """Return the delay of a home for an event (contract, "Command"), s."""
    digest = sha256(common_name.encode() + b"\0" + event_id.encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64 * spread_s


async def start_spread(bench: HomeBench) -> str:
    """The delay is the one that the contract computes."""
    bench.offers("start_spread")
    spread_s, name = 6, bench.topics.common_name
    event_id, delay_s = next(
        (text, delay_s)
        for text in (f"spread-{bench.pen.epoch}-{n}" for n in range(1000))
        if 2.5 <= (delay_s := spread_delay_s(name, text, spread_s)) <= 4.0
    )
    began_mono_s = clock.monotonic()
    command_id = await bench.command(
        end_s=20, start_spread_s=spread_s, event_id=event_id
    )
    await bench.taken(command_id)
    await bench.ack(command_id, "active", within_s=delay_s + SLACK_S)
    after_s = clock.monotonic() - began_mono_s
    if after_s < delay_s - 1.0:
        raise Failed(f"active after {after_s:.1f} s instead of {delay_s:.1f} s")
    return f"active after {after_s:.1f} s, computed {delay_s:.1f} s"


async def group(bench: HomeBench) -> str:
    """Commands of a group: no setpoint; a release is obeyed."""
    bench.offers("group")
    if not bench.options.groups:
        raise Inconclusive("needs --group: a group that the broker lets the home read")
    topic = bench.topics.group(bench.options.groups[0])
    setpoint_id = await bench.command(power_w=1000, how={"topic": topic})
    await bench.expect(setpoint_id, "rejected", "UNSUPPORTED")
    release_id = await bench.command(kind="release", how={"topic": topic})
    await bench.expect(release_id, "accepted")
    return "setpoint UNSUPPORTED, release accepted"


async def measured(
    bench: HomeBench, fits: Callable[[int], bool], within_s: float
) -> int | None:
    """Return the first measured power that fits, None when none does in time, W."""

    def is_it(message: Message) -> bool:
        power_w = message.document.get("power_w")
        return isinstance(power_w, int) and fits(power_w)

    since = bench.transcript.here
    found = await bench.transcript.first(
        "telemetry", is_it, since=since, within_s=within_s
    )
    return None if found is None else int(found.document["power_w"])


COMMAND_CASES: tuple[Case[HomeBench], ...] = (
    Case(
        case_id="command-done",
        rule="Command",
        done="Send a setpoint of 8 s.",
        expected="accepted, active, then done; telemetry names the command.",
        run=done,
    ),
    Case(
        case_id="command-flows",
        rule="Rule 6",
        done="Send a setpoint, then one of 3 s without a successor.",
        expected="Power follows; 0 W within dead time and 10 s of the end.",
        run=flows,
    ),
    Case(
        case_id="command-superseded",
        rule="Rule 7",
        done="Send a second setpoint while the first is active.",
        expected="The first superseded, the second active.",
        run=superseded,
    ),
    Case(
        case_id="command-cancelled",
        rule="Rule 8",
        done="Cancel a command by its id.",
        expected="The cancel accepted OK, the command cancelled.",
        run=cancelled,
    ),
    Case(
        case_id="command-cancel-all",
        rule="Rule 8",
        done="Cancel all while one command runs and one waits.",
        expected="Both cancelled.",
        run=cancel_all,
    ),
    Case(
        case_id="command-release",
        rule="Command",
        done="Release while a command runs.",
        expected="Accepted; the command ends.",
        run=release,
    ),
    Case(
        case_id="command-limit",
        rule="Command",
        done="Send a limit.",
        expected="Accepted, then active.",
        run=limit,
    ),
    Case(
        case_id="command-waiting",
        rule="Command",
        done="Send a setpoint that starts in 3 s.",
        expected="Accepted at once, active after 3 s.",
        run=waiting,
    ),
    Case(
        case_id="command-clamped",
        rule="Rule 13",
        done="Ask for 1 MW, as a dry run.",
        expected="CLAMPED to no more than the availability.",
        run=clamped,
    ),
    Case(
        case_id="command-dry-run",
        rule="Rule 16",
        done="Send a dry run.",
        expected="A verdict, and nothing is applied.",
        run=dry_run,
    ),
    Case(
        case_id="command-test",
        rule="Rule 16",
        done="Send a test of 4 s.",
        expected="It runs, and each answer is marked.",
        run=marked_test,
    ),
    Case(
        case_id="command-unknown-resource",
        rule="Command",
        done="Name a resource that does not exist.",
        expected="rejected UNKNOWN_RESOURCE.",
        run=unknown_resource,
    ),
    Case(
        case_id="command-droop",
        rule="Droop and curve",
        done="Send a droop, as a dry run.",
        expected="UNSUPPORTED unless a resource offers it; then committed_w 0.",
        run=not_offered_kind,
    ),
    Case(
        case_id="command-start-spread",
        rule="Rule 17",
        done="Send a command with a start spread of 6 s.",
        expected="It begins after the delay that the contract computes.",
        run=start_spread,
    ),
    Case(
        case_id="command-group",
        rule="Command",
        done="Send a setpoint and a release to a group.",
        expected="UNSUPPORTED for the setpoint, the release accepted.",
        run=group,
    ),
)
