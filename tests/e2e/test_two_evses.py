"""One station with two EVSEs: what is asked of one leaves the other alone."""

from functools import partial

import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.virtual.conditions import Condition
from custom_components.v2g_vpp.virtual.config import Fault, Protocol
from tests.e2e.loopback_time import in_loopback_time
from tests.e2e.virtual_home import SECOND_EVSE, VirtualHome, key_of

DIALECTS = [
    (Protocol.OCPP_2_1, DischargeDialect.V21_DYNAMIC),
    (Protocol.OCPP_2_0_1, DischargeDialect.NEG_LIMIT_W),
    (Protocol.OCPP_1_6, DischargeDialect.NEG_LIMIT_W),
]
every_version = pytest.mark.parametrize(("protocol", "dialect"), DIALECTS, ids=str)


def home_of(protocol: Protocol, dialect: DischargeDialect) -> VirtualHome:
    return VirtualHome(
        protocol, dialect, takes_negative_limits=True, more_evses=(SECOND_EVSE,)
    )


async def discharge_both(home: VirtualHome) -> None:
    for evse_id, power_w in ((1, -4_500.0), (2, -2_500.0)):
        await home.plug(evse_id)
        await home.grant(evse_id)
        await home.discharge(power_w, evse_id)


@every_version
@in_loopback_time
async def test_each_discharges_at_its_own_setpoint_and_stops_alone(
    protocol: Protocol, dialect: DischargeDialect, socket_enabled: None
) -> None:
    async with home_of(protocol, dialect) as home:
        await discharge_both(home)
        await home.run(120)
        assert home.power_at(1) == pytest.approx(-4_500.0, abs=250)
        assert home.power_at(2) == pytest.approx(-2_500.0, abs=250)
        for evse_id in (1, 2):
            shown = home.evse_at(evse_id)
            truth = home.station.status(evse_id)
            power, soc = shown.measurement.power_w, shown.measurement.soc_percent
            assert power is not None
            assert power.value == pytest.approx(truth.true_power_w, abs=150)
            assert soc is None or soc.value == pytest.approx(truth.soc_percent, abs=0.5)
            assert shown.discharged_wh == pytest.approx(
                truth.energy_export_wh, rel=0.05
            )
        # One vehicle falls to its reserve.
        home.station.set_soc(25.0, 1)
        await home.until(lambda: home.is_at_rest_at(1), 60, "rest on 1")
        await home.run(60)
        assert home.is_at_rest_at(1)
        assert home.power_at(2) == pytest.approx(-2_500.0, abs=250)


@every_version
@in_loopback_time
async def test_a_fault_on_one_leaves_the_other(
    protocol: Protocol, dialect: DischargeDialect, socket_enabled: None
) -> None:
    async with home_of(protocol, dialect) as home:
        await discharge_both(home)
        home.station.set_condition(Condition.GROUND_FAULT, is_on=True, evse_id=2)
        await home.until(lambda: home.is_at_rest_at(2), 10, "rest on 2")
        await home.until(
            lambda: FaultCode.GROUND_FAULT in home.evse_at(2).faults, 10, "E-61"
        )
        await home.run(60)
        assert home.evse_at(1).faults == ()
        assert home.power_at(1) == pytest.approx(-4_500.0, abs=250)
        # Mended and looked at, the second goes on beside the first.
        home.station.set_condition(Condition.GROUND_FAULT, is_on=False, evse_id=2)
        home.station.unplug(2)
        await home.run(5)
        await home.site.reset_emergency_stop(key_of(2))
        await home.plug(2)
        await home.until(lambda: home.power_at(2) < -2_250, 240, "2 again")
        assert home.power_at(1) == pytest.approx(-4_500.0, abs=250)


@every_version
@in_loopback_time
async def test_the_floor_of_the_station_ends_both_when_nobody_can_be_heard(
    protocol: Protocol, dialect: DischargeDialect, socket_enabled: None
) -> None:
    async with home_of(protocol, dialect) as home:
        await discharge_both(home)
        proof = home.evse.proof
        assert proof is not None
        home.station.set_fault(Fault.HALF_OPEN, is_on=True)
        for evse_id in (1, 2):
            await home.until(
                partial(home.is_at_rest_at, evse_id), proof.dead_man_s + 2, "rest"
            )
        await home.run(5)
        floors = {home.station.status(n).active_profile_id for n in (1, 2)}
        assert len(floors) == 1
        assert None not in floors
        home.station.set_fault(Fault.HALF_OPEN, is_on=False)
        await home.until(lambda: home.power_at(1) < -4_000, 300, "1 again")
        await home.until(lambda: home.power_at(2) < -2_000, 120, "2 again")


@every_version
@in_loopback_time
async def test_a_reboot_ends_both_and_both_come_back(
    protocol: Protocol, dialect: DischargeDialect, socket_enabled: None
) -> None:
    async with home_of(protocol, dialect) as home:
        await discharge_both(home)
        home.station.reboot()
        assert home.is_at_rest_at(1)
        assert home.is_at_rest_at(2)
        await home.until(lambda: home.truth.boot_count == 2, 60, "boot")
        for evse_id in (1, 2):
            home.station.unplug(evse_id)
            await home.run(3)
            await home.plug(evse_id)
        # They were without power: the grid is trusted again, and then little by little.
        await home.until(lambda: home.power_at(1) < -4_000, 700, "1 again")
        await home.until(lambda: home.power_at(2) < -2_000, 700, "2 again")
