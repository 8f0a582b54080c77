"""What the gate must not forget: marks, verdicts, cancelled ids, the boot count."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from ..domain.dispatch import AckCode, AckStatus, BindingClass, DispatchAck
from ..domain.errors import StoreUnreadable
from ..domain.ports import StoredData

MAX_REMEMBERED = 256
"""Ids, oldest out first. At 2 commands per second (rule 9) that is over two minutes,
and after 12 s an id is too old to be obeyed anyway (rule 4)."""

type Mark = tuple[int, int]
"""(epoch, seq)."""

type StoredVerdict = Sequence[Any]
"""Order id, status, code, committed W, classes, whether it was a test."""


class GateMemory:
    """The persisted part of the gate; JSON-ready both ways."""

    def __init__(self) -> None:
        """Begin as a home that never heard anything."""
        self.boot_count = 0
        self._pinned: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self._marks: dict[str, Mark] = {}
        # As they are stored: writing the memory happens for every command.
        self._verdicts: OrderedDict[str, StoredVerdict] = OrderedDict()
        self._cancelled: OrderedDict[str, None] = OrderedDict()

    @classmethod
    def restore(cls, data: StoredData | None) -> GateMemory:
        """Return the memory of a stored document, None being the first start.

        Raises:
            StoreUnreadable: when the document is not one of ours: without the marks
                an old command could be obeyed again.
        """
        memory = cls()
        if data is None:
            return memory
        try:
            memory.boot_count = int(data["boot_count"])
            memory._marks = {
                str(topic): (int(epoch), int(seq))
                for topic, (epoch, seq) in data["marks"].items()
            }
            memory._pinned = {str(k): str(v) for k, v in data["pinned"].items()}
            memory._keys = {str(k): str(v) for k, v in data["keys"].items()}
            for raw in data["verdicts"]:
                memory.record(_read_verdict(raw))
            for command_id in data["cancelled"]:
                memory._cancelled[str(command_id)] = None
        except (KeyError, TypeError, ValueError, AttributeError) as err:
            raise StoreUnreadable("vpp") from err
        return memory

    def to_stored(self) -> StoredData:
        """Return the document to keep."""
        return {
            "boot_count": self.boot_count,
            "marks": {topic: list(mark) for topic, mark in self._marks.items()},
            "pinned": self._pinned,
            "keys": self._keys,
            "verdicts": list(self._verdicts.values()),
            "cancelled": list(self._cancelled),
        }

    def keys_for(self, pinned: Mapping[str, str]) -> Mapping[str, str]:
        """Return the keys to trust: those of the last welcome, else the pinned ones.

        Other pinned keys than last time mean a new invitation, which counts.
        """
        return self._keys if self._keys and self._pinned == pinned else pinned

    def remember_keys(self, pinned: Mapping[str, str], keys: Mapping[str, str]) -> None:
        """Note the keys that a welcome named."""
        self._pinned, self._keys = dict(pinned), dict(keys)

    def mark(self, topic: str) -> Mark | None:
        """Return the newest (epoch, seq) that was seen on a topic."""
        return self._marks.get(topic)

    def raise_mark(self, topic: str, mark: Mark) -> None:
        """Note what was seen; the mark never falls."""
        self._marks[topic] = max(mark, self._marks.get(topic, mark))

    def verdict(self, command_id: str) -> DispatchAck | None:
        """Return the last answer about an id."""
        stored = self._verdicts.get(command_id)
        return None if stored is None else _read_verdict(stored)

    def record(self, verdict: DispatchAck) -> None:
        """Remember an answer, to give it again."""
        self._verdicts[verdict.order_id] = _write_verdict(verdict)
        self._verdicts.move_to_end(verdict.order_id)
        while len(self._verdicts) > MAX_REMEMBERED:
            self._verdicts.popitem(last=False)

    def cancel(self, command_id: str) -> None:
        """Remember that a command must not be obeyed when it comes late (rule 8)."""
        self._cancelled[command_id] = None
        while len(self._cancelled) > MAX_REMEMBERED:
            self._cancelled.popitem(last=False)

    def is_cancelled(self, command_id: str) -> bool:
        """Return True when a cancel for this id came first."""
        return command_id in self._cancelled


def _write_verdict(verdict: DispatchAck) -> StoredVerdict:
    return [
        verdict.order_id,
        verdict.status.value,
        verdict.code.value,
        verdict.committed_w,
        [one.value for one in verdict.binding],
        verdict.is_test,
    ]


def _read_verdict(raw: StoredVerdict) -> DispatchAck:
    order_id, status, code, committed_w, binding, *rest = raw
    return DispatchAck(
        order_id=str(order_id),
        status=AckStatus(status),
        code=AckCode(code),
        committed_w=float(committed_w),
        binding=tuple(BindingClass(one) for one in binding),
        # An older document does not say it.
        is_test=rest == [True],
    )
