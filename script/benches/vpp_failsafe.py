"""A lost broker in virtual time: the part "fail-safe" of the VPP benchmark.

Real are the home, its listener on a socket, the virtual station at the other end of it,
the gate with its signatures and the watchdog; they share one clock that is moved. Not
real is the broker: its loss is that nothing is heard any more. ``vpp_lost_broker`` has
a real one, in real time.

Each charger is proven by the real self-test first, so the watchdog knows of it only what
was learnt. The moment of the loss is swept over the period in which the setpoint is
written again, and the watchdog has the longest wait that any home may have.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count, product
import json
from typing import override

from custom_components.v2g_vpp.domain.capability import (
    DIALECT_TIMING,
    DischargeDialect,
    Fingerprint,
)
from custom_components.v2g_vpp.domain.dispatch import AckStatus, DispatchAck
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.ports import ProgrammePort
from custom_components.v2g_vpp.domain.snapshot import SiteSnapshot
from custom_components.v2g_vpp.pki.signing import Ed25519Signer, verify_signature
from custom_components.v2g_vpp.site.spread import spread_of
from custom_components.v2g_vpp.virtual.config import Protocol
from custom_components.v2g_vpp.virtual.plant import FAST, SLOW, TYPICAL, PlantParameters
from custom_components.v2g_vpp.vpp.clock_check import ClockCheck, Now
from custom_components.v2g_vpp.vpp.dispatching import Dispatching
from custom_components.v2g_vpp.vpp.gate import Gate
from custom_components.v2g_vpp.vpp.memory import GateMemory
from custom_components.v2g_vpp.vpp.scripted_leader import (
    ScriptedCommand,
    ScriptedLeader,
)
from custom_components.v2g_vpp.vpp.signing import KeyRing
from custom_components.v2g_vpp.vpp.topics import Topics
from script.rig.measured import zero_export_w
from tests.e2e.loopback_time import LoopbackTimeLoop
from tests.e2e.virtual_home import KEY, TICK_S, VirtualHome
from tests.fakes import FakeClock

PROMISE_S = 30.0
"""0 W by then, counted from the last valid heartbeat (contract, rule 12)."""

DISPATCH_W = -10_000.0
RATING_W = 11_000.0
ZERO_W = zero_export_w(RATING_W)
HEARTBEAT_S = 5.0
COMMAND_S = 600.0
FROZEN_NOTICED_S = 20.0
"""Twice the keepalive: when MQTT notices that a frozen broker is one."""

STILL_S = 0.5
"""Before the end of the transaction is asked for: the next case goes on with it."""

LATEST_S = 60.0
"""What is not 0 W by then is a miss of this much."""

PLANTS = {"fast": FAST, "typical": TYPICAL, "slow": SLOW}
DIALECTS = {
    "v21_dynamic": (Protocol.OCPP_2_1, DischargeDialect.V21_DYNAMIC),
    "v21_schedule": (Protocol.OCPP_2_1, DischargeDialect.V21_SCHEDULE),
    "neg_limit_201": (Protocol.OCPP_2_0_1, DischargeDialect.NEG_LIMIT_W),
    "neg_limit_16": (Protocol.OCPP_1_6, DischargeDialect.NEG_LIMIT_W),
}
type Pair = tuple[str, str]
"""Plant and dialect, by their names."""

LOSSES = ("lost", "frozen")
WRITES = frozenset({"SetChargingProfile", "UpdateDynamicSchedule"})


def slowest_programme() -> ProgrammeId:
    """Return a programme whose home waits as long as any home may."""
    names = (ProgrammeId(f"programme-{number}") for number in count())
    return next(name for name in names if spread_of(name) > 0.999)


PROGRAMME = slowest_programme()


@dataclass(slots=True)
class Watcher:
    """What the station truly does, at the times of the shared clock."""

    monotonic: Callable[[], float]
    write_mono_s: float = 0.0
    """When the last call with a setpoint came in."""

    export_mono_s: float = 0.0
    """When power was last seen to flow out of the vehicle."""

    def frame_received(self, text: str) -> None:
        """Note a write."""
        frame = json.loads(text)
        if frame[0] == 2 and frame[2] in WRITES:
            self.write_mono_s = self.monotonic()

    def frame_sent(self, text: str) -> None:
        """Ignore it."""

    def link_changed(self, *, is_up: bool) -> None:
        """Ignore it."""

    def power_sampled(self, true_power_w: float, commanded_w: float) -> None:
        """Note an export."""
        if true_power_w < -ZERO_W:
            self.export_mono_s = self.monotonic()


@dataclass(slots=True)
class SignedProgramme(ProgrammePort):
    """An aggregator without a broker: signed frames through the real gate."""

    home: VirtualHome
    acks: list[DispatchAck] = field(default_factory=list)
    is_beating: bool = False
    beat_mono_s: float = 0.0
    _snapshot: SiteSnapshot | None = None
    _check: ClockCheck = field(default_factory=ClockCheck)
    _leader: ScriptedLeader = field(init=False)
    _dispatching: Dispatching = field(init=False)

    def __post_init__(self) -> None:
        """Put a gate in front of the home."""
        topics = Topics(region="north", home_id="home-1")
        signer = Ed25519Signer(b"a" * 32)
        self._leader = ScriptedLeader(topics, signer, self.home.clock)
        gate = Gate(
            topics=topics,
            programme_id=PROGRAMME,
            keys=KeyRing(self._leader.keys, verify_signature),
            memory=GateMemory(),
            present_w=lambda _resource: None,
        )
        self._dispatching = Dispatching(
            gate, self.home.site, self.acks.append, lambda: self._snapshot
        )

    @override
    def send_ack(self, ack: DispatchAck) -> None:
        self._dispatching.tell(ack)

    @override
    def publish(self, snapshot: SiteSnapshot) -> None:
        self._snapshot = snapshot

    async def live(self) -> None:
        """Send a heartbeat every five seconds, unless it is lost."""
        while True:
            if self.is_beating:
                self.beat()
            await asyncio.sleep(HEARTBEAT_S)

    def beat(self) -> None:
        """Send a heartbeat now."""
        beat = self._dispatching.take_heartbeat(self._leader.heartbeat(), self._now())
        if beat is None:
            raise RuntimeError("the gate takes no heartbeat")
        self.beat_mono_s = beat.sent_mono_s
        self.home.site.heartbeat_seen(PROGRAMME, beat.sent_mono_s)

    def command(self, power_w: float) -> DispatchAck:
        """Send a setpoint and return its verdict."""
        command_id, frame = self._leader.command(
            ScriptedCommand(resource=KEY, power_w=power_w, duration_s=COMMAND_S)
        )
        self._dispatching.take_command(frame, self._now())
        return next(ack for ack in self.acks if ack.order_id == command_id)

    def _now(self) -> Now:
        mono_s, now = self.home.clock.monotonic(), self.home.clock.utcnow()
        self._check.add(
            asked_mono_s=mono_s, received_at=now, sent_at=now, answered_mono_s=mono_s
        )
        return self._check.now(mono_s, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One loss and what came of it."""

    loss: str
    phase: float
    """Share of the refresh period between the last write and the last heartbeat."""

    zero_s: float
    """From the last heartbeat to the end of all export."""

    committed_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """All losses of one charger in one dialect."""

    pair: Pair
    cases: tuple[Case, ...]
    fingerprint: Fingerprint
    """As the self-test learnt it."""

    @property
    def worst_s(self) -> float:
        """Return the longest time to 0 W."""
        return max(case.zero_s for case in self.cases)


