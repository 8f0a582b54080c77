"""The EVSE: vehicle, contactor and transaction, driven by its profiles.

It does no I/O. Whatever changes calls ``advance`` first, so that the physics is always
up to the moment; the ticks in between only keep it from lagging.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
import uuid

from ..domain.clock import Clock
from .composition import OperatingPoint
from .config import EVSE_ID, EVSE_IDS, Fault, VirtualStationConfig
from .device_model import DeviceModel
from .inventory import build_device_model
from .metering import Meter, Readings, meter_value
from .power_path import PowerPath
from .profile_rules import RuleContext
from .profiles import ProfileStore
from .schedule import Moment, WireObject, format_time
from .transaction import (
    EMERGENCY_STOP,
    EV_DISCONNECTED,
    POWER_LOST,
    EventQueue,
    RemoteStart,
    Reservation,
    Stop,
    Transaction,
    charging_state,
    event_of,
)


class Evse:
    """The one EVSE of the station."""

    def __init__(
        self,
        config: VirtualStationConfig,
        clock: Clock,
        on_change: Callable[[], None],
    ) -> None:
        """Start with nothing plugged in.

        Args:
            config: of the station.
            clock: of the station.
            on_change: called when there is something new to tell the CSMS.
        """
        self.config = config
        self.path = PowerPath(config.plant, config.battery, config.soc_percent)
        self.profiles = ProfileStore(phases=config.phases)
        self.queue = EventQueue()
        self.model: DeviceModel = build_device_model(config, self)
        self.faults: set[Fault] = set()
        self.transaction: Transaction | None = None
        self.reservation: Reservation | None = None
        self.remote_start: RemoteStart | None = None
        self.is_online = False
        self.has_operation_modes = True
        self.has_session_ended = False
        """True until the next plug: the CSMS ended or refused this session."""

        self._clock = clock
        self._on_change = on_change
        self._meter = Meter(self.path, config.phases, seed=config.plant.seed)
        self._is_plugged = False
        self._plugged_mono_s = 0.0
        self._is_emergency_stopped = False
        self._is_operative = True
        self._will_be_operative = True
        self._point = OperatingPoint()
        self._command_w = 0.0
        self._stepped_mono_s = clock.monotonic()

    # What is known

    @property
    def point(self) -> OperatingPoint:
        """What the profiles ask for, as of the last look."""
        return self._point

    @property
    def command_w(self) -> float:
        """What the charger is told, W."""
        return self._command_w

    @property
    def is_operative(self) -> bool:
        """False after ChangeAvailability to Inoperative."""
        return self._is_operative

    def is_plugged(self) -> bool:
        """Return True while an EV is connected."""
        return self._is_plugged

    def is_emergency_stopped(self) -> bool:
        """Return True while the button is pressed."""
        return self._is_emergency_stopped

    def now(self) -> Moment:
        """Return the present moment on both clocks."""
        return Moment(mono_s=self._clock.monotonic(), at=self._clock.utcnow())

    def clock_text(self) -> str:
        """Return the time of the station."""
        return format_time(self._clock.utcnow())

    def soc_text(self) -> str:
        """Return the state of charge of the EV, empty while none is plugged in."""
        return f"{self.path.battery.soc_percent:.1f}" if self._is_plugged else ""

    def power_text(self) -> str:
        """Return the measured power, W."""
        return f"{self.readings().power_w:.0f}"

    def connector_status(self) -> str:
        """Return the status of the connector."""
        if self._is_emergency_stopped:
            return "Faulted"
        if not self._is_operative:
            return "Unavailable"
        if self._is_plugged:
            return "Occupied"
        return "Reserved" if self.reservation is not None else "Available"

    def rule_context(
        self, evse_id: int, *, is_remote_start: bool = False
    ) -> RuleContext:
        """Return what the profile rules need to know."""
        transaction = self.transaction
        return RuleContext(
            evse_id=evse_id,
            evse_ids=EVSE_IDS,
            transaction_id=transaction.transaction_id if transaction else None,
            are_needs_known=bool(transaction and transaction.are_needs_known),
            is_bidirectional=bool(transaction and transaction.is_bidirectional),
            has_operation_modes=self.has_operation_modes,
            is_v2x_enabled=self.is_v2x_enabled(),
            is_remote_start=is_remote_start,
        )

    def is_v2x_enabled(self) -> bool:
        """Return True while the CSMS left bidirectional charging switched on."""
        return self.model.text("V2XChargingCtrlr", "Enabled", evse_id=EVSE_ID) == "true"

    def readings(self) -> Readings:
        """Return what meter and EV show now."""
        return self._meter.read(
            self._command_w,
            is_plugged=self._is_plugged,
            is_frozen=Fault.FREEZE_METER in self.faults,
        )

    def meter_value(self, variable: str, context: str) -> list[dict[str, Any]]:
        """Return the readings that a variable of SampledDataCtrlr asks for."""
        measurands = self.model.text("SampledDataCtrlr", variable)
        return meter_value(self.readings(), measurands, context, self._clock.utcnow())

    def wants_authorization(self) -> bool:
        """Return True when a vehicle waits to be let in."""
        handshake_ends_s = self._plugged_mono_s + self.config.startup_s
        return (
            self._is_plugged
            and self.transaction is None
            and self._is_operative
            and not self._is_emergency_stopped
            and (not self.has_session_ended or self.remote_start is not None)
            and self._clock.monotonic() >= handshake_ends_s
        )

    def refuse_session(self) -> None:
        """Let the vehicle wait until it is plugged in again or started remotely."""
        self.has_session_ended = True
        self.remote_start = None

    # What people do

    def plug(self) -> None:
        """Connect the EV."""
        self.advance()
        if not self._is_plugged:
            self._is_plugged = True
            self.has_session_ended = False
            self._plugged_mono_s = self._clock.monotonic()
            self._on_change()

    def unplug(self) -> None:
        """Pull the plug, under load if power flows."""
        self.advance()
        if self._is_plugged:
            self._is_plugged = False
            self.has_session_ended = False
            self.path.open_now()
            self._finish(EV_DISCONNECTED)
            self._on_change()

    def press_emergency_stop(self) -> None:
        """Break the contactor circuit; stays pressed until it is released."""
        self.advance()
        if not self._is_emergency_stopped:
            self._is_emergency_stopped = True
            self.path.open_now()
            self._finish(EMERGENCY_STOP)
            self._on_change()

    def lose_power(self) -> None:
        """Lose the mains: the contactor falls open and the transaction ends."""
        self.advance()
        self.path.open_now()
        self._finish(POWER_LOST)

    def release_emergency_stop(self) -> None:
        """Let the button go; nothing starts by itself."""
        self.advance()
        self._is_emergency_stopped = False
        self._on_change()

    def set_fault(self, fault: Fault, *, is_on: bool) -> None:
        """Begin or end a misbehaviour."""
        self.advance()
        if is_on:
            self.faults.add(fault)
        else:
            self.faults.discard(fault)
        self.profiles.is_expiry_ignored = Fault.IGNORE_EXPIRY in self.faults
        self._settle(self.now())
        self._on_change()

    # What the CSMS and the vehicle agree

    def start_transaction(
        self, id_token: WireObject, allowed_transfer: frozenset[str]
    ) -> None:
        """Begin a transaction with the vehicle that was let in."""
        self.advance()
        now = self.now()
        remote_start, self.remote_start = self.remote_start, None
        reservation, self.reservation = self.reservation, None
        self.transaction = Transaction(
            transaction_id=str(uuid.uuid4()),
            id_token=id_token,
            remote_start_id=remote_start.remote_start_id if remote_start else None,
            reservation_id=reservation.reservation_id if reservation else None,
            allowed_transfer=allowed_transfer,
        )
        self.has_session_ended = False
        self.profiles.transaction_started(self.transaction.transaction_id, now)
        self._report(
            "Started",
            "RemoteStart" if remote_start else "Authorized",
            self.meter_value("TxStartedMeasurands", "Transaction.Begin"),
        )

    def confirm_start(self, transaction_id: str) -> None:
        """Note that the CSMS answered the Started event."""
        if self.transaction and self.transaction.transaction_id == transaction_id:
            self.transaction = replace(self.transaction, is_start_confirmed=True)
            self._on_change()

    def allow_transfer(self, allowed_transfer: frozenset[str]) -> None:
        """Take other energy transfer modes and renegotiate with the EV."""
        if self.transaction is not None:
            self.transaction = replace(
                self.transaction, allowed_transfer=allowed_transfer, wants_needs=True
            )
            self._on_change()

    def needs_stated(self, *, is_bidirectional: bool) -> None:
        """Note that the EV's charging needs are about to be told."""
        self.advance()
        if self.transaction is not None:
            self.transaction = replace(
                self.transaction,
                wants_needs=False,
                are_needs_known=True,
                is_bidirectional=is_bidirectional,
            )
            self._settle(self.now())

    def needs_answered(self, *, wait_s: float) -> None:
        """Let power flow with the first profile, or without one after a while."""
        self.advance()
        if self.transaction is not None and not self.transaction.is_ready:
            ready_mono_s = self._clock.monotonic() + wait_s
            self.transaction = replace(self.transaction, ready_mono_s=ready_mono_s)
            self._settle(self.now())

    def stop_transaction(self, stop: Stop) -> None:
        """Ramp down, open the contactor, then end the transaction."""
        self.advance()
        if self.transaction is None or self.transaction.stop is not None:
            return
        self.transaction = replace(self.transaction, stop=stop)
        self.path.stop()
        self._settle(self.now())

    def expect_start(self, remote_start: RemoteStart) -> None:
        """Wait for a vehicle that the CSMS asked to be let in."""
        self.remote_start = remote_start
        self._on_change()

    def reserve(self, reservation: Reservation | None) -> None:
        """Keep the EVSE for a token, or give it free."""
        self.reservation = reservation
        self._on_change()

    def take_expired_reservation(self) -> Reservation | None:
        """Return the reservation if it ran out, and give the EVSE free."""
        reservation = self.reservation
        if reservation is None or (
            self._clock.monotonic() < reservation.expires_mono_s
        ):
            return None
        self.reserve(None)
        return reservation

    def may_use_reservation(self, id_token: WireObject) -> bool:
        """Return True when a token may start here."""
        return (
            self.reservation is None or self.reservation.id_token == id_token["idToken"]
        )

    def set_operative(self, *, is_operative: bool) -> bool:
        """Change the availability; return False when a transaction delays it."""
        self.advance()
        self._will_be_operative = is_operative
        if self.transaction is not None and not is_operative:
            return False
        self._is_operative = is_operative
        self._on_change()
        return True

    def profiles_changed(self) -> None:
        """Act on a profile that was installed, updated or cleared."""
        self._settle(self.now())

    def report_now(self) -> None:
        """Queue an event of the running transaction, as a trigger asked for."""
        self.advance()
        if self.transaction is not None:
            self._report(
                "Updated", "Trigger", self.meter_value("TxUpdatedMeasurands", "Trigger")
            )

    # Time

    def advance(self) -> None:
        """Bring physics and rules to the present moment."""
        now = self.now()
        self.path.step(now.mono_s - self._stepped_mono_s, self._command_w)
        self._stepped_mono_s = now.mono_s
        self._settle(now)

    def _settle(self, now: Moment) -> None:
        if self.remote_start and now.mono_s >= self.remote_start.expires_mono_s:
            self.remote_start = None
        self._point = self.profiles.operating_point(now)
        self._note_agreement(now)
        transaction = self.transaction
        is_flowing = (
            transaction is not None and transaction.is_ready and not transaction.stop
        )
        if is_flowing and self._point.is_evse_asleep:
            self.path.stop()
        elif is_flowing:
            self.path.close()
        self._command_w = self._wanted_w() if is_flowing else 0.0
        self.path.step(0.0, self._command_w)
        if transaction is None:
            return
        if transaction.stop is not None:
            if not self.path.contactor.is_closed:
                self._finish(transaction.stop)
            return
        self._report_changes(now)

    def _note_agreement(self, now: Moment) -> None:
        transaction = self.transaction
        if transaction is None or transaction.ready_mono_s is None:
            return
        if now.mono_s >= transaction.ready_mono_s or self.profiles.has_tx_profile():
            self.transaction = replace(transaction, is_ready=True, ready_mono_s=None)

    def _wanted_w(self) -> float:
        spec = self.config.plant
        command_w = self._point.command_w(
            spec.max_charge_power_w,
            spec.max_discharge_power_w,
            is_bidirectional=bool(
                self.transaction and self.transaction.is_bidirectional
            ),
        )
        return -command_w if Fault.WRONG_DIRECTION in self.faults else command_w

    def _charging_state(self) -> str:
        spec = self.config.plant
        return charging_state(
            is_ready=self.transaction is not None and self.transaction.is_ready,
            is_closed=self.path.contactor.is_closed,
            command_w=self._command_w,
            minimum_power_w=spec.minimum_power_w,
            envelope=self.path.battery.envelope(
                spec.max_charge_power_w, spec.max_discharge_power_w
            ),
        )

    def _report_changes(self, now: Moment) -> None:
        if self.transaction is None or not self.transaction.is_ready:
            return
        mode, state = self._point.mode, self._charging_state()
        if mode is not self.transaction.operation_mode:
            self.transaction = replace(self.transaction, operation_mode=mode)
            if self.has_operation_modes:
                self._report("Updated", "OperationModeChanged")
        if state != self.transaction.charging_state:
            self.transaction = replace(self.transaction, charging_state=state)
            self._report("Updated", "ChargingStateChanged")
        interval_s = float(self.model.text("SampledDataCtrlr", "TxUpdatedInterval"))
        last_mono_s = self.transaction.last_meter_mono_s
        if interval_s > 0 and (
            last_mono_s is None or now.mono_s - last_mono_s >= interval_s
        ):
            self.transaction = replace(self.transaction, last_meter_mono_s=now.mono_s)
            self._report_periodic()

    def _report_periodic(self) -> None:
        value = self.meter_value("TxUpdatedMeasurands", "Sample.Periodic")
        if value and Fault.MUTE_METER not in self.faults:
            self._report("Updated", "MeterValuePeriodic", value)

    def _finish(self, stop: Stop) -> None:
        if self.transaction is None:
            return
        self.transaction = replace(
            self.transaction,
            charging_state="EVConnected" if self._is_plugged else "Idle",
        )
        self._report(
            "Ended",
            stop.trigger,
            self.meter_value("TxEndedMeasurands", "Transaction.End"),
            stopped_reason=stop.reason,
        )
        self.transaction = None
        self.has_session_ended = self._is_plugged
        self.profiles.transaction_ended()
        self._is_operative = self._will_be_operative
        self._command_w = 0.0
        self._on_change()

    def _report(
        self,
        event_type: str,
        trigger: str,
        value: list[dict[str, Any]] | None = None,
        *,
        stopped_reason: str | None = None,
    ) -> None:
        transaction = self.transaction
        if transaction is None:
            return
        self.queue.append(
            event_of(
                transaction,
                event_type,
                trigger,
                timestamp=self.clock_text(),
                is_offline=not self.is_online,
                has_operation_modes=self.has_operation_modes,
                stopped_reason=stopped_reason,
                meter_value=value or None,
            )
        )
        self.transaction = replace(transaction, next_seq_no=transaction.next_seq_no + 1)
        self._on_change()
