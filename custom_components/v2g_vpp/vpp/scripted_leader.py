"""A leader for a rehearsal: real messages of the contract, signed with a throw-away key.

What it says goes the way of an aggregator's words: bytes of the contract, a signature,
an epoch and a count per topic. Only the broker between the two is left out.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
import json

from ..domain.clock import Clock
from ..domain.ids import EvseKey
from ..domain.ports import Signer
from ..domain.wall_time import format_moment
from .gate import Frame
from .messages import VERSION, WireKind
from .signing import sign
from .speaker import new_id
from .topics import DownType, Topics

KEY_ID = "rehearsal-1"
EPOCH = 1
"""The gate of a rehearsal is as new as its leader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedCommand:
    """What a command says, beside its envelope."""

    resource: EvseKey
    power_w: float
    duration_s: float
    is_dry_run: bool = False


class ScriptedLeader:
    """Write what an aggregator would publish."""

    def __init__(self, topics: Topics, signer: Signer, clock: Clock) -> None:
        """Speak on ``topics`` by the clock of the home, which is its own."""
        self._topics, self._signer, self._clock = topics, signer, clock
        self._seq: defaultdict[str, int] = defaultdict(int)

    @property
    def keys(self) -> Mapping[str, bytes]:
        """The public key to trust, by its id."""
        return {KEY_ID: self._signer.public_key}

    def heartbeat(self) -> Frame:
        """Return the next heartbeat."""
        return self._frame(DownType.HEARTBEAT, {})

    def command(self, command: ScriptedCommand) -> tuple[str, Frame]:
        """Return a setpoint that begins now, and its id."""
        now = self._clock.utcnow()
        end = now + timedelta(seconds=command.duration_s)
        command_id = new_id()
        body: dict[str, object] = {
            "kind": WireKind.SETPOINT.value,
            "resource": str(command.resource),
            "power_w": round(command.power_w),
            "start": format_moment(now),
            "end": format_moment(end),
            "test": True,
        }
        if command.is_dry_run:
            body["dry_run"] = True
        return command_id, self._frame(DownType.COMMAND, body, command_id)

    def _frame(
        self, kind: DownType, body: dict[str, object], message_id: str = ""
    ) -> Frame:
        topic = self._topics.down(kind)
        self._seq[topic] += 1
        head = {
            "version": VERSION,
            "type": kind.value,
            "id": message_id or new_id(),
            "epoch": EPOCH,
            "seq": self._seq[topic],
            "ts": format_moment(self._clock.utcnow()),
        }
        payload = json.dumps(head | body, separators=(",", ":")).encode()
        return Frame(
            topic=topic,
            payload=payload,
            signatures=(sign(self._signer, topic, payload, KEY_ID),),
            is_retained=False,
        )
