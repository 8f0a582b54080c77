"""One case: a running discharge, one fault or two, what follows, and the way back."""

import asyncio
from collections.abc import Callable, Sequence
import contextlib
from dataclasses import dataclass, field
from math import nan
import time
from typing import Any, Final

from script.benches.faulty.away import AWAY
from script.benches.faulty.fault import Fault, Shown
from script.benches.faulty.promises import (
    DEADMAN_S,
    RECOVERY_S,
    Facts,
    Window,
    broken,
    judge,
)
from script.benches.faulty.watch import Watch
from script.benches.faulty.world import FaultyWorld
from script.rig.dispatching import DISPATCH_W, TOLERANCE_W
from script.rig.scenario_dispatch import RESERVE_PERCENT, set_reserve
from script.rig.scenario_stops import FAILSAFE_S
from script.rig.waiting import NotSeenError, until_async
from script.rig.world import EVSE, VEHICLE

type Say = Callable[[str], None]

RETRY_S: Final = 2.0
"""A home takes two commands a second; the aggregator has its own pace."""

ACK_S: Final = 6.0
POWER_S: Final = 20.0
FLOOR_AFTER_S: Final = 10.0
"""How long what goes wrong may do harm before the owner raises the floor."""

FLOOR_ABOVE_PERCENT: Final = 20.0
SEES_S: Final = 4.0
LOWEST_SOC_PERCENT: Final = 60.0
CHARGED_SOC_PERCENT: Final = 75.0


class NoDischargeError(Exception):
    """Say that a case could not begin: no discharge ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Faults that happen together, in their order."""

    faults: tuple[Fault, ...]
    gap_s: float = 0.0
    """Between the beginnings of two."""

    @property
    def name(self) -> str:
        """Name it in the results."""
        return "+".join(fault.name for fault in self.faults)


@dataclass(slots=True, kw_only=True)
class Result:
    """What became of a case."""

    name: str
    figures: dict[str, float]
    broken: tuple[str, ...]
    shown: tuple[str, ...]
    """Repairs that were shown."""

    needs_person: str
    commands: tuple[str, ...] = ()
    """Accepted during the case: each is owed an entry in the ledger."""

    took_s: float = nan
    notes: dict[str, Any] = field(default_factory=dict)


async def run_case(world: FaultyWorld, case: Case, say: Say) -> Result:
    """Run one case from a running discharge to a running discharge.

    Raises:
        NoDischargeError: when none ran at its beginning.
    """
    began = time.monotonic()
    run = _Run(world, case)
    async with Watch(world) as watch:
        try:
            await run.begin_discharge()
        except NotSeenError as err:
            raise NoDischargeError(str(err)) from err
        facts = await run.walk(watch)
    figures = judge(facts)
    result = Result(
        name=case.name,
        figures=figures,
        broken=(*broken(facts, figures), *run.trouble),
        shown=tuple(sorted(watch.seen.issues)),
        needs_person="; ".join(
            fault.needs_person for fault in case.faults if fault.needs_person
        ),
        commands=tuple(run.commands),
        took_s=round(time.monotonic() - began, 1),
    )
    say(f"{'ok  ' if not result.broken else 'MISS'} {case.name} {figures}")
    for each in result.broken:
        say(f"     {each}")
    return result


