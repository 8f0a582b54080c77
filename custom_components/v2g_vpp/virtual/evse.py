"""An EVSE: vehicle, contactor and transaction, driven by its profiles.

It does no I/O. Whatever changes calls ``advance`` first, so that the physics is always
up to the moment; the ticks in between only keep it from lagging.
"""

from .admission import Admission
from .common import Common
from .composition import OperatingPoint
from .conditions import CONDITIONS, Condition, Conditions
from .config import Fault
from .der.effects import Effects
from .local_frequency import LocalFrequency
from .metering import Grid, Meter, Readings
from .power_path import PowerPath
from .profile_rules import Rejection
from .schedule import Moment, WireObject, format_time
from .thermal import Handle
from .transaction import (
    EMERGENCY_STOP,
    EV_DISCONNECTED,
    POWER_LOST,
    Stop,
    Transaction,
    charging_state,
)
from .transaction_log import TransactionLog


class Evse:
    """One EVSE of the station."""

    def __init__(self, evse_id: int, common: Common) -> None:
        """Start with nothing plugged in.

        Args:
            evse_id: its number, from 1.
            common: what it shares with the other EVSEs.
        """
        self.evse_id = evse_id
        config = self.config = common.config.of_evse(evse_id)
        on_change = common.on_change
        self.path = PowerPath(config.plant, config.battery, config.soc_percent)
        self.path.energy_import_wh = config.energy_import_wh
        self.path.energy_export_wh = config.energy_export_wh
        self.grid = Grid(config.plant.seed)
        self.handle = Handle()
        self.profiles = common.profiles
        self.conditions = Conditions()
        self.model = common.model
        self.log = TransactionLog(
            evse_id, common.queue, self.model, self.readings, on_change
        )
        self.faults = common.faults
        self.admission = Admission(on_change)
        self.local_frequency = LocalFrequency(evse_id, self.model)
        self.der = Effects(
            common.der,
            max_charge_w=config.plant.max_charge_power_w,
            max_discharge_w=config.plant.max_discharge_power_w,
        )
        self._clock = common.clock
        self._on_change = on_change
        self._meter = Meter(self.path, self.grid, config.phases)
        self._is_plugged = False
        self._plugged_mono_s = 0.0
        self._is_emergency_stopped = False
        self._point = OperatingPoint()
        self._command_w = 0.0
        self._stepped_mono_s = common.clock.monotonic()

    # What is known

    @property
    def transaction(self) -> Transaction | None:
        """The transaction that runs."""
        return self.log.current

    @property
    def point(self) -> OperatingPoint:
        """What the profiles ask for, as of the last look."""
        return self._point

    @property
    def command_w(self) -> float:
        """What the charger is told, W."""
        return self._command_w

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

    def handle_c(self) -> float:
        """Return the temperature that the sensor in the handle shows, °C."""
        return self.handle.temperature_c(self.conditions)

    def connector_status(self) -> str:
        """Return the status of the connector."""
        if self._is_emergency_stopped or self.conditions.is_faulted:
            return "Faulted"
        if not self.admission.is_operative:
            return "Unavailable"
        if self._is_plugged:
            return "Occupied"
        return "Reserved" if self.admission.reservation is not None else "Available"

    def _is_out_of_order(self) -> bool:
        return self._is_emergency_stopped or self.conditions.is_blocking

    def is_v2x_enabled(self) -> bool:
        """Return True while the CSMS left bidirectional charging switched on."""
        enabled = self.model.text("V2XChargingCtrlr", "Enabled", evse_id=self.evse_id)
        return enabled == "true"

    def takes_negative_limits(self) -> bool:
        """Return True when a limit below 0 lets the vehicle give power."""
        return (
            self.config.takes_negative_limits
            and self.config.is_v2x_capable
            and not self.log.has_operation_modes
        )

    def error_16(self) -> str:
        """Return the error code that a status of 1.6 carries."""
        if self._is_emergency_stopped and not self.conditions.active:
            return "OtherError"
        return self.conditions.error_16

    def may_start(self, id_token: WireObject) -> bool:
        """Return True when a transaction may be asked for from afar."""
        return (
            self.transaction is None
            and self.admission.is_operative
            and not self._is_out_of_order()
            and self.admission.may_use_reservation(id_token)
        )

    def readings(self) -> Readings:
        """Return what meter and EV show now."""
        return self._meter.read(
            self._command_w,
            is_plugged=self._is_plugged,
            is_frozen=Fault.FREEZE_METER in self.faults,
        )

    def wants_authorization(self) -> bool:
        """Return True when a vehicle waits to be let in."""
        handshake_ends_s = self._plugged_mono_s + self.config.startup_s
        return (
            self._is_plugged
            and self.transaction is None
            and self.admission.is_open()
            and not self._is_out_of_order()
            and self._clock.monotonic() >= handshake_ends_s
        )

    # What people do

    def plug(self) -> None:
        """Connect the EV."""
        self.advance()
        if not self._is_plugged:
            self._is_plugged = True
            self._plugged_mono_s = self._clock.monotonic()
            self.admission.plug_moved()

    def unplug(self) -> None:
        """Pull the plug, under load if power flows."""
        self.advance()
        if self._is_plugged:
            self._is_plugged = False
            self.path.open_now()
            self._finish(EV_DISCONNECTED)
            self.admission.plug_moved()

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

    def set_condition(self, condition: Condition, *, is_on: bool) -> None:
        """Let something of the hardware break, or mend it."""
        self.advance()
        self.conditions.set(condition, is_on=is_on)
        stop = CONDITIONS[condition].stop
        if is_on and stop is not None:
            # The hardware does not wait for a ramp.
            self.path.open_now()
            self._finish(stop)
        self._settle(self.now())
        self._on_change()

    def faults_changed(self) -> None:
        """Begin or end what the misbehaviours of the station do here."""
        self.log.is_mute = Fault.MUTE_METER in self.faults
        self._settle(self.now())
        self._on_change()

    # What the CSMS and the vehicle agree

    def start_transaction(
        self, id_token: WireObject, allowed_transfer: frozenset[str]
    ) -> None:
        """Begin a transaction with the vehicle that was let in."""
        self.advance()
        now = self.now()
        remote_start, reservation = self.admission.take()
        transaction_id = self.log.begin(
            id_token, allowed_transfer, remote_start, reservation, now
        )
        self.profiles.transaction_started(self.evse_id, transaction_id, now)

    def confirm_start(self, transaction_id: str) -> None:
        """Note that the CSMS answered the Started event."""
        if self.transaction and self.transaction.transaction_id == transaction_id:
            self.log.change(is_start_confirmed=True)

    def allow_transfer(self, allowed_transfer: frozenset[str]) -> None:
        """Take other energy transfer modes and renegotiate with the EV."""
        self.log.change(allowed_transfer=allowed_transfer, wants_needs=True)

    def needs_stated(self, *, is_bidirectional: bool) -> None:
        """Note that the EV's charging needs are about to be told."""
        self.advance()
        self.log.change(
            wants_needs=False, are_needs_known=True, is_bidirectional=is_bidirectional
        )
        self._settle(self.now())

    def needs_answered(self, *, wait_s: float) -> None:
        """Let power flow with the first profile, or without one after a while."""
        self.advance()
        if self.transaction is not None and not self.transaction.is_ready:
            self.log.change(ready_mono_s=self._clock.monotonic() + wait_s)
            self._settle(self.now())

    def stop_transaction(self, stop: Stop) -> None:
        """Ramp down, open the contactor, then end the transaction."""
        self.advance()
        if self.transaction is None or self.transaction.stop is not None:
            return
        self.log.change(stop=stop)
        self.path.stop()
        self._settle(self.now())

    def profiles_changed(self) -> None:
        """Act on a profile that was installed, updated or cleared."""
        self._settle(self.now())

    def update_profile(self, profile_id: int, update: WireObject) -> Rejection | None:
        """Apply a dynamic update, pushed or pulled; return why not.

        Raises:
            ValueError: for a number that is not finite.
        """
        self.advance()
        if Fault.IGNORE_UPDATES in self.faults:
            return None
        rejection = self.profiles.update(
            profile_id,
            update,
            self.now(),
            is_bidirectional=bool(
                self.transaction and self.transaction.is_bidirectional
            ),
        )
        self.profiles_changed()
        return rejection

    # Time

    def advance(self) -> None:
        """Bring physics and rules to the present moment."""
        now = self.now()
        elapsed_s = now.mono_s - self._stepped_mono_s
        self.handle.step(elapsed_s, self.path.true_power_w)
        self.path.step(elapsed_s, self._command_w)
        self._stepped_mono_s = now.mono_s
        self._settle(now)

    def _settle(self, now: Moment) -> None:
        if self.admission.expire_start(now.mono_s):
            # A profile that came with it has no transaction any more.
            self.profiles.forget_unbound(self.evse_id)
        self._point = self.local_frequency.resolve(
            self.profiles.operating_point(self.evse_id, self.config.phases, now),
            self.grid.true_frequency_hz,
            now,
        )
        self._note_agreement(now)
        transaction = self.transaction
        is_flowing = (
            transaction is not None and transaction.is_ready and not transaction.stop
        )
        if is_flowing and self._point.is_evse_asleep:
            self.path.stop()
        elif is_flowing:
            self.path.close()
        self._command_w = self._wanted_w(now) if is_flowing else 0.0
        self.path.plant.ramp_limit_w_per_s = None
        if not is_flowing:
            self.der.rest()
        elif not self.path.is_stopping:
            # Nothing slows the way to an open contactor.
            self.path.plant.ramp_limit_w_per_s = self.der.ramp_w_per_s()
        self.path.step(0.0, self._command_w)
        if transaction is None:
            return
        if transaction.stop is not None:
            if not self.path.contactor.is_closed:
                self._finish(transaction.stop)
            return
        if transaction.is_ready:
            is_asleep = self._point.is_evse_asleep and not self.path.contactor.is_closed
            self.log.report_changes(
                self._point.mode, self._charging_state(), now, is_evse_asleep=is_asleep
            )
        self.log.report_readings(now)

    def _note_agreement(self, now: Moment) -> None:
        transaction = self.transaction
        if transaction is None or transaction.ready_mono_s is None:
            return
        if now.mono_s >= transaction.ready_mono_s or self.profiles.has_tx_profile(
            self.evse_id
        ):
            self.log.change(is_ready=True, ready_mono_s=None)

    def _wanted_w(self, now: Moment) -> float:
        spec = self.config.plant
        is_bidirectional = bool(self.transaction and self.transaction.is_bidirectional)
        command_w = self.der.shape(
            self._point.command_w(
                spec.max_charge_power_w,
                spec.max_discharge_power_w,
                is_bidirectional=is_bidirectional,
            ),
            self.grid.state(self.path.true_power_w),
            now,
            lowest_w=-spec.max_discharge_power_w if is_bidirectional else 0.0,
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

    def _finish(self, stop: Stop) -> None:
        if self.transaction is None:
            return
        state = "EVConnected" if self._is_plugged else "Idle"
        self.log.end(stop, state, self.now())
        self.profiles.transaction_ended(self.evse_id)
        self._command_w = 0.0
        self.admission.transaction_ended(is_plugged=self._is_plugged)
