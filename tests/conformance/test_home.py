"""The kit finds nothing wrong with our home, and what is wrong with broken ones."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, override

import pytest

from conformance.case import Outcome, Verdict
from conformance.home_cases import HOME_CASES
from conformance.home_commands import COMMAND_CASES
from conformance.home_events import EVENT_CASES
from conformance.home_failsafe import FAILSAFE_CASES
from conformance.home_gate import GATE_CASES, RESTART_CASES
from conformance.home_passive import PASSIVE_CASES
from conformance.home_rules import RULE_CASES, VERSION_CASES
from conformance.home_session import RECONNECT_CASES, SESSION_CASES
from custom_components.v2g_vpp.vpp.gate import DropReason, Gate
from custom_components.v2g_vpp.vpp.link import VppLink
from custom_components.v2g_vpp.vpp.memory import GateMemory
from custom_components.v2g_vpp.vpp.mqtt_client import SessionSettings
from custom_components.v2g_vpp.vpp.signing import KeyRing
from tests.vpp.rig import Certificates

from .examination import examine, of
from .home import PROGRAMME_ID, LinkedHome

pytestmark = pytest.mark.slow

# Most of a case is waiting, so several homes are examined at once.
PARTS = (
    (*SESSION_CASES, *RECONNECT_CASES, *VERSION_CASES, *PASSIVE_CASES),
    (*COMMAND_CASES, *RESTART_CASES, *EVENT_CASES, *PASSIVE_CASES),
    (*GATE_CASES, *PASSIVE_CASES),
    (*RULE_CASES, *PASSIVE_CASES),
    (*FAILSAFE_CASES, *PASSIVE_CASES),
)

NOT_ALWAYS = {"all-availability", "all-clock"}
"""They need a run of a minute, which no part takes."""


async def test_our_home_passes_every_case(
    certificates: Certificates, tmp_path: Path, socket_enabled: None
) -> None:
    parts = await asyncio.gather(
        *(
            examine(certificates, tmp_path / str(number), cases)
            for number, cases in enumerate(PARTS)
        )
    )
    outcomes: list[Outcome] = [one for part in parts for one in part]
    assert {one.case_id for one in outcomes} == {one.case_id for one in HOME_CASES}
    assert of(outcomes, Verdict.FAIL) == {}
    assert set(of(outcomes, Verdict.NOT_OFFERED)) == {"event-forecast"}
    assert set(of(outcomes, Verdict.INCONCLUSIVE)) <= NOT_ALWAYS | {"all-signed"}


async def test_what_is_refused_is_counted_and_raises_one_alarm_each(
    certificates: Certificates,
    tmp_path: Path,
    socket_enabled: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    counted: dict[DropReason, int] = {}
    cases = [c for c in GATE_CASES if c.case_id in SILENT]
    assert len(cases) == len(SILENT)

    def look(home: LinkedHome) -> None:
        counted.update(home.link.dropped)
        programme = home.site.snapshot.programme(PROGRAMME_ID)
        assert programme is not None
        assert programme.order is None

    outcomes = await examine(certificates, tmp_path / "home", cases, look=look)
    assert of(outcomes, Verdict.FAIL) == {}
    # The empty message that takes a retained one from the broker is retained, too.
    assert counted[DropReason.RETAINED] == 2
    assert counted[DropReason.SIGNATURE] == 2
    alarms = [
        record.getMessage()
        for record in caplog.records
        if record.levelname == "WARNING" and "dropped" in record.getMessage()
    ]
    assert alarms == ["command dropped: retained", "command dropped: signature"]


SILENT = {"gate-retained-command", "gate-unsigned", "gate-forged-cancel"}
"""Some of what gets no answer at all."""


class BrokenLink(VppLink):
    """A link whose parts a test breaks after they are made."""

    def break_it(self, gate: Any, memory: Any, keys: Any) -> None:
        """Change what the link is made of."""

    @override
    def _adopt(self, memory: GateMemory) -> None:
        super()._adopt(memory)
        self.break_it(self._gate, self._memory, self._keys)


class TakesRetained(BrokenLink):
    @override
    def break_it(self, gate: Any, memory: Any, keys: Any) -> None:
        check = gate._check_origin
        gate._check_origin = lambda frame: check(replace(frame, is_retained=False))


class ForgetsMarks(BrokenLink):
    @override
    def break_it(self, gate: Any, memory: Any, keys: Any) -> None:
        gate._raise_mark = lambda *_: None


class IgnoresSignatures(BrokenLink):
    @override
    def break_it(self, gate: Any, memory: Any, keys: Any) -> None:
        keys.is_signed = lambda *_: True


class ForgetsVerdicts(BrokenLink):
    @override
    def break_it(self, gate: Any, memory: Any, keys: Any) -> None:
        memory.verdict = lambda _: None
        gate._order_fault = lambda *_: None


class HasNoWill(VppLink):
    @override
    def _session_settings(self) -> SessionSettings:
        topic = "v2gvpp/v1/north/home-0001/up/nothing"
        return replace(super()._session_settings(), will_topic=topic, will_payload=b"")


FORGERIES = {
    *("gate-unsigned", "gate-stranger", "gate-wrong-kid", "gate-other-topic"),
    *("gate-changed", "gate-two-signatures", "gate-forged-cancel", "gate-forged-mark"),
}

BROKEN: dict[type[VppLink], set[str]] = {
    TakesRetained: {"gate-retained-command", "gate-retained-cancel"},
    ForgetsMarks: {"gate-stale-seq", "gate-mark-of-refused", "gate-old-epoch"},
    IgnoresSignatures: FORGERIES,
    ForgetsVerdicts: {
        *("gate-duplicate", "gate-stale-seq"),
        *("gate-mark-of-refused", "gate-old-epoch"),
    },
    HasNoWill: {"session-will"},
}


async def test_the_right_cases_fail_in_front_of_a_broken_home(
    certificates: Certificates, tmp_path: Path, socket_enabled: None
) -> None:
    cases = (*GATE_CASES, RECONNECT_CASES[0])
    found = await asyncio.gather(
        *(
            examine(certificates, tmp_path / link.__name__, cases, link)
            for link in BROKEN
        )
    )
    failed = {
        link.__name__: set(of(outcomes, Verdict.FAIL))
        for link, outcomes in zip(BROKEN, found, strict=True)
    }
    assert failed == {link.__name__: wanted for link, wanted in BROKEN.items()}


def test_what_is_broken_exists() -> None:
    assert callable(Gate._check_origin)
    assert callable(Gate._raise_mark)
    assert callable(Gate._order_fault)
    assert callable(KeyRing.is_signed)
    assert callable(GateMemory.verdict)
    names: list[Callable[..., Any]] = [VppLink._session_settings, VppLink._adopt]
    assert all(map(callable, names))
