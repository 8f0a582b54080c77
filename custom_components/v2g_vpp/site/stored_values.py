"""Read frozen dataclasses back from JSON, strictly: any doubt is an error."""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from datetime import datetime
from enum import StrEnum
from math import isfinite
from types import NoneType, UnionType
from typing import Any, NewType, get_args

from ..domain.errors import StoreNewer


def written(value: Any) -> dict[str, Any]:
    """Return a frozen dataclass as values that JSON has, which no moment is."""
    return asdict(value, dict_factory=_without_moments)


def read_dataclass[T](kind: type[T], stored: object) -> T:
    """Return a frozen dataclass as ``written`` and JSON left it.

    A field that an older version did not write has its default; a key that a newer
    one wrote is ignored.

    Raises:
        TypeError: for a value of another type, or a field without a default missing.
        ValueError: for a number that is not finite, a word that no enum has or a
            moment without a time zone.
    """
    mapping = read_mapping(stored)
    values: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]  # only dataclasses get here
        if field.name in mapping:
            values[field.name] = _read(field.type, mapping[field.name])
        elif field.default is MISSING:
            raise TypeError(field.name)
    return kind(**values)


def refuse_newer(document: Mapping[str, Any], version: int, name: str) -> None:
    """Let a document pass that is not of a newer version than ours.

    Raises:
        StoreNewer: for one that is.
    """
    said = document.get("version")
    if isinstance(said, int) and said > version:
        raise StoreNewer(name)


def read_optional[T](kind: type[T], stored: object) -> T | None:
    """Return a frozen dataclass, None where there was none.

    Raises:
        TypeError, ValueError: when it cannot be read.
    """
    return None if stored is None else read_dataclass(kind, stored)


def read_mapping(stored: object) -> Mapping[str, Any]:
    """Return a JSON object.

    Raises:
        TypeError: for anything else.
    """
    if not isinstance(stored, Mapping):
        raise TypeError(type(stored))
    return stored


def read_bool(stored: object) -> bool:
    """Return a JSON boolean; what only looks like one is none.

    Raises:
        TypeError: for anything else.
    """
    if not isinstance(stored, bool):
        raise TypeError(type(stored))
    return stored


def read_float(stored: object) -> float:
    """Return a finite JSON number.

    Raises:
        TypeError: for anything else.
        ValueError: for a number that is not finite.
    """
    if isinstance(stored, bool) or not isinstance(stored, int | float):
        raise TypeError(type(stored))
    if not isfinite(stored):
        raise ValueError(stored)
    return float(stored)


def read_text(stored: object) -> str:
    """Return a JSON string.

    Raises:
        TypeError: for anything else.
    """
    if not isinstance(stored, str):
        raise TypeError(type(stored))
    return stored


def _read(kind: Any, stored: object) -> Any:
    if isinstance(kind, UnionType):
        if stored is None:
            return None
        (kind,) = (part for part in get_args(kind) if part is not NoneType)
    if isinstance(kind, NewType):
        kind = kind.__supertype__
    if kind is bool:
        return read_bool(stored)
    if kind is float:
        return read_float(stored)
    text = read_text(stored)
    if kind is datetime:
        return _read_moment(text)
    return kind(text) if issubclass(kind, StrEnum) else text


def _read_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no time zone: {text}")
    return moment


def _without_moments(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in pairs
    }
