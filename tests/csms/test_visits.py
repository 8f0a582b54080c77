"""Stations that only wait: one that is being set up, one whose certificate expired."""

from datetime import timedelta
import ssl
from typing import Any

import pytest

from custom_components.v2g_vpp.csms import visits
from custom_components.v2g_vpp.csms.command_desk import UNKNOWN_STATION
from custom_components.v2g_vpp.csms.refusals import RefusalCause
from custom_components.v2g_vpp.domain.events import StationBooted, StationConnected
from custom_components.v2g_vpp.domain.ids import StationId
from custom_components.v2g_vpp.domain.requests import ReadLocalListVersion
from custom_components.v2g_vpp.pki.request import create_request
from custom_components.v2g_vpp.pki.tls import load_key_pair
from tests.csms.charge_point import BOOT_16
from tests.csms.peer import BOOT, STATION, Dialler, Peer, Rig, basic, config
from tests.csms.secure import SecureDialler, SecureRig, utcnow

PROTOCOLS = ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")
NEW = StationId("NEW")
SECRET = "a-password-of-another-one"
TTL_S = 60.0


def boot_of(protocol: str) -> dict[str, Any]:
    return BOOT_16 if protocol == "ocpp1.6" else BOOT


async def guest(dialler: Dialler, protocol: str = "ocpp2.0.1") -> Peer:
    return await dialler.dial((protocol,), identity=NEW, password=SECRET)


# --- one that is being set up -----------------------------------------------------


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_guest_waits_and_nobody_hears_of_it(
    rig: Rig, dialler: Dialler, protocol: str
) -> None:
    rig.server.admit_provisionally(NEW, SECRET, TTL_S)
    peer = await guest(dialler, protocol)
    answer = await peer.call("BootNotification", boot_of(protocol))
    assert (answer["status"], answer["interval"]) == ("Pending", 60)
    told = await peer.ask([2, "1", "Heartbeat", {}])
    assert told[:3] == [4, "1", "SecurityError"]
    if protocol != "ocpp1.6":
        signing = [
            2,
            "2",
            "SignCertificate",
            {"csr": create_request("A1", None).csr_pem},
        ]
        assert (await peer.ask(signing))[2] == "SecurityError"
    answered = await rig.server.ask(NEW, ReadLocalListVersion())
    assert answered.result.detail == UNKNOWN_STATION
    assert rig.server.recording(NEW) is None
    assert not rig.sink.events
    # It is looked at, and told nothing.
    asked = {action for action, _ in peer.requests}
    assert asked <= {"TriggerMessage", "GetVariables"}
    await rig.server.stop()
    assert rig.store.data is not None
    assert NEW not in rig.store.data["stations"]


async def test_a_guest_that_does_not_boot_is_asked_to(
    rig: Rig, dialler: Dialler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "BOOT_GRACE_S", 0.01)
    rig.server.admit_provisionally(NEW, SECRET, TTL_S)
    peer = await guest(dialler)
    assert await peer.request("TriggerMessage") == {
        "requestedMessage": "BootNotification"
    }


async def test_a_guest_needs_its_password_and_is_known_by_no_other(
    rig: Rig, dialler: Dialler
) -> None:
    assert await dialler.status(NEW, basic(NEW, SECRET)) == 404
    rig.server.admit_provisionally(NEW, SECRET, TTL_S)
    assert await dialler.status(NEW, basic(NEW, "wrong-password-of-another")) == 401
    assert await dialler.status("NEW2", basic("NEW2", SECRET)) == 404
    assert await dialler.status(NEW, basic(NEW, SECRET)) == 101


async def test_the_end_of_the_visit_ends_the_link(rig: Rig, dialler: Dialler) -> None:
    rig.server.admit_provisionally(NEW, SECRET, TTL_S)
    peer = await guest(dialler)
    rig.server.end_provisional(NEW)
    assert await peer.closed() == 1001
    assert await dialler.status(NEW, basic(NEW, SECRET)) == 404
    rig.server.end_provisional(NEW)


async def test_a_visit_ends_by_itself(rig: Rig, dialler: Dialler) -> None:
    rig.server.admit_provisionally(NEW, SECRET, 0.05)
    peer = await guest(dialler)
    assert await peer.closed() == 1001
    assert await dialler.status(NEW, basic(NEW, SECRET)) == 404


async def test_a_guest_that_is_adopted_comes_back_for_good(
    rig: Rig, dialler: Dialler
) -> None:
    rig.server.admit_provisionally(NEW, SECRET, TTL_S)
    peer = await guest(dialler)
    await peer.call("BootNotification", BOOT)
    rig.server.adopt(config(identity=NEW, password=SECRET))
    assert await peer.closed() == 1001
    again = await guest(dialler)
    assert (await again.call("BootNotification", BOOT))["status"] == "Accepted"
    await rig.sink.wait_for(StationBooted)
    # The page of the flow is closed after that: it ends nothing.
    rig.server.end_provisional(NEW)
    assert "currentTime" in await again.call("Heartbeat", {})


async def test_a_station_of_the_home_is_no_guest(rig: Rig, dialler: Dialler) -> None:
    peer = await dialler.dial()
    rig.server.admit_provisionally(STATION, SECRET, TTL_S)
    assert await dialler.status(STATION, basic(STATION, SECRET)) == 401
    rig.server.end_provisional(STATION)
    assert (await peer.call("BootNotification", BOOT))["status"] == "Accepted"


