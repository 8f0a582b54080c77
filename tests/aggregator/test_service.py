"""The whole aggregator against a real broker, TLS 1.3 and client certificates."""

import asyncio
from datetime import UTC, datetime
import json
import time
from typing import cast

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
import pytest

from aggregator.service import _closed

from .conftest import Rig
from .scripted_home import ScriptedHome, make_request

DISCHARGE = {"kind": "setpoint", "power_w": -5000, "duration_s": 600}


async def test_a_command_reaches_the_home_and_its_acks_come_back(rig: Rig) -> None:
    home = await rig.online()
    sent = await rig.call(
        "POST", "/api/homes/home-1/command", {**DISCHARGE, "event_id": "peak"}
    )
    command, message = await home.receive("command")

    assert command["id"] == sent["command_id"]
    assert command["power_w"] == -5000
    assert command["event_id"] == "peak"
    assert message.qos == 1
    assert not message.retain
    assert 1 <= message.properties.MessageExpiryInterval <= 12

    home.ack(command["id"], "accepted", committed_w=-4800)
    home.ack(command["id"], "active", committed_w=-4800)
    home.telemetry(-4790, command["id"])
    view = await rig.until("home-1", lambda view: view["power_w"] == -4790)

    assert [ack["status"] for ack in view["acks"]] == ["accepted", "active"]
    assert view["commanded_w"] == -4800
    for ack in view["acks"]:
        assert sent["published_t_mono"] < ack["t_mono"] <= time.monotonic()
    assert view["commands"][0]["first_ack_ms"] < 1000

    await rig.call("POST", "/api/homes/home-1/cancel", {"command_id": command["id"]})
    cancel, _ = await home.receive("cancel")
    assert cancel["command_id"] == command["id"]
    home.ack(cancel["id"], "accepted")
    home.ack(command["id"], "cancelled")
    view = await rig.until("home-1", lambda view: view["commanded_w"] == 0)
    assert [item["status"] for item in view["commands"]] == ["cancelled", "accepted"]


async def test_a_hello_is_answered_with_what_both_speak(rig: Rig) -> None:
    home = await rig.enrol()
    await home.connect(rig.broker.port)
    home.birth()
    hello_id = home.hello(features=("setpoint", "clock", "telepathy"))
    welcome, message = await home.receive("welcome")
    assert message.properties.CorrelationData == hello_id.encode()
    assert welcome["hello_id"] == hello_id
    assert (welcome["status"], welcome["code"]) == ("accepted", "OK")
    assert welcome["chosen_version"] == "1.0"
    assert welcome["features"] == ["setpoint", "clock"]
    assert welcome["heartbeat_period_s"] == 1
    assert welcome["signing_keys"] == home.aggregator_keys
    assert "groups" in welcome

    refused_id = home.hello(versions=("1.7",))
    welcome, _ = await home.receive("welcome")
    assert welcome["hello_id"] == refused_id
    assert (welcome["status"], welcome["code"]) == ("refused", "VERSION")
    assert "chosen_version" not in welcome


async def test_heartbeats_are_signed_numbered_and_can_be_paused(rig: Rig) -> None:
    home = await rig.online()
    first, message = await home.heartbeat()
    second, _ = await home.heartbeat()
    assert second["seq"] == first["seq"] + 1
    assert second["epoch"] == first["epoch"] == rig.service.leader.term.epoch
    assert not message.retain
    assert message.qos == 0
    assert message.properties.MessageExpiryInterval <= 10

    paused = await rig.call("POST", "/api/heartbeat", {"enabled": False})
    assert paused["enabled"] is False
    while not home.inbox.empty():
        home.inbox.get_nowait()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):
            await home.heartbeat()
    await rig.call("POST", "/api/heartbeat", {"enabled": True})
    third, _ = await home.heartbeat()
    assert third["seq"] > second["seq"]


async def test_a_clock_request_is_answered_with_when_it_came_and_left(
    rig: Rig,
) -> None:
    home = await rig.online()
    before = datetime.now(UTC)  # noqa: TID251
    topic, payload = home.message("clock", "clock_request", {})
    home.publish(topic, payload, qos=0)
    reply, message = await home.receive("clock")
    after = datetime.now(UTC)  # noqa: TID251
    assert reply["request_id"] == json.loads(payload)["id"]
    received = datetime.fromisoformat(reply["received_at"])
    left = datetime.fromisoformat(reply["sent_at"])
    assert before.timestamp() - 0.001 <= received.timestamp() <= left.timestamp()
    assert left <= after
    assert message.qos == 0


async def test_telemetry_can_be_read_from_a_moment_on(rig: Rig) -> None:
    home = await rig.online()
    home.telemetry(-100)
    home.telemetry(-200)
    await rig.until("home-1", lambda view: view["power_w"] == -200)
    every = (await rig.call("GET", "/api/homes/home-1/telemetry"))["telemetry"]
    assert [frame["power_w"] for frame in every] == [-100, -200]
    since = every[0]["t_mono"]
    later = await rig.call("GET", f"/api/homes/home-1/telemetry?since={since}")
    assert [frame["power_w"] for frame in later["telemetry"]] == [-200]


