"""What the station does on one link: register, tell, ask, keep alive.

Each loop looks at the state, sends what is missing, then waits for a change: after a
lost link the next one goes on where this one stopped.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
import logging
from typing import Any

from .config import CONNECTOR_ID, EVSE_ID, Fault
from .evse import Evse
from .inventory import VEHICLE_PROTOCOL
from .link import LinkError
from .ocpp_package import call
from .peer import CallRefused, Peer
from .registration import Registration
from .transaction import DEAUTHORIZED
from .vehicle_session import authorize, state_needs
from .wakeup import Signal

_LOGGER = logging.getLogger(__name__)

type Sleep = Callable[[float], Awaitable[None]]

REFUSED_PAUSE_S = 5.0
"""House rule: after a CSMS refused what must be told, before it is told again."""


RESET_ANSWER_S = 0.1
"""The answer to Reset leaves before the link is closed."""


class RebootNow(Exception):  # noqa: N818 - the end of a link, not an error
    """The station reboots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldState:
    """What the CSMS was told last of the states that it is told by events."""

    connector_status: str | None = None
    is_emergency_stopped: bool = False
    is_plugged: bool = False


class Loops:
    """All loops of one station."""

    def __init__(
        self, evse: Evse, registration: Registration, changed: Signal, sleep: Sleep
    ) -> None:
        """Share the state with the handlers."""
        self._evse = evse
        self._registration = registration
        self._changed = changed
        self._sleep = sleep
        self._told = ToldState()
        self._next_event_id = 1

    def forget_told(self) -> None:
        """Tell every state again: after a reboot the CSMS expects it."""
        self._told = ToldState()

    async def register(self, peer: Peer) -> None:
        """Return when the CSMS has accepted the station."""
        config, registration = self._evse.config, self._registration
        while not registration.is_accepted:
            registration.wants_boot = False
            interval_s = REFUSED_PAUSE_S
            try:
                answer = await peer.call(
                    call.BootNotification(
                        reason=registration.boot_reason,
                        charging_station={
                            "model": config.model,
                            "vendorName": config.vendor,
                            "serialNumber": config.serial_number,
                            "firmwareVersion": config.firmware,
                        },
                    )
                )
            except CallRefused as err:
                _LOGGER.debug("%s: %s", peer.id, err)
            else:
                interval_s = answer["interval"] or REFUSED_PAUSE_S
                if answer["status"] == "Accepted":
                    registration.accepted(interval_s)
                    return
            await self._pause_until(interval_s, lambda: registration.wants_boot)

    async def beat(self, peer: Peer) -> None:
        """Send heartbeats."""
        while True:
            await self._sleep(self._registration.interval_s)
            await self._try(peer, call.Heartbeat())

    async def deliver_events(self, peer: Peer) -> None:
        """Send TransactionEvents in order, each until it was answered."""
        queue, attempts = self._evse.queue, 0
        while True:
            event = queue.head
            if event is None:
                await self._changed.wait()
                continue
            try:
                answer = await peer.call(event)
            except CallRefused as err:
                attempts += 1
                _LOGGER.debug("%s: %s", peer.id, err)
                if attempts < self._number("MessageAttempts"):
                    # The text multiplies the interval by the tries before.
                    await self._sleep(attempts * self._number("MessageAttemptInterval"))
                    continue
                answer = {}
            attempts = 0
            queue.pop()
            self._note_answer(event, answer)

    async def attend_vehicle(self, peer: Peer) -> None:
        """Let vehicles in and tell their needs."""
        evse = self._evse
        while True:
            transaction = evse.transaction
            if evse.wants_authorization():
                try:
                    await authorize(evse, peer)
                except CallRefused as err:
                    _LOGGER.debug("%s: %s", peer.id, err)
                    await self._sleep(REFUSED_PAUSE_S)
            elif (
                transaction is not None
                and transaction.is_start_confirmed
                and transaction.wants_needs
                and transaction.stop is None
            ):
                await state_needs(evse, peer)
            else:
                await self._changed.wait()

    async def tell_states(self, peer: Peer) -> None:
        """Tell the CSMS what differs from what it was told."""
        while True:
            state = ToldState(
                connector_status=self._evse.connector_status(),
                is_emergency_stopped=self._evse.is_emergency_stopped(),
                is_plugged=self._evse.is_plugged(),
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

    async def tell_expired_reservations(self, peer: Peer) -> None:
        """Tell the CSMS of reservations that ran out."""
        while True:
            reservation = self._evse.take_expired_reservation()
            if reservation is None:
                await self._changed.wait()
                continue
            await self._try(
                peer,
                call.ReservationStatusUpdate(
                    reservation_id=reservation.reservation_id,
                    reservation_update_status="Expired",
                ),
            )

    async def watch(self, _peer: Peer) -> None:
        """End the link when the station reboots or a fault drops it.

        Raises:
            RebootNow: when a reboot was asked for and nothing runs any more.
            LinkError: when the link is to be lost.
        """
        while True:
            if Fault.DROP_LINK in self._evse.faults:
                raise LinkError("dropped on purpose")
            if self._registration.is_reboot_hard:
                raise RebootNow
            if (
                self._registration.reboot_reason is not None
                and self._evse.transaction is None
                and not len(self._evse.queue)
            ):
                await self._sleep(RESET_ANSWER_S)
                raise RebootNow
            await self._changed.wait()

    async def _tell(self, peer: Peer, told: ToldState, state: ToldState) -> None:
        if state.is_emergency_stopped != told.is_emergency_stopped:
            await self._notify(
                peer,
                {"name": "EmergencyStopSensor", "evse": {"id": EVSE_ID}},
                "Active",
                "true" if state.is_emergency_stopped else "false",
                is_alert=True,
            )
        if state.connector_status != told.connector_status:
            await self._tell_connector(peer, state.connector_status or "")
        if state.is_plugged != told.is_plugged:
            vehicle = {"name": "ConnectedEV", "evse": {"id": EVSE_ID}}
            protocol = VEHICLE_PROTOCOL if state.is_plugged else ""
            available = "true" if state.is_plugged else "false"
            await self._notify(peer, vehicle, "Available", available)
            await self._notify(peer, vehicle, "ProtocolAgreed", protocol)

    async def _tell_connector(self, peer: Peer, status: str) -> None:
        if peer.version == "2.1":
            # StatusNotification is deprecated there (B01.FR.05).
            place = {"id": EVSE_ID, "connectorId": CONNECTOR_ID}
            connector = {"name": "Connector", "evse": place}
            await self._notify(peer, connector, "AvailabilityState", status)
            return
        await self._try(
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
        await self._try(
            peer, call.NotifyEvent(generated_at=now, seq_no=0, event_data=[event])
        )

    def _note_answer(self, event: Any, answer: dict[str, Any]) -> None:
        transaction_id = event.transaction_info["transactionId"]
        if event.event_type == "Started":
            self._evse.confirm_start(transaction_id)
        status = answer.get("idTokenInfo", {}).get("status", "Accepted")
        running = self._evse.transaction
        if status != "Accepted" and running is not None:
            if running.transaction_id == transaction_id:
                self._evse.stop_transaction(DEAUTHORIZED)

    def _number(self, variable: str) -> float:
        return float(
            self._evse.model.text(
                "OCPPCommCtrlr", variable, instance="TransactionEvent"
            )
        )

    async def _try(self, peer: Peer, message: Any) -> None:
        """Send what is not worth repeating."""
        try:
            await peer.call(message)
        except CallRefused as err:
            _LOGGER.debug("%s: %s", peer.id, err)

    async def _pause_until(
        self, duration_s: float, is_over: Callable[[], bool]
    ) -> None:
        """Sleep, but end early when a condition comes true."""
        ends_mono_s = self._evse.now().mono_s + duration_s
        while self._evse.now().mono_s < ends_mono_s and not is_over():
            await self._changed.wait()
