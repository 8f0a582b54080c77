"""The record of one event while it runs, and the report that it becomes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from ..domain.dispatch import AckStatus, CommandKind, DispatchOrder
from ..domain.ledger import canonical
from ..domain.regulation import SAMPLE_S, is_flat, regulation_score
from ..domain.units import energy_wh
from ..domain.wall_time import format_moment
from .sample_series import GAP, Sample, SampleSeries

MAX_COMMANDS = 32
"""Told one by one, the newest; of a regulation signal the series has them all."""

MAX_BODY_BYTES = 56_000
"""A message of the contract has 64 KiB; envelope and chain need the rest."""

BASELINE_S = 300
"""How long before the event its baseline is measured."""

PERMILLE = 1000
_BROKEN_BY_HOME = frozenset({AckStatus.FAILED.value, AckStatus.OPTED_OUT.value})
INTERRUPTED = "interrupted"
"""Status of a command that ran when the home fell silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What would have flowed: the mean before the event (method ``meter_before``)."""

    power_w: float | None
    """None: too little was measured, or another dispatch ran then."""

    samples: int
    """Seconds of the last five minutes that were measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandNote:
    """One command of the event and what became of it."""

    command_id: str
    kind: str
    power_w: int
    start: str
    end: str
    committed_w: int | None = None
    status: str | None = None
    """None while it runs."""

    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registers:
    """What the meter of one EVSE had counted, Wh."""

    charged_wh: float | None
    discharged_wh: float | None


@dataclass(slots=True, kw_only=True)
class Sums:
    """Energy, added up each second."""

    requested_wh: float = 0.0
    """What was asked, as a magnitude."""

    delivered_wh: float = 0.0
    """Of it what flowed, each second at most what was asked."""

    measured_wh: float = 0.0
    """What flowed meanwhile, signed."""

    change_wh: float | None = None
    """Against the baseline, signed; None without one."""

    unmeasured_s: int = 0


