"""Cases about birth, Will, hello, clock and what a home tells of itself."""

import asyncio

from . import clock
from .case import Case, Failed, Inconclusive
from .home_bench import ANSWER_S, HomeBench
from .transcript import Message

REBIRTH_S = (10.0, 17.0)
"""Contract: 12 s after each reconnect."""

RECONNECT_S = 15.0
"""Contract: the first try within 5 s; then the handshake, and a slow machine."""

CLOCK_S = 65.0
FRESH_S = 15 * 60.0


async def birth(bench: HomeBench) -> str:
    """The retained birth."""
    since = bench.transcript.here
    bench.request("state")
    again = await bench.heard("state", since=since)
    state = again.document
    if not again.is_retained or again.qos != 1:
        raise Failed(f"retained {again.is_retained}, QoS {again.qos}")
    if state["status"] != "online":
        raise Failed(f"state {state['status']}")
    hello = bench.newest("hello")
    if (hello["boot_id"], hello["connection"]) != (
        state["boot_id"],
        state["connection"],
    ):
        raise Failed("state and hello name different boots or connections")
    return f"online, connection {state['connection']}"


async def hello(bench: HomeBench) -> str:
    """The hello and its MQTT properties."""
    since = bench.transcript.here
    await asyncio.sleep(1.1)
    bench.request("hello")
    said = await bench.heard("hello", since=since)
    wanted = bench.topics.down("welcome")
    if said.response_topic != wanted:
        raise Failed(f"Response Topic is {said.response_topic}, not {wanted}")
    if said.correlation != said.document["id"].encode():
        raise Failed("Correlation Data is not the id of the hello")
    if not any(v.startswith("1.") for v in said.document["versions"]):
        raise Failed(f"versions are {said.document['versions']}")
    await bench.heard("offer", since=since)
    await bench.heard("availability", since=since)
    return f"versions {said.document['versions']}; offer and availability followed"


async def clock_after_hello(bench: HomeBench) -> str:
    """The clock check that follows each hello."""
    since = bench.transcript.here
    await asyncio.sleep(1.1)
    bench.request("hello")
    said = await bench.heard("hello", since=since)
    asked = await bench.transcript.first("clock", since=since, within_s=2.0)
    if asked is None:
        raise Failed("no clock_request within 2 s of the hello")
    return f"asked {asked.mono_s - said.mono_s:.1f} s after the hello"


async def one_request_per_second(bench: HomeBench) -> str:
    """Requests are not signed, so they must not make a home talk without end."""
    await asyncio.sleep(1.1)
    since = bench.transcript.here
    for _ in range(10):
        bench.request("offer")
    await asyncio.sleep(0.9)
    count = len(bench.transcript.peer("offer", since))
    if count != 1:
        raise Failed(f"{count} offers within a second")
    return "10 requests within a moment, 1 answer"


async def stray_welcome(bench: HomeBench) -> str:
    """A welcome that answers no hello must not install keys."""
    before = bench.last_said("welcome")
    body = {
        **before.document,
        "hello_id": bench.pen.write("stray", "welcome", {})["id"],
        "signing_keys": bench.stranger.public,
    }
    for key in ("id", "seq", "ts"):
        del body[key]
    bench.say("welcome", body, remark="answers no hello, names another key")
    await asyncio.sleep(0.3)
    command_id = await bench.command(
        power_w=0, how={"key": bench.stranger, "remark": "signed by that key"}
    )
    await bench.silence(command_id, "a command signed by the key of a stray welcome")
    right_id = await bench.command(kind="release")
    await bench.expect(right_id, "accepted")
    return "the pinned key stays"


