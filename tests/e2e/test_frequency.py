"""A droop from an aggregator's codec to the watts of a station, and back."""

import asyncio
from datetime import timedelta
from typing import Any
import uuid

from aggregator import messages
from aggregator.codec import encode
from custom_components.v2g_vpp.control.droop import support_power_w
from custom_components.v2g_vpp.domain.capability import Fingerprint
from custom_components.v2g_vpp.domain.dispatch import AckCode, AckStatus, DispatchAck
from custom_components.v2g_vpp.domain.frequency_response import (
    Droop,
    SupportRefusal,
)
from custom_components.v2g_vpp.domain.grid_profile import EN50549_50HZ
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.pki.signing import verify_signature
from custom_components.v2g_vpp.virtual.config import Protocol
from custom_components.v2g_vpp.vpp.clock_check import ClockCheck
from custom_components.v2g_vpp.vpp.dispatching import Dispatching
from custom_components.v2g_vpp.vpp.gate import Frame, Gate
from custom_components.v2g_vpp.vpp.memory import GateMemory
from custom_components.v2g_vpp.vpp.reporting import describe_offer, describe_telemetry
from custom_components.v2g_vpp.vpp.signing import KeyRing
from custom_components.v2g_vpp.vpp.topics import DownType
from tests.e2e.loopback_time import in_loopback_time
from tests.e2e.virtual_home import KEY, VirtualHome
from tests.site.programme import RecordingProgramme
from tests.vpp.actors import AGGREGATOR, PROGRAMME, TOPICS, Pen

WIRE_DROOP = messages.Droop(nominal_mhz=50_000, dead_band_mhz=10, power_w_per_hz=20_000)
DROOP = Droop(nominal_hz=50.0, dead_band_hz=0.01, power_w_per_hz=20_000.0)
"""The same. The meter of the station has 10 mHz of noise, which is 200 W here."""


class Aggregator:
    """The real codec on one side, the real gate on the other."""

    def __init__(self, home: VirtualHome) -> None:
        self.home, self.seq = home, 0
        self.acks: list[DispatchAck] = []
        self.programme = RecordingProgramme(acks=self.acks)
        home.site.add_programme(ProgrammeId(PROGRAMME), self.programme)
        home.site.link_changed(ProgrammeId(PROGRAMME), is_connected=True)
        gate = Gate(
            topics=TOPICS,
            programme_id=ProgrammeId(PROGRAMME),
            keys=KeyRing({"agg-1": AGGREGATOR.public_key}, verify_signature),
            memory=GateMemory(),
            present_w=lambda _: home.evse.setpoint.power_w,
        )
        self.desk = Dispatching(
            gate, home.site, self.acks.append, lambda: home.site.snapshot
        )
        self.check = ClockCheck()
        self.pen = Pen(home.clock.utcnow)
        home._spawn(self._beat(), "heartbeats")

    def command(self, **body: Any) -> DispatchAck:
        """Send a command; return the last answer."""
        now = self.home.clock.utcnow()
        command = messages.Command(
            **self._envelope(), start=now, end=now + timedelta(minutes=30), **body
        )
        frame = self._frame(DownType.COMMAND, encode(command))
        self.desk.take_command(frame, self._now())
        return self.acks[-1]

    async def _beat(self) -> None:
        while True:
            clock = self.home.clock
            self.check.add(
                asked_mono_s=clock.monotonic(),
                received_at=clock.utcnow(),
                sent_at=clock.utcnow(),
                answered_mono_s=clock.monotonic(),
            )
            beat = encode(messages.Heartbeat(**self._envelope()))
            frame = self._frame(DownType.HEARTBEAT, beat)
            heard = self.desk.take_heartbeat(frame, self._now())
            assert heard is not None
            self.home.site.heartbeat_seen(ProgrammeId(PROGRAMME), heard.sent_mono_s)
            await asyncio.sleep(5.0)

    def _now(self) -> Any:
        clock = self.home.clock
        return self.check.now(clock.monotonic(), clock.utcnow())

    def _envelope(self) -> dict[str, Any]:
        self.seq += 1
        return {
            "version": messages.VERSION,
            "id": str(uuid.uuid7()),
            "epoch": 1,
            "seq": self.seq,
            "ts": self.home.clock.utcnow(),
        }

    def _frame(self, kind: DownType, payload: bytes) -> Frame:
        topic = TOPICS.down(kind)
        return Frame(
            topic=topic,
            payload=payload,
            signatures=(self.pen.sign(topic, payload),),
            is_retained=False,
        )


def features(home: VirtualHome) -> tuple[str, ...]:
    offer = describe_offer(home.site.snapshot, ProgrammeId(PROGRAMME), None)
    return offer.resources[0].features


def refusal(home: VirtualHome) -> SupportRefusal | None:
    return home.evse.support_refusal


@in_loopback_time
async def test_a_droop_moves_a_station_with_the_grid(socket_enabled: None) -> None:
    async with VirtualHome(Protocol.OCPP_2_1) as home:
        aggregator = Aggregator(home)
        await home.plug()
        await home.grant()
        await home.policy(mode=Mode.OFF)
        await home.run(30)
        droop = {"kind": messages.CommandKind.DROOP, "droop": WIRE_DROOP}
        assert refusal(home) is SupportRefusal.NO_PROFILE
        assert features(home) == ()
        assert aggregator.command(**droop).code is AckCode.UNSUPPORTED

        home.site.use_grid_profile(EN50549_50HZ)
        await home.run(3)
        # Of the self-test alone: its small step tells little of the ramp.
        assert refusal(home) is SupportRefusal.TOO_SLOW
        learnt = Fingerprint(dead_time_s=1.0, ramp_w_per_s=3_000.0, is_learnt=True)
        home.site._registry.evses[KEY].learner.adopt(learnt)
        await home.run(3)
        assert features(home) == ("curve", "droop")
        tried = aggregator.command(**droop, dry_run=True)
        assert (tried.status, tried.code) == (AckStatus.ACCEPTED, AckCode.OK)
        assert home.site.snapshot.programmes[0].order is None

        assert aggregator.command(**droop).status is AckStatus.ACCEPTED
        for frequency_hz in (49.8, 50.17, 49.85):
            home.station.set_grid_frequency(frequency_hz)
            await home.run(20)
            # What falls, falls at once: noise is followed on its quiet side.
            wanted_w = support_power_w(DROOP, frequency_hz)
            assert abs(home.power_w - wanted_w) <= 500, (frequency_hz, home.power_w)
            now_s = home.clock.monotonic()
            told = describe_telemetry(
                home.site.snapshot, ProgrammeId(PROGRAMME), now_s
            ).frequency_hz
            assert told is not None
            assert abs(told - frequency_hz) < 0.05
        home.station.set_grid_frequency(50.0)
        await home.until(lambda: home.is_at_rest, 10, "rest at 50 Hz")
