"""What is lost with a broker: no second above the promise, and no report.

Virtual time sweeps every charger in every dialect; real time shows one loss of each kind
with each of three chargers, and a restart between events, all at once: they wait most of
the time.
"""

import asyncio
from collections.abc import Iterable, Mapping

from custom_components.v2g_vpp.domain.capability import Fingerprint
from script.benches.result import Bench, Figure, Target, at_least, at_most
from script.benches.vpp_failsafe import (
    DIALECTS,
    PLANTS,
    PROMISE_S,
    Case,
    Pair,
    Swept,
    sweep,
)
from script.benches.vpp_lost_broker import lose_brokers
from script.benches.vpp_reports import Reported, measure_reports

PHASES = 8
SHOWN: tuple[Pair, ...] = (
    ("fast", "v21_dynamic"),
    ("typical", "v21_schedule"),
    ("slow", "neg_limit_16"),
)
"""In real time, and all of a quick run."""

type Part = tuple[dict[str, Figure], dict[str, Target]]


async def measure_losses(bench: Bench) -> list[Part]:
    """Sweep, lose and restart; return figures and targets."""
    if bench.is_quick:
        pairs, phases, lost = SHOWN, 1, SHOWN[-1:]
    else:
        every = ((plant, dialect) for plant in PLANTS for dialect in DIALECTS)
        pairs, phases, lost = tuple(every), PHASES, SHOWN
    # A thread of its own: virtual time is an event loop of its own.
    swept = {
        pair: await asyncio.to_thread(_sweep, bench, pair, phases) for pair in pairs
    }
    known = {pair: swept[pair].fingerprint for pair in lost}
    bench.say("real time: %d brokers lost, one restarted", 2 * len(lost))
    real_s, reported = await _in_real_time(known, 4 if bench.is_quick else 12)
    return [swept_part(swept.values()), real_part(real_s), reports_part(reported)]


def _sweep(bench: Bench, pair: Pair, phases: int) -> Swept:
    swept = sweep(pair, phases)
    bench.say("%s in %s: 0 W after %.2f s at most", *pair, swept.worst_s)
    return swept


async def _in_real_time(
    known: Mapping[Pair, Fingerprint], events: int
) -> tuple[dict[str, float], Reported]:
    return await asyncio.gather(lose_brokers(known), measure_reports(events))


def swept_part(sweeps: Iterable[Swept]) -> Part:
    """Return the worst of each charger and dialect, in virtual time."""
    figures: dict[str, Figure] = {}
    cases: list[Case] = []
    for swept in sweeps:
        cases += swept.cases
        figures["failsafe_virtual_{}_{}_s".format(*swept.pair)] = swept.worst_s
    figures["failsafe_virtual_cases"] = float(len(cases))
    figures["failsafe_virtual_worst_s"] = max(case.zero_s for case in cases)
    return figures, {"failsafe_virtual_worst_s": at_most(PROMISE_S)}


def real_part(real_s: Mapping[str, float]) -> Part:
    """Return each loss in real time."""
    figures: dict[str, Figure] = {
        f"failsafe_real_{name}_s": seconds for name, seconds in real_s.items()
    }
    figures["failsafe_real_worst_s"] = max(real_s.values())
    return figures, {"failsafe_real_worst_s": at_most(PROMISE_S)}


def reports_part(reported: Reported) -> Part:
    """Return what came of the events around a restart."""
    return {
        "reports_events": float(reported.events),
        "reports_percent": reported.percent,
        "reports_sent_again": float(reported.times - reported.reported),
        "reports_broken": float(reported.broken),
    }, {"reports_percent": at_least(100.0), "reports_broken": at_most(0)}