async def test_a_stop_with_a_guest_leaves_nothing_behind(
    rig: Rig, dialler: Dialler
) -> None:
    rig.server.admit_provisionally(NEW, SECRET, TTL_S)
    peer = await guest(dialler)
    await rig.server.stop()
    assert await peer.closed() == 1001


# --- one whose certificate has expired --------------------------------------------


class Expiring:
    """A station that was here with a certificate, and comes back after its end."""

    def __init__(self, rig: SecureRig, dialler: SecureDialler) -> None:
        self.rig, self.dialler = rig, dialler
        self.context = rig.showing("A1", life=timedelta(days=1))

    async def dial(self, protocol: str, context: ssl.SSLContext | None = None) -> Peer:
        peer = await self.dialler.dial(
            context or self.context, headers={}, protocol=protocol
        )
        for action in ("TriggerMessage", "ExtendedTriggerMessage", "CertificateSigned"):
            peer.responders[action] = lambda _: {"status": "Accepted"}
        return peer

    async def expire(self, protocol: str) -> None:
        peer = await self.dial(protocol)
        answer = await peer.call("BootNotification", boot_of(protocol))
        assert answer["status"] == "Accepted"
        await peer.leave()
        self.rig.clock.ahead = timedelta(days=2)


@pytest.fixture
def expiring(secure: SecureRig, secure_dialler: SecureDialler) -> Expiring:
    return Expiring(secure, secure_dialler)


def accepting(rig: SecureRig) -> None:
    rig.server.adopt(config(accepts_expired_certificate=True))


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_an_expired_certificate_is_good_for_a_new_one_only(
    secure: SecureRig, expiring: Expiring, protocol: str
) -> None:
    await expiring.expire(protocol)
    assert await expiring.dialler.status(expiring.context, {}) == 401
    assert secure.refused[-1][2] is RefusalCause.CERTIFICATE_NOT_VALID
    accepting(secure)
    secure.sink.clear()
    peer = await expiring.dial(protocol)
    answer = await peer.call("BootNotification", boot_of(protocol))
    assert answer["status"] == "Pending"
    asked = "ExtendedTriggerMessage" if protocol == "ocpp1.6" else "TriggerMessage"
    wanted = (await peer.request(asked))["requestedMessage"]
    assert wanted in ("SignChargePointCertificate", "SignChargingStationCertificate")
    assert (await peer.ask([2, "1", "Heartbeat", {}]))[2] == "SecurityError"
    assert not secure.sink.of(StationConnected)
    # It asks as itself only.
    other = await peer.call(
        "SignCertificate", {"csr": create_request("A2", None).csr_pem}
    )
    assert other["status"] == "Rejected"
    pair = create_request("A1", None)
    told = await peer.call("SignCertificate", {"csr": pair.csr_pem})
    assert told["status"] == "Accepted"
    chain = (await peer.request("CertificateSigned"))["certificateChain"]
    assert await peer.closed() == 1001
    assert {action for action, _ in peer.requests} == {asked, "CertificateSigned"}
    renewed = secure.trusting()
    load_key_pair(renewed, chain, pair.key_pem)
    again = await expiring.dial(protocol, renewed)
    assert "currentTime" in await again.call("Heartbeat", {})
    await secure.sink.wait_for(StationConnected)
    await again.leave()
    # What was renewed is of no use any more, whoever has it.
    assert await expiring.dialler.status(expiring.context, {}) == 401
    assert secure.refused[-1][2] is RefusalCause.CERTIFICATE_NOT_VALID


async def test_an_expired_certificate_does_not_end_a_link_with_a_valid_one(
    secure: SecureRig, expiring: Expiring
) -> None:
    await expiring.expire("ocpp2.0.1")
    accepting(secure)
    record = secure.server._stations[STATION].record
    valid = secure.showing("A1", life=timedelta(days=30))
    here = await expiring.dial("ocpp2.0.1", valid)
    assert await expiring.dialler.status(expiring.context, {}) == 401
    # Even as the one that was used last.
    secure.server._stations[STATION].keep(record)
    assert await expiring.dialler.status(expiring.context, {}) == 409
    assert "currentTime" in await here.call("Heartbeat", {})


async def test_a_certificate_that_was_never_used_renews_nothing(
    secure: SecureRig, expiring: Expiring
) -> None:
    accepting(secure)
    old = secure.showing("A1", now=utcnow() - timedelta(days=3))
    assert await expiring.dialler.status(old, {}) == 401
    await expiring.expire("ocpp2.0.1")
    assert await expiring.dialler.status(old, {}) == 401
    assert await expiring.dialler.status(expiring.context, {}) == 101


async def test_a_station_that_does_not_ask_is_asked_again(
    secure: SecureRig, expiring: Expiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "BOOT_GRACE_S", 0.01)
    monkeypatch.setattr(visits, "RENEW_AGAIN_S", 0.05)
    await expiring.expire("ocpp2.0.1")
    accepting(secure)
    peer = await expiring.dial("ocpp2.0.1")
    peer.responders["TriggerMessage"] = lambda _: {"status": "Rejected"}
    await peer.request("TriggerMessage", 3)
    asked = [p["requestedMessage"] for p in peer.payloads("TriggerMessage")]
    assert asked[:3] == [
        "BootNotification",
        "SignChargingStationCertificate",
        "SignChargingStationCertificate",
    ]
