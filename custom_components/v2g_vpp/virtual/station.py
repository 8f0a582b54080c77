"""The virtual charging station: one object that runs until it is cancelled."""

import asyncio
import logging
from random import Random
import ssl

from ..domain.clock import Clock
from .certificates.own import OwnCertificate, OwnCertificates
from .certificates.roots import Roots
from .conditions import Condition
from .config import EVSE_ID, Fault, Protocol, VirtualStationConfig, VirtualStatus
from .der.teller import DerTeller
from .disturbance import Disturbance
from .evse import Evse
from .hardware import Hardware
from .jobs import Jobs
from .link import Link, LinkError, open_link
from .loops import RebootNow, Sleep
from .observer import StationObserver, Unobserved
from .ocpp16.keys import prepare
from .peer import VERSION_1_6, Peer, load_schemas
from .priority import Priority
from .registration import Registration
from .services.network_profiles import NetworkProfiles
from .wakeup import Signal
from .wires import VERSIONS, Parts, Wire, wire_2, wire_16

_LOGGER = logging.getLogger(__name__)


class VirtualStation:
    """A charging station with an EV for each of its EVSEs."""

    def __init__(
        self,
        config: VirtualStationConfig,
        clock: Clock,
        *,
        sleep: Sleep = asyncio.sleep,
        observer: StationObserver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Build the station; nothing runs before ``run``.

        Args:
            config: what it is.
            clock: its two clocks.
            sleep: how it passes time; a test gives one that goes with its clock.
            observer: who watches.
            tls: for ``wss://`` addresses; None uses the system's authorities.
        """
        self._config = config
        self._sleep = sleep
        self._observer: StationObserver = observer or Unobserved()
        self._tls = tls
        self._changed = Signal()
        self._hardware = Hardware(config, clock, self._changed.notify)
        self._registration = Registration(self._changed.notify)
        self._jobs = Jobs()
        self._network = NetworkProfiles(config, self._hardware.model)
        self._der_teller = DerTeller(self._hardware, self._changed)
        roots = Roots(self._hardware)
        self._own_certificates = OwnCertificates(self._hardware, roots, self._changed)
        self._priority = Priority(self._hardware, self._changed)
        parts = Parts(
            hardware=self._hardware,
            network=self._network,
            priority=self._priority,
            der_teller=self._der_teller,
            roots=roots,
            own_certificates=self._own_certificates,
            registration=self._registration,
            jobs=self._jobs,
            changed=self._changed,
            sleep=sleep,
            tls=tls,
        )
        self._wire_2, self._wire_16 = wire_2(parts), wire_16(parts)
        self._disturbance = Disturbance(self._hardware.faults, sleep)
        self._jitter = Random()  # noqa: S311 - spreads dialling, no secret
        self._link: Link | None = None
        self._last_error: str | None = None
        self._failures = 0

    async def run(self) -> None:
        """Be a charging station until cancelled."""
        for protocol in self._config.protocols:
            # The package reads its schemas from files.
            handlers = self._wire(protocol).handlers
            await asyncio.to_thread(load_schemas, VERSIONS[protocol], handlers)
        self._registration.booted()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tick())
            tasks.create_task(self._stay_connected())

    @property
    def certificate(self) -> OwnCertificate | None:
        """The certificate that the CSMS signed last, with its key."""
        return self._own_certificates.current

    @property
    def evse_ids(self) -> tuple[int, ...]:
        """The numbers of the EVSEs."""
        return self._config.evse_ids

    def plug(self, evse_id: int = EVSE_ID) -> None:
        """Plug the EV in."""
        self._evse(evse_id).plug()

    def unplug(self, evse_id: int = EVSE_ID) -> None:
        """Pull the plug, whatever flows."""
        self._evse(evse_id).unplug()

    def press_emergency_stop(self) -> None:
        """Press the button of the station: every contactor opens at once."""
        self._hardware.press_emergency_stop()

    def release_emergency_stop(self) -> None:
        """Release the button."""
        self._hardware.release_emergency_stop()

    def set_soc(self, soc_percent: float, evse_id: int = EVSE_ID) -> None:
        """Put the battery to a state of charge, 0..100."""
        evse = self._evse(evse_id)
        evse.advance()
        evse.path.battery.set_soc(soc_percent)

    def press_priority(self, evse_id: int = EVSE_ID) -> bool:
        """Press the button for priority charging; return False when it cannot be."""
        return self._priority.press_button(self._evse(evse_id))

    def set_grid_frequency(self, frequency_hz: float) -> None:
        """Let the grid have another frequency, Hz."""
        self._hardware.advance()
        for evse in self._hardware:
            evse.grid.true_frequency_hz = frequency_hz
        self._hardware.advance()

    def set_grid_voltage(self, voltage_v: float) -> None:
        """Let the grid have another voltage, V."""
        self._hardware.advance()
        for evse in self._hardware:
            evse.grid.open_voltage_v = voltage_v
        self._hardware.advance()

    def raise_der_alarm(
        self, control_type: str, fault: str | None = None, *, is_ended: bool = False
    ) -> None:
        """Tell an alarm of a grid setting, by the names of OCPP."""
        self._der_teller.alarm(control_type, fault, is_ended=is_ended)

    def set_handle_temperature(
        self, temperature_c: float | None, evse_id: int = EVSE_ID
    ) -> None:
        """Let the sensor in the handle show this, °C; None: the truth again."""
        self._evse(evse_id).handle.show(temperature_c)
        self._changed.notify()

    def set_fault(self, fault: Fault, *, is_on: bool) -> None:
        """Begin or end a misbehaviour of the whole station."""
        self._hardware.set_fault(fault, is_on=is_on)

    def lose_frames(self, share_percent: float) -> None:
        """Lose this share of the station's frames from now on; 0 loses none."""
        self._disturbance.lose(share_percent)
        self.set_fault(Fault.LOSE_FRAMES, is_on=share_percent > 0)

    def delay_answers(self, delay_s: float) -> None:
        """Let the station's answers leave late from now on, s; 0: in time."""
        self._disturbance.delay(delay_s)
        self.set_fault(Fault.LATE_ANSWERS, is_on=delay_s > 0)

    def set_condition(
        self, condition: Condition, *, is_on: bool, evse_id: int = EVSE_ID
    ) -> None:
        """Let something of the hardware of an EVSE break, or mend it."""
        self._evse(evse_id).set_condition(condition, is_on=is_on)

    def step_clock(self, step_s: float) -> None:
        """Let the station's clock jump, s; negative: back."""
        self._hardware.step_clock(step_s)

    def set_clock_drift(self, drift_ppm: float) -> None:
        """Let the station's clock gain from now on, millionths."""
        self._hardware.clock.set_drift(drift_ppm)

    def reboot(self) -> None:
        """Pull the mains: the station starts anew, its transactions end."""
        self._hardware.lose_power()
        self._registration.request_reboot("PowerUp", is_hard=True)

    def status(self, evse_id: int = EVSE_ID) -> VirtualStatus:
        """Return the truth of this moment about an EVSE."""
        evse = self._evse(evse_id)
        path, transaction = evse.path, evse.transaction
        evse.advance()
        return VirtualStatus(
            is_connected=self._link is not None,
            protocol=self._link.protocol if self._link else None,
            is_registered=self._registration.is_accepted,
            boot_count=self._registration.boot_count,
            is_plugged=evse.is_plugged(),
            is_emergency_stopped=evse.is_emergency_stopped(),
            connector_status=evse.connector_status(),
            transaction_id=transaction.transaction_id if transaction else None,
            charging_state=transaction.charging_state if transaction else None,
            operation_mode=transaction.operation_mode if transaction else None,
            active_profile_id=evse.point.profile_id,
            is_bidirectional=bool(transaction and transaction.is_bidirectional),
            commanded_w=evse.command_w,
            true_power_w=path.true_power_w,
            measured_power_w=evse.readings().power_w,
            soc_percent=path.battery.soc_percent,
            energy_import_wh=path.energy_import_wh,
            energy_export_wh=path.energy_export_wh,
            is_contactor_closed=path.contactor.is_closed,
            cold_opens=path.contactor.cold_opens,
            hot_opens=path.contactor.hot_opens,
            queued_events=len(evse.log.queue),
            faults=tuple(sorted(self._hardware.faults)),
            conditions=tuple(sorted(evse.conditions.active)),
            clock_offset_s=self._hardware.clock.offset_s,
            last_error=self._last_error,
        )

    def _evse(self, evse_id: int) -> Evse:
        """Return an EVSE.

        Raises:
            ValueError: when the station has no such EVSE.
        """
        evse = self._hardware.find(evse_id)
        if evse is None:
            numbers = ", ".join(map(str, self.evse_ids))
            raise ValueError(f"no EVSE {evse_id}: this station has {numbers}")
        return evse

    def _wire(self, protocol: Protocol) -> Wire:
        return self._wire_16 if protocol is Protocol.OCPP_1_6 else self._wire_2

    async def _tick(self) -> None:
        while True:
            self._hardware.advance()
            self._observer.power_sampled(
                sum(evse.path.true_power_w for evse in self._hardware),
                sum(evse.command_w for evse in self._hardware),
            )
            for feature in self._wire_2.features:
                feature.look()
            self._changed.notify()
            await self._sleep(self._config.tick_s)

    async def _stay_connected(self) -> None:
        while True:
            while Fault.DROP_LINK in self._hardware.faults:
                await self._changed.wait()
            is_reboot = False
            try:
                await self._connect()
            except* LinkError as group:
                self._last_error = str(group.exceptions[0])
                self._network.failed()
                _LOGGER.debug("%s: %s", self._config.identity, self._last_error)
            except* RebootNow:
                is_reboot = True
            if is_reboot or self._registration.is_reboot_hard:
                await self._reboot()
            else:
                await self._back_off()

    async def _connect(self) -> None:
        """Dial and stay on the link until it is gone.

        Raises:
            ExceptionGroup: of LinkError or RebootNow.
        """
        config = self._config
        async with open_link(
            self._network.url,
            config.identity,
            self._network.password,
            protocols=config.protocols,
            tls=self._tls,
            observer=self._observer,
            disturbance=self._disturbance,
        ) as link:
            protocol = Protocol(link.protocol or "")
            wire = self._wire(protocol)
            peer = Peer(
                config.identity,
                link,
                version=VERSIONS[protocol],
                call_timeout_s=config.call_timeout_s,
                handlers=wire.handlers,
            )
            self._link_up(link, peer)
            try:
                await self._talk(link, peer, wire)
            finally:
                self._link_down()

    async def _talk(self, link: Link, peer: Peer, wire: Wire) -> None:
        loops = wire.loops
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(peer.start())
            tasks.create_task(self._jobs.run(peer))
            tasks.create_task(loops.keep_alive(link))
            tasks.create_task(loops.watch(peer))
            await loops.register(peer)
            self._failures = 0
            self._hardware.registered()
            for evse in self._hardware:
                tasks.create_task(loops.attend_vehicle(peer, evse))
                tasks.create_task(loops.tell_expired_reservations(peer, evse))
            for loop in (
                loops.beat,
                loops.deliver_events,
                loops.pull_values,
                *(teller.run for teller in wire.tellers),
                *(loop for each in wire.features for loop in each.loops),
            ):
                tasks.create_task(loop(peer))

    def _link_up(self, link: Link, peer: Peer) -> None:
        self._link, self._last_error = link, None
        self._network.connected()
        if peer.version == VERSION_1_6:
            prepare(self._hardware.model)
        self._hardware.went_online(peer.version)
        self._observer.link_changed(is_up=True)

    def _link_down(self) -> None:
        self._link = None
        self._hardware.went_offline()
        self._jobs.clear()
        self._observer.link_changed(is_up=False)

    async def _reboot(self) -> None:
        self._hardware.profiles.rebooted()
        for teller in (*self._wire_2.tellers, *self._wire_16.tellers):
            teller.forget()
        for feature in self._wire_2.features:
            feature.rebooted()
        self._registration.booted()
        await self._sleep(self._config.reboot_s)

    async def _back_off(self) -> None:
        """Wait before dialling again, longer after each failure, never in step."""
        config = self._config
        longest_s = min(
            config.reconnect_min_s * 2**self._failures, config.reconnect_max_s
        )
        self._failures = min(self._failures + 1, 30)
        await self._sleep(longest_s * self._jitter.uniform(0.5, 1.0))
