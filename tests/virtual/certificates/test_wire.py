"""Certificates over the wire, signed by the authority of a home."""

from dataclasses import replace
from datetime import datetime, timedelta
import hashlib
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
import pytest

from custom_components.v2g_vpp.pki.authority import (
    Authority,
    LeafPurpose,
    create_authority,
    issue_certificate,
)
from custom_components.v2g_vpp.virtual.certificates.roots import Roots
from custom_components.v2g_vpp.virtual.hardware import Hardware
from tests.virtual.conftest import CONFIG, Rig
from tests.virtual.fake_clock import START, FakeClock, until
from tests.virtual.scripted_csms import settle

TRIGGER = {"requestedMessage": "SignChargingStationCertificate"}
CSMS_ROOT = "CSMSRootCertificate"
HOME = create_authority("Home", START - timedelta(days=1), "Owner")
STRANGER = create_authority("Stranger", START - timedelta(days=1))


def signed(csr: str, by: Authority = HOME, at: datetime = START, **more: Any) -> str:
    return issue_certificate(by, csr, at, LeafPurpose.STATION, **more)


async def install(rig: Rig, pem: str, purpose: str = CSMS_ROOT) -> dict[str, Any]:
    return await rig.csms.call(
        "InstallCertificate", {"certificateType": purpose, "certificate": pem}
    )


async def installed(rig: Rig, *types: str) -> list[dict[str, Any]]:
    request = {"certificateType": list(types)} if types else {}
    answer = await rig.csms.call("GetInstalledCertificateIds", request)
    chain: list[dict[str, Any]] = answer.get("certificateHashDataChain", [])
    assert answer["status"] == ("Accepted" if chain else "NotFound")
    return chain


async def request(rig: Rig, number: int = 1) -> dict[str, Any]:
    """Let the station ask for a certificate and return its request."""
    rig.csms.answers["SignCertificate"] = lambda _: {"status": "Accepted"}
    answer = await rig.csms.call("TriggerMessage", TRIGGER)
    assert answer == {"status": "Accepted"}
    return await rig.csms.came("SignCertificate", number)


async def send(rig: Rig, chain: str, **more: Any) -> str:
    answer = await rig.csms.call(
        "CertificateSigned", {"certificateChain": chain, **more}
    )
    status: str = answer["status"]
    return status


