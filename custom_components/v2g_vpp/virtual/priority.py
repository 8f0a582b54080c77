"""Priority charging: its profile in place of all others (OCPP 2.1 K21, K22)."""

from collections import deque
import logging
from typing import Any

from .evse import Evse
from .features import Feature
from .ocpp_package import Action, call, call_result, on
from .peer import CallRefused, Peer
from .schedule import parse_time
from .wakeup import Signal

_LOGGER = logging.getLogger(__name__)


class Priority:
    """Who asked for priority, and what the CSMS was told of it."""

    def __init__(self, evse: Evse, changed: Signal) -> None:
        """Act on an EVSE."""
        self._evse = evse
        self._changed = changed
        self._untold: deque[tuple[str, bool]] = deque(maxlen=10)

    @on(Action.use_priority_charging)
    def on_use_priority_charging(
        self, *, transaction_id: str, activate: bool, **_: Any
    ) -> Any:
        """Begin or end priority charging of a transaction."""
        transaction = self._evse.transaction
        if transaction is None or transaction.transaction_id != transaction_id:
            return call_result.UsePriorityCharging(
                status="Rejected", status_info={"reasonCode": "TxNotFound"}
            )
        if not self._evse.profiles.has_priority_profile(self._evse.now()):
            return call_result.UsePriorityCharging(status="NoProfile")
        self._use(is_used=activate)
        return call_result.UsePriorityCharging(status="Accepted")

    def press_button(self) -> bool:
        """Begin or end it at the station; return False when it cannot be (K22)."""
        transaction = self._evse.transaction
        profiles = self._evse.profiles
        if transaction is None or not profiles.has_priority_profile(self._evse.now()):
            return False
        is_used = not profiles.is_priority_used
        self._use(is_used=is_used)
        self._untold.append((transaction.transaction_id, is_used))
        self._changed.notify()
        return True

    async def run(self, peer: Peer) -> None:
        """Tell the CSMS what was chosen at the station."""
        while True:
            if peer.version != "2.1" or not self._untold:
                await self._changed.wait()
                continue
            transaction_id, is_used = self._untold[0]
            try:
                await peer.call(
                    call.NotifyPriorityCharging(
                        transaction_id=transaction_id, activated=is_used
                    )
                )
            except CallRefused as err:
                _LOGGER.debug("%s: %s", peer.id, err)
            self._untold.popleft()

    def _use(self, *, is_used: bool) -> None:
        self._evse.advance()
        self._evse.profiles.is_priority_used = is_used
        self._evse.profiles_changed()


class SignalHandlers:
    """Answers to the signals of the transmission operator (Q08)."""

    def __init__(self, evse: Evse) -> None:
        """Act on an EVSE."""
        self._evse = evse

    @on(Action.afrr_signal)
    def on_afrr_signal(self, timestamp: str, signal: int, **_: Any) -> Any:
        """Follow a signal from its time on."""
        evse = self._evse
        evse.advance()
        if not evse.local_frequency.take_signal(
            evse.point, parse_time(timestamp), signal
        ):
            return call_result.AFRRSignal(
                status="Rejected", status_info={"reasonCode": "NoSignalWattCurve"}
            )
        evse.profiles_changed()
        return call_result.AFRRSignal(status="Accepted")


def priority_feature(priority: Priority, evse: Evse) -> Feature:
    """Return priority charging and grid signals as a part of the station."""
    return Feature(handlers=(priority, SignalHandlers(evse)), loops=(priority.run,))
