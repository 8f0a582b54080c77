"""A case of the kit, what comes of it, and how all of them are run."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from . import clock
from .transcript import Message, Transcript


class Verdict(StrEnum):
    """What a case says about the tested side."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    NOT_OFFERED = "not offered"
    """The tested side does not claim to do this."""

    INCONCLUSIVE = "inconclusive"
    """What the case needs was not there."""


class CaseEnd(Exception):  # noqa: N818 - a verdict, not an error
    """End a case with a verdict and one sentence."""

    verdict = Verdict.FAIL


class Failed(CaseEnd):
    """The tested side breaks the contract."""


class NotOffered(CaseEnd):
    """The tested side does not claim to do this."""

    verdict = Verdict.NOT_OFFERED


class Inconclusive(CaseEnd):
    """The case could not be run to its end."""

    verdict = Verdict.INCONCLUSIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Case[Bench]:
    """One thing that the contract asks."""

    case_id: str
    rule: str
    """The rule or the part of the contract."""

    done: str
    """What the kit does."""

    expected: str
    """What the contract asks."""

    run: Callable[[Bench], Awaitable[str]]
    """Returns what was seen; raises ``CaseEnd``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one case."""

    case_id: str
    rule: str
    done: str
    expected: str
    verdict: Verdict
    seen: str
    began_at: datetime
    took_s: float
    evidence: tuple[Message, ...]


MAX_EVIDENCE = 40
"""Messages per case in the report, the newest: a flood explains nothing."""


async def run_cases[Bench](
    cases: Sequence[Case[Bench]],
    bench: Bench,
    transcript: Transcript,
    settle: Callable[[], Awaitable[None]],
    tell: Callable[[Outcome], None],
) -> list[Outcome]:
    """Run cases one after the other; after each the bench is brought to rest."""
    outcomes = []
    for case in cases:
        began_at, began_mono_s = clock.utcnow(), clock.monotonic()
        since = transcript.here
        try:
            verdict, seen = Verdict.PASS, await case.run(bench)
        except CaseEnd as end:
            verdict, seen = end.verdict, str(end)
        outcome = Outcome(
            case_id=case.case_id,
            rule=case.rule,
            done=case.done,
            expected=case.expected,
            verdict=verdict,
            seen=seen,
            began_at=began_at,
            took_s=clock.monotonic() - began_mono_s,
            evidence=_evidence(transcript, since),
        )
        outcomes.append(outcome)
        tell(outcome)
        await settle()
    return outcomes


def _evidence(transcript: Transcript, since: int) -> tuple[Message, ...]:
    telling = [m for m in transcript.messages[since:] if m.kind not in _BACKGROUND]
    return tuple(telling[-MAX_EVIDENCE:])


_BACKGROUND = frozenset({"clock"})