async def test_forged_replayed_and_broken_messages_are_counted_and_ignored(
    rig: Rig,
) -> None:
    home = await rig.online()
    sent = await rig.call("POST", "/api/homes/home-1/command", DISCHARGE)
    command_id = sent["command_id"]
    home.ack(command_id, "done", key=Ed25519PrivateKey.generate())
    topic, payload = home.message(
        "ack",
        "ack",
        {
            "command_id": command_id,
            "status": "done",
            "code": "OK",
            "committed_w": 0,
            "binding": [],
        },
    )
    home.publish(topic, payload)
    signature = home.signature(topic, payload)
    home.publish(topic, payload, sig=[signature, signature])
    home.publish(topic, payload.replace(b"done", b"soon"), sig=[signature])
    home.publish(f"{home.base}/up/meter", b"{}")
    home.publish(topic, b"")
    home.telemetry(-100, seq=50)
    home.telemetry(-999, seq=40)
    home.ack(command_id, "accepted", committed_w=-4000)

    view = await rig.until("home-1", lambda view: view["acks"] != [])
    assert [ack["status"] for ack in view["acks"]] == ["accepted"]
    assert view["counters"]["bad_signature"] == 3
    assert view["counters"]["schema"] == 2
    assert view["counters"]["old"] == 1
    assert view["power_w"] == -100


async def test_a_gap_in_the_offers_is_asked_about(rig: Rig) -> None:
    home = await rig.online()
    home.offer(seq=9)
    request, _ = await home.receive("request")
    assert request["wanted"] == ["offer"]
    view = await rig.until("home-1", lambda view: "gap" in view["counters"])
    assert view["counters"]["gap_offer"] == 1


async def test_a_home_that_leaves_empties_what_it_retained(rig: Rig) -> None:
    home = await rig.online()
    for topic_type in ("state", "offer", "availability"):
        home.publish(f"{home.base}/up/{topic_type}", b"", retain=True)
    view = await rig.until("home-1", lambda view: view["availability"] is None)
    assert (view["status"], view["offer"]) == ("offline", None)


async def test_a_broker_that_restarts_finds_us_again_and_keeps_no_old_command(
    rig: Rig,
) -> None:
    home = await rig.online()
    await asyncio.to_thread(rig.broker.stop)
    async with asyncio.timeout(5):
        while rig.service.client.is_connected:
            await asyncio.sleep(0.02)
    answer = await rig.call("POST", "/api/homes/home-1/command", DISCHARGE, 503)
    assert answer["error"] == "broker_away"
    overview = await rig.call("GET", "/api/overview")
    assert overview["broker"] == "away"

    await asyncio.to_thread(rig.broker.start)
    async with asyncio.timeout(15):
        await rig.service.connected()
    await home.close()
    await home.connect(rig.broker.port)
    home.birth()
    home.hello()
    await home.receive("welcome")
    await rig.until("home-1", lambda view: view["connection"] == 2)
    sent = await rig.call("POST", "/api/homes/home-1/command", DISCHARGE)
    command, _ = await home.receive("command")
    assert command["id"] == sent["command_id"]
    beat, _ = await home.heartbeat()
    assert beat["epoch"] == command["epoch"]


async def test_a_briefly_frozen_broker_costs_nothing_but_time(rig: Rig) -> None:
    home = await rig.online()
    rig.broker.freeze()
    sent = await rig.call("POST", "/api/homes/home-1/command", DISCHARGE)
    await asyncio.sleep(0.5)
    rig.broker.thaw()
    command, _ = await home.receive("command")
    assert command["id"] == sent["command_id"]
    assert rig.service.client.sessions == 1


async def test_a_restarted_aggregator_leads_a_newer_term_and_knows_its_homes(
    rig: Rig,
) -> None:
    home = await rig.online()
    first, _ = await home.heartbeat()
    enrol_port = rig.service.enrolment.port
    await rig.stop()
    await rig.start()
    view = await rig.until("home-1", lambda view: view["availability"] is not None)
    assert view["status"] == "online"
    assert rig.service.enrolment.port == enrol_port

    request, _ = await home.receive("request")
    assert request["wanted"] == ["hello"]
    home.hello()
    await home.receive("welcome")
    sent = await rig.call("POST", "/api/homes/home-1/command", DISCHARGE)
    command, _ = await home.receive("command")
    assert command["id"] == sent["command_id"]
    assert command["epoch"] == first["epoch"] + 1
    home.ack(command["id"], "accepted", committed_w=-5000)
    await rig.until("home-1", lambda view: view["commanded_w"] == -5000)


