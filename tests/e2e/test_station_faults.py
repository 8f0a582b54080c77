"""Every fault of the hardware and of the line, and what becomes of it at the site."""

import pytest

from custom_components.v2g_vpp.control.hardware_guard import HANDLE_COOL_S
from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.virtual.conditions import Condition
from custom_components.v2g_vpp.virtual.config import Fault, Protocol
from tests.e2e.loopback_time import in_loopback_time
from tests.e2e.virtual_home import KEY, VirtualHome

VERSIONS = [
    (Protocol.OCPP_2_1, DischargeDialect.V21_DYNAMIC),
    (Protocol.OCPP_2_0_1, DischargeDialect.NEG_LIMIT_W),
    (Protocol.OCPP_1_6, DischargeDialect.NEG_LIMIT_W),
]
every_version = pytest.mark.parametrize(("protocol", "dialect"), VERSIONS, ids=str)

CODES: dict[Condition, FaultCode | None] = {
    Condition.GROUND_FAULT: FaultCode.GROUND_FAULT,
    Condition.OVER_CURRENT: FaultCode.OVER_CURRENT,
    Condition.HANDLE_HOT: FaultCode.HANDLE_OVER_TEMPERATURE,
    Condition.STATION_WARM: FaultCode.OVER_TEMPERATURE,
    Condition.CONTACTOR_WELDED: FaultCode.CONTACTOR_WELDED,
    Condition.LOCK_FAILED: FaultCode.CONNECTOR_LOCK_FAILURE,
    Condition.METER_FAILED: FaultCode.METER_FAILURE,
    Condition.EV_LOST: FaultCode.EV_COMM_TIMEOUT,
    Condition.OVER_VOLTAGE: FaultCode.GRID_VOLTAGE_OUT_OF_RANGE,
    Condition.UNDER_VOLTAGE: FaultCode.GRID_VOLTAGE_OUT_OF_RANGE,
    Condition.OVER_FREQUENCY: FaultCode.GRID_FREQ_OUT_OF_RANGE,
    Condition.INTERNAL_ERROR: FaultCode.STATION_FAULTED,
}
UNTOLD = {
    Protocol.OCPP_2_0_1: {
        Condition.OVER_VOLTAGE,
        Condition.UNDER_VOLTAGE,
        Condition.OVER_FREQUENCY,
    },
    Protocol.OCPP_1_6: {Condition.OVER_FREQUENCY},
    Protocol.OCPP_2_1: set(),
}
"""What a version has no word for; the transaction ends all the same."""


def home_of(protocol: Protocol, dialect: DischargeDialect) -> VirtualHome:
    return VirtualHome(protocol, dialect, takes_negative_limits=True)


def test_no_condition_is_forgotten() -> None:
    assert set(CODES) == set(Condition)


@pytest.mark.parametrize("condition", list(Condition))
@every_version
@in_loopback_time
async def test_a_fault_of_the_hardware_stops_a_discharge_and_is_named(
    condition: Condition,
    protocol: Protocol,
    dialect: DischargeDialect,
    socket_enabled: None,
) -> None:
    async with home_of(protocol, dialect) as home:
        await home.plug()
        await home.grant()
        await home.discharge()
        code = CODES[condition]
        home.station.set_condition(condition, is_on=True)
        await home.until(lambda: home.is_at_rest, 20, "rest")
        if condition not in UNTOLD[protocol]:
            await home.until(lambda: code in home.evse.faults, 10, f"{code}")
        await home.run(30)
        assert home.is_at_rest
        # Mended, looked at, plugged in again: it goes on.
        home.station.set_condition(condition, is_on=False)
        home.station.unplug()
        # Heat comes back out of the cable, whatever the station says of it.
        is_heat = code is FaultCode.HANDLE_OVER_TEMPERATURE
        await home.run(HANDLE_COOL_S + 10 if is_heat else 10)
        await home.site.reset_emergency_stop(KEY)
        await home.until(lambda: home.evse.faults == (), 10, "no fault any more")
        await home.plug()
        await home.until(lambda: home.power_w < -4_000, 240, "after the repair")


@pytest.mark.parametrize("fault", [Fault.REPEAT_FRAMES, Fault.LATE_ANSWERS])
@every_version
@in_loopback_time
async def test_a_bad_line_changes_nothing_about_a_discharge_and_its_end(
    fault: Fault,
    protocol: Protocol,
    dialect: DischargeDialect,
    socket_enabled: None,
) -> None:
    async with home_of(protocol, dialect) as home:
        await home.plug()
        await home.grant()
        home.station.set_fault(fault, is_on=True)
        await home.discharge()
        await home.run(60)
        assert home.power_w < -4_000
        assert home.evse.faults == ()
        charged_wh = home.truth.energy_export_wh
        assert home.evse.discharged_wh == pytest.approx(charged_wh, rel=0.05)
        home.station.set_soc(25.0)
        await home.until(lambda: home.is_at_rest, 60, "rest at the floor")
        home.station.set_fault(fault, is_on=False)
        home.station.set_soc(70.0)
        await home.until(lambda: home.power_w < -4_000, 120, "and again")


@every_version
@in_loopback_time
async def test_lost_frames_end_in_0_w_or_a_discharge_that_is_watched(
    protocol: Protocol, dialect: DischargeDialect, socket_enabled: None
) -> None:
    async with home_of(protocol, dialect) as home:
        await home.plug()
        await home.grant()
        await home.discharge()
        home.station.set_fault(Fault.LOSE_FRAMES, is_on=True)
        await home.run(120)
        home.station.set_soc(25.0)
        promise_s = home.evse.proof.dead_man_s if home.evse.proof else 0.0
        await home.until(lambda: home.is_at_rest, promise_s + 60.0, "rest")
        home.station.set_fault(Fault.LOSE_FRAMES, is_on=False)
        home.station.set_soc(70.0)
        await home.run(120)
        if home.evse.faults:
            await home.site.reset_emergency_stop(KEY)
            await home.grant()
        home.station.unplug()
        await home.run(5)
        await home.plug()
        await home.until(lambda: home.power_w < -4_000, 300, "on a good line")


@every_version
@in_loopback_time
async def test_a_charger_that_refuses_0_w_is_stopped_in_another_way(
    protocol: Protocol, dialect: DischargeDialect, socket_enabled: None
) -> None:
    async with home_of(protocol, dialect) as home:
        await home.plug()
        await home.grant()
        await home.discharge()
        home.station.set_fault(Fault.REFUSE_ZERO, is_on=True)
        home.station.set_soc(25.0)
        await home.until(lambda: home.is_at_rest, 60, "rest")
        await home.run(120)
        assert home.is_at_rest
