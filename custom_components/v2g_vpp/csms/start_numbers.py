"""The numbers that 1.6 wants for transactions: given once, kept across restarts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
import json
from typing import Any, Final

KEPT_STARTS: Final = 64
"""Starts remembered, so that a repeated one gets its number again."""

_EPOCH: Final = datetime(2025, 1, 1, tzinfo=UTC)
"""Numbers count seconds from here, or one more than the last: after the loss of the
store none is given twice, and they fit 31 bits until 2093."""

_SUBJECT: Final = ("connectorId", "timestamp", "meterStart", "idTag")


@dataclass(frozen=True, slots=True, kw_only=True)
class StartNumbers:
    """What is remembered of starts."""

    last: int = 0
    given: tuple[tuple[str, int], ...] = ()
    """(digest of a start, its number), oldest first; the tag itself is not kept."""


class NumberGiver:
    """Gives each start of one charge point its number."""

    def __init__(
        self, read: Callable[[], StartNumbers], write: Callable[[StartNumbers], None]
    ) -> None:
        """Take where numbers are remembered."""
        self._read = read
        self._write = write

    def number_of(self, start: Mapping[str, Any], now: datetime) -> tuple[int, bool]:
        """Return the number of a StartTransaction, and whether it had it before.

        Args:
            start: the request; the same connector, time, meter and tag are one start.
            now: aware UTC.
        """
        numbers = self._read()
        digest = _digest(start)
        known = next((n for key, n in numbers.given if key == digest), None)
        if known is not None:
            return known, True
        seconds = int((now - _EPOCH).total_seconds())
        number = max(1, numbers.last + 1, seconds)
        given = (*numbers.given, (digest, number))[-KEPT_STARTS:]
        self._write(StartNumbers(last=number, given=given))
        return number, False


def numbers_to_json(numbers: StartNumbers) -> dict[str, Any]:
    """Return what the store keeps."""
    return {"last": numbers.last, "given": [list(pair) for pair in numbers.given]}


def numbers_from_json(data: Mapping[str, Any]) -> StartNumbers:
    """Return numbers as the store kept them."""
    return StartNumbers(
        last=int(data.get("last", 0)),
        given=tuple((str(key), int(number)) for key, number in data.get("given", ())),
    )


def _digest(start: Mapping[str, Any]) -> str:
    subject = json.dumps([start.get(name) for name in _SUBJECT])
    return blake2b(subject.encode(errors="surrogatepass"), digest_size=12).hexdigest()
