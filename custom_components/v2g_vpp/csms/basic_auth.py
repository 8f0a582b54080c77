"""The password of a station, as HTTP carries it."""

from base64 import b64decode
import binascii
from collections.abc import Iterable
import hmac
import re
from typing import Final

from ..domain.ids import StationId

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


def meant_identity(
    identities: Iterable[StationId], dialled: str | None, authorization: str | None
) -> StationId | None:
    """Return which station somebody is who dials an address that is nobody's.

    Only for a hint to the owner: it proves nothing and lets nobody in.

    Args:
        identities: of the stations that may dial in.
        dialled: what stands at the end of the address, None when it is no identity.
        authorization: the header; its user name is the identity, too.
    """
    known = {identity.casefold(): identity for identity in identities}
    said = (name.casefold() for name in (dialled or "", _user(authorization)))
    return next((known[name] for name in said if name in known), None)


def _user(authorization: str | None) -> str:
    try:
        offered = b64decode((authorization or "").partition(" ")[2].strip())
    except binascii.Error, ValueError:
        return ""
    return offered.partition(b":")[0].decode(errors="replace")
