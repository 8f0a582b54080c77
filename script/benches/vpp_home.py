"""A home of the VPP benchmark in real time, behind a real broker.

Its site, its listener, its link and the virtual station run in the process of the
benchmark and talk over sockets; the broker is a process of its own.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from custom_components.v2g_vpp.domain.capability import DischargeDialect, Fingerprint
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.system_clock import SystemClock
from custom_components.v2g_vpp.virtual.config import Protocol
from custom_components.v2g_vpp.virtual.observer import StationObserver
from custom_components.v2g_vpp.virtual.plant import FAST, PlantParameters
from script.benches.vpp_failsafe import HEARTBEAT_S, PROGRAMME, RATING_W
from script.rig.broker import Broker
from tests.e2e.virtual_home import KEY, VirtualHome
from tests.vpp.rig import Certificates, Rig, run_blocking


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedHome:
    """A home whose charger may discharge, and who stands at the other end."""

    home: VirtualHome
    rig: Rig
    broker: Broker


@dataclass(frozen=True, slots=True, kw_only=True)
class Charger:
    """What stands in the home."""

    plant: PlantParameters
    protocol: Protocol
    dialect: DischargeDialect
    fingerprint: Fingerprint
    """What the self-test learnt of it: nobody waits for a self-test here."""


FAST_CHARGER = Charger(
    plant=FAST,
    protocol=Protocol.OCPP_2_1,
    dialect=DischargeDialect.V21_DYNAMIC,
    fingerprint=Fingerprint(
        dead_time_s=1.0, ramp_w_per_s=860.0, offset_discharge_w=150.0, is_learnt=True
    ),
)
"""With the fingerprint that its self-test learns."""


async def send_heartbeats(linked: LinkedHome) -> None:
    """Send a heartbeat every five seconds, until cancelled."""
    while True:
        linked.rig.aggregator.heartbeat()
        await asyncio.sleep(HEARTBEAT_S)


@asynccontextmanager
async def linked_home(
    directory: Path, charger: Charger, observer: StationObserver
) -> AsyncIterator[LinkedHome]:
    """Yield a home that is linked, plugged, and may discharge all that it can."""
    certificates = Certificates(SystemClock())
    await asyncio.to_thread(directory.mkdir)
    home = VirtualHome(
        charger.protocol,
        charger.dialect,
        max_discharge_power_w=RATING_W,
        clock=SystemClock(),
        observer=observer,
        takes_negative_limits=True,
        plant=charger.plant,
    )
    with Broker(directory, certificates.write_broker_files(directory)) as broker:
        async with home:
            await home.plug()
            await home.grant()
            home.site._registry.evses[KEY].learner.adopt(charger.fingerprint)  # noqa: SLF001 - in place of a self-test
            await home.policy(mode=Mode.OFF, max_discharge_power_w=RATING_W)
            rig = Rig(broker, certificates, home.site)
            try:
                await rig.aggregator.connect(run_blocking)
                link = rig.make_link(programme_id=PROGRAMME)
                home.site.add_programme(PROGRAMME, link)
                await link.start()
                await rig.synchronised()
                yield LinkedHome(home=home, rig=rig, broker=broker)
            finally:
                await rig.stop()
