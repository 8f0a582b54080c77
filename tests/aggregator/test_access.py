"""Who may speak on the broker: certificates, access list, revocation."""

import asyncio

import pytest

from .conftest import Rig
from .scripted_home import ScriptedHome, self_signed

DISCHARGE = {"kind": "setpoint", "power_w": -5000, "duration_s": 600}


async def test_a_home_cannot_speak_or_listen_for_another(rig: Rig) -> None:
    first = await rig.online("home-1")
    second = await rig.online("home-2")
    second.base = first.base
    second.telemetry(-9999)
    second.availability(lowest_w=-1, highest_w=1)
    second.base = "v2gvpp/v1/north/home-2"
    second.telemetry(-22)
    await rig.until("home-2", lambda view: view["power_w"] == -22)
    view = await rig.call("GET", "/api/homes/home-1")
    assert view["power_w"] is None
    assert view["lowest_w"] == -10000

    second._client.subscribe([(f"{first.base}/dn/#", 1), ("v2gvpp/v1/+/+/dn/#", 1)])
    await rig.call("POST", "/api/homes/home-1/command", DISCHARGE)
    await first.receive("command")
    await rig.call("POST", "/api/homes/home-2/command", DISCHARGE)
    await second.receive("command")
    while not second.inbox.empty():
        assert not second.inbox.get_nowait().topic.startswith(first.base)


async def test_a_home_cannot_forge_a_heartbeat(rig: Rig) -> None:
    first = await rig.online("home-1")
    second = await rig.online("home-2")
    second.publish("v2gvpp/v1/north/all/dn/heartbeat", b"forged")
    second.publish(f"{first.base}/dn/command", b"forged")
    second.telemetry(-22)
    await rig.until("home-2", lambda view: view["power_w"] == -22)
    await first.heartbeat()
    while not first.inbox.empty():
        assert first.inbox.get_nowait().payload != b"forged"


async def test_certificates_of_strangers_are_refused(
    rig: Rig, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = await rig.online()
    await home.close()

    nobody = ScriptedHome(tmp_path_factory.mktemp("nobody"))
    nobody._root_path.write_text(home._root_path.read_text())
    with pytest.raises(OSError):
        await nobody.connect(rig.broker.port)

    stranger = ScriptedHome(tmp_path_factory.mktemp("stranger"))
    certificate, key = self_signed(stranger.common_name)
    stranger._root_path.write_text(home._root_path.read_text())
    stranger._cert_path.write_text(certificate)
    stranger._key_path.write_bytes(key)
    with pytest.raises(OSError):
        await stranger.connect(rig.broker.port)

    await home.connect(rig.broker.port)


async def test_a_revoked_home_is_deaf_and_mute_at_once_and_cannot_come_back(
    rig: Rig,
) -> None:
    home = await rig.online()
    await rig.call("POST", "/api/homes/home-1/revoke", {})
    answer = await rig.call("POST", "/api/homes/home-1/command", DISCHARGE, 409)
    assert answer["error"] == "home_away"
    while not home.inbox.empty():
        home.inbox.get_nowait()
    home.telemetry(-1234)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):
            await home.heartbeat()
    view = await rig.call("GET", "/api/homes/home-1")
    assert view["power_w"] is None
    await home.close()
    with pytest.raises(OSError):
        await home.connect(rig.broker.port)

    again = await rig.online()
    await again.heartbeat()
