"""The aggregator's figures in Prometheus' text format."""

from collections import Counter
from collections.abc import Iterable, Mapping

from .demand import DemandDesk
from .dispatcher import LATENCY_BUCKETS_S, Dispatcher
from .leader import Leader
from .views import overview

PREFIX = "v2g_vpp_"


def prometheus(leader: Leader, desk: DemandDesk) -> str:
    """Return every figure; none has a label of unbounded variety."""
    lines = [
        *_counts(leader, desk),
        *_latency(leader.dispatcher),
        *_gauge(
            "broker_connected", "1 while the broker is there.", leader.is_connected
        ),
        *_gauge("leader_epoch", "Leadership term.", leader.term.epoch),
        *_power(leader, desk),
        *_counter("heartbeats", "Heartbeats sent.", leader.counters["heartbeats"]),
        *_counter("resends", "Commands sent again.", leader.dispatcher.resends),
        *_counter(
            "unanswered", "Commands without an answer.", leader.dispatcher.unanswered
        ),
    ]
    return "\n".join(lines) + "\n"


def _counts(leader: Leader, desk: DemandDesk) -> Iterable[str]:
    statuses = Counter(home["status"] for home in overview(leader, desk)["homes"])
    messages: Counter[str] = Counter()
    for home in leader.homes.values():
        messages.update(home.counters)
    yield from _labelled(
        "homes",
        "gauge",
        "Homes by presence.",
        {
            f'status="{status}"': statuses[status]
            for status in ("online", "offline", "unknown")
        },
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


def _power(leader: Leader, desk: DemandDesk) -> Iterable[str]:
    view = overview(leader, desk)
    demand = view["demand"] or {"power_w": 0, "unserved_w": 0}
    for name, text, value in (
        ("demand_watts", "Demand", demand["power_w"]),
        ("unserved_watts", "Demand without a taker", demand["unserved_w"]),
        (
            "commanded_watts",
            "Power that homes committed to",
            view["totals"]["commanded_w"],
        ),
        ("delivered_watts", "Power that homes measure", view["totals"]["delivered_w"]),
    ):
        yield from _gauge(name, f"{text}; positive is charging.", value)


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
