"""Cases that only look at everything the home said during the run."""

from collections.abc import Awaitable, Callable

from . import passive
from .case import Case
from .home_bench import HomeBench

TABLE: dict[str, tuple[int, bool, int | None]] = {
    "state": (1, True, None),
    "hello": (1, False, 30),
    "offer": (1, True, 86_400),
    "availability": (1, True, 900),
    "forecast": (1, True, 93_600),
    "participation": (1, False, 300),
    "ack": (1, False, 60),
    "telemetry": (0, False, 10),
    "clock": (0, False, 10),
    "report": (1, False, 604_800),
    "csr": (1, False, 300),
}
"""Contract, "Topics": QoS, retained, expiry in s."""

SIGNED = frozenset({"ack", "report", "csr"})


def _look(check: passive.Check) -> Callable[[HomeBench], Awaitable[str]]:
    async def run(bench: HomeBench) -> str:
        return check(bench.transcript)

    return run


async def _signatures(bench: HomeBench) -> str:
    keys = bench.newest("hello")["signing_keys"]
    return passive.signatures(bench.transcript, SIGNED, keys)


PASSIVE_CASES: tuple[Case[HomeBench], ...] = (
    Case(
        case_id="all-form",
        rule="Envelope",
        done="Check every message of the home by its schema.",
        expected="Each fits; whole numbers are written as such.",
        run=_look(passive.form),
    ),
    Case(
        case_id="all-id",
        rule="Envelope",
        done="Compare the ids of all messages.",
        expected="UUID version 7, none twice.",
        run=_look(passive.identity),
    ),
    Case(
        case_id="all-seq",
        rule="Envelope",
        done="Follow epoch and seq of every topic.",
        expected="They only grow, seq by 1.",
        run=_look(passive.numbers),
    ),
    Case(
        case_id="all-ts",
        rule="Envelope",
        done="Compare ts with the clock of the kit.",
        expected="Not more than 2 s off.",
        run=_look(passive.times),
    ),
    Case(
        case_id="all-delivery",
        rule="Topics",
        done="Compare QoS, retained and expiry with the table of the contract.",
        expected="As in the table.",
        run=_look(lambda t: passive.delivery(t, TABLE)),
    ),
    Case(
        case_id="all-signed",
        rule="Signature",
        done="Verify every ack and report.",
        expected="Signed by a key of the hello.",
        run=_signatures,
    ),
    Case(
        case_id="all-private",
        rule="What a report shows",
        done="Read the keys of every message.",
        expected="None tells of state of charge, place, departure or household.",
        run=_look(passive.privacy),
    ),
    Case(
        case_id="all-availability",
        rule="Availability",
        done="Measure the time between availabilities.",
        expected="At least one a minute.",
        run=_look(lambda t: passive.period(t, "availability", 60, 6)),
    ),
    Case(
        case_id="all-clock",
        rule="Clock check",
        done="Measure the time between clock checks.",
        expected="At least one a minute.",
        run=_look(lambda t: passive.period(t, "clock", 60, 6)),
    ),
    Case(
        case_id="all-telemetry",
        rule="Telemetry",
        done="Measure the time between telemetry messages; 1 s was asked for.",
        expected="No pause above 20 s, reconnects included.",
        run=_look(lambda t: passive.period(t, "telemetry", 1, 19)),
    ),
)
