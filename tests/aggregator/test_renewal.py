"""A home asks for its next certificate over its own link."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
import json
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
import pytest

from aggregator.errors import InvitationRefusedError
from aggregator.leader import RENEW_PERIOD_S
from aggregator.mqtt_session import Inbound

from .scripted_home import make_request
from .test_leader import Bench

SEED = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
"""Of the key that the bench pinned (RFC 8032, test 1)."""

TOPIC = "v2gvpp/v1/north/home-1/up/csr"


class Asking(Bench):
    """A home that signs what it asks."""

    def ask(self, csr_pem: str, seq: int, *, is_signed: bool = True) -> None:
        document = {
            "version": "1.0",
            "type": "csr",
            "id": f"019ab120-0000-7000-8000-00000000000{seq}",
            "epoch": 1,
            "seq": seq,
            "ts": "2026-11-23T17:00:00.250Z",
            "csr_pem": csr_pem,
        }
        payload = json.dumps(document).encode()
        key = Ed25519PrivateKey.from_private_bytes(urlsafe_b64decode(SEED))
        raw = key.sign(TOPIC.encode() + b"\0" + payload)
        text = urlsafe_b64encode(raw).rstrip(b"=").decode()
        self.leader.on_message(
            Inbound(
                topic=TOPIC,
                payload=payload,
                is_retained=False,
                signatures=(f"home-key:{text}",) if is_signed else (),
                correlation=None,
                received_mono_s=self.clock.monotonic(),
                received_at=self.clock.utcnow(),
            )
        )

    def counted(self, name: str) -> int:
        return self.leader.home("home-1").counters[name]


@pytest.fixture
def bench(tmp_path: Path) -> Asking:
    return Asking(tmp_path)


async def test_signed_question_gets_a_certificate_and_the_old_one_stays_good(
    bench: Asking,
) -> None:
    csr_pem = make_request("north--home-1")[0]
    bench.ask(csr_pem, 1)
    await bench.leader.close()
    (reply,) = bench.sent_of("certificate")
    assert reply["csr_id"].endswith("1")
    leaf = x509.load_pem_x509_certificate(reply["certificate_pem"].encode())
    assert leaf.subject.rfc4514_string() == "CN=north--home-1"
    (sent,) = [one for one in bench.sent if one.topic.endswith("/certificate")]
    assert sent.signature is not None
    assert (sent.qos, sent.is_retained) == (1, False)
    assert bench.enrolments.get("home-1").may_connect
    # Whoever asks again at once waits; later it is answered.
    bench.ask(csr_pem, 2)
    await bench.leader.close()
    assert bench.counted("renewed_too_often") == 1
    bench.clock.pass_s(RENEW_PERIOD_S)
    bench.ask(csr_pem, 3)
    await bench.leader.close()
    assert len(bench.sent_of("certificate")) == 2


async def test_question_that_is_not_signed_or_for_another_home_gets_nothing(
    bench: Asking,
) -> None:
    bench.ask(make_request("north--home-1")[0], 1, is_signed=False)
    bench.ask(make_request("north--home-2")[0], 2)
    await bench.leader.close()
    assert bench.sent_of("certificate") == []
    assert bench.counted("bad_signature") == 1
    assert bench.counted("csr_refused") == 1


def test_home_that_was_revoked_renews_nothing(bench: Asking) -> None:
    bench.enrolments.revoke("home-1")
    with pytest.raises(InvitationRefusedError):
        bench.enrolments.renew("home-1", make_request("north--home-1")[0])
