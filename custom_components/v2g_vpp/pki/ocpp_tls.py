"""The certificates that charging stations see, and the context that shows them.

One root of the home, an ECDSA and an RSA certificate below it: OCPP wants a server that
offers suites of both kinds (security profile 2). Everything here is blocking except ``renew_daily``.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
import logging
import ssl
from typing import Final

from cryptography import x509

from ..domain.errors import CertificateInvalid
from ..domain.ports import RunBlocking
from .authority import Authority, LeafPurpose, create_authority, issue_certificate
from .own_certificate import (
    OwnCertificate,
    OwnFiles,
    check_own_certificate,
    read_own_certificate,
)
from .request import create_request, create_rsa_key
from .store import PemStore
from .tls import load_key_pair

_LOGGER = logging.getLogger(__name__)

RENEW_BEFORE: Final = timedelta(days=30)
"""OCPP brief 2.5: a month is enough for a home that is away for the holidays."""

CHECK_EVERY_S: Final = 24 * 3600.0

CIPHERS: Final = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:"
    # Without forward secrecy, but demanded of a server by OCPP.
    "AES128-GCM-SHA256:AES256-GCM-SHA384"
)
"""Of TLS 1.2; those of TLS 1.3 are OpenSSL's own."""

NO_CHECK_TIME: Final = ssl.VerifyFlags(0x200000)
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which has no name in Python. Whoever takes a
certificate from this listener has to look at its dates (``access.Gatekeeper``)."""

_NOT_READ: Final = OwnCertificate(chain_pem="", key_pem="")

_KINDS: Final = ("ec", "rsa")


class OcppTls:
    """The material of the OCPP listener, kept in a private folder."""

    def __init__(
        self,
        store: PemStore,
        *,
        hosts: tuple[str, ...],
        owner: str,
        utcnow: Callable[[], datetime],
        own_files: OwnFiles | None = None,
        is_1_3_only: bool = False,
    ) -> None:
        """Name what is wanted; nothing is made before ``open``.

        Args:
            store: where keys and certificates are kept.
            hosts: names and addresses that stations dial, the first is the common name.
            owner: organisation in every certificate.
            utcnow: the aware UTC clock.
            own_files: shown instead of certificates that the home makes.
            is_1_3_only: let nobody in with TLS 1.2.
        """
        self._own_files, self._own = own_files, _NOT_READ
        self._lowest = ssl.TLSVersion.TLSv1_3 if is_1_3_only else ssl.TLSVersion.TLSv1_2
        self._store = store
        self._hosts = hosts
        self._owner = owner
        self._utcnow = utcnow
        self._context: ssl.SSLContext | None = None

    def open(self) -> ssl.SSLContext:
        """Return the context of the listener; what is missing is made.

        Raises:
            StoreUnreadable: when the folder cannot be read.
            CertificateInvalid: when what is kept there fits nothing any more.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = self._lowest
        context.set_ciphers(CIPHERS)
        root_pem = self.root_pem()
        try:
            context.load_verify_locations(cadata=root_pem)
        except (ssl.SSLError, ValueError) as err:
            # An empty text is a ValueError.
            raise CertificateInvalid("unreadable") from err
        # A station without a certificate shows its password instead.
        context.verify_mode = ssl.CERT_OPTIONAL
        # Who signed it is judged here, its dates are judged at the door: there a station
        # can be told apart, its owner gets a repair, and one may renew its certificate.
        context.verify_flags |= NO_CHECK_TIME
        if self._own_files is not None:
            self._own = read_own_certificate(self._own_files)
            load_key_pair(context, self._own.chain_pem, self._own.key_pem)
        else:
            for kind in _KINDS:
                if self._is_due(kind):
                    self._issue(kind)
                self._load(context, kind)
        self._context = context
        return context

    def renew(self) -> bool:
        """Renew what is due on the open context; True when anything was.

        Links that are up are not disturbed: a new certificate is for new handshakes.

        Raises:
            CertificateInvalid: for files of the owner that cannot be used any more;
                what was read before stays in use.
        """
        if self._own_files is not None:
            return self._renew_own(self._own_files)
        due = [kind for kind in _KINDS if self._is_due(kind)]
        for kind in due:
            self._issue(kind)
            if self._context is not None:
                self._load(self._context, kind)
        return bool(due)

    def _renew_own(self, files: OwnFiles) -> bool:
        own = read_own_certificate(files)
        if own == self._own:
            return False
        if self._context is not None:
            load_key_pair(self._context, own.chain_pem, own.key_pem)
        self._own = own
        return True

    def check_own(self) -> None:
        """Return if the files of the owner are good for chargers now, or are not used.

        Raises:
            CertificateInvalid: with the reason.
        """
        if self._own_files is not None:
            own = read_own_certificate(self._own_files)
            check_own_certificate(own, self._hosts[0], self._utcnow())

    def own_days_left(self) -> float | None:
        """Return the days until the owner's own certificate ends; None without one."""
        if self._own is _NOT_READ:
            return None
        return (self._own.not_valid_after - self._utcnow()) / timedelta(days=1)

    def trusted_pem(self) -> str | None:
        """Return the root that stations have to trust; None where it is not at hand."""
        if self._own_files is None:
            return self.root_pem()
        return read_own_certificate(self._own_files).root_pem

    def root_pem(self) -> str:
        """Return the root of the home, which signs stations; made when missing."""
        return self.authority().certificate_pem

    def shown_certificates(self) -> tuple[x509.Certificate, ...]:
        """Return what stations have to trust: the root, and what it signed."""
        if self._own_files is not None:
            return read_own_certificate(self._own_files).chain
        kept = [self._store.load(f"ocpp_server_{kind}") for kind in _KINDS]
        pems = [self.root_pem(), *(pem for pem in kept if pem is not None)]
        return tuple(
            certificate
            for pem in pems
            for certificate in x509.load_pem_x509_certificates(pem.encode())
        )

    def authority(self) -> Authority:
        """Return the root and its key; made when missing."""
        certificate, key = self._store.load("ocpp_root"), self._store.load("ocpp_key")
        if certificate is not None and key is not None:
            return Authority(certificate_pem=certificate, key_pem=key)
        made = create_authority("V2G home", self._utcnow(), self._owner)
        # The key first: a certificate without it would be trusted for nothing.
        self._store.save("ocpp_key", made.key_pem)
        self._store.save("ocpp_root", made.certificate_pem)
        return made

    def _is_due(self, kind: str) -> bool:
        """Return True when a certificate is missing, near its end or of other names."""
        pem = self._store.load(f"ocpp_server_{kind}")
        if pem is None or self._store.load(f"ocpp_server_{kind}_key") is None:
            return True
        try:
            leaf = x509.load_pem_x509_certificate(pem.encode())
            names = leaf.extensions.get_extension_for_class(
                x509.SubjectAlternativeName
            ).value
            root = x509.load_pem_x509_certificate(self.root_pem().encode())
            leaf.verify_directly_issued_by(root)
        except Exception:  # noqa: BLE001 - whatever is wrong with it, it is made anew
            return True
        told = {str(name.value) for name in names}
        is_near_end = leaf.not_valid_after_utc - self._utcnow() <= RENEW_BEFORE
        return is_near_end or told != set(self._hosts)

    def _issue(self, kind: str) -> None:
        key = create_rsa_key() if kind == "rsa" else None
        pair = create_request(self._hosts[0], key)
        certificate = issue_certificate(
            self.authority(),
            pair.csr_pem,
            self._utcnow(),
            LeafPurpose.SERVER,
            self._hosts,
            organisation=self._owner,
        )
        self._store.save(f"ocpp_server_{kind}_key", pair.key_pem)
        self._store.save(f"ocpp_server_{kind}", certificate)
        _LOGGER.info("new %s certificate for %s", kind, self._hosts[0])

    def _load(self, context: ssl.SSLContext, kind: str) -> None:
        certificate = self._store.load(f"ocpp_server_{kind}")
        key = self._store.load(f"ocpp_server_{kind}_key")
        if certificate is None or key is None:
            raise CertificateInvalid("unreadable_key_pair")
        load_key_pair(context, certificate, key)


async def renew_daily(
    material: OcppTls,
    run_blocking: RunBlocking,
    on_checked: Callable[[float | None, str | None], None],
    interval_s: float = CHECK_EVERY_S,
) -> None:
    """Renew certificates in time, for as long as the listener lives.

    Args:
        material: of the listener, opened.
        run_blocking: runs what blocks.
        on_checked: told at once and every day how many days the owner's own certificate
            is valid (None: there is none), and why its files cannot be used (None: they
            can).
        interval_s: between two looks.
    """
    while True:
        reason: str | None = None
        try:
            await run_blocking(material.renew)
            await run_blocking(material.check_own)
        except CertificateInvalid as err:
            reason = err.reason
            _LOGGER.warning("the certificate of the OCPP listener: %s", reason)
        except Exception:  # The next day may have a disk that works.
            _LOGGER.exception("certificates of the OCPP listener were not renewed")
        on_checked(material.own_days_left(), reason)
        await asyncio.sleep(interval_s)
