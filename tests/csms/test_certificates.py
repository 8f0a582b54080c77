"""A station asks for a certificate, gets it, and comes back with it."""

from datetime import timedelta
import ssl
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
import pytest

from custom_components.v2g_vpp.csms.certificates import RENEW_BEFORE
from custom_components.v2g_vpp.pki.request import create_request
from custom_components.v2g_vpp.pki.tls import load_key_pair
from tests.csms.charge_point import BOOT_16
from tests.csms.peer import BOOT, STATION, Peer
from tests.csms.secure import OWNER, SecureDialler, SecureRig, utcnow

PROTOCOLS = ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")


@pytest.fixture
def dialler(secure_dialler: SecureDialler) -> SecureDialler:
    return secure_dialler


async def booted(dialler: SecureDialler, protocol: str) -> Peer:
    peer = await dialler.dial(dialler.rig.trusting(), protocol=protocol)
    peer.responders["CertificateSigned"] = lambda _: {"status": "Accepted"}
    boot = BOOT_16 if protocol == "ocpp1.6" else BOOT
    assert (await peer.call("BootNotification", boot))["status"] == "Accepted"
    return peer


def asked(csr: str, protocol: str, **more: Any) -> dict[str, Any]:
    if protocol == "ocpp1.6":
        return {"csr": csr}
    return {"csr": csr, "certificateType": "ChargingStationCertificate", **more}


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_station_comes_back_with_the_certificate_that_it_asked_for(
    secure: SecureRig, dialler: SecureDialler, protocol: str
) -> None:
    peer = await booted(dialler, protocol)
    pair = create_request("A1", None)
    more = {"requestId": 7} if protocol == "ocpp2.1" else {}
    answer = await peer.call("SignCertificate", asked(pair.csr_pem, protocol, **more))
    assert answer == {"status": "Accepted"}
    signed = await peer.request("CertificateSigned")
    assert signed.get("requestId") == more.get("requestId")
    assert len(signed["certificateChain"]) <= 10_000
    leaf = x509.load_pem_x509_certificate(signed["certificateChain"].encode())
    (organisation,) = leaf.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert organisation.value == OWNER
    with pytest.raises(x509.ExtensionNotFound):
        leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    await peer.leave()
    context = secure.trusting()
    load_key_pair(context, signed["certificateChain"], pair.key_pem)
    again = await dialler.dial(context, headers={}, protocol=protocol)
    heartbeat = await again.call("Heartbeat", {})
    assert "currentTime" in heartbeat


def weak_request() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    return request_of(key)


def request_of(key: Any) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A1")])
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(name)
        .sign(key, hashes.SHA256())
    )
    return request.public_bytes(serialization.Encoding.PEM).decode()


def forged_request() -> str:
    """A request whose signature is not of its key."""
    text = request_of(ec.generate_private_key(ec.SECP256R1()))
    lines = text.splitlines()
    body = lines[-2]
    lines[-2] = body[:-6] + ("AAAA" if body[-6:-2] != "AAAA" else "BBBB") + body[-2:]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "payload",
    [
        {"csr": "garbage"},
        {"csr": create_request("A2", None).csr_pem},
        {"csr": weak_request()},
        {"csr": forged_request()},
        {
            "csr": create_request("A1", None).csr_pem,
            "certificateType": "V2GCertificate",
        },
    ],
    ids=["garbage", "another station", "a weak key", "forged", "not of a station"],
)
async def test_what_must_not_be_signed_is_not(
    secure: SecureRig, dialler: SecureDialler, payload: dict[str, Any]
) -> None:
    peer = await booted(dialler, "ocpp2.0.1")
    answer = await peer.call("SignCertificate", payload)
    assert answer["status"] == "Rejected"
    assert answer["statusInfo"]["reasonCode"] == "InvalidCSR"
    good = create_request("A1", None).csr_pem
    assert (await peer.call("SignCertificate", {"csr": good}))["status"] == "Accepted"
    await peer.request("CertificateSigned")


async def test_three_a_day_are_enough(
    secure: SecureRig, dialler: SecureDialler
) -> None:
    peer = await booted(dialler, "ocpp2.0.1")
    told = [
        (
            await peer.call(
                "SignCertificate", {"csr": create_request("A1", None).csr_pem}
            )
        )
        for _ in range(4)
    ]
    assert [answer["status"] for answer in told] == ["Accepted"] * 3 + ["Rejected"]
    await peer.request("CertificateSigned", 3)


async def test_a_certificate_that_ends_soon_is_asked_to_be_renewed(
    secure: SecureRig, dialler: SecureDialler
) -> None:
    async def dialled(context: ssl.SSLContext) -> Peer:
        peer = await dialler.dial(context, headers={})
        peer.responders["TriggerMessage"] = lambda _: {"status": "Accepted"}
        await peer.call("BootNotification", BOOT)
        return peer

    def asked_for(peer: Peer) -> list[Any]:
        return [p["requestedMessage"] for p in peer.payloads("TriggerMessage")]

    old = await dialled(
        secure.showing(
            "A1", now=utcnow() - timedelta(days=340), life=timedelta(days=365)
        )
    )
    wanted = "SignChargingStationCertificate"
    await old.until(lambda: wanted in asked_for(old))
    fresh = await dialled(secure.showing("A1", life=timedelta(days=365)))
    await fresh.until(lambda: "StatusNotification" in asked_for(fresh))
    assert wanted not in asked_for(fresh)


async def test_a_certificate_that_begins_to_end_on_a_long_link_is_renewed_too(
    secure: SecureRig, dialler: SecureDialler
) -> None:
    wanted = "SignChargingStationCertificate"

    def asked() -> int:
        told = [p["requestedMessage"] for p in peer.payloads("TriggerMessage")]
        return told.count(wanted)

    context = secure.showing("A1", now=utcnow(), life=RENEW_BEFORE + timedelta(hours=1))
    peer = await dialler.dial(context, headers={})
    peer.responders["TriggerMessage"] = lambda _: {"status": "Accepted"}
    await peer.call("BootNotification", BOOT)
    await peer.request("SetChargingProfile")
    assert asked() == 0
    secure.clock.ahead = timedelta(hours=2)
    station = secure.server._stations[STATION]
    # What the daily look does; once more on the same day asks nothing.
    station.needs_attention.set()
    await peer.until(lambda: asked() == 1)
    floors = len(peer.payloads("SetChargingProfile"))
    station.needs_attention.set()
    await peer.until(lambda: len(peer.payloads("SetChargingProfile")) > floors)
    assert asked() == 1
