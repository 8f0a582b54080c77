"""Invitations and the homes that used them; everything here survives a restart."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
import hmac
from secrets import token_urlsafe
from threading import Lock
from typing import Any

from .access_list import access_list
from .authority import Authority
from .clock import Clock
from .codec import format_timestamp, validate
from .errors import BadRequestError, InvitationRefusedError, UnknownHomeError
from .files import PUBLIC_MODE, read_json, write_file, write_json
from .identity import HomeIdentity
from .messages import VERSION
from .settings import DataDirectory, Endpoint, Settings

CODE_BYTES = 24
"""192 bits: nobody guesses one within its life."""

CODE_LIFE = timedelta(days=7)
"""House rule: an owner acts within a week; a lost letter is worth nothing after."""

MAX_HOMES = 10_000
"""House rule: this reference keeps everything of a home in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """One home from its invitation on."""

    home_id: str
    programme_id: str
    invited_at: str
    code_sha256: str | None
    """None once the code was used."""

    code_expires_at: str
    enrolled_at: str | None = None
    revoked_at: str | None = None
    signing_keys: Mapping[str, str] | None = None
    """Public keys that acks are signed with; None until the home named them."""

    @property
    def may_connect(self) -> bool:
        """Return True when the home holds a certificate that counts."""
        return self.enrolled_at is not None and self.revoked_at is None


