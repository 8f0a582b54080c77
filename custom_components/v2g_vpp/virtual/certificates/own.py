"""The certificate of the station itself: asked for, checked, kept (OCPP 2.x A02, A03)."""

from dataclasses import dataclass
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ..hardware import Hardware
from ..ocpp_package import Action, call, call_result, on
from ..peer import Peer
from ..wakeup import Signal
from .chain import common_name, has_key, is_valid, leads_to, parse_chain
from .roots import Roots

PURPOSE: Final = "ChargingStationCertificate"
MAX_CHAIN_LENGTH: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCertificate:
    """What the station shows of itself."""

    chain_pem: str
    """The leaf first."""

    key_pem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """A certificate that was asked for."""

    number: int
    key: ec.EllipticCurvePrivateKey
    attempt: int
    """Requests before this one that nobody answered with a certificate."""

    expires_mono_s: float


class OwnCertificates:
    """The request that is open, and the certificate that came last."""

    def __init__(self, hardware: Hardware, roots: Roots, changed: Signal) -> None:
        """Start without a certificate."""
        self.current: OwnCertificate | None = None
        self._hardware = hardware
        self._roots = roots
        self._changed = changed
        self._request: _Request | None = None
        self._is_invalid_untold = False
        self._number = 0

    async def request(self, peer: Peer) -> None:
        """Ask for a certificate with a new key (A02.FR.02)."""
        await self._ask(peer, attempt=0)

    async def run(self, peer: Peer) -> None:
        """Ask again when nothing comes, and tell of certificates that are none."""
        while True:
            request = self._request
            if self._is_invalid_untold:
                self._is_invalid_untold = False
                await self._tell_invalid(peer)
            elif (
                request is None or self._hardware.now().mono_s < request.expires_mono_s
            ):
                await self._changed.wait()
            elif request.attempt >= self._number_of("CertSigningRepeatTimes"):
                self._request = None
            else:
                await self._ask(peer, attempt=request.attempt + 1)

    @on(Action.certificate_signed)
    def on_certificate_signed(
        self,
        certificate_chain: str,
        certificate_type: str = PURPOSE,
        request_id: int | None = None,
        **_: Any,
    ) -> Any:
        """Keep a certificate that is what was asked for (A02.FR.06, FR.07)."""
        request = self._request
        chain = parse_chain(certificate_chain)
        if (
            request is None
            or certificate_type != PURPOSE
            or len(certificate_chain) > MAX_CHAIN_LENGTH
            or request_id not in {None, request.number}
            or not self._is_sound(chain, request)
        ):
            self._is_invalid_untold = True
            self._changed.notify()
            return call_result.CertificateSigned(
                status="Rejected", status_info={"reasonCode": "InvalidCertificate"}
            )
        self._request = None
        self.current = OwnCertificate(
            chain_pem=certificate_chain, key_pem=_key_pem(request.key)
        )
        return call_result.CertificateSigned(status="Accepted")

    def _is_sound(self, chain: tuple[x509.Certificate, ...], request: _Request) -> bool:
        return (
            bool(chain)
            and has_key(chain[0], request.key.public_key())
            and common_name(chain[0]) == self._hardware.config.serial_number
            and all(is_valid(each, self._hardware.now().at) for each in chain)
            and leads_to(chain, self._roots.of_csms())
        )

    async def _ask(self, peer: Peer, *, attempt: int) -> None:
        self._number += 1
        # Each wait is twice the one before (A02.FR.18).
        wait_s = self._number_of("CertSigningWaitMinimum") * 2**attempt
        request = self._request = _Request(
            number=self._number,
            key=ec.generate_private_key(ec.SECP256R1()),
            attempt=attempt,
            expires_mono_s=self._hardware.now().mono_s + wait_s,
        )
        answer = await peer.tell(
            call.SignCertificate(
                csr=self._csr(request.key),
                certificate_type=PURPOSE,
                request_id=request.number if peer.version == "2.1" else None,
            )
        )
        if (
            answer is not None
            and answer["status"] == "Rejected"
            and self._request is request
        ):
            self._request = None

    def _csr(self, key: ec.EllipticCurvePrivateKey) -> str:
        owner = self._hardware.model.text("SecurityCtrlr", "OrganizationName")
        serial = self._hardware.config.serial_number
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, serial),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, owner),
            ]
        )
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
        request = builder.sign(key, hashes.SHA256())
        return request.public_bytes(serialization.Encoding.PEM).decode()

    def _number_of(self, variable: str) -> int:
        return int(self._hardware.model.text("SecurityCtrlr", variable))

    async def _tell_invalid(self, peer: Peer) -> None:
        await peer.tell(
            call.SecurityEventNotification(
                type="InvalidChargingStationCertificate",
                timestamp=self._hardware.clock_text(),
            )
        )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
