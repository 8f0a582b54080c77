"""Cases about the enrolment, before the kit has a certificate."""

import asyncio
import socket
import ssl

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .case import Case, Failed, Inconclusive
from .enrolling import Applicant, Enrolled
from .options import Endpoint
from .transcript import Transcript

MAX_LIFE_DAYS = 365

KNOCK_S = 3.0
"""A broker says no within milliseconds; one that waits for CONNECT has said yes."""


class Joining:
    """An applicant, and what it has got."""

    def __init__(self, applicant: Applicant, broker: Endpoint) -> None:
        """Ask for nothing yet."""
        self.applicant = applicant
        self.broker = broker
        self.transcript = Transcript()
        self.enrolled: Enrolled | None = None

    async def at_rest(self) -> None:
        """Leave everything as it is."""


async def wrong_code(joining: Joining) -> str:
    """A code that is wrong."""
    applicant = joining.applicant
    wrong = "A" * len(applicant.invitation["code"])
    answer = await applicant.post(applicant.request(code=wrong))
    return _status(answer.status, 403)


async def bad_request(joining: Joining) -> str:
    """A request that is none, which must not use up the code."""
    applicant = joining.applicant
    answer = await applicant.post(applicant.request(csr_pem="nonsense"))
    return _status(answer.status, 422)


async def other_name(joining: Joining) -> str:
    """A certificate request of another name."""
    applicant = joining.applicant
    name = f"{applicant.topics.region}--somebody-else"
    answer = await applicant.post(applicant.request(csr_pem=applicant.csr_pem(name)))
    if answer.status == 200:
        raise Failed(f"it was answered 200: a certificate for {name}")
    return _status(answer.status, 422, 403)


async def certificate(joining: Joining) -> str:
    """The certificate is one for this home as a client."""
    joining.enrolled = await joining.applicant.enrol()
    pem = joining.enrolled.certificate.read_bytes()
    leaf = x509.load_pem_x509_certificates(pem)[0]
    names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    wanted = joining.applicant.topics.common_name
    if [name.value for name in names] != [wanted]:
        raise Failed(f"the common name is {[name.value for name in names]}")
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    if ExtendedKeyUsageOID.CLIENT_AUTH not in usage:
        raise Failed("the extended key usage is not client authentication")
    life = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    if life.days > MAX_LIFE_DAYS + 1:
        raise Failed(f"a life of {life.days} days")
    if not isinstance(leaf.public_key(), ec.EllipticCurvePublicKey):
        raise Failed("the certificate has another key")
    return f"{wanted}, {life.days} days"


async def used_code(joining: Joining) -> str:
    """A code works once."""
    answer = await joining.applicant.post(joining.applicant.request())
    return _status(answer.status, 403)


async def old_tls(joining: Joining) -> str:
    """The broker speaks TLS 1.3 and nothing older."""
    context = _context(joining)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return await _refused(joining, context, "TLS 1.2")


async def no_certificate(joining: Joining) -> str:
    """The broker wants a client certificate."""
    root = joining.applicant.invitation["broker_root_pem"]
    context = ssl.create_default_context(cadata=root)
    return await _refused(joining, context, "a client without a certificate")


def _context(joining: Joining) -> ssl.SSLContext:
    if joining.enrolled is None:
        raise Inconclusive("there is no certificate")
    root = joining.applicant.invitation["broker_root_pem"]
    context = ssl.create_default_context(cadata=root)
    context.load_cert_chain(joining.enrolled.certificate, joining.enrolled.key)
    return context


async def _refused(joining: Joining, context: ssl.SSLContext, what: str) -> str:
    reason = await asyncio.to_thread(_knock, joining.broker, context)
    if reason is None:
        raise Failed(f"{what} is let in")
    return f"{what} is refused: {reason}"


def _knock(broker: Endpoint, context: ssl.SSLContext) -> str | None:
    """Return why the broker ends the connection, None when it does not.

    In TLS 1.3 a certificate that is missing shows on the first read.
    """
    try:
        with (
            socket.create_connection((broker.host, broker.port), KNOCK_S) as plain,
            context.wrap_socket(plain, server_hostname=broker.host) as wrapped,
        ):
            return None if wrapped.recv(1) else "closed"
    except TimeoutError:
        return None
    except OSError as err:
        return getattr(err, "reason", None) or str(err)


def _status(status: int, *wanted: int) -> str:
    if status not in wanted:
        raise Failed(f"answered {status} instead of {' or '.join(map(str, wanted))}")
    return f"answered {status}"


JOINING_CASES: tuple[Case[Joining], ...] = (
    Case(
        case_id="enrol-wrong-code",
        rule="Enrolment",
        done="Enrol with a wrong code.",
        expected="403.",
        run=wrong_code,
    ),
    Case(
        case_id="enrol-bad-request",
        rule="Enrolment",
        done="Enrol with a certificate request that is none.",
        expected="422; the code stays good.",
        run=bad_request,
    ),
    Case(
        case_id="enrol-other-name",
        rule="Enrolment",
        done="Ask for a certificate of another name.",
        expected="422 or 403; the code stays good.",
        run=other_name,
    ),
    Case(
        case_id="enrol-certificate",
        rule="Enrolment",
        done="Enrol as the invitation says.",
        expected="A client certificate of this name for at most 365 days.",
        run=certificate,
    ),
    Case(
        case_id="enrol-used-code",
        rule="Enrolment",
        done="Enrol again with the same code.",
        expected="403.",
        run=used_code,
    ),
    Case(
        case_id="broker-old-tls",
        rule="Session",
        done="Connect with TLS 1.2.",
        expected="Refused.",
        run=old_tls,
    ),
    Case(
        case_id="broker-no-certificate",
        rule="Session",
        done="Connect without a client certificate.",
        expected="Refused.",
        run=no_certificate,
    ),
)
