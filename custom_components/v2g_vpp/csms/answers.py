"""Answers that were already given, to be repeated byte for byte to a retry."""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

ANSWER_LIFETIME_S: Final = 600.0
"""House rule: a station retries within minutes; afterwards ids may start again."""

ANSWER_CAPACITY: Final = 256
"""More CALLs than a station sends between a lost answer and its retry."""

TIMELY_ACTIONS: Final = frozenset({"BootNotification", "Heartbeat"})
"""Answered anew each time: the answer is the time, by which a station sets its clock.
One that counts its messages from 1 says the same at each start, and a start is news."""


@dataclass(frozen=True, slots=True)
class _Answer:
    digest: bytes
    text: str
    expires_mono_s: float


def digest_of(text: str | bytes) -> bytes:
    """Return what tells two frames apart."""
    raw = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    return blake2b(raw, digest_size=16).digest()


class AnswerCache:
    """The last answers of one station, kept across its connections.

    The frame belongs to the key: stations that count their ids from 1 after every
    reboot would otherwise get the answer to another question.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._answers: OrderedDict[str, _Answer] = OrderedDict()

    def find(self, message_id: str, digest: bytes, now_mono_s: float) -> str | None:
        """Return the answer that this very frame was given, None for a new one."""
        answer = self._answers.get(message_id)
        if answer is None or answer.digest != digest:
            return None
        return answer.text if now_mono_s < answer.expires_mono_s else None

    def keep(
        self, message_id: str, digest: bytes, text: str, now_mono_s: float
    ) -> None:
        """Remember an answer; the oldest leaves when there are too many, or expired."""
        self._answers.pop(message_id, None)
        while self._answers:
            oldest_id, oldest = next(iter(self._answers.items()))
            if now_mono_s < oldest.expires_mono_s:
                break
            del self._answers[oldest_id]
        self._answers[message_id] = _Answer(
            digest, text, now_mono_s + ANSWER_LIFETIME_S
        )
        while len(self._answers) > ANSWER_CAPACITY:
            self._answers.popitem(last=False)

    def __len__(self) -> int:
        """Return how many answers are held."""
        return len(self._answers)

    def clear(self) -> None:
        """Forget everything: the station rebooted and counts from the start."""
        self._answers.clear()
