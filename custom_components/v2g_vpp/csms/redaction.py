"""Frames for the debug log, without what must not be in a log."""

import json
from typing import Any, Final
from urllib.parse import urlsplit

from .free_text import without_secrets, without_vehicle_and_place

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
_SECRET_VARIABLES: Final = _PLACES | {"basicauthpassword", "vehicleid", "evccid"}
_SECRET_CONFIGURATION: Final = _PLACES | {"authorizationkey", "basicauthpassword"}
"""Keys of 1.6 whose values are secrets."""

_TEXT_OF_MAKERS: Final = frozenset({"data", "info", "vendorinfo"})
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
    return name.lower().strip() in _SECRET_VARIABLES | _SECRET_CONFIGURATION


def _masked(node: Any) -> Any:
    match node:
        case {"variable": {"name": str(name)}} if name.lower() in _SECRET_VARIABLES:
            return {
                key: node[key] if key in {"component", "variable"} else _MASK
                for key in node
            }
        case {"payload": str(), "signature": _} | {"payload": str(), "signatures": _}:
            # A signed request: what it says is only encoded, not hidden.
            return dict.fromkeys(node, _MASK)
        case {"key": str(key), **rest}:
            # A configuration key of 1.6: its name may be shown.
            is_secret = key.lower().strip() in _SECRET_CONFIGURATION
            shown = dict.fromkeys(rest, _MASK) if is_secret else _masked(rest)
            return {"key": key, **shown}
        case dict():
            return {key: _masked_field(key, value) for key, value in node.items()}
        case list():
            return [_masked(item) for item in node]
        case _:
            return without_vehicle_and_place(node) if isinstance(node, str) else node


def _masked_field(key: str, value: Any) -> Any:
    name = key.lower()
    if name in _SECRET_KEYS and not isinstance(value, dict):
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
        return without_vehicle_and_place(text)
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
