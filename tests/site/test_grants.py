"""What is granted to one programme binds that one alone."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.domain.dispatch import AckCode, AckStatus
from custom_components.v2g_vpp.domain.grant import Grant
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.vpp.reporting import describe_availability
from tests.site.home import PROGRAMME, Home
from tests.site.programme import RecordingProgramme
from tests.site.virtual_time import in_virtual_time

CAREFUL, FREE = PROGRAMME, ProgrammeId("free")


async def with_two_programmes(home: Home, *, granted_percent: float) -> None:
    """A careful programme with a floor of its own, and one with that of the car."""
    await home.grant()
    await home.set_floors(10.0, 20.0)
    grant = Grant(reserve_percent=granted_percent)
    home.site.remove_programme(CAREFUL, is_removed=False)
    home.site.add_programme(CAREFUL, home.programme, grant)
    home.site.add_programme(FREE, RecordingProgramme())
    for programme_id in (CAREFUL, FREE):
        home.site.link_changed(programme_id, is_connected=True)
        for _ in range(4):
            home.site.heartbeat_seen(programme_id, home.clock.monotonic())
    await home.run(1)


def offered(home: Home, programme_id: ProgrammeId) -> tuple[float, float, list[str]]:
    """Return what a programme is told it could get: W and Wh out, and why not more."""
    (room,) = describe_availability(home.site.snapshot, programme_id).resources
    return -room.room.lowest_w, room.room.deliverable_wh, [*room.why]


def beat(home: Home, programme_id: ProgrammeId) -> None:
    home.site.heartbeat_seen(programme_id, home.clock.monotonic())


@in_virtual_time
async def test_the_floor_of_one_programme_refuses_it_and_no_other() -> None:
    async with Home() as home:
        home.station.set_soc(50.0)
        await with_two_programmes(home, granted_percent=60.0)
        careful_w, careful_wh, why = offered(home, CAREFUL)
        assert (careful_w, careful_wh, why) == (0.0, 0.0, ["user"])
        free_w, free_wh, _ = offered(home, FREE)
        assert free_w > 5_000
        assert free_wh == pytest.approx(0.3 * 60_000, rel=0.1)
        ack = home.order(-5_000, programme_id=CAREFUL)
        assert (ack.status, ack.code) == (AckStatus.REJECTED, AckCode.SOC_FLOOR)
        ack = home.order(-5_000, programme_id=FREE, duration_s=60)
        assert ack.status is AckStatus.ACCEPTED
        for _ in range(5):
            await home.run(5)
            beat(home, FREE)
        assert home.is_at(-5_000)
        # What charges it is no matter of a floor.
        assert home.order(2_000, programme_id=CAREFUL).code is AckCode.UNSUPPORTED


@in_virtual_time
async def test_a_dispatch_ends_at_the_floor_that_was_granted_to_it() -> None:
    async with Home() as home:
        home.station.set_soc(62.5)
        await with_two_programmes(home, granted_percent=60.0)
        _, deliverable_wh, _ = offered(home, CAREFUL)
        assert 0 < deliverable_wh <= 0.025 * 60_000
        ack = home.order(-10_000, programme_id=CAREFUL)
        assert ack.status is AckStatus.ACCEPTED
        lowest = 100.0
        for _ in range(240):
            await home.run(5)
            beat(home, CAREFUL)
            lowest = min(lowest, home.station.soc_percent)
        assert home.evse.setpoint.power_w == 0
        assert home.evse.setpoint.reason is Reason.VPP_FLOOR
        assert 59.5 < lowest < 61.5


@in_virtual_time
async def test_the_gate_holds_the_granted_floor_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Home() as home:
        home.station.set_soc(80.0)
        await with_two_programmes(home, granted_percent=60.0)
        assert home.order(-5_000, programme_id=CAREFUL).status is AckStatus.ACCEPTED
        for _ in range(4):
            await home.run(5)
            beat(home, CAREFUL)
        assert home.is_at(-5_000)
        inputs = home.site._loop._inputs
        told = inputs.evse

        def forgetful(*args: object, **kwargs: object) -> object:
            return replace(told(*args, **kwargs), grant=Grant())  # type: ignore[arg-type]

        monkeypatch.setattr(inputs, "evse", forgetful)
        home.station.set_soc(55.0)
        for _ in range(12):
            await home.run(5)
            beat(home, CAREFUL)
        assert home.evse.setpoint.power_w == 0
        assert home.evse.setpoint.reason is Reason.VPP_FLOOR
        assert home.power_w == pytest.approx(0, abs=50)
