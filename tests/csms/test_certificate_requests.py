"""Certificates in a station: read, installed and deleted, on every version."""

from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
import pytest

from custom_components.v2g_vpp.domain.certificates import (
    CertificateId,
    CertificateUse,
    DeleteCertificate,
    InstallCertificate,
    ReadCertificates,
)
from custom_components.v2g_vpp.domain.errors import (
    AuthorityInvalid,
    CertificateInUse,
    UnknownTarget,
)
from custom_components.v2g_vpp.domain.requests import StationAnswer, StationRequest
from custom_components.v2g_vpp.domain.setpoint import WriteStatus
from custom_components.v2g_vpp.pki.authority import (
    LeafPurpose,
    create_authority,
    issue_certificate,
)
from custom_components.v2g_vpp.pki.home_certificates import is_named
from custom_components.v2g_vpp.pki.request import create_client_request
from tests.csms.charge_point import BOOT_16
from tests.csms.peer import BOOT, STATION, Dialler, Peer, Rig
from tests.csms.secure import SecureDialler, SecureRig, stranger, utcnow

PROTOCOLS = ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")
ROOT_NAMES = {
    "ocpp2.1": "CSMSRootCertificate",
    "ocpp2.0.1": "CSMSRootCertificate",
    "ocpp1.6": "CentralSystemRootCertificate",
}
OLD = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "ab" * 32,
    "issuerKeyHash": "cd" * 32,
    "serialNumber": "0A1b",
}


@pytest.fixture
def dialler(secure_dialler: SecureDialler) -> SecureDialler:
    return secure_dialler


def root_of(rig: SecureRig) -> x509.Certificate:
    return x509.load_pem_x509_certificate(rig.material.root_pem().encode())


def hash_data(root: x509.Certificate) -> dict[str, str]:
    """What a station says of a root that it has; written here on its own."""

    def digest(data: bytes) -> str:
        made = hashes.Hash(hashes.SHA256())
        made.update(data)
        return made.finalize().hex()

    key = x509.SubjectKeyIdentifier.from_public_key(root.public_key())
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": digest(root.issuer.public_bytes()),
        "issuerKeyHash": digest(key.digest),
        "serialNumber": f"{root.serial_number:x}",
    }


async def station(
    dialler: SecureDialler, protocol: str, *installed: dict[str, str]
) -> Peer:
    """A station that has certificates and takes whatever it is told."""
    peer = await dialler.dial(dialler.rig.trusting(), protocol=protocol)
    is_16 = protocol == "ocpp1.6"

    def read(asked: dict[str, Any]) -> dict[str, Any]:
        if not installed or asked.get("certificateType") in (
            "ManufacturerRootCertificate",
            ["ManufacturerRootCertificate"],
        ):
            return {"status": "NotFound"}
        if is_16:
            return {"status": "Accepted", "certificateHashData": list(installed)}
        chain = [
            {"certificateType": "CSMSRootCertificate", "certificateHashData": data}
            for data in installed
        ]
        return {"status": "Accepted", "certificateHashDataChain": chain}

    peer.responders |= {
        "GetInstalledCertificateIds": read,
        "InstallCertificate": lambda _: {"status": "Accepted"},
        "DeleteCertificate": lambda _: {"status": "Accepted"},
    }
    boot = BOOT_16 if is_16 else BOOT
    assert (await peer.call("BootNotification", boot))["status"] == "Accepted"
    return peer


async def ask(rig: Rig, request: StationRequest) -> StationAnswer:
    return await rig.server.ask(STATION, request)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_what_is_installed_is_read_and_the_one_in_use_is_marked(
    secure: SecureRig, dialler: SecureDialler, protocol: str
) -> None:
    own = hash_data(root_of(secure))
    peer = await station(dialler, protocol, own, OLD)
    answer = await ask(secure, ReadCertificates())
    assert answer.result.is_accepted
    assert [
        (c["use"], c["serial_number"], c["is_in_use"])
        for c in answer.data["certificates"]
    ] == [
        ("csms_root", own["serialNumber"], True),
        ("csms_root", "0A1b", False),
    ]
    only = await ask(secure, ReadCertificates(use=CertificateUse.MANUFACTURER_ROOT))
    assert only.data == {"certificates": []}
    asked = peer.payloads("GetInstalledCertificateIds")[-1]["certificateType"]
    assert asked in ("ManufacturerRootCertificate", ["ManufacturerRootCertificate"])


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_the_root_of_the_home_is_installed_unless_another_is_given(
    secure: SecureRig, dialler: SecureDialler, protocol: str
) -> None:
    peer = await station(dialler, protocol)
    own = InstallCertificate(use=CertificateUse.CSMS_ROOT)
    assert (await ask(secure, own)).result.is_accepted
    maker = create_authority("Maker", utcnow()).certificate_pem
    given = InstallCertificate(
        use=CertificateUse.MANUFACTURER_ROOT, certificate_pem=f"\n{maker}\n"
    )
    assert (await ask(secure, given)).result.is_accepted
    assert peer.payloads("InstallCertificate") == [
        {
            "certificateType": ROOT_NAMES[protocol],
            "certificate": secure.material.root_pem(),
        },
        {"certificateType": "ManufacturerRootCertificate", "certificate": maker},
    ]


def leaf() -> str:
    return issue_certificate(
        stranger(),
        create_client_request("server").csr_pem,
        utcnow(),
        LeafPurpose.SERVER,
    )


def root_made(before: timedelta) -> str:
    return create_authority("Old", utcnow() - before).certificate_pem


