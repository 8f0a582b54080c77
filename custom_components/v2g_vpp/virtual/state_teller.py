"""Telling the CSMS the states of connector, button and vehicle as they change."""

import asyncio
from dataclasses import dataclass
import logging
from typing import Any, Protocol, override

from .conditions import CONDITIONS, Condition
from .config import CONNECTOR_ID, EVSE_ID
from .evse import Evse
from .inventory import VEHICLE_PROTOCOL
from .link import LinkError
from .ocpp_package import call
from .peer import CallRefused, Peer
from .wakeup import Signal

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldState:
    """What the CSMS was told last of the states that it is told by events."""

    connector_status: str | None = None
    is_emergency_stopped: bool = False
    is_plugged: bool = False
    conditions: frozenset[Condition] = frozenset()


class Teller(Protocol):
    """Tells the CSMS, on whichever link, what differs from what it was told."""

    def forget(self) -> None:
        """Tell every state again: after a reboot the CSMS expects it."""
        ...

    async def run(self, peer: Peer) -> None:
        """Tell until the link is gone."""
        ...


class StateTeller(Teller):
    """Sends what differs from what the CSMS was told, on whichever link."""

    def __init__(self, evse: Evse, changed: Signal) -> None:
        """Start with a CSMS that knows nothing."""
        self._evse = evse
        self._changed = changed
        self._told = ToldState()
        self._next_event_id = 1

    @override
    def forget(self) -> None:
        """Tell every state again: after a reboot the CSMS expects it."""
        self._told = ToldState()

    @override
    async def run(self, peer: Peer) -> None:
        """Tell the CSMS what differs from what it was told."""
        while True:
            state = ToldState(
                connector_status=self._evse.connector_status(),
                is_emergency_stopped=self._evse.is_emergency_stopped(),
                is_plugged=self._evse.is_plugged(),
                conditions=self._evse.conditions.active,
            )
            told = self._told
            if state == told:
                await self._changed.wait()
                continue
            self._told = state
            try:
                await self._tell(peer, told, state)
            except LinkError, asyncio.CancelledError:
                self._told = told
                raise

    async def _tell(self, peer: Peer, told: ToldState, state: ToldState) -> None:
        if state.is_emergency_stopped != told.is_emergency_stopped:
            await self._notify(
                peer,
                {"name": "EmergencyStopSensor", "evse": {"id": EVSE_ID}},
                "Active",
                "true" if state.is_emergency_stopped else "false",
                is_alert=True,
            )
        for condition in sorted(state.conditions ^ told.conditions):
            await self._tell_condition(
                peer, condition, is_on=condition in state.conditions
            )
        if state.connector_status != told.connector_status:
            await self._tell_connector(peer, state.connector_status or "")
        if state.is_plugged != told.is_plugged:
            vehicle = {"name": "ConnectedEV", "evse": {"id": EVSE_ID}}
            protocol = VEHICLE_PROTOCOL if state.is_plugged else ""
            available = "true" if state.is_plugged else "false"
            await self._notify(peer, vehicle, "Available", available)
            await self._notify(peer, vehicle, "ProtocolAgreed", protocol)

    async def _tell_condition(
        self, peer: Peer, condition: Condition, *, is_on: bool
    ) -> None:
        facts = CONDITIONS[condition]
        if facts.component:
            component: dict[str, Any] = {
                "name": facts.component,
                "evse": {"id": EVSE_ID},
            }
            if facts.instance is not None:
                component["instance"] = facts.instance
            value = "true" if is_on else "false"
            await self._notify(peer, component, facts.variable, value, is_alert=True)
        if facts.alarm is not None and peer.version == "2.1":
            await self._send(
                peer,
                call.NotifyDERAlarm(
                    control_type="PowerMonitoringMustTrip",
                    timestamp=self._evse.clock_text(),
                    grid_event_fault=facts.alarm,
                    alarm_ended=not is_on,
                ),
            )

    async def _tell_connector(self, peer: Peer, status: str) -> None:
        if peer.version == "2.1":
            # StatusNotification is deprecated there (B01.FR.05).
            place = {"id": EVSE_ID, "connectorId": CONNECTOR_ID}
            connector = {"name": "Connector", "evse": place}
            await self._notify(peer, connector, "AvailabilityState", status)
            return
        await self._send(
            peer,
            call.StatusNotification(
                timestamp=self._evse.clock_text(),
                connector_status=status,
                evse_id=EVSE_ID,
                connector_id=CONNECTOR_ID,
            ),
        )

    async def _notify(
        self,
        peer: Peer,
        component: dict[str, Any],
        variable: str,
        value: str,
        *,
        is_alert: bool = False,
    ) -> None:
        now = self._evse.clock_text()
        event: dict[str, Any] = {
            "eventId": self._next_event_id,
            "timestamp": now,
            "trigger": "Alerting" if is_alert else "Delta",
            "actualValue": value,
            "eventNotificationType": "HardWiredNotification",
            "component": component,
            "variable": {"name": variable},
        }
        if is_alert and value == "false":
            event["cleared"] = True
        self._next_event_id += 1
        await self._send(
            peer, call.NotifyEvent(generated_at=now, seq_no=0, event_data=[event])
        )

    async def _send(self, peer: Peer, message: Any) -> None:
        try:
            await peer.call(message)
        except CallRefused as err:
            _LOGGER.debug("%s: %s", peer.id, err)
