"""Joining a programme: read the invitation, ask for a certificate, read the answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
import re
import ssl
from urllib.parse import urlsplit

from ..domain.errors import InvitationInvalid
from ..domain.ids import ProgrammeId
from ..domain.rehearsal import REHEARSAL
from .fields import Fields, SchemaError
from .messages import VERSION
from .parsing import load_object
from .signing import HOME_KEY_ID, decode_public_keys, encode_base64url
from .topics import is_home_name, is_name

_MAX_PEM_LENGTH = 32_768
_WEEK_S = 604_800
_MAX_URL_LENGTH = 500
_HOST = r"[A-Za-z0-9.:-]{1,253}"
_PROGRAMME_ID = r"[A-Za-z0-9._-]{1,64}"
_CODE = r"[A-Za-z0-9_-]{8,128}"
_SHA256 = r"[0-9a-f]{64}"
_VERSION = r"1\.(?:0|[1-9][0-9]{0,2})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What an invitation says, checked."""

    broker_host: str
    broker_port: int
    broker_root_pem: str
    aggregator_keys: Mapping[str, str]
    """Base64url by key id, as it is stored; every one decodes."""

    home_id: str
    region: str
    programme_id: ProgrammeId
    programme_name: str
    terms_url: str
    terms_sha256: str
    enrol_url: str
    code: str
    """Works once; a secret until then."""

    expires_at: datetime
    notice_s: int | None = None
    """Least notice of an event by the terms; None: the invitation does not say."""

    opt_out_s: int | None = None
    """How long before its start an event can be left; 0: until its end."""


def parse_invitation(text: str, now: datetime) -> Enrolment:
    """Return the checked invitation.

    Args:
        text: what the owner pasted or scanned.
        now: aware UTC.

    Raises:
        InvitationInvalid: naming the first field that cannot be used; ``invitation``
            when it is no invitation at all.
    """
    try:
        fields = load_object(text.strip().encode())
        fields.choice("type", ("invitation",))
        fields.text("version", _VERSION)
    except (SchemaError, UnicodeEncodeError) as err:
        raise InvitationInvalid("invitation") from err
    try:
        enrolment = _read(fields)
    except SchemaError as err:
        raise InvitationInvalid(err.field) from err
    if now >= enrolment.expires_at:
        raise InvitationInvalid("expires_at")
    return enrolment


def enrolment_request(
    enrolment: Enrolment, csr_pem: str, signing_public_key: bytes
) -> dict[str, object]:
    """Return the JSON object to post to ``enrol_url``."""
    return {
        "type": "enrolment_request",
        "version": VERSION,
        "code": enrolment.code,
        "home_id": enrolment.home_id,
        "region": enrolment.region,
        "csr_pem": csr_pem,
        "signing_keys": {HOME_KEY_ID: encode_base64url(signing_public_key)},
    }


def parse_enrolment_reply(payload: bytes) -> str:
    """Return the certificate of a reply, as PEM, not yet checked against our key.

    Raises:
        InvitationInvalid: ``certificate_pem`` when the reply has none.
    """
    try:
        fields = load_object(payload)
        fields.choice("type", ("enrolment_reply",))
        return _pem(fields, "certificate_pem")
    except SchemaError as err:
        raise InvitationInvalid("certificate_pem") from err


def _read(fields: Fields) -> Enrolment:
    programme_id = ProgrammeId(fields.text("programme_id", _PROGRAMME_ID))
    if programme_id == REHEARSAL:
        raise SchemaError("programme_id")
    return Enrolment(
        broker_host=fields.text("broker_host", _HOST),
        broker_port=fields.integer("broker_port", 1, 65_535),
        broker_root_pem=_pem(fields, "broker_root_pem"),
        aggregator_keys=_keys(fields),
        home_id=_name(fields, "home_id"),
        region=_name(fields, "region"),
        programme_id=programme_id,
        programme_name=_programme_name(fields, programme_id),
        terms_url=_url(fields, "terms_url"),
        terms_sha256=fields.text("terms_sha256", _SHA256),
        enrol_url=_url(fields, "enrol_url"),
        code=fields.text("code", _CODE),
        expires_at=fields.moment("expires_at"),
        notice_s=fields.optional("notice_s", lambda n: fields.integer(n, 0, _WEEK_S)),
        opt_out_s=fields.optional("opt_out_s", lambda n: fields.integer(n, 0, _WEEK_S)),
    )


def _programme_name(fields: Fields, fallback: str) -> str:
    name = fields.optional("programme_name", lambda n: fields.text(n, r"(?s:.{1,80})"))
    return fallback if name is None else name


def _name(fields: Fields, field: str) -> str:
    text = fields.text(field, ".*")
    is_good = is_home_name(text) if field == "home_id" else is_name(text)
    if not is_good:
        raise SchemaError(field)
    return text


def _url(fields: Fields, field: str) -> str:
    text = fields.text(field, r"https://\S+")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as err:
        raise SchemaError(field) from err
    if len(text) > _MAX_URL_LENGTH or not parts.hostname or "@" in parts.netloc:
        raise SchemaError(field)
    return text


def _pem(fields: Fields, field: str) -> str:
    text = fields.text(field, r"(?s:-----BEGIN .*)")
    if len(text) > _MAX_PEM_LENGTH:
        raise SchemaError(field)
    try:
        # Form only: who uses it builds a TLS context of it and says more.
        first = re.split(r"(?<=-----END CERTIFICATE-----)", text, maxsplit=1)[0]
        ssl.PEM_cert_to_DER_cert(first)
    except ValueError as err:
        raise SchemaError(field) from err
    return text


def _keys(fields: Fields) -> Mapping[str, str]:
    keys = fields.nested("aggregator_keys").raw
    is_text = all(isinstance(text, str) for text in keys.values())
    if not is_text or not 1 <= len(keys) <= 4:
        raise SchemaError("aggregator_keys")
    try:
        decode_public_keys(keys)
    except ValueError as err:
        raise SchemaError("aggregator_keys") from err
    return dict(keys)
