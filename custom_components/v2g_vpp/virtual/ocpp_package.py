"""The untyped ``ocpp`` package, with types for the parts that the station uses."""

from collections.abc import Callable
import logging
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:

    class Connection(Protocol):
        """What a ``ChargePoint`` talks through."""

        async def recv(self) -> str:
            """Return the next text frame."""
            ...

        async def send(self, message: str) -> None:
            """Send one text frame."""
            ...

    class Message:
        """A frame that the package read: Call, CallResult or CallError."""

        message_type_id: int
        unique_id: Any
        action: Any
        payload: Any
        error_code: str
        error_description: str

        def to_json(self) -> str:
            """Return the frame as compact JSON."""
            ...

    class Validator:
        """A compiled JSON schema."""

        def iter_errors(self, payload: Any) -> Any:
            """Return what is wrong with a payload, lazily."""
            ...

    class PackageChargePoint:
        """Base of a charging station of the package."""

        id: str
        route_map: dict[str, dict[str, Any]]

        def __init__(
            self,
            id: str,
            connection: Connection,
            response_timeout: float,
            logger: logging.Logger,
        ) -> None:
            """Build the route map of its own handlers."""

        async def start(self) -> None:
            """Read frames and pass each to ``route_message``, forever."""

        async def route_message(self, raw_msg: str) -> None:
            """Deal with one frame."""

        async def call(self, payload: Any) -> Any:
            """Send a CALL and return the answer."""

    class OcppError(Exception):
        """An error that becomes a CALLERROR."""

    call: Any
    """Dataclasses of the requests of OCPP 2.1, named like their actions."""

    call_result: Any
    """Dataclasses of the answers of OCPP 2.1."""

    call_16: Any
    """Dataclasses of the requests of OCPP 1.6."""

    call_result_16: Any
    """Dataclasses of the answers of OCPP 1.6."""

    Action: Any
    """Enumeration of the actions of OCPP 2.1."""

    Action16: Any
    """Enumeration of the actions of OCPP 1.6."""

    ActionOlder: Any
    """Enumeration of the actions of OCPP 2.0.1."""

    def on[**P, R](action: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Mark a method as the handler of an action."""
        ...

    def create_route_map(handlers: object) -> dict[str, dict[str, Any]]:
        """Return the marked methods of an object by action."""
        ...

    def unpack(text: str) -> Message:
        """Return the message of a frame."""
        ...

    def make_call(unique_id: str, action: str, payload: Any) -> Message:
        """Return a CALL."""
        ...

    def make_call_result(unique_id: str, payload: Any) -> Message:
        """Return a CALLRESULT."""
        ...

    def make_call_error(
        unique_id: str, code: str, description: str, details: dict[str, Any]
    ) -> Message:
        """Return a CALLERROR."""
        ...

    def get_validator(
        message_type_id: int,
        action: str,
        version: str,
        parse_float: Callable[[str], Any] = float,
    ) -> Validator:
        """Return the schema of a payload; the first use reads a file."""
        ...

    def camel_to_snake_case(data: Any) -> Any:
        """Return the data with its keys renamed at every depth."""
        ...

    def snake_to_camel_case(data: Any) -> Any:
        """Return the data with its keys renamed at every depth."""
        ...

    def serialize_as_dict(data: Any) -> dict[str, Any]:
        """Return a dataclass as a dictionary."""
        ...

    def remove_nones(data: Any) -> Any:
        """Return the data without its None values."""
        ...
else:
    from ocpp.charge_point import (
        ChargePoint as PackageChargePoint,
        camel_to_snake_case,
        remove_nones,
        serialize_as_dict,
        snake_to_camel_case,
    )
    from ocpp.exceptions import OCPPError as OcppError
    from ocpp.messages import (
        Call as make_call,  # noqa: N813 - classes used as functions
        CallError as make_call_error,  # noqa: N813
        CallResult as make_call_result,  # noqa: N813
        get_validator,
        unpack,
    )
    from ocpp.routing import create_route_map, on
    from ocpp.v16 import call as call_16, call_result as call_result_16
    from ocpp.v16.enums import Action as Action16
    from ocpp.v21 import call, call_result
    from ocpp.v21.enums import Action
    from ocpp.v201.enums import Action as ActionOlder

    Connection = Message = Validator = object

__all__ = [
    "Action",
    "Action16",
    "ActionOlder",
    "Connection",
    "Message",
    "OcppError",
    "PackageChargePoint",
    "Validator",
    "call",
    "call_16",
    "call_result",
    "call_result_16",
    "camel_to_snake_case",
    "create_route_map",
    "get_validator",
    "make_call",
    "make_call_error",
    "make_call_result",
    "on",
    "remove_nones",
    "serialize_as_dict",
    "snake_to_camel_case",
    "unpack",
]
