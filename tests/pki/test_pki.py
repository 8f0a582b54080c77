"""Keys, requests, certificates: what is issued can be used, what is wrong is named."""

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
import ssl
import stat
import tempfile

from homeassistant.util import dt as dt_util
from hypothesis import given, settings, strategies as st
import pytest

from custom_components.v2g_vpp.domain.errors import CertificateInvalid, StoreUnreadable
from custom_components.v2g_vpp.pki.authority import (
    LEAF_LIFE,
    Authority,
    LeafPurpose,
    create_authority,
    issue_certificate,
)
from custom_components.v2g_vpp.pki.expiry import (
    check_client_certificate,
    read_certificate,
)
from custom_components.v2g_vpp.pki.request import (
    KeyAndRequest,
    client_common_name,
    create_client_request,
)
from custom_components.v2g_vpp.pki.signing import (
    Ed25519Signer,
    create_signing_seed,
    verify_signature,
)
from custom_components.v2g_vpp.pki.store import PemStore
from custom_components.v2g_vpp.pki.tls import (
    client_context,
    server_context,
    trusting_context,
)

# OpenSSL judges by the machine's clock.
NOW = dt_util.utcnow().replace(microsecond=0)
NAME = client_common_name("north", "home-0001")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return create_authority("Home", NOW)


@pytest.fixture(scope="module")
def made() -> KeyAndRequest:
    return create_client_request(NAME)


@pytest.fixture(scope="module")
def certificate(authority: Authority, made: KeyAndRequest) -> str:
    return issue_certificate(authority, made.csr_pem, NOW, LeafPurpose.CLIENT)


def reason_of(authority: Authority | None, *arguments: str, now: datetime = NOW) -> str:
    root_pem = authority.certificate_pem if authority else None
    certificate_pem, key_pem, name = arguments
    with pytest.raises(CertificateInvalid) as caught:
        check_client_certificate(certificate_pem, key_pem, name, root_pem, now)
    return caught.value.reason


# ---- names


@pytest.mark.parametrize(
    ("region", "home_id"),
    [("a--b", "c"), ("a", "b--c"), ("A", "b"), ("a", ""), ("a", "-b"), ("a/b", "c")],
)
def test_name_that_could_be_read_in_two_ways_is_refused(
    region: str, home_id: str
) -> None:
    with pytest.raises(CertificateInvalid, match="bad_name"):
        client_common_name(region, home_id)


names = st.from_regex(r"[a-z0-9]+(-[a-z0-9]+)*", fullmatch=True).filter(
    lambda name: len(name) <= 31
)


@given(names, names)
def test_name_fits_a_certificate_and_can_be_split_again(region: str, home: str) -> None:
    common_name = client_common_name(region, home)
    assert len(common_name) <= 64
    assert common_name.split("--") == [region, home]


# ---- certificates


def test_issued_certificate_is_accepted_and_says_when_it_ends(
    authority: Authority, made: KeyAndRequest, certificate: str
) -> None:
    facts = check_client_certificate(
        certificate, made.key_pem, NAME, authority.certificate_pem, NOW
    )
    assert facts.common_name == NAME
    assert facts.days_left(NOW) == pytest.approx(365, abs=0.01)
    assert not facts.is_renewal_due(NOW + timedelta(days=334))
    assert facts.is_renewal_due(NOW + timedelta(days=336))
    assert read_certificate(certificate) == facts
    root = read_certificate(authority.certificate_pem)
    assert root.days_left(NOW) == pytest.approx(3653, abs=0.01)


