"""Where features that came late to a home meet those that were there."""

import pytest

from custom_components.v2g_vpp.domain.dispatch import AckStatus, CommandKind, LinkState
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.self_test import ProofLoss, SelfTestPhase
from custom_components.v2g_vpp.domain.setpoint import Reason
from tests.site.home import Home
from tests.site.programme import RecordingProgramme
from tests.site.test_wiring import self_test, told, with_meter
from tests.site.virtual_time import in_virtual_time

OTHER = ProgrammeId("programme-2")


def with_other(home: Home) -> RecordingProgramme:
    """Let the home take part in a second programme, whose link stays up."""
    port = RecordingProgramme()
    home.site.add_programme(OTHER, port)
    home.site.link_changed(OTHER, is_connected=True)

    async def beat() -> None:
        while True:
            home.site.heartbeat_seen(OTHER, home.clock.monotonic())
            await home.run(5)

    home._spawn(beat(), "heartbeats of the other")
    return port


@pytest.mark.parametrize("kind", [CommandKind.SETPOINT, CommandKind.LIMIT])
@in_virtual_time
async def test_nobody_takes_over_before_a_lost_discharge_has_ended(
    kind: CommandKind,
) -> None:
    async with Home() as home:
        await home.grant()
        with_other(home)
        await home.run(20)
        await home.discharge()
        await home.set_mode(Mode.DISCHARGE_NOW)
        before = home.site._registry.evses[home.key].session.transaction_id
        home.has_heartbeats = False
        await home.until(lambda: home.link() is LinkState.FAILSAFE, 30)
        power_w = -5_000.0 if kind is CommandKind.SETPOINT else 5_000.0
        ack = home.order(power_w, kind=kind, programme_id=OTHER)
        assert ack.status is AckStatus.REJECTED
        await home.run(18)
        assert home.is_at(0.0)
        await home.run(12)
        assert home.site._registry.evses[home.key].session.transaction_id != before, (
            "its contactor opened"
        )


@in_virtual_time
async def test_a_limit_of_another_programme_brings_no_lost_discharge_back() -> None:
    async with Home() as home:
        await home.grant()
        with_other(home)
        await home.run(20)
        await home.discharge()
        await home.set_mode(Mode.DISCHARGE_NOW)
        home.has_heartbeats = False
        await home.until(lambda: home.link() is LinkState.FAILSAFE, 30)
        await home.run(60)
        ack = home.order(5_000.0, kind=CommandKind.LIMIT, programme_id=OTHER)
        assert ack.status is AckStatus.ACCEPTED
        for _ in range(90):
            await home.run(1)
            assert home.power_w > -100.0


@in_virtual_time
async def test_a_self_test_that_fails_takes_the_older_proof_away() -> None:
    async with Home() as home:
        meter = with_meter(home)
        told(home, (1, 2, 3))
        assert await self_test(home) is None
        await home.allow(home.key)
        assert home.evse.proof is not None
        meter.sign = -1.0
        assert await self_test(home) == "wiring_wrong_sign"
        assert home.evse.proof is None
        assert home.evse.lost_proof is ProofLoss.SELF_TEST_FAILED
        assert not home.evse.policy.is_discharge_allowed
        assert home.order(-5_000).status is AckStatus.REJECTED
        assert home.evse.discharge_blocked_by is Reason.DISCHARGE_NOT_ALLOWED


@in_virtual_time
async def test_a_self_test_that_is_interrupted_says_nothing_of_the_proof() -> None:
    async with Home() as home:
        await home.grant()
        await home.site.start_self_test(home.key)
        await home.run(15)
        await home.site.set_power(home.key, 3_000.0, 60.0)
        await home.run(5)
        assert home.evse.self_test.phase is SelfTestPhase.FAILED
        assert home.evse.proof is not None
