"""What is checked of every message of a run, whichever side is tested."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
import itertools
import re
from typing import Any

from . import clock
from .case import Failed, Inconclusive
from .transcript import Message, Transcript
from .wire import is_signed

UUID7 = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)

CLOCK_S = 2.0
"""Contract, rule 4."""

PRIVATE = re.compile(
    r"soc|state_of_charge|percent|latitude|longitude|position|location|departure"
    r"|vin$|evcc|odometer|household|owner|address",
)
"""Words of keys that no message of a home may have (contract, "What a report shows")."""


def heard(transcript: Transcript, *, is_live: bool = True) -> list[Message]:
    """Return what the tested side said, without what was retained before the run."""
    started = transcript.messages[0].mono_s if transcript.messages else 0.0
    return [
        m
        for m in transcript.peer()
        if m.payload and not (is_live and m.is_retained and m.mono_s - started < 1.0)
    ]


def form(transcript: Transcript) -> str:
    """Check every message by its schema."""
    messages = heard(transcript, is_live=False)
    if not messages:
        raise Inconclusive("nothing was said")
    for message in messages:
        if message.fault is not None:
            raise Failed(message.fault)
    return f"{len(messages)} messages fit their schemas"


def identity(transcript: Transcript) -> str:
    """Check that ids are UUIDs of version 7 and that no two messages share one."""
    seen: dict[str, bytes] = {}
    for message in heard(transcript):
        told = message.document.get("id", "")
        if not UUID7.fullmatch(told):
            raise Failed(f"{message.kind}: the id {told!r} is no UUID of version 7")
        if seen.setdefault(told, message.payload) != message.payload:
            raise Failed(f"{message.kind}: the id {told} was used for two messages")
    return f"{len(seen)} ids, all different"


def numbers(transcript: Transcript) -> str:
    """Check epoch and seq: they only grow, by 1 on topics where nothing is lost."""
    last: dict[str, tuple[int, int]] = {}
    known: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for message in heard(transcript):
        if message.kind == "state":
            continue  # The Will is written before the connection.
        here = (message.document.get("epoch", -1), message.document.get("seq", -1))
        before = last.get(message.topic)
        if before is not None and here <= before:
            if here in known[message.topic]:
                continue  # Sent again, byte for byte.
            raise Failed(f"{message.topic}: {here} after {before}")
        if (
            before is not None
            and message.qos == 1
            and here[0] == before[0]
            and here[1] != before[1] + 1
        ):
            raise Failed(f"{message.topic}: {here} after {before}, a gap")
        last[message.topic] = here
        known[message.topic].add(here)
    return f"epoch and seq of {len(last)} topics only grow"


def times(transcript: Transcript) -> str:
    """Check ts against the kit's clock."""
    worst_s = 0.0
    seen: set[bytes] = set()
    for message in heard(transcript):
        if message.payload in seen:
            continue  # Sent again, byte for byte.
        seen.add(message.payload)
        if message.document.get("status") == "offline" or message.is_retained:
            continue  # The Will is written before the connection.
        made_at = _moment(message.document.get("ts", ""))
        if made_at is None:
            raise Failed(f"{message.kind}: ts {message.document.get('ts')!r}")
        off_s = abs((message.at - made_at).total_seconds())
        worst_s = max(worst_s, off_s)
    if worst_s > CLOCK_S:
        raise Inconclusive(f"ts is up to {worst_s:.1f} s off: the clocks differ")
    return f"ts at most {worst_s:.2f} s off"


def delivery(
    transcript: Transcript, table: Mapping[str, tuple[int, bool, int | None]]
) -> str:
    """Check QoS, retained and expiry against the table of the contract.

    Args:
        transcript: of the run.
        table: kind to QoS, retained, longest expiry in s or None for none.
    """
    count = 0
    for message in heard(transcript):
        if message.kind not in table:
            continue
        qos, is_retained, expiry_s = table[message.kind]
        if message.qos != qos:
            raise Failed(f"{message.kind}: QoS {message.qos} instead of {qos}")
        if message.is_retained != is_retained:
            raise Failed(f"{message.kind}: retained is {message.is_retained}")
        if expiry_s is None:
            if message.expiry_s is not None:
                raise Failed(f"{message.kind}: expires in {message.expiry_s} s")
        elif message.expiry_s is None or message.expiry_s > expiry_s:
            raise Failed(f"{message.kind}: expiry {message.expiry_s}, not {expiry_s} s")
        count += 1
    return f"QoS, retained and expiry of {count} messages are right"


def signatures(
    transcript: Transcript, kinds: frozenset[str], keys: Mapping[str, str]
) -> str:
    """Check that every message of these kinds is signed by the tested side."""
    count = 0
    for message in heard(transcript):
        if message.kind not in kinds:
            continue
        if not is_signed(message.topic, message.payload, message.signatures, keys):
            raise Failed(f"{message.kind}: not signed by a key of the sender")
        count += 1
    if not count:
        raise Inconclusive("nothing was said that has to be signed")
    return f"{count} signatures are right"


def privacy(transcript: Transcript) -> str:
    """Check that no key of any message tells what has to stay at home."""
    for message in heard(transcript, is_live=False):
        told = next((k for k in _keys(message.document) if PRIVATE.search(k)), None)
        if told is not None:
            raise Failed(f"{message.kind} has the key '{told}'")
    return "no key tells of charge, place, departure or household"


def period(transcript: Transcript, kind: str, most_s: float, slack_s: float) -> str:
    """Check that a kind of message never stays away for longer than its period."""
    moments = [
        m.mono_s for m in transcript.peer(kind) if not m.is_retained or m.payload
    ]
    gaps = [b - a for a, b in itertools.pairwise(moments)]
    ran_s = clock.monotonic() - moments[0] if moments else 0.0
    if ran_s < most_s:
        raise Inconclusive(f"the run was shorter than {most_s:.0f} s")
    longest_s = max([*gaps, clock.monotonic() - moments[-1]])
    if longest_s > most_s + slack_s:
        raise Failed(f"{longest_s:.0f} s without {kind}")
    return f"at most {longest_s:.1f} s apart"


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from _keys(item)


def _moment(text: str) -> datetime | None:
    try:
        return clock.from_wire(text)
    except ValueError:
        return None


type Check = Callable[[Transcript], str]
