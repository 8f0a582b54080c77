"""Priority charging: its profile in place of all others (OCPP 2.1 K21, K22)."""

from typing import Any

from .evse import Evse
from .features import Feature
from .hardware import Hardware
from .ocpp_package import Action, call, call_result, on
from .outbox import Outbox
from .schedule import parse_time
from .wakeup import Signal


class Priority:
    """Who asked for priority, and what the CSMS was told of it."""

    def __init__(self, hardware: Hardware, changed: Signal) -> None:
        """Act on all EVSEs."""
        self._hardware = hardware
        self.outbox = Outbox(changed)

    @on(Action.use_priority_charging)
    def on_use_priority_charging(
        self, *, transaction_id: str, activate: bool, **_: Any
    ) -> Any:
        """Begin or end priority charging of a transaction."""
        evse = self._hardware.at_transaction(transaction_id)
        if evse is None:
            return call_result.UsePriorityCharging(
                status="Rejected", status_info={"reasonCode": "TxNotFound"}
            )
        if not evse.profiles.has_priority_profile(evse.evse_id, evse.now()):
            return call_result.UsePriorityCharging(status="NoProfile")
        _use(evse, is_used=activate)
        return call_result.UsePriorityCharging(status="Accepted")

    def press_button(self, evse: Evse) -> bool:
        """Begin or end it at an EVSE; return False when it cannot be (K22)."""
        transaction, profiles, evse_id = evse.transaction, evse.profiles, evse.evse_id
        if transaction is None or not profiles.has_priority_profile(
            evse_id, evse.now()
        ):
            return False
        is_used = evse_id not in profiles.prioritised
        _use(evse, is_used=is_used)
        self.outbox.put(
            call.NotifyPriorityCharging(
                transaction_id=transaction.transaction_id, activated=is_used
            )
        )
        return True


class SignalHandlers:
    """Answers to the signals of the transmission operator (Q08)."""

    def __init__(self, hardware: Hardware) -> None:
        """Act on all EVSEs."""
        self._hardware = hardware

    @on(Action.afrr_signal)
    def on_afrr_signal(self, timestamp: str, signal: int, **_: Any) -> Any:
        """Follow a signal from its time on."""
        hardware = self._hardware
        hardware.advance()
        takers = [
            evse.local_frequency.take_signal(evse.point, parse_time(timestamp), signal)
            for evse in hardware
        ]
        if not any(takers):
            return call_result.AFRRSignal(
                status="Rejected", status_info={"reasonCode": "NoSignalWattCurve"}
            )
        hardware.profiles_changed()
        return call_result.AFRRSignal(status="Accepted")


def priority_feature(priority: Priority, hardware: Hardware) -> Feature:
    """Return priority charging and grid signals as a part of the station."""
    return Feature(
        handlers=(priority, SignalHandlers(hardware)), loops=(priority.outbox.run,)
    )


def _use(evse: Evse, *, is_used: bool) -> None:
    evse.advance()
    if is_used:
        evse.profiles.prioritised.add(evse.evse_id)
    else:
        evse.profiles.prioritised.discard(evse.evse_id)
    evse.profiles_changed()
