"""What the station does on one link: register, tell, ask, keep alive.

Each loop looks at the state, sends what is missing, then waits for a change: after a
lost link the next one goes on where this one stopped.
"""

from collections.abc import Awaitable, Callable
import logging
from typing import Any

from .config import Fault
from .evse import Evse
from .hardware import Hardware
from .link import Link, LinkError
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


PONG_SHARE = 0.5
"""Of the ping interval; as aiohttp has it for its own heartbeat."""

RESET_ANSWER_S = 0.1
"""The answer to Reset leaves before the link is closed."""


class RebootNow(Exception):  # noqa: N818 - the end of a link, not an error
    """The station reboots."""


class Loops:
    """All loops of one station."""

    def __init__(
        self,
        hardware: Hardware,
        registration: Registration,
        changed: Signal,
        sleep: Sleep,
    ) -> None:
        """Share the state with the handlers."""
        self._hardware = hardware
        self._registration = registration
        self._changed = changed
        self._sleep = sleep

    async def register(self, peer: Peer) -> None:
        """Return when the CSMS has accepted the station."""
        registration = self._registration
        while not registration.is_accepted:
            registration.wants_boot = False
            interval_s = REFUSED_PAUSE_S
            try:
                answer = await self._boot(peer)
            except CallRefused as err:
                _LOGGER.debug("%s: %s", peer.id, err)
            else:
                interval_s = answer["interval"] or REFUSED_PAUSE_S
                self._hardware.told_time(answer["currentTime"])
                if answer["status"] == "Accepted":
                    registration.accepted(interval_s)
                    return
            await self._pause_until(interval_s, lambda: registration.wants_boot)

    async def beat(self, peer: Peer) -> None:
        """Send heartbeats."""
        while True:
            await self._sleep(self._registration.interval_s)
            await self._beat(peer)

    async def keep_alive(self, link: Link) -> None:
        """Ping the CSMS; one that is frozen keeps its socket open.

        Raises:
            LinkError: when nothing came for half an interval after a ping.
        """
        interval_s = self._hardware.config.ping_interval_s
        while True:
            await self._sleep(interval_s)
            seen = link.received
            await link.ping()
            await self._sleep(interval_s * PONG_SHARE)
            if link.received == seen:
                raise LinkError("no answer to a ping")

    async def pull_values(self, peer: Peer) -> None:
        """Ask for the values of dynamic profiles that want to be asked (K28.FR.10)."""
        while True:
            due = self._hardware.profiles.due_pulls(self._hardware.now())
            if not due or peer.version != "2.1":
                await self._changed.wait()
                continue
            for profile_id in due:
                try:
                    await self._pull(peer, profile_id)
                except (CallRefused, ValueError) as err:
                    _LOGGER.debug("%s: %s", peer.id, err)
                    await self._sleep(REFUSED_PAUSE_S)

    async def deliver_events(self, peer: Peer) -> None:
        """Send TransactionEvents in order, each until it was answered."""
        queue, attempts = self._hardware.queue, 0
        while True:
            event = queue.head
            if event is None:
                await self._changed.wait()
                continue
            try:
                answer = await self._send_event(peer, event)
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

    async def attend_vehicle(self, peer: Peer, evse: Evse) -> None:
        """Let the vehicles of an EVSE in and tell their needs."""
        while True:
            transaction = evse.transaction
            if evse.wants_authorization():
                try:
                    await self._authorize(peer, evse)
                except CallRefused as err:
                    _LOGGER.debug("%s: %s", peer.id, err)
                    await self._sleep(REFUSED_PAUSE_S)
            elif (
                transaction is not None
                and transaction.is_start_confirmed
                and transaction.wants_needs
                and transaction.stop is None
            ):
                await self._state_needs(peer, evse)
            else:
                await self._changed.wait()

    async def tell_expired_reservations(self, peer: Peer, evse: Evse) -> None:
        """Tell the CSMS of reservations that ran out."""
        while True:
            reservation = evse.admission.take_expired_reservation(evse.now().mono_s)
            if reservation is None:
                await self._changed.wait()
                continue
            await peer.tell(
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
            if Fault.DROP_LINK in self._hardware.faults:
                raise LinkError("dropped on purpose")
            if self._registration.is_reboot_hard:
                raise RebootNow
            if (
                self._registration.reboot_reason is not None
                and not self._hardware.is_busy
                and not len(self._hardware.queue)
            ):
                await self._sleep(RESET_ANSWER_S)
                raise RebootNow
            await self._changed.wait()

    # What differs between the versions

    async def _boot(self, peer: Peer) -> dict[str, Any]:
        """Tell who the station is and return the answer."""
        config = self._hardware.config
        return await peer.call(
            call.BootNotification(
                reason=self._registration.boot_reason,
                charging_station={
                    "model": config.model,
                    "vendorName": config.vendor,
                    "serialNumber": config.serial_number,
                    "firmwareVersion": self._hardware.model.text(
                        "ChargingStation", "FirmwareVersion"
                    ),
                },
            )
        )

    async def _beat(self, peer: Peer) -> None:
        await self._tell_heartbeat(peer, call.Heartbeat())

    async def _tell_heartbeat(self, peer: Peer, message: Any) -> None:
        answer = await peer.tell(message)
        if answer is not None:
            self._hardware.told_time(answer["currentTime"])

    async def _send_event(self, peer: Peer, event: Any) -> dict[str, Any]:
        """Tell one event of a transaction and return the answer in its 2.x form."""
        return await peer.call(event)

    async def _authorize(self, peer: Peer, evse: Evse) -> None:
        await authorize(evse, peer)

    async def _state_needs(self, peer: Peer, evse: Evse) -> None:
        await state_needs(evse, peer)

    async def _pull(self, peer: Peer, profile_id: int) -> None:
        answer = await peer.call(
            call.PullDynamicScheduleUpdate(charging_profile_id=profile_id)
        )
        values = answer.get("scheduleUpdate")
        if answer["status"] != "Accepted" or values is None:
            raise CallRefused("PullDynamicScheduleUpdate", answer["status"])
        rejection = self._hardware.update_profile(profile_id, values)
        if rejection is not None:
            raise CallRefused("PullDynamicScheduleUpdate", rejection.reason_code)

    def _note_answer(self, event: Any, answer: dict[str, Any]) -> None:
        transaction_id = event.transaction_info["transactionId"]
        evse = self._hardware.at_transaction(transaction_id)
        if evse is None:
            return
        if event.event_type == "Started":
            evse.confirm_start(transaction_id)
        status = answer.get("idTokenInfo", {}).get("status", "Accepted")
        if status != "Accepted":
            evse.stop_transaction(DEAUTHORIZED)

    def _number(self, variable: str) -> float:
        return float(
            self._hardware.model.text(
                "OCPPCommCtrlr", variable, instance="TransactionEvent"
            )
        )

    async def _pause_until(
        self, duration_s: float, is_over: Callable[[], bool]
    ) -> None:
        """Sleep, but end early when a condition comes true."""
        ends_mono_s = self._hardware.now().mono_s + duration_s
        while self._hardware.now().mono_s < ends_mono_s and not is_over():
            await self._changed.wait()