class Enrolments:
    """Every home ever invited, and the files of the broker that follow from them.

    Methods that change something write files: call them in an executor.
    """

    def __init__(
        self,
        data: DataDirectory,
        settings: Settings,
        authority: Authority,
        clock: Clock,
    ) -> None:
        """Read the homes of the data directory."""
        self._data = data
        self._settings = settings
        self._authority = authority
        self._clock = clock
        document = read_json(data.homes) or {"homes": []}
        self._homes = {home["home_id"]: Enrolment(**home) for home in document["homes"]}
        # Each change reads, decides and writes: two at once would use a code twice.
        self._changing = Lock()

    @property
    def homes(self) -> Mapping[str, Enrolment]:
        """Return every home by its name."""
        return self._homes

    def get(self, home_id: str) -> Enrolment:
        """Return one home.

        Raises:
            UnknownHomeError: when it was never invited.
        """
        home = self._homes.get(home_id)
        if home is None:
            raise UnknownHomeError(f"There is no home called '{home_id[:80]}'.")
        return home

    def identity(self, home_id: str) -> HomeIdentity:
        """Return the certificate name of a home of this region."""
        return HomeIdentity(region=self._settings.region, home_id=home_id)

    def invite(self, home_id: str, signing_keys: Mapping[str, str]) -> dict[str, Any]:
        """Return an invitation with a fresh code; an earlier code is void.

        Args:
            home_id: name of the home; a known one is invited again.
            signing_keys: our public keys, which the home pins.

        Raises:
            IdentityError: for a name that the contract does not allow.
            BadRequestError: when there are too many homes, or ``serve`` has never
                run, so that nobody knows where the broker is.
        """
        with self._changing:
            self.identity(home_id)
            if home_id not in self._homes and len(self._homes) >= MAX_HOMES:
                raise BadRequestError(f"There are {MAX_HOMES} homes already.")
            code = token_urlsafe(CODE_BYTES)
            now = self._clock.utcnow()
            fresh = Enrolment(
                home_id=home_id,
                programme_id=self._settings.programme_id,
                invited_at=format_timestamp(now),
                code_sha256=_digest(code),
                code_expires_at=format_timestamp(now + CODE_LIFE),
            )
            known = self._homes.get(home_id)
            if known is not None:
                fresh = replace(
                    fresh,
                    enrolled_at=known.enrolled_at,
                    revoked_at=known.revoked_at,
                    signing_keys=known.signing_keys,
                )
            invitation = self._invitation(fresh, code, signing_keys)
            self._save(fresh)
            return invitation

    def redeem(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer an ``enrolment_request`` with a certificate; its code is then used.

        A second enrolment revokes the certificates of the first.

        Raises:
            InvitationRefusedError: for a code that is wrong, used or expired.
            CertificateRefusedError: for a signing request of another name or kind.
        """
        with self._changing:
            if request["region"] != self._settings.region:
                raise InvitationRefusedError("The invitation is of another region.")
            home = self._homes.get(request["home_id"])
            if home is None or not self._is_code_good(home, request["code"]):
                raise InvitationRefusedError(
                    "The invitation code is wrong, used or expired: ask for a new one."
                )
            certificate = self._issue(home, request["csr_pem"], request["signing_keys"])
        reply = {
            "type": "enrolment_reply",
            "version": VERSION,
            "certificate_pem": certificate,
        }
        validate("enrolment_reply", reply)
        return reply

    def sign_file(self, home_id: str, csr_pem: str) -> str:
        """Return a certificate for a request that the operator received by hand.

        The home's signing keys are those of its first hello.

        Raises:
            UnknownHomeError: when it was never invited.
            CertificateRefusedError: for a signing request of another name or kind.
        """
        with self._changing:
            return self._issue(self.get(home_id), csr_pem, None)

    def renew(self, home_id: str, csr_pem: str) -> str:
        """Return the next certificate of a home that asked over its own link.

        The one that it has stays good to its end: the home goes over when it can.

        Raises:
            UnknownHomeError: when it was never invited.
            InvitationRefusedError: when it may not connect any more.
            CertificateRefusedError: for a signing request of another name or kind.
        """
        with self._changing:
            if not self.get(home_id).may_connect:
                raise InvitationRefusedError("This home may not connect any more.")
            return self._authority.sign_home_request(csr_pem, self.identity(home_id))

    def revoke(self, home_id: str) -> Enrolment:
        """Take a home's certificates back; it may be invited again.

        Raises:
            UnknownHomeError: when it was never invited.
        """
        with self._changing:
            home = replace(
                self.get(home_id),
                revoked_at=format_timestamp(self._clock.utcnow()),
                code_sha256=None,
                signing_keys=None,
            )
            self._authority.revoke_home(self.identity(home_id))
            self._save(home)
            return home

    def pin_keys(self, home_id: str, signing_keys: Mapping[str, str]) -> None:
        """Keep the keys of a first hello, where enrolment brought none."""
        with self._changing:
            home = self.get(home_id)
            if home.signing_keys is None:
                self._save(replace(home, signing_keys=dict(signing_keys)))

    def admit(self, signing_keys: Mapping[str, Mapping[str, str]]) -> None:
        """Take in homes whose certificates were made here, all in one go.

        Args:
            signing_keys: public keys that acks are signed with, by home.

        Raises:
            BadRequestError: when there are too many homes.
            IdentityError: for a name that the contract does not allow.
        """
        with self._changing:
            now = format_timestamp(self._clock.utcnow())
            fresh = {
                home_id: Enrolment(
                    home_id=self.identity(home_id).home_id,
                    programme_id=self._settings.programme_id,
                    invited_at=now,
                    code_sha256=None,
                    code_expires_at=now,
                    enrolled_at=now,
                    signing_keys=dict(keys),
                )
                for home_id, keys in signing_keys.items()
            }
            if len({**self._homes, **fresh}) > MAX_HOMES:
                raise BadRequestError(f"There can be {MAX_HOMES} homes at most.")
            self._save_all(fresh.values())

    def write_access_list(self) -> None:
        """Write the broker's access list for the homes that may connect."""
        allowed = [home.home_id for home in self._homes.values() if home.may_connect]
        text = access_list(self._settings.region, allowed, self._settings.groups)
        write_file(self._data.access_list, text.encode(), PUBLIC_MODE)

    def _issue(
        self, home: Enrolment, csr_pem: str, signing_keys: Mapping[str, str] | None
    ) -> str:
        identity = self.identity(home.home_id)
        # A refused request leaves the earlier certificate and the code as they are.
        certificate = self._authority.sign_home_request(
            csr_pem, identity, revoke_earlier=home.enrolled_at is not None
        )
        self._save(
            replace(
                home,
                code_sha256=None,
                enrolled_at=format_timestamp(self._clock.utcnow()),
                revoked_at=None,
                signing_keys=None if signing_keys is None else dict(signing_keys),
            )
        )
        return certificate

    def _is_code_good(self, home: Enrolment, code: str) -> bool:
        if home.code_sha256 is None:
            return False
        expires_at = datetime.fromisoformat(home.code_expires_at)
        return self._clock.utcnow() < expires_at and hmac.compare_digest(
            home.code_sha256, _digest(code)
        )

    def _invitation(
        self, home: Enrolment, code: str, signing_keys: Mapping[str, str]
    ) -> dict[str, Any]:
        settings = self._settings
        if not settings.broker or not settings.enrolment:
            raise BadRequestError(
                "Nobody knows yet where the broker is: run 'serve' once, or give "
                "--broker and --enrol."
            )
        broker = Endpoint.parse(settings.broker)
        invitation = {
            "type": "invitation",
            "version": VERSION,
            "broker_host": broker.host,
            "broker_port": broker.port,
            "broker_root_pem": self._authority.root_pem,
            "aggregator_keys": dict(signing_keys),
            "home_id": home.home_id,
            "region": settings.region,
            "programme_id": home.programme_id,
            "programme_name": settings.programme_name,
            "terms_url": f"https://{settings.enrolment}/terms",
            "terms_sha256": self._data.terms_sha256(),
            "enrol_url": f"https://{settings.enrolment}/enrol",
            "code": code,
            "expires_at": home.code_expires_at,
        }
        promises = {"notice_s": settings.notice_s, "opt_out_s": settings.opt_out_s}
        invitation |= {k: v for k, v in promises.items() if v is not None}
        validate("invitation", invitation)
        return invitation

    def _save(self, home: Enrolment) -> None:
        self._save_all([home])

    def _save_all(self, changed: Iterable[Enrolment]) -> None:
        homes = {**self._homes, **{home.home_id: home for home in changed}}
        document = {"homes": [asdict(item) for item in homes.values()]}
        write_json(self._data.homes, document)
        self._homes = homes
        self.write_access_list()


def _digest(code: str) -> str:
    return sha256(code.encode()).hexdigest()
