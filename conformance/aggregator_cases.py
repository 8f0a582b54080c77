"""All cases in front of an aggregator, in the order in which they are run."""

import asyncio
import itertools

from . import clock, passive
from .aggregator_accounts import ACCOUNT_CASES
from .aggregator_commands import COMMAND_CASES
from .case import Case, Failed, Inconclusive
from .home_player import HomePlayer
from .player_options import FEATURES
from .session import Session, SessionError
from .transcript import Message

BEATS = 3
CLOCK_S = 2.0

TABLE: dict[str, tuple[int, bool, int | None]] = {
    "welcome": (1, False, 30),
    "command": (1, False, 12),
    "cancel": (1, False, 30),
    "heartbeat": (0, False, 10),
    "clock": (0, False, 10),
    "request": (1, False, 30),
    "certificate": (1, False, 300),
    "settlement": (1, False, 604_800),
}
"""Contract, "Topics": QoS, retained, expiry in s."""

SIGNED = frozenset(
    {
        *("welcome", "event", "command", "cancel", "heartbeat", "clock"),
        *("certificate", "settlement"),
    }
)


async def welcome(player: HomePlayer) -> str:
    """A hello gets a welcome that is signed and answers it."""
    since = player.transcript.here
    hello_id = player.hello()
    said = await player.heard("welcome", since=since)
    player.check_signed(said)
    told = said.document
    if told["hello_id"] != hello_id or said.correlation != hello_id.encode():
        raise Failed("hello_id or Correlation Data is not the id of the hello")
    if told["status"] != "accepted" or told["chosen_version"] != "1.0":
        raise Failed(f"{told['status']} {told.get('chosen_version')}")
    if not set(told["features"]) <= set(FEATURES):
        raise Failed(f"chose features that were not offered: {told['features']}")
    keys = told.get("signing_keys", {})
    if keys and said.signatures[0].partition(":")[0] not in keys:
        raise Failed("the key that signed the welcome is not among signing_keys")
    return f"1.0, heartbeats each {told['heartbeat_period_s']} s"


async def other_response_topic(player: HomePlayer) -> str:
    """Another Response Topic is ignored: the answer comes where it belongs."""
    since = player.transcript.here
    player.hello(response_topic=player.topics.down("command"))
    await player.heard("welcome", since=since)
    wrong = [m for m in player.of(["command"], since) if "hello_id" in m.document]
    if wrong:
        raise Failed("the welcome came where the Response Topic said")
    return "answered on dn/welcome"


async def no_version(player: HomePlayer) -> str:
    """A hello without a common version is refused."""
    since = player.transcript.here
    player.hello(body={"versions": ["1.99"]})
    said = await player.heard("welcome", since=since)
    player.check_signed(said)
    if (said.document["status"], said.document["code"]) != ("refused", "VERSION"):
        raise Failed(f"{said.document['status']} {said.document['code']}")
    since = player.transcript.here
    player.hello()
    await player.heard(
        "welcome", lambda m: m.document.get("status") == "accepted", since=since
    )
    return "refused VERSION; a right hello afterwards is accepted"


async def tells_time(player: HomePlayer) -> str:
    """A clock request is answered at once."""
    since = player.transcript.here
    request_id = player.ask_clock()
    said = await player.heard(
        "clock", lambda m: m.document.get("request_id") == request_id, since=since
    )
    player.check_signed(said)
    took_s = said.mono_s - player.transcript.messages[since].mono_s
    received_at = clock.from_wire(said.document["received_at"])
    sent_at = clock.from_wire(said.document["sent_at"])
    if sent_at < received_at:
        raise Failed("sent_at is before received_at")
    if took_s > CLOCK_S:
        raise Failed(f"answered after {took_s:.1f} s: the home cannot use it")
    off_s = abs((said.at - sent_at).total_seconds())
    if off_s > CLOCK_S:
        raise Failed(f"its clock is {off_s:.1f} s off the kit's")
    return f"answered in {took_s * 1000:.0f} ms"