@pytest.mark.parametrize(
    ("pem", "reason"),
    [
        ("nothing", "unreadable"),
        (leaf(), "not_an_authority"),
        (root_made(timedelta(days=4000)), "expired"),
        (root_made(timedelta(days=-2)), "not_yet_valid"),
        (root_made(timedelta()) * 2, "several"),
    ],
    ids=["no certificate", "a leaf", "expired", "of tomorrow", "two"],
)
async def test_what_cannot_be_an_authority_never_leaves_the_home(
    secure: SecureRig, dialler: SecureDialler, pem: str, reason: str
) -> None:
    peer = await station(dialler, "ocpp2.0.1")
    wanted = InstallCertificate(use=CertificateUse.CSMS_ROOT, certificate_pem=pem)
    with pytest.raises(AuthorityInvalid) as caught:
        await ask(secure, wanted)
    assert caught.value.reason == reason
    assert not peer.payloads("InstallCertificate")


async def test_a_home_without_encryption_has_no_root_to_install(
    rig: Rig, socket_enabled: None
) -> None:
    async with Dialler(rig) as plain:
        peer = await plain.dial(("ocpp2.0.1",))
        await peer.call("BootNotification", BOOT)
        with pytest.raises(AuthorityInvalid, match="no_root"):
            await ask(rig, InstallCertificate(use=CertificateUse.CSMS_ROOT))


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_certificate_is_deleted_by_its_serial_number_or_its_hashes(
    secure: SecureRig, dialler: SecureDialler, protocol: str
) -> None:
    peer = await station(dialler, protocol, hash_data(root_of(secure)), OLD)
    by_serial = DeleteCertificate(serial_number="00:0A:1B")
    assert (await ask(secure, by_serial)).result.is_accepted
    by_hash = DeleteCertificate(
        serial_number="77",
        certificate=CertificateId(
            serial_number="77",
            hash_algorithm="SHA512",
            issuer_name_hash="aa" * 32,
            issuer_key_hash="bb" * 32,
        ),
    )
    assert (await ask(secure, by_hash)).result.is_accepted
    sent = [p["certificateHashData"] for p in peer.payloads("DeleteCertificate")]
    assert sent[0] == OLD
    assert sent[1]["serialNumber"] == "77"
    assert sent[1]["hashAlgorithm"] == "SHA512"
    with pytest.raises(UnknownTarget):
        await ask(secure, DeleteCertificate(serial_number="99"))


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_the_certificate_in_use_is_never_deleted(
    secure: SecureRig, dialler: SecureDialler, protocol: str
) -> None:
    own = hash_data(root_of(secure))
    peer = await station(dialler, protocol, own)
    for certificate in (
        None,
        CertificateId(
            serial_number=own["serialNumber"].upper(),
            hash_algorithm="SHA256",
            issuer_name_hash="00" * 32,
            issuer_key_hash="00" * 32,
        ),
    ):
        wanted = DeleteCertificate(
            serial_number=own["serialNumber"], certificate=certificate
        )
        with pytest.raises(CertificateInUse):
            await ask(secure, wanted)
    assert not peer.payloads("DeleteCertificate")


async def test_a_station_keeps_its_own_certificate(
    secure: SecureRig, dialler: SecureDialler
) -> None:
    context = secure.showing("A1")
    peer = await dialler.dial(context, headers={})
    await peer.call("BootNotification", BOOT)
    station_of_server = secure.server._stations[STATION]
    shown = station_of_server.login.certificate
    assert shown is not None
    wanted = DeleteCertificate(
        serial_number=shown.serial_number,
        certificate=CertificateId(
            serial_number=shown.serial_number.lower(),
            hash_algorithm="SHA256",
            issuer_name_hash="00" * 32,
            issuer_key_hash="00" * 32,
        ),
    )
    with pytest.raises(CertificateInUse):
        await ask(secure, wanted)


async def test_a_refusal_and_a_silence_are_told(
    secure: SecureRig, dialler: SecureDialler
) -> None:
    peer = await station(dialler, "ocpp2.0.1", OLD)
    peer.responders["DeleteCertificate"] = lambda _: {"status": "Failed"}
    peer.responders["InstallCertificate"] = lambda _: {"status": "Rejected"}
    answer = await ask(secure, DeleteCertificate(serial_number="a1b"))
    assert (answer.result.status, answer.result.detail) == (
        WriteStatus.REJECTED,
        "Failed",
    )
    answer = await ask(secure, InstallCertificate(use=CertificateUse.CSMS_ROOT))
    assert answer.result.status is WriteStatus.REJECTED
    peer.responders["GetInstalledCertificateIds"] = lambda _: "NotSupported"
    answer = await ask(secure, ReadCertificates())
    assert answer.result.detail == "NotSupported"
    answer = await ask(secure, DeleteCertificate(serial_number="a1b"))
    assert answer.result.detail == "NotSupported"


def test_a_root_above_a_chain_is_known_by_its_name() -> None:
    root = create_authority("Somebody else", utcnow())
    above = x509.load_pem_x509_certificate(root.certificate_pem.encode())
    below = issue_certificate(
        root, create_client_request("ha").csr_pem, utcnow(), LeafPurpose.SERVER
    )
    chain = (x509.load_pem_x509_certificate(below.encode()),)
    data = hash_data(above)
    told = CertificateId(
        serial_number=data["serialNumber"],
        hash_algorithm="SHA256",
        issuer_name_hash=data["issuerNameHash"],
        issuer_key_hash=data["issuerKeyHash"],
    )
    assert is_named(chain, told)
    # With the root at hand the number decides: an old root has the same name.
    old = CertificateId(
        serial_number="1",
        hash_algorithm="SHA256",
        issuer_name_hash=data["issuerNameHash"],
        issuer_key_hash="00",
    )
    assert not is_named((above, *chain), old)
