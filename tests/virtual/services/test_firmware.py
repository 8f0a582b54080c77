"""Firmware that the station fetches, checks and boots with."""

import base64
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
import pytest

from custom_components.v2g_vpp.virtual.schedule import format_time
from tests.virtual.conftest import Rig
from tests.virtual.fake_clock import START, until
from tests.virtual.scripted_csms import settle

from .file_server import FileServer

IMAGE = b"VIRTUAL-FIRMWARE 2.3.1\n" + bytes(range(256))
TO_REBOOT = ["Downloading", "Downloaded", "Installing", "InstallRebooting"]


def statuses(rig: Rig) -> list[str]:
    return [each["status"] for each in rig.csms.calls("FirmwareStatusNotification")]


async def told(rig: Rig, *wanted: str) -> None:
    await until(lambda: statuses(rig) == list(wanted), f"{wanted} in {statuses(rig)}")


async def ask(
    rig: Rig, url: str, number: int = 5, in_s: float = 0.0, **firmware: Any
) -> str:
    at = format_time(START + timedelta(seconds=in_s))
    answer = await rig.csms.call(
        "UpdateFirmware",
        {
            "requestId": number,
            "firmware": {"location": url, "retrieveDateTime": at, **firmware},
        },
    )
    status: str = answer["status"]
    return status


@pytest.mark.parametrize("protocol", ["ocpp2.1", "ocpp2.0.1"])
async def test_station_boots_with_the_new_firmware(
    rig: Rig, files: FileServer, protocol: str
) -> None:
    rig.csms.protocol = protocol
    files.served["/fw.bin"] = IMAGE
    await rig.start()
    assert await ask(rig, files.url + "fw.bin") == "Accepted"
    await told(rig, *TO_REBOOT)
    await rig.clock.advance(1)
    await rig.reconnect()
    await told(rig, *TO_REBOOT, "Installed")
    old, new = rig.csms.calls("BootNotification")
    assert old["chargingStation"]["firmwareVersion"] == "1.0.0"
    assert new["chargingStation"]["firmwareVersion"] == "2.3.1"
    assert new["reason"] == "FirmwareUpdate"
    event = await rig.csms.came("SecurityEventNotification")
    assert event["type"] == "FirmwareUpdated"
    numbers = {e["requestId"] for e in rig.csms.calls("FirmwareStatusNotification")}
    assert numbers == {5}
    trigger = {"requestedMessage": "FirmwareStatusNotification"}
    await rig.csms.call("TriggerMessage", trigger)
    await until(lambda: statuses(rig)[-1] == "Idle")


async def test_installation_waits_for_the_transaction(
    rig: Rig, files: FileServer
) -> None:
    files.served["/fw.bin"] = IMAGE
    await rig.start()
    await rig.discharge()
    await ask(rig, files.url + "fw.bin")
    await told(rig, "Downloading", "Downloaded", "InstallScheduled")
    await rig.clock.advance(2)
    assert rig.true_w == -5000
    rig.station.unplug()
    await rig.clock.advance(1)
    await until(lambda: statuses(rig)[-1] == "InstallRebooting")


async def test_both_times_are_waited_for(rig: Rig, files: FileServer) -> None:
    files.served["/fw.bin"] = IMAGE
    await rig.start()
    install = format_time(START + timedelta(seconds=40))
    await ask(rig, files.url + "fw.bin", in_s=20, installDateTime=install)
    await told(rig, "DownloadScheduled")
    await rig.clock.advance(19)
    await settle()
    await told(rig, "DownloadScheduled")
    await rig.clock.advance(2)
    waiting = ["DownloadScheduled", "Downloading", "Downloaded", "InstallScheduled"]
    await told(rig, *waiting)
    trigger = {"requestedMessage": "FirmwareStatusNotification"}
    await rig.csms.call("TriggerMessage", trigger)
    await told(rig, *waiting, "InstallScheduled")
    await rig.clock.advance(18)
    await settle()
    assert statuses(rig)[-1] == "InstallScheduled"
    await rig.clock.advance(2)
    await until(lambda: "InstallRebooting" in statuses(rig))