async def beats(player: HomePlayer) -> str:
    """Heartbeats come in their period, signed, with growing numbers."""
    period_s = player.newest("welcome")["heartbeat_period_s"]
    since = player.transcript.here
    said: list[Message] = []
    deadline_mono_s = clock.monotonic() + (BEATS + 1) * period_s + 2
    while len(said) < BEATS and clock.monotonic() < deadline_mono_s:
        await asyncio.sleep(0.1)
        said = player.of(["heartbeat"], since)
    if len(said) < BEATS:
        raise Failed(f"{len(said)} heartbeats in {(BEATS + 1) * period_s + 2} s")
    for one in said:
        if one.fault is not None:
            raise Failed(one.fault)
        player.check_signed(one)
    gaps = [b.mono_s - a.mono_s for a, b in itertools.pairwise(said)]
    if max(gaps) > period_s + 1:
        raise Failed(f"{max(gaps):.1f} s apart instead of {period_s} s")
    return f"each {sum(gaps) / len(gaps):.1f} s"


async def nothing_retained(player: HomePlayer) -> str:
    """Nothing for a home is ever retained."""
    listener = Session(player.access(beside="-beside"), None)
    found: list[Message] = []
    listener.on_message = lambda m: found.append(m) if m.is_retained else None
    await listener.open([player.topics.down("#"), player.topics.everybody("#")])
    await asyncio.sleep(1.0)
    await listener.close()
    if found:
        raise Failed(f"retained: {sorted({m.topic for m in found})}")
    return "nothing retained for this home or the region"


async def cannot_write(player: HomePlayer) -> str:
    """The broker takes nothing from a home but its own up topics."""
    topics = player.topics
    since = player.transcript.here
    marked = b'{"conformance":"forged"}'
    own = [topics.down("command"), topics.down("heartbeat")]
    for topic in (*own, topics.everybody("heartbeat")):
        player.say("state", {}, topic=topic, raw=marked)
    await asyncio.sleep(1.0)
    came = [m.topic for m in player.transcript.peer(since=since) if m.payload == marked]
    if came:
        raise Failed(f"the broker delivered {sorted(set(came))}")
    return "commands and heartbeats of a home reach nobody"


async def cannot_read(player: HomePlayer) -> str:
    """The broker lets a home listen to nobody else."""
    region = player.topics.everybody("x").rsplit("/", 3)[0]
    wide = f"{region}/+/up/#"
    listener = Session(player.access(beside="-listener"), None)
    heard: list[Message] = []
    own = player.topics.down("")
    listener.on_message = lambda m: None if m.topic.startswith(own) else heard.append(m)
    try:
        await listener.open([wide, f"{region}/+/dn/command"])
        player.telemetry()
        await asyncio.sleep(1.5)
    except SessionError:
        return "the subscription was refused"
    finally:
        await listener.close()
    if heard:
        raise Failed(f"heard {sorted({m.topic for m in heard})}")
    return "granted, and nothing was delivered"


async def restart(player: HomePlayer) -> str:
    """A new leadership term has a higher number."""
    run = player.options.hooks.get("restart")
    if run is None:
        raise Inconclusive("needs --restart: a command that starts it anew")
    before = max(m.document.get("epoch", 0) for m in player.of(["heartbeat"]))
    await run()
    since = player.transcript.here
    beat = await player.heard(
        "heartbeat",
        lambda m: m.document.get("epoch", 0) > before,
        since=since,
        within_s=player.options.patience_s,
    )
    player.check_signed(beat)
    said = await player.introduce()
    if said.document["epoch"] <= before:
        raise Failed(f"the welcome is still of term {said.document['epoch']}")
    return f"term {before}, then {beat.document['epoch']}"


async def form(player: HomePlayer) -> str:
    """Every message fits its schema."""
    return passive.form(player.transcript)


