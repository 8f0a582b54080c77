"""Answers to the requests of a 1.6 CSMS."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from ..config import Fault
from ..evse import Evse
from ..handlers_evse import change_availability, keep_one
from ..handlers_profiles import ProfileHandlers
from ..hardware import Hardware
from ..jobs import Jobs
from ..ocpp_package import Action16, call_16, call_result_16, on
from ..peer import Peer
from ..profile_context import context_of
from ..quirks import reason_to_dislike
from ..registration import Registration
from ..schedule import Purpose, WireObject, parse_profile, parse_time
from ..stored_profile import ProfileFilter
from ..transaction import REMOTE_STOP, RESET, RemoteStart, Reservation
from ..vendor_power import vendor_status
from . import keys
from .numbers import TransactionNumbers
from .translation import status_of, values_of

_PURPOSES: Final[Mapping[str, str]] = {
    "ChargePointMaxProfile": "ChargingStationMaxProfile"
}


class ChargePointHandlers:
    """The Core, SmartCharging, RemoteTrigger and Reservation profiles of 1.6."""

    def __init__(
        self,
        hardware: Hardware,
        registration: Registration,
        jobs: Jobs,
        numbers: TransactionNumbers,
        profiles: ProfileHandlers,
    ) -> None:
        """Act on all EVSEs; ``profiles`` composes schedules for every version."""
        self._hardware = hardware
        self._registration = registration
        self._jobs = jobs
        self._numbers = numbers
        self._profiles = profiles

    # Configuration

    @on(Action16.get_configuration)
    def on_get_configuration(self, key: list[str] | None = None, **_: Any) -> Any:
        """Read configuration keys."""
        hardware = self._hardware
        found = keys.read(hardware.model, key, connectors=len(hardware.evses))
        return call_result_16.GetConfiguration(**found)

    @on(Action16.change_configuration)
    def on_change_configuration(self, key: str, value: str, **_: Any) -> Any:
        """Write a configuration key."""
        self._hardware.advance()
        status = keys.change(self._hardware.model, key, value)
        self._hardware.profiles_changed()
        return call_result_16.ChangeConfiguration(status=status)

    # Smart charging

    @on(Action16.set_charging_profile)
    def on_set_charging_profile(
        self, connector_id: int, cs_charging_profiles: WireObject, **_: Any
    ) -> Any:
        """Install a profile in place of one of the same purpose and stack level."""
        hardware = self._hardware
        hardware.advance()
        wire = self._wire_2(cs_charging_profiles)
        minimum_w = hardware.minimum_w(connector_id)
        is_done = Fault.IGNORE_UPDATES in hardware.faults or (
            reason_to_dislike(hardware.faults, minimum_w, wire) is None
            and hardware.profiles.replace(
                parse_profile(wire), context_of(hardware, connector_id), hardware.now()
            )
            is None
        )
        hardware.profiles_changed()
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
        hardware = self._hardware
        hardware.advance()
        purpose = charging_profile_purpose
        is_found = hardware.profiles.clear(
            ProfileFilter(
                profile_ids=None if id is None else frozenset({id}),
                evse_id=connector_id,
                purpose=None
                if purpose is None
                else Purpose(_PURPOSES.get(purpose, purpose)),
                stack_level=stack_level,
            )
        )
        hardware.profiles_changed()
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
        hardware = self._hardware
        hardware.advance()
        id_token = {"idToken": id_tag, "type": "Central"}
        evse = hardware.ready_for(id_token, connector_id)
        is_done = evse is not None
        if evse is not None and charging_profile is not None:
            context = context_of(hardware, evse.evse_id, is_remote_start=True)
            profile = parse_profile(self._wire_2(charging_profile))
            is_done = evse.profiles.replace(profile, context, evse.now()) is None
        if evse is not None and is_done:
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
        asked = self._numbers.transaction_of(transaction_id)
        evse = self._hardware.at_transaction(asked)
        if evse is None:
            return call_result_16.RemoteStopTransaction(status="Rejected")
        if Fault.IGNORE_STOP not in evse.faults:
            evse.stop_transaction(REMOTE_STOP)
        return call_result_16.RemoteStopTransaction(status="Accepted")

    @on(Action16.change_availability)
    def on_change_availability(self, connector_id: int, type: str, **_: Any) -> Any:
        """Take connectors out of use or back; a transaction is not interrupted."""
        status = change_availability(
            self._hardware, connector_id, is_operative=type == "Operative"
        )
        return call_result_16.ChangeAvailability(status=status)

    @on(Action16.reset)
    def on_reset(self, type: str, **_: Any) -> Any:
        """Reboot once the transaction was ended in order; both kinds do that here."""
        del type
        self._registration.request_reboot("RemoteReset")
        self._hardware.stop_transactions(RESET)
        return call_result_16.Reset(status="Accepted")

    @on(Action16.unlock_connector)
    def on_unlock_connector(self, connector_id: int, **_: Any) -> Any:
        """Unlock the cable; a transaction ends first (1.6, 5.18)."""
        evse = self._hardware.find(connector_id)
        if evse is None:
            return call_result_16.UnlockConnector(status="NotSupported")
        evse.stop_transaction(REMOTE_STOP)
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
        hardware = self._hardware
        hardware.advance()
        now = hardware.now()
        left_s = (parse_time(expiry_date) - now.at).total_seconds()
        meant = hardware.meant(connector_id)
        if not meant or left_s <= 0:
            return call_result_16.ReserveNow(status="Rejected")
        reservation = Reservation(
            reservation_id=reservation_id,
            id_token=id_tag,
            expires_mono_s=now.mono_s + left_s,
        )
        return call_result_16.ReserveNow(status=keep_one(meant, reservation))

    @on(Action16.cancel_reservation)
    def on_cancel_reservation(self, reservation_id: int, **_: Any) -> Any:
        """Give a connector free again."""
        is_done = any(e.admission.cancel(reservation_id) for e in self._hardware)
        return call_result_16.CancelReservation(
            status="Accepted" if is_done else "Rejected"
        )

    # Triggers and the rest

    @on(Action16.trigger_message)
    def on_trigger_message(
        self, requested_message: str, connector_id: int | None = None, **_: Any
    ) -> Any:
        """Send a message that the CSMS wants to see now, of one connector or of all."""
        meant = self._hardware.meant(connector_id)
        match requested_message:
            case "BootNotification" if not self._registration.is_accepted:
                self._registration.request_boot()
                is_done = True
            case "BootNotification":
                is_done = self._jobs.post(self._send_boot)
            case "Heartbeat":
                is_done = self._jobs.post(_send_heartbeat)
            case "StatusNotification":
                is_done = self._jobs.post(partial(send_status, evses=meant))
            case "MeterValues":
                is_done = self._jobs.post(partial(self._send_meter_values, evses=meant))
            case _:
                return call_result_16.TriggerMessage(status="NotImplemented")
        return call_result_16.TriggerMessage(
            status="Accepted" if is_done else "Rejected"
        )

    @on(Action16.data_transfer)
    def on_data_transfer(
        self,
        vendor_id: str,
        message_id: str | None = None,
        data: str | None = None,
        **_: Any,
    ) -> Any:
        """Take the message of this vendor, and refuse those of others."""
        status = vendor_status(self._hardware, vendor_id, message_id, data)
        return call_result_16.DataTransfer(status=status)

    @on(Action16.clear_cache)
    def on_clear_cache(self, **_: Any) -> Any:
        """Clear a cache that is always empty."""
        return call_result_16.ClearCache(status="Accepted")

    async def _send_meter_values(self, peer: Peer, evses: Sequence[Evse]) -> None:
        for evse in evses:
            value = evse.log.meter_value("TxUpdatedMeasurands", "Trigger", evse.now())
            if not value:
                continue
            running = evse.transaction
            number = (
                self._numbers.number_of(running.transaction_id) if running else None
            )
            await peer.call(
                call_16.MeterValues(
                    connector_id=evse.evse_id,
                    transaction_id=number,
                    meter_value=values_of(value),
                )
            )

    async def _send_boot(self, peer: Peer) -> None:
        await peer.call(boot_notification(self._hardware))

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


async def send_status(peer: Peer, evses: Sequence[Evse]) -> None:
    """Tell the status of connectors."""
    for evse in evses:
        status, error = status_of(evse)
        await peer.call(
            call_16.StatusNotification(
                connector_id=evse.evse_id,
                error_code=error,
                status=status,
                timestamp=evse.clock_text(),
            )
        )


def boot_notification(hardware: Hardware) -> Any:
    """Return who the charge point is."""
    config = hardware.config
    return call_16.BootNotification(
        charge_point_vendor=config.vendor[:20],
        charge_point_model=config.model[:20],
        charge_point_serial_number=config.serial_number[:25],
        firmware_version=hardware.model.text("ChargingStation", "FirmwareVersion"),
    )


async def _send_heartbeat(peer: Peer) -> None:
    await peer.call(call_16.Heartbeat())
