"""A station and a CSMS that a test scripts, on a real loopback WebSocket."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from custom_components.v2g_vpp.virtual.config import VirtualStationConfig
from custom_components.v2g_vpp.virtual.observer import StationObserver
from custom_components.v2g_vpp.virtual.plant import IDEAL
from custom_components.v2g_vpp.virtual.station import VirtualStation

from .fake_clock import REAL_TIMEOUT_S, FakeClock, until
from .scripted_csms import ScriptedCsms

TOKEN = {"idToken": "HA", "type": "Central"}

CONFIG = VirtualStationConfig(
    url="",
    identity="CS 1",
    password="correct horse battery",
    plant=IDEAL,
    startup_s=0.0,
    reboot_s=0.5,
    reconnect_min_s=1.0,
    reconnect_max_s=8.0,
    tick_s=0.25,
    call_timeout_s=5.0,
)


class Rig:
    """One station, its CSMS and the time of both."""

    def __init__(self, csms: ScriptedCsms) -> None:
        self.csms = csms
        self.clock = FakeClock()
        self.config = CONFIG
        self._links = 0
        self._running: asyncio.Task[None] | None = None
        self._station: VirtualStation | None = None

    @property
    def station(self) -> VirtualStation:
        assert self._station is not None, "not started"
        return self._station

    @property
    def true_w(self) -> float:
        return self.station.status().true_power_w

    async def start(
        self,
        *,
        is_accepted: bool = True,
        observer: StationObserver | None = None,
        **changes: Any,
    ) -> None:
        """Build the station and run it until it is registered."""
        if not self.csms.url:
            await self.csms.start()
        self.config = replace(self.config, url=self.csms.url, **changes)
        self._station = VirtualStation(
            self.config, self.clock, sleep=self.clock.sleep, observer=observer
        )
        self._running = asyncio.create_task(self._station.run())
        if is_accepted:
            await until(lambda: self.station.status().is_registered, "registration")
            self._links = 1

    async def plug(self) -> str:
        """Plug the EV in and return the id of its transaction, ready for power."""
        self.station.plug()
        await self.clock.advance(0.5)
        await self.csms.came("NotifyEVChargingNeeds")
        await until(
            lambda: self.station.status().is_contactor_closed, "closed contactor"
        )
        transaction_id = self.station.status().transaction_id
        assert transaction_id is not None
        return transaction_id

    async def discharge(self, power_w: float = -5000.0, **changes: Any) -> str:
        """Plug in, install the floor and bring the power to a setpoint."""
        transaction_id = await self.plug()
        answer = await self.csms.call("SetChargingProfile", floor())
        assert answer == {"status": "Accepted"}
        answer = await self.csms.call(
            "SetChargingProfile", central(transaction_id, power_w, **changes)
        )
        assert answer == {"status": "Accepted"}
        await self.clock.advance(4)
        assert self.true_w == power_w
        return transaction_id

    async def all_told(self) -> None:
        """Return when the CSMS has answered every event."""
        await until(lambda: self.station.status().queued_events == 0, "empty queue")

    async def wait(self, is_so: Callable[[], object], step_s: float = 1.0) -> float:
        """Let time pass until something is so; return how long that took, s.

        For what sockets and sleeps of the station decide together.
        """
        start_mono_s = self.clock.monotonic()
        async with asyncio.timeout(REAL_TIMEOUT_S):
            while not is_so():
                await self.clock.advance(step_s)
                await asyncio.sleep(0.01)
        return self.clock.monotonic() - start_mono_s

    async def reconnect(self) -> None:
        """Let the back-off pass and wait for the next link."""
        async with asyncio.timeout(REAL_TIMEOUT_S):
            while (
                self.csms.connections <= self._links
                or not self.station.status().is_connected
            ):
                await self.clock.advance(0.5)
                await asyncio.sleep(0.01)
        self._links = self.csms.connections

    async def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
        await self.csms.stop()


def central(
    transaction_id: str, setpoint_w: float, duration_s: int = 20, **values: Any
) -> dict[str, Any]:
    """Return a dynamic CentralSetpoint profile."""
    return {
        "evseId": 1,
        "chargingProfile": {
            "id": 1001,
            "stackLevel": 10,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Dynamic",
            "transactionId": transaction_id,
            **values,
            "chargingSchedule": [
                {
                    "id": 1,
                    "chargingRateUnit": "W",
                    "duration": duration_s,
                    "chargingSchedulePeriod": [
                        {
                            "startPeriod": 0,
                            "operationMode": "CentralSetpoint",
                            "setpoint": setpoint_w,
                        }
                    ],
                }
            ],
        },
    }


def floor(limit_w: float = 0.0) -> dict[str, Any]:
    """Return the profile that is left when all others are gone."""
    return {
        "evseId": 0,
        "chargingProfile": {
            "id": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": [
                {
                    "id": 1,
                    "chargingRateUnit": "W",
                    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit_w}],
                }
            ],
        },
    }


async def connector_states(rig: Rig, *wanted: str) -> None:
    """Wait until the connector told just these states since the station's start.

    The first is told after the registration: a test that names it waits for it before
    it plugs anything in.
    """
    await until(
        lambda: rig.csms.states("Connector", "AvailabilityState") == list(wanted),
        f"connector states {wanted}",
    )


@pytest.fixture
async def rig(socket_enabled: None) -> AsyncIterator[Rig]:
    """Give a station that is not started yet."""
    rig = Rig(ScriptedCsms())
    yield rig
    await rig.stop()
