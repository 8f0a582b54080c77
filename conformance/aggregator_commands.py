"""Cases about what an aggregator commands, and how it takes the answers."""

import asyncio
from datetime import timedelta

from . import clock
from .case import Case, Failed, Inconclusive
from .home_player import HomePlayer
from .transcript import Message

RESEND_S = 8.0
"""A command lives 12 s: whoever sends it again does so well before."""

QUIET_S = 4.0
MAX_WINDOW = timedelta(hours=4)
REJECTIONS = (
    *("NOT_CONNECTED", "USER_OVERRIDE", "SOC_FLOOR", "NOT_PERMITTED", "OVERLAP"),
    *("RATE_LIMIT", "UNSUPPORTED", "CLOCK_SKEW"),
)
LIVES = (
    ("accepted", "active", "done"),
    ("accepted", "active", "partial"),
    ("accepted", "active", "superseded"),
    ("accepted", "failed"),
    ("accepted", "opted_out"),
)


async def command(player: HomePlayer) -> str:
    """A command by the contract, and silence after its answer."""
    said = await player.asked_for("command", "command")
    _check(player, said)
    since = player.transcript.here
    await asyncio.sleep(QUIET_S)
    again = _copies(player, said, since)
    if again:
        raise Failed(f"sent again {len(again)} times although it was accepted")
    return f"{said.document['kind']} {said.document.get('power_w')} W, sent once"


async def resend(player: HomePlayer) -> str:
    """Without an answer the same command comes again, byte for byte."""
    player.acknowledges = None
    said = await player.asked_for("command", "command")
    return f"again after {await _again_s(player, said):.1f} s"


async def unsigned_ack(player: HomePlayer) -> str:
    """An unsigned answer is none."""

    def lie(message: Message) -> None:
        body = {
            "command_id": message.document["id"],
            "status": "accepted",
            "code": "OK",
            "committed_w": 0,
            "binding": [],
        }
        player.say("ack", body, expiry_s=60, remark="not signed")

    player.acknowledges = lie
    said = await player.asked_for("command", "command")
    return f"not believed: again after {await _again_s(player, said):.1f} s"


async def forged_ack(player: HomePlayer) -> str:
    """An answer that a stranger signed is none."""

    def lie(message: Message) -> None:
        player.ack(
            message.document["id"],
            "accepted",
            key=player.stranger,
            remark="signed by a stranger",
        )

    player.acknowledges = lie
    said = await player.asked_for("command", "command")
    return f"not believed: again after {await _again_s(player, said):.1f} s"


async def lives(player: HomePlayer) -> str:
    """A command may end in many ways; the aggregator goes on."""
    for life in LIVES:

        def answer(message: Message, life: tuple[str, ...] = life) -> None:
            code = "FAILSAFE" if "failed" in life else "OK"
            for status in life:
                player.ack(message.document["id"], status, code)

        player.acknowledges = answer
        await player.asked_for("command", "command")
        await asyncio.sleep(0.5)
    return await _still_there(player, f"{len(LIVES)} lives")


async def rejections(player: HomePlayer) -> str:
    """A command may be rejected for many reasons; the aggregator goes on."""
    codes = iter(REJECTIONS)
    sent: list[str] = []

    def answer(message: Message) -> None:
        if message.document["id"] not in sent:
            sent.append(message.document["id"])
            player.ack(message.document["id"], "rejected", next(codes, "FAULT"))

    player.acknowledges = answer
    for _ in REJECTIONS[:3]:
        await player.asked_for("command", "command")
        await asyncio.sleep(0.3)
    return await _still_there(player, f"{len(sent)} rejections")


async def strange_answers(player: HomePlayer) -> str:
    """Answers about unknown commands, and such that are no answers, do not hurt."""
    player.ack(player.pen.write("none", "ack", {})["id"], "accepted")
    player.ack("0", "accepted")
    player.say("ack", {}, raw=b"{", key=player.key)
    player.say("telemetry", {}, raw=b"\xff")
    player.say("availability", {}, raw=b'{"site":NaN}')
    return await _still_there(player, "five strange messages")


async def cancel(player: HomePlayer) -> str:
    """A cancel by the contract."""
    said = await player.asked_for("cancel", "cancel")
    if said.fault is not None:
        raise Failed(said.fault)
    player.check_signed(said)
    return "all" if said.document.get("all") else "one id"


async def event(player: HomePlayer) -> str:
    """An event by the contract, told again after each hello."""
    said = await player.asked_for("event", "event")
    if said.fault is not None:
        raise Failed(said.fault)
    player.check_signed(said)
    event_id = said.document["event_id"]
    since = player.transcript.here
    player.hello()
    await player.heard(
        "event", lambda m: m.document.get("event_id") == event_id, since=since
    )
    return f"{said.document['status']}, told again after the hello"


