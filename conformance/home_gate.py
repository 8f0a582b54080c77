"""Cases about what a home must not believe: rules 1 to 4 and the signature."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from .case import Case, Failed, Inconclusive
from .home_bench import HomeBench
from .session import Session
from .transcript import Message, Speaker
from .wire import encode64, to_bytes

OVERSIZE_BYTES = 70_000
LARGE_BYTES = 60_000
LEAP = 1_000


async def retained(kind: str, bench: HomeBench) -> str:
    """A retained message, then its removal from the broker."""
    bodies: dict[str, dict[str, Any]] = {
        "command": bench.command_body(),
        "cancel": {"all": True},
    }
    said_id = bench.say(kind, bodies[kind], is_retained=True, remark="retained")
    try:
        return await bench.silence(said_id, f"a retained {kind}")
    finally:
        last = bench.last_said(kind)
        bench.again(
            last,
            payload=b"",
            is_retained=True,
            signatures=(),
            remark="takes the retained message from the broker",
        )


async def forged(
    how: Callable[[HomeBench, str, bytes], tuple[str, ...]],
    what: str,
    bench: HomeBench,
) -> str:
    """A command whose signature is not right."""
    topic = bench.topics.down("command")
    raw = to_bytes(bench.pen.write(topic, "command", bench.command_body()))
    command_id = bench.say(
        "command", {}, raw=raw, signatures=how(bench, topic, raw), remark=what
    )
    return await bench.silence(command_id, what)


def no_signature(bench: HomeBench, topic: str, raw: bytes) -> tuple[str, ...]:
    """Return nothing."""
    return ()


def stranger(bench: HomeBench, topic: str, raw: bytes) -> tuple[str, ...]:
    """Return the signature of another key under the right key id."""
    return (bench.stranger.sign(topic, raw),)


def unknown_kid(bench: HomeBench, topic: str, raw: bytes) -> tuple[str, ...]:
    """Return the right signature under a key id that nobody knows."""
    return ("nobody:" + bench.options.key.sign(topic, raw).partition(":")[2],)


def other_topic(bench: HomeBench, topic: str, raw: bytes) -> tuple[str, ...]:
    """Return a signature that is good for the cancel topic."""
    return (bench.options.key.sign(bench.topics.down("cancel"), raw),)


def other_payload(bench: HomeBench, topic: str, raw: bytes) -> tuple[str, ...]:
    """Return a signature that is good for another payload."""
    return (bench.options.key.sign(topic, raw + b" "),)


def two_signatures(bench: HomeBench, topic: str, raw: bytes) -> tuple[str, ...]:
    """Return a right one and a wrong one."""
    right = bench.options.key.sign(topic, raw)
    return (right, f"{bench.options.key.key_id}:{encode64(bytes(64))}")


async def forged_cancel(bench: HomeBench) -> str:
    """A stop is never exempt from the signature."""
    command_id = await bench.command()
    await bench.taken(command_id)
    await bench.ack(command_id, "active")
    cancel_id = bench.say(
        "cancel", {"all": True}, key=bench.stranger, remark="signed by a stranger"
    )
    await bench.silence(cancel_id, "a forged cancel")
    last = bench.acks(command_id)[-1]["status"]
    if last != "active":
        raise Failed(f"it ended the command: {last}")
    return "no answer, the command stays active"


async def duplicate(bench: HomeBench) -> str:
    """The same bytes again: the recorded verdict, and nothing twice."""
    command_id = await bench.command(end_s=40)
    said = bench.last_said("command")
    await bench.taken(command_id)
    await bench.ack(command_id, "active")
    count = len(bench.acks(command_id))
    bench.again(said)
    again = await bench.ack(command_id, after=count)
    bench.say("cancel", {"command_id": command_id})
    await bench.ack(command_id, "cancelled")
    count = len(bench.acks(command_id))
    bench.again(said)
    await bench.ack(command_id, after=count)
    await asyncio.sleep(1.5)
    if any(one["status"] == "active" for one in bench.acks(command_id)[count:]):
        raise Failed("it was applied again after it had been cancelled")
    if bench.newest("telemetry")["command_id"] == command_id:
        raise Failed("telemetry follows it again after it had been cancelled")
    return f"answered {again['status']} again, not applied again"


async def stale_seq(bench: HomeBench) -> str:
    """A number that was used."""
    await bench.ack(await bench.command(dry_run=True))
    seq = bench.last_said("command").document["seq"]
    command_id = await bench.command(dry_run=True, seq=seq)
    return await bench.expect(command_id, "rejected", "STALE_SEQ")


async def mark_of_refused(bench: HomeBench) -> str:
    """The mark rises with a refused command, too."""
    topic = bench.topics.down("command")
    bench.pen.seq[topic] = bench.pen.seq.get(topic, 0) + 20
    far_id = await bench.command(
        start_s=49 * 3600, end_s=49 * 3600 + 60, dry_run=True, power_w=1000
    )
    await bench.expect(far_id, "rejected", "NOT_YET")
    seq = bench.last_said("command").document["seq"] - 5
    command_id = await bench.command(dry_run=True, power_w=1000, seq=seq)
    return await bench.expect(command_id, "rejected", "STALE_SEQ")


async def gap(bench: HomeBench) -> str:
    """A gap is accepted."""
    topic = bench.topics.down("command")
    bench.pen.seq[topic] = bench.pen.seq.get(topic, 0) + 50
    answer = await bench.taken(await bench.command(dry_run=True))
    return f"{answer['status']} {answer['code']} after a gap of 50"


async def forged_mark(bench: HomeBench) -> str:
    """A forged number must not lock the right sender out."""
    epoch = bench.pen.epoch + LEAP
    forged_id = await bench.command(
        dry_run=True,
        power_w=1000,
        seq=bench.pen.seq.get(bench.topics.down("command"), 0) + LEAP,
        epoch=epoch,
        how={"key": bench.stranger, "remark": "signed by a stranger"},
    )
    try:
        await bench.silence(forged_id, "a forged command")
        answer = await bench.taken(await bench.command(dry_run=True))
    except Failed:
        # The cases that follow are about other things.
        bench.pen.epoch = epoch + 1
        raise
    return f"the right command afterwards: {answer['status']} {answer['code']}"


async def old_epoch(bench: HomeBench) -> str:
    """A new term on one topic ends the old term on all."""
    old = bench.pen.epoch
    bench.pen.epoch += 1
    bench.heartbeat(remark="the first word of a new term")
    await asyncio.sleep(0.3)
    command_id = await bench.command(dry_run=True, power_w=1000, epoch=old)
    return await bench.expect(command_id, "rejected", "OLD_EPOCH")


async def after_restart(bench: HomeBench) -> str:
    """Marks and verdicts survive a restart of the home."""
    restart = bench.options.hooks.get("restart")
    if restart is None:
        raise Inconclusive("needs --restart: a command that starts the home anew")
    done_id = await bench.command(dry_run=True)
    await bench.ack(done_id)
    said = bench.last_said("command")
    before = bench.newest("hello")
    since = bench.transcript.here
    await restart()
    hello = await bench.heard("hello", since=since, within_s=bench.options.patience_s)
    if hello.document["epoch"] <= before["epoch"]:
        raise Failed("the epoch of the home did not grow")
    if hello.document["boot_id"] == before["boot_id"]:
        raise Failed("the boot id is the same")
    await bench.heard("availability", since=since)
    await asyncio.sleep(1.0)
    count = len(bench.acks(done_id))
    bench.again(said)
    await bench.ack(done_id, after=count)
    stale_id = await bench.command(dry_run=True, power_w=1000, seq=said.document["seq"])
    return await bench.expect(stale_id, "rejected", "STALE_SEQ")


async def from_the_future(bench: HomeBench) -> str:
    """A command from the future."""
    command_id = await bench.command(power_w=1000, ts=bench.pen.time(10))
    return await bench.expect(command_id, "rejected", "CLOCK_SKEW")


async def late(bench: HomeBench) -> str:
    """A command that was long under way."""
    command_id = await bench.command(power_w=1000, ts=bench.pen.time(-20))
    return await bench.expect(command_id, "rejected", "EXPIRED")


async def ended(bench: HomeBench) -> str:
    """A command whose end has passed."""
    command_id = await bench.command(power_w=1000, start_s=-60, end_s=-1)
    return await bench.expect(command_id, "rejected", "EXPIRED")


async def not_yet(bench: HomeBench) -> str:
    """A command for the day after tomorrow."""
    hours = 49 * 3600
    command_id = await bench.command(power_w=1000, start_s=hours, end_s=hours + 60)
    return await bench.expect(command_id, "rejected", "NOT_YET")


async def oversize(bench: HomeBench) -> str:
    """What is too long for the contract, or nearly so, must not hurt."""
    large_id = await bench.command(power_w=1000, note="x" * LARGE_BYTES)
    await bench.expect(large_id, "rejected", "SCHEMA")
    beside = Session(bench.options.access_beside, None)
    await beside.open([])
    topic = bench.topics.down("command")
    raw = to_bytes(
        bench.pen.write(
            topic,
            "command",
            bench.command_body(power_w=1000, note="x" * OVERSIZE_BYTES),
        )
    )
    signature = bench.options.key.sign(topic, raw)
    beside.publish(
        Message(
            speaker=Speaker.KIT,
            topic=topic,
            payload=raw,
            qos=1,
            signatures=(signature,),
        )
    )
    await asyncio.sleep(0.5)
    await beside.close()
    answer = await bench.taken(await bench.command(dry_run=True))
    return f"the next command: {answer['status']} {answer['code']}"


def _case(
    name: str,
    rule: str,
    done: str,
    expected: str,
    run: Callable[[HomeBench], Awaitable[str]],
) -> Case[HomeBench]:
    return Case(
        case_id=f"gate-{name}", rule=rule, done=done, expected=expected, run=run
    )


_FORGERIES = (
    ("unsigned", no_signature, "a command without a signature"),
    ("stranger", stranger, "a command signed by another key under the right name"),
    ("wrong-kid", unknown_kid, "a command under an unknown key id"),
    ("other-topic", other_topic, "a command signed for another topic"),
    ("changed", other_payload, "a command that was changed after it was signed"),
    ("two-signatures", two_signatures, "a command with two signatures"),
)

GATE_CASES: tuple[Case[HomeBench], ...] = (
    *(
        _case(
            f"retained-{kind}",
            "Rule 1",
            f"Publish a signed {kind} as retained.",
            "Ignored, no answer.",
            partial(retained, kind),
        )
        for kind in ("command", "cancel")
    ),
    *(
        _case(
            name,
            "Signature",
            f"Send {what}.",
            "No answer, nothing applied.",
            partial(forged, how, what),
        )
        for name, how, what in _FORGERIES
    ),
    _case(
        "forged-cancel",
        "Rule 10",
        "Send a cancel signed by a stranger while a command runs.",
        "No answer; the command goes on.",
        forged_cancel,
    ),
    _case(
        "duplicate",
        "Rule 2",
        "Send the same command again, while it runs and after it was cancelled.",
        "The recorded verdict each time; nothing is applied twice.",
        duplicate,
    ),
    _case(
        "stale-seq",
        "Rule 3",
        "Send a new command with a used number.",
        "rejected STALE_SEQ.",
        stale_seq,
    ),
    _case(
        "gap",
        "Rule 3",
        "Leave out fifty numbers.",
        "The command is judged like any other.",
        gap,
    ),
    _case(
        "mark-of-refused",
        "Rule 3",
        "Send a command that is refused, then one with a lower number.",
        "The second is rejected STALE_SEQ.",
        mark_of_refused,
    ),
    _case(
        "forged-mark",
        "Rule 3",
        "Send a forged command with a huge number, then a right one.",
        "The forged one moves no mark.",
        forged_mark,
    ),
    _case(
        "old-epoch",
        "Rule 3",
        "Send a heartbeat of a new term, then a command of the old one.",
        "rejected OLD_EPOCH.",
        old_epoch,
    ),
    _case(
        "future",
        "Rule 4",
        "Send a command whose ts is 10 s ahead.",
        "rejected CLOCK_SKEW.",
        from_the_future,
    ),
    _case(
        "late",
        "Rule 4",
        "Send a command whose ts is 20 s old.",
        "rejected EXPIRED.",
        late,
    ),
    _case(
        "ended",
        "Rule 4",
        "Send a command whose end has passed.",
        "rejected EXPIRED.",
        ended,
    ),
    _case(
        "not-yet",
        "Rule 4",
        "Send a command that starts in 49 hours.",
        "rejected NOT_YET.",
        not_yet,
    ),
    _case(
        "oversize",
        "Envelope",
        "Send a command of 60 kB with an unknown key, then one above 64 KiB.",
        "SCHEMA for the first, nothing for the second; the home works on.",
        oversize,
    ),
)

RESTART_CASES: tuple[Case[HomeBench], ...] = (
    _case(
        "restart",
        "Rule 3",
        "Restart the home, then send a known command and a used number.",
        "A new boot; the recorded verdict; STALE_SEQ.",
        after_restart,
    ),
)
