"""Services of the virtual station, asked for by the real server."""

from typing import Any

import pytest

from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.grid_settings import (
    ChangeGridSetting,
    ClearGridSettings,
    ReadGridSettings,
)
from custom_components.v2g_vpp.domain.messages import Direction
from custom_components.v2g_vpp.domain.requests import LogKind, MoveStation, SendLog
from custom_components.v2g_vpp.virtual.config import Protocol
from tests.e2e.loopback_time import in_loopback_time
from tests.e2e.virtual_home import STATION, VirtualHome

every_2_x = pytest.mark.parametrize(
    "protocol", [Protocol.OCPP_2_1, Protocol.OCPP_2_0_1], ids=str
)


async def ask(home: VirtualHome, request: Any) -> dict[str, Any]:
    return dict(await home.site.ask_station(STATION, request))


@every_2_x
@in_loopback_time
async def test_log_is_uploaded_to_the_home(
    protocol: Protocol, socket_enabled: None
) -> None:
    async with VirtualHome(protocol) as home:
        told = await ask(home, SendLog(kind=LogKind.DIAGNOSTICS, request_id=4))
        assert b"Bidirectional 11" in told["content"]
        assert told["file_name"] == "VIRTUAL-1-DiagnosticsLog-4.log"


@every_2_x
@in_loopback_time
async def test_station_is_told_another_address_with_this_one_behind_it(
    protocol: Protocol, socket_enabled: None
) -> None:
    async with VirtualHome(protocol) as home:
        request = MoveStation(url="ws://127.0.0.1:9/none/", security_profile=1)
        told = await ask(home, request)
        assert told["priority"] == [2, 1]
        boots = home.truth.boot_count
        home.station.reboot()
        await home.until(lambda: home.truth.boot_count > boots, 60, "reboot")
        # Nobody is there: after three tries it dials this home again.
        await home.until(lambda: home.truth.is_connected, 120, "back again")


@in_loopback_time
async def test_limit_of_the_grid_holds_below_what_the_owner_wants(
    socket_enabled: None,
) -> None:
    async with VirtualHome(Protocol.OCPP_2_1) as home:
        await home.plug()
        await home.grant()
        await home.discharge()
        settings = {"priority": 1, "pctMaxDischargePower": 30.0}
        change = ChangeGridSetting(
            control_id="night",
            kind="LimitMaxDischarge",
            settings=settings,
            is_default=True,
        )
        await ask(home, change)
        await home.until(lambda: home.power_w > -3_400, 30, "the limit")
        found = (await ask(home, ReadGridSettings()))["settings"]
        assert [each["id"] for each in found] == ["night"]
        # Obeying it is no fault: nothing stops, nothing is tried again and again.
        transaction_id = home.truth.transaction_id
        await home.run(60)
        assert -3_400 < home.power_w < -3_000
        assert home.truth.transaction_id == transaction_id
        assert home.evse.faults == ()
        await ask(home, ClearGridSettings(is_default=True, control_id="night"))
        await home.until(lambda: home.power_w < -4_700, 60, "all of it again")


def said(home: VirtualHome, *words: str) -> int:
    """Return how many frames of the station have all of some words."""
    recording = home.server.recording(STATION)
    assert recording is not None
    return sum(
        message.direction is Direction.FROM_STATION
        and all(word in message.text for word in words)
        for message in recording.messages
    )


@in_loopback_time
async def test_power_comes_as_a_stream_that_the_home_asked_for(
    socket_enabled: None,
) -> None:
    async with VirtualHome(Protocol.OCPP_2_1) as home:
        await home.plug()
        await home.until(
            lambda: said(home, "[6,", "NotifyPeriodicEventStream") > 5, 120, "a stream"
        )


@every_2_x
@in_loopback_time
async def test_hot_handle_is_seen_by_the_monitor_of_the_home(
    protocol: Protocol, socket_enabled: None
) -> None:
    async with VirtualHome(protocol) as home:
        await home.plug()
        await home.run(30)
        home.station.set_handle_temperature(97.0)
        code = FaultCode.HANDLE_OVER_TEMPERATURE
        await home.until(lambda: code in home.evse.faults, 30, "E-84")