async def forged_welcome(bench: HomeBench) -> str:
    """A welcome signed by a stranger must not turn the home away."""
    bench.answers_hello = False
    await asyncio.sleep(1.1)
    since = bench.transcript.here
    bench.request("hello")
    said = await bench.heard("hello", since=since)
    bench.say_welcome(
        said,
        key=bench.stranger,
        body={"status": "refused", "code": "NOT_PERMITTED"},
        remark="signed by a stranger",
    )
    await asyncio.sleep(0.3)
    bench.say_welcome(said)
    await asyncio.sleep(0.3)
    answer = await bench.taken(await bench.command(dry_run=True))
    return f"a command afterwards: {answer['status']} {answer['code']}"


async def will(bench: HomeBench) -> str:
    """Cut the line: the broker says the Will, the home comes back."""
    relay = bench.relay
    if relay is None:
        raise Inconclusive("needs --relay: the home has to connect through the kit")
    born = bench.newest("state")
    since = bench.transcript.here
    bench.answers_hello = False
    relay.block()
    await relay.cut()
    lost = await bench.transcript.first(
        "state", lambda m: m.document.get("status") == "offline", since=since
    )
    relay.allow()
    back = await bench.transcript.first(
        "state",
        lambda m: m.document.get("status") == "online",
        since=since,
        within_s=RECONNECT_S,
    )
    if lost is None:
        raise Failed("no Will within 5 s of the loss")
    names = ("boot_id", "connection")
    if not lost.is_retained or any(lost.document[n] != born[n] for n in names):
        raise Failed("the Will is not that of the last birth, or not retained")
    if back is None:
        raise Failed(f"no birth within {RECONNECT_S:.0f} s")
    if back.document["connection"] <= born["connection"]:
        raise Failed("the connection number did not grow")
    return f"Will after {lost.mono_s - since_mono(bench, since):.1f} s, back again"


def since_mono(bench: HomeBench, since: int) -> float:
    """Return when the message before a place of the transcript came."""
    return bench.transcript.messages[since - 1].mono_s


async def hello_again(bench: HomeBench) -> str:
    """Without a welcome the hello is repeated each 10 s."""
    hellos = bench.transcript.peer("hello")
    if bench.relay is None or (bench.answers_hello is False and not hellos):
        raise Inconclusive("needs --relay: the home has to connect anew")
    bench.answers_hello = False
    since = bench.transcript.here
    await bench.relay.cut()
    first = await bench.heard("hello", since=since, within_s=RECONNECT_S)
    await bench.heard("clock", since=since)
    mark = bench.transcript.here
    second = await bench.transcript.first("hello", since=mark, within_s=13.0)
    if second is None:
        raise Failed("no second hello within 13 s")
    bench.answers_hello = True
    bench.say_welcome(second)
    await bench.heard("availability", since=mark)
    after_s = second.mono_s - first.mono_s
    if after_s < 8:
        raise Failed(f"the second hello came after {after_s:.1f} s")
    return f"again after {after_s:.1f} s, at work after the welcome"


async def rebirth(bench: HomeBench) -> str:
    """The birth comes again 12 s after a reconnect, against a late Will."""
    births = [
        m
        for m in bench.transcript.peer("state")
        if m.document.get("status") == "online" and not _is_old(m, bench)
    ]
    newest = births[-1].document["connection"] if births else 0
    same = [m for m in births if m.document["connection"] == newest]
    if bench.relay is None or not same:
        raise Inconclusive("needs --relay: the home has to connect anew")
    low_s, high_s = REBIRTH_S
    found = await bench.transcript.until(
        lambda: next(
            (
                m
                for m in bench.transcript.peer("state")
                if m.document.get("connection") == newest
                and low_s <= m.mono_s - same[0].mono_s <= high_s
            ),
            None,
        ),
        max(0.0, same[0].mono_s + high_s - clock.monotonic()),
    )
    if found is None:
        raise Failed(f"no second birth {low_s:.0f} to {high_s:.0f} s after the first")
    return f"born again after {found.mono_s - same[0].mono_s:.1f} s"


def _is_old(message: Message, bench: HomeBench) -> bool:
    return clock.from_wire(message.document["ts"]) < bench.started_at


