"""What the operator is shown: JSON documents, built on request."""

from typing import Any

from .codec import format_timestamp, to_document
from .demand import DemandDesk
from .dispatcher import AckRecord, Dispatch
from .envelope import Message
from .fleet_view import alarms, totals
from .follow_web import follow_view
from .follower import Follower
from .homes import Frame, Home
from .leader import Leader

SHOWN_ACKS = 12
"""Lines on the operator's page."""


def overview(
    leader: Leader, desk: DemandDesk, follower: Follower, most: int | None = None
) -> dict[str, Any]:
    """Return the totals and one line per home, for the operator's page.

    Args:
        leader: the term.
        desk: the demand that was split once.
        follower: the demand that is followed.
        most: so many homes at most; None: all.
    """
    shown = sorted(leader.enrolments.homes)[:most]
    homes = [home_line(leader, home_id) for home_id in shown]
    acks = [
        {"home_id": home_id, **_ack(record)}
        for home_id in leader.homes
        for record in list(leader.dispatcher.of(home_id).acks)[-SHOWN_ACKS:]
    ]
    acks.sort(key=lambda ack: ack["t_mono"], reverse=True)
    demand = desk.current
    return {
        "region": leader.term.region,
        "epoch": leader.term.epoch,
        "broker": "connected" if leader.is_connected else "away",
        "heartbeat": heartbeat(leader),
        "t_mono": leader.clock.monotonic(),
        "totals": totals(leader, follower),
        "alarms": alarms(leader, follower),
        "follow": follow_view(
            follower.following, follower.progress, leader.clock.monotonic()
        ),
        "demand": None
        if demand is None
        else {
            "power_w": demand.power_w,
            "duration_s": demand.duration_s,
            "unserved_w": demand.allocation.unserved_w,
        },
        "homes": homes,
        "acks": acks[:SHOWN_ACKS],
        "settlements": last_settlements(leader),
    }


def last_settlements(leader: Leader) -> list[dict[str, Any]]:
    """Return the newest settlements of all homes, the newest first."""
    desk = leader.settlements
    if desk is None:
        return []
    found = [
        {"home_id": home_id, "event_id": event_id, **kept}
        for home_id in leader.homes
        for event_id, kept in list(desk.account(home_id).settlements.items())[
            -SHOWN_ACKS:
        ]
    ]
    # Their ids are drawn from the time.
    found.sort(key=lambda one: str(one["settlement_id"]), reverse=True)
    return found[:SHOWN_ACKS]


def heartbeat(leader: Leader) -> dict[str, Any]:
    """Return whether and when the homes were last told that we lead."""
    return {
        "enabled": leader.is_heartbeat_enabled,
        "period_s": leader.term.heartbeat_s,
        "sent": leader.counters["heartbeats"],
        "last_t_mono": leader.last_heartbeat_mono_s,
    }


def home_line(leader: Leader, home_id: str) -> dict[str, Any]:
    """Return one home in short; powers in W, positive = charging."""
    enrolment = leader.enrolments.get(home_id)
    home = leader.home(home_id)
    now_mono_s = leader.clock.monotonic()
    site = home.availability.site if home.availability else None
    return {
        "home_id": home_id,
        "programme_id": enrolment.programme_id,
        "invited_at": enrolment.invited_at,
        "enrolled_at": enrolment.enrolled_at,
        "revoked_at": enrolment.revoked_at,
        "status": home.presence.status(now_mono_s),
        "is_opted_in": home.offer.is_opted_in if home.offer else None,
        "lowest_w": site.lowest_w if site else None,
        "highest_w": site.highest_w if site else None,
        "deliverable_wh": site.deliverable_wh if site else None,
        "commanded_w": leader.dispatcher.commanded_w(home_id),
        "power_w": home.power_w(now_mono_s),
    }


def home_detail(leader: Leader, home_id: str) -> dict[str, Any]:
    """Return everything that is known of one home."""
    home = leader.home(home_id)
    dispatches = leader.dispatcher.of(home_id)
    return {
        **home_line(leader, home_id),
        "t_mono": leader.clock.monotonic(),
        "boot_id": home.presence.boot_id,
        "connection": home.presence.connection,
        "version": home.chosen_version,
        "hello": _document(home.hello),
        "offer": _document(home.offer),
        "availability": _document(home.availability),
        "forecast": _document(home.forecast),
        "telemetry": _frame(home.frames[-1]) if home.frames else None,
        "acks": [_ack(record) for record in dispatches.acks],
        "commands": [dispatch_view(item) for item in dispatches.dispatches.values()],
        "counters": dict(home.counters),
        "ledger": ledger_view(leader, home_id),
    }


def ledger_view(leader: Leader, home_id: str) -> dict[str, Any]:
    """Return what a home reported and what it was paid, the newest event last."""
    if leader.settlements is None:
        return {"sequence": None, "faults": 0, "restarts": 0, "events": []}
    account = leader.settlements.account(home_id)
    return {
        "sequence": None if account.head is None else account.head.sequence,
        "faults": account.faults,
        "restarts": account.restarts,
        "events": [
            {
                "event_id": event_id,
                "reports": list(parts.values()),
                "settlement": account.settlements.get(event_id),
            }
            for event_id, parts in list(account.parts.items())[-SHOWN_ACKS:]
        ],
    }


def telemetry_since(home: Home, since_mono_s: float) -> list[dict[str, Any]]:
    """Return telemetry received after a monotonic second, oldest first."""
    return [_frame(item) for item in home.frames if item.received_mono_s > since_mono_s]


def dispatch_view(dispatch: Dispatch) -> dict[str, Any]:
    """Return one command or cancel and what became of it."""
    command = dispatch.command
    first = dispatch.first_ack_mono_s
    return {
        "command_id": dispatch.message.id,
        "kind": command.kind.value if command else "cancel",
        "power_w": command.power_w if command else None,
        "start": format_timestamp(command.start) if command else None,
        "end": format_timestamp(command.end) if command else None,
        "event_id": command.event_id if command else None,
        "published_t_mono": dispatch.published_mono_s,
        "first_ack_ms": None
        if first is None
        else round((first - dispatch.published_mono_s) * 1000, 3),
        "attempts": dispatch.attempts,
        "status": dispatch.status,
        "code": dispatch.code,
        "committed_w": dispatch.committed_w,
    }


def _ack(record: AckRecord) -> dict[str, Any]:
    ack = record.ack
    return {
        "command_id": ack.command_id,
        "status": ack.status,
        "code": ack.code,
        "committed_w": ack.committed_w,
        "binding": list(ack.binding),
        "ts": format_timestamp(ack.ts),
        "t_mono": record.received_mono_s,
    }


def _frame(frame: Frame) -> dict[str, Any]:
    return {**to_document(frame.telemetry), "t_mono": frame.received_mono_s}


def _document(message: Message | None) -> dict[str, Any] | None:
    return None if message is None else to_document(message)
