"""Answers about transactions, reservations and the availability of the EVSE."""

from collections.abc import Mapping
from typing import Any

from .config import CONNECTOR_ID, EVSE_ID, Fault
from .evse import Evse
from .jobs import Job, Jobs
from .ocpp_package import Action, call, call_result, on
from .peer import Peer
from .profile_context import context_of
from .registration import Registration
from .schedule import WireObject, parse_profile, parse_time
from .transaction import REMOTE_STOP, RESET, RemoteStart, Reservation


class EvseHandlers:
    """Remote control of the EVSE."""

    def __init__(
        self,
        evse: Evse,
        registration: Registration,
        jobs: Jobs,
        triggers: Mapping[str, Job],
    ) -> None:
        """Act on an EVSE; ``triggers`` are messages of other parts of the station."""
        self._triggers = triggers
        self._evse = evse
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
        evse = self._evse
        evse.advance()
        if evse_id not in {None, EVSE_ID} or not evse.may_start(id_token):
            return call_result.RequestStartTransaction(status="Rejected")
        if charging_profile is not None:
            rejection = evse.profiles.install(
                parse_profile(charging_profile),
                context_of(evse, EVSE_ID, is_remote_start=True),
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
        transaction = self._evse.transaction
        if transaction is None or transaction.transaction_id != transaction_id:
            return call_result.RequestStopTransaction(
                status="Rejected", status_info={"reasonCode": "TxNotFound"}
            )
        if Fault.IGNORE_STOP not in self._evse.faults:
            self._evse.stop_transaction(REMOTE_STOP)
        return call_result.RequestStopTransaction(status="Accepted")

    @on(Action.get_transaction_status)
    def on_get_transaction_status(
        self, transaction_id: str | None = None, **_: Any
    ) -> Any:
        """Say whether a transaction runs and whether events of it wait."""
        evse = self._evse
        if transaction_id is None:
            return call_result.GetTransactionStatus(
                messages_in_queue=len(evse.log.queue) > 0
            )
        transaction = evse.transaction
        return call_result.GetTransactionStatus(
            ongoing_indicator=transaction is not None
            and transaction.transaction_id == transaction_id,
            messages_in_queue=evse.log.queue.holds(transaction_id),
        )

    @on(Action.notify_allowed_energy_transfer)
    def on_notify_allowed_energy_transfer(
        self, transaction_id: str, allowed_energy_transfer: list[str], **_: Any
    ) -> Any:
        """Renegotiate the energy service with the EV (OCPP 2.1 Q02)."""
        transaction = self._evse.transaction
        if transaction is None or transaction.transaction_id != transaction_id:
            return call_result.NotifyAllowedEnergyTransfer(
                status="Rejected", status_info={"reasonCode": "TxNotFound"}
            )
        self._evse.allow_transfer(frozenset(allowed_energy_transfer))
        return call_result.NotifyAllowedEnergyTransfer(status="Accepted")

    @on(Action.change_availability)
    def on_change_availability(self, operational_status: str, **_: Any) -> Any:
        """Take the EVSE out of use or back; a transaction is not interrupted."""
        self._evse.advance()
        is_done = self._evse.admission.set_operative(
            is_operative=operational_status == "Operative",
            is_busy=self._evse.transaction is not None,
        )
        return call_result.ChangeAvailability(
            status="Accepted" if is_done else "Scheduled"
        )

    @on(Action.reset)
    def on_reset(self, type: str, **_: Any) -> Any:  # the name of the wire
        """Reboot, at once or when the transaction is over."""
        if type == "ImmediateAndResume":
            return call_result.Reset(status="Rejected")
        is_busy = self._evse.transaction is not None
        self._registration.request_reboot("RemoteReset")
        if is_busy and type == "Immediate":
            self._evse.stop_transaction(RESET)
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
        evse = self._evse
        evse.advance()
        now = evse.now()
        left_s = (parse_time(expiry_date_time) - now.at).total_seconds()
        if evse_id not in {None, EVSE_ID} or left_s <= 0:
            return call_result.ReserveNow(status="Rejected")
        reservation = Reservation(
            reservation_id=id,
            id_token=id_token["idToken"],
            expires_mono_s=now.mono_s + left_s,
        )
        return call_result.ReserveNow(
            status=evse.admission.keep_for(reservation, evse.connector_status())
        )

    @on(Action.cancel_reservation)
    def on_cancel_reservation(self, reservation_id: int, **_: Any) -> Any:
        """Give the EVSE free again."""
        is_done = self._evse.admission.cancel(reservation_id)
        return call_result.CancelReservation(
            status="Accepted" if is_done else "Rejected"
        )

    @on(Action.unlock_connector)
    def on_unlock_connector(self, evse_id: int, connector_id: int, **_: Any) -> Any:
        """Unlock the cable, unless it is in use."""
        if (evse_id, connector_id) != (EVSE_ID, CONNECTOR_ID):
            return call_result.UnlockConnector(status="UnknownConnector")
        is_busy = self._evse.transaction is not None
        return call_result.UnlockConnector(
            status="OngoingAuthorizedTransaction" if is_busy else "Unlocked"
        )

    @on(Action.trigger_message)
    def on_trigger_message(self, requested_message: str, **_: Any) -> Any:
        """Send a message that the CSMS wants to see now."""
        match requested_message:
            case "BootNotification" if not self._registration.is_accepted:
                self._registration.request_boot()
                is_done = True
            case "Heartbeat":
                is_done = self._jobs.post(_send_heartbeat)
            case "StatusNotification":
                is_done = self._jobs.post(self._send_status)
            case "MeterValues":
                is_done = self._jobs.post(self._send_meter_values)
            case "TransactionEvent":
                is_done = self._evse.transaction is not None
                self._evse.advance()
                self._evse.log.report_triggered(self._evse.now())
            case "BootNotification":
                is_done = False  # F06.FR.17: the CSMS has accepted it already.
            case other if other in self._triggers:
                is_done = self._jobs.post(self._triggers[other])
            case _:
                return call_result.TriggerMessage(status="NotImplemented")
        return call_result.TriggerMessage(status="Accepted" if is_done else "Rejected")

    @on(Action.data_transfer)
    def on_data_transfer(self, **_: Any) -> Any:
        """Refuse vendor messages: this vendor has none."""
        return call_result.DataTransfer(status="UnknownVendorId")

    @on(Action.clear_cache)
    def on_clear_cache(self, **_: Any) -> Any:
        """Clear a cache that is always empty."""
        return call_result.ClearCache(status="Accepted")

    async def _send_status(self, peer: Peer) -> None:
        await peer.call(
            call.StatusNotification(
                timestamp=self._evse.clock_text(),
                connector_status=self._evse.connector_status(),
                evse_id=EVSE_ID,
                connector_id=CONNECTOR_ID,
            )
        )

    async def _send_meter_values(self, peer: Peer) -> None:
        value = self._evse.log.meter_value(
            "TxUpdatedMeasurands", "Trigger", self._evse.now()
        )
        if value:
            await peer.call(call.MeterValues(evse_id=EVSE_ID, meter_value=value))


async def _send_heartbeat(peer: Peer) -> None:
    await peer.call(call.Heartbeat())
