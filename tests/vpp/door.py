"""A gate with a clock, and a pen that writes to it."""

from datetime import timedelta
from typing import Any

from custom_components.v2g_vpp.domain.dispatch import (
    AckCode,
    AckStatus,
    DispatchAck,
)
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.pki.signing import verify_signature
from custom_components.v2g_vpp.vpp.clock_check import ClockCheck
from custom_components.v2g_vpp.vpp.gate import (
    Answered,
    Gate,
    Passed,
)
from custom_components.v2g_vpp.vpp.memory import GateMemory
from custom_components.v2g_vpp.vpp.signing import KeyRing
from custom_components.v2g_vpp.vpp.topics import DownType

from .actors import AGGREGATOR, PROGRAMME, TOPICS, FakeClock, Pen

COMMAND = TOPICS.down(DownType.COMMAND)
CANCEL = TOPICS.down(DownType.CANCEL)
HEARTBEAT = TOPICS.down(DownType.HEARTBEAT)
GROUP = TOPICS.group_command("feeder-7")


class Door:
    """A gate with a clock, a pen that writes to it, and its memory."""

    def __init__(
        self, memory: GateMemory | None = None, *, is_measured: bool = True
    ) -> None:
        self.clock = FakeClock()
        self.memory = memory or GateMemory()
        self.check = ClockCheck()
        self.present_w: float | None = 0.0
        self.pen = Pen(self.clock.utcnow)
        self.gate = Gate(
            topics=TOPICS,
            programme_id=ProgrammeId(PROGRAMME),
            keys=KeyRing({"agg-1": AGGREGATOR.public_key}, verify_signature),
            memory=self.memory,
            present_w=lambda _: self.present_w,
        )
        if is_measured:
            self.measure()

    def measure(self, offset_s: float = 0.0) -> None:
        at = self.clock.utcnow() + timedelta(seconds=offset_s)
        self.check.add(
            asked_mono_s=self.clock.monotonic(),
            received_at=at,
            sent_at=at,
            answered_mono_s=self.clock.monotonic(),
        )

    @property
    def now(self) -> Any:
        return self.check.now(self.clock.monotonic(), self.clock.utcnow())

    def command(
        self,
        message: Any,
        topic: str = COMMAND,
        *,
        pen: Any = None,
        is_retained: bool = False,
    ) -> Any:
        """Judge a command; one that passes is accepted by the home."""
        frame = (pen or self.pen).frame(topic, message, is_retained=is_retained)
        verdict = self.gate.judge_command(frame, self.now)
        if isinstance(verdict, Passed):
            self.gate.book(verdict.order, self.clock.monotonic())
            self.gate.record(
                DispatchAck(
                    order_id=verdict.order.order_id,
                    status=AckStatus.ACCEPTED,
                    code=AckCode.OK,
                ),
                is_final=False,
            )
        return verdict

    def cancel(self, command_id: str | None = None) -> Any:
        body = {"command_id": command_id} if command_id else {"all": True}
        message = self.pen.payload(CANCEL, "cancel", **body)
        return self.gate.judge_cancel(self.pen.frame(CANCEL, message))

    def heartbeat(
        self, pen: Any = None, *, topic: str = HEARTBEAT, is_retained: bool = False
    ) -> Any:
        pen = pen or self.pen
        message = pen.payload(topic, "heartbeat")
        frame = pen.frame(topic, message, is_retained=is_retained)
        return self.gate.judge_heartbeat(frame, self.now)


def code_of(verdict: Any) -> Any:
    assert isinstance(verdict, Answered), verdict
    return verdict.ack.code