@dataclass(slots=True, kw_only=True)
class EventRecord:
    """Everything of one event."""

    key: str
    """The event's id, or that of its only command."""

    programme_id: str
    is_test: bool
    started_at: datetime
    baseline: Baseline
    began: dict[str, Registers]
    """By resource, at the start."""

    ended: dict[str, Registers] = field(default_factory=dict)
    commands: dict[str, CommandNote] = field(default_factory=dict)
    command_count: int = 0
    series: SampleSeries = field(default_factory=SampleSeries)
    sums: Sums = field(default_factory=Sums)
    interruptions: list[list[str]] = field(default_factory=list)
    """[from, to] while nobody looked."""

    active_s: int = 0
    """Until when a command ran, counted from the start."""

    def note_start(self, order: DispatchOrder) -> None:
        """Take a command that begins to run."""
        if order.order_id in self.commands:
            return
        self.command_count += 1
        self.commands[order.order_id] = CommandNote(
            command_id=order.order_id,
            kind=order.kind.value,
            power_w=round(order.power_w),
            start=format_moment(order.start_at),
            end=format_moment(order.end_at),
        )
        while len(self.commands) > MAX_COMMANDS:
            del self.commands[next(iter(self.commands))]

    def note_commitment(self, order_id: str, committed_w: float) -> None:
        """Take what the home committed to."""
        note = self.commands.get(order_id)
        if note is not None:
            self.commands[order_id] = replace(note, committed_w=round(committed_w))

    def note_end(self, order_id: str, status: str, code: str, now: datetime) -> None:
        """Take how a command ended; what the home itself broke off stays asked."""
        note = self.commands.get(order_id)
        if note is None or note.status is not None:
            return
        self.commands[order_id] = replace(note, status=status, code=code)
        if status in _BROKEN_BY_HOME or status == INTERRUPTED:
            left = datetime.fromisoformat(note.end) - now
            if note.kind == CommandKind.SETPOINT and left > timedelta():
                self.sums.requested_wh += energy_wh(
                    abs(note.power_w), left.total_seconds()
                )

    def add(self, second: int, sample: Sample, *, is_active: bool) -> None:
        """Take one second, counted from the start; one that is over is not."""
        while self.series.seconds < second:
            # Nobody looked: nothing is made up.
            self._count(GAP, is_active=is_active)
        if self.series.seconds == second:
            self._count(sample, is_active=is_active)

    def fill_gap(self, until: int, requested_w: float | None, ends: int) -> None:
        """Take the time in which the home was silent: asked, and not measured.

        Args:
            until: second of now.
            requested_w: of the command that ran.
            ends: second at which it would have ended.
        """
        before = self.series.seconds
        if until <= before:
            return
        while self.series.seconds < until:
            is_active = self.series.seconds < ends
            asked_w = requested_w if is_active else None
            self._count(replace(GAP, requested_w=asked_w), is_active=is_active)
        self.interruptions.append([self._moment(before), self._moment(until)])

    def report(self) -> dict[str, Any]:
        """Return the body of the report: text and whole numbers only."""
        self.series.cut(self.active_s)
        body = self._body()
        while len(canonical(body)) > MAX_BODY_BYTES and self.series.coarsen():
            body = self._body()
        return body

    def to_stored(self) -> dict[str, Any]:
        """Return what a restart needs."""
        return {
            "key": self.key,
            "programme_id": self.programme_id,
            "is_test": self.is_test,
            "started_at": self.started_at.isoformat(),
            "baseline": asdict(self.baseline),
            "began": {key: asdict(one) for key, one in self.began.items()},
            "ended": {key: asdict(one) for key, one in self.ended.items()},
            "commands": [asdict(one) for one in self.commands.values()],
            "command_count": self.command_count,
            "series": self.series.to_stored(),
            "sums": asdict(self.sums),
            "interruptions": self.interruptions,
            "active_s": self.active_s,
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any]) -> EventRecord:
        """Return the record of what was stored.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: when it is none of ours.
        """
        commands = [CommandNote(**one) for one in data["commands"]]
        return cls(
            key=data["key"],
            programme_id=data["programme_id"],
            is_test=data["is_test"],
            started_at=datetime.fromisoformat(data["started_at"]),
            baseline=Baseline(**data["baseline"]),
            began={key: Registers(**one) for key, one in data["began"].items()},
            ended={key: Registers(**one) for key, one in data["ended"].items()},
            commands={one.command_id: one for one in commands},
            command_count=data["command_count"],
            series=SampleSeries.restore(data["series"]),
            sums=Sums(**data["sums"]),
            interruptions=[list(one) for one in data["interruptions"]],
            active_s=data["active_s"],
        )

    def _count(self, sample: Sample, *, is_active: bool) -> None:
        self.series.add(sample)
        if not is_active:
            return
        self.active_s = self.series.seconds
        sums, asked_w, power_w = self.sums, sample.requested_w, sample.power_w
        if asked_w is not None:
            sums.requested_wh += energy_wh(abs(asked_w), 1.0)
        if power_w is None:
            sums.unmeasured_s += 1
            return
        sums.measured_wh += energy_wh(power_w, 1.0)
        if asked_w:
            along_w = power_w if asked_w > 0 else -power_w
            served_w = min(max(along_w, 0.0), abs(asked_w))
            sums.delivered_wh += energy_wh(served_w, 1.0)
        if self.baseline.power_w is not None:
            change_wh = energy_wh(power_w - self.baseline.power_w, 1.0)
            sums.change_wh = (sums.change_wh or 0.0) + change_wh

    def _moment(self, second: int) -> str:
        return format_moment(self.started_at + timedelta(seconds=second))

    def _body(self) -> dict[str, Any]:
        sums = self.sums
        score = self._score()
        return {
            "event_id": self.key,
            "programme_id": self.programme_id,
            "test": self.is_test,
            "start": self._moment(0),
            "end": self._moment(self.active_s),
            "metering_point": "evse",
            "meter_class": "evse_internal",
            "commands": [asdict(one) for one in self.commands.values()],
            "command_count": self.command_count,
            "baseline": {
                "method": "meter_before",
                "power_w": _whole(self.baseline.power_w),
                "window_s": BASELINE_S,
                "samples": self.baseline.samples,
            },
            "requested_wh": round(sums.requested_wh),
            "delivered_wh": round(sums.delivered_wh),
            "measured_wh": round(sums.measured_wh),
            "change_wh": _whole(sums.change_wh),
            "unmeasured_s": sums.unmeasured_s,
            "registers": _registers(self.began, self.ended),
            "regulation": score,
            "score_permille": _score_permille(sums, score),
            "interruptions": [
                {"start": start, "end": end} for start, end in self.interruptions
            ],
            "series": self.series.to_report(),
        }

    def _score(self) -> dict[str, int] | None:
        """Return the regulation score, None for a signal that rested or was short."""
        asked, flowed = self.series.every(SAMPLE_S)
        score = None if is_flat(asked) else regulation_score(asked, flowed)
        if score is None:
            return None
        return {
            "correlation_permille": round(PERMILLE * score.correlation),
            "delay_permille": round(PERMILLE * score.delay),
            "precision_permille": round(PERMILLE * score.precision),
            "total_permille": round(PERMILLE * score.total),
        }


def _score_permille(sums: Sums, regulation: Mapping[str, int] | None) -> int | None:
    """Return the one number: how well a signal was followed, else what was served."""
    if regulation is not None:
        return regulation["total_permille"]
    if round(sums.requested_wh) == 0:
        return None
    return round(PERMILLE * sums.delivered_wh / sums.requested_wh)


def _registers(
    began: Mapping[str, Registers], ended: Mapping[str, Registers]
) -> Sequence[Mapping[str, Any]]:
    nothing = Registers(charged_wh=None, discharged_wh=None)
    return [
        {
            "resource": key,
            "charged_wh_start": _whole(first.charged_wh),
            "charged_wh_end": _whole(ended.get(key, nothing).charged_wh),
            "discharged_wh_start": _whole(first.discharged_wh),
            "discharged_wh_end": _whole(ended.get(key, nothing).discharged_wh),
        }
        for key, first in sorted(began.items())
    ]


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
