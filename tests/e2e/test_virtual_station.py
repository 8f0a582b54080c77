"""The virtual station at the real listener and the real site, on every version."""

import logging

import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.virtual.conditions import Condition
from custom_components.v2g_vpp.virtual.config import Fault, Protocol
from tests.e2e.loopback_time import in_loopback_time
from tests.e2e.virtual_home import KEY, VirtualHome

DIALECTS = [
    (Protocol.OCPP_2_1, DischargeDialect.V21_DYNAMIC),
    (Protocol.OCPP_2_1, DischargeDialect.V21_SCHEDULE),
    (Protocol.OCPP_2_0_1, DischargeDialect.NEG_LIMIT_W),
    (Protocol.OCPP_1_6, DischargeDialect.NEG_LIMIT_W),
    (Protocol.OCPP_1_6, DischargeDialect.NEG_LIMIT_A),
    (Protocol.OCPP_1_6, DischargeDialect.DATA_TRANSFER),
    (Protocol.OCPP_2_0_1, DischargeDialect.DATA_TRANSFER),
]
every_dialect = pytest.mark.parametrize(("protocol", "dialect"), DIALECTS, ids=str)


def home_of(protocol: Protocol, dialect: DischargeDialect) -> VirtualHome:
    return VirtualHome(protocol, dialect, takes_negative_limits=True)


async def replug(home: VirtualHome) -> None:
    home.station.unplug()
    await home.run(5)
    home.station.plug()


@every_dialect
@in_loopback_time
async def test_it_is_proven_discharges_and_the_floor_ends_it(
    protocol: Protocol, dialect: DischargeDialect, socket_enabled: None
) -> None:
    async with home_of(protocol, dialect) as home:
        await home.plug()
        await home.prove()
        assert home.evse.proof is not None
        assert home.evse.proof.dialect is dialect
        await home.discharge()
        # The vehicle falls to its reserve; nobody has to do anything.
        home.station.set_soc(25.0)
        await home.until(lambda: home.is_at_rest, 60, "rest at the floor")
        assert home.evse.discharge_blocked_by is Reason.RESERVE_FLOOR
        home.station.set_soc(70.0)
        await home.until(lambda: home.power_w < -4_000, 120, "and again")
        # A ground fault ends it and stays until somebody looked.
        home.station.set_condition(Condition.GROUND_FAULT, is_on=True)
        await home.until(lambda: home.is_at_rest, 10, "rest after E-61")
        await home.until(lambda: FaultCode.GROUND_FAULT in home.evse.faults, 10, "E-61")
        home.station.set_condition(Condition.GROUND_FAULT, is_on=False)
        await replug(home)
        await home.run(60)
        assert home.power_w > -100
        assert FaultCode.GROUND_FAULT in home.evse.faults
        await home.site.reset_emergency_stop(KEY)
        await replug(home)
        await home.plug()
        await home.until(lambda: home.power_w < -4_000, 180, "after the reset")


@every_dialect
@in_loopback_time
async def test_the_station_ends_it_by_itself_when_nobody_can_be_heard(
    protocol: Protocol, dialect: DischargeDialect, socket_enabled: None
) -> None:
    async with home_of(protocol, dialect) as home:
        await home.plug()
        await home.grant()
        await home.discharge()
        promise_s = home.evse.proof.dead_man_s if home.evse.proof else 0.0
        home.station.set_fault(Fault.HALF_OPEN, is_on=True)
        took_s = await home.until(lambda: home.is_at_rest, 120, "dead-man")
        assert took_s <= promise_s + 2.0
        await home.until(lambda: not home.truth.is_connected, 120, "gives up")
        home.station.set_fault(Fault.HALF_OPEN, is_on=False)
        await home.until(lambda: home.power_w < -4_000, 240, "back again")


@every_dialect
@in_loopback_time
async def test_a_reboot_in_a_transaction_is_survived(
    protocol: Protocol, dialect: DischargeDialect, socket_enabled: None
) -> None:
    async with home_of(protocol, dialect) as home:
        await home.plug()
        await home.grant()
        await home.discharge()
        home.station.reboot()
        assert home.is_at_rest
        await home.until(lambda: home.truth.boot_count == 2, 60, "boot")
        await replug(home)
        await home.plug()
        await home.run(200)
        assert home.is_at_rest, "it was without power: the grid is not trusted yet"
        await home.until(lambda: home.power_w < -4_000, 500, "back again")
        assert home.evse.faults == ()


@pytest.mark.parametrize(("protocol", "dialect"), DIALECTS[:3], ids=str)
@in_loopback_time
async def test_first_plug_leaves_nothing_in_the_log_to_worry_about(
    protocol: Protocol,
    dialect: DischargeDialect,
    socket_enabled: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with home_of(protocol, dialect) as home:
        await home.plug()
        await home.run(20)
    assert [r.getMessage() for r in caplog.records if r.levelno > logging.INFO] == []
