"""The authorities that a station trusts: installed, listed, deleted (M03 to M05)."""

from dataclasses import dataclass
from typing import Any, Final

from cryptography import x509

from ..hardware import Hardware
from ..ocpp_package import Action, call_result, on
from .chain import HashData, hash_data, is_issued_by, is_same, is_valid, parse_chain

CSMS_ROOT: Final = "CSMSRootCertificate"
MAX_ROOTS: Final = 10
ENCRYPTED_PROFILE: Final = 2
"""From this security profile on the last root of the CSMS is in use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """One authority."""

    purpose: str
    """``certificateType`` of OCPP."""

    certificate: x509.Certificate

    def hash_data(self, algorithm: str = "SHA256") -> HashData:
        """Return how OCPP names it; a root is its own issuer."""
        return hash_data(self.certificate, self.certificate, algorithm)


class Roots:
    """The authorities of a station."""

    def __init__(self, hardware: Hardware) -> None:
        """Start with none: a station fresh from the factory."""
        self._hardware = hardware
        self._roots: tuple[Root, ...] = ()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._roots)

    def of_csms(self) -> tuple[x509.Certificate, ...]:
        """Return the authorities that may sign for the CSMS and the station."""
        return tuple(r.certificate for r in self._roots if r.purpose == CSMS_ROOT)

    @on(Action.install_certificate)
    def on_install_certificate(
        self, certificate_type: str, certificate: str, **_: Any
    ) -> Any:
        """Trust an authority; one that is there is installed again."""
        found = parse_chain(certificate)
        now_at = self._hardware.now().at
        if (
            len(found) != 1
            or not is_issued_by(found[0], found[0])
            or not is_valid(found[0], now_at)
        ):
            return _install_rejected("InvalidCertificate")
        root = Root(purpose=certificate_type, certificate=found[0])
        others = tuple(each for each in self._roots if each != root)
        if len(others) >= MAX_ROOTS:
            return _install_rejected("MaximumReached")
        self._roots = (*others, root)
        return call_result.InstallCertificate(status="Accepted")

    @on(Action.get_installed_certificate_ids)
    def on_get_installed_certificate_ids(
        self, certificate_type: list[str] | None = None, **_: Any
    ) -> Any:
        """List the authorities."""
        found = [
            {"certificateType": each.purpose, "certificateHashData": each.hash_data()}
            for each in self._roots
            if certificate_type is None or each.purpose in certificate_type
        ]
        return call_result.GetInstalledCertificateIds(
            status="Accepted" if found else "NotFound",
            certificate_hash_data_chain=found or None,
        )

    @on(Action.delete_certificate)
    def on_delete_certificate(self, certificate_hash_data: HashData, **_: Any) -> Any:
        """Trust an authority no longer, unless it is in use."""
        algorithm = certificate_hash_data["hashAlgorithm"]
        doomed = tuple(
            each
            for each in self._roots
            if is_same(certificate_hash_data, each.hash_data(algorithm))
        )
        if not doomed:
            return call_result.DeleteCertificate(status="NotFound")
        left = tuple(each for each in self._roots if each not in doomed)
        if self._is_encrypted() and not any(r.purpose == CSMS_ROOT for r in left):
            return call_result.DeleteCertificate(status="Failed")
        self._roots = left
        return call_result.DeleteCertificate(status="Accepted")

    def _is_encrypted(self) -> bool:
        profile = self._hardware.model.text("SecurityCtrlr", "SecurityProfile")
        return int(profile) >= ENCRYPTED_PROFILE


def _install_rejected(reason: str) -> Any:
    return call_result.InstallCertificate(
        status="Rejected", status_info={"reasonCode": reason}
    )
