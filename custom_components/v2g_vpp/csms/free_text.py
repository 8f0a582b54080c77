"""Text that a person may have typed or a maker made up: without what is private."""

from ipaddress import ip_address
import re
from typing import Final

MAX_DETAIL_LENGTH: Final = 120
"""House rule; OCPP allows 255 characters for technical information."""

_MASK: Final = "***"
_NAMED_SECRET: Final = re.compile(
    r"(?i)\b(pass\w*|pwd|pin|secret|token|id_?t\w+|key|user\w*|login|e?vin|evcc_?id"
    r"|lat\w*|lon\w*|gps|rfid|uid|cert\w*)(['\"]?\s*[:=]\s*)"
    r"('[^']*'|\"[^\"]*\"|[^\s,;}]+)"
)
_WORD: Final = re.compile(r"[^\s,;'\"(){}\[\]=]+")
_COORDINATE: Final = re.compile(r"[-+]?\d{1,3}\.\d{3,}°?[NSEWnsew]?")
_IDENTIFIER_LENGTH: Final = 8
"""Of a word with a digit in it, from which on it may be a card, a VIN or a password."""

_VIN: Final = re.compile(r"\b(?=[A-Z]*\d)(?=\d*[A-Z])[A-HJ-NPR-Z0-9]{17}\b")
"""A vehicle identification number (ISO 3779): 17 of these, letters and digits."""

_PLACE: Final = re.compile(r"[-+]?\d{1,2}\.\d{4,}\s*[,; ]\s*[-+]?\d{1,3}\.\d{4,}")
"""Latitude and longitude, to some ten meters or better."""

_LOGIN: Final = re.compile(r"(://)[^/@\s]+@")
"""Of an address that holds a user name and a password."""


_SHORTEST: Final = 10
"""Of what one of these finds: an address with a login; a position has 15."""


def without_vehicle_and_place(text: str) -> str:
    """Return a text in which no vehicle number, position or login is left."""
    if len(text) < _SHORTEST:
        # Most of what a station says: units, names, numbers.
        return text
    shown = _LOGIN.sub(rf"\1{_MASK}@", text)
    return _PLACE.sub(_MASK, _VIN.sub(_MASK, shown))


def without_named_secrets(text: str) -> str:
    """Return a text in which what is called a secret is masked behind its name."""
    return _NAMED_SECRET.sub(rf"\1\2{_MASK}", text)


def without_secrets(text: str) -> str:
    """Return a short text in which nothing is left that may identify or open.

    Named secrets, coordinates, mail addresses and words that look like a card, a
    vehicle or a password are masked; network addresses stay.
    """
    plain = "".join(c if c.isprintable() else " " for c in text)
    masked = _WORD.sub(lambda word: _shown(word[0]), without_named_secrets(plain))
    return masked[:MAX_DETAIL_LENGTH].strip()


def _shown(word: str) -> str:
    bare = word.rstrip(".:!?")
    if _COORDINATE.fullmatch(bare):
        return _MASK
    try:
        ip_address(bare)
    except ValueError:
        pass
    else:
        return word
    has_digit = any(c.isdigit() for c in bare)
    is_secret = "@" in bare or (has_digit and len(bare) >= _IDENTIFIER_LENGTH)
    return _MASK if is_secret else word