def sweep(pair: Pair, phases: int) -> Swept:
    """Lose and freeze the broker of one home at every phase, in a loop of its own."""
    with asyncio.Runner(loop_factory=lambda: LoopbackTimeLoop(FakeClock())) as runner:
        return runner.run(_sweep(pair, phases))


async def _sweep(pair: Pair, phases: int) -> Swept:
    plant, dialect = pair
    loop = asyncio.get_running_loop()
    watcher = Watcher(loop.time)
    protocol, spoken = DIALECTS[dialect]
    home = make_home(PLANTS[plant], protocol, spoken, watcher)
    async with home:
        await home.plug()
        await home.prove()
        await home.policy(mode=Mode.OFF, max_discharge_power_w=RATING_W)
        fingerprint = home.evse.fingerprint
        programme = SignedProgramme(home)
        home.site.add_programme(PROGRAMME, programme)
        beating = asyncio.create_task(programme.live())
        refresh_s = DIALECT_TIMING[spoken].refresh_s
        cases = []
        for loss, number in product(LOSSES, range(phases)):
            phase = number / phases
            committed_w = await _discharge(home, programme)
            zero_s = await _lose(home, programme, watcher, loss, phase * refresh_s)
            cases.append(
                Case(
                    loss=loss,
                    phase=phase,
                    zero_s=round(zero_s, 2),
                    committed_w=committed_w,
                )
            )
        beating.cancel()
    return Swept(pair=pair, cases=tuple(cases), fingerprint=fingerprint)


def make_home(
    plant: PlantParameters,
    protocol: Protocol,
    dialect: DischargeDialect,
    watcher: Watcher,
) -> VirtualHome:
    """Return a home whose charger may do all that it can."""
    return VirtualHome(
        protocol,
        dialect,
        max_discharge_power_w=RATING_W,
        observer=watcher,
        takes_negative_limits=True,
        plant=plant,
    )


async def _discharge(home: VirtualHome, programme: SignedProgramme) -> float:
    """Bring the link to trust and a command to the plant; return what it commits to."""
    home.station.set_soc(70.0)
    home.site.link_changed(PROGRAMME, is_connected=True)
    programme.is_beating = True
    # Three good heartbeats after a fail-safe, and one to spare.
    await asyncio.sleep(4 * HEARTBEAT_S)
    ack = programme.command(DISPATCH_W)
    if ack.status is not AckStatus.ACCEPTED or not ack.committed_w:
        raise RuntimeError(f"not followed: {ack}")
    committed_w = ack.committed_w
    await home.until(lambda: home.power_w < 0.9 * committed_w, 60, "the dispatch")
    # Full speed ahead, the slow trim of the offset included.
    await asyncio.sleep(4 * HEARTBEAT_S)
    return committed_w


async def _lose(
    home: VirtualHome,
    programme: SignedProgramme,
    watcher: Watcher,
    loss: str,
    after_write_s: float,
) -> float:
    """Lose the broker at a moment after a write; return when export ended, s."""
    clock, begin = home.clock, watcher.write_mono_s
    await home.until(lambda: watcher.write_mono_s > begin, 60, "a write")
    await asyncio.sleep(watcher.write_mono_s + after_write_s - clock.monotonic())
    programme.is_beating = False
    programme.beat()
    lost_mono_s = programme.beat_mono_s
    if loss == "lost":
        home.site.link_changed(PROGRAMME, is_connected=False)
    else:
        await asyncio.sleep(FROZEN_NOTICED_S)
        home.site.link_changed(PROGRAMME, is_connected=False)
    waited_s = clock.monotonic() - lost_mono_s
    await asyncio.sleep(PROMISE_S - STILL_S - waited_s)
    while home.power_w < -ZERO_W:
        if clock.monotonic() - lost_mono_s > LATEST_S:
            return LATEST_S
        await asyncio.sleep(TICK_S)
    return watcher.export_mono_s - lost_mono_s