def test_each_flaw_has_a_slug_of_its_own(
    authority: Authority, made: KeyAndRequest, certificate: str
) -> None:
    key = made.key_pem
    other = create_client_request(NAME)
    stranger = create_authority("Stranger", NOW)
    server = issue_certificate(authority, made.csr_pem, NOW, LeafPurpose.SERVER)
    late, early = NOW + LEAF_LIFE, NOW - timedelta(days=1)
    assert reason_of(authority, "x", key, NAME) == "unreadable"
    assert reason_of(authority, certificate, "x", NAME) == "unreadable_key"
    assert reason_of(authority, certificate, other.key_pem, NAME) == "key_mismatch"
    assert reason_of(authority, certificate, key, "north--other") == "wrong_name"
    assert reason_of(authority, server, key, NAME) == "wrong_purpose"
    assert reason_of(stranger, certificate, key, NAME) == "wrong_issuer"
    assert reason_of(authority, certificate, key, NAME, now=late) == "expired"
    assert reason_of(authority, certificate, key, NAME, now=early) == "not_yet_valid"
    assert reason_of(None, certificate, key, NAME, now=late) == "expired"
    before = late - timedelta(seconds=1)
    check_client_certificate(certificate, key, NAME, None, before)


@pytest.mark.parametrize("csr", ["", "x", "-----BEGIN CERTIFICATE REQUEST-----\n"])
def test_request_that_cannot_be_read_is_refused(authority: Authority, csr: str) -> None:
    with pytest.raises(CertificateInvalid, match="bad_request"):
        issue_certificate(authority, csr, NOW, LeafPurpose.CLIENT)


def test_leaf_lives_a_year_at_most(authority: Authority, made: KeyAndRequest) -> None:
    pem = issue_certificate(
        authority, made.csr_pem, NOW, LeafPurpose.CLIENT, life=timedelta(days=3650)
    )
    assert read_certificate(pem).days_left(NOW) == pytest.approx(365, abs=0.01)


def test_keys_do_not_show_in_a_log(authority: Authority, made: KeyAndRequest) -> None:
    assert "PRIVATE" not in repr(authority) + repr(made)


# ---- TLS


def handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> str | None:
    """Return the TLS version of a session in memory on which both sides spoke."""
    upward, downward = ssl.MemoryBIO(), ssl.MemoryBIO()
    home = client.wrap_bio(downward, upward, server_hostname="127.0.0.1")
    broker = server.wrap_bio(upward, downward, server_side=True)
    for _ in range(3):
        for side in (home, broker):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
    home.write(b"x")
    # Only here does a TLS 1.3 server have looked at the client's certificate.
    assert broker.read(1) == b"x"
    return home.version()


@pytest.fixture
def server(authority: Authority) -> ssl.SSLContext:
    made = create_client_request("broker")
    pem = issue_certificate(
        authority, made.csr_pem, NOW, LeafPurpose.SERVER, hosts=("127.0.0.1",)
    )
    return server_context(pem, made.key_pem, authority.certificate_pem)


def test_client_and_server_know_each_other_over_tls_1_3(
    authority: Authority, made: KeyAndRequest, certificate: str, server: ssl.SSLContext
) -> None:
    client = client_context(authority.certificate_pem, certificate, made.key_pem)
    assert handshake(server, client) == "TLSv1.3"
    assert client.minimum_version is ssl.TLSVersion.TLSv1_3
    assert client.check_hostname


def test_client_refuses_a_server_of_tls_1_2(
    authority: Authority, made: KeyAndRequest, certificate: str, server: ssl.SSLContext
) -> None:
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    client = client_context(authority.certificate_pem, certificate, made.key_pem)
    with pytest.raises(ssl.SSLError, match="UNSUPPORTED_PROTOCOL"):
        handshake(server, client)


def test_server_insists_on_a_certificate(
    authority: Authority, server: ssl.SSLContext
) -> None:
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        handshake(server, trusting_context(authority.certificate_pem))


def test_client_trusts_its_own_root_and_no_other(
    made: KeyAndRequest, certificate: str, server: ssl.SSLContext
) -> None:
    stranger = create_authority("Stranger", NOW)
    client = client_context(stranger.certificate_pem, certificate, made.key_pem)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, client)
    assert client.cert_store_stats()["x509_ca"] == 1


