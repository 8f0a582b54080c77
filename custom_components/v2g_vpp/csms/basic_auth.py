"""The password of a station, as HTTP carries it."""

from base64 import b64decode
import binascii
import hmac
import re
from typing import Final

_HEX_KEY: Final = re.compile(r"(?:[0-9a-fA-F]{2}){16,20}")
"""An AuthorizationKey of 1.6, 16 to 20 bytes."""


def are_credentials_right(
    authorization: str | None, identity: str, password: str
) -> bool:
    """Compare in constant time; the user name is the identity (OCPP-J, part 4)."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        offered = b64decode(encoded.strip(), validate=True)
    except binascii.Error, ValueError:
        return False
    # Compared as one text: an identity may itself hold the colon that separates.
    is_right = hmac.compare_digest(offered, f"{identity}:{password}".encode())
    if _HEX_KEY.fullmatch(password):
        # 1.6 sets the key as hexadecimal text and sends its bytes (OCPP brief 2.5).
        raw = f"{identity}:".encode() + bytes.fromhex(password)
        is_right |= hmac.compare_digest(offered, raw)
    return is_right
