"""JSON schemas, compiled once, and what a violation is called in OCPP."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from jsonschema_rs import Draft6Validator, ValidationError

from .frames import Payload
from .ocpp_lib import read_schemas
from .times import parse_time
from .versions import SERVED_VERSIONS, Fault

_FAULTS_BY_KEYWORD: Final[Mapping[str, Fault]] = {
    "required": Fault.OCCURRENCE,
    "minItems": Fault.OCCURRENCE,
    "maxItems": Fault.OCCURRENCE,
    "type": Fault.TYPE,
    "additionalProperties": Fault.FORMAT,
}
"""Every other keyword bounds a value: enum, maxLength, format, minimum."""

_SEVERITY: Final = (Fault.OCCURRENCE, Fault.TYPE, Fault.PROPERTY, Fault.FORMAT)
"""Which of several violations is named, the first that applies."""

LENIENT_ACTIONS: Final = frozenset(
    {
        "TransactionEvent",
        "MeterValues",
        "StatusNotification",
        "NotifyEvent",
        "StartTransaction",
        "StopTransaction",
    }
)
"""Requests whose loss would lose a fault, a reading or the end of a transaction."""

_LENIENT_SUBTREES: Final = frozenset({"meterValue", "eventData", "transactionData"})
"""Lists of independent items: the reader drops a bad item, not the frame."""

_OPEN_ENUMS: Final = frozenset(
    {
        "triggerReason",
        "chargingState",
        "stoppedReason",
        "operationMode",
        "connectorStatus",
        "status",
        "errorCode",
        "reason",
    }
)
"""Values that vendors and later editions add to; unknown ones are read as absent."""


class SchemaBook:
    """The compiled schemas of one OCPP version."""

    def __init__(
        self,
        requests: Mapping[str, Draft6Validator],
        answers: Mapping[str, Draft6Validator],
    ) -> None:
        """Take the validators by action."""
        self._requests = requests
        self._answers = answers

    def knows(self, action: str) -> bool:
        """Return True for an action of this version, in either direction."""
        return action in self._requests

    def fault_in_request(self, action: str, payload: Payload) -> Fault | None:
        """Return what is wrong with a request, None when nothing is.

        Requests of ``LENIENT_ACTIONS`` are judged by their skeleton only.
        """
        validator = self._requests[action]
        if validator.is_valid(payload):
            return None
        if action in LENIENT_ACTIONS:
            return _first_fault(
                error
                for error in validator.iter_errors(payload)
                if not _is_tolerable(error)
            )
        return _first_fault(validator.iter_errors(payload))

    def fault_in_own_request(self, action: str, payload: Payload) -> Fault | None:
        """Return what is wrong with a request that we are about to send."""
        return _first_fault(self._requests[action].iter_errors(payload))

    def fault_in_own_answer(self, action: str, payload: Payload) -> Fault | None:
        """Return what is wrong with an answer that we are about to send."""
        validator = self._answers[action]
        if validator.is_valid(payload):
            return None
        return _first_fault(validator.iter_errors(payload))

    def fault_in_answer(self, action: str, payload: Payload) -> Fault | None:
        """Return what is wrong with an answer; unknown extra fields are ignored."""
        return _first_fault(
            error
            for error in self._answers[action].iter_errors(payload)
            if _fault_of(error) is not Fault.FORMAT
        )


def load_schemas() -> Mapping[str, SchemaBook]:
    """Read and compile the schemas of every version served, by sub-protocol.

    It reads some hundred files: call it in an executor, once.
    """
    return {
        version.protocol: _load_book(version.protocol) for version in SERVED_VERSIONS
    }


def _load_book(protocol: str) -> SchemaBook:
    requests: dict[str, Draft6Validator] = {}
    answers: dict[str, Draft6Validator] = {}
    for action, is_answer, schema in read_schemas(protocol):
        book = answers if is_answer else requests
        book[action] = Draft6Validator(schema, validate_formats=True)
    return SchemaBook(requests, answers)


def _first_fault(errors: Iterator[ValidationError]) -> Fault | None:
    faults = {_fault_of(error) for error in errors}
    return next((fault for fault in _SEVERITY if fault in faults), None)


def _fault_of(error: ValidationError) -> Fault:
    return _FAULTS_BY_KEYWORD.get(error.kind.name, Fault.PROPERTY)


def _is_tolerable(error: ValidationError) -> bool:
    path: list[Any] = list(error.instance_path)
    if any(step in _LENIENT_SUBTREES for step in path[:-1]):
        return True
    match error.kind.name:
        case "additionalProperties":
            return True
        case "enum":
            return bool(path) and path[-1] in _OPEN_ENUMS
        case "format":
            return parse_time(error.instance) is not None
        case _:
            return False