async def test_a_vanished_home_is_online_until_the_debounce_ends(rig: Rig) -> None:
    home = await rig.online()
    await home.vanish()
    leader = rig.service.leader
    presence = leader.homes["home-1"].presence
    async with asyncio.timeout(5):
        while not presence.flaps:
            await asyncio.sleep(0.02)
    now_mono_s = leader.clock.monotonic()
    assert presence.status(now_mono_s) == "online"
    assert presence.status(now_mono_s + 11) == "offline"


async def test_a_demand_is_split_over_homes_moved_and_ended(rig: Rig) -> None:
    first = await rig.online("home-1")
    second = await rig.online("home-2")
    second.availability(lowest_w=-3000, highest_w=3000)
    await rig.until("home-2", lambda view: view["lowest_w"] == -3000)
    body = {"power_w": -12000, "duration_s": 600}
    answer = await rig.call("POST", "/api/demand", body)
    assert answer["unserved_w"] == 0
    for home, power_w in ((first, -10000), (second, -2000)):
        command, _ = await home.receive("command")
        assert command["power_w"] == power_w
        home.ack(command["id"], "accepted", committed_w=power_w)
    async with asyncio.timeout(5):
        while True:
            totals = (await rig.call("GET", "/api/overview"))["totals"]
            if totals["commanded_w"] == -12000:
                break
            await asyncio.sleep(0.02)

    # Less is wanted: one home is enough, the other one is let go.
    answer = await rig.call("POST", "/api/demand", {**body, "power_w": -4000})
    command, _ = await first.receive("command")
    assert command["power_w"] == -4000
    cancel, _ = await second.receive("cancel")
    assert cancel["command_id"]

    answer = await rig.call("DELETE", "/api/demand")
    assert answer["cancelled"] == 1
    cancel, _ = await first.receive("cancel")
    assert cancel["command_id"] == command["id"]


async def test_a_demand_beyond_what_is_offered_is_said_not_forced(rig: Rig) -> None:
    home = await rig.online()
    body = {"power_w": -30000, "duration_s": 600}
    answer = await rig.call("POST", "/api/demand", body)
    assert answer["unserved_w"] == -20000
    home.offer(is_opted_in=False)
    await rig.until("home-1", lambda view: view["is_opted_in"] is False)
    answer = await rig.call("POST", "/api/demand", body)
    assert answer["unserved_w"] == -30000
    assert answer["commands"] == {}


async def test_a_home_enrolled_from_a_file_is_known_by_its_first_hello(
    rig: Rig,
) -> None:
    await rig.call("POST", "/api/homes", {"home_id": "home-1"})
    home = ScriptedHome(rig.directory)
    invitation = await rig.call("POST", "/api/homes", {"home_id": "home-1"})
    csr_pem, key_pem = make_request(home.common_name)
    home._key_path.write_bytes(key_pem)
    enrolments = rig.service.leader.enrolments
    certificate = await asyncio.to_thread(enrolments.sign_file, "home-1", csr_pem)
    rig.broker.reload()
    await asyncio.sleep(0.3)
    home.enrolled(invitation, certificate)
    try:
        await home.connect(rig.broker.port)
        home.birth()
        home.hello()
        await home.receive("welcome")
        assert enrolments.get("home-1").signing_keys == home.signing_keys
        sent = await rig.call("POST", "/api/homes/home-1/command", DISCHARGE)
        home.ack(sent["command_id"], "accepted", committed_w=-5000)
        await rig.until("home-1", lambda view: view["commanded_w"] == -5000)
    finally:
        await home.close()


async def test_the_figures_are_there_for_prometheus(rig: Rig) -> None:
    home = await rig.online()
    sent = await rig.call("POST", "/api/homes/home-1/command", DISCHARGE)
    home.ack(sent["command_id"], "accepted", "CLAMPED", committed_w=-4200)
    home.telemetry(-4100)
    await rig.until("home-1", lambda view: view["power_w"] == -4100)
    async with rig.http.get("/metrics") as response:
        text = await response.text()
    lines = text.splitlines()
    assert 'v2g_vpp_homes{status="online"} 1' in lines
    assert 'v2g_vpp_acks_total{status="accepted",code="CLAMPED"} 1' in lines
    assert "v2g_vpp_commanded_watts -4200" in lines
    assert "v2g_vpp_delivered_watts -4100" in lines
    assert "v2g_vpp_ack_latency_seconds_count 1" in lines
    assert 'v2g_vpp_ack_latency_seconds_bucket{le="+Inf"} 1' in lines
    for line in lines:
        assert line.startswith("# ") or len(line.rsplit(" ", 1)) == 2


async def test_a_server_whose_client_broke_away_is_closed_all_the_same() -> None:
    class Broken:
        async def cleanup(self) -> None:
            raise BrokenPipeError(32, "Broken pipe")

    await _closed(cast("web.AppRunner", Broken()))
