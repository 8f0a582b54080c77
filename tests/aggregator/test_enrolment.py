"""Invitations, certificates and what the broker is told of them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
import ssl

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
import pytest

from aggregator.authority import Authority
from aggregator.codec import validate
from aggregator.enrolment import CODE_LIFE, Enrolments
from aggregator.errors import (
    AggregatorError,
    BadRequestError,
    CertificateRefusedError,
    DataDirectoryError,
    IdentityError,
    InvitationRefusedError,
    UnknownHomeError,
)
from aggregator.identity import HomeIdentity
from aggregator.settings import DataDirectory, Settings

from .fake import FakeClock
from .scripted_home import Json, make_request

KEYS = {"agg-1": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
HOME_KEYS = {"home-key": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    return DataDirectory(tmp_path)


@pytest.fixture
def settings() -> Settings:
    return Settings(
        region="north",
        programme_id="evening-peak",
        programme_name="Evening peak",
        groups=("feeder-7",),
        broker="127.0.0.1:8883",
        enrolment="127.0.0.1:8884",
    )


@pytest.fixture
def authority(data: DataDirectory, clock: FakeClock, settings: Settings) -> Authority:
    data.save_settings(settings)
    return Authority.create(data.authority, clock, "north")


@pytest.fixture
def enrolments(
    data: DataDirectory, settings: Settings, authority: Authority, clock: FakeClock
) -> Enrolments:
    return Enrolments(data, settings, authority, clock)


def request_for(invitation: Json, name: str = "north--home-1") -> Json:
    return {
        "type": "enrolment_request",
        "version": "1.0",
        "code": invitation["code"],
        "home_id": invitation["home_id"],
        "region": invitation["region"],
        "csr_pem": make_request(name)[0],
        "signing_keys": HOME_KEYS,
    }


def revoked_serials(data: DataDirectory) -> set[int]:
    crl = x509.load_pem_x509_crl((data.authority / "crl.pem").read_bytes())
    return {item.serial_number for item in crl}


def serial(certificate_pem: str) -> int:
    return x509.load_pem_x509_certificate(certificate_pem.encode()).serial_number


def test_an_invitation_becomes_a_certificate_that_fits_the_contract(
    enrolments: Enrolments, clock: FakeClock
) -> None:
    invitation = enrolments.invite("home-1", KEYS)
    validate("invitation", invitation)
    request = request_for(invitation)
    validate("enrolment_request", request)
    reply = enrolments.redeem(request)

    leaf = x509.load_pem_x509_certificate(reply["certificate_pem"].encode())
    (name,) = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert name.value == "north--home-1"
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert leaf.not_valid_after_utc - clock.utcnow() <= timedelta(days=365)
    assert isinstance(leaf.public_key(), ec.EllipticCurvePublicKey)
    root = x509.load_pem_x509_certificate(invitation["broker_root_pem"].encode())
    leaf.verify_directly_issued_by(root)
    assert enrolments.get("home-1").signing_keys == HOME_KEYS


def test_a_code_works_once_and_a_new_invitation_works_again(
    enrolments: Enrolments, data: DataDirectory
) -> None:
    first = enrolments.invite("home-1", KEYS)
    certificate = enrolments.redeem(request_for(first))["certificate_pem"]
    with pytest.raises(InvitationRefusedError):
        enrolments.redeem(request_for(first))
    assert serial(certificate) not in revoked_serials(data)

    second = enrolments.invite("home-1", KEYS)
    enrolments.redeem(request_for(second))
    assert serial(certificate) in revoked_serials(data)


def test_a_code_works_once_even_when_two_ask_at_the_same_time(
    enrolments: Enrolments,
) -> None:
    request = request_for(enrolments.invite("home-1", KEYS))

    def redeem(_: int) -> bool:
        try:
            enrolments.redeem(request)
        except InvitationRefusedError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(redeem, range(16))) == 1


def test_a_code_expires_and_stays_used_over_a_restart(
    enrolments: Enrolments,
    data: DataDirectory,
    settings: Settings,
    authority: Authority,
    clock: FakeClock,
) -> None:
    late = enrolments.invite("late", KEYS)
    used = enrolments.invite("home-1", KEYS)
    enrolments.redeem(request_for(used))
    again = Enrolments(data, settings, authority, clock)
    with pytest.raises(InvitationRefusedError):
        again.redeem(request_for(used))
    clock.pass_s(CODE_LIFE.total_seconds())
    with pytest.raises(InvitationRefusedError):
        again.redeem(request_for(late, "north--late"))
    fresh = again.invite("late", KEYS)
    assert again.redeem(request_for(fresh, "north--late"))
    assert late["code"] not in data.homes.read_text()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code": "wrong-code-0001"}, InvitationRefusedError),
        ({"home_id": "home-2"}, InvitationRefusedError),
        ({"region": "south"}, InvitationRefusedError),
        ({"csr_pem": make_request("north--home-2")[0]}, CertificateRefusedError),
        ({"csr_pem": make_request("home-1")[0]}, CertificateRefusedError),
        ({"csr_pem": "-----BEGIN nothing"}, CertificateRefusedError),
        (
            {
                "csr_pem": make_request(
                    "north--home-1", ec.generate_private_key(ec.SECP384R1())
                )[0]
            },
            CertificateRefusedError,
        ),
        (
            {
                "csr_pem": make_request(
                    "north--home-1", rsa.generate_private_key(65537, 2048)
                )[0]
            },
            CertificateRefusedError,
        ),
    ],
    ids=[
        "a wrong code",
        "another home",
        "another region",
        "another name",
        "half a name",
        "no request",
        "another curve",
        "another kind of key",
    ],
)
def test_a_request_that_does_not_fit_is_refused_and_leaves_the_code_good(
    enrolments: Enrolments, change: Json, error: type[AggregatorError]
) -> None:
    enrolments.invite("home-2", KEYS)
    request = request_for(enrolments.invite("home-1", KEYS))
    with pytest.raises(error):
        enrolments.redeem({**request, **change})
    assert enrolments.redeem(request)


def test_a_forged_signature_of_a_request_is_refused(enrolments: Enrolments) -> None:
    request = request_for(enrolments.invite("home-1", KEYS))
    der = bytearray(ssl.PEM_cert_to_DER_cert(_as_certificate(request["csr_pem"])))
    der[-3] ^= 1
    forged = _as_request(ssl.DER_cert_to_PEM_cert(bytes(der)))
    with pytest.raises(CertificateRefusedError):
        enrolments.redeem({**request, "csr_pem": forged})


def test_the_broker_knows_a_home_from_its_enrolment_to_its_revocation(
    enrolments: Enrolments, data: DataDirectory
) -> None:
    user = "user north--home-1\n"
    request = request_for(enrolments.invite("home-1", KEYS))
    enrolments.write_access_list()
    assert user not in data.access_list.read_text()
    certificate = enrolments.redeem(request)["certificate_pem"]
    text = data.access_list.read_text()
    assert user in text
    home_part = text.partition(user)[2]
    assert "+" not in home_part
    assert "topic read v2gvpp/v1/north/group/feeder-7/dn/command" in home_part

    enrolments.revoke("home-1")
    assert user not in data.access_list.read_text()
    assert serial(certificate) in revoked_serials(data)
    assert enrolments.get("home-1").signing_keys is None


def test_a_certificate_from_a_file_leaves_the_keys_to_the_first_hello(
    enrolments: Enrolments,
) -> None:
    with pytest.raises(UnknownHomeError):
        enrolments.sign_file("home-1", make_request("north--home-1")[0])
    enrolments.invite("home-1", KEYS)
    assert enrolments.sign_file("home-1", make_request("north--home-1")[0])
    enrolments.pin_keys("home-1", HOME_KEYS)
    enrolments.pin_keys("home-1", {"other": HOME_KEYS["home-key"]})
    assert enrolments.get("home-1").signing_keys == HOME_KEYS


def test_nobody_is_invited_to_a_broker_that_nobody_knows(
    data: DataDirectory, authority: Authority, clock: FakeClock
) -> None:
    settings = Settings(region="north", programme_id="p", programme_name="P")
    with pytest.raises(BadRequestError):
        Enrolments(data, settings, authority, clock).invite("home-1", KEYS)


@pytest.mark.parametrize(
    "home_id",
    ["", "all", "group", "Home", "a b", "a--b", "-a", "a-", "a+", "a/b", "#", "x" * 32],
)
def test_a_name_that_would_read_as_another_topic_or_home_is_refused(
    enrolments: Enrolments, home_id: str
) -> None:
    with pytest.raises(IdentityError):
        enrolments.invite(home_id, KEYS)


def test_the_longest_names_fit_a_certificate(authority: Authority) -> None:
    home = HomeIdentity(region="r" * 31, home_id="h" * 31)
    assert authority.sign_home_request(make_request(home.common_name)[0], home)


def test_keys_are_private_and_an_authority_is_never_replaced(
    authority: Authority, data: DataDirectory, clock: FakeClock
) -> None:
    authority.ensure_broker_certificate(["broker.example.org", "192.0.2.7"])
    authority.ensure_aggregator_certificate("north")
    for name in ("root.key", "server.key", "aggregator.key", "issued.json"):
        assert (data.authority / name).stat().st_mode & 0o777 == 0o600
    assert data.authority.stat().st_mode & 0o777 == 0o700
    with pytest.raises(DataDirectoryError):
        Authority.create(data.authority, clock, "north")
    (data.authority / "root.key").write_text("damaged")
    with pytest.raises(DataDirectoryError):
        Authority.load(data.authority, clock)


def test_a_server_certificate_is_kept_until_it_is_near_its_end_or_lacks_a_name(
    authority: Authority, clock: FakeClock
) -> None:
    assert authority.ensure_broker_certificate(["broker.example.org"])
    assert not authority.ensure_broker_certificate(["broker.example.org"])
    assert authority.ensure_broker_certificate(["192.0.2.7"])
    clock.pass_s(timedelta(days=336).total_seconds())
    assert authority.ensure_broker_certificate(["192.0.2.7"])


def test_each_revocation_list_is_newer_than_the_last(
    authority: Authority, data: DataDirectory
) -> None:
    def number() -> int:
        crl = x509.load_pem_x509_crl((data.authority / "crl.pem").read_bytes())
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number

    first = number()
    authority.write_revocation_list()
    assert number() == first + 1


def _as_certificate(pem: str) -> str:
    return pem.replace("CERTIFICATE REQUEST", "CERTIFICATE")


def _as_request(pem: str) -> str:
    return pem.replace("CERTIFICATE", "CERTIFICATE REQUEST")
