"""The transaction that runs, and what the CSMS must be told about it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
import uuid

from .device_model import DeviceModel
from .metering import Readings, meter_value
from .schedule import Moment, OperationMode, WireObject, format_time
from .transaction import (
    EventQueue,
    RemoteStart,
    Reservation,
    Stop,
    Transaction,
    event_of,
)


class TransactionLog:
    """At most one transaction of an EVSE; its events join those of the others."""

    def __init__(
        self,
        evse_id: int,
        queue: EventQueue,
        model: DeviceModel,
        read: Callable[[], Readings],
        on_change: Callable[[], None],
    ) -> None:
        """Start without a transaction.

        Args:
            evse_id: whose transactions they are.
            queue: of the station.
            model: says which readings belong into which event.
            read: looks at the meter.
            on_change: called when an event was queued.
        """
        self.queue = queue
        self.current: Transaction | None = None
        self.is_online = False
        """False: events are marked as made while offline."""

        self.has_operation_modes = True
        """False on OCPP 2.0.1."""

        self.is_mute = False
        """A misbehaviour: no periodic readings."""

        self._evse_id = evse_id
        self._model = model
        self._read = read
        self._on_change = on_change

    def change(self, **fields: Any) -> None:
        """Replace fields of the running transaction, if one runs."""
        if self.current is not None:
            self.current = replace(self.current, **fields)
            self._on_change()

    def meter_value(
        self, variable: str, context: str, now: Moment
    ) -> list[dict[str, Any]]:
        """Return the readings that a variable of SampledDataCtrlr asks for."""
        measurands = self._model.text("SampledDataCtrlr", variable)
        return meter_value(self._read(), measurands, context, now.at)

    def begin(
        self,
        id_token: WireObject,
        allowed_transfer: frozenset[str],
        remote_start: RemoteStart | None,
        reservation: Reservation | None,
        now: Moment,
    ) -> str:
        """Start a transaction and return its id."""
        self.current = Transaction(
            transaction_id=str(uuid.uuid4()),
            evse_id=self._evse_id,
            id_token=id_token,
            remote_start_id=remote_start.remote_start_id if remote_start else None,
            reservation_id=reservation.reservation_id if reservation else None,
            allowed_transfer=allowed_transfer,
        )
        self._report(
            "Started",
            "RemoteStart" if remote_start else "Authorized",
            now,
            self.meter_value("TxStartedMeasurands", "Transaction.Begin", now),
        )
        return self.current.transaction_id

    def end(self, stop: Stop, charging_state: str, now: Moment) -> None:
        """End the running transaction."""
        self.change(charging_state=charging_state)
        value = self.meter_value("TxEndedMeasurands", "Transaction.End", now)
        self._report("Ended", stop.trigger, now, value, stopped_reason=stop.reason)
        self.current = None

    def report_triggered(self, now: Moment) -> None:
        """Tell the CSMS of the running transaction because it asked."""
        value = self.meter_value("TxUpdatedMeasurands", "Trigger", now)
        self._report("Updated", "Trigger", now, value)

    def report_changes(
        self,
        mode: OperationMode,
        charging_state: str,
        now: Moment,
        *,
        is_evse_asleep: bool,
    ) -> None:
        """Tell the CSMS of another operation mode or charging state."""
        transaction = self.current
        if transaction is None:
            return
        if is_evse_asleep is not transaction.is_evse_asleep:
            self.change(is_evse_asleep=is_evse_asleep)
        if mode is not transaction.operation_mode:
            self.change(operation_mode=mode)
            if self.has_operation_modes:
                self._report("Updated", "OperationModeChanged", now)
        if charging_state != transaction.charging_state:
            self.change(charging_state=charging_state)
            self._report("Updated", "ChargingStateChanged", now)

    def report_readings(self, now: Moment) -> None:
        """Tell the CSMS the periodic readings when they are due."""
        interval_s = float(self._model.text("SampledDataCtrlr", "TxUpdatedInterval"))
        if self.current is None or interval_s <= 0:
            return
        last_mono_s = self.current.last_meter_mono_s
        if last_mono_s is not None and now.mono_s - last_mono_s < interval_s:
            return
        # From reading to reading, not from tick to tick: the ticks would add up.
        next_mono_s = now.mono_s if last_mono_s is None else last_mono_s + interval_s
        is_late = now.mono_s - next_mono_s >= interval_s
        self.change(last_meter_mono_s=now.mono_s if is_late else next_mono_s)
        value = self.meter_value("TxUpdatedMeasurands", "Sample.Periodic", now)
        if value and not self.is_mute:
            self._report("Updated", "MeterValuePeriodic", now, value)

    def _report(
        self,
        event_type: str,
        trigger: str,
        now: Moment,
        value: list[dict[str, Any]] | None = None,
        *,
        stopped_reason: str | None = None,
    ) -> None:
        if self.current is None:
            return
        self.queue.append(
            event_of(
                self.current,
                event_type,
                trigger,
                timestamp=format_time(now.at),
                is_offline=not self.is_online,
                has_operation_modes=self.has_operation_modes,
                stopped_reason=stopped_reason,
                meter_value=value or None,
            )
        )
        self.change(next_seq_no=self.current.next_seq_no + 1)
