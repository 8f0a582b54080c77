"""Every way in which a broker can refuse us: told apart, reported, recovered from."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.errors import (
    BrokerRefusedTls,
    BrokerUnreachable,
    CertificateInvalid,
    TlsFault,
)
from custom_components.v2g_vpp.pki.tls import client_context
from custom_components.v2g_vpp.vpp import connector
from custom_components.v2g_vpp.vpp.probe import probe_broker
from script.rig.broker import Broker

from .actors import HOME, REGION
from .rig import Certificates, Rig, run_blocking

NAME = f"{REGION}--{HOME}"


@pytest.fixture
def stranger(rig: Rig) -> Any:
    """Another operator, whose root our broker does not know."""
    return Certificates(rig.clock)


def contexts(rig: Rig, stranger: Certificates) -> Any:
    """A wrong context for each fault that the broker or we can find."""
    ours, root = rig.certificates, rig.certificates.root_pem
    bare = client_context(root, *ours.client(NAME))
    return {
        TlsFault.CERTIFICATE_EXPIRED: ours.context(
            NAME, life=timedelta(minutes=1), age=timedelta(days=2)
        ),
        TlsFault.UNKNOWN_AUTHORITY: client_context(root, *stranger.client(NAME)),
        TlsFault.BROKER_NOT_TRUSTED: client_context(
            stranger.root_pem, *ours.client(NAME)
        ),
        None: bare,
    }


@pytest.mark.parametrize(
    "fault",
    [
        TlsFault.CERTIFICATE_EXPIRED,
        TlsFault.UNKNOWN_AUTHORITY,
        TlsFault.BROKER_NOT_TRUSTED,
    ],
)
async def test_wrong_certificate_is_named_once_and_the_right_one_recovers(
    rig: Rig, stranger: Certificates, fault: TlsFault, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Instead of 15 minutes: the wait itself is a constant, its effect is tested here.
    monkeypatch.setattr(connector, "REFUSED_DELAY_S", 0.05)
    right = rig.context
    rig.context = contexts(rig, stranger)[fault]
    await rig.make_link().start()
    await rig.until(lambda: rig.problems)
    (problem,) = rig.problems
    assert isinstance(problem, BrokerRefusedTls)
    assert problem.fault is fault
    assert rig.home.links == []
    tries = rig.link._connections
    await rig.until(lambda: rig.link._connections > tries + 1)
    assert len(rig.problems) == 1, "the same cause is told once"
    rig.context = right
    await rig.until(lambda: rig.recoveries == 1)
    await rig.until(lambda: rig.home.links == [True])


async def test_refusal_waits_until_somebody_repaired_it(
    rig: Rig, stranger: Certificates
) -> None:
    right = rig.context
    rig.context = contexts(rig, stranger)[TlsFault.UNKNOWN_AUTHORITY]
    await rig.make_link().start()
    await rig.until(lambda: rig.problems)
    tries = rig.link._connections
    rig.context = right
    await rig.until(lambda: not rig.link._is_connected and tries == 1)
    rig.link.retry_now()
    await rig.until(lambda: rig.home.links == [True])


async def test_revoked_certificate_is_named(rig: Rig) -> None:
    certificate, key = rig.certificates.client(NAME)
    rig.certificates.write_revoked(rig.broker.files, [certificate])
    rig.broker.stop()
    rig.broker.start()
    rig.context = client_context(rig.certificates.root_pem, certificate, key)
    await rig.make_link().start()
    await rig.until(lambda: rig.problems)
    assert rig.problems[0].fault is TlsFault.CERTIFICATE_REVOKED


async def test_unreadable_certificate_of_ours_is_a_problem_and_not_a_crash(
    rig: Rig,
) -> None:
    link = rig.make_link()
    good = rig.context

    def broken() -> None:
        raise CertificateInvalid("unreadable_key_pair")

    object.__setattr__(link._ports, "make_context", broken)
    await link.start()
    await rig.until(lambda: rig.problems)
    assert rig.problems[0].reason == "unreadable_key_pair"
    object.__setattr__(link._ports, "make_context", lambda: good)
    link.retry_now()
    await rig.until(lambda: rig.home.links == [True])
    assert rig.recoveries == 1


OLD_OPENSSL = """\
openssl_conf = init
[init]
ssl_conf = ssl
[ssl]
system_default = old
[old]
MaxProtocol = TLSv1.2
"""
"""How a broker of before TLS 1.3 behaves; mosquitto's own setting is only a minimum."""


class OldBroker(Broker):
    """A real broker that speaks TLS 1.2 and nothing newer."""

    def _configuration(self) -> Any:
        return super()._configuration().replace("tlsv1.3", "tlsv1.2")


@pytest.fixture
def beside(tmp_path: Path) -> Any:
    """A directory for a second broker."""
    directory = tmp_path / "beside"
    directory.mkdir()
    return directory


async def test_broker_with_tls_1_2_only_is_refused(
    certificates: Certificates, beside: Path, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    (beside / "openssl.cnf").write_text(OLD_OPENSSL)
    monkeypatch.setenv("OPENSSL_CONF", str(beside / "openssl.cnf"))
    with OldBroker(beside, certificates.write_broker_files(beside)) as old:
        with pytest.raises(BrokerRefusedTls) as caught:
            await run_blocking(lambda: probe_broker("127.0.0.1", old.port, rig.context))
        assert caught.value.fault is TlsFault.NO_TLS_1_3
        await rig.make_link(port=old.port).start()
        await rig.until(lambda: rig.problems)
        assert rig.problems[0].fault is TlsFault.NO_TLS_1_3


async def test_wrong_host_name_is_named(
    certificates: Certificates, beside: Path, rig: Rig
) -> None:
    files = certificates.write_broker_files(beside, hosts=("broker.example.org",))
    with Broker(beside, files) as other, pytest.raises(BrokerRefusedTls) as caught:
        await run_blocking(lambda: probe_broker("127.0.0.1", other.port, rig.context))
    assert caught.value.fault is TlsFault.WRONG_HOST_NAME


async def test_frozen_broker_is_unreachable_and_a_stop_does_not_wait_for_it(
    rig: Rig,
) -> None:
    rig.broker.freeze()
    try:
        await rig.make_link().start()
        await rig.until(lambda: rig.link._connections == 1)
        async with asyncio.timeout(1.0):
            await rig.link.stop()
    finally:
        rig.broker.thaw()
    assert rig.home.links == []


async def test_broker_that_is_absent_is_no_problem_for_a_person(
    rig: Rig, free_port: int
) -> None:
    with pytest.raises(BrokerUnreachable):
        await run_blocking(lambda: probe_broker("127.0.0.1", free_port, rig.context))
    await rig.make_link(port=free_port).start()
    await rig.until(lambda: rig.link._connections >= 3)
    assert rig.problems == []


async def test_good_certificate_passes_the_probe(rig: Rig) -> None:
    await run_blocking(lambda: probe_broker("127.0.0.1", rig.broker.port, rig.context))
