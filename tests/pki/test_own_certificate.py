"""A certificate in files of the owner: read, checked, shown, read again."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
import ssl

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
import pytest

from custom_components.v2g_vpp.domain.errors import CertificateInvalid
from custom_components.v2g_vpp.pki.authority import (
    LeafPurpose,
    create_authority,
    issue_certificate,
)
from custom_components.v2g_vpp.pki.ocpp_tls import OcppTls, renew_daily
from custom_components.v2g_vpp.pki.own_certificate import (
    MAX_FILE_BYTES,
    OwnFiles,
    names_host,
    read_own_certificate,
)
from custom_components.v2g_vpp.pki.request import (
    create_request,
    create_rsa_key,
    key_to_pem,
)
from custom_components.v2g_vpp.pki.store import PemStore

HOST = "charger.home.arpa"


def utcnow() -> datetime:
    # TLS looks at the real clock.
    return datetime.now(UTC)  # noqa: TID251


class Owner:
    """An owner with an authority of their own, and files that can be changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = utcnow()
        self.root = create_authority("Owner", self.now - timedelta(days=1000))
        self.files = OwnFiles(certificate=folder / "c.pem", key=folder / "k.pem")
        self.write()

    def write(
        self,
        *,
        hosts: tuple[str, ...] = (HOST,),
        purpose: LeafPurpose = LeafPurpose.SERVER,
        in_days: float = 0,
        with_root: bool = False,
        is_rsa: bool = False,
    ) -> None:
        pair = create_request("x", create_rsa_key() if is_rsa else None)
        at = self.now + timedelta(days=in_days)
        leaf = issue_certificate(self.root, pair.csr_pem, at, purpose, hosts)
        chain = leaf + self.root.certificate_pem if with_root else leaf
        self.files.certificate.write_text(chain)
        self.files.key.write_text(pair.key_pem)

    def material(self, *, is_1_3_only: bool = False) -> OcppTls:
        return OcppTls(
            PemStore(self.folder / "pki"),
            hosts=(HOST, "homeassistant.local"),
            owner="Owner",
            utcnow=lambda: self.now,
            own_files=self.files,
            is_1_3_only=is_1_3_only,
        )


@pytest.fixture
def owner(tmp_path: Path) -> Owner:
    return Owner(tmp_path)


def another_key(owner: Owner) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    owner.files.key.write_text(key_to_pem(key))


def encrypted_key(owner: Owner) -> None:
    key = create_rsa_key()
    owner.files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )


def modern_key(owner: Owner) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    owner.files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda _: None, None),
        (lambda o: o.write(is_rsa=True, with_root=True), None),
        (lambda o: o.write(hosts=("*.home.arpa",)), None),
        (lambda o: o.files.certificate.unlink(), "unreadable"),
        (lambda o: o.files.certificate.write_text("nothing"), "unreadable"),
        (lambda o: o.files.certificate.write_bytes(b"\xff"), "unreadable"),
        (
            lambda o: o.files.certificate.write_text("x" * (MAX_FILE_BYTES + 1)),
            "unreadable",
        ),
        (lambda o: o.files.key.unlink(), "unreadable_key"),
        (lambda o: o.files.key.write_text("nothing"), "unreadable_key"),
        (encrypted_key, "unreadable_key"),
        (modern_key, "unreadable_key"),
        (another_key, "key_mismatch"),
        (lambda o: o.write(hosts=("other.home.arpa",)), "wrong_name"),
        (lambda o: o.write(purpose=LeafPurpose.CLIENT), "wrong_purpose"),
        (lambda o: o.write(in_days=-366), "expired"),
        (lambda o: o.write(in_days=1), "not_yet_valid"),
    ],
    ids=[
        "sound",
        "RSA with its root",
        "a star for the first label",
        "no file",
        "no certificate",
        "not even text",
        "a very large file",
        "no key file",
        "no key",
        "a key with a password",
        "a kind of key that OCPP has no suite for",
        "the key of another",
        "the name of another",
        "for clients",
        "expired",
        "of tomorrow",
    ],
)
def test_what_is_wrong_with_the_files_is_told(
    owner: Owner, change: Callable[[Owner], None], reason: str | None
) -> None:
    change(owner)
    if reason is None:
        owner.material().check_own()
        return
    with pytest.raises(CertificateInvalid) as caught:
        owner.material().check_own()
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("names", "host", "is_named"),
    [
        (("a.example",), "A.Example", True),
        (("*.example",), "a.example", True),
        (("*.example",), "b.a.example", False),
        (("*.example",), "example", False),
        (("192.168.1.2",), "192.168.1.2", True),
        (("192.168.1.2",), "192.168.1.3", False),
        (("192.168.1.2",), "example", False),
    ],
    ids=str,
)
def test_a_name_is_compared_as_chargers_do(
    owner: Owner, names: tuple[str, ...], host: str, *, is_named: bool
) -> None:
    owner.write(hosts=names)
    assert names_host(read_own_certificate(owner.files).chain[0], host) is is_named


