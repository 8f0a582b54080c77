"""The virtual charging station: one object that runs until it is cancelled."""

import asyncio
from collections.abc import Sequence
import logging
from random import Random
import ssl
from typing import Protocol as TypingProtocol

from ..domain.clock import Clock
from .config import Fault, Protocol, VirtualStationConfig, VirtualStatus
from .evse import Evse
from .handlers_device import DeviceHandlers
from .handlers_evse import EvseHandlers
from .handlers_profiles import ProfileHandlers
from .jobs import Jobs
from .link import FrameObserver, Link, LinkError, open_link
from .loops import Loops, RebootNow, Sleep
from .peer import Peer, load_schemas
from .registration import Registration
from .state_teller import StateTeller
from .wakeup import Signal

_LOGGER = logging.getLogger(__name__)

VERSIONS = {Protocol.OCPP_2_1: "2.1", Protocol.OCPP_2_0_1: "2.0.1"}


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
        self._loops = Loops(self._evse, self._registration, self._changed, sleep)
        self._teller = StateTeller(self._evse, self._changed)
        self._handlers: Sequence[object] = (
            ProfileHandlers(self._evse, self._jobs),
            DeviceHandlers(self._evse, self._jobs),
            EvseHandlers(self._evse, self._registration, self._jobs),
        )
        self._jitter = Random()  # noqa: S311 - spreads dialling, no secret
        self._link: Link | None = None
        self._last_error: str | None = None
        self._failures = 0

    async def run(self) -> None:
        """Be a charging station until cancelled."""
        for protocol in self._config.protocols:
            # The package reads its schemas from files.
            await asyncio.to_thread(load_schemas, VERSIONS[protocol], self._handlers)
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

    def set_fault(self, fault: Fault, *, is_on: bool) -> None:
        """Begin or end a misbehaviour."""
        self._evse.set_fault(fault, is_on=is_on)

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
            last_error=self._last_error,
        )

    async def _tick(self) -> None:
        while True:
            self._evse.advance()
            self._observer.power_sampled(
                self._evse.path.true_power_w, self._evse.command_w
            )
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
            config.url,
            config.identity,
            self._evse.model.text("SecurityCtrlr", "BasicAuthPassword"),
            protocols=config.protocols,
            tls=self._tls,
            observer=self._observer,
        ) as link:
            peer = Peer(
                config.identity,
                link,
                version=VERSIONS[Protocol(link.protocol or "")],
                call_timeout_s=config.call_timeout_s,
                handlers=self._handlers,
            )
            self._link_up(link, peer)
            try:
                await self._talk(link, peer)
            finally:
                self._link_down()

    async def _talk(self, link: Link, peer: Peer) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(peer.start())
            tasks.create_task(self._jobs.run(peer))
            tasks.create_task(self._loops.keep_alive(link))
            tasks.create_task(self._loops.watch(peer))
            await self._loops.register(peer)
            self._failures = 0
            self._evse.log.is_online = True
            for loop in (
                self._loops.beat,
                self._loops.deliver_events,
                self._loops.attend_vehicle,
                self._loops.pull_values,
                self._teller.run,
                self._loops.tell_expired_reservations,
            ):
                tasks.create_task(loop(peer))

    def _link_up(self, link: Link, peer: Peer) -> None:
        self._link, self._last_error = link, None
        self._evse.advance()
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
        self._teller.forget()
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
