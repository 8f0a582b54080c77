"""Reports of events on their way: each is sent until the broker says that it has it.

A broker that has nobody to give a report to acknowledges it all the same and throws it
away. So nothing is sent before the aggregator has welcomed this home, and an answer that
nobody listens means to wait for the next welcome.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from math import inf
from typing import Any

from ..domain.clock import Clock
from ..domain.ledger import LedgerEntry
from ..domain.ports import Signer
from .messages import Publication, Report
from .mqtt_client import NO_LISTENER
from .signing import sign
from .speaker import Speaker

REPORT_LIFE = timedelta(days=7)
"""Message expiry (contract): nobody waits longer for a report."""

MAX_UNDER_WAY = 4
"""Each may have 64 KiB; what a dispatch needs must not wait behind more of them."""

MAX_PAYLOAD_BYTES = 65_000
"""A broker ends the session for a packet of more than 64 KiB; topic, signature and
properties need some 200 bytes of it."""

MAX_LINKS = 64
"""Of the contract."""

RECENT = 4
"""What the broker has may have reached nobody: so many of the newest can be asked for."""

AGAIN_S = 60.0
"""Requests are not signed: they must not make the home talk without end."""

type Publish = Callable[[Publication], int | None]
"""Send a message; return its packet id, None when it could not be sent."""


class ReportPost:
    """Keeps reports over connections, in the order of the ledger."""

    def __init__(
        self,
        topic: str,
        signer: Signer,
        clock: Clock,
        speaker: Callable[[], Speaker],
        heard: Callable[[int], None],
    ) -> None:
        """Send to ``topic``.

        Args:
            topic: of this home's reports.
            signer: the home's key.
            clock: an old report is not worth sending.
            speaker: the one of now: each start of the link has its own.
            heard: called with the entry's sequence when the broker has it.
        """
        self._topic, self._signer, self._clock = topic, signer, clock
        self._speaker, self._heard = speaker, heard
        self._waiting: dict[int, Report] = {}
        self._under_way: dict[int, int] = {}
        self._publish: Publish | None = None
        self._recent: deque[Report] = deque(maxlen=RECENT)
        self._again_mono_s = -inf

    def keep(self, entry: LedgerEntry, links: Sequence[Mapping[str, Any]]) -> None:
        """Take a report; one that is known is not sent a second time."""
        self._waiting.setdefault(entry.sequence, Report(entry=entry, links=links))
        self._send()

    def listened_to(self, publish: Publish) -> None:
        """Send what nobody has yet: the aggregator is there, again or still."""
        self._publish = publish
        self._send()

    def again(self) -> None:
        """Send the newest ones once more: the aggregator asked; once a minute."""
        now_mono_s = self._clock.monotonic()
        if now_mono_s - self._again_mono_s < AGAIN_S:
            return
        self._again_mono_s = now_mono_s
        recent = {one.entry.sequence: one for one in self._recent}
        self._recent.clear()
        self._waiting = {**recent, **self._waiting}
        self._send()

    def disconnected(self) -> None:
        """Forget what was under way: nobody will say any more that it arrived."""
        self._publish = None
        self._under_way.clear()

    def published(self, packet_id: int, objection: str | None) -> None:
        """Note the broker's answer about a packet.

        One that it will not have is sent again with the next connection only, and those
        that reach nobody with the next welcome, all of them, to keep their order.
        """
        sequence = self._under_way.get(packet_id)
        if sequence is not None and objection == NO_LISTENER:
            self.disconnected()
            return
        if sequence is None or objection is not None:
            return
        del self._under_way[packet_id]
        report = self._waiting.pop(sequence, None)
        if report is not None:
            self._recent.append(report)
        self._heard(sequence)
        self._send()

    def _send(self) -> None:
        for sequence, report in list(self._waiting.items()):
            if self._publish is None or len(self._under_way) >= MAX_UNDER_WAY:
                return
            if sequence in self._under_way.values():
                continue
            left_s = self._left_s(report.entry)
            if left_s < 1:
                del self._waiting[sequence]
                continue
            payload = self._words(report)
            packet_id = self._publish(
                Publication(
                    topic=self._topic,
                    payload=payload,
                    qos=1,
                    expiry_s=left_s,
                    signature=sign(self._signer, self._topic, payload),
                )
            )
            if packet_id is None:
                return
            self._under_way[packet_id] = sequence

    def _words(self, report: Report) -> bytes:
        """Return the message, with as many of the newest links as fit.

        Without the older ones a reader sees a gap, which is no fault of a chain. A
        report that cannot be sent at all would end every session for a week.
        """
        links = tuple(report.links)[-MAX_LINKS:]
        while True:
            fitting = Report(entry=report.entry, links=links)
            payload = self._speaker().say(self._topic, fitting)
            if len(payload) <= MAX_PAYLOAD_BYTES or not links:
                return payload
            links = links[len(links) // 2 + 1 :]

    def _left_s(self, entry: LedgerEntry) -> int:
        age = self._clock.utcnow() - datetime.fromisoformat(entry.made_at)
        # A clock that was set back must not make it older than it can be.
        return int((REPORT_LIFE - max(age, timedelta())).total_seconds())