def test_the_root_is_known_where_the_chain_holds_it(owner: Owner) -> None:
    material = owner.material()
    assert material.trusted_pem() is None
    owner.write(with_root=True)
    assert material.trusted_pem() == owner.root.certificate_pem
    assert len(material.shown_certificates()) == 2


def test_no_key_is_shown(owner: Owner) -> None:
    assert "PRIVATE" not in repr(read_own_certificate(owner.files))


async def serial_shown(
    context: ssl.SSLContext, owner: Owner, newest: ssl.TLSVersion | None = None
) -> str:
    """Dial a listener with a context and return the certificate that it shows."""
    server = await asyncio.start_server(
        lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context
    )
    port = server.sockets[0].getsockname()[1]
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(cadata=owner.root.certificate_pem)
    if newest is not None:
        client.maximum_version = newest
    try:
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client, server_hostname=HOST
        )
        told = writer.get_extra_info("peercert")
        writer.close()
        return str(told["serialNumber"])
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.usefixtures("socket_enabled")
async def test_the_files_are_shown_and_read_again_when_they_change(
    owner: Owner,
) -> None:
    material = owner.material()
    context = material.open()
    first = await serial_shown(context, owner)
    assert not material.renew()
    owner.write()
    assert material.renew()
    second = await serial_shown(context, owner)
    assert second != first
    # A file that is broken takes nothing away.
    owner.files.certificate.write_text("half a fi")
    with pytest.raises(CertificateInvalid):
        material.renew()
    assert await serial_shown(context, owner) == second


@pytest.mark.usefixtures("socket_enabled")
async def test_tls_1_3_only_turns_tls_1_2_away(owner: Owner) -> None:
    old = ssl.TLSVersion.TLSv1_2
    assert await serial_shown(owner.material().open(), owner, old)
    only = owner.material(is_1_3_only=True).open()
    assert await serial_shown(only, owner)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await serial_shown(only, owner, old)


async def test_the_owner_hears_of_the_end_and_of_files_that_are_wrong(
    owner: Owner,
) -> None:
    told: list[tuple[int | None, str | None]] = []
    changed = asyncio.Event()

    def note(days_left: float | None, reason: str | None) -> None:
        told.append((None if days_left is None else round(days_left), reason))
        changed.set()

    async def hears(expected: tuple[int, str | None]) -> None:
        async with asyncio.timeout(5):
            while not told or told[-1] != expected:
                changed.clear()
                await changed.wait()

    material = owner.material()
    material.open()
    task = asyncio.create_task(renew_daily(material, asyncio.to_thread, note, 0.01))
    try:
        await hears((365, None))
        owner.now += timedelta(days=360)
        await hears((5, None))
        owner.files.key.write_text("broken")
        await hears((5, "unreadable_key"))
        owner.write()
        await hears((365, None))
    finally:
        task.cancel()
