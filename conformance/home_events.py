"""Cases about events, reports and what a home tells ahead."""

import asyncio
import itertools
from typing import Any

from . import clock, ledger
from .case import Case, Failed, Inconclusive, NotOffered
from .home_bench import SILENCE_S, HomeBench
from .transcript import Message
from .wire import Json

REPORT_S = 40.0
"""Contract: an event ends 15 s after its last command; then the report is made."""


def announce(bench: HomeBench, event_id: str, status: str, **changes: Any) -> Json:
    """Return an event with one window in an hour."""
    return {
        "status": status,
        "event_id": event_id,
        "programme_id": bench.options.programme_id,
        "windows": [
            {
                "start": bench.pen.time(3600),
                "end": bench.pen.time(3600 + 1800),
                "power_w": bench.a_power_w(),
            }
        ],
        **changes,
    }


async def participation(bench: HomeBench) -> str:
    """An announced event is answered, again when it is told again; then withdrawn."""
    bench.offers("event")
    event_id = f"conformance-{bench.pen.epoch}-{bench.transcript.here}"
    event = announce(bench, event_id, "announced")
    answer = await _answered(bench, event)
    if len(answer["windows"]) != 1 or (
        answer["windows"][0]["start"] != event["windows"][0]["start"]
    ):
        raise Failed(f"the windows are {answer['windows']}")
    again = await _answered(bench, event)
    bench.say("event", {**event, "status": "withdrawn"}, expiry_s=3600)
    await asyncio.sleep(1.0)
    late_id = await bench.command(event_id=event_id)
    await bench.expect(late_id, "cancelled", "OK")
    return f"{answer['status']}, again {again['status']}; a command later: cancelled"


async def _answered(bench: HomeBench, event: Json) -> Json:
    since = bench.transcript.here
    bench.say("event", event, expiry_s=3600)
    found = await bench.transcript.first(
        "participation",
        lambda m: m.document.get("event_id") == event["event_id"],
        since=since,
    )
    if found is None:
        raise Failed("no participation within 5 s")
    return found.document


async def bad_events(bench: HomeBench) -> str:
    """Retained, forged and foreign events get no answer."""
    bench.offers("event")
    told: dict[str, dict[str, Any]] = {
        "retained": {"is_retained": True},
        "forged": {"key": bench.stranger},
        "foreign": {},
    }
    since = bench.transcript.here
    for name, how in told.items():
        event = announce(bench, f"bad-{name}-{since}", "announced")
        if name == "foreign":
            event["programme_id"] = "no-programme-of-this-home"
        bench.say("event", event, remark=name, **how)
    await asyncio.sleep(SILENCE_S)
    bench.again(bench.last_said("event"), payload=b"", is_retained=True)
    answered = {
        m.document["event_id"]
        for m in bench.transcript.peer("participation", since)
        if m.document.get("event_id", "").startswith("bad-")
    }
    if answered:
        raise Failed(f"answered: {sorted(answered)}")
    return "no answer to any of the three"


async def forecast(bench: HomeBench) -> str:
    """A forecast is 48 half hours in a row, p10 never above p50."""
    said = [m for m in bench.transcript.peer("forecast") if m.document]
    if not said:
        raise NotOffered("no forecast; its owner has not switched it on")
    slots = said[-1].document["slots"]
    starts = [clock.from_wire(slot["start"]) for slot in slots]
    half_hours = {(b - a).total_seconds() for a, b in itertools.pairwise(starts)}
    if len(slots) != 48 or half_hours != {1800.0}:
        raise Failed(f"{len(slots)} slots, {half_hours} s apart")
    above = [
        slot["start"]
        for slot in slots
        for key in slot["p10"]
        if slot["p10"][key] > slot["p50"][key]
    ]
    if above:
        raise Failed(f"p10 is above p50 at {above[0]}")
    return "48 half hours"


async def report(bench: HomeBench) -> str:
    """After an event comes one report; the ledger in it can be verified."""
    bench.offers("report")
    ran = [
        m.document["command_id"]
        for m in bench.transcript.peer("ack")
        if m.document.get("status") == "active"
    ]
    if not ran:
        raise Inconclusive("no command ran")
    found = await bench.transcript.first("report", within_s=REPORT_S)
    if found is None:
        raise Failed(f"no report {REPORT_S:.0f} s after the last command")
    reports = bench.transcript.peer("report")
    for one in reports:
        _verify(one, bench.newest("hello")["signing_keys"])
    entries = [m.document["entry"] for m in reports]
    _follow(entries, [m.document["links"] for m in reports])
    unmarked = [
        m.document["command_id"]
        for m in bench.transcript.peer("ack")
        if m.document.get("test") is True
        and any(
            e["body"]["event_id"] == m.document["command_id"] and not e["body"]["test"]
            for e in entries
        )
    ]
    if unmarked:
        raise Failed(f"the report of the test {unmarked[0]} is not marked")
    return f"{len(reports)} reports, hashes and signatures are right"


def _verify(message: Message, keys: dict[str, str]) -> None:
    if message.fault is not None:
        raise Failed(message.fault)
    entry = message.document["entry"]
    body_hash = ledger.canonical_hash(entry["body"])
    if entry["hash"] != ledger.header_hash(entry, body_hash):
        raise Failed(f"the hash of entry {entry['sequence']} is wrong")
    for link in message.document["links"]:
        if link["hash"] != ledger.header_hash(link, link["body_hash"]):
            raise Failed(f"the hash of link {link['sequence']} is wrong")
    if not any(ledger.is_signed_by(key, entry) for key in keys.values()):
        raise Failed(f"entry {entry['sequence']} is not signed by the home")


def _follow(entries: list[Json], links: list[list[Json]]) -> None:
    """Follow the chain over links and entries, in the order of their numbers."""
    chain = {e["sequence"]: e for part in (*links, entries) for e in part}
    for sequence, entry in chain.items():
        before = chain.get(sequence - 1)
        if before is not None and entry["previous_hash"] != before["hash"]:
            raise Failed(f"entry {sequence} does not follow entry {sequence - 1}")


EVENT_CASES: tuple[Case[HomeBench], ...] = (
    Case(
        case_id="event-participation",
        rule="Event",
        done="Announce an event in an hour, tell it again, withdraw it, command for it.",
        expected="A participation each time; the command is cancelled.",
        run=participation,
    ),
    Case(
        case_id="event-ignored",
        rule="Rule 1",
        done="Send a retained, a forged and a foreign event.",
        expected="No answer to any.",
        run=bad_events,
    ),
    Case(
        case_id="event-forecast",
        rule="Event",
        done="Read the forecast.",
        expected="48 half hours in a row, p10 not above p50.",
        run=forecast,
    ),
    Case(
        case_id="report-ledger",
        rule="Report and settlement",
        done="Wait for the reports of what ran; follow the ledger in them.",
        expected="Reports by the schema; hashes, signatures and chain are right.",
        run=report,
    ),
)
