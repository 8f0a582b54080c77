"""Cases about rule 12: a home without heartbeats is at 0 W within 30 s."""

import asyncio

from . import clock
from .case import Case, Failed, Inconclusive
from .home_bench import HomeBench
from .home_commands import FOLLOW_S, REST_W, measured
from .transcript import Message

LIMIT_S = 30.0
BAD_BEAT_S = 2.0


async def loss(bench: HomeBench) -> str:
    """Stop the heartbeats, send only such as must not count, and measure."""
    note = bench.loss
    note.command_id, last = await _running(bench)
    zero = await _at_zero(bench, last, with_bad=True)
    if zero is None:
        raise Failed(f"not at 0 W {LIMIT_S:.0f} s after the last good heartbeat")
    note.is_at_rest = True
    return f"0 W {zero.mono_s - last.mono_s:.1f} s after the last good heartbeat"


async def silence(bench: HomeBench) -> str:
    """The same in plain silence, when bad heartbeats kept the home going."""
    note = bench.loss
    if not note.command_id:
        raise Inconclusive("no power could be brought to flow")
    if note.is_at_rest:
        return "0 W already while only bad heartbeats came"
    bench.beats = True
    bench.heartbeat()
    note.command_id, last = await _running(bench)
    zero = await _at_zero(bench, last, with_bad=False)
    if zero is None:
        raise Failed(f"not at 0 W {LIMIT_S:.0f} s after the last heartbeat")
    note.is_at_rest = True
    return f"0 W {zero.mono_s - last.mono_s:.1f} s after the last heartbeat"


async def told(bench: HomeBench) -> str:
    """The command that the fail-safe ended is answered."""
    note = bench.loss
    if not note.is_at_rest:
        raise Inconclusive("the home never fell to 0 W")
    answer = await bench.ack(note.command_id, "failed", "partial")
    if answer["code"] != "FAILSAFE":
        raise Failed(f"{answer['status']} {answer['code']}")
    return f"{answer['status']} {answer['code']}"


async def resume(bench: HomeBench) -> str:
    """Three good heartbeats and a fresh command, not less."""
    note = bench.loss
    if not note.is_at_rest:
        raise Inconclusive("the home never fell to 0 W")
    bench.beats = False
    bench.heartbeat()
    await asyncio.sleep(0.5)
    early_id = await bench.command()
    early = await bench.ack(early_id)
    if early["status"] != "rejected":
        raise Failed(f"after one heartbeat a command was {early['status']}")
    for _ in range(3):
        bench.heartbeat()
        await asyncio.sleep(0.5)
    moved = await measured(bench, lambda w: abs(w) > REST_W, 4.0)
    if moved is not None:
        raise Failed(f"{moved} W flow again without a fresh command")
    bench.beats = True
    fresh_id = await bench.command(end_s=20)
    answer = await bench.taken(fresh_id)
    await bench.ack(fresh_id, "active")
    return f"{early['code']} after one heartbeat; after three {answer['status']}"


async def _running(bench: HomeBench) -> tuple[str, Message]:
    """Bring power to flow, then say the last good heartbeat."""
    bench.beats = True
    power_w = bench.a_power_w()
    command_id = await bench.command(power_w=power_w, end_s=150)
    await bench.taken(command_id)
    flowing = await measured(
        bench, lambda w: w * power_w > 0 and abs(w) > REST_W * 2, FOLLOW_S
    )
    if flowing is None:
        raise Inconclusive("no power could be brought to flow")
    bench.beats = False
    await asyncio.sleep(0.2)
    bench.heartbeat(remark="the last good one")
    return command_id, bench.last_said("heartbeat")


async def _at_zero(
    bench: HomeBench, last: Message, *, with_bad: bool
) -> Message | None:
    """Return the first telemetry of rest within the limit."""
    bench.beats = False
    since = bench.transcript.here
    while (left_s := last.mono_s + LIMIT_S - clock.monotonic()) > 0:
        if with_bad:
            _say_bad(bench, last)
        zero = await bench.transcript.first(
            "telemetry", _is_rest, since=since, within_s=min(BAD_BEAT_S, left_s)
        )
        if zero is not None:
            return zero
    return None


def _is_rest(message: Message) -> bool:
    power_w = message.document.get("power_w")
    return isinstance(power_w, int) and abs(power_w) <= REST_W


def _say_bad(bench: HomeBench, good: Message) -> None:
    bench.heartbeat(key=bench.stranger, remark="signed by a stranger")
    bench.heartbeat(signatures=(), remark="not signed")
    bench.heartbeat(body={"ts": bench.pen.time(-14)}, remark="14 s old")
    bench.heartbeat(body={"ts": bench.pen.time(10)}, remark="from the future")
    bench.heartbeat(is_retained=True, remark="retained")
    bench.again(bench.last_said("heartbeat"), payload=b"", is_retained=True)
    bench.again(good)


FAILSAFE_CASES: tuple[Case[HomeBench], ...] = (
    Case(
        case_id="failsafe-bad-heartbeats",
        rule="Rule 12",
        done="While power flows send only forged, old, replayed, retained heartbeats.",
        expected="0 W within 30 s of the last good heartbeat.",
        run=loss,
    ),
    Case(
        case_id="failsafe-silence",
        rule="Rule 12",
        done="While power flows send no heartbeat.",
        expected="0 W within 30 s of the last heartbeat.",
        run=silence,
    ),
    Case(
        case_id="failsafe-told",
        rule="Rule 12",
        done="Look at the answers about the command that ran.",
        expected="failed or partial, FAILSAFE.",
        run=told,
    ),
    Case(
        case_id="failsafe-resume",
        rule="Rule 12",
        done="Send one heartbeat and a command, then three and a fresh command.",
        expected="The first refused, nothing flows by itself, the second taken.",
        run=resume,
    ),
)
