"""What differs between the versions of OCPP-J, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final


class MessageType(IntEnum):
    """First element of every frame."""

    CALL = 2
    CALL_RESULT = 3
    CALL_ERROR = 4
    CALL_RESULT_ERROR = 5
    """2.1: the answer of the peer was invalid."""

    SEND = 6
    """2.1: a message that is never answered."""


class Fault(StrEnum):
    """Why a CALL is refused, in our words; each version spells the code its way."""

    FRAMEWORK = "framework"
    """Not JSON, not a list, elements missing or of the wrong kind."""

    MESSAGE_TYPE = "message_type"
    NOT_IMPLEMENTED = "not_implemented"
    """The action is not known."""

    NOT_SUPPORTED = "not_supported"
    """The action is known and this product does not do it."""

    OCCURRENCE = "occurrence"
    TYPE = "type"
    PROPERTY = "property"
    FORMAT = "format"
    SECURITY = "security"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcVersion:
    """Rules of the framing of one OCPP version."""

    protocol: str
    """WebSocket sub-protocol."""

    message_types: frozenset[MessageType]
    codes: Mapping[Fault, str]
    """Error code on the wire; a fault without one is not answered."""

    has_call_result_error: bool
    """True: an invalid answer of the station is reported to it."""


_REQUEST_AND_ANSWER: Final = frozenset(
    {MessageType.CALL, MessageType.CALL_RESULT, MessageType.CALL_ERROR}
)

_CODES_2: Final[Mapping[Fault, str]] = {
    Fault.FRAMEWORK: "RpcFrameworkError",
    Fault.NOT_IMPLEMENTED: "NotImplemented",
    Fault.NOT_SUPPORTED: "NotSupported",
    Fault.OCCURRENCE: "OccurrenceConstraintViolation",
    Fault.TYPE: "TypeConstraintViolation",
    Fault.PROPERTY: "PropertyConstraintViolation",
    Fault.FORMAT: "FormatViolation",
    Fault.SECURITY: "SecurityError",
    Fault.INTERNAL: "InternalError",
}

V21: Final = RpcVersion(
    protocol="ocpp2.1",
    message_types=frozenset(MessageType),
    # An unknown message type is ignored (2.1 part 4, 4.1.3): no code for it.
    codes=_CODES_2,
    has_call_result_error=True,
)

V201: Final = RpcVersion(
    protocol="ocpp2.0.1",
    message_types=_REQUEST_AND_ANSWER,
    # The one version that answers an unknown message type (2.0.1 part 4, 4.4).
    codes={**_CODES_2, Fault.MESSAGE_TYPE: "MessageTypeNotSupported"},
    has_call_result_error=False,
)

V16: Final = RpcVersion(
    protocol="ocpp1.6",
    message_types=_REQUEST_AND_ANSWER,
    codes={
        **_CODES_2,
        # Both spelled as the 1.6 text spells them.
        Fault.FRAMEWORK: "FormationViolation",
        Fault.OCCURRENCE: "OccurenceConstraintViolation",
        Fault.FORMAT: "FormationViolation",
    },
    has_call_result_error=False,
)

SERVED_VERSIONS: Final = (V21, V201, V16)
"""In the order of our preference."""
