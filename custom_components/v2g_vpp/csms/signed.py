"""Signed requests (2.x): the request inside, whose signature is not verified yet.

A station may send ``Action-Signed`` with a flattened JSON Web Signature. What it says is
taken as if it came unsigned: the link itself is authenticated, and no key of a station
is known that a signature could be held against.
"""

from base64 import urlsafe_b64decode
import binascii
from typing import Final

from .frames import Call, Payload, parse
from .versions import V21

SUFFIX: Final = "-Signed"


def unsigned(action: str, payload: Payload) -> tuple[str, Payload] | None:
    """Return the request inside a signed one, as it is when unsigned, None when broken.

    Args:
        action: with or without the suffix.
        payload: with the suffix, an object whose ``payload`` is the request in base64url.
    """
    if not action.endswith(SUFFIX):
        return action, payload
    text = payload.get("payload")
    if not isinstance(text, str):
        return None
    try:
        inside = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except binascii.Error, ValueError:
        return None
    # Read as the payload of a frame, so that the same guards stand before it.
    frame = parse(f'[2,"","",{inside}]', V21, is_null_payload_legal=False)
    if not isinstance(frame, Call):
        return None
    return action.removesuffix(SUFFIX), frame.payload
