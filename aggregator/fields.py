"""Reading a JSON request field by field, so that each mistake gets its sentence."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from .errors import BadRequestError

MAX_TEXT = 200


class Fields:
    """The fields of one request; ``finish`` refuses those that nobody read."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Hold a parsed JSON object."""
        self._document = document
        self._read: set[str] = set()

    def text(self, name: str) -> str:
        """Return a required text."""
        value = self.optional_text(name)
        if value is None:
            raise BadRequestError(f"The field '{name}' is missing.")
        return value

    def optional_text(self, name: str) -> str | None:
        """Return a text, None when it is absent or null."""
        value = self._take(name)
        if value is not None and (not isinstance(value, str) or len(value) > MAX_TEXT):
            raise BadRequestError(
                f"The field '{name}' must be a text of at most {MAX_TEXT} characters."
            )
        return value

    def number(
        self, name: str, lowest: float, highest: float, default: float | None = None
    ) -> float:
        """Return a number of [lowest, highest]; without a default it is required."""
        value = self._take(name)
        if value is None:
            value = default
        if value is None:
            raise BadRequestError(f"The field '{name}' is missing.")
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (is_number and isfinite(value) and lowest <= value <= highest):
            raise BadRequestError(
                f"The field '{name}' must be a number from {lowest:g} to {highest:g}."
            )
        return float(value)

    def optional_number(self, name: str, lowest: float, highest: float) -> float | None:
        """Return a number of [lowest, highest], None when it is absent or null."""
        if self._document.get(name) is None:
            self._read.add(name)
            return None
        return self.number(name, lowest, highest)

    def nested(self, name: str) -> Fields:
        """Return the fields of a required object; ``finish`` them as well."""
        return Fields(_object(name, self._take(name)))

    def items(self, name: str, fewest: int, most: int) -> tuple[Fields, ...]:
        """Return the fields of each object of a required list."""
        value = self._take(name)
        if not isinstance(value, list) or not fewest <= len(value) <= most:
            raise BadRequestError(
                f"The field '{name}' must be a list of {fewest} to {most} objects."
            )
        return tuple(Fields(_object(name, item)) for item in value)

    def flag(self, name: str, default: bool | None = None) -> bool:  # noqa: FBT001
        """Return true or false; without a default it is required."""
        value = self._take(name)
        if value is None:
            value = default
        if not isinstance(value, bool):
            raise BadRequestError(f"The field '{name}' must be true or false.")
        return value

    def finish(self) -> None:
        """Refuse fields that mean nothing here: they are usually misspelled."""
        unknown = sorted(self._document.keys() - self._read)
        if unknown:
            raise BadRequestError(f"The field '{unknown[0][:80]}' is not known here.")

    def _take(self, name: str) -> Any:
        self._read.add(name)
        return self._document.get(name)


def _object(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadRequestError(f"The field '{name}' must hold objects.")
    return value