async def identity(player: HomePlayer) -> str:
    """Ids are UUIDs of version 7, and a resent command keeps its bytes."""
    return passive.identity(player.transcript)


async def numbers(player: HomePlayer) -> str:
    """Epoch and seq only grow."""
    return passive.numbers(player.transcript)


async def times(player: HomePlayer) -> str:
    """The ts is right."""
    return passive.times(player.transcript)


async def delivery(player: HomePlayer) -> str:
    """QoS, retained and expiry are those of the table."""
    return passive.delivery(player.transcript, TABLE)


async def signatures(player: HomePlayer) -> str:
    """Everything that has to be signed is."""
    return passive.signatures(player.transcript, SIGNED, player.keys)


SESSION_CASES: tuple[Case[HomePlayer], ...] = (
    Case(
        case_id="session-welcome",
        rule="Hello and welcome",
        done="Say hello.",
        expected="A signed welcome on dn/welcome with the id of the hello.",
        run=welcome,
    ),
    Case(
        case_id="session-response-topic",
        rule="Hello and welcome",
        done="Say hello with another Response Topic.",
        expected="The welcome comes on dn/welcome all the same.",
        run=other_response_topic,
    ),
    Case(
        case_id="session-no-version",
        rule="Rule 11",
        done="Offer version 1.99 alone.",
        expected="refused VERSION, signed.",
        run=no_version,
    ),
    Case(
        case_id="session-clock",
        rule="Clock check",
        done="Ask what time it is.",
        expected="A signed answer at once, by a clock that is right.",
        run=tells_time,
    ),
    Case(
        case_id="session-heartbeat",
        rule="Fail-safe",
        done="Listen to three heartbeats.",
        expected="Signed, fresh, in the period of the welcome.",
        run=beats,
    ),
    Case(
        case_id="session-nothing-retained",
        rule="Rule 1",
        done="Subscribe anew.",
        expected="Nothing retained arrives.",
        run=nothing_retained,
    ),
    Case(
        case_id="broker-writes",
        rule="Session",
        done="Publish a command and heartbeats with the certificate of a home.",
        expected="The broker delivers none.",
        run=cannot_write,
    ),
    Case(
        case_id="broker-reads",
        rule="Session",
        done="Subscribe to the topics of all homes with the certificate of one.",
        expected="Refused, or nothing of another home is delivered.",
        run=cannot_read,
    ),
)

LAST_CASES: tuple[Case[HomePlayer], ...] = (
    Case(
        case_id="term-restart",
        rule="Rule 3",
        done="Restart the aggregator.",
        expected="Heartbeats and welcome of a higher epoch.",
        run=restart,
    ),
    Case(
        case_id="all-form",
        rule="Envelope",
        done="Check every message of the aggregator by its schema.",
        expected="Each fits.",
        run=form,
    ),
    Case(
        case_id="all-id",
        rule="Envelope",
        done="Compare the ids of all messages.",
        expected="UUID version 7; one id, one message.",
        run=identity,
    ),
    Case(
        case_id="all-seq",
        rule="Envelope",
        done="Follow epoch and seq of every topic.",
        expected="They only grow.",
        run=numbers,
    ),
    Case(
        case_id="all-ts",
        rule="Envelope",
        done="Compare ts with the clock of the kit.",
        expected="Not more than 2 s off.",
        run=times,
    ),
    Case(
        case_id="all-delivery",
        rule="Topics",
        done="Compare QoS, retained and expiry with the table of the contract.",
        expected="As in the table.",
        run=delivery,
    ),
    Case(
        case_id="all-signed",
        rule="Signature",
        done="Verify every message that has to be signed.",
        expected="Signed by a key of the invitation or of a welcome.",
        run=signatures,
    ),
)

AGGREGATOR_CASES: tuple[Case[HomePlayer], ...] = (
    *SESSION_CASES,
    *COMMAND_CASES,
    *ACCOUNT_CASES,
    *LAST_CASES,
)
