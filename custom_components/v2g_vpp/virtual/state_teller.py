"""Telling the CSMS the states of connector, button and vehicle as they change."""

from collections.abc import Iterator
from typing import Any, Final, Protocol, override

from .conditions import CONDITIONS, Condition
from .config import CONNECTOR_ID
from .evse import Evse
from .inventory import VEHICLE_PROTOCOL
from .ocpp_package import call
from .peer import Peer
from .wakeup import Signal

EMERGENCY_STOP: Final = "emergency_stop"
CONNECTOR: Final = "connector"
VEHICLE: Final = "vehicle"

type Topic = Condition | str
"""Something whose state is told: a condition, or one of the names above."""

OPEN: Final = "?"
"""In place of a state that may have been told: it is told again."""

UNTOLD: Final = {CONNECTOR: OPEN}
"""What a CSMS that was told nothing takes for granted, if it is not "false"."""


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

    def __init__(self, evse: Evse, changed: Signal, event_ids: Iterator[int]) -> None:
        """Start with a CSMS that knows nothing; event ids are of the whole station."""
        self._evse = evse
        self._changed = changed
        self._event_ids = event_ids
        self._place = {"id": evse.evse_id}
        self._told: dict[Topic, str] = {}

    @override
    def forget(self) -> None:
        """Tell every state again: after a reboot the CSMS expects it."""
        self._told = {}

    @override
    async def run(self, peer: Peer) -> None:
        """Tell the CSMS what differs from what it was told."""
        while True:
            news = {
                topic: value
                for topic, value in self._state().items()
                if self._told.get(topic, UNTOLD.get(topic, "false")) != value
            }
            if not news:
                await self._changed.wait()
            for topic, value in news.items():
                # A link that breaks here leaves open what the CSMS heard.
                self._told[topic] = OPEN
                await self._tell(peer, topic, value)
                self._told[topic] = value

    def _state(self) -> dict[Topic, str]:
        evse = self._evse
        return {
            EMERGENCY_STOP: _flag(is_on=evse.is_emergency_stopped()),
            **{
                condition: _flag(is_on=condition in evse.conditions.active)
                for condition in sorted(CONDITIONS)
            },
            CONNECTOR: evse.connector_status(),
            VEHICLE: _flag(is_on=evse.is_plugged()),
        }

    async def _tell(self, peer: Peer, topic: Topic, value: str) -> None:
        if isinstance(topic, Condition):
            await self._tell_condition(peer, topic, value)
        elif topic == CONNECTOR:
            await self._tell_connector(peer, value)
        elif topic == EMERGENCY_STOP:
            sensor = {"name": "EmergencyStopSensor", "evse": self._place}
            await self._notify(peer, sensor, "Active", value, is_alert=True)
        else:
            vehicle = {"name": "ConnectedEV", "evse": self._place}
            protocol = VEHICLE_PROTOCOL if value == "true" else ""
            await self._notify(peer, vehicle, "Available", value)
            await self._notify(peer, vehicle, "ProtocolAgreed", protocol)

    async def _tell_condition(
        self, peer: Peer, condition: Condition, value: str
    ) -> None:
        facts = CONDITIONS[condition]
        if facts.component:
            component: dict[str, Any] = {
                "name": facts.component,
                "evse": self._place,
            }
            if facts.instance is not None:
                component["instance"] = facts.instance
            await self._notify(peer, component, facts.variable, value, is_alert=True)
        if facts.alarm is not None and peer.version == "2.1":
            await peer.tell(
                call.NotifyDERAlarm(
                    control_type="PowerMonitoringMustTrip",
                    timestamp=self._evse.clock_text(),
                    grid_event_fault=facts.alarm,
                    alarm_ended=value == "false",
                ),
            )

    async def _tell_connector(self, peer: Peer, status: str) -> None:
        if peer.version == "2.1":
            # StatusNotification is deprecated there (B01.FR.05).
            place = {**self._place, "connectorId": CONNECTOR_ID}
            connector = {"name": "Connector", "evse": place}
            await self._notify(peer, connector, "AvailabilityState", status)
            return
        await peer.tell(
            call.StatusNotification(
                timestamp=self._evse.clock_text(),
                connector_status=status,
                evse_id=self._evse.evse_id,
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
            "eventId": next(self._event_ids),
            "timestamp": now,
            "trigger": "Alerting" if is_alert else "Delta",
            "actualValue": value,
            "eventNotificationType": "HardWiredNotification",
            "component": component,
            "variable": {"name": variable},
        }
        if is_alert and value == "false":
            event["cleared"] = True
        await peer.tell(
            call.NotifyEvent(generated_at=now, seq_no=0, event_data=[event])
        )


def _flag(*, is_on: bool) -> str:
    return "true" if is_on else "false"
