"""The meter of the home against the outlet's, in the self-test and ever after."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.self_test import SelfTestPhase
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.domain.site_meters import (
    MeterRegulator,
    PhaseMap,
    SiteWiring,
)
from custom_components.v2g_vpp.domain.wiring import WiringEvidence, WiringFault
from tests.site.grid_meter import GridMeter
from tests.site.home import Home
from tests.site.virtual_time import in_virtual_time

OVER = {SelfTestPhase.PASSED, SelfTestPhase.FAILED}


def with_meter(home: Home, **changes: object) -> GridMeter:
    meter = GridMeter(
        site=home.site,
        clock=home.clock,
        power=lambda: home.power_w,
        **changes,  # type: ignore[arg-type]  # any field
    )
    home._spawn(meter.live(), "grid meter")
    return meter


def told(home: Home, phases: tuple[int, ...], **changes: object) -> None:
    wiring = SiteWiring(
        phase_maps={home.key: PhaseMap(phases=phases)}, regulator=MeterRegulator.HOME
    )
    home.site.use_wiring(replace(wiring, **changes))  # type: ignore[arg-type]  # any field


async def self_test(home: Home) -> str | None:
    await home.run(10)
    await home.site.start_self_test(home.key)
    await home.until(lambda: home.evse.self_test.phase in OVER, 700, "the self-test")
    return home.evse.self_test.failure


async def steps(home: Home, count: int, power_w: float = 5_000.0) -> None:
    for number in range(count):
        await home.site.set_power(home.key, power_w if number % 2 else 0.0, 3_600.0)
        await home.run(35)


@in_virtual_time
async def test_a_turned_sign_fails_the_self_test_and_passes_once_it_is_mended() -> None:
    async with Home() as home:
        meter = with_meter(home, sign=-1.0)
        told(home, (1, 2, 3))
        assert await self_test(home) == "wiring_wrong_sign"
        finding = home.evse.self_test.wiring
        assert finding is not None
        assert finding.fault is WiringFault.WRONG_SIGN
        assert home.evse.proof is None
        assert not home.evse.faults, "nothing was proven before that could be broken"
        meter.sign = 1.0
        assert await self_test(home) is None
        proof = home.evse.proof
        assert proof is not None
        assert proof.wiring is WiringEvidence.PROVEN
        assert proof.wiring_share == pytest.approx(1.0, abs=0.1)
        await home.allow(home.key)
        await home.discharge()


@in_virtual_time
async def test_a_wrong_phase_is_named_and_proven_once_it_is_chosen_right() -> None:
    async with Home() as home:
        with_meter(home, on=(2,))
        told(home, (1,))
        assert await self_test(home) == "wiring_wrong_phase"
        finding = home.evse.self_test.wiring
        assert finding is not None
        assert finding.phases == (2,)
        told(home, (2,))
        assert await self_test(home) is None
        assert home.evse.proof is not None
        assert home.evse.proof.wiring_phases == "2"


@in_virtual_time
async def test_a_virtual_car_is_not_looked_for_at_a_real_meter() -> None:
    async with Home() as home:
        with_meter(home, on=())
        told(home, (1,), unseen=frozenset({home.key}))
        assert await self_test(home) is None
        assert home.evse.proof is not None
        assert home.evse.proof.wiring is WiringEvidence.WITHOUT_REFERENCE
        await steps(home, 8)
        assert not home.evse.faults


@in_virtual_time
async def test_a_proof_survives_a_restart_with_what_it_says_of_the_wiring() -> None:
    async with Home() as home:
        with_meter(home)
        assert await self_test(home) is None
        await home.run(5)
        await home.restart()
        home.reconnect()
        await home.run(5)
        assert home.evse.proof is not None
        assert home.evse.proof.wiring is WiringEvidence.PROVEN


@in_virtual_time
async def test_meters_that_contradict_later_are_latched_until_the_reset() -> None:
    async with Home() as home:
        meter = with_meter(home)
        told(home, (1, 2, 3), fuse_a=63.0)
        await home.grant()
        await steps(home, 5)
        assert not home.evse.faults, "right wiring is left alone"
        await home.run(30)
        meter.sign = -1.0
        await steps(home, 2)
        assert not home.evse.faults, "twice may be the house"
        await steps(home, 3)
        evse = home.evse
        assert evse.faults == (FaultCode.METERS_CONTRADICT,)
        assert evse.wiring_finding is not None
        assert evse.wiring_finding.fault is WiringFault.WRONG_SIGN
        assert evse.proof is None
        assert not evse.policy.is_discharge_allowed
        assert evse.discharge_blocked_by is Reason.FAULT

        # Its limits rely on that meter, so it charges as if nobody watched: not.
        await home.site.return_to_automatic(home.key)
        await home.set_mode(Mode.CHARGE_NOW)
        await home.run(20)
        assert home.is_at(0.0)
        assert home.evse.setpoint.reason is Reason.FAULT

        # A restart is no reset.
        await home.run(5)
        await home.restart()
        home.reconnect()
        await home.run(5)
        assert FaultCode.METERS_CONTRADICT in home.evse.faults

        meter = with_meter(home)
        told(home, (1, 2, 3), fuse_a=63.0)
        await home.run(30)
        assert FaultCode.METERS_CONTRADICT in home.evse.faults, "only by the owner"
        await home.site.reset_emergency_stop(home.key)
        await home.run(30)
        assert not home.evse.faults
        assert home.is_at(11_000.0, 400.0)


@in_virtual_time
async def test_no_mode_follows_a_meter_that_contradicts() -> None:
    async with Home() as home:
        with_meter(home, sign=-1.0, house_w=(3_000.0, 3_000.0, 3_000.0))
        told(home, (1, 2, 3))
        await home.run(5)
        await steps(home, 6)
        assert home.evse.faults == (FaultCode.METERS_CONTRADICT,)
        await home.site.return_to_automatic(home.key)
        for mode in (Mode.SOLAR, Mode.SELF_CONSUMPTION, Mode.PEAK_SHAVING):
            await home.set_mode(mode)
            await home.run(120)
            assert home.is_at(0.0), mode
            assert home.evse.setpoint.reason is Reason.FAULT
        # Without a limit that needs the meter it charges on.
        await home.set_mode(Mode.CHARGE_NOW)
        await home.run(30)
        assert home.is_at(11_000.0, 400.0)
