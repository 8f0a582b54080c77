"""Answers about transactions, reservations and the availability of the EVSEs."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from .config import CONNECTOR_ID, Fault
from .evse import Evse
from .hardware import Hardware
from .jobs import Job, Jobs
from .ocpp_package import Action, call, call_result, on
from .peer import Peer
from .profile_context import context_of
from .registration import Registration
from .schedule import WireObject, parse_profile, parse_time
from .transaction import REMOTE_STOP, RESET, RemoteStart, Reservation
from .vendor_power import vendor_status


class EvseHandlers:
    """Remote control of the EVSEs."""

    def __init__(
        self,
        hardware: Hardware,
        registration: Registration,
        jobs: Jobs,
        triggers: Mapping[str, Job],
    ) -> None:
        """Act on all EVSEs; ``triggers`` are messages of other parts of the station."""
        self._triggers = triggers
        self._hardware = hardware
        self._registration = registration
        self._jobs = jobs

    @on(Action.request_start_transaction)
    def on_request_start_transaction(
        self,
        id_token: WireObject,
        remote_start_id: int,
        evse_id: int | None = None,
        charging_profile: WireObject | None = None,
        **_: Any,
    ) -> Any:
        """Begin a transaction with the vehicle that is, or will be, plugged in."""
        self._hardware.advance()
        evse = self._hardware.ready_for(id_token, evse_id)
        if evse is None:
            return call_result.RequestStartTransaction(status="Rejected")
        if charging_profile is not None:
            rejection = evse.profiles.install(
                parse_profile(charging_profile),
                context_of(self._hardware, evse.evse_id, is_remote_start=True),
                evse.now(),
            )
            if rejection is not None:
                return call_result.RequestStartTransaction(
                    status="Rejected",
                    status_info={"reasonCode": rejection.reason_code},
                )
        timeout_s = float(evse.model.text("TxCtrlr", "EVConnectionTimeOut"))
        evse.admission.expect_start(
            RemoteStart(
                remote_start_id=remote_start_id,
                id_token=id_token,
                expires_mono_s=evse.now().mono_s + timeout_s,
            )
        )
        return call_result.RequestStartTransaction(status="Accepted")

    @on(Action.request_stop_transaction)
    def on_request_stop_transaction(self, transaction_id: str, **_: Any) -> Any:
        """End a transaction: ramp down, then open the contactor."""
        evse = self._hardware.at_transaction(transaction_id)
        if evse is None:
            return call_result.RequestStopTransaction(
                status="Rejected", status_info={"reasonCode": "TxNotFound"}
            )
        if Fault.IGNORE_STOP not in evse.faults:
            evse.stop_transaction(REMOTE_STOP)
        return call_result.RequestStopTransaction(status="Accepted")

    @on(Action.get_transaction_status)
    def on_get_transaction_status(
        self, transaction_id: str | None = None, **_: Any
    ) -> Any:
        """Say whether a transaction runs and whether events of it wait."""
        hardware = self._hardware
        if transaction_id is None:
            return call_result.GetTransactionStatus(
                messages_in_queue=len(hardware.queue) > 0
            )
        return call_result.GetTransactionStatus(
            ongoing_indicator=hardware.at_transaction(transaction_id) is not None,
            messages_in_queue=hardware.queue.holds(transaction_id),
        )

    @on(Action.notify_allowed_energy_transfer)
    def on_notify_allowed_energy_transfer(
        self, transaction_id: str, allowed_energy_transfer: list[str], **_: Any
    ) -> Any:
        """Renegotiate the energy service with the EV (OCPP 2.1 Q02)."""
        evse = self._hardware.at_transaction(transaction_id)
        if evse is None:
            return call_result.NotifyAllowedEnergyTransfer(
                status="Rejected", status_info={"reasonCode": "TxNotFound"}
            )
        evse.allow_transfer(frozenset(allowed_energy_transfer))
        return call_result.NotifyAllowedEnergyTransfer(status="Accepted")

    @on(Action.change_availability)
    def on_change_availability(
        self, operational_status: str, evse: WireObject | None = None, **_: Any
    ) -> Any:
        """Take EVSEs out of use or back; a transaction is not interrupted."""
        status = change_availability(
            self._hardware,
            evse["id"] if evse else None,
            is_operative=operational_status == "Operative",
        )
        return call_result.ChangeAvailability(status=status)

    @on(Action.reset)
    def on_reset(self, type: str, **_: Any) -> Any:  # the name of the wire
        """Reboot, at once or when the transaction is over."""
        if type == "ImmediateAndResume":
            return call_result.Reset(status="Rejected")
        is_busy = self._hardware.is_busy
        self._registration.request_reboot("RemoteReset")
        if is_busy and type == "Immediate":
            self._hardware.stop_transactions(RESET)
        return call_result.Reset(
            status="Scheduled" if is_busy and type == "OnIdle" else "Accepted"
        )

    @on(Action.reserve_now)
    def on_reserve_now(
        self,
        id: int,
        expiry_date_time: str,
        id_token: WireObject,
        evse_id: int | None = None,
        **_: Any,
    ) -> Any:
        """Keep the EVSE for one token; the same id replaces (H01)."""
        hardware = self._hardware
        hardware.advance()
        now = hardware.now()
        left_s = (parse_time(expiry_date_time) - now.at).total_seconds()
        meant = hardware.meant(evse_id)
        if not meant or left_s <= 0:
            return call_result.ReserveNow(status="Rejected")
        reservation = Reservation(
            reservation_id=id,
            id_token=id_token["idToken"],
            expires_mono_s=now.mono_s + left_s,
        )
        return call_result.ReserveNow(status=keep_one(meant, reservation))

    @on(Action.cancel_reservation)
    def on_cancel_reservation(self, reservation_id: int, **_: Any) -> Any:
        """Give an EVSE free again."""
        is_done = any(e.admission.cancel(reservation_id) for e in self._hardware)
        return call_result.CancelReservation(
            status="Accepted" if is_done else "Rejected"
        )

    @on(Action.unlock_connector)
    def on_unlock_connector(self, evse_id: int, connector_id: int, **_: Any) -> Any:
        """Unlock the cable, unless it is in use."""
        evse = self._hardware.find(evse_id)
        if evse is None or connector_id != CONNECTOR_ID:
            return call_result.UnlockConnector(status="UnknownConnector")
        is_busy = evse.transaction is not None
        return call_result.UnlockConnector(
            status="OngoingAuthorizedTransaction" if is_busy else "Unlocked"
        )

    @on(Action.trigger_message)
    def on_trigger_message(
        self, requested_message: str, evse: WireObject | None = None, **_: Any
    ) -> Any:
        """Send a message that the CSMS wants to see now, of one EVSE or of all."""
        meant = self._hardware.meant(evse["id"] if evse else None)
        match requested_message:
            case "BootNotification" if not self._registration.is_accepted:
                self._registration.request_boot()
                is_done = True
            case "Heartbeat":
                is_done = self._jobs.post(_send_heartbeat)
            case "StatusNotification":
                is_done = self._jobs.post(partial(_send_status, evses=meant))
            case "MeterValues":
                is_done = self._jobs.post(partial(_send_meter_values, evses=meant))
            case "TransactionEvent":
                is_done = any(each.transaction is not None for each in meant)
                self._hardware.advance()
                for each in meant:
                    each.log.report_triggered(each.now())
            case "BootNotification":
                is_done = False  # F06.FR.17: the CSMS has accepted it already.
            case other if other in self._triggers:
                is_done = self._jobs.post(self._triggers[other])
            case _:
                return call_result.TriggerMessage(status="NotImplemented")
        return call_result.TriggerMessage(status="Accepted" if is_done else "Rejected")

    @on(Action.data_transfer)
    def on_data_transfer(
        self,
        vendor_id: str,
        message_id: str | None = None,
        data: object = None,
        **_: Any,
    ) -> Any:
        """Take the message of this vendor, and refuse those of others."""
        status = vendor_status(self._hardware, vendor_id, message_id, data)
        return call_result.DataTransfer(status=status)

    @on(Action.clear_cache)
    def on_clear_cache(self, **_: Any) -> Any:
        """Clear a cache that is always empty."""
        return call_result.ClearCache(status="Accepted")


def change_availability(
    hardware: Hardware, evse_id: int | None, *, is_operative: bool
) -> str:
    """Take EVSEs out of use or back and return the status of the answer."""
    hardware.advance()
    meant = hardware.meant(evse_id)
    if not meant:
        return "Rejected"
    are_done = [
        evse.admission.set_operative(
            is_operative=is_operative, is_busy=evse.transaction is not None
        )
        for evse in meant
    ]
    return "Accepted" if all(are_done) else "Scheduled"


def keep_one(evses: Sequence[Evse], reservation: Reservation) -> str:
    """Keep the first EVSE that can be; return the status of ReserveNow."""
    status = "Rejected"
    for evse in evses:
        status = evse.admission.keep_for(reservation, evse.connector_status())
        if status == "Accepted":
            break
    return status


async def _send_status(peer: Peer, evses: Sequence[Evse]) -> None:
    for evse in evses:
        await peer.call(
            call.StatusNotification(
                timestamp=evse.clock_text(),
                connector_status=evse.connector_status(),
                evse_id=evse.evse_id,
                connector_id=CONNECTOR_ID,
            )
        )


async def _send_meter_values(peer: Peer, evses: Sequence[Evse]) -> None:
    for evse in evses:
        value = evse.log.meter_value("TxUpdatedMeasurands", "Trigger", evse.now())
        if value:
            await peer.call(call.MeterValues(evse_id=evse.evse_id, meter_value=value))


async def _send_heartbeat(peer: Peer) -> None:
    await peer.call(call.Heartbeat())
