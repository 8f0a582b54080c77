"""What an enrolment needs besides forms: keys that wait, and the operator's answer."""

from dataclasses import asdict, dataclass, field, replace
from http import HTTPStatus
from typing import Any, Final

import aiohttp
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util.json import json_loads_object

from .const import STORE_ENROLMENT
from .domain.errors import CertificateInvalid, InvitationInvalid, StoreUnreadable
from .pki.request import create_client_request
from .pki.signing import Ed25519Signer, create_signing_seed
from .pki.tls import trusting_context
from .storage import HaStore
from .vpp.probe import (
    Enrolment,
    decode_base64url,
    encode_base64url,
    enrolment_request,
    parse_enrolment_reply,
)

ENROL_TIMEOUT: Final = aiohttp.ClientTimeout(total=20)
"""An operator signs within a second; a person waits no longer than this."""

MAX_REPLY_BYTES: Final = 65_536
_MAX_DETAIL: Final = 200
_SEED_LENGTH: Final = 32


class EnrolmentRefused(Exception):  # noqa: N818 - an outcome, not a fault of ours
    """Raise when the operator gave no certificate."""

    def __init__(self, key: str, detail: str = "") -> None:
        """Keep the key of the text, and what the operator said."""
        super().__init__(key)
        self.key, self.detail = key, detail


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeKeys:
    """The keys of this home for one programme."""

    key_pem: str = field(repr=False)
    csr_pem: str
    signing_seed: str = field(repr=False)
    """Base64url without padding."""

    certificate_pem: str = ""
    """What the operator sent, empty before."""

    @property
    def signing_public_key(self) -> str:
        """The public half of the signing key, base64url."""
        return encode_base64url(self._signer().public_key)

    @property
    def signing_public_bytes(self) -> bytes:
        """The public half of the signing key, raw."""
        return self._signer().public_key

    def with_certificate(self, certificate_pem: str) -> HomeKeys:
        """Return the keys together with the certificate for them."""
        return replace(self, certificate_pem=certificate_pem)

    def _signer(self) -> Ed25519Signer:
        return Ed25519Signer(decode_base64url(self.signing_seed, _SEED_LENGTH))


def create_home_keys(common_name: str) -> HomeKeys:
    """Return fresh keys and the request for a certificate. Blocking."""
    made = create_client_request(common_name)
    return HomeKeys(
        key_pem=made.key_pem,
        csr_pem=made.csr_pem,
        signing_seed=encode_base64url(create_signing_seed()),
    )


class PendingEnrolments:
    """Keys of enrolments that are not finished, private on disk.

    An operator may take days to sign a request, and a one-time code works once: what
    was made or received must survive a dialog that is closed.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        """Use the one document of the integration."""
        self._store = HaStore(hass, STORE_ENROLMENT)

    async def find(self, enrolment: Enrolment) -> HomeKeys | None:
        """Return the keys that were made for this invitation."""
        kept = (await self._load()).get(_name(enrolment))
        try:
            return HomeKeys(**kept) if kept else None
        except TypeError:
            return None

    async def keep(self, enrolment: Enrolment, keys: HomeKeys) -> None:
        """Write the keys down."""
        document = await self._load()
        await self._store.save({**document, _name(enrolment): asdict(keys)})

    async def forget(self, enrolment: Enrolment) -> None:
        """Remove the keys: they live in the programme's set-up now."""
        document = await self._load()
        document.pop(_name(enrolment), None)
        await self._store.save(document)

    async def _load(self) -> dict[str, Any]:
        try:
            return dict(await self._store.load() or {})
        except StoreUnreadable:
            # Nothing depends on it: the owner begins the enrolment again.
            return {}


async def request_certificate(
    hass: HomeAssistant, enrolment: Enrolment, keys: HomeKeys
) -> str:
    """Return the certificate that the operator issues for the one-time code.

    Raises:
        EnrolmentRefused: with the text to show.
    """
    try:
        # The operator's server is trusted by the root of the invitation, nothing else.
        context = await hass.async_add_executor_job(
            trusting_context, enrolment.broker_root_pem
        )
        async with async_get_clientsession(hass).post(
            enrolment.enrol_url,
            json=enrolment_request(enrolment, keys.csr_pem, keys.signing_public_bytes),
            ssl=context,
            timeout=ENROL_TIMEOUT,
            allow_redirects=False,
        ) as response:
            body = await response.content.read(MAX_REPLY_BYTES)
            status = response.status
    except aiohttp.ClientSSLError as err:
        raise EnrolmentRefused("enrolment_not_trusted") from err
    except (aiohttp.ClientError, TimeoutError) as err:
        raise EnrolmentRefused("enrolment_unreachable") from err
    except CertificateInvalid as err:
        raise EnrolmentRefused("enrolment_not_trusted") from err
    if status != HTTPStatus.OK:
        raise EnrolmentRefused("enrolment_refused", _detail(status, body))
    try:
        return parse_enrolment_reply(body)
    except InvitationInvalid as err:
        raise EnrolmentRefused("enrolment_reply_invalid") from err


def _detail(status: int, body: bytes) -> str:
    """Return what the operator said, short and without mark-up."""
    try:
        said = json_loads_object(body).get("message", "")
    except ValueError:
        said = ""
    plain = "".join(c for c in str(said)[:_MAX_DETAIL] if c.isalnum() or c in " .,:-")
    return plain.strip().removesuffix(".") or str(status)


def _name(enrolment: Enrolment) -> str:
    return f"{enrolment.region}/{enrolment.home_id}/{enrolment.programme_id}"
