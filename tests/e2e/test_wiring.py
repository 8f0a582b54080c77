"""A real virtual station, and a meter of the home that follows what it really does."""

import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.self_test import SelfTestPhase
from custom_components.v2g_vpp.domain.site_meters import PhaseMap, SiteWiring
from custom_components.v2g_vpp.domain.wiring import WiringEvidence, WiringFault
from custom_components.v2g_vpp.virtual.config import Protocol
from tests.e2e.loopback_time import in_loopback_time
from tests.e2e.virtual_home import KEY, VirtualHome
from tests.site.grid_meter import GridMeter

OVER = {SelfTestPhase.PASSED, SelfTestPhase.FAILED}


async def self_test(home: VirtualHome) -> str | None:
    await home.run(30)
    await home.site.start_self_test(KEY)
    await home.until(lambda: home.evse.self_test.phase in OVER, 900, "self-test")
    return home.evse.self_test.failure


@pytest.mark.parametrize(
    ("protocol", "dialect"),
    [
        (Protocol.OCPP_2_1, DischargeDialect.V21_DYNAMIC),
        (Protocol.OCPP_1_6, DischargeDialect.NEG_LIMIT_W),
    ],
    ids=str,
)
@in_loopback_time
async def test_a_reversed_meter_is_refused_and_proven_once_it_is_turned(
    protocol: Protocol, dialect: DischargeDialect, socket_enabled: None
) -> None:
    async with VirtualHome(protocol, dialect, takes_negative_limits=True) as home:
        meter = GridMeter(
            site=home.site, clock=home.clock, power=lambda: home.power_w, sign=-1.0
        )
        home._spawn(meter.live(), "grid meter")
        home.site.use_wiring(SiteWiring(phase_maps={KEY: PhaseMap(phases=(1, 2, 3))}))
        await home.plug()
        assert await self_test(home) == f"wiring_{WiringFault.WRONG_SIGN}"
        assert home.evse.proof is None
        meter.sign = 1.0
        assert await self_test(home) is None
        assert home.evse.proof is not None
        assert home.evse.proof.wiring is WiringEvidence.PROVEN
        await home.policy(is_discharge_allowed=True)
        await home.discharge()
        assert not home.evse.faults
