"""Our requests that wait for the one slot of a link, the most urgent first."""

from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final

from .frames import Payload

QUEUE_CAPACITY: Final = 32
"""Per lane. A station that lets more pile up does not answer at all."""


class Lane(IntEnum):
    """Urgency of a request, the most urgent first."""

    STOP = 0
    """Whatever ends a flow of energy."""

    SETPOINT = 1
    CONFIGURATION = 2
    BULK = 3
    """Reports and logs: they wait while a discharge is armed."""


class CallEnd(StrEnum):
    """How a request ended."""

    ANSWERED = "answered"
    REFUSED = "refused"
    """CALLERROR."""

    INVALID = "invalid"
    """An answer came and breaks its schema."""

    TIMEOUT = "timeout"
    LINK_LOST = "link_lost"
    SUPERSEDED = "superseded"
    STALE = "stale"
    QUEUE_FULL = "queue_full"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOutcome:
    """The end of a request, never None."""

    end: CallEnd
    payload: Payload = field(default_factory=dict)
    code: str = ""
    description: str = ""
    message_id: str = ""
    """Of the frame; empty when none left."""

    sent_mono_s: float | None = None
    """When the frame left; None when it never did."""

    def has_status(self, *statuses: str) -> bool:
        """Return True for an answer with one of these values of ``status``."""
        return self.end is CallEnd.ANSWERED and (self.payload.get("status") in statuses)

    @property
    def reason(self) -> str:
        """What a station said against a request, as far as it said anything."""
        info = self.payload.get("statusInfo") or {}
        told = info.get("reasonCode") if isinstance(info, dict) else None
        return str(told or self.code or self.payload.get("status") or self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """One request on its way."""

    token: int
    """Names the request towards its caller."""

    action: str
    payload: Payload
    lane: Lane
    deadline_mono_s: float
    """Its caller is answered by then, waiting included."""

    slot_s: float
    """How long it may hold the slot once it was sent."""

    coalesce_key: str | None = None
    """A newer request with the same key takes the place of a waiting older one."""

    not_after_mono_s: float | None = None
    """Later than this it must not leave any more."""


@dataclass(frozen=True, slots=True)
class Displaced:
    """A request that left the queue without having been sent."""

    token: int
    end: CallEnd


class CallQueue:
    """Waiting requests in lanes; bounded."""

    def __init__(self) -> None:
        """Start empty."""
        self._lanes: tuple[deque[CallRequest], ...] = tuple(deque() for _ in Lane)

    def __len__(self) -> int:
        """Return how many requests wait."""
        return sum(len(lane) for lane in self._lanes)

    def offer(self, request: CallRequest) -> list[Displaced]:
        """Add a request; return those that it displaced, itself when there is no room."""
        displaced = self._drop_older(request.coalesce_key)
        lane = self._lanes[request.lane]
        if len(lane) >= QUEUE_CAPACITY:
            return [*displaced, Displaced(request.token, CallEnd.QUEUE_FULL)]
        lane.append(request)
        return displaced

    def cancel(self, token: int) -> None:
        """Remove a request whose caller is gone."""
        for lane in self._lanes:
            for request in lane:
                if request.token == token:
                    lane.remove(request)
                    return

    def expire(self, now_mono_s: float) -> list[Displaced]:
        """Remove and return the requests that must not leave any more."""
        displaced: list[Displaced] = []
        for lane in self._lanes:
            for request in tuple(lane):
                end = _end_by_time(request, now_mono_s)
                if end is not None:
                    lane.remove(request)
                    displaced.append(Displaced(request.token, end))
        return displaced

    def take(self, *, is_bulk_held: bool) -> CallRequest | None:
        """Return the next request to send, None when nothing may leave now."""
        for lane_id, lane in zip(Lane, self._lanes, strict=True):
            if lane and not (is_bulk_held and lane_id is Lane.BULK):
                return lane.popleft()
        return None

    def drain(self) -> list[int]:
        """Remove everything; return the tokens."""
        tokens = [request.token for lane in self._lanes for request in lane]
        for lane in self._lanes:
            lane.clear()
        return tokens

    def next_deadline_mono_s(self) -> float | None:
        """Return when the first waiting request expires, None when none waits."""
        if not any(self._lanes):
            # The usual case, and asked for each message of a station.
            return None
        return min(
            (
                min(request.deadline_mono_s, request.not_after_mono_s)
                if request.not_after_mono_s is not None
                else request.deadline_mono_s
                for lane in self._lanes
                for request in lane
            ),
            default=None,
        )

    def _drop_older(self, coalesce_key: str | None) -> list[Displaced]:
        if coalesce_key is None:
            return []
        displaced: list[Displaced] = []
        for lane in self._lanes:
            for request in tuple(lane):
                if request.coalesce_key == coalesce_key:
                    lane.remove(request)
                    displaced.append(Displaced(request.token, CallEnd.SUPERSEDED))
        return displaced


def _end_by_time(request: CallRequest, now_mono_s: float) -> CallEnd | None:
    is_stale = (
        request.not_after_mono_s is not None and now_mono_s > request.not_after_mono_s
    )
    if is_stale:
        return CallEnd.STALE
    return CallEnd.TIMEOUT if now_mono_s >= request.deadline_mono_s else None
