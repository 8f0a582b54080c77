"""Frames for the debug log, without what must not be in a log."""

import json
from typing import Any, Final
from urllib.parse import urlsplit

from .free_text import (
    without_named_secrets,
    without_secrets,
    without_vehicle_and_place,
)

_SECRET_KEYS: Final = frozenset(
    {
        "idtoken",
        "groupidtoken",
        "additionalidtoken",
        "certificate",
        "certificatechain",
        "csr",
        "exirequest",
        "exiresponse",
        "iso15118certificatehashdata",
        "ocspresult",
        "basicauthpassword",
        "password",
        "apnpassword",
        "key",
        "evccid",
        "vehicleid",
        "idtag",
        "parentidtag",
        "serialnumber",
        "chargepointserialnumber",
        "chargeboxserialnumber",
        "meterserialnumber",
        "iccid",
        "imsi",
        "vin",
        "emaid",
        "contractid",
        "customeridentifier",
        "contractcertificate",
        "customercertificate",
        "user",
        "username",
        "apnusername",
        "simpin",
        "signedmeterdata",
        "evinverterserialnumber",
        "vatnumber",
        "lat",
        "latitude",
        "lon",
        "lng",
        "long",
        "longitude",
        "gps",
        "coordinates",
        "gpscoordinates",
    }
)
_PLACES: Final = frozenset({"latitude", "longitude", "gpscoordinates", "coordinates"})
_SECRET_SETTINGS: Final = _PLACES | {"vehicleid", "vehiclecertificate", "token"}
"""Variables and keys whose values are secrets, beside those that are fields as well."""

_SECRET_WORDS: Final = ("passw", "passphrase", "pwd", "secret", "psk", "privatekey")
_KEYS_OF_1_6: Final = ("authorizationkey", "presharedkey", "wifikey", "apikey")
"""Parts of names that makers give to what nobody may know."""

_SETTING_FIELDS: Final = frozenset({"value", "readonly"})
_SIGNED_BEGINNING: Final = "OCMF|"
"""Of a signed reading, which names the card that it was made for."""

_TEXT_OF_MAKERS: Final = frozenset({"data", "info", "vendorinfo"})
_WHOLE: Final = frozenset({"vatcompany"})
"""Fields that are masked with all that is in them."""

_ADDRESS_KEYS: Final = frozenset({"location", "remotelocation"})
"""An address may hold a password or be a secret itself; only its host is shown."""

_MASK: Final = "***"
MAX_LOGGED_LENGTH: Final = 2000


def redacted(text: str | bytes, limit: int | None = MAX_LOGGED_LENGTH) -> str:
    """Return a frame fit to be shown, as JSON; one that is no JSON is only measured.

    Args:
        text: the frame.
        limit: longer ones are cut, so that a log stays readable; None cuts nothing.
    """
    try:
        shown = json.dumps(_masked(json.loads(text)), separators=(",", ":"))
    except ValueError, RecursionError:
        shown = json.dumps(f"{len(text)} characters, unreadable")
    return shown if limit is None else shown[:limit]


def is_secret_setting(name: str) -> bool:
    """Return True for a variable or configuration key that is never shown."""
    plain = "".join(c for c in name.lower() if c.isalnum())
    return (
        plain in _SECRET_SETTINGS
        or plain in _SECRET_KEYS - {"key", "user", "long"}
        or any(word in plain for word in (*_SECRET_WORDS, *_KEYS_OF_1_6))
    )


def _masked(node: Any) -> Any:
    if isinstance(node, dict):
        return _masked_object(node)
    if isinstance(node, list):
        return [_masked(item) for item in node]
    return _masked_word(node) if isinstance(node, str) else node


def _masked_object(node: dict[str, Any]) -> dict[str, Any]:
    hidden: str | None = None
    match node:
        case {"variable": {"name": str(name)}} if is_secret_setting(name):
            return {
                key: value if key in {"component", "variable"} else _MASK
                for key, value in node.items()
            }
        case {"payload": str(), "signature": _} | {"payload": str(), "signatures": _}:
            # A signed request: what it says is only encoded, not hidden.
            return dict.fromkeys(node, _MASK)
        case {"key": str(name), **rest} if rest and rest.keys() <= _SETTING_FIELDS:
            # A configuration key of 1.6: its name may be shown.
            is_secret = is_secret_setting(name)
            told = dict.fromkeys(rest, _MASK) if is_secret else _masked(rest)
            return {"key": name, **told}
        case {"format": "SignedData"}:
            hidden = "value"
        case {"data": str(), "requestId": _}:
            # What a station knows of a customer.
            hidden = "data"
        case _:
            pass
    return {
        key: _MASK if key == hidden else _masked_field(key, value)
        for key, value in node.items()
    }


def _masked_word(text: str) -> str:
    if text.startswith(_SIGNED_BEGINNING):
        return _MASK
    return without_vehicle_and_place(text)


def _masked_field(key: str, value: Any) -> Any:
    name = key.lower()
    if name in _WHOLE or (name in _SECRET_KEYS and not isinstance(value, dict)):
        return _MASK
    # A place of measurement has the same name and is none.
    if name in _ADDRESS_KEYS and isinstance(value, str) and "://" in value:
        return _host_of(value)
    if name == "techinfo" and isinstance(value, str):
        return without_secrets(value)
    if name in _TEXT_OF_MAKERS and isinstance(value, str):
        return _masked_text(value)
    return _masked(value)


def _masked_text(text: str) -> str:
    """Return free text of a maker; what is JSON inside is masked as such."""
    try:
        inside = json.loads(text)
    except ValueError, RecursionError:
        return without_named_secrets(_masked_word(text))
    if isinstance(inside, dict | list):
        return json.dumps(_masked(inside), separators=(",", ":"))
    return without_vehicle_and_place(text)


def _host_of(address: str) -> str:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return _MASK
    return f"{parts.scheme}://{host}/{_MASK}"