def test_context_leaves_no_file_and_its_file_is_private(
    authority: Authority,
    made: KeyAndRequest,
    certificate: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen = []
    load = ssl.SSLContext.load_cert_chain

    def spy(context: ssl.SSLContext, path: Path, password: str) -> None:
        modes = (path.stat().st_mode, path.parent.stat().st_mode)
        seen.append(tuple(stat.S_IMODE(mode) for mode in modes))
        load(context, path, password=password)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", spy)
    client_context(authority.certificate_pem, certificate, made.key_pem)
    with pytest.raises(CertificateInvalid, match="unreadable_key_pair"):
        client_context(authority.certificate_pem, certificate, "nonsense")
    assert seen == [(0o600, 0o700)] * 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("root", ["", "x", "-----BEGIN CERTIFICATE-----\n"])
def test_root_that_cannot_be_read_is_named(root: str) -> None:
    with pytest.raises(CertificateInvalid, match="unreadable_root"):
        trusting_context(root)


def test_leaf_is_no_root(certificate: str) -> None:
    with pytest.raises(CertificateInvalid, match="unreadable_root"):
        trusting_context(certificate)


def test_server_context_names_what_is_wrong(
    certificate: str, made: KeyAndRequest
) -> None:
    with pytest.raises(CertificateInvalid, match="unreadable_root"):
        server_context(certificate, made.key_pem, "x")
    other = create_client_request(NAME)
    with pytest.raises(CertificateInvalid, match="unreadable_key_pair"):
        server_context(certificate, other.key_pem)


# ---- signatures


@settings(max_examples=50)
@given(st.binary(max_size=200), st.integers(0, 63), st.integers(1, 255))
def test_signature_is_good_and_any_changed_byte_is_not(
    message: bytes, index: int, change: int
) -> None:
    signer = Ed25519Signer(b"s" * 32)
    signature = signer.sign(message)
    assert verify_signature(signer.public_key, signature, message)
    assert not verify_signature(signer.public_key, signature, message + b"x")
    spoilt = bytearray(signature)
    spoilt[index] ^= change
    assert not verify_signature(signer.public_key, bytes(spoilt), message)


@pytest.mark.parametrize("key", [b"", b"x", b"x" * 31, b"x" * 33])
def test_keys_of_another_length_verify_nothing(key: bytes) -> None:
    assert not verify_signature(key, b"s" * 64, b"m")
    with pytest.raises(CertificateInvalid, match="unreadable_key"):
        Ed25519Signer(key)


def test_seeds_differ_and_give_the_same_key_again() -> None:
    first, second = create_signing_seed(), create_signing_seed()
    assert first != second
    assert Ed25519Signer(first).public_key == Ed25519Signer(first).public_key


# ---- files


def test_store_keeps_texts_private_and_whole(tmp_path: Path) -> None:
    store = PemStore(tmp_path / "keys")
    assert store.load("vpp-home") is None
    store.save("vpp-home", "one")
    store.save("vpp-home", "two")
    assert store.load("vpp-home") == "two"
    (only,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(only.stat().st_mode) == 0o600
    assert stat.S_IMODE(only.parent.stat().st_mode) == 0o700
    only.write_bytes(b"\xff")
    with pytest.raises(StoreUnreadable):
        store.load("vpp-home")
    store.save("vpp-home", "three")
    assert store.load("vpp-home") == "three"
    store.delete("vpp-home")
    store.delete("vpp-home")
    assert store.load("vpp-home") is None


def test_store_survives_a_draft_that_a_crash_left(tmp_path: Path) -> None:
    store = PemStore(tmp_path)
    (tmp_path / "a.new").write_text("half")
    store.save("a", "whole")
    assert store.load("a") == "whole"


@pytest.mark.parametrize("name", ["", "../a", "a/b", "A", "a.pem"])
def test_store_takes_no_path_for_a_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        PemStore(tmp_path).save(name, "x")
