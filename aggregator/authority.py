"""The operator's certificate authority: broker, aggregator and homes.

Everything is P-256. The root lives ten years so that homes need not be visited; every
leaf lives one.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from .certificates import (
    Issuer,
    build_leaf,
    build_revocation_list,
    build_root,
    certificate_pem,
    checked_request_key,
    private_key_pem,
    server_names,
)
from .clock import Clock
from .errors import DataDirectoryError
from .files import PUBLIC_MODE, read_json, write_file, write_json
from .identity import HomeIdentity, aggregator_common_name

RENEW_BEFORE = timedelta(days=30)
"""VPP contract: a certificate is renewed from 30 days before its end."""

LOOPBACK_NAMES = ("127.0.0.1", "localhost")


class Authority:
    """Issue and revoke certificates out of one data directory.

    Every method reads or writes files: call them in an executor from an event loop.
    """

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        key: ec.EllipticCurvePrivateKey,
        root: x509.Certificate,
    ) -> None:
        """Hold the root; use ``create`` or ``load``."""
        self._directory = directory
        self._clock = clock
        self._issuer: Issuer = (root, key)

    @classmethod
    def create(cls, directory: Path, clock: Clock, region: str) -> Authority:
        """Make a new root in ``directory`` and an empty revocation list.

        Raises:
            DataDirectoryError: when there is a root already.
        """
        if (directory / "root.pem").exists():
            raise DataDirectoryError(f"{directory} has a certificate authority already")
        key = ec.generate_private_key(ec.SECP256R1())
        root = build_root(key, f"v2g_vpp {region} root", clock.utcnow())
        write_file(directory / "root.key", private_key_pem(key))
        write_file(directory / "root.pem", certificate_pem(root), PUBLIC_MODE)
        authority = cls(directory, clock, key, root)
        authority.write_revocation_list()
        return authority

    @classmethod
    def load(cls, directory: Path, clock: Clock) -> Authority:
        """Open the root of ``directory``.

        Raises:
            DataDirectoryError: when it is missing or unreadable.
        """
        try:
            key = serialization.load_pem_private_key(
                (directory / "root.key").read_bytes(), None
            )
            root = x509.load_pem_x509_certificate((directory / "root.pem").read_bytes())
        except (OSError, ValueError) as err:
            raise DataDirectoryError(
                f"no certificate authority in {directory}: run "
                "'python -m aggregator init' first"
            ) from err
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise DataDirectoryError(f"{directory / 'root.key'} is not a P-256 key")
        return cls(directory, clock, key, root)

    @property
    def root_pem(self) -> str:
        """Return the root certificate that homes and broker trust."""
        return certificate_pem(self._issuer[0]).decode()

    def ensure_broker_certificate(self, hosts: Iterable[str] = ()) -> bool:
        """Make ``server.key`` and ``server.pem`` unless good ones are there.

        Args:
            hosts: host names and addresses that homes dial, beside the loopback.

        Returns:
            Whether new ones were made, which a running broker must be told.
        """
        names = tuple(dict.fromkeys((*LOOPBACK_NAMES, *hosts)))
        return self._ensure_leaf(
            "server", names[-1], ExtendedKeyUsageOID.SERVER_AUTH, server_names(names)
        )

    def ensure_aggregator_certificate(self, region: str) -> bool:
        """Make ``aggregator.key`` and ``aggregator.pem`` unless good ones are there."""
        return self._ensure_leaf(
            "aggregator",
            aggregator_common_name(region),
            ExtendedKeyUsageOID.CLIENT_AUTH,
            None,
        )

    def sign_home_request(
        self, csr_pem: str, home: HomeIdentity, *, revoke_earlier: bool = False
    ) -> str:
        """Return a client certificate for the public key of a signing request.

        Only key and name of the request count: what else it asks for is not granted.

        Args:
            csr_pem: the request.
            home: whom it must name.
            revoke_earlier: whether the home's other certificates end with this one.

        Raises:
            CertificateRefusedError: for an unreadable request, a wrong signature, a
                key that is not P-256, or a name that is not exactly the home's.
        """
        public_key = checked_request_key(csr_pem, home.common_name)
        if revoke_earlier:
            self.revoke_home(home)
        certificate = self._issue(
            home.common_name, public_key, ExtendedKeyUsageOID.CLIENT_AUTH, None
        )
        return certificate_pem(certificate).decode()

    def issue_home_certificates(
        self, requests: Mapping[HomeIdentity, ec.EllipticCurvePublicKey]
    ) -> dict[HomeIdentity, str]:
        """Return certificates for many homes at once, for a rehearsal.

        The list of what was issued is written once: one home at a time would write
        it a thousand times.
        """
        issued, records = {}, []
        now = self._clock.utcnow()
        for home, public_key in requests.items():
            certificate = build_leaf(
                self._issuer,
                public_key,
                home.common_name,
                now,
                ExtendedKeyUsageOID.CLIENT_AUTH,
                None,
            )
            issued[home] = certificate_pem(certificate).decode()
            records.append(_record(certificate, home.common_name))
        self._save_issued([*self._issued(), *records])
        return issued

    def revoke_home(self, home: HomeIdentity) -> int:
        """Revoke every certificate of a home; return how many were still good."""
        now = self._clock.utcnow().isoformat()
        issued = self._issued()
        hit = [
            record
            for record in issued
            if record["common_name"] == home.common_name and not record["revoked_at"]
        ]
        for record in hit:
            record["revoked_at"] = now
        self._save_issued(issued)
        self.write_revocation_list()
        return len(hit)

    def write_revocation_list(self) -> None:
        """Write ``crl.pem`` anew; the broker reads it when it is told to reload."""
        number = _next_number(self._directory / "crl.json")
        now = self._clock.utcnow()
        revoked = [
            (int(record["serial"], 16), datetime.fromisoformat(record["revoked_at"]))
            for record in self._issued()
            if record["revoked_at"]
        ]
        write_file(
            self._directory / "crl.pem",
            build_revocation_list(self._issuer, number, now, revoked),
            PUBLIC_MODE,
        )

    def _ensure_leaf(
        self,
        stem: str,
        common_name: str,
        purpose: x509.ObjectIdentifier,
        names: x509.SubjectAlternativeName | None,
    ) -> bool:
        key_path = self._directory / f"{stem}.key"
        cert_path = self._directory / f"{stem}.pem"
        if key_path.exists() and self._is_good(cert_path, names):
            return False
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._issue(common_name, key.public_key(), purpose, names)
        write_file(key_path, private_key_pem(key))
        write_file(cert_path, certificate_pem(certificate), PUBLIC_MODE)
        return True

    def _is_good(
        self, cert_path: Path, names: x509.SubjectAlternativeName | None
    ) -> bool:
        try:
            found = x509.load_pem_x509_certificate(cert_path.read_bytes())
        except OSError, ValueError:
            return False
        if found.not_valid_after_utc - self._clock.utcnow() < RENEW_BEFORE:
            return False
        if names is None:
            return True
        present = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        return set(names) <= set(present.value)

    def _issue(
        self,
        common_name: str,
        public_key: ec.EllipticCurvePublicKey,
        purpose: x509.ObjectIdentifier,
        names: x509.SubjectAlternativeName | None,
    ) -> x509.Certificate:
        now = self._clock.utcnow()
        certificate = build_leaf(
            self._issuer, public_key, common_name, now, purpose, names
        )
        kept = [
            record
            for record in self._issued()
            if datetime.fromisoformat(record["not_after"]) > now
        ]
        kept.append(_record(certificate, common_name))
        self._save_issued(kept)
        return certificate

    def _issued(self) -> list[dict[str, Any]]:
        document = read_json(self._directory / "issued.json") or {"issued": []}
        return list(document["issued"])

    def _save_issued(self, issued: list[dict[str, Any]]) -> None:
        write_json(self._directory / "issued.json", {"issued": issued})


def _record(certificate: x509.Certificate, common_name: str) -> dict[str, Any]:
    return {
        "serial": f"{certificate.serial_number:x}",
        "common_name": common_name,
        "not_after": certificate.not_valid_after_utc.isoformat(),
        "revoked_at": None,
    }


def _next_number(path: Path) -> int:
    number = int((read_json(path) or {"number": 0})["number"]) + 1
    write_json(path, {"number": number})
    return number
