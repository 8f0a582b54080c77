"""The virtual charging station: one object that runs until it is cancelled."""

import asyncio
import logging
from random import Random
import ssl
from typing import Protocol as TypingProtocol

from ..domain.clock import Clock
from .conditions import Condition
from .config import Fault, Protocol, VirtualStationConfig, VirtualStatus
from .disturbance import Disturbance
from .evse import Evse
from .jobs import Jobs
from .link import FrameObserver, Link, LinkError, open_link
from .loops import RebootNow, Sleep
from .ocpp16.keys import prepare
from .peer import VERSION_1_6, Peer, load_schemas
from .priority import Priority
from .registration import Registration
from .services.network_profiles import NetworkProfiles
from .wakeup import Signal
from .wires import Parts, Wire, wire_2, wire_16

_LOGGER = logging.getLogger(__name__)

VERSIONS = {
    Protocol.OCPP_2_1: "2.1",
    Protocol.OCPP_2_0_1: "2.0.1",
    Protocol.OCPP_1_6: "1.6",
}


class StationObserver(FrameObserver, TypingProtocol):
    """Who watches the station from inside."""

    def link_changed(self, *, is_up: bool) -> None:
        """Note that the link opened or closed."""
        ...

    def power_sampled(self, true_power_w: float, commanded_w: float) -> None:
        """Note the true power of this moment; called at every tick."""
        ...


class Unobserved:
    """Nobody watches."""

    def frame_received(self, text: str) -> None:
        """Ignore it."""

    def frame_sent(self, text: str) -> None:
        """Ignore it."""

    def link_changed(self, *, is_up: bool) -> None:
        """Ignore it."""

    def power_sampled(self, true_power_w: float, commanded_w: float) -> None:
        """Ignore it."""


class VirtualStation:
    """A charging station with an EV that can be plugged in."""

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
        self._evse = Evse(config, clock, self._changed.notify)
        self._registration = Registration(self._changed.notify)
        self._jobs = Jobs()
        self._network = NetworkProfiles(config, self._evse.model)
        self._priority = Priority(self._evse, self._changed)
        parts = Parts(
            evse=self._evse,
            registration=self._registration,
            jobs=self._jobs,
            network=self._network,
            priority=self._priority,
            changed=self._changed,
            sleep=sleep,
            tls=tls,
        )
        self._wire_2, self._wire_16 = wire_2(parts), wire_16(parts)
        self._disturbance = Disturbance(self._evse.faults, sleep)
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

    def plug(self) -> None:
        """Plug the EV in."""
        self._evse.plug()

    def unplug(self) -> None:
        """Pull the plug, whatever flows."""
        self._evse.unplug()

    def press_emergency_stop(self) -> None:
        """Press the button: the contactor opens at once."""
        self._evse.press_emergency_stop()

    def release_emergency_stop(self) -> None:
        """Release the button."""
        self._evse.release_emergency_stop()

    def set_soc(self, soc_percent: float) -> None:
        """Put the battery to a state of charge, 0..100."""
        self._evse.advance()
        self._evse.path.battery.set_soc(soc_percent)

    def press_priority(self) -> bool:
        """Press the button for priority charging; return False when it cannot be."""
        return self._priority.press_button()

    def set_grid_frequency(self, frequency_hz: float) -> None:
        """Let the grid have another frequency, Hz."""
        self._evse.advance()
        self._evse.grid.true_frequency_hz = frequency_hz
        self._evse.advance()

    def set_handle_temperature(self, temperature_c: float | None) -> None:
        """Let the sensor in the handle show this, °C; None: the truth again."""
        self._evse.handle.show(temperature_c)
        self._changed.notify()

    def set_fault(self, fault: Fault, *, is_on: bool) -> None:
        """Begin or end a misbehaviour."""
        self._evse.set_fault(fault, is_on=is_on)

    def set_condition(self, condition: Condition, *, is_on: bool) -> None:
        """Let something of the hardware break, or mend it."""
        self._evse.set_condition(condition, is_on=is_on)

    def reboot(self) -> None:
        """Pull the mains: the station starts anew, its transaction ends."""
        self._evse.lose_power()
        self._registration.request_reboot("PowerUp", is_hard=True)

    def status(self) -> VirtualStatus:
        """Return the truth of this moment."""
        evse, path, transaction = self._evse, self._evse.path, self._evse.transaction
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
            faults=tuple(sorted(evse.faults)),
            conditions=tuple(sorted(evse.conditions.active)),
            last_error=self._last_error,
        )

    def _wire(self, protocol: Protocol) -> Wire:
        return self._wire_16 if protocol is Protocol.OCPP_1_6 else self._wire_2

    async def _tick(self) -> None:
        while True:
            self._evse.advance()
            self._observer.power_sampled(
                self._evse.path.true_power_w, self._evse.command_w
            )
            for feature in self._wire_2.features:
                feature.look()
            self._changed.notify()
            await self._sleep(self._config.tick_s)

    async def _stay_connected(self) -> None:
        while True:
            while Fault.DROP_LINK in self._evse.faults:
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
            self._evse.log.is_online = True
            for loop in (
                loops.beat,
                loops.deliver_events,
                loops.attend_vehicle,
                loops.pull_values,
                wire.teller.run,
                loops.tell_expired_reservations,
                *(loop for each in wire.features for loop in each.loops),
            ):
                tasks.create_task(loop(peer))

    def _link_up(self, link: Link, peer: Peer) -> None:
        self._link, self._last_error = link, None
        self._network.connected()
        self._evse.advance()
        if peer.version == VERSION_1_6:
            prepare(self._evse.model)
        self._evse.log.has_operation_modes = peer.version == "2.1"
        self._evse.profiles.came_online(self._evse.now())
        self._observer.link_changed(is_up=True)

    def _link_down(self) -> None:
        self._link = None
        self._evse.advance()
        self._evse.log.is_online = False
        self._evse.profiles.went_offline(self._evse.now())
        self._jobs.clear()
        self._observer.link_changed(is_up=False)

    async def _reboot(self) -> None:
        self._evse.profiles.rebooted()
        self._wire_2.teller.forget()
        self._wire_16.teller.forget()
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
