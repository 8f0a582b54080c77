"""Topics of the contract: ``v2gvpp/v1/{region}/{home}/{up|dn}/{type}``."""

from dataclasses import dataclass
from enum import StrEnum
import re

_ROOT = "v2gvpp/v1"
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_MAX_NAME_LENGTH = 31
_RESERVED_HOMES = frozenset({"all", "group"})


class UpType(StrEnum):
    """What the home publishes."""

    STATE = "state"
    HELLO = "hello"
    OFFER = "offer"
    AVAILABILITY = "availability"
    ACK = "ack"
    TELEMETRY = "telemetry"
    CLOCK = "clock"
    PARTICIPATION = "participation"
    FORECAST = "forecast"
    CSR = "csr"
    REPORT = "report"


class DownType(StrEnum):
    """What the aggregator publishes."""

    WELCOME = "welcome"
    COMMAND = "command"
    EVENT = "event"
    CANCEL = "cancel"
    HEARTBEAT = "heartbeat"
    CLOCK = "clock"
    REQUEST = "request"
    CERTIFICATE = "certificate"
    SETTLEMENT = "settlement"


def is_name(text: str) -> bool:
    """Return True when a text can be a region, home or group of the contract."""
    return len(text) <= _MAX_NAME_LENGTH and _NAME.fullmatch(text) is not None


def is_home_name(text: str) -> bool:
    """Return True when a text can be a home: two names are taken by the contract."""
    return is_name(text) and text not in _RESERVED_HOMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """The topics of one home."""

    region: str
    home_id: str

    def __post_init__(self) -> None:
        """Refuse names that would change the meaning of a topic.

        Raises:
            ValueError: naming the field.
        """
        if not is_name(self.region):
            raise ValueError("region")
        if not is_home_name(self.home_id):
            raise ValueError("home_id")

    @property
    def common_name(self) -> str:
        """Return the name on the home's certificate."""
        return f"{self.region}--{self.home_id}"

    def up(self, kind: UpType) -> str:
        """Return where the home publishes a kind of message."""
        return f"{_ROOT}/{self.region}/{self.home_id}/up/{kind}"

    def down(self, kind: DownType) -> str:
        """Return where the home listens for a kind of message."""
        return f"{_ROOT}/{self.region}/{self.home_id}/dn/{kind}"

    @property
    def regional_heartbeat(self) -> str:
        """Return the heartbeat for every home of the region."""
        return f"{_ROOT}/{self.region}/all/dn/{DownType.HEARTBEAT}"

    def group_command(self, group: str) -> str:
        """Return the command topic of a group."""
        return f"{_ROOT}/{self.region}/group/{group}/dn/{DownType.COMMAND}"

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """Return what the home subscribes to before it knows its groups."""
        return (*(self.down(kind) for kind in DownType), self.regional_heartbeat)

    def kind_of(self, topic: str) -> DownType | None:
        """Return what a topic carries, None for one that is not for this home."""
        if topic == self.regional_heartbeat:
            return DownType.HEARTBEAT
        if self.is_group_command(topic):
            return DownType.COMMAND
        return next((kind for kind in DownType if topic == self.down(kind)), None)

    def is_group_command(self, topic: str) -> bool:
        """Return True for the command topic of any group of the region."""
        prefix, suffix = f"{_ROOT}/{self.region}/group/", f"/dn/{DownType.COMMAND}"
        if not (topic.startswith(prefix) and topic.endswith(suffix)):
            return False
        return is_name(topic[len(prefix) : -len(suffix)])
