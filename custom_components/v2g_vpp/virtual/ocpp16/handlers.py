"""Answers to the requests of a 1.6 CSMS."""

from collections.abc import Mapping
from typing import Any, Final

from ..config import CONNECTOR_ID, EVSE_ID, Fault
from ..evse import Evse
from ..handlers_profiles import ProfileHandlers
from ..jobs import Jobs
from ..ocpp_package import Action16, call_16, call_result_16, on
from ..peer import Peer
from ..profile_context import context_of
from ..quirks import reason_to_dislike
from ..registration import Registration
from ..schedule import Purpose, WireObject, parse_profile, parse_time
from ..stored_profile import ProfileFilter
from ..transaction import REMOTE_STOP, RESET, RemoteStart, Reservation
from . import keys
from .numbers import TransactionNumbers
from .translation import status_of, values_of

_PURPOSES: Final[Mapping[str, str]] = {
    "ChargePointMaxProfile": "ChargingStationMaxProfile"
}
STATION: Final = 0
"""Connector number of the charge point as a whole."""


class ChargePointHandlers:
    """The Core, SmartCharging, RemoteTrigger and Reservation profiles of 1.6."""

    def __init__(
        self,
        evse: Evse,
        registration: Registration,
        jobs: Jobs,
        numbers: TransactionNumbers,
        profiles: ProfileHandlers,
    ) -> None:
        """Act on an EVSE; ``profiles`` composes schedules for every version."""
        self._evse = evse
        self._registration = registration
        self._jobs = jobs
        self._numbers = numbers
        self._profiles = profiles

    # Configuration

    @on(Action16.get_configuration)
    def on_get_configuration(self, key: list[str] | None = None, **_: Any) -> Any:
        """Read configuration keys."""
        return call_result_16.GetConfiguration(**keys.read(self._evse.model, key))

    @on(Action16.change_configuration)
    def on_change_configuration(self, key: str, value: str, **_: Any) -> Any:
        """Write a configuration key."""
        self._evse.advance()
        status = keys.change(self._evse.model, key, value)
        self._evse.profiles_changed()
        return call_result_16.ChangeConfiguration(status=status)

    # Smart charging

    @on(Action16.set_charging_profile)
    def on_set_charging_profile(
        self, connector_id: int, cs_charging_profiles: WireObject, **_: Any
    ) -> Any:
        """Install a profile in place of one of the same purpose and stack level."""
        evse = self._evse
        evse.advance()
        wire = self._wire_2(cs_charging_profiles)
        is_done = Fault.IGNORE_UPDATES in evse.faults or (
            reason_to_dislike(evse.faults, wire) is None
            and evse.profiles.replace(
                parse_profile(wire), context_of(evse, connector_id), evse.now()
            )
            is None
        )
        evse.profiles_changed()
        return call_result_16.SetChargingProfile(
            status="Accepted" if is_done else "Rejected"
        )

    @on(Action16.clear_charging_profile)
    def on_clear_charging_profile(
        self,
        id: int | None = None,
        connector_id: int | None = None,
        charging_profile_purpose: str | None = None,
        stack_level: int | None = None,
        **_: Any,
    ) -> Any:
        """Remove the profiles that match; a request without a field removes all."""
        evse = self._evse
        evse.advance()
        purpose = charging_profile_purpose
        is_found = evse.profiles.clear(
            ProfileFilter(
                profile_ids=None if id is None else frozenset({id}),
                evse_id=connector_id,
                purpose=None
                if purpose is None
                else Purpose(_PURPOSES.get(purpose, purpose)),
                stack_level=stack_level,
            )
        )
        evse.profiles_changed()
        return call_result_16.ClearChargingProfile(
            status="Accepted" if is_found else "Unknown"
        )

    @on(Action16.get_composite_schedule)
    def on_get_composite_schedule(
        self,
        connector_id: int,
        duration: int,
        charging_rate_unit: str = "W",
        **_: Any,
    ) -> Any:
        """Say what the profiles give from now on."""
        schedule = self._profiles.composite(connector_id, duration, charging_rate_unit)
        if schedule is None:
            return call_result_16.GetCompositeSchedule(status="Rejected")
        periods = [
            {
                "startPeriod": period["startPeriod"],
                "limit": round(period["limit"], 1),
                "numberPhases": period["numberPhases"],
            }
            for period in schedule["chargingSchedulePeriod"]
        ]
        return call_result_16.GetCompositeSchedule(
            status="Accepted",
            connector_id=connector_id,
            schedule_start=schedule["scheduleStart"],
            charging_schedule={
                "duration": duration,
                "chargingRateUnit": charging_rate_unit,
                "chargingSchedulePeriod": periods,
            },
        )

    # Remote control

    @on(Action16.remote_start_transaction)
    def on_remote_start_transaction(
        self,
        id_tag: str,
        connector_id: int | None = None,
        charging_profile: WireObject | None = None,
        **_: Any,
    ) -> Any:
        """Begin a transaction with the vehicle that is, or will be, plugged in."""
        evse = self._evse
        evse.advance()
        id_token = {"idToken": id_tag, "type": "Central"}
        is_done = connector_id in {None, CONNECTOR_ID} and evse.may_start(id_token)
        if is_done and charging_profile is not None:
            context = context_of(evse, EVSE_ID, is_remote_start=True)
            profile = parse_profile(self._wire_2(charging_profile))
            is_done = evse.profiles.replace(profile, context, evse.now()) is None
        if is_done:
            timeout_s = float(evse.model.text("TxCtrlr", "EVConnectionTimeOut"))
            evse.admission.expect_start(
                RemoteStart(
                    remote_start_id=0,
                    id_token=id_token,
                    expires_mono_s=evse.now().mono_s + timeout_s,
                )
            )
        return call_result_16.RemoteStartTransaction(
            status="Accepted" if is_done else "Rejected"
        )

    @on(Action16.remote_stop_transaction)
    def on_remote_stop_transaction(self, transaction_id: int, **_: Any) -> Any:
        """End a transaction: ramp down, then open the contactor."""
        transaction = self._evse.transaction
        asked = self._numbers.transaction_of(transaction_id)
        if transaction is None or transaction.transaction_id != asked:
            return call_result_16.RemoteStopTransaction(status="Rejected")
        if Fault.IGNORE_STOP not in self._evse.faults:
            self._evse.stop_transaction(REMOTE_STOP)
        return call_result_16.RemoteStopTransaction(status="Accepted")

    @on(Action16.change_availability)
    def on_change_availability(self, connector_id: int, type: str, **_: Any) -> Any:
        """Take the connector out of use or back; a transaction is not interrupted."""
        if connector_id not in {STATION, CONNECTOR_ID}:
            return call_result_16.ChangeAvailability(status="Rejected")
        self._evse.advance()
        is_done = self._evse.admission.set_operative(
            is_operative=type == "Operative",
            is_busy=self._evse.transaction is not None,
        )
        return call_result_16.ChangeAvailability(
            status="Accepted" if is_done else "Scheduled"
        )

    @on(Action16.reset)
    def on_reset(self, type: str, **_: Any) -> Any:
        """Reboot once the transaction was ended in order; both kinds do that here."""
        del type
        self._registration.request_reboot("RemoteReset")
        if self._evse.transaction is not None:
            self._evse.stop_transaction(RESET)
        return call_result_16.Reset(status="Accepted")

    @on(Action16.unlock_connector)
    def on_unlock_connector(self, connector_id: int, **_: Any) -> Any:
        """Unlock the cable; a transaction ends first (1.6, 5.18)."""
        if connector_id != CONNECTOR_ID:
            return call_result_16.UnlockConnector(status="NotSupported")
        self._evse.stop_transaction(REMOTE_STOP)
        return call_result_16.UnlockConnector(status="Unlocked")

    # Reservations

    @on(Action16.reserve_now)
    def on_reserve_now(
        self,
        connector_id: int,
        expiry_date: str,
        id_tag: str,
        reservation_id: int,
        **_: Any,
    ) -> Any:
        """Keep the connector for one token; the same number replaces."""
        evse = self._evse
        evse.advance()
        now = evse.now()
        left_s = (parse_time(expiry_date) - now.at).total_seconds()
        if connector_id not in {STATION, CONNECTOR_ID} or left_s <= 0:
            return call_result_16.ReserveNow(status="Rejected")
        reservation = Reservation(
            reservation_id=reservation_id,
            id_token=id_tag,
            expires_mono_s=now.mono_s + left_s,
        )
        return call_result_16.ReserveNow(
            status=evse.admission.keep_for(reservation, evse.connector_status())
        )

    @on(Action16.cancel_reservation)
    def on_cancel_reservation(self, reservation_id: int, **_: Any) -> Any:
        """Give the connector free again."""
        is_done = self._evse.admission.cancel(reservation_id)
        return call_result_16.CancelReservation(
            status="Accepted" if is_done else "Rejected"
        )

    # Triggers and the rest

    @on(Action16.trigger_message)
    def on_trigger_message(self, requested_message: str, **_: Any) -> Any:
        """Send a message that the CSMS wants to see now."""
        match requested_message:
            case "BootNotification" if not self._registration.is_accepted:
                self._registration.request_boot()
                is_done = True
            case "BootNotification":
                is_done = self._jobs.post(self._send_boot)
            case "Heartbeat":
                is_done = self._jobs.post(_send_heartbeat)
            case "StatusNotification":
                is_done = self._jobs.post(self.send_status)
            case "MeterValues":
                is_done = self._jobs.post(self._send_meter_values)
            case _:
                return call_result_16.TriggerMessage(status="NotImplemented")
        return call_result_16.TriggerMessage(
            status="Accepted" if is_done else "Rejected"
        )

    @on(Action16.data_transfer)
    def on_data_transfer(self, **_: Any) -> Any:
        """Refuse vendor messages: this vendor has none."""
        return call_result_16.DataTransfer(status="UnknownVendorId")

    @on(Action16.clear_cache)
    def on_clear_cache(self, **_: Any) -> Any:
        """Clear a cache that is always empty."""
        return call_result_16.ClearCache(status="Accepted")

    async def send_status(self, peer: Peer) -> None:
        """Tell the status of the connector."""
        status, error = status_of(self._evse)
        await peer.call(
            call_16.StatusNotification(
                connector_id=CONNECTOR_ID,
                error_code=error,
                status=status,
                timestamp=self._evse.clock_text(),
            )
        )

    async def _send_meter_values(self, peer: Peer) -> None:
        evse = self._evse
        value = evse.log.meter_value("TxUpdatedMeasurands", "Trigger", evse.now())
        if not value:
            return
        transaction = evse.transaction
        number = (
            self._numbers.number_of(transaction.transaction_id) if transaction else None
        )
        await peer.call(
            call_16.MeterValues(
                connector_id=CONNECTOR_ID,
                transaction_id=number,
                meter_value=values_of(value),
            )
        )

    async def _send_boot(self, peer: Peer) -> None:
        await peer.call(boot_notification(self._evse))

    def _wire_2(self, wire: WireObject) -> WireObject:
        """Return a profile of 1.6 as the store of the station keeps profiles."""
        purpose = wire["chargingProfilePurpose"]
        told = {
            **wire,
            "id": wire["chargingProfileId"],
            "chargingProfilePurpose": _PURPOSES.get(purpose, purpose),
            "chargingSchedule": [{"id": 1, **wire["chargingSchedule"]}],
        }
        if "transactionId" in wire:
            told["transactionId"] = self._numbers.transaction_of(wire["transactionId"])
        return told


def boot_notification(evse: Evse) -> Any:
    """Return who the charge point is."""
    config = evse.config
    return call_16.BootNotification(
        charge_point_vendor=config.vendor[:20],
        charge_point_model=config.model[:20],
        charge_point_serial_number=config.serial_number[:25],
        firmware_version=evse.model.text("ChargingStation", "FirmwareVersion"),
    )


async def _send_heartbeat(peer: Peer) -> None:
    await peer.call(call_16.Heartbeat())
