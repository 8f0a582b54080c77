"""Enrolment by invitation, as a home does it; and what must be refused."""

import asyncio
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
import json
from pathlib import Path
import ssl
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from . import schemas
from .case import Failed, Inconclusive
from .wire import VERSION, Json, SigningKey, Topics

POST_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """What a home has after its enrolment."""

    certificate: Path
    key: Path
    signing_key: SigningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the enrolment server said."""

    status: int
    body: bytes


class Applicant:
    """A home that wants to join: two keys, and a request."""

    def __init__(self, invitation: Json, folder: Path) -> None:
        """Make the keys."""
        self.invitation = invitation
        self.folder = folder
        self.topics = Topics(invitation["region"], invitation["home_id"])
        self.signing_key = SigningKey.create("home-1")
        self._key = ec.generate_private_key(ec.SECP256R1())

    def request(self, **changes: str) -> Json:
        """Return what is posted."""
        return {
            "type": "enrolment_request",
            "version": VERSION,
            "code": self.invitation["code"],
            "home_id": self.invitation["home_id"],
            "region": self.invitation["region"],
            "csr_pem": self.csr_pem(),
            "signing_keys": self.signing_key.public,
            **changes,
        }

    def csr_pem(self, common_name: str | None = None) -> str:
        """Return a certificate request."""
        return _csr_pem(self._key, common_name or self.topics.common_name)

    async def post(self, request: Json) -> Answer:
        """Post a request.

        Raises:
            Inconclusive: when nobody answers.
        """
        try:
            return await asyncio.to_thread(self._post, json.dumps(request).encode())
        except (OSError, HTTPException) as err:
            raise Inconclusive(f"{self.invitation['enrol_url']}: {err}") from err

    async def enrol(self) -> Enrolled:
        """Join, and write certificate and key into the folder.

        Raises:
            Failed: when the answer is not that of the contract.
        """
        answer = await self.post(self.request())
        if answer.status != 200:
            raise Failed(f"the invitation was answered {answer.status}")
        fault = schemas.fault("enrolment_reply", answer.body)
        if fault is not None:
            raise Failed(fault)
        return await asyncio.to_thread(
            self._keep, schemas.parse(answer.body)["certificate_pem"]
        )

    def _keep(self, certificate_pem: str) -> Enrolled:
        self.folder.mkdir(parents=True, exist_ok=True)
        certificate = self.folder / "home.pem"
        certificate.write_text(certificate_pem)
        key = self.folder / "home.key"
        key.touch(mode=0o600)
        key.write_bytes(
            self._key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return Enrolled(certificate=certificate, key=key, signing_key=self.signing_key)

    def _post(self, body: bytes) -> Answer:
        url = urlsplit(self.invitation["enrol_url"])
        context = ssl.create_default_context(cadata=self.invitation["broker_root_pem"])
        connection = HTTPSConnection(
            url.hostname or "", url.port, timeout=POST_S, context=context
        )
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", url.path or "/", body, headers)
            response = connection.getresponse()
            return Answer(status=response.status, body=response.read())
        finally:
            connection.close()


def request_pem(path: Path, topics: Topics) -> str:
    """Return a certificate request of the key in a file.

    Raises:
        ValueError: when it is no P-256 key.
    """
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path} holds no P-256 key")  # noqa: TRY004 - a wrong file
    return _csr_pem(key, topics.common_name)


def _csr_pem(key: ec.EllipticCurvePrivateKey, common_name: str) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject)
    signed = request.sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()
