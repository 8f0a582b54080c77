"""A leader whose wire is a list, and homes that answer as a test tells them."""

from collections.abc import Callable
from datetime import timedelta
import json
from pathlib import Path
from typing import Any

from aggregator.authority import Authority
from aggregator.codec import format_timestamp
from aggregator.enrolment import Enrolments
from aggregator.errors import NotConnectedError
from aggregator.follower import Follower
from aggregator.homes import Frame, Home
from aggregator.leader import Leader, Term
from aggregator.messages import (
    Ack,
    Availability,
    Fingerprint,
    Offer,
    ResourceAvailability,
    ResourceOffer,
    SiteAvailability,
    State,
    Telemetry,
)
from aggregator.mqtt_session import Outbound
from aggregator.series import Series
from aggregator.settings import DataDirectory, Settings
from aggregator.signing import Signer

from .fake import FakeClock

type Json = dict[str, Any]
type Answer = Callable[[Json], tuple[str, str, int] | None]
"""(status, code, committed W) for a command; None says nothing."""

BOOT = "019ab120-0000-7000-8000-000000000007"


def obey(command: Json) -> tuple[str, str, int]:
    return "active", "OK", command["power_w"]


class Fleet:
    """A leader whose wire is a list, and homes that answer as they are told."""

    def __init__(self, directory: Path, names: list[str]) -> None:
        self.clock = FakeClock()
        self.outbox: list[Outbound] = []
        self.is_cut = False
        data = DataDirectory(directory)
        settings = Settings(region="north", programme_id="p", programme_name="P")
        data.save_settings(settings)
        authority = Authority.create(data.authority, self.clock, "north")
        term = Term(
            region="north",
            groups=(),
            epoch=3,
            heartbeat_s=5,
            reconnect_max_s=None,
            telemetry_s=10,
        )
        self.leader = Leader(
            term,
            Enrolments(data, settings, authority, self.clock),
            Signer.load_or_create(data.signing_key),
            self.clock,
            self._publish,
        )
        self.leader.is_connected = True
        self.follower = Follower(self.leader, self.clock)
        self.answers: dict[str, Answer] = {}
        self.power_w: dict[str, int] = {}
        self.ends: dict[str, str] = {}
        self.commands: list[tuple[str, Json]] = []
        self._open: dict[str, str] = {}
        for name in names:
            self.join(name)

    def _publish(self, outbound: Outbound) -> None:
        if self.is_cut:
            raise NotConnectedError("away")
        self.outbox.append(outbound)

    def envelope(self) -> Json:
        now = self.clock.utcnow()
        return {"version": "1.0", "id": BOOT, "epoch": 1, "seq": 1, "ts": now}

    def join(
        self,
        name: str,
        *,
        power_w: int = 10_000,
        wh: int = 50_000,
        interval_s: float = 0,
        answer: Answer = obey,
    ) -> Home:
        home = Home(home_id=name)
        home.presence.note(
            State(**self.envelope(), status="online", boot_id=BOOT, connection=1), 0
        )
        plant = Fingerprint(
            dead_time_s=4, ramp_w_per_s=3_300, resolution_w=230, is_measured=True
        )
        resource = ResourceOffer(
            resource="CS1/1",
            max_charge_power_w=power_w,
            max_discharge_power_w=power_w,
            minimum_power_w=1_380,
            fingerprint=plant,
            setpoint_interval_s=interval_s,
            deadman_s=60,
            failsafe_s=30,
            guarantee="station_proven",
            metering_point="evse",
            meter_class="mid_b",
        )
        home.offer = Offer(
            **self.envelope(),
            programme_id="p",
            is_opted_in=True,
            clock_quality_ms=5,
            resources=(resource,),
        )
        figures = {
            "lowest_w": -power_w,
            "highest_w": power_w,
            "deliverable_wh": wh,
            "absorbable_wh": wh,
        }
        home.availability = Availability(
            **self.envelope(),
            resources=(
                ResourceAvailability(
                    resource="CS1/1",
                    dead_band_w=0,
                    until=self.clock.utcnow() + timedelta(days=1),
                    why=(),
                    **figures,
                ),
            ),
            site=SiteAvailability(**figures),
        )
        self.leader.homes[name] = home
        self.answers[name] = answer
        return home

    def leave(self, name: str) -> None:
        self.leader.homes[name].presence.forget()
        self.power_w.pop(name, None)

    def follow(self, *points: tuple[float, float]) -> None:
        self.follower.follow(Series.of(points))

    def second(self, seconds: int = 1) -> None:
        """Let seconds pass: a step, everything sent, every answer heard."""
        for _ in range(seconds):
            self.follower.step()
            self.follower.send(1_000)
            self.hear()
            self.leader.dispatcher.resend_unanswered()
            self.clock.pass_s(1)
            self._let_end()

    def _let_end(self) -> None:
        now = format_timestamp(self.clock.utcnow())
        for name in [name for name, end in self.ends.items() if end <= now]:
            del self.ends[name]
            self.ack(name, self._open.pop(name), "done", "OK", 0)
            self.power_w.pop(name, None)

    def hear(self) -> None:
        sent, self.outbox = self.outbox, []
        for outbound in sent:
            name, topic_type = (
                outbound.topic.split("/")[3],
                outbound.topic.split("/")[5],
            )
            document = json.loads(outbound.payload)
            if topic_type == "command":
                self.commands.append((name, document))
                self._take(name, document)
            elif topic_type == "cancel":
                self._end(name, document)

    def _take(self, name: str, command: Json) -> None:
        answer = self.answers[name](command)
        if answer is None:
            return
        status, code, committed_w = answer
        if status != "rejected":
            if name in self._open:
                self.ack(name, self._open[name], "superseded", "OK", 0)
            self._open[name] = command["id"]
            self.power_w[name], self.ends[name] = committed_w, command["end"]
        self.ack(name, command["id"], status, code, committed_w)

    def _end(self, name: str, cancel: Json) -> None:
        command_id = self._open.pop(name, None)
        if command_id is not None:
            self.ack(name, command_id, "cancelled", "OK", 0)
        self.power_w.pop(name, None)
        self.ends.pop(name, None)
        self.ack(name, cancel["id"], "accepted", "OK", 0)

    def ack(
        self, name: str, command_id: str, status: str, code: str, committed_w: int
    ) -> None:
        answer = Ack(
            **self.envelope(),
            command_id=command_id,
            status=status,
            code=code,
            committed_w=committed_w,
            binding=(),
        )
        self.leader.dispatcher.note_ack(name, answer, self.clock.monotonic())

    def measure(self, name: str, power_w: int, command_id: str | None) -> None:
        telemetry = Telemetry(
            **self.envelope(),
            power_w=power_w,
            frequency_mhz=None,
            command_id=command_id,
            quality="good",
            resources=(),
        )
        self.leader.homes[name].frames.append(
            Frame(telemetry=telemetry, received_mono_s=self.clock.monotonic())
        )

    @property
    def total_w(self) -> int:
        return sum(self.power_w.values())