def named_otherwise(csr: str) -> str:
    """Return a certificate of the home for the station's key and another name."""
    key = x509.load_pem_x509_csr(csr.encode()).public_key()
    root = x509.load_pem_x509_certificate(HOME.certificate_pem.encode())
    signer = serialization.load_pem_private_key(HOME.key_pem.encode(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Other")]))
        .issuer_name(root.subject)
        .public_key(key)
        .serial_number(7)
        .not_valid_before(START - timedelta(days=1))
        .not_valid_after(START + timedelta(days=1))
        .sign(signer, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


# What the station trusts


async def test_root_is_named_by_the_hashes_of_its_own_bytes(rig: Rig) -> None:
    await rig.start()
    assert await installed(rig) == []
    assert await install(rig, HOME.certificate_pem) == {"status": "Accepted"}
    (entry,) = await installed(rig)
    root = x509.load_pem_x509_certificate(HOME.certificate_pem.encode())
    key = root.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    assert entry == {
        "certificateType": CSMS_ROOT,
        "certificateHashData": {
            "hashAlgorithm": "SHA256",
            "issuerNameHash": hashlib.sha256(root.issuer.public_bytes()).hexdigest(),
            "issuerKeyHash": hashlib.sha256(key).hexdigest(),
            "serialNumber": f"{root.serial_number:x}",
        },
    }


async def test_roots_are_listed_by_type_and_installed_once(rig: Rig) -> None:
    await rig.start()
    await install(rig, HOME.certificate_pem)
    await install(rig, HOME.certificate_pem)
    await install(rig, STRANGER.certificate_pem, "ManufacturerRootCertificate")
    assert len(await installed(rig)) == 2
    assert len(await installed(rig, CSMS_ROOT)) == 1
    assert await installed(rig, "V2GRootCertificate") == []
    entries = {
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": "CertificateEntries"},
    }
    answer = await rig.csms.call("GetVariables", {"getVariableData": [entries]})
    assert answer["getVariableResult"][0]["attributeValue"] == "2"


async def test_what_is_no_root_is_refused(rig: Rig) -> None:
    await rig.start()
    leaf = signed((await request(rig))["csr"])
    old = create_authority("Old", START - timedelta(days=30 * 366))
    for pem in ("garbage", leaf, old.certificate_pem, HOME.certificate_pem * 2):
        answer = await install(rig, pem)
        assert answer["status"] == "Rejected"
        assert answer["statusInfo"]["reasonCode"] == "InvalidCertificate"
    assert await installed(rig) == []


async def test_store_has_a_bound(rig: Rig) -> None:
    await rig.start()
    for number in range(10):
        pem = create_authority(f"Root {number}", START).certificate_pem
        assert (await install(rig, pem))["status"] == "Accepted"
    answer = await install(rig, HOME.certificate_pem)
    assert answer["statusInfo"]["reasonCode"] == "MaximumReached"


@pytest.mark.parametrize("case", [str.lower, str.upper])
async def test_root_is_deleted_by_its_hashes(rig: Rig, case: Any) -> None:
    await rig.start()
    await install(rig, HOME.certificate_pem)
    (entry,) = await installed(rig)
    own = entry["certificateHashData"]
    told = {k: v if k == "hashAlgorithm" else case(v) for k, v in own.items()}
    other = {**told, "serialNumber": "1"}

    async def delete(data: dict[str, str]) -> dict[str, Any]:
        return await rig.csms.call("DeleteCertificate", {"certificateHashData": data})

    assert await delete(other) == {"status": "NotFound"}
    assert await delete(told) == {"status": "Accepted"}
    assert await delete(told) == {"status": "NotFound"}
    assert await installed(rig) == []


def test_last_root_of_an_encrypted_link_stays() -> None:
    config = replace(CONFIG, url="wss://home.example/ocpp/")
    roots = Roots(Hardware(config, FakeClock(), lambda: None))
    for home, purpose in ((HOME, CSMS_ROOT), (STRANGER, "ManufacturerRootCertificate")):
        answer = roots.on_install_certificate(purpose, home.certificate_pem)
        assert answer.status == "Accepted"
    listed = roots.on_get_installed_certificate_ids().certificate_hash_data_chain
    root, manufacturer = (each["certificateHashData"] for each in listed)
    assert roots.on_delete_certificate(root).status == "Failed"
    assert roots.on_delete_certificate(manufacturer).status == "Accepted"
    roots.on_install_certificate(CSMS_ROOT, STRANGER.certificate_pem)
    assert roots.on_delete_certificate(root).status == "Accepted"


# Its own certificate


@pytest.mark.parametrize("protocol", ["ocpp2.1", "ocpp2.0.1"])
async def test_station_asks_for_a_certificate_and_keeps_it(
    rig: Rig, protocol: str
) -> None:
    rig.csms.protocol = protocol
    await rig.start()
    await install(rig, HOME.certificate_pem)
    asked = await request(rig)
    csr = x509.load_pem_x509_csr(asked["csr"].encode())
    assert csr.is_signature_valid
    names = csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert [name.value for name in names] == [rig.config.serial_number]
    assert asked["certificateType"] == "ChargingStationCertificate"
    assert asked.get("requestId") == (1 if protocol == "ocpp2.1" else None)
    assert rig.station.certificate is None
    more = {"requestId": 1} if protocol == "ocpp2.1" else {}
    assert await send(rig, signed(asked["csr"]), **more) == "Accepted"
    kept = rig.station.certificate
    assert kept is not None
    key = serialization.load_pem_private_key(kept.key_pem.encode(), None)
    leaf = x509.load_pem_x509_certificate(kept.chain_pem.encode())
    assert key.public_key() == leaf.public_key()
    assert await send(rig, signed(asked["csr"])) == "Rejected"


@pytest.mark.parametrize(
    "wrong",
    ["garbage", "other key", "other name", "other signer", "too late", "other request"],
)
async def test_certificate_that_was_not_asked_for_is_refused(
    rig: Rig, wrong: str
) -> None:
    await rig.start()
    await install(rig, HOME.certificate_pem)
    old = (await request(rig))["csr"]
    asked = await request(rig, 2)
    good = signed(asked["csr"])
    chain = {
        "garbage": "no certificate",
        "other key": signed(old),
        "other name": named_otherwise(asked["csr"]),
        "other signer": signed(asked["csr"], STRANGER),
        "too late": signed(
            asked["csr"], at=START - timedelta(days=3), life=timedelta(days=1)
        ),
        "other request": good,
    }[wrong]
    more = {"requestId": 99} if wrong == "other request" else {}
    assert await send(rig, chain, **more) == "Rejected"
    event = await rig.csms.came("SecurityEventNotification")
    assert event["type"] == "InvalidChargingStationCertificate"
    assert rig.station.certificate is None


async def test_unanswered_request_is_repeated_with_growing_waits(rig: Rig) -> None:
    await rig.start(tick_s=2.0, ping_interval_s=10_000.0)
    first = await request(rig)
    await rig.clock.advance(59)
    await settle()
    assert len(rig.csms.calls("SignCertificate")) == 1
    await rig.clock.advance(2)
    second = await rig.csms.came("SignCertificate", 2)
    assert second["csr"] != first["csr"]
    assert await rig.wait(lambda: len(rig.csms.calls("SignCertificate")) == 3) >= 115
    await rig.clock.advance(250)
    await settle()
    assert len(rig.csms.calls("SignCertificate")) == 3
    last = rig.csms.calls("SignCertificate")[-1]
    assert await send(rig, signed(last["csr"])) == "Rejected"


async def test_refused_request_is_not_repeated(rig: Rig) -> None:
    await rig.start(tick_s=2.0, ping_interval_s=10_000.0)
    rig.csms.answers["SignCertificate"] = lambda _: {"status": "Rejected"}
    await rig.csms.call("TriggerMessage", TRIGGER)
    await rig.csms.came("SignCertificate")
    await rig.clock.advance(200)
    await settle()
    assert len(rig.csms.calls("SignCertificate")) == 1


async def test_without_roots_the_chain_is_judged_by_itself(rig: Rig) -> None:
    await rig.start()
    asked = await request(rig)
    broken = signed(asked["csr"], STRANGER) + HOME.certificate_pem
    assert await send(rig, broken) == "Rejected"
    whole = signed(asked["csr"], STRANGER) + STRANGER.certificate_pem
    assert await send(rig, whole) == "Accepted"
    await until(lambda: rig.station.certificate is not None)
