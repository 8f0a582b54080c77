"""What else the home asks of a station, at a station that really does it."""

from dataclasses import replace
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.errors import RequestNotSent
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.grid_settings import (
    ChangeGridSetting,
    ClearGridSettings,
    GridEvent,
    ReadGridSettings,
)
from custom_components.v2g_vpp.domain.requests import (
    CheckProfiles,
    LogKind,
    MoveStation,
    SendLog,
)
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.virtual.config import Protocol
from tests.e2e.loopback_time import in_loopback_time
from tests.e2e.virtual_home import KEY, STATION, VirtualHome


def home(protocol: Protocol = Protocol.OCPP_2_1) -> VirtualHome:
    dialect = (
        DischargeDialect.V21_DYNAMIC
        if protocol is Protocol.OCPP_2_1
        else DischargeDialect.NEG_LIMIT_W
    )
    return VirtualHome(protocol, dialect, takes_negative_limits=True)


async def discharging(home: VirtualHome, power_w: float = -5_000.0) -> None:
    await home.plug()
    await home.grant()
    await home.discharge(power_w)


@pytest.mark.parametrize("protocol", [Protocol.OCPP_2_1, Protocol.OCPP_2_0_1])
@in_loopback_time
async def test_a_hot_handle_is_told_by_a_monitor_and_stops(
    protocol: Protocol, socket_enabled: None
) -> None:
    async with home(protocol) as here:
        await discharging(here)
        here.station.set_handle_temperature(90.0)
        await here.until(lambda: here.is_at_rest, 60, "rest when the handle is hot")
        assert here.evse.faults == (FaultCode.HANDLE_OVER_TEMPERATURE,)
        here.station.set_handle_temperature(30.0)
        await here.run(700)
        await here.site.reset_emergency_stop(KEY)
        await here.until(lambda: not here.evse.faults, 10, "no fault any more")
        await here.plug()
        await here.until(lambda: here.power_w < -4_000, 180, "and again")


@in_loopback_time
async def test_power_comes_as_a_stream_once_the_meter_agreed(
    socket_enabled: None,
) -> None:
    async with home() as here:
        await discharging(here)
        await here.run(60)
        streams = here.server._stations[STATION].streams
        opened = {stream.monitor.subject.key[2] for stream in streams._streams.values()}
        assert opened == {"power"}
        assert streams._evses[1].matches >= 3
        assert streams._evses[1].signed_w(here.clock.monotonic()) == pytest.approx(
            here.power_w, abs=300
        )
        assert not here.evse.faults


@in_loopback_time
async def test_a_grid_setting_really_limits_and_is_on_record(
    socket_enabled: None,
) -> None:
    async with home() as here:
        await discharging(here)
        answer = await here.site.ask_station(
            STATION,
            ChangeGridSetting(
                control_id="lim20",
                kind="LimitMaxDischarge",
                settings={"priority": 0, "pctMaxDischargePower": 20.0},
                is_default=True,
                asked_by="owner",
            ),
        )
        assert answer["control_id"] == "lim20"
        await here.until(lambda: here.power_w > -2_600, 60, "the limit")
        assert here.power_w < -1_000, "it still discharges"
        read = await here.site.ask_station(STATION, ReadGridSettings())
        assert [item["id"] for item in read["settings"]] == ["lim20"]
        await here.site.ask_station(
            STATION, ClearGridSettings(is_default=True, control_id="lim20")
        )
        await here.until(lambda: here.power_w < -4_500, 60, "all of it again")
        station = here.site.snapshot.station(STATION)
        assert station is not None
        events = [note.event for note in station.grid_notes]
        assert events[0] is GridEvent.SET
        assert GridEvent.CLEARED in events


@in_loopback_time
async def test_the_profiles_of_a_discharge_are_ours_alone(
    socket_enabled: None,
) -> None:
    async with home() as here:
        await discharging(here)
        told = await here.site.ask_station(STATION, CheckProfiles())
        assert told["findings"] == []
        ours = {item["purpose"] for item in told["profiles"] if item["is_ours"]}
        assert ours == {"TxDefaultProfile", "TxProfile", "PriorityCharging"}
        assert told["schedule_w"]["1"] == pytest.approx(-5_000, abs=300)


@pytest.mark.parametrize("protocol", [Protocol.OCPP_2_1, Protocol.OCPP_2_0_1])
@in_loopback_time
async def test_a_log_comes_to_the_home(
    protocol: Protocol, socket_enabled: None
) -> None:
    async with home(protocol) as here:
        told = await here.site.ask_station(
            STATION, SendLog(kind=LogKind.DIAGNOSTICS, request_id=7)
        )
        assert len(told["content"]) > 0


@pytest.mark.parametrize("protocol", list(Protocol))
@in_loopback_time
async def test_another_address_is_kept_by_those_who_can(
    protocol: Protocol, socket_enabled: None
) -> None:
    async with home(protocol) as here:
        request = MoveStation(url="wss://operator.example/ocpp/", security_profile=2)
        if protocol is Protocol.OCPP_1_6:
            with pytest.raises(RequestNotSent):
                await here.site.ask_station(STATION, request)
            return
        told: dict[str, Any] = dict(await here.site.ask_station(STATION, request))
        assert told["priority"][0] == told["slot"]
        assert set(told["priority_before"]) < set(told["priority"])


@in_loopback_time
async def test_the_button_at_the_charger_charges(socket_enabled: None) -> None:
    async with home() as here:
        await discharging(here)
        assert here.station.press_priority()
        await here.until(lambda: here.power_w > 1_000, 60, "charging by the button")
        assert here.evse.discharge_blocked_by is Reason.PRIORITY_CHARGING
        await here.run(120)
        assert not here.evse.faults
        assert here.station.press_priority()
        await here.until(lambda: here.power_w < -4_500, 120, "discharge again")


@in_loopback_time
async def test_the_floor_that_the_vehicle_names_holds(socket_enabled: None) -> None:
    async with home() as here:
        await here.plug()
        vehicle = here.site._registry.vehicles[next(iter(here.site._registry.vehicles))]
        vehicle.policy = replace(
            vehicle.policy, reserve_percent=5.0, vpp_reserve_percent=5.0
        )
        await here.grant()
        await here.discharge()
        # The virtual vehicle does not go below 10 % itself.
        here.station.set_soc(10.0)
        await here.until(lambda: here.is_at_rest, 60, "rest at its own floor")
        assert here.evse.discharge_blocked_by is Reason.VEHICLE_LIMIT
