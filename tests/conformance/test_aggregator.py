"""The kit finds nothing wrong with our aggregator."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from aggregator.__main__ import main
from conformance.__main__ import run_aggregator
from conformance.aggregator_cases import AGGREGATOR_CASES
from conformance.aggregator_joining import JOINING_CASES, Joining
from conformance.case import Verdict
from conformance.enrolling import Applicant
from conformance.options import Endpoint
from script.rig.broker import Broker, BrokerFiles
from tests.aggregator.conftest import Rig

from .examination import of

HOME = "home-1"


@pytest.fixture
async def operator(tmp_path: Path, socket_enabled: None) -> AsyncIterator[Rig]:
    data = tmp_path / "data"
    assert main(["init", "--data", str(data), "--region", "north"]) == 0
    async with AsyncExitStack() as stack:
        broker = stack.enter_context(
            Broker(tmp_path / "broker", BrokerFiles.in_data_directory(data))
        )
        rig = Rig(data, broker, stack, tmp_path)
        stack.push_async_callback(rig.stop)
        await rig.start()
        yield rig


@pytest.mark.slow
async def test_our_aggregator_passes_every_case(operator: Rig, tmp_path: Path) -> None:
    async def command() -> None:
        body = {"kind": "setpoint", "power_w": -3000, "duration_s": 60}
        await operator.call("POST", f"/api/homes/{HOME}/command", body)

    async def cancel() -> None:
        await operator.call("POST", f"/api/homes/{HOME}/cancel", {})

    async def event() -> None:
        window = {"start_in_s": 3600, "duration_s": 1800, "power_w": -3000}
        body = {"event_id": "conformance-1", "windows": [window]}
        await operator.call("POST", "/api/events", body)

    async def restart() -> None:
        await operator.stop()
        await operator.start()

    invitation = await operator.call("POST", "/api/homes", {"home_id": HOME})
    broker = Endpoint(invitation["broker_host"], invitation["broker_port"])
    outcomes = await run_aggregator(
        Joining(Applicant(invitation, tmp_path / "home"), broker),
        {"command": command, "cancel": cancel, "event": event, "restart": restart},
        30.0,
        (),
        lambda _: None,
    )
    assert of(outcomes, Verdict.FAIL) == {}
    assert of(outcomes, Verdict.NOT_OFFERED) == {}
    assert of(outcomes, Verdict.INCONCLUSIVE) == {}
    assert len(outcomes) == len(JOINING_CASES) + len(AGGREGATOR_CASES)
