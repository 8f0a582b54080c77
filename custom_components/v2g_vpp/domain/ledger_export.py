"""A ledger as one file for other programs, and read back to be verified."""

from collections.abc import Iterable, Mapping, Sequence
import csv
from dataclasses import dataclass
from io import StringIO
import json
from typing import Any

from .ledger import (
    FORMAT,
    LedgerEntry,
    LedgerFormError,
    Seal,
    canonical,
    read_entry,
    read_line,
    read_seal,
)

COLUMNS = (
    "sequence",
    "made_at",
    "kind",
    "event_id",
    "test",
    "start",
    "end",
    "requested_wh",
    "delivered_wh",
    "score_permille",
    "accepted_wh",
    "amount_minor",
    "currency",
)
"""What a spreadsheet shows; all of it is said again by ``entry``."""

_ENTRY = "entry"
_SEAL = "seal"
_HEADER = (*COLUMNS, _ENTRY)
_OWN = frozenset({"sequence", "made_at", "kind"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLedger:
    """What a file holds; nothing of it is judged yet."""

    entries: Sequence[LedgerEntry | None]
    """None: not readable as an entry."""

    seal: Seal | None


def to_json(
    entries: Iterable[LedgerEntry], seal: Seal | None, exported_at: str
) -> dict[str, Any]:
    """Return the whole ledger as one JSON document."""
    return {
        "format": FORMAT,
        "exported_at": exported_at,
        "entries": [entry.to_json() for entry in entries],
        _SEAL: None if seal is None else seal.to_json(),
    }


def to_csv(entries: Iterable[LedgerEntry], seal: Seal | None) -> str:
    """Return the whole ledger as a table; its last row is the seal."""
    text = StringIO(newline="")
    table = csv.writer(text)
    table.writerow(_HEADER)
    for entry in entries:
        table.writerow((*_cells(entry), entry.to_line().decode()))
    if seal is not None:
        row = [""] * len(COLUMNS)
        row[COLUMNS.index("kind")] = _SEAL
        table.writerow((*row, canonical(seal.to_json()).decode()))
    return text.getvalue()


def read_export(content: bytes) -> ReadLedger:
    """Return the ledger of an exported file of either form.

    Raises:
        LedgerFormError: when it is neither.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as err:
        raise LedgerFormError("not text") from err
    if text.startswith(",".join(_HEADER)):
        return _read_csv(text)
    try:
        document = json.loads(text, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as err:
        raise LedgerFormError("neither JSON nor a table") from err
    # What an action returned may be wrapped once by the program that saved it.
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise LedgerFormError("not an exported ledger")
    entries, seal = document.get("entries"), document.get(_SEAL)
    if not isinstance(entries, list):
        raise LedgerFormError("entries")
    return ReadLedger(
        entries=[_entry_or_none(one) for one in entries],
        seal=None if seal is None else read_seal(seal),
    )


def read_lines(content: bytes) -> tuple[LedgerEntry | None, ...]:
    """Return the entries of the file on disk, one per line."""
    if not content:
        return ()
    lines = content.removesuffix(b"\n").split(b"\n")
    return tuple(_line_or_none(line) for line in lines)


def _read_csv(text: str) -> ReadLedger:
    entries: list[LedgerEntry | None] = []
    seal: Seal | None = None
    try:
        rows = list(csv.reader(StringIO(text, newline=""), strict=True))[1:]
    except csv.Error as err:
        raise LedgerFormError("table") from err
    for row in rows:
        if seal is not None or len(row) != len(_HEADER):
            entries.append(None)
        elif row[COLUMNS.index("kind")] == _SEAL:
            seal = _seal_of(row)
        else:
            entry = _line_or_none(row[-1].encode())
            is_told_truly = entry is not None and tuple(row[:-1]) == _cells(entry)
            entries.append(entry if is_told_truly else None)
    return ReadLedger(entries=entries, seal=seal)


def _seal_of(row: Sequence[str]) -> Seal:
    try:
        return read_seal(json.loads(row[-1]))
    except ValueError as err:
        raise LedgerFormError(_SEAL) from err


def _cells(entry: LedgerEntry) -> tuple[str, ...]:
    values: Mapping[str, Any] = {**entry.body, **_own(entry)}
    return tuple(_cell(values.get(column)) for column in COLUMNS)


def _own(entry: LedgerEntry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in _OWN}


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def _entry_or_none(document: Any) -> LedgerEntry | None:
    try:
        return read_entry(document)
    except LedgerFormError:
        return None


def _line_or_none(line: bytes) -> LedgerEntry | None:
    try:
        return read_line(line)
    except LedgerFormError:
        return None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that comes twice: two readers would read two ledgers."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("repeated key")
    return found
