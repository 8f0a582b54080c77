"""One rehearsal: a scripted leader in front of the real gate and the real home.

No broker, no aggregator and no second program is needed. Everything behind the wire is
what a real dispatch meets: codec, gate, watchdog, floors, limits, output gate.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import override

from ..domain.clock import Clock
from ..domain.dispatch import AckCode, AckStatus, DispatchAck, DispatchOrder
from ..domain.ids import ProgrammeId
from ..domain.measurement import fresh_value
from ..domain.ports import FINAL_ACKS, DispatchReceiver, ProgrammePort, Signer, Verify
from ..domain.programme_events import ProgrammeEvent
from ..domain.rehearsal import (
    REHEARSAL,
    RehearsalEvent,
    RehearsalKind,
    RehearsalReport,
    RehearsalRequest,
    RehearsalStage,
    RehearsalStep,
)
from ..domain.setpoint import ControlOwner
from ..domain.snapshot import EvseSnapshot, SiteSnapshot
from ..domain.state import flow_threshold_w
from ..domain.units import energy_wh
from .clock_check import ClockCheck, Now
from .dispatching import Dispatching
from .gate import Gate
from .memory import GateMemory
from .reporting import MAX_READING_AGE_S
from .scripted_leader import ScriptedCommand, ScriptedLeader
from .signing import KeyRing
from .topics import Topics

HEARTBEAT_PERIOD_S = 5.0
"""As the contract has it."""

POLL_S = 0.25
REACHED_SHARE = 0.1
REACHED_W = 200.0
"""A setpoint counts as reached this near: what a meter of a charger is good for."""

LONGEST_WAY_S = 90.0
"""A slow charger with a wake of its vehicle is there by then (control brief)."""

ZERO_WITHIN_S = 60.0
"""How long is watched for 0 W; the promise is 30 s."""


@dataclass(slots=True, kw_only=True)
class _Meter:
    """What flowed at one EVSE, as far as its meter told."""

    energy_wh: float = 0.0
    last_mono_s: float | None = None
    largest_w: float = 0.0

    def look(self, power_w: float | None, now_mono_s: float) -> None:
        """Take the power of this moment; what is not known is not counted."""
        before, self.last_mono_s = self.last_mono_s, now_mono_s
        if power_w is None or before is None:
            return
        self.energy_wh += energy_wh(power_w, now_mono_s - before)
        self.largest_w = max(self.largest_w, power_w, key=abs)


@dataclass(slots=True, kw_only=True)
class _Marking(DispatchReceiver):
    """The home, told of every order that it is played."""

    home: DispatchReceiver

    @override
    def receive_order(self, order: DispatchOrder) -> DispatchAck:
        return self.home.receive_order(replace(order, is_rehearsal=True))

    @override
    def cancel_order(self, programme_id: ProgrammeId, order_id: str) -> DispatchAck:
        return self.home.cancel_order(programme_id, order_id)

    @override
    def announce_event(self, event: ProgrammeEvent) -> None:
        self.home.announce_event(event)

    @override
    def withdraw_event(self, programme_id: ProgrammeId, event_id: str) -> None:
        self.home.withdraw_event(programme_id, event_id)

    @override
    def heartbeat_seen(self, programme_id: ProgrammeId, sent_mono_s: float) -> None:
        self.home.heartbeat_seen(programme_id, sent_mono_s)

    @override
    def link_changed(self, programme_id: ProgrammeId, *, is_connected: bool) -> None:
        self.home.link_changed(programme_id, is_connected=is_connected)


@dataclass(slots=True)
class RehearsalRun(ProgrammePort):
    """One rehearsal, from the first heartbeat to 0 W."""

    request: RehearsalRequest
    stage: RehearsalStage
    clock: Clock
    signer: Signer
    verify: Verify
    is_stopped: Callable[[], bool]
    _snapshot: SiteSnapshot | None = None
    _acks: list[DispatchAck] = field(default_factory=list)
    _steps: list[RehearsalStep] = field(default_factory=list)
    _meter: _Meter = field(default_factory=_Meter)
    _check: ClockCheck = field(default_factory=ClockCheck)
    _began_mono_s: float = 0.0
    _beat_mono_s: float = float("-inf")
    """When the newest heartbeat was signed."""

    is_beating: bool = True
    _leader: ScriptedLeader = field(init=False)
    _receiver: DispatchReceiver = field(init=False)
    _dispatching: Dispatching = field(init=False)

    def __post_init__(self) -> None:
        """Put a new gate in front of the home."""
        topics = Topics(region=REHEARSAL, home_id=REHEARSAL)
        self._leader = ScriptedLeader(topics, self.signer, self.clock)
        self._receiver = _Marking(home=self.stage)
        gate = Gate(
            topics=topics,
            programme_id=REHEARSAL,
            keys=KeyRing(self._leader.keys, self.verify),
            memory=GateMemory(),
            present_w=lambda _resource: None,
        )
        self._dispatching = Dispatching(
            gate, self._receiver, self._acks.append, lambda: self._snapshot
        )

    # ---- ProgrammePort

    @override
    def send_ack(self, ack: DispatchAck) -> None:
        """Take an answer of the home, as the link would."""
        self._dispatching.tell(ack)

    @override
    def publish(self, snapshot: SiteSnapshot) -> None:
        """Take the newest picture."""
        self._snapshot = snapshot

    # ---- the play

    async def play(self) -> RehearsalReport:
        """Play it through; every way out is a step of the report."""
        request = self.request
        self._receiver.link_changed(REHEARSAL, is_connected=True)
        self._beat()
        self._began_mono_s = self.clock.monotonic()
        power_w = self._asked_w()
        command = ScriptedCommand(
            resource=request.key,
            power_w=power_w,
            duration_s=request.duration_s,
            is_dry_run=request.kind is RehearsalKind.DRY_RUN,
        )
        command_id, frame = self._leader.command(command)
        self._dispatching.take_command(frame, self._now())
        is_followed = self._note_verdict(command_id)
        if is_followed and request.kind is not RehearsalKind.DRY_RUN:
            await self._follow(command_id)
        return RehearsalReport(
            key=request.key,
            kind=request.kind,
            asked_w=power_w,
            acks=tuple(self._acks),
            steps=tuple(self._steps),
        )

    async def _follow(self, command_id: str) -> None:
        committed_w = self._steps[0].power_w or 0.0
        is_reached = await self._reach(command_id, committed_w)
        if self.request.kind is RehearsalKind.LINK_LOSS and is_reached:
            self.is_beating = False
            self._note(RehearsalEvent.HEARTBEATS_STOPPED)
        since_mono_s = await self._end_of(command_id)
        if self._note_end(command_id):
            await self._come_to_rest(since_mono_s)
        self._note_energy()

    async def _reach(self, command_id: str, committed_w: float) -> bool:
        tolerance_w = max(REACHED_W, REACHED_SHARE * abs(committed_w))
        deadline_mono_s = self._began_mono_s + LONGEST_WAY_S
        while not self._is_over(command_id):
            power_w = self._power_w()
            if power_w is not None and abs(power_w - committed_w) <= tolerance_w:
                self._note(
                    RehearsalEvent.SETPOINT_REACHED,
                    power_w=power_w,
                    after_s=self._elapsed_s(),
                )
                return True
            if self.clock.monotonic() >= deadline_mono_s:
                break
            await self._pass_time()
        self._note(RehearsalEvent.SETPOINT_NOT_REACHED, power_w=self._power_w())
        return False

    async def _end_of(self, command_id: str) -> float:
        """Wait for the end of the command; return since when 0 W is waited for."""
        while not self._is_over(command_id):
            await self._pass_time()
        if self.is_beating:
            return self.clock.monotonic()
        # The promise counts from the last thing that the leader signed.
        return self._beat_mono_s

    async def _come_to_rest(self, since_mono_s: float) -> None:
        while self.clock.monotonic() - since_mono_s < ZERO_WITHIN_S:
            power_w = self._power_w()
            if power_w is not None and abs(power_w) <= self._zero_w():
                after_s = self.clock.monotonic() - since_mono_s
                self._note(RehearsalEvent.ZERO_REACHED, after_s=after_s)
                return
            if self.is_stopped():
                break
            await self._pass_time()
        self._note(RehearsalEvent.ZERO_NOT_REACHED, power_w=self._power_w())

    async def _pass_time(self) -> None:
        await asyncio.sleep(POLL_S)
        now_mono_s = self.clock.monotonic()
        self._meter.look(self._power_w(), now_mono_s)
        if self.is_beating and now_mono_s - self._beat_mono_s >= HEARTBEAT_PERIOD_S:
            self._beat()

    def _beat(self) -> None:
        # The leader runs on the clock of the home: a check finds no offset, and a clock
        # that is set meanwhile is seen with the next one.
        now_mono_s, now = self.clock.monotonic(), self.clock.utcnow()
        self._check.add(
            asked_mono_s=now_mono_s,
            received_at=now,
            sent_at=now,
            answered_mono_s=now_mono_s,
        )
        beat = self._dispatching.take_heartbeat(self._leader.heartbeat(), self._now())
        if beat is not None:
            self._beat_mono_s = beat.sent_mono_s
            self._receiver.heartbeat_seen(REHEARSAL, beat.sent_mono_s)

    # ---- what is told

    def _note_verdict(self, command_id: str) -> bool:
        """Note the first answer; return True when the home follows."""
        verdict = next((a for a in self._acks if a.order_id == command_id), None)
        is_taken = verdict is not None and verdict.status is AckStatus.ACCEPTED
        if verdict is None or not is_taken:
            self._note(RehearsalEvent.REFUSED, ack=verdict)
            return False
        is_clamped = verdict.code is AckCode.CLAMPED
        self._note(
            RehearsalEvent.CLAMPED if is_clamped else RehearsalEvent.ACCEPTED,
            power_w=verdict.committed_w,
            ack=verdict,
        )
        return True

    def _note_end(self, command_id: str) -> bool:
        """Note what ended the command; return True when 0 W is due now."""
        final = self._final(command_id)
        if final is None:
            is_owner = self._is_owner_in_charge()
            self._note(
                RehearsalEvent.OWNER_STOPPED if is_owner else RehearsalEvent.INTERRUPTED
            )
            return False
        match final.status, final.code:
            case AckStatus.DONE, _:
                event = RehearsalEvent.DONE
            case AckStatus.SUPERSEDED, _:
                event = RehearsalEvent.SUPERSEDED
            case _, AckCode.FAILSAFE:
                event = RehearsalEvent.RELEASED
            case _:
                event = RehearsalEvent.FAILED
        self._note(event, ack=final)
        return event is not RehearsalEvent.SUPERSEDED

    def _note_energy(self) -> None:
        meter = self._meter
        if abs(meter.largest_w) <= self._zero_w():
            self._note(RehearsalEvent.NOTHING_FLOWED)
            return
        self._note(
            RehearsalEvent.FLOWED, power_w=meter.largest_w, energy_wh=meter.energy_wh
        )

    def _note(
        self,
        event: RehearsalEvent,
        *,
        power_w: float | None = None,
        energy_wh: float | None = None,
        after_s: float | None = None,
        ack: DispatchAck | None = None,
    ) -> None:
        self._steps.append(
            RehearsalStep(
                event=event,
                at_s=self._elapsed_s(),
                power_w=power_w,
                energy_wh=energy_wh,
                after_s=after_s,
                ack=ack,
            )
        )

    # ---- what is seen

    def _is_over(self, command_id: str) -> bool:
        return (
            self._final(command_id) is not None
            or self._is_owner_in_charge()
            or self.is_stopped()
        )

    def _final(self, command_id: str) -> DispatchAck | None:
        return next(
            (
                ack
                for ack in self._acks
                if ack.order_id == command_id and ack.status in FINAL_ACKS
            ),
            None,
        )

    def _is_owner_in_charge(self) -> bool:
        """Return True once a person took over: what was played ends for good."""
        evse = self._evse()
        return evse is not None and evse.setpoint.owner is ControlOwner.USER

    def _asked_w(self) -> float:
        asked_w, evse = self.request.power_w, self._evse()
        if asked_w is not None or evse is None:
            return asked_w or 0.0
        return -evse.fingerprint.minimum_power_w

    def _power_w(self) -> float | None:
        evse = self._evse()
        if evse is None or not evse.is_meter_fresh:
            return None
        return fresh_value(
            evse.measurement.power_w, self.clock.monotonic(), MAX_READING_AGE_S
        )

    def _zero_w(self) -> float:
        evse = self._evse()
        if evse is None:
            return flow_threshold_w(0.0)
        policy = evse.policy
        return flow_threshold_w(
            max(policy.max_charge_power_w, policy.max_discharge_power_w)
        )

    def _evse(self) -> EvseSnapshot | None:
        return None if self._snapshot is None else self._snapshot.evse(self.request.key)

    def _elapsed_s(self) -> float:
        return self.clock.monotonic() - self._began_mono_s

    def _now(self) -> Now:
        return self._check.now(self.clock.monotonic(), self.clock.utcnow())