async def late_will(player: HomePlayer) -> str:
    """The Will of an older connection means nothing."""
    old = player.state("offline", connection=player.connection - 1)
    if player.connection < 2:
        await player.vanish()
        await player.connect()
        await player.introduce()
        old = player.state("offline", connection=player.connection - 1)
    player.say("state", old, is_retained=True, remark="the Will of an old connection")
    player.say("state", player.state("online"), is_retained=True)
    await asyncio.sleep(0.5)
    said = await player.asked_for("command", "command")
    _check(player, said)
    return "a command still comes"


async def comes_back(player: HomePlayer) -> str:
    """A home that is back within 10 s was never gone."""
    await player.vanish()
    await asyncio.sleep(2.0)
    await player.connect()
    await player.introduce()
    await asyncio.sleep(0.5)
    said = await player.asked_for("command", "command")
    _check(player, said)
    return "a command comes after a loss of 2 s"


def _check(player: HomePlayer, said: Message) -> None:
    if said.fault is not None:
        raise Failed(said.fault)
    player.check_signed(said)
    start = clock.from_wire(said.document["start"])
    end = clock.from_wire(said.document["end"])
    if not start < end <= start + MAX_WINDOW:
        raise Failed(f"the window is {start} to {end}")
    if end <= clock.utcnow():
        raise Failed("it has ended already")


def _copies(player: HomePlayer, said: Message, since: int) -> list[Message]:
    return [
        m
        for m in player.of(["command"], since)
        if m.document.get("id") == said.document["id"]
    ]


async def _again_s(player: HomePlayer, said: Message) -> float:
    """Return after how many seconds a command came again, and answer it then."""
    since = player.transcript.messages.index(said) + 1
    found = await player.transcript.until(
        lambda: next(iter(_copies(player, said, since)), None), RESEND_S
    )
    player.accept(said)
    if found is None:
        raise Failed(f"not sent again within {RESEND_S:.0f} s")
    if found.payload != said.payload:
        raise Failed("the same id came with other bytes")
    return found.mono_s - said.mono_s


async def _still_there(player: HomePlayer, what: str) -> str:
    since = player.transcript.here
    player.hello()
    said = await player.transcript.first("welcome", since=since)
    if said is None:
        raise Failed(f"no welcome any more after {what}")
    if said.document.get("status") != "accepted":
        raise Inconclusive(f"not accepted any more after {what}")
    player.describe()
    return f"{what}; still there"


COMMAND_CASES: tuple[Case[HomePlayer], ...] = (
    Case(
        case_id="command-form",
        rule="Command",
        done="Have it send a command; accept that.",
        expected="Signed, a window of at most 4 h, not sent again.",
        run=command,
    ),
    Case(
        case_id="command-resend",
        rule="Rule 2",
        done="Have it send a command; say nothing.",
        expected="The same bytes again within its 12 s.",
        run=resend,
    ),
    Case(
        case_id="ack-unsigned",
        rule="Signature",
        done="Answer a command without a signature.",
        expected="Not believed: the command comes again.",
        run=unsigned_ack,
    ),
    Case(
        case_id="ack-forged",
        rule="Signature",
        done="Answer a command with the signature of a stranger.",
        expected="Not believed: the command comes again.",
        run=forged_ack,
    ),
    Case(
        case_id="ack-lives",
        rule="Command",
        done="End commands as done, partial, superseded, failed and opted out.",
        expected="It goes on.",
        run=lives,
    ),
    Case(
        case_id="ack-rejections",
        rule="Command",
        done="Reject commands for different reasons.",
        expected="It goes on.",
        run=rejections,
    ),
    Case(
        case_id="ack-strange",
        rule="Envelope",
        done="Answer unknown commands, and send what fits no schema.",
        expected="It goes on.",
        run=strange_answers,
    ),
    Case(
        case_id="command-cancel",
        rule="Rule 8",
        done="Have it send a cancel.",
        expected="Signed, one id or all.",
        run=cancel,
    ),
    Case(
        case_id="event-told",
        rule="Rule 15",
        done="Have it announce an event, then say hello.",
        expected="Signed; told again after the hello.",
        run=event,
    ),
    Case(
        case_id="state-late-will",
        rule="State",
        done="Publish the Will of an older connection, then have it send a command.",
        expected="The home still counts as online.",
        run=late_will,
    ),
    Case(
        case_id="state-debounce",
        rule="State",
        done="Vanish for 2 s, then have it send a command.",
        expected="The home still counts as online.",
        run=comes_back,
    ),
)
