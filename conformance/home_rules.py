"""Cases about the other rules of the gate: form, windows, rate, stops, version."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
import uuid

from . import clock
from .case import Case, Failed
from .home_bench import HomeBench
from .home_session import CLOCK_S
from .wire import to_bytes

WAITING = 16
SKEW_S = 6.0
STEP_S = -60.0


async def malformed(changes: dict[str, Any], bench: HomeBench) -> str:
    """A command that the schema or the contract refuses."""
    fields = {"power_w": 1000, **changes}
    command_id = await bench.command(**fields)
    return await bench.expect(command_id, "rejected", "SCHEMA")


async def without_power(bench: HomeBench) -> str:
    """A setpoint without its power."""
    body = bench.command_body(power_w=1000)
    del body["power_w"]
    command_id = bench.say("command", body, remark="no power_w")
    return await bench.expect(command_id, "rejected", "SCHEMA")


async def release_with_power(bench: HomeBench) -> str:
    """A release has no power."""
    body = bench.command_body(kind="release") | {"power_w": 0}
    command_id = bench.say("command", body, remark="a release with power_w")
    return await bench.expect(command_id, "rejected", "SCHEMA")


async def key_twice(bench: HomeBench) -> str:
    """A key that occurs twice."""
    topic = bench.topics.down("command")
    message = bench.pen.write(topic, "command", bench.command_body(power_w=1000))
    raw = to_bytes(message)[:-1] + b',"power_w":2000}'
    command_id = bench.say("command", {}, raw=raw, remark="power_w twice")
    await asyncio.sleep(1.0)
    wrong = [a for a in bench.acks(command_id) if a["code"] != "SCHEMA"]
    if wrong:
        raise Failed(f"{wrong[0]['status']} {wrong[0]['code']}")
    return "SCHEMA" if bench.acks(command_id) else "no answer"


async def closed_cancel(bench: HomeBench) -> str:
    """A cancel is closed, too."""
    cancel_id = bench.say("cancel", {"all": True, "reason": "none"})
    return await bench.expect(cancel_id, "rejected", "SCHEMA")


async def noise(bench: HomeBench) -> str:
    """What is no JSON must not hurt."""
    for raw in (b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"id":NaN}', b"[" * 5000):
        bench.say("command", {}, raw=raw, remark="noise, signed")
        bench.say("heartbeat", {}, raw=raw, remark="noise, signed")
    answer = await bench.taken(await bench.command(dry_run=True))
    return f"the next command: {answer['status']} {answer['code']}"


async def overlap(bench: HomeBench) -> str:
    """Windows of waiting commands must not overlap."""
    await bench.taken(await bench.command(start_s=100, end_s=160))
    command_id = await bench.command(start_s=130, end_s=190)
    return await bench.expect(command_id, "rejected", "OVERLAP")


async def full(bench: HomeBench) -> str:
    """Sixteen wait, the next one does not."""
    power_w = bench.a_power_w()
    for number in range(WAITING):
        start_s = 600 + 30 * number
        command_id = await bench.command(
            start_s=start_s, end_s=start_s + 20, power_w=power_w
        )
        await bench.taken(command_id)
    start_s = 600 + 30 * WAITING
    command_id = await bench.command(
        start_s=start_s, end_s=start_s + 20, power_w=power_w
    )
    return await bench.expect(command_id, "rejected", "OVERLAP")


async def unknown_cancel(bench: HomeBench) -> str:
    """A cancel that comes before its command."""
    command_id = str(uuid.uuid7())
    cancel_id = bench.say("cancel", {"command_id": command_id})
    await bench.expect(cancel_id, "accepted", "OK")
    await bench.command(id=command_id)
    return await bench.expect(command_id, "cancelled")


async def rate(bench: HomeBench) -> str:
    """Two commands a second, and always a stop."""
    await asyncio.sleep(1.2)
    power_w = bench.a_power_w()
    ids = [
        bench.say("command", bench.command_body(power_w=power_w, dry_run=True))
        for _ in range(4)
    ]
    stop_id = bench.say("command", bench.command_body(kind="release"))
    codes = [(await bench.ack(one))["code"] for one in ids]
    refused = codes.count("RATE_LIMIT")
    if refused != 2:
        raise Failed(f"the four were answered {codes}")
    await bench.expect(stop_id, "accepted")
    await asyncio.sleep(1.0)
    return f"{', '.join(codes)}; the stop accepted"


async def old_stop(bench: HomeBench) -> str:
    """A stop is exempt from number, term and time."""
    await bench.taken(await bench.command())
    stop_id = await bench.command(
        kind="release",
        seq=0,
        epoch=bench.pen.epoch - 1,
        ts=bench.pen.time(-300),
        how={"remark": "old in every way"},
    )
    return await bench.expect(stop_id, "accepted")


async def untrusted_clock(bench: HomeBench) -> str:
    """With clocks 6 s apart only stops are obeyed."""
    power_w = bench.a_power_w()
    try:
        await _shift(bench, SKEW_S)
        command_id = await bench.command(power_w=power_w)
        seen = await bench.expect(command_id, "rejected", "CLOCK_SKEW")
        stop_id = await bench.command(kind="release")
        await bench.expect(stop_id, "accepted")
    finally:
        await _shift(bench, 0.0)
    answer = await bench.taken(await bench.command(dry_run=True))
    return f"{seen}; with right clocks again {answer['status']}"


async def clock_step(bench: HomeBench) -> str:
    """Start and end are monotonic once accepted."""
    began_mono_s = clock.monotonic()
    command_id = await bench.command(end_s=7)
    await bench.taken(command_id)
    try:
        await _shift(bench, STEP_S, within_s=5.0)
        await bench.ack(command_id, "done", "partial", within_s=9)
        took_s = clock.monotonic() - began_mono_s
    finally:
        await _shift(bench, 0.0)
    return f"ended after {took_s:.0f} s, as accepted"


async def _shift(
    bench: HomeBench, shift_s: float, *, within_s: float = CLOCK_S
) -> None:
    """Set the clock of the aggregator and wait until the home has noticed."""
    bench.pen.shift_s = shift_s
    await asyncio.sleep(1.1)
    since = bench.transcript.here
    bench.request("hello")
    await bench.heard("clock", since=since, within_s=within_s)
    await asyncio.sleep(0.3)
    bench.heartbeat()


async def refused(welcome: dict[str, Any], bench: HomeBench) -> str:
    """A home without a common version stays local."""
    bench.welcome = welcome
    await asyncio.sleep(1.1)
    since = bench.transcript.here
    bench.request("hello")
    await bench.heard("hello", since=since)
    await asyncio.sleep(0.5)
    try:
        command_id = await bench.command(power_w=1000)
        seen = await bench.expect(command_id, "rejected", "VERSION")
        stop_id = await bench.command(kind="release")
        await bench.expect(stop_id, "accepted")
    finally:
        bench.welcome = {}
        since = bench.transcript.here
        await asyncio.sleep(1.1)
        if bench.relay is None:
            bench.request("hello")
        else:
            # The contract: it stays local until it connects again.
            await bench.relay.cut()
        await bench.heard("availability", since=since, within_s=15)
    return f"{seen}; a stop accepted; back after it connected again"


async def caps(bench: HomeBench) -> str:
    """Limits of the home have no field in any message."""
    for key in ("soc_floor_percent", "max_discharge_power_w", "cycle_budget"):
        body: dict[str, Any] = {"power_w": 1000, key: 0}
        command_id = await bench.command(**body)
        await bench.expect(command_id, "rejected", "SCHEMA")
    return "SCHEMA for each of three limits"


def _case(
    name: str,
    rule: str,
    done: str,
    expected: str,
    run: Callable[[HomeBench], Awaitable[str]],
) -> Case[HomeBench]:
    return Case(
        case_id=f"rule-{name}", rule=rule, done=done, expected=expected, run=run
    )


_MALFORMED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("unknown-key", "a command with an unknown key", {"colour": "blue"}),
    ("too-long", "a command of more than 4 hours", {"end_s": 4 * 3600 + 60}),
    ("backwards", "a command that ends before it starts", {"start_s": 90}),
    ("fraction", "a power of 1000.5 W", {"power_w": 1000.5}),
    ("unknown-kind", "an unknown kind", {"kind": "explode"}),
)

RULE_CASES: tuple[Case[HomeBench], ...] = (
    *(
        _case(
            f"form-{name}",
            "Envelope",
            f"Send {what}.",
            "rejected SCHEMA.",
            partial(malformed, changes),
        )
        for name, what, changes in _MALFORMED
    ),
    _case(
        "form-no-power",
        "Envelope",
        "Send a setpoint without a power.",
        "rejected SCHEMA.",
        without_power,
    ),
    _case(
        "form-release-power",
        "Envelope",
        "Send a release with a power.",
        "rejected SCHEMA.",
        release_with_power,
    ),
    _case(
        "form-key-twice",
        "Envelope",
        "Send a command in which a key occurs twice.",
        "SCHEMA or no answer; nothing is applied.",
        key_twice,
    ),
    _case(
        "form-cancel",
        "Envelope",
        "Send a cancel with an unknown key.",
        "rejected SCHEMA.",
        closed_cancel,
    ),
    _case(
        "form-noise",
        "Envelope",
        "Send signed bytes that are no JSON object.",
        "The home works on.",
        noise,
    ),
    _case(
        "overlap",
        "Rule 7",
        "Send two waiting commands with overlapping windows.",
        "The second is rejected OVERLAP.",
        overlap,
    ),
    _case(
        "full",
        "Rule 7",
        "Send seventeen commands that wait.",
        "Sixteen are taken, the last is rejected OVERLAP.",
        full,
    ),
    _case(
        "unknown-cancel",
        "Rule 8",
        "Cancel an unknown id, then send that command.",
        "The cancel is accepted OK, the command answered cancelled.",
        unknown_cancel,
    ),
    _case(
        "rate",
        "Rule 9",
        "Send four commands and a stop at once.",
        "Two are RATE_LIMIT, the stop is accepted.",
        rate,
    ),
    _case(
        "old-stop",
        "Rule 10",
        "Send a release of an old term, with an old number and an old time.",
        "Accepted.",
        old_stop,
    ),
    _case(
        "untrusted-clock",
        "Rule 4",
        "Tell the home a clock that is 6 s ahead, and command by it.",
        "CLOCK_SKEW for a setpoint, a stop accepted.",
        untrusted_clock,
    ),
    _case(
        "clock-step",
        "Rule 5",
        "Set the aggregator's clock back by a minute while a command runs.",
        "The command ends when it was to end.",
        clock_step,
    ),
    _case(
        "caps",
        "Rule 13",
        "Try to set limits of the home by a command.",
        "rejected SCHEMA.",
        caps,
    ),
)

VERSION_CASES: tuple[Case[HomeBench], ...] = (
    _case(
        "version-refused",
        "Rule 11",
        "Refuse the hello.",
        "VERSION for a command, a stop accepted; local until it connects again.",
        partial(
            refused,
            {
                "status": "refused",
                "code": "VERSION",
                **dict.fromkeys(
                    (
                        *("chosen_version", "features", "heartbeat_period_s"),
                        *("telemetry_period_s", "groups", "signing_keys"),
                        "reconnect_max_s",
                    )
                ),
            },
        ),
    ),
    _case(
        "version-unknown",
        "Rule 11",
        "Choose version 1.99 in the welcome.",
        "VERSION for a command, a stop accepted; local until it connects again.",
        partial(refused, {"chosen_version": "1.99"}),
    ),
)
