"""Topics of the contract, built and taken apart in one place."""

from dataclasses import dataclass

PREFIX = "v2gvpp/v1"

UP_TYPES = frozenset(
    {
        "state",
        "hello",
        "offer",
        "availability",
        "ack",
        "telemetry",
        "clock",
        "participation",
        "forecast",
        "csr",
        "report",
    }
)
"""What a home of version 1.0 says; other names are reserved and ignored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpTopic:
    """Where a message of a home came from."""

    home_id: str
    topic_type: str


def up_filter(region: str) -> str:
    """Return the subscription for everything that homes of a region say."""
    return f"{PREFIX}/{region}/+/up/+"


def down_topic(region: str, home_id: str, topic_type: str) -> str:
    """Return the topic of a message to one home."""
    return f"{PREFIX}/{region}/{home_id}/dn/{topic_type}"


def regional_heartbeat_topic(region: str) -> str:
    """Return the topic of the one heartbeat that every home of the region reads."""
    return f"{PREFIX}/{region}/all/dn/heartbeat"


def parse_up_topic(region: str, topic: str) -> UpTopic | None:
    """Return the sender of a message, None for a topic that is not a home's.

    The broker's access list has proven that the sender is the home that it names.
    """
    levels = topic.split("/")
    if len(levels) != 6 or levels[:3] != [*PREFIX.split("/"), region]:
        return None
    _, _, _, home_id, direction, topic_type = levels
    if direction != "up" or topic_type not in UP_TYPES:
        return None
    return UpTopic(home_id=home_id, topic_type=topic_type)
