"""What a rehearsal home answers: the rules of the contract, one by one."""

from datetime import timedelta
from typing import Any

import pytest

from aggregator.messages import Cancel, Command, CommandKind
from aggregator.rehearsal.gate import Gate, Verdict

from .fake import FakeClock

TOPIC = "v2gvpp/v1/north/home-1/dn/command"


class Bench:
    """A gate and what it said."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.said: list[Verdict] = []
        self.gate = Gate(self.said.append, lambda wanted_w: max(wanted_w, -6_000))
        self._seq = 0

    def _envelope(self, **changes: Any) -> dict[str, Any]:
        self._seq += 1
        envelope = {
            "version": "1.0",
            "id": f"id-{self._seq}",
            "epoch": 1,
            "seq": self._seq,
            "ts": self.clock.utcnow(),
        }
        return {name: changes.get(name, value) for name, value in envelope.items()}

    def command(self, power_w: int | None = -5_000, **changes: Any) -> Command:
        now = self.clock.utcnow()
        kind = CommandKind.RELEASE if power_w is None else CommandKind.SETPOINT
        return Command(
            **self._envelope(**changes),
            kind=changes.get("kind", kind),
            power_w=power_w,
            start=changes.get("start", now),
            end=changes.get("end", now + timedelta(seconds=60)),
            dry_run=changes.get("dry_run"),
        )

    def cancel(self, command_id: str | None) -> Cancel:
        return Cancel(
            **self._envelope(), command_id=command_id, all=command_id is None or None
        )

    def take(self, command: Command) -> list[tuple[str, str]]:
        """Return what was said about it."""
        self.said.clear()
        self.gate.take_command(
            TOPIC, command, self.clock.monotonic(), self.clock.utcnow()
        )
        return self.about(command.id)

    def about(self, command_id: str) -> list[tuple[str, str]]:
        return [(v.status, v.code) for v in self.said if v.command_id == command_id]

    def pass_s(self, seconds: float) -> None:
        self.said.clear()
        self.clock.pass_s(seconds)
        self.gate.step(self.clock.monotonic())


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_command_is_accepted_active_and_done(bench: Bench) -> None:
    command = bench.command()
    assert bench.take(command) == [("accepted", "OK"), ("active", "OK")]
    assert bench.gate.setpoint_w == -5_000
    bench.pass_s(59)
    assert bench.gate.setpoint_w == -5_000
    bench.pass_s(1)
    assert bench.about(command.id) == [("done", "OK")]
    assert bench.gate.setpoint_w == 0


def test_more_than_it_can_is_clamped_and_said(bench: Bench) -> None:
    assert bench.take(bench.command(-9_000))[0] == ("accepted", "CLAMPED")
    assert bench.said[0].committed_w == -6_000
    assert bench.gate.setpoint_w == -6_000


def test_the_same_command_again_gets_its_verdict_and_is_not_applied(
    bench: Bench,
) -> None:
    command = bench.command()
    bench.take(command)
    assert bench.take(command) == [("active", "OK")]
    assert bench.gate.applied[command.id] == 1


def test_a_newer_one_takes_over_and_an_older_one_is_refused(bench: Bench) -> None:
    first, late, second = bench.command(), bench.command(), bench.command(-2_000)
    bench.take(first)
    bench.take(second)
    assert bench.about(first.id) == [("superseded", "OK")]
    assert bench.take(late) == [("rejected", "STALE_SEQ")]
    old_term = bench.command(epoch=0, seq=99)
    bench.pass_s(2)
    assert bench.take(old_term) == [("rejected", "STALE_SEQ")]
    assert bench.gate.setpoint_w == -2_000


@pytest.mark.parametrize(
    ("field", "offset_s", "code"),
    [
        ("ts", -13, "EXPIRED"),
        ("ts", 3, "CLOCK_SKEW"),
        ("end", 0, "EXPIRED"),
        ("start", 49 * 3600, "NOT_YET"),
    ],
)
def test_times_are_judged(bench: Bench, field: str, offset_s: float, code: str) -> None:
    moment = bench.clock.utcnow() + timedelta(seconds=offset_s)
    changes: dict[str, Any] = {field: moment}
    if field == "start":
        changes["end"] = moment + timedelta(seconds=60)
    assert bench.take(bench.command(**changes)) == [("rejected", code)]


def test_more_than_two_commands_a_second_are_refused_but_a_stop_is_not(
    bench: Bench,
) -> None:
    bench.take(bench.command())
    bench.take(bench.command())
    assert bench.take(bench.command()) == [("rejected", "RATE_LIMIT")]
    assert bench.take(bench.command(0))[0] == ("accepted", "OK")
    bench.pass_s(1.1)
    assert bench.take(bench.command())[0] == ("accepted", "OK")


def test_a_later_start_waits_and_a_dry_run_is_only_answered(bench: Bench) -> None:
    later = bench.command(start=bench.clock.utcnow() + timedelta(seconds=10))
    assert bench.take(later) == [("accepted", "OK")]
    assert bench.gate.setpoint_w == 0
    bench.pass_s(10)
    assert bench.gate.setpoint_w == -5_000
    assert bench.take(bench.command(-1_000, dry_run=True)) == [("accepted", "OK")]
    assert bench.gate.setpoint_w == -5_000


def test_cancels_and_releases_end_what_runs(bench: Bench) -> None:
    first, second = bench.command(), bench.command()
    bench.take(first)
    cancel = bench.cancel(first.id)
    bench.gate.take_cancel(cancel)
    assert bench.about(first.id)[-1] == ("cancelled", "OK")
    assert bench.about(cancel.id) == [("accepted", "OK")]
    bench.take(second)
    bench.gate.take_cancel(bench.cancel(None))
    assert bench.gate.setpoint_w == 0
    bench.pass_s(2)
    third = bench.command()
    bench.take(third)
    bench.take(bench.command(None))
    assert bench.about(third.id) == [("cancelled", "OK")]


def test_a_limit_is_not_offered(bench: Bench) -> None:
    assert bench.take(bench.command(kind=CommandKind.LIMIT)) == [
        ("rejected", "UNSUPPORTED")
    ]


def test_a_home_that_fails_says_so_for_all(bench: Bench) -> None:
    command = bench.command()
    bench.take(command)
    bench.gate.fail("FAILSAFE")
    assert bench.about(command.id)[-1] == ("failed", "FAILSAFE")
    assert bench.gate.setpoint_w == 0
