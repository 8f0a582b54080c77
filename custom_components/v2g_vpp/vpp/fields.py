"""Checked access to the fields of one JSON object."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
import re
from typing import Any

MAX_COUNTER = 2**53 - 1
"""Largest whole number that every JSON reader keeps exactly."""

_UUID7 = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
)


YEARS = range(1970, 3000)
"""Outside of them adding hours can leave the calendar, and no clock says them."""


class SchemaError(ValueError):
    """A message does not have the form of the contract."""

    def __init__(self, field: str) -> None:
        """Name the first field that is wrong."""
        super().__init__(f"{field} is wrong")
        self.field = field


class Fields:
    """The fields of an object; each reader raises SchemaError for what is wrong."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        """Take a decoded JSON object."""
        self.raw = raw

    @classmethod
    def of(cls, raw: Any, name: str) -> Fields:
        """Return the fields of a value that must be an object."""
        if not isinstance(raw, dict):
            raise SchemaError(name)
        return cls(raw)

    def __contains__(self, name: object) -> bool:
        """Return True when the field is there, whatever its value."""
        return name in self.raw

    def close(self, allowed: frozenset[str]) -> None:
        """Refuse every field that is not named."""
        for name in self.raw:
            if name not in allowed:
                raise SchemaError(name)

    def require(self, name: str) -> Any:
        """Return a field of any type."""
        if name not in self.raw:
            raise SchemaError(name)
        return self.raw[name]

    def optional[T](self, name: str, read: Callable[[str], T]) -> T | None:
        """Return a field by ``read``, None when it is absent (null is wrong)."""
        return read(name) if name in self.raw else None

    def text(self, name: str, pattern: str) -> str:
        """Return a string that matches a pattern as a whole."""
        value = self.require(name)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise SchemaError(name)
        return value

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        """Return a string that is one of a few."""
        value = self.require(name)
        if not isinstance(value, str) or value not in allowed:
            raise SchemaError(name)
        return value

    def uuid(self, name: str) -> str:
        """Return a UUID version 7 in lower case."""
        value = self.require(name)
        if not isinstance(value, str) or not _UUID7.fullmatch(value):
            raise SchemaError(name)
        return value

    def integer(self, name: str, lowest: int, highest: int) -> int:
        """Return a whole number, written as one, within bounds."""
        value = self.require(name)
        # bool is an int in Python and is none on the wire.
        if type(value) is not int or not lowest <= value <= highest:
            raise SchemaError(name)
        return value

    def counter(self, name: str) -> int:
        """Return an epoch or a seq."""
        return self.integer(name, 0, MAX_COUNTER)

    def boolean(self, name: str) -> bool:
        """Return true or false."""
        value = self.require(name)
        if not isinstance(value, bool):
            raise SchemaError(name)
        return value

    def moment(self, name: str) -> datetime:
        """Return an aware UTC time: RFC 3339, three decimals, Z."""
        value = self.require(name)
        if not isinstance(value, str) or not _MOMENT.fullmatch(value):
            raise SchemaError(name)
        try:
            moment = datetime.fromisoformat(value).astimezone(UTC)
        except ValueError as err:
            # A day that does not exist, or a leap second.
            raise SchemaError(name) from err
        if moment.year not in YEARS:
            raise SchemaError(name)
        return moment

    def array(self, name: str, fewest: int, most: int) -> Sequence[Any]:
        """Return a list of a length within bounds."""
        value = self.require(name)
        if not isinstance(value, list) or not fewest <= len(value) <= most:
            raise SchemaError(name)
        return value

    def texts(
        self, name: str, pattern: str, most: int, *, fewest: int = 0
    ) -> tuple[str, ...]:
        """Return different strings that each match a pattern."""
        values = self.array(name, fewest, most)
        if not all(isinstance(v, str) and re.fullmatch(pattern, v) for v in values):
            raise SchemaError(name)
        if len(set(values)) != len(values):
            raise SchemaError(name)
        return tuple(values)

    def nested(self, name: str) -> Fields:
        """Return the fields of an object inside."""
        return Fields.of(self.require(name), name)
