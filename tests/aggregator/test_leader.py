"""What the leader makes of a message, with nothing but bytes in and bytes out."""

import asyncio
import json
from pathlib import Path
import signal
import sys
from typing import Any

import pytest

from aggregator.authority import Authority
from aggregator.demand import DemandDesk
from aggregator.enrolment import Enrolments
from aggregator.leader import REQUEST_PERIOD_S, Leader, Term
from aggregator.mqtt_session import Inbound, Outbound
from aggregator.service import BrokerReloader
from aggregator.settings import DataDirectory, Settings
from aggregator.signing import Signer

from .fake import FakeClock
from .scripted_home import Json, make_request

HOME_KEYS = {"home-key": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
BOOT = "019ab120-0000-7000-8000-000000000007"


class Bench:
    """A leader whose wire is a list."""

    def __init__(self, directory: Path) -> None:
        self.clock = FakeClock()
        self.sent: list[Outbound] = []
        data = DataDirectory(directory)
        settings = Settings(
            region="north",
            programme_id="evening-peak",
            programme_name="Evening peak",
            broker="127.0.0.1:8883",
            enrolment="127.0.0.1:8884",
        )
        data.save_settings(settings)
        authority = Authority.create(data.authority, self.clock, "north")
        self.enrolments = Enrolments(data, settings, authority, self.clock)
        signer = Signer.load_or_create(data.signing_key)
        self.enrolments.invite("home-1", signer.public_keys)
        self.enrolments.sign_file("home-1", make_request("north--home-1")[0])
        self.enrolments.pin_keys("home-1", HOME_KEYS)
        term = Term(
            region="north",
            groups=("feeder-7",),
            epoch=3,
            heartbeat_s=5,
            reconnect_max_s=30,
            telemetry_s=10,
        )
        self.leader = Leader(
            term, self.enrolments, signer, self.clock, self.sent.append
        )
        self.leader.on_connection(True)
        self._seq = 0

    def hear(
        self,
        topic_type: str,
        kind: str,
        body: Json,
        *,
        home_id: str = "home-1",
        is_retained: bool = False,
        seq: int | None = None,
    ) -> None:
        self._seq = self._seq + 1 if seq is None else seq
        document = {
            "version": "1.0",
            "type": kind,
            "id": BOOT,
            "epoch": 1,
            "seq": self._seq,
            "ts": "2026-11-23T17:00:00.250Z",
            **body,
        }
        self.hear_bytes(
            f"v2gvpp/v1/north/{home_id}/up/{topic_type}",
            json.dumps(document).encode(),
            is_retained=is_retained,
        )

    def hear_bytes(
        self, topic: str, payload: bytes, *, is_retained: bool = False
    ) -> None:
        self.leader.on_message(
            Inbound(
                topic=topic,
                payload=payload,
                is_retained=is_retained,
                signatures=(),
                correlation=None,
                received_mono_s=self.clock.monotonic(),
                received_at=self.clock.utcnow(),
            )
        )

    def power(self, power_w: int, **how: Any) -> None:
        body: Json = {
            "power_w": power_w,
            "frequency_mhz": None,
            "command_id": None,
            "quality": "good",
            "resources": [],
        }
        self.hear("telemetry", "telemetry", body, **how)

    def state(self, status: str, **how: Any) -> None:
        body = {"status": status, "boot_id": BOOT, "connection": 1}
        self.hear("state", "state", body, **how)

    def sent_of(self, topic_type: str) -> list[Json]:
        return [
            json.loads(item.payload)
            for item in self.sent
            if item.topic.endswith(f"/dn/{topic_type}")
        ]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_homes_hear_of_us_as_soon_as_the_broker_is_there(bench: Bench) -> None:
    assert [beat["epoch"] for beat in bench.sent_of("heartbeat")] == [3]
    bench.leader.on_connection(False)
    bench.leader.beat()
    assert len(bench.sent_of("heartbeat")) == 1
    bench.leader.on_connection(True)
    assert [beat["seq"] for beat in bench.sent_of("heartbeat")] == [1, 2]
    bench.leader.is_heartbeat_enabled = False
    bench.leader.beat()
    assert len(bench.sent_of("heartbeat")) == 2


def test_a_home_that_may_not_connect_is_not_heard(bench: Bench) -> None:
    bench.power(-100, home_id="nobody")
    assert "nobody" not in bench.leader.homes
    bench.power(-100)
    assert bench.leader.home("home-1").power_w(bench.clock.monotonic()) == -100
    bench.enrolments.revoke("home-1")
    bench.power(-200)
    assert bench.leader.home("home-1").power_w(bench.clock.monotonic()) == -100
    assert bench.leader.counters["not_enrolled"] == 2


def test_what_is_retained_without_leave_is_not_believed(bench: Bench) -> None:
    bench.power(-100, is_retained=True)
    home = bench.leader.home("home-1")
    assert home.power_w(bench.clock.monotonic()) is None
    assert home.counters["retained"] == 1
    bench.state("online", is_retained=True)
    assert home.presence.status(bench.clock.monotonic()) == "online"


@pytest.mark.parametrize(
    "topic",
    [
        "v2gvpp/v1/south/home-1/up/telemetry",
        "v2gvpp/v1/north/home-1/dn/telemetry",
        "v2gvpp/v1/north/home-1/up/sextant",
        "v2gvpp/v1/north/home-1/up",
        "v2gvpp/v2/north/home-1/up/telemetry",
        "v2gvpp/v1/north/home-1/up/telemetry/more",
        "",
    ],
)
def test_other_topics_mean_nothing(bench: Bench, topic: str) -> None:
    bench.hear_bytes(topic, b"{}")
    assert bench.leader.counters["other_topic"] == 1
    assert not bench.leader.homes


def test_a_home_that_we_never_greeted_is_asked_for_its_hello(bench: Bench) -> None:
    bench.state("online", is_retained=True)
    assert [item["wanted"] for item in bench.sent_of("request")] == [["hello"]]


def test_gaps_are_asked_about_but_not_too_often(bench: Bench) -> None:
    offer = {
        "programme_id": "evening-peak",
        "is_opted_in": True,
        "clock_quality_ms": None,
        "resources": [],
    }
    for seq in (1, 3, 5):
        bench.hear("offer", "offer", offer, seq=seq)
    assert len(bench.sent_of("request")) == 1
    bench.clock.pass_s(REQUEST_PERIOD_S)
    bench.hear("offer", "offer", offer, seq=7)
    assert len(bench.sent_of("request")) == 2
    # Telemetry has no memory worth asking for.
    bench.clock.pass_s(REQUEST_PERIOD_S)
    bench.power(-1, seq=20)
    bench.power(-1, seq=30)
    assert len(bench.sent_of("request")) == 2


def test_old_telemetry_is_no_present_power(bench: Bench) -> None:
    bench.power(-100)
    home = bench.leader.home("home-1")
    bench.clock.pass_s(29)
    assert home.power_w(bench.clock.monotonic()) == -100
    bench.clock.pass_s(2)
    assert home.power_w(bench.clock.monotonic()) is None


def test_only_what_still_holds_is_allocated(bench: Bench) -> None:
    site = {
        "lowest_w": -5000,
        "highest_w": 5000,
        "deliverable_wh": 9000,
        "absorbable_wh": 9000,
    }
    resource = {
        "resource": "CS1/1",
        "dead_band_w": 1380,
        "until": "2026-11-23T17:15:00.000Z",
        "why": [],
    }
    offer = {
        "programme_id": "evening-peak",
        "is_opted_in": True,
        "clock_quality_ms": 1,
        "resources": [],
    }
    desk = DemandDesk(bench.leader)
    bench.state("online")
    assert desk.units() == []
    bench.hear("offer", "offer", offer)
    assert desk.units() == []
    availability = {"resources": [{**site, **resource}], "site": site}
    bench.hear("availability", "availability", availability)
    (unit,) = desk.units()
    assert (unit.lowest_w, unit.dead_band_w) == (-5000, 1380)
    bench.clock.pass_s(15 * 60)
    assert desk.units() == []


def test_a_welcome_says_everything_that_this_term_asks_of_a_home(
    bench: Bench,
) -> None:
    body = {
        "versions": ["1.3", "1.0"],
        "features": ["setpoint", "start_spread", "unheard_of"],
        "boot_id": BOOT,
        "connection": 1,
        "signing_keys": HOME_KEYS,
    }
    bench.hear("hello", "hello", body)
    (welcome,) = bench.sent_of("welcome")
    assert welcome["chosen_version"] == "1.0"
    assert welcome["features"] == ["setpoint", "start_spread"]
    assert welcome["heartbeat_period_s"] == 5
    assert welcome["telemetry_period_s"] == 10
    assert welcome["reconnect_max_s"] == 30
    assert welcome["groups"] == ["feeder-7"]
    assert welcome["signing_keys"] == bench.leader.signer.public_keys
    assert bench.leader.home("home-1").counters["other_keys"] == 0


def test_other_signing_keys_in_a_hello_are_noticed_and_not_believed(
    bench: Bench,
) -> None:
    body = {
        "versions": ["1.0"],
        "features": [],
        "boot_id": BOOT,
        "connection": 1,
        "signing_keys": {"other": HOME_KEYS["home-key"]},
    }
    bench.hear("hello", "hello", body)
    assert bench.leader.home("home-1").counters["other_keys"] == 1
    assert bench.enrolments.get("home-1").signing_keys == HOME_KEYS


async def test_a_stale_process_id_is_never_signalled(tmp_path: Path) -> None:
    other = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert other.stdout is not None
        await other.stdout.readline()
        pid_file = tmp_path / "broker.pid"
        pid_file.write_text(f"{other.pid}\n")
        await BrokerReloader(pid_file).reload()
        await BrokerReloader(tmp_path / "none.pid").reload()
    finally:
        other.kill()
        await other.communicate()
    # SIGHUP would have ended it before we did.
    assert other.returncode == -signal.SIGKILL