class _Run:
    """The steps of one case."""

    def __init__(self, world: FaultyWorld, case: Case) -> None:
        """Start with nothing done."""
        self.commands: list[str] = []
        self.trouble: list[str] = []
        self._world, self._case = world, case
        self._floor_mono_s: float | None = None
        self._left_w: float | None = None

    # ---- before

    async def begin_discharge(self) -> None:
        """Return while the dispatched power flows.

        Raises:
            NotSeenError: when it does not.
        """
        status = await self._world.station.status()
        if status["soc_percent"] < LOWEST_SOC_PERCENT:
            await self._world.station.set_soc(CHARGED_SOC_PERCENT)
        await self._deliver(RECOVERY_S)

    async def _deliver(self, timeout_s: float) -> None:
        """Return once a fresh command is followed by the plant."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            with contextlib.suppress(*AWAY, NotSeenError):
                left_s = max(1.0, deadline - time.monotonic())
                await self._follow(await self._accepted_mono_s(), min(POWER_S, left_s))
                return
            await asyncio.sleep(RETRY_S)
        raise NotSeenError(
            f"expected {DISPATCH_W} W again within {timeout_s:.0f} s, saw"
            f" {self._world.power_text()}; blocked by"
            f" {self._world.entities.state('sensor', f'{EVSE}_discharge_blocked_by')}"
        )

    async def _follow(self, sent_mono_s: float, timeout_s: float) -> None:
        # What flows by an earlier command at that moment proves nothing.
        since = sent_mono_s + RETRY_S
        await self._world.until_measured(
            lambda measured: measured.reached(since, DISPATCH_W, TOLERANCE_W),
            timeout_s,
            "the dispatched power",
        )

    async def _accepted_mono_s(self) -> float:
        sent = await self._world.aggregator.command("setpoint", DISPATCH_W)
        command_id: str = sent["command_id"]

        await until_async(
            lambda: self._is_accepted(command_id), ACK_S, "an accepted command"
        )
        self.commands.append(command_id)
        return float(sent["published_t_mono"])

    async def _is_accepted(self, command_id: str) -> bool:
        acks = await self._world.aggregator.acks_of(command_id)
        return any(ack["status"] in {"accepted", "active"} for ack in acks)

    # ---- the case

    async def walk(self, watch: Watch) -> Facts:
        """Begin the faults, wait, end them, and wait for the way back."""
        world = self._world
        began = time.monotonic()
        spans = await self._disturb(began)
        facts = Facts(
            measured=world.station.measured,
            seen=watch.seen,
            meter_mono_s=world.meter.told,
            began_mono_s=began,
            ended_mono_s=nan,
            floor_mono_s=self._floor_mono_s,
            floor_percent=RESERVE_PERCENT,
            late_s=sum(fault.late_s for fault in self._case.faults),
            waits_s=max(fault.waits_s for fault in self._case.faults),
        )
        for fault, span in spans:
            if fault.cuts_heartbeats:
                facts.windows.append(span)
            if fault.stills:
                facts.frozen.append(span)
        facts.left_w = self._left_w
        healed = time.monotonic()
        # A person may try out what no dispatch may do.
        facts.floor_end_mono_s = healed
        await self._see_to_persons()
        if self._floor_mono_s is not None:
            await self._try("lower the floor", set_reserve(world, RESERVE_PERCENT))
        try:
            await self._deliver(RECOVERY_S + facts.waits_s)
            facts.recovery_s = time.monotonic() - healed
        except NotSeenError as err:
            self.trouble.append(f"not recovered: {err}")
        await self._try("ask for acks", self._note_sent())
        facts.missing = self._missing(began, watch.seen.issues)
        facts.ended_mono_s = time.monotonic()
        with contextlib.suppress(*AWAY):
            await world.station.read()
        return facts

    async def _note_sent(self) -> None:
        sent, self._world.sent = self._world.sent, []
        for command_id in sent:
            if await self._is_accepted(command_id):
                self.commands.append(command_id)

    async def _disturb(self, began: float) -> list[tuple[Fault, Window]]:
        faults = self._case.faults
        begun: list[tuple[Fault, float]] = []
        for number, fault in enumerate(faults):
            if number:
                await asyncio.sleep(self._case.gap_s)
            begun.append((fault, time.monotonic()))
            await self._try(f"begin {fault.name}", fault.begin(self._world))
        if not any(fault.stops for fault in faults):
            await asyncio.sleep(FLOOR_AFTER_S)
            await self._raise_floor()
        lasts_s = max(fault.lasts_s for fault in faults)
        await asyncio.sleep(max(0.0, began + lasts_s - time.monotonic()))
        self._left_w = self._still_flowing_w(begun)
        spans = []
        for fault, at in begun:
            await self._try(f"end {fault.name}", fault.end(self._world))
            spans.append((fault, Window(begin_mono_s=at, end_mono_s=time.monotonic())))
        return spans

    def _still_flowing_w(self, begun: Sequence[tuple[Fault, float]]) -> float | None:
        """Return what flows out, where a fault had its time to end that."""
        now = time.monotonic()
        had_time = any(
            fault.stops and now - at >= max(FAILSAFE_S, DEADMAN_S)
            for fault, at in begun
        )
        if not had_time or any(fault.stills for fault, _ in begun):
            return None
        return max(0.0, -self._world.station.measured.power_w)

    async def _raise_floor(self) -> None:
        soc = self._world.entities.number("sensor", f"{VEHICLE}_soc")
        asked = time.monotonic()
        floor = min(100.0, soc + FLOOR_ABOVE_PERCENT)
        if await self._try("raise the floor", set_reserve(self._world, floor)):
            self._floor_mono_s = asked

    async def _see_to_persons(self) -> None:
        for fault in self._case.faults:
            if fault.person is not None:
                # It takes a person longer than that to see what is shown.
                await asyncio.sleep(SEES_S)
                await self._try(f"person for {fault.name}", fault.person(self._world))

    async def _try(self, what: str, step: Any) -> bool:
        try:
            await step
        except AWAY as err:
            self.trouble.append(f"could not {what}: {str(err) or type(err).__name__}")
            return False
        return True

    # ---- after

    def _missing(self, began: float, issues: set[str]) -> tuple[str, ...]:
        faults: Sequence[Fault] = self._case.faults
        # What is late may be over before it can be shown.
        is_hidden = any(
            fault.blinds or fault.late_s or fault.stands_between for fault in faults
        )
        if is_hidden and len(faults) > 1:
            return ()
        return tuple(
            " ".join(shown)
            for fault in faults
            if not fault.needs_flow or not _stop_others(fault, faults)
            for shown in fault.shown
            if not self._was_shown(shown, began, issues)
        )

    def _was_shown(self, shown: Shown, began: float, issues: set[str]) -> bool:
        if shown[0] == "issue":
            return not issues.isdisjoint(shown[1:])
        _, domain, unique_id, state = shown
        return any(
            change.state == state and change.received_mono_s >= began
            for change in self._world.entities.changes(domain, unique_id)
        )


def _stop_others(fault: Fault, faults: Sequence[Fault]) -> bool:
    return any(other.stops for other in faults if other is not fault)