async def test_download_fails_after_all_tries(rig: Rig, files: FileServer) -> None:
    await rig.start()
    answer = await rig.csms.call(
        "UpdateFirmware",
        {
            "requestId": 5,
            "retries": 1,
            "retryInterval": 15,
            "firmware": {
                "location": files.url + "none.bin",
                "retrieveDateTime": format_time(START),
            },
        },
    )
    assert answer == {"status": "Accepted"}
    await told(rig, "Downloading")
    assert await rig.wait(lambda: len(statuses(rig)) > 1) >= 15
    await told(rig, "Downloading", "Downloading", "DownloadFailed")


async def test_file_that_is_no_firmware_is_not_installed(
    rig: Rig, files: FileServer
) -> None:
    files.served["/fw.bin"] = b"<html>"
    await rig.start()
    await ask(rig, files.url + "fw.bin")
    await told(rig, "Downloading", "Downloaded", "InstallVerificationFailed")
    assert rig.station.status().boot_count == 1


async def test_newer_update_takes_the_place_of_one_that_waits(
    rig: Rig, files: FileServer
) -> None:
    files.served["/fw.bin"] = IMAGE
    await rig.start()
    await ask(rig, files.url + "old.bin", in_s=1000)
    await told(rig, "DownloadScheduled")
    assert await ask(rig, files.url + "fw.bin", 6) == "AcceptedCanceled"
    await until(lambda: "InstallRebooting" in statuses(rig))
    last = rig.csms.calls("FirmwareStatusNotification")[-1]
    assert last["requestId"] == 6
    # Nothing ends what is already restarting.
    assert await ask(rig, files.url + "fw.bin", 7) == "Rejected"


# Signatures


def signer() -> tuple[Any, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    return key, certificate_of(key)


def certificate_of(key: Any) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Maker")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(START - timedelta(days=1))
        .not_valid_after(START + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def signature(key: Any, image: bytes) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        return base64.b64encode(key.sign(image, pss, hashes.SHA256())).decode()
    return base64.b64encode(key.sign(image, ec.ECDSA(hashes.SHA256()))).decode()


@pytest.mark.parametrize("kind", ["ec", "rsa"])
async def test_signed_firmware_is_installed(
    rig: Rig, files: FileServer, kind: str
) -> None:
    key: Any = (
        ec.generate_private_key(ec.SECP256R1())
        if kind == "ec"
        else rsa.generate_private_key(65537, 2048)
    )
    files.served["/fw.bin"] = IMAGE
    await rig.start()
    status = await ask(
        rig,
        files.url + "fw.bin",
        signingCertificate=certificate_of(key),
        signature=signature(key, IMAGE),
    )
    assert status == "Accepted"
    await told(
        rig,
        "Downloading",
        "Downloaded",
        "SignatureVerified",
        "Installing",
        "InstallRebooting",
    )


@pytest.mark.parametrize("forged", ["other image", "other key", "no Base64 !"])
async def test_forged_firmware_is_refused(
    rig: Rig, files: FileServer, forged: str
) -> None:
    key, certificate = signer()
    given = {
        "other image": signature(key, IMAGE + b"x"),
        "other key": signature(signer()[0], IMAGE),
    }.get(forged, forged)
    files.served["/fw.bin"] = IMAGE
    await rig.start()
    await ask(
        rig,
        files.url + "fw.bin",
        signingCertificate=certificate,
        signature=given,
    )
    await told(rig, "Downloading", "Downloaded", "InvalidSignature")
    event = await rig.csms.came("SecurityEventNotification")
    assert event["type"] == "InvalidFirmwareSignature"


async def test_certificate_that_is_none(rig: Rig, files: FileServer) -> None:
    await rig.start()
    status = await ask(rig, files.url, signingCertificate="x", signature="x")
    assert status == "InvalidCertificate"
