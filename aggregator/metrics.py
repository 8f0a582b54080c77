"""The aggregator's figures in Prometheus' text format."""

from collections import Counter
from collections.abc import Iterable, Mapping

from .demand import DemandDesk
from .dispatcher import LATENCY_BUCKETS_S, Dispatcher
from .fleet_view import alarms, fleet
from .follower import Follower
from .leader import Leader

PREFIX = "v2g_vpp_"


def prometheus(leader: Leader, desk: DemandDesk, follower: Follower) -> str:
    """Return every figure; none has a label of unbounded variety."""
    lines = [
        *_counts(leader),
        *_latency(leader.dispatcher),
        *_settling(leader),
        *_gauge(
            "broker_connected", "1 while the broker is there.", leader.is_connected
        ),
        *_gauge("leader_epoch", "Leadership term.", leader.term.epoch),
        *_power(leader, desk, follower),
        *_following(follower),
        *_gauge("alarms", "Sentences for the operator.", len(alarms(leader, follower))),
        *_counter("heartbeats", "Heartbeats sent.", leader.counters["heartbeats"]),
        *_counter("resends", "Commands sent again.", leader.dispatcher.resends),
        *_counter(
            "unanswered", "Commands without an answer.", leader.dispatcher.unanswered
        ),
    ]
    return "\n".join(lines) + "\n"


def _counts(leader: Leader) -> Iterable[str]:
    sums = fleet(leader)
    statuses = {
        "online": sums.online,
        "offline": sums.offline,
        "unknown": sums.unknown,
    }
    messages: Counter[str] = Counter()
    for home in leader.homes.values():
        messages.update(home.counters)
    yield from _labelled(
        "homes",
        "gauge",
        "Homes by presence.",
        {f'status="{status}"': count for status, count in statuses.items()},
    )
    yield from _labelled(
        "acks_total",
        "counter",
        "Answers by status and code.",
        {
            f'status="{status}",code="{code}"': count
            for (status, code), count in sorted(leader.dispatcher.acks.items())
        },
    )
    yield from _labelled(
        "messages_total",
        "counter",
        "Messages of homes by what was made of them.",
        {f'what="{name}"': count for name, count in sorted(messages.items())},
    )


def _settling(leader: Leader) -> Iterable[str]:
    desk = leader.settlements
    for name, text in (
        ("reports", "Reports of events that were taken."),
        ("reports_again", "Reports that were known."),
        ("reports_broken", "Reports of a ledger that was changed."),
        ("settlements", "Settlements sent."),
    ):
        yield from _counter(name, text, 0 if desk is None else desk.counters[name])


def _power(leader: Leader, desk: DemandDesk, follower: Follower) -> Iterable[str]:
    sums, progress = fleet(leader), follower.progress
    demand_w, unserved_w = progress.demand_w, progress.unserved_w
    if desk.current is not None:
        demand_w += desk.current.power_w
        unserved_w += desk.current.allocation.unserved_w
    for name, text, value in (
        ("demand_watts", "Demand", demand_w),
        ("unserved_watts", "Demand without a taker", unserved_w),
        ("commanded_watts", "Power that homes committed to", sums.commanded_w),
        ("delivered_watts", "Power that homes measure", sums.delivered_w),
        ("lowest_watts", "Least power that homes offer", sums.lowest_w),
        ("highest_watts", "Greatest power that homes offer", sums.highest_w),
    ):
        yield from _gauge(name, f"{text}; positive is charging.", value)


def _following(follower: Follower) -> Iterable[str]:
    progress = follower.progress
    following = follower.following is not None
    yield from _gauge("following", "1 while a demand is followed.", following)
    for name, text, value in (
        ("homes_running", "Homes that serve the demand.", progress.homes_running),
        ("homes_silent", "Homes that do not answer.", progress.homes_silent),
        ("homes_barred", "Homes that refused a minute ago.", progress.homes_barred),
    ):
        yield from _gauge(name, text, value)
    name = f"{PREFIX}fairness"
    yield f"# HELP {name} Jain's index of energy served over energy offered."
    yield f"# TYPE {name} gauge"
    fairness = progress.fairness
    yield f"{name} {'NaN' if fairness is None else round(fairness, 4)}"
    for what in ("commands", "renewals", "cancels"):
        text = f"Sent for the followed demand: {what}."
        yield from _counter(f"follower_{what}", text, follower.counters[what])


def _latency(dispatcher: Dispatcher) -> Iterable[str]:
    name = f"{PREFIX}ack_latency_seconds"
    yield f"# HELP {name} From publishing a command to its first answer."
    yield f"# TYPE {name} histogram"
    for bound in LATENCY_BUCKETS_S:
        yield f'{name}_bucket{{le="{bound}"}} {dispatcher.latency_buckets[bound]}'
    yield f'{name}_bucket{{le="+Inf"}} {dispatcher.latency_count}'
    yield f"{name}_sum {dispatcher.latency_sum_s:.6f}"
    yield f"{name}_count {dispatcher.latency_count}"


def _gauge(name: str, text: str, value: int) -> Iterable[str]:
    return _single(name, "gauge", text, value)


def _counter(name: str, text: str, value: int) -> Iterable[str]:
    return _single(f"{name}_total", "counter", text, value)


def _single(name: str, kind: str, text: str, value: int) -> Iterable[str]:
    yield f"# HELP {PREFIX}{name} {text}"
    yield f"# TYPE {PREFIX}{name} {kind}"
    yield f"{PREFIX}{name} {int(value)}"


def _labelled(
    name: str, kind: str, text: str, values: Mapping[str, int]
) -> Iterable[str]:
    yield f"# HELP {PREFIX}{name} {text}"
    yield f"# TYPE {PREFIX}{name} {kind}"
    for labels, value in values.items():
        yield f"{PREFIX}{name}{{{labels}}} {value}"