async def offer(bench: HomeBench) -> str:
    """The offer names this program and every resource of the availability."""
    told = bench.newest("offer")
    wanted = bench.options.programme_id
    if told["programme_id"] != wanted:
        raise Failed(f"programme_id is {told['programme_id']}, not {wanted}")
    offered = {one["resource"] for one in told["resources"]}
    room = {one["resource"] for one in bench.newest("availability")["resources"]}
    if not room <= offered:
        raise Failed(f"the availability names {sorted(room - offered)} besides")
    return f"{len(offered)} resources, opted in: {told['is_opted_in']}"


async def availability(bench: HomeBench) -> str:
    """The availability is fresh, and within the nameplates of the offer."""
    since = bench.transcript.here
    await asyncio.sleep(1.1)
    bench.request("availability")
    said = await bench.heard("availability", since=since, within_s=ANSWER_S)
    plates = {one["resource"]: one for one in bench.newest("offer")["resources"]}
    for one in said.document["resources"]:
        left_s = (clock.from_wire(one["until"]) - clock.utcnow()).total_seconds()
        if not 0 < left_s <= FRESH_S + 5:
            raise Failed(f"{one['resource']} holds for {left_s:.0f} s")
        plate = plates.get(one["resource"])
        if plate is None:
            raise Failed(f"{one['resource']} is not in the offer")
        if one["highest_w"] > plate["max_charge_power_w"]:
            raise Failed(f"{one['resource']}: above its nameplate")
        if -one["lowest_w"] > plate["max_discharge_power_w"]:
            raise Failed(f"{one['resource']}: below its nameplate")
    site = said.document["site"]
    return f"{site['lowest_w']} to {site['highest_w']} W"


SESSION_CASES: tuple[Case[HomeBench], ...] = (
    Case(
        case_id="session-birth",
        rule="State",
        done="Ask for the state.",
        expected="A retained online with the boot id and connection of the hello.",
        run=birth,
    ),
    Case(
        case_id="session-hello",
        rule="Hello and welcome",
        done="Ask for a hello and answer it.",
        expected="Response Topic, Correlation Data, version 1; offer, availability.",
        run=hello,
    ),
    Case(
        case_id="session-clock-after-hello",
        rule="Clock check",
        done="Ask for a hello.",
        expected="A clock_request at once after the hello.",
        run=clock_after_hello,
    ),
    Case(
        case_id="session-request-rate",
        rule="Hello and welcome",
        done="Ask for the offer ten times at once.",
        expected="At most one answer per second.",
        run=one_request_per_second,
    ),
    Case(
        case_id="session-offer",
        rule="Offer",
        done="Read the offer.",
        expected="It names the program and every resource.",
        run=offer,
    ),
    Case(
        case_id="session-availability",
        rule="Availability",
        done="Ask for the availability.",
        expected="Fresh, not above the nameplates, valid for at most 15 minutes.",
        run=availability,
    ),
    Case(
        case_id="session-stray-welcome",
        rule="Hello and welcome",
        done="Send a signed welcome that answers no hello and names another key.",
        expected="It is ignored, and so is a command signed by that key.",
        run=stray_welcome,
    ),
    Case(
        case_id="session-forged-welcome",
        rule="Signature",
        done="Refuse the home by a welcome that a stranger signed.",
        expected="It is ignored; the right welcome counts.",
        run=forged_welcome,
    ),
)

RECONNECT_CASES: tuple[Case[HomeBench], ...] = (
    Case(
        case_id="session-will",
        rule="State",
        done="Cut the connection of the home.",
        expected="The Will with the ids of the birth; a birth with a higher connection.",
        run=will,
    ),
    Case(
        case_id="session-hello-again",
        rule="Hello and welcome",
        done="Cut the connection and leave the hello without an answer.",
        expected="The hello again after 10 s; work after the welcome.",
        run=hello_again,
    ),
    Case(
        case_id="session-rebirth",
        rule="State",
        done="Listen after the reconnect.",
        expected="The birth again after 12 s.",
        run=rebirth,
    ),
)
